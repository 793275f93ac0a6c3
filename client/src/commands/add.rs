//! `socktop add`: pairing lines become profiles with a key and a token.

use std::io::{BufRead, Read, Write};

use socktop_proto::pairing::{self, MAX_BYTES, Pairing, PairingError, Pin};

use super::{CommandError, usable};
use crate::config::agent_url::{AgentUrl, AgentUrlError};
use crate::config::paths::Home;
use crate::config::profiles::{Profile, Profiles, ProfilesError};
use crate::secrets::recipient::Recipient;
use crate::secrets::token::{InvalidToken, Token};
use crate::secrets::token_store::StoreError;
use crate::text::sanitize::{clean, is_junk};
use crate::trust::known_agents::KnownError;

/// Longest name that is taken from a line, in bytes: a file has to have it.
const LONGEST_NAME: usize = 60;

/// Why one line was not added. No message shows what may be a secret.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error(transparent)]
    Pairing(#[from] PairingError),
    #[error(
        "{host:?} is no name that can be dialled ({source}); have the line made with one: sudo socktop-agent pair --host \
         NAME-OR-ADDRESS"
    )]
    Host { host: String, source: AgentUrlError },
    #[error(transparent)]
    Token(#[from] InvalidToken),
    #[error("--name is for one line; give the lines one by one, or rename the profiles afterwards")]
    Named,
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The user has to agree first.
    #[error("{}", .0.refusal())]
    Conflict(Conflict),
    #[error("its key was not accepted; nothing was changed")]
    Declined,
}

impl From<ProfilesError> for LineError {
    fn from(error: ProfilesError) -> Self {
        Self::Command(error.into())
    }
}

impl From<KnownError> for LineError {
    fn from(error: KnownError) -> Self {
        Self::Command(error.into())
    }
}

impl From<StoreError> for LineError {
    fn from(error: StoreError) -> Self {
        Self::Command(error.into())
    }
}

/// What is known of an agent and contradicts the key in its line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Conflict {
    authority: String,
    given: Pin,
    known: Known,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Known {
    /// Another key is remembered.
    Key(Pin),
    /// This profile is trusted by certificates, or has a token that may be for any agent at this address.
    Profile(String),
}

impl Conflict {
    /// How the agent at `authority` is known, where its key is not `given`.
    fn find(
        home: &Home,
        profiles: &Profiles,
        authority: &str,
        given: Pin,
    ) -> Result<Option<Self>, KnownError> {
        let known = match home.known_agents().pin_of(authority)? {
            Some(pin) => (pin != given).then_some(Known::Key(pin)),
            None => profiles
                .profiles
                .iter()
                .find(|(_, profile)| {
                    let has_open_token = profile.has_token()
                        && !matches!(profile.token_for, Some(Recipient::Key(_)));
                    profile.tls_authority().as_deref() == Some(authority)
                        && (profile.tls_ca.is_some() || has_open_token)
                })
                .map(|(name, _)| Known::Profile(name.clone())),
        };
        Ok(known.map(|known| Self {
            authority: authority.to_owned(),
            given,
            known,
        }))
    }

    fn question(&self) -> String {
        let Self {
            authority, given, ..
        } = self;
        match &self.known {
            Known::Key(pin) => format!(
                "{authority} is known by another key:\n  remembered {pin}\n  this line  {given}\n\
                 That is right only if the host was reinstalled or its key was replaced: compare it with what 'sudo \
                 socktop-agent fingerprint' prints there.\nReplace the remembered key?"
            ),
            Known::Profile(name) => format!(
                "The profile {} trusts {authority} already, and not by this key:\n  {given}\n\
                 Compare it with what 'sudo socktop-agent fingerprint' prints there.\nTrust this key from now on?",
                clean(name)
            ),
        }
    }

    fn refusal(&self) -> String {
        let authority = &self.authority;
        let given = self.given.short();
        match &self.known {
            Known::Key(pin) => format!(
                "another key is remembered for {authority}, {}, than this line's {given}: only your yes at a terminal \
                 replaces it. If that host was reinstalled: socktop forget {authority}, and add the line again",
                pin.short()
            ),
            Known::Profile(name) => format!(
                "the profile {0} trusts {authority} already, and not by this line's key {given}: only your yes at a \
                 terminal changes that. Or first: socktop remove {0}",
                clean(name)
            ),
        }
    }
}

/// Adds the agents of all pairing lines in `input`; other text is ignored. Added profiles are reported on
/// `out`, errors in a line on `err`; the other lines are added all the same. Where a line's key is not the known one,
/// `confirm` asks the user, when everything is read; it gives `None` where there is no terminal to ask in.
///
/// # Errors
/// Where a line was not added, or there was none.
pub(super) fn add(
    home: &Home,
    mut input: impl BufRead,
    name: Option<&str>,
    confirm: impl Fn(&str) -> Option<bool>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> Result<(), CommandError> {
    let (mut number, mut total, mut bad) = (0_usize, 0, 0);
    let mut conflicts = Vec::new();
    while let Some(text) = next_line(&mut input)? {
        number += 1;
        for line in candidates(&text) {
            total += 1;
            let added = if name.is_some() && total > 1 {
                Err(LineError::Named)
            } else {
                add_line(home, line, name, None)
            };
            match added {
                Err(LineError::Conflict(conflict)) => {
                    conflicts.push((number, line.to_owned(), conflict));
                }
                added => bad += report(number, added, out, err)?,
            }
        }
    }
    for (number, line, conflict) in conflicts {
        let added = match confirm(&conflict.question()) {
            Some(true) => add_line(home, &line, name, Some(&conflict)),
            Some(false) => Err(LineError::Declined),
            None => Err(LineError::Conflict(conflict)),
        };
        bad += report(number, added, out, err)?;
    }
    match (total, bad) {
        (0, _) => Err(CommandError::NoLines),
        (_, 0) => Ok(()),
        (total, bad) => Err(CommandError::Lines { bad, total }),
    }
}

/// Reports the result of one line; returns how many were not added, one or none.
fn report(
    number: usize,
    added: Result<String, LineError>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> std::io::Result<usize> {
    match added {
        Ok(added) => {
            writeln!(out, "{added}")?;
            out.flush()?;
            Ok(0)
        }
        Err(error) => {
            writeln!(err, "socktop: line {number}: {error}")?;
            Ok(1)
        }
    }
}

/// The pairing lines in `text`, and what seems to be the rest of one. Comments are none.
fn candidates(text: &str) -> Vec<&str> {
    let text = text.trim();
    if text.starts_with('#') {
        return Vec::new();
    }
    let found: Vec<_> = pairing::find(text).collect();
    if found.is_empty() && text.contains("pin=sha256:") {
        return vec![text];
    }
    found
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

/// Adds the agent of one line; `agreed` is what the user was asked about and said yes to.
fn add_line(
    home: &Home,
    line: &str,
    name: Option<&str>,
    agreed: Option<&Conflict>,
) -> Result<String, LineError> {
    let pairing: Pairing = line.parse()?;
    let url = format!("wss://{}:{}/ws", pairing.host, pairing.port);
    let target: AgentUrl = url.parse().map_err(|source| LineError::Host {
        host: clean(&pairing.host).into_owned(),
        source,
    })?;
    let token = pairing.token.as_deref().map(Token::new).transpose()?;
    if let Some(name) = name {
        usable(name)?;
    }
    let authority = target.authority();
    let known = home.known_agents();
    let replaced = match agreed.map(|conflict| &conflict.known) {
        Some(Known::Key(old)) => {
            // In this order: no crash in between leaves a token that goes to the new key.
            Profiles::bind_tokens(&home.profiles, &authority, *old)?;
            known.replace(&authority, *old, pairing.pin)?;
            Some(*old)
        }
        _ => None,
    };
    let name = Profiles::update(&home.profiles, |profiles| {
        let name = match name {
            Some(name) if is_free(profiles, name, &authority) => name.to_owned(),
            Some(name) => return Err(CommandError::Taken(name.to_owned()).into()),
            None => free_name(profiles, &pairing, &authority),
        };
        if let Some(conflict) = Conflict::find(home, profiles, &authority, pairing.pin)?
            && agreed != Some(&conflict)
        {
            return Err(LineError::Conflict(conflict));
        }
        known.remember(&authority, pairing.pin)?;
        let profile = profiles
            .profiles
            .entry(name.clone())
            .or_insert_with(|| Profile::new(String::new()));
        profile.url = target.to_url();
        // From now on it is known by its key.
        profile.tls_ca = None;
        if let Some(token) = &token {
            profile.token_file = Some(home.tokens().store(&name, token)?);
            profile.token_for = Some(Recipient::Key(pairing.pin));
        } else if !profile.has_token() {
            profile.token_for = None;
        }
        Ok::<_, LineError>(name)
    })?;
    Ok(confirmation(&name, &target, pairing.pin, replaced))
}

fn confirmation(name: &str, target: &AgentUrl, pin: Pin, replaced: Option<Pin>) -> String {
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
        .is_none_or(|profile| profile.tls_authority().as_deref() == Some(authority))
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
