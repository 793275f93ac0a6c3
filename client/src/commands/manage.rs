//! `socktop remove`, `rename` and `forget`.

use std::io::Write;

use super::{CommandError, unknown, usable};
use crate::config::agent_url::AgentUrl;
use crate::config::paths::Home;
use crate::config::profiles::Profiles;
use crate::text::sanitize::clean;

/// Removes the profile `name`, its token where socktop stored that, and the key of its agent where no other profile is
/// of that agent.
pub(super) fn remove(home: &Home, name: &str, out: &mut impl Write) -> Result<(), CommandError> {
    let (profile, unused) = Profiles::update(&home.profiles, |profiles| {
        let profile = profiles
            .profiles
            .remove(name)
            .ok_or_else(|| unknown(name, profiles))?;
        let authority = profile.tls_authority();
        let others = || profiles.profiles.values();
        let unused_authority = authority
            .filter(|of_it| others().all(|other| other.tls_authority().as_ref() != Some(of_it)));
        let token_file = profile
            .token_file
            .clone()
            .filter(|file| others().all(|other| other.token_file.as_ref() != Some(file)));
        // Before the profile is removed: an interruption in between leaves no token without a profile.
        let token_removed = token_file.is_some_and(|file| home.tokens().remove(&file));
        Ok::<_, CommandError>((profile, (unused_authority, token_removed)))
    })?;
    let (authority, token_removed) = unused;
    let mut removed = Vec::new();
    if token_removed {
        removed.push("its stored token");
    }
    if let Some(authority) = authority
        && home.known_agents().forget(&authority)?
    {
        removed.push("its remembered key");
    }
    let also = match removed.as_slice() {
        [] => String::new(),
        removed => format!(", {}", removed.join(" and ")),
    };
    let url = profile.url.split('?').next().unwrap_or_default();
    writeln!(out, "removed {}: {}{also}", clean(name), clean(url))?;
    Ok(())
}

/// Calls the profile `old` `new`, and so the file of its token where socktop stored that.
pub(super) fn rename(
    home: &Home,
    old: &str,
    new: &str,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    usable(new)?;
    let tokens = home.tokens();
    let left = Profiles::update(&home.profiles, |profiles| {
        let mut profile = profiles
            .profiles
            .get(old)
            .cloned()
            .ok_or_else(|| unknown(old, profiles))?;
        if profiles.profiles.contains_key(new) {
            return Err(CommandError::Taken(new.to_owned()));
        }
        let stored = profile.token_file.clone();
        let stored = stored.filter(|file| *file == tokens.file_of(old));
        if let Some(file) = &stored {
            profile.token_file = Some(tokens.copy(file, new)?);
        }
        profiles.profiles.remove(old);
        let shared = profiles
            .profiles
            .values()
            .any(|other| other.token_file == stored);
        profiles.profiles.insert(new.to_owned(), profile);
        Ok(stored.filter(|_| !shared))
    })?;
    if let Some(file) = left {
        // It was there a moment ago; a copy more or less is the user's own.
        let _ = tokens.remove(&file);
    }
    writeln!(out, "renamed {} to {}", clean(old), clean(new))?;
    Ok(())
}

/// Forgets the key of `host`, which may be a profile's name. The next connection is as the first one.
pub(super) fn forget(home: &Home, host: &str, out: &mut impl Write) -> Result<(), CommandError> {
    let profiles = Profiles::load(&home.profiles)?;
    let address = profiles
        .profiles
        .get(host)
        .map_or(host, |profile| profile.url.as_str());
    let authority = address.parse::<AgentUrl>()?.authority();
    let known = home.known_agents();
    // A line that cannot be read names no key, and is forgotten all the same.
    if let Ok(Some(key)) = known.pin_of(&authority) {
        Profiles::bind_tokens(&home.profiles, &authority, key)?;
    }
    if !known.forget(&authority)? {
        let remembered = known.authorities()?;
        return Err(CommandError::NotRemembered {
            authority,
            known: match remembered.as_slice() {
                [] => "none is remembered".to_owned(),
                remembered => format!("there are: {}", clean(&remembered.join(", "))),
            },
        });
    }
    writeln!(
        out,
        "forgot the key of {authority}; the next connection asks whether to trust the one that it presents then"
    )?;
    Ok(())
}
