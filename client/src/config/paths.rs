//! Paths of the user's files, by the XDG base directories.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::config::profiles::{self, ProfilesError};
use crate::secrets::private_file::remove_left_draft;
use crate::secrets::token_store::Tokens;
use crate::trust::known_agents::KnownAgents;

/// This user's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The saved agents: `$XDG_CONFIG_HOME/socktop/profiles.json`, else `~/.config/socktop/profiles.json`.
    pub profiles: PathBuf,
    /// What socktop keeps by itself: `$XDG_DATA_HOME/socktop`, else `~/.local/share/socktop`.
    pub data: PathBuf,
}

impl Home {
    /// The files' places, by the environment's `XDG_CONFIG_HOME`, `XDG_DATA_HOME` and `HOME`.
    ///
    /// # Errors
    /// Where there is no place for profiles.
    pub fn of(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, ProfilesError> {
        let profiles = profiles::path(&variable)?;
        let set = |name| variable(name).filter(|value| !value.is_empty());
        let data = set("XDG_DATA_HOME")
            .map(|folder| Path::new(&folder).join("socktop"))
            .or_else(|| set("HOME").map(|home| Path::new(&home).join(".local/share/socktop")))
            // Without a home but with a place for profiles: there.
            .unwrap_or_else(|| profiles.with_file_name(""));
        Ok(Self { profiles, data })
    }

    /// Removes what a program that was killed while it wrote left of this user's files.
    pub fn remove_left_drafts(&self) {
        remove_left_draft(&self.profiles);
        remove_left_draft(self.known_agents().path());
        self.tokens().remove_left_drafts();
    }

    /// The agents whose keys are remembered.
    #[must_use]
    pub fn known_agents(&self) -> KnownAgents {
        KnownAgents::at(self.data.join("known_agents"))
    }

    /// The tokens that socktop stored itself, one file a profile.
    #[must_use]
    pub fn tokens(&self) -> Tokens {
        Tokens::at(self.data.join("tokens"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_the_environment() {
        let of = |variables: &[(&str, &str)]| {
            Home::of(|name| {
                let value = variables.iter().find(|(key, _)| *key == name)?.1;
                Some(value.into())
            })
        };
        let home = of(&[("HOME", "/home/x"), ("XDG_DATA_HOME", "")]).unwrap();
        assert_eq!(home.data, Path::new("/home/x/.local/share/socktop"));
        assert_eq!(
            home.profiles,
            Path::new("/home/x/.config/socktop/profiles.json")
        );
        let home = of(&[("HOME", "/home/x"), ("XDG_DATA_HOME", "/d")]).unwrap();
        assert_eq!(home.data, Path::new("/d/socktop"));
        let home = of(&[("XDG_CONFIG_HOME", "/c")]).unwrap();
        assert_eq!(home.tokens().file_of("x"), Path::new("/c/socktop/tokens/x"));
        assert!(of(&[("XDG_DATA_HOME", "/d")]).is_err());
    }
}
