//! Saves the options of the command line as a profile.

use std::path::PathBuf;

use crate::config::agent_url::AgentUrl;
use crate::config::paths::Home;
use crate::config::profiles::{Profile, Profiles, ProfilesError};
use crate::secrets::token::Token;
use crate::secrets::token_store::StoreError;

/// A profile to save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Save {
    /// Its name.
    pub name: String,
    /// What to save. A token in its URL goes into a file of its own.
    pub profile: Profile,
    /// Whether another profile of that name is lost, so that the user has to agree.
    pub ask: bool,
}

/// A profile that cannot be saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The file of profiles.
    #[error(transparent)]
    Profiles(#[from] ProfilesError),
    /// The token's file.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Save {
    /// What to ask the user before it is saved.
    #[must_use]
    pub fn question(&self) -> Option<String> {
        self.ask
            .then(|| format!("Overwrite the profile {:?}?", self.name))
    }

    /// Whether it is saved already; the recipient of its token is not compared.
    #[must_use]
    pub fn is_done(&self, home: &Home) -> bool {
        let (mut profile, token) = self.without_token();
        if let Some(token) = token {
            let file = home.tokens().file_of(&self.name);
            if Token::from_file(&file).ok() != Some(token) {
                return false;
            }
            profile.token_file = Some(file);
        }
        Profiles::load(&home.profiles).is_ok_and(|profiles| {
            profiles.profiles.get(&self.name).is_some_and(|saved| {
                profile.token_for.clone_from(&saved.token_for);
                *saved == profile
            })
        })
    }

    /// Saves it among the others. Gives the file that its token went to, where its URL had one.
    ///
    /// # Errors
    /// Where a file cannot be read or written.
    pub fn apply(self, home: &Home) -> Result<Option<PathBuf>, SaveError> {
        let (mut profile, token) = self.without_token();
        Profiles::update(&home.profiles, |profiles| {
            let stored = token
                .map(|token| home.tokens().store(&self.name, &token))
                .transpose()?;
            if stored.is_some() {
                profile.token_file.clone_from(&stored);
            }
            profiles.profiles.insert(self.name, profile);
            Ok(stored)
        })
    }

    /// The profile, and the token that its URL had. A token file takes precedence: then the token stays in the URL.
    fn without_token(&self) -> (Profile, Option<Token>) {
        let mut profile = self.profile.clone();
        if profile.token_file.is_some() {
            return (profile, None);
        }
        let target = profile.url.parse::<AgentUrl>().ok();
        let token = target.as_ref().and_then(|target| target.token().cloned());
        if let (Some(target), Some(_)) = (target, &token) {
            profile.url = target.without_token().to_url();
        }
        (profile, token)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::secrets::recipient::Recipient;

    fn save(name: &str, url: &str) -> Save {
        Save {
            name: name.to_owned(),
            profile: Profile::new(url.to_owned()),
            ask: false,
        }
    }

    fn home(folder: &tempfile::TempDir) -> Home {
        Home {
            profiles: folder.path().join("config/profiles.json"),
            data: folder.path().join("data"),
        }
    }

    #[test]
    fn saved_profile_is_added_to_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder);
        for name in ["one", "two"] {
            let save = save(name, "ws://one:3000/ws");
            assert!(!save.is_done(&home));
            assert_eq!(save.clone().apply(&home).unwrap(), None);
            assert!(save.is_done(&home));
        }
        let profiles = Profiles::load(&home.profiles).unwrap().profiles;
        assert_eq!(profiles.keys().collect::<Vec<_>>(), ["one", "two"]);
    }

    #[test]
    fn bound_token_does_not_make_a_profile_differ() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder);
        let save = save("one", "wss://one:8443/ws?token=s3cret");
        save.clone().apply(&home).unwrap();
        let recipient = Recipient::from("vouched:one:8443".to_owned());
        let bind = |authority| Profiles::bind_token(&home.profiles, "one", authority, &recipient);
        let token_for = || {
            let profiles = Profiles::load(&home.profiles).unwrap();
            profiles.profiles.get("one").unwrap().token_for.clone()
        };
        bind("two:8443").unwrap();
        assert_eq!(token_for(), None, "the profile is of another agent by now");
        bind("one:8443").unwrap();
        assert_eq!(token_for(), Some(recipient.clone()));
        assert!(save.is_done(&home));
    }

    #[test]
    fn a_token_in_the_url_is_stored_in_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(&folder);
        let save = |token: &str| save("one", &format!("ws://one:3000/ws?x=1&token={token}"));
        let file = save("s3cret").apply(&home).unwrap().unwrap();
        assert_eq!(file, home.tokens().file_of("one"));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "s3cret\n");
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = std::fs::read_to_string(&home.profiles).unwrap();
        assert!(
            text.contains("\"ws://one:3000/ws?x=1\"") && !text.contains("s3cret"),
            "{text}"
        );
        assert!(save("s3cret").is_done(&home));
        assert!(!save("other").is_done(&home));
    }
}
