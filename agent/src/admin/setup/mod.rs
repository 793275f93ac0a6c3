//! `socktop-agent setup`: makes what a host lacks, before systemd listens: a token and a TLS identity.
//!
//! It runs as root at every start of the socket. What the admin has put there is never touched. What setup made
//! belongs to one machine: on a cloned card, which is recognized by its machine-id, it is created anew.

mod gpu;
mod host;

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::admin::host_files::{GeneratedTokens, HostFiles, TokenFileError};
use crate::atomic_file;
use crate::auth::token::{Token, TokenError};
use crate::auth::token_file::{NamedToken, Rights, TokenName, Tokens};
use crate::tls::credentials::Pairs;
use crate::tls::identity::{self, IdentityError};
pub use gpu::{GpuError, allow_gpus};
use host::Host;

/// No identity can be had.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is no usable TLS identity in {folder}, and none can be made: {source}; run 'socktop-agent setup' as root \
     while the folder can be written, or put a cert.pem and its key.pem there"
)]
pub struct SetupError {
    folder: PathBuf,
    source: IdentityError,
}

/// Makes what is missing below `root`, `/` but in tests, whose agent's settings may name more of the host's names.
///
/// # Errors
/// Where no usable TLS identity can be had at all. Whatever else goes wrong is logged.
pub fn run(root: &Path) -> Result<(), SetupError> {
    let setup = Setup::new(root);
    if let Err(error) = setup.make_folder() {
        let folder = setup.etc.tls.display();
        tracing::warn!(%error, "making {folder} accessible to root alone: {error}");
    }
    // Held until the end: another setup waits, then finds everything made.
    let _lock = setup.etc.lock();
    setup.make()
}

struct Setup {
    host: Host,
    etc: HostFiles,
    machine_id: PathBuf,
    pairs: Pairs,
}

impl Setup {
    fn new(root: &Path) -> Self {
        let etc = HostFiles::below(root);
        Self {
            host: Host::read(root, &etc.settings),
            machine_id: etc.machine_id(),
            pairs: etc.pairs(),
            etc,
        }
    }

    fn make_folder(&self) -> io::Result<()> {
        if let Some(folder) = self.etc.tls.parent() {
            atomic_file::make_folder(folder, 0o755)?;
            // Older versions made it with whatever mode the umask gave.
            if forbid(folder, 0o002)? {
                let folder = folder.display();
                tracing::warn!("everybody could change {folder}: closing it to others");
            }
        }
        atomic_file::make_folder(&self.etc.tls, 0o700)?;
        forbid(&self.etc.tls, 0o077).map(drop)
    }

    fn make(&self) -> Result<(), SetupError> {
        let remembered = fs::read_to_string(&self.machine_id).unwrap_or_default();
        let cloned = match &self.host.machine_id {
            Some(machine_id) => !remembered.is_empty() && remembered.trim() != machine_id,
            // An image that has not booted yet, or no systemd: nothing can be said.
            None => false,
        };
        if cloned {
            tracing::warn!(
                event = "cloned",
                "the machine-id has changed, so this is a copy of another machine: what was made there is made anew"
            );
        }
        let token = self.make_token(cloned);
        if let Err(error) = &token {
            tracing::error!(%error, "there is no token to let clients in by: {error}");
        }
        let identity = self.make_identity(cloned);
        if token.is_ok() && identity.is_ok() {
            self.remember_machine(&remembered);
        }
        self.judge(identity)
    }

    fn make_token(&self, cloned: bool) -> Result<(), TokenFileError> {
        let mut tokens = match fs::read_to_string(&self.etc.token) {
            // A file that the power failed on may be empty.
            Ok(text) if text.trim().is_empty() => Tokens::default(),
            Ok(text) => Tokens::parse(&text, &self.etc.token.display().to_string())?,
            Err(error) if error.kind() == ErrorKind::NotFound => Tokens::default(),
            Err(source) => {
                let path = self.etc.token.clone();
                return Err(TokenError::Unreadable { path, source }.into());
            }
        };
        if cloned {
            let made = GeneratedTokens::in_folder(&self.etc.tls);
            let all = tokens.iter().count();
            tokens.retain(|named| !made.include(named.token.reveal()));
            if tokens.iter().count() < all && !tokens.is_empty() {
                self.etc.write_tokens(&tokens)?;
            }
        }
        if !tokens.is_empty() {
            return Ok(());
        }
        let token = Token::generate()?;
        self.etc.remember_made(token.reveal())?;
        tokens.add(NamedToken {
            name: TokenName::default(),
            rights: Rights::Full,
            token,
        });
        self.etc.write_tokens(&tokens)?;
        tracing::info!("made the token {}", self.etc.token.display());
        Ok(())
    }

    fn make_identity(&self, cloned: bool) -> Result<(), IdentityError> {
        let made = &self.pairs.made;
        if cloned {
            // Its certificate goes with it.
            identity::remove(&made.key)?;
        }
        // A file that the power failed on may hold anything, the key as well as its certificate.
        for _ in 0..2 {
            match self.ensure() {
                Err(IdentityError::Unusable { path, reason, .. }) if path == made.key => {
                    let aside = self.etc.tls.join("self.key.unusable");
                    tracing::error!(
                        "{} holds no key ({reason}): moving it to {} and making another; \
                         clients that know this host have to pair with it again",
                        path.display(),
                        aside.display()
                    );
                    identity::rename(&path, &aside)?;
                }
                Err(error @ (IdentityError::Unusable { .. } | IdentityError::Refused { .. })) => {
                    tracing::warn!(%error, "making another certificate over the key: {error}");
                    identity::remove(&made.certificate)?;
                }
                ensured => return ensured,
            }
        }
        self.ensure()
    }

    /// Makes what the pair lacks, and sees whether it can be used.
    fn ensure(&self) -> Result<(), IdentityError> {
        let made = &self.pairs.made;
        made.ensure(&self.host.name, &self.host.extra_names)?;
        made.server_config(None).map(drop)
    }

    /// Says what the agent will use, and whether it can use anything.
    fn judge(&self, made: Result<(), IdentityError>) -> Result<(), SetupError> {
        let own = &self.pairs.own;
        for path in [&own.certificate, &own.key] {
            if path.is_symlink() {
                tracing::warn!(
                    "{} is a symbolic link, which systemd does not load: put a copy there",
                    path.display()
                );
            }
        }
        match (self.pairs.choose(None), made) {
            (Ok(chosen), made) => {
                if let Some(problem) = chosen.problem {
                    tracing::warn!("{problem}");
                }
                if let Err(error) = made {
                    tracing::error!(%error, "what setup found stays in use: {error}");
                }
                Ok(())
            }
            (Err(source), made) => Err(SetupError {
                folder: self.etc.tls.clone(),
                source: made.err().unwrap_or(source),
            }),
        }
    }

    fn remember_machine(&self, remembered: &str) {
        let machine_id = match &self.host.machine_id {
            Some(machine_id) => machine_id,
            // An image: what was made in it must not be shared by all that are made of it.
            None if remembered.is_empty() => "uninitialized",
            None => return,
        };
        if remembered.trim() == machine_id {
            return;
        }
        if let Err(error) = atomic_file::write(&self.machine_id, &format!("{machine_id}\n"), 0o600)
        {
            let path = self.machine_id.display();
            tracing::error!(%error, "writing {path}, by which a clone is known: {error}");
        }
    }
}

/// Takes the permissions `denied` from a folder, and says whether it had any of them.
fn forbid(folder: &Path, denied: u32) -> io::Result<bool> {
    let mode = fs::metadata(folder)?.permissions().mode();
    if mode & denied == 0 {
        return Ok(false);
    }
    fs::set_permissions(folder, Permissions::from_mode(mode & !denied))?;
    Ok(true)
}

#[cfg(test)]
mod tests;
