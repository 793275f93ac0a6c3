//! `socktop list`: the saved profiles as a table.

use std::io::Write;

use unicode_width::UnicodeWidthStr;

use super::CommandError;
use crate::config::agent_url::AgentUrl;
use crate::config::paths::Home;
use crate::config::profiles::{Profile, Profiles};
use crate::secrets::recipient::Recipient;
use crate::text::sanitize::clean;
use crate::trust::known_agents::KnownAgents;

/// Writes the profiles to `out`.
///
/// # Errors
/// Where the profiles or the remembered keys cannot be read.
pub(super) fn list(home: &Home, out: &mut impl Write) -> Result<(), CommandError> {
    let profiles = Profiles::load(&home.profiles)?;
    if profiles.profiles.is_empty() {
        writeln!(
            out,
            "No profile is saved yet. Make one with: ssh HOST sudo socktop-agent pair | socktop add"
        )?;
        return Ok(());
    }
    let known = home.known_agents();
    let head = ["PROFILE", "ADDRESS", "TRUSTED BY", "TOKEN"].map(String::from);
    let rows = profiles
        .profiles
        .iter()
        .map(|(name, profile)| row(name, profile, &known));
    let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
    let mut widths = [0; 4];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    for row in &rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cell.width() + 2));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn row(name: &str, profile: &Profile, known: &KnownAgents) -> [String; 4] {
    let target = profile.url.parse::<AgentUrl>().ok();
    let address = match &target {
        Some(target) => target.to_string(),
        None => profile.url.split('?').next().unwrap_or_default().to_owned(),
    };
    let has_token = target
        .as_ref()
        .is_some_and(|target| target.token().is_some());
    let mut token = match &profile.token_file {
        Some(path) => format!("file {}", path.display()),
        None if has_token => "in the URL".to_owned(),
        None => "none".to_owned(),
    };
    if let (Some(Recipient::Key(key)), Some(target)) = (&profile.token_for, &target)
        && let Ok(Some(pin)) = known.pin_of(&target.authority())
        && pin != *key
    {
        token.push_str(", of another key");
    }
    [
        name,
        &address,
        &trusted_by(target.as_ref(), profile, known),
        &token,
    ]
    .map(|cell| clean(cell).into_owned())
}

fn trusted_by(target: Option<&AgentUrl>, profile: &Profile, known: &KnownAgents) -> String {
    let Some(target) = target else {
        return "no usable address".to_owned();
    };
    if !target.is_tls() {
        return "nothing (no TLS)".to_owned();
    }
    if let Some(path) = &profile.tls_ca {
        return format!("file {}", path.display());
    }
    match known.pin_of(&target.authority()) {
        Ok(Some(pin)) => format!("key {}", pin.short()),
        Ok(None) => "not yet".to_owned(),
        Err(_) => "an unusable line in known_agents".to_owned(),
    }
}
