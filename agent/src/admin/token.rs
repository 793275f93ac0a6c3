//! `socktop-agent token`: manages access tokens and their rights. It edits the file of tokens and has the service read it anew.

use std::fmt::Write;
use std::path::Path;

use socktop_proto::pairing::Pairing;

use super::pair::{is_this_system, line, unknown};
use super::{AdminError, PairOptions, service};
use crate::admin::host_files::{HostFiles, TokenFileError};
use crate::auth::token::{Token, TokenError};
use crate::auth::token_file::{NamedToken, Rights, TokenName, Tokens};

/// Makes a token, and gives the line to pair by it.
///
/// # Errors
/// Where there is one of its name, the file cannot be changed, or this host has no identity.
pub fn add_token(
    root: &Path,
    name: &TokenName,
    rights: Rights,
    options: &PairOptions,
) -> Result<Pairing, AdminError> {
    let etc = HostFiles::below(root);
    let named = NamedToken {
        name: name.clone(),
        rights,
        token: Token::generate().map_err(TokenFileError::from)?,
    };
    // Before anything is changed: a token that cannot be shown is of no use.
    let pairing = line(root, &etc, &named, options)?;
    change(root, &etc, |tokens| {
        if tokens.get(name.as_str()).is_some() {
            return Err(AdminError::TakenName {
                name: name.to_string(),
            });
        }
        etc.remember_made(named.token.reveal())?;
        tokens.add(named.clone());
        Ok(())
    })?;
    Ok(pairing)
}

/// Takes a token back. Sessions by it end.
///
/// # Errors
/// If no token has that name, it is the last one, or the file cannot be changed.
pub fn revoke_token(root: &Path, name: &str) -> Result<(), AdminError> {
    change(root, &HostFiles::below(root), |tokens| {
        if tokens.get(name).is_none() {
            return Err(unknown(name, tokens));
        }
        tokens.retain(|named| named.name.as_str() != name);
        if tokens.is_empty() {
            return Err(AdminError::LastToken {
                name: name.to_owned(),
            });
        }
        Ok(())
    })
}

/// The tokens' names and rights, a line each.
///
/// # Errors
/// Where the file cannot be read.
pub fn list_tokens(root: &Path) -> Result<String, AdminError> {
    let tokens = read(&HostFiles::below(root))?;
    let width = tokens
        .iter()
        .map(|named| named.name.as_str().len())
        .max()
        .unwrap_or_default();
    let mut list = String::new();
    for NamedToken { name, rights, .. } in tokens.iter() {
        // Writing to a String cannot fail.
        let _ = writeln!(list, "{:width$}  {rights}", name.as_str());
    }
    Ok(list)
}

fn read(etc: &HostFiles) -> Result<Tokens, TokenFileError> {
    Ok(Tokens::read(&etc.token)?)
}

/// Changes the file under a lock, and has the service reload it.
fn change(
    root: &Path,
    etc: &HostFiles,
    edit: impl FnOnce(&mut Tokens) -> Result<(), AdminError>,
) -> Result<(), AdminError> {
    let lock = etc.lock().ok_or_else(|| {
        TokenFileError::from(TokenError::Unreadable {
            path: etc.tls.clone(),
            source: std::io::ErrorKind::PermissionDenied.into(),
        })
    })?;
    let mut tokens = read(etc)?;
    edit(&mut tokens)?;
    etc.write_tokens(&tokens)?;
    drop(lock);
    if is_this_system(root) && !service::try_restart() {
        tracing::warn!(
            "the service could not be restarted: run systemctl try-restart socktop-agent.service, else a running \
             agent goes on with the tokens that it has read"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::admin::setup;

    /// A system that is set up.
    fn system() -> (tempfile::TempDir, HostFiles) {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("etc")).unwrap();
        setup::run(root.path()).unwrap();
        let etc = HostFiles::below(root.path());
        (root, etc)
    }

    fn options() -> PairOptions {
        PairOptions {
            host: Some("pi4".to_owned()),
            ..PairOptions::default()
        }
    }

    #[test]
    fn tokens_are_added_listed_and_removed() {
        let (root, etc) = system();
        let name: TokenName = "grafana".parse().unwrap();
        let add = || add_token(root.path(), &name, Rights::Metrics, &options());
        let pairing = add().unwrap();
        assert_eq!((pairing.host.as_str(), pairing.port), ("pi4", 8443));
        let tokens = Tokens::read(&etc.token).unwrap();
        let added = tokens.get("grafana").unwrap();
        assert!(added.token.matches(pairing.token.as_deref().unwrap()));
        assert_eq!(added.rights, Rights::Metrics);
        assert_eq!(
            list_tokens(root.path()).unwrap(),
            "default  full\ngrafana  metrics\n"
        );
        let mode = fs::metadata(&etc.token).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(matches!(add(), Err(AdminError::TakenName { .. })));

        revoke_token(root.path(), "default").unwrap();
        let unknown = revoke_token(root.path(), "default").unwrap_err();
        assert!(unknown.to_string().ends_with("there are: grafana"));
        let last = revoke_token(root.path(), "grafana");
        assert!(matches!(last, Err(AdminError::LastToken { .. })));
        assert_eq!(list_tokens(root.path()).unwrap(), "grafana  metrics\n");
    }

    #[test]
    fn pairing_uses_the_named_token() {
        let (root, _) = system();
        let metrics: TokenName = "grafana".parse().unwrap();
        let added = add_token(root.path(), &metrics, Rights::Metrics, &options()).unwrap();
        let pair = |token: Option<&str>| {
            let token = token.map(str::to_owned);
            super::super::pair(root.path(), &PairOptions { token, ..options() })
        };
        assert_eq!(pair(Some("grafana")).unwrap(), added);
        let default = pair(None).unwrap();
        assert_ne!(default.token, added.token);
        assert_eq!(default.pin, added.pin);
        assert!(pair(Some("nobody")).is_err());
        revoke_token(root.path(), "default").unwrap();
        assert_eq!(pair(None).unwrap(), added);
    }

    #[test]
    fn generated_tokens_are_removed_on_a_clone() {
        let (root, etc) = system();
        let machine = |id: char| {
            let id = id.to_string().repeat(32);
            fs::write(root.path().join("etc/machine-id"), id).unwrap();
            setup::run(root.path()).unwrap();
        };
        machine('a');
        let eve: TokenName = "eve".parse().unwrap();
        add_token(root.path(), &eve, Rights::Full, &options()).unwrap();
        let own = format!(
            "{}the-admins-own name=admin\n",
            fs::read_to_string(&etc.token).unwrap()
        );
        fs::write(&etc.token, own).unwrap();
        machine('b');
        assert_eq!(list_tokens(root.path()).unwrap(), "admin  full\n");
    }

    #[test]
    fn token_is_not_created_without_a_tls_identity() {
        let root = tempfile::tempdir().unwrap();
        let eve: TokenName = "eve".parse().unwrap();
        let error = add_token(root.path(), &eve, Rights::Full, &options()).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("enable --now socktop-agent.socket"),
            "{error}"
        );
    }

    #[test]
    fn pairing_without_tls_is_an_error() {
        let (root, etc) = system();
        fs::write(&etc.settings, "tls.enabled = false\n").unwrap();
        let error = super::super::pair(root.path(), &options()).unwrap_err();
        assert!(error.to_string().contains("agent.toml"), "{error}");
    }
}
