//! `socktop add`: pairing lines become profiles with a key and a token.

use std::io::{BufRead, Read, Write};

use socktop_proto::pairing::{MAX_BYTES, Pairing, PairingError, Pin};

use super::{CommandError, tls_authority, usable};
use crate::home::Home;
use crate::plain::is_junk;
use crate::profiles::{Profile, Profiles};
use crate::target::{Target, TargetError};
use crate::token::{InvalidToken, Token};

/// Longest name that is taken from a line, in bytes: a file has to have it.
const LONGEST_NAME: usize = 60;

/// Why one line was not added. No message shows what may be a secret.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error(transparent)]
    Pairing(#[from] PairingError),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Token(#[from] InvalidToken),
    #[error("--name is for one line; give the lines one by one, or rename the profiles afterwards")]
    Named,
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl From<crate::profiles::ProfilesError> for LineError {
    fn from(error: crate::profiles::ProfilesError) -> Self {
        Self::Command(error.into())
    }
}

impl From<crate::tokens::StoreError> for LineError {
    fn from(error: crate::tokens::StoreError) -> Self {
        Self::Command(error.into())
    }
}

/// Adds the agents of all `lines`; blank ones and comments are left out. What is added is said on `out`, what is wrong
/// with a line on `err`, and the others are added still.
///
/// # Errors
/// Where a line was not added, or there was none.
pub(super) fn add(
    home: &Home,
    mut lines: impl BufRead,
    name: Option<&str>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> Result<(), CommandError> {
    let (mut number, mut total, mut bad) = (0_usize, 0, 0);
    while let Some(line) = next_line(&mut lines)? {
        number += 1;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        total += 1;
        let added = if name.is_some() && total > 1 {
            Err(LineError::Named)
        } else {
            add_line(home, line, name)
        };
        match added {
            Ok(added) => {
                writeln!(out, "{added}")?;
                out.flush()?;
            }
            Err(error) => {
                bad += 1;
                writeln!(err, "socktop: line {number}: {error}")?;
            }
        }
    }
    match (total, bad) {
        (0, _) => Err(CommandError::NoLines),
        (_, 0) => Ok(()),
        (total, bad) => Err(CommandError::Lines { bad, total }),
    }
}

/// The next line; of one that is too long no more than says so.
fn next_line(lines: &mut impl BufRead) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    let most = MAX_BYTES as u64 + 2;
    lines.by_ref().take(most).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if !line.ends_with(b"\n") {
        lines.skip_until(b'\n')?;
    }
    Ok(Some(String::from_utf8_lossy(&line).into_owned()))
}

fn add_line(home: &Home, line: &str, name: Option<&str>) -> Result<String, LineError> {
    let pairing: Pairing = line.parse()?;
    let url = format!("wss://{}:{}/ws", pairing.host, pairing.port);
    let target: Target = url.parse()?;
    let token = pairing.token.as_deref().map(Token::new).transpose()?;
    if let Some(name) = name {
        usable(name)?;
    }
    let authority = target.authority();
    let (name, replaced) = Profiles::update(&home.profiles, |profiles| {
        let name = match name {
            Some(name) if is_free(profiles, name, &authority) => name.to_owned(),
            Some(name) => return Err(CommandError::Taken(name.to_owned()).into()),
            None => free_name(profiles, &pairing, &authority),
        };
        let known = home.known_agents();
        let replaced = known
            .remember(&authority, pairing.pin)
            .map_err(CommandError::Known)?;
        let profile = profiles
            .profiles
            .entry(name.clone())
            .or_insert_with(|| Profile::new(String::new()));
        profile.url = target.to_url();
        // From now on it is known by its key.
        profile.tls_ca = None;
        if let Some(token) = &token {
            profile.token_file = Some(home.tokens().store(&name, token)?);
        }
        Ok::<_, LineError>((name, replaced))
    })?;
    Ok(said(&name, &target, pairing.pin, replaced))
}

fn said(name: &str, target: &Target, pin: Pin, replaced: Option<Pin>) -> String {
    match replaced {
        None => format!("added {name}: {target}"),
        Some(replaced) => {
            format!("added {name}: {target} (its key is {pin} now; it was {replaced})")
        }
    }
}

/// Whether a profile of the agent at `authority` may have this name.
fn is_free(profiles: &Profiles, name: &str, authority: &str) -> bool {
    profiles
        .profiles
        .get(name)
        .is_none_or(|profile| tls_authority(profile).as_deref() == Some(authority))
}

/// What the host calls itself, else its address; with a number where that is another's.
fn free_name(profiles: &Profiles, pairing: &Pairing, authority: &str) -> String {
    let wanted = pairing.name.as_deref().map(clean_name);
    let wanted = wanted
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| clean_name(pairing.host.trim_matches(['[', ']'])));
    let numbered = (2_u64..).map(|number| format!("{wanted}-{number}"));
    std::iter::once(wanted.clone())
        .chain(numbered)
        .find(|name| usable(name).is_ok() && is_free(profiles, name, authority))
        .unwrap_or(wanted)
}

/// A name that can be typed and be a file's, of what a host says.
fn clean_name(name: &str) -> String {
    let name: String = name
        .trim()
        .chars()
        .filter(|character| !is_junk(*character))
        .map(|character| match character {
            '/' => '-',
            character if character.is_whitespace() => '-',
            character => character,
        })
        .collect();
    let name = name.trim_start_matches(['-', '.']);
    let end = name.floor_char_boundary(LONGEST_NAME);
    name.get(..end).unwrap_or_default().to_owned()
}
