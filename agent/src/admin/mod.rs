//! Admin commands, run as root on the host: pairing, the fingerprint of the TLS identity, and access tokens.

mod address;
pub(crate) mod host_files;
mod pair;
mod qr;
mod service;
pub mod setup;
mod token;

use std::path::{Path, PathBuf};

use crate::admin::host_files::{HostFiles, TokenFileError};
use crate::tls::identity::{Identity, IdentityError};
pub use pair::{PairOptions, pair};
pub use qr::{QrError, qr_code};
pub use token::{add_token, list_tokens, revoke_token};

/// A command that cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// There is no identity that clients could know.
    #[error(
        "reading this host's TLS identity in {folder}: {source}; run it as root (sudo), and where nothing was made yet: \
         systemctl enable --now socktop-agent.socket"
    )]
    Identity {
        /// Where it should be.
        folder: PathBuf,
        /// What is wrong.
        source: IdentityError,
    },
    /// The tokens.
    #[error(
        "{0}; run it as root (sudo), and where nothing was made yet: systemctl enable --now socktop-agent.socket"
    )]
    Tokens(#[from] TokenFileError),
    /// There is no token of that name.
    #[error("there is no token {name:?}; there are: {known}")]
    UnknownToken {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// There is one of that name already.
    #[error("there is a token {name} already: revoke it first, or choose another name")]
    TakenName {
        /// The name.
        name: String,
    },
    /// Without this token no client could connect.
    #[error(
        "{name} is the last token, and without one another would be generated: add another first; to refuse all clients: \
         systemctl disable --now socktop-agent.socket socktop-agent.service"
    )]
    LastToken {
        /// Its name.
        name: String,
    },
    /// The service speaks no TLS.
    #[error(
        "the agent serves without TLS (tls.enabled in {settings}), so there is no key to know it by: \
         connect with socktop ws://HOST:PORT"
    )]
    NoTls {
        /// Where that is set.
        settings: PathBuf,
    },
    /// The service's socket is this machine's alone.
    #[error(
        "socktop-agent.socket listens for this machine alone: open it to the network, or say with --host by what name it is reached"
    )]
    LoopbackOnly,
}

/// The pin of the identity that the service uses, as a line to compare. A user other than root
/// gets that of the agent that they run themselves, if any.
///
/// # Errors
/// If there is no identity, or it may not be read.
pub fn fingerprint(root: &Path) -> Result<String, AdminError> {
    let pin = match pair::pin(&HostFiles::below(root)) {
        Err(error) if pair::is_this_system(root) => {
            let own = Identity::in_data_folder(|name| std::env::var(name).ok());
            let pin = own.and_then(|own| own.pin()).map_err(|_| error)?;
            tracing::warn!(
                "this is the key of the agent that you run yourself; the service's: sudo socktop-agent fingerprint"
            );
            pin
        }
        pin => pin?,
    };
    Ok(pin.to_string())
}
