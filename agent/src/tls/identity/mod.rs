//! The TLS identity: a key and its self-signed certificate, created on first use.
//!
//! The key is the identity, as an ssh host key is. It is never replaced while it can be read; a missing
//! certificate is made anew over it. The certificate is valid from a fixed past date for decades,
//! since a machine without a battery-backed clock may believe that it is 1970.

use std::fs::{self, File, Permissions};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SanType, date_time_ymd};
use ring::digest::{SHA256, digest};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ParsedCertificate;
use socktop_proto::pairing::Pin;

use crate::atomic_file;
use crate::auth::client_ca::ClientCa;

/// An identity that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There is no folder to keep it in.
    #[error("nowhere to keep the TLS key: set XDG_DATA_HOME or HOME")]
    NoFolder,
    /// A file or folder cannot be read or written.
    #[error("{attempt} {path}: {source}")]
    File {
        /// What was attempted.
        attempt: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A name that a certificate cannot carry.
    #[error("{name:?} cannot be in a certificate: it must be a DNS name or an IP address")]
    Name {
        /// The name.
        name: String,
    },
    /// Making the key or the certificate failed.
    #[error("making the TLS identity: {0}")]
    Make(#[from] rcgen::Error),
    /// A file that holds no key or certificate.
    #[error("{path} holds no usable {what}: {reason}; replace it or move it away")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// rustls refuses the pair.
    #[error("using {certificate} with its key: {source}; replace the pair or move it away")]
    Refused {
        /// The certificate's file.
        certificate: PathBuf,
        /// The cause.
        source: rustls::Error,
    },
}

/// Where an identity is kept.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate, PEM. Clients may be given it.
    pub certificate: PathBuf,
    /// The private key, PEM, readable by its owner alone.
    pub key: PathBuf,
}

impl Identity {
    /// `$XDG_DATA_HOME/socktop_agent/tls`, else below `~/.local/share`, as the integration guide has it.
    ///
    /// # Errors
    /// Where neither variable is set.
    pub fn in_data_folder(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, IdentityError> {
        let absolute = |name| {
            variable(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let data = absolute("XDG_DATA_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
            .ok_or(IdentityError::NoFolder)?;
        let folder = data.join("socktop_agent/tls");
        Ok(Self {
            certificate: folder.join("cert.pem"),
            key: folder.join("key.pem"),
        })
    }

    /// Creates the folder if it is missing, and locks it against others that create files there, until it is dropped.
    /// Temporary files of killed runs are removed.
    ///
    /// # Errors
    /// Where there is no folder and none can be made.
    pub fn lock(&self) -> Result<Option<File>, IdentityError> {
        self.make_folder()?;
        let lock = self.key.parent().and_then(atomic_file::lock);
        for path in [&self.key, &self.certificate] {
            atomic_file::remove_draft(path);
        }
        Ok(lock)
    }

    fn make_folder(&self) -> Result<(), IdentityError> {
        match self.key.parent() {
            Some(folder) => {
                atomic_file::make_folder(folder, 0o700).map_err(file("making the folder", folder))
            }
            None => Ok(()),
        }
    }

    /// Makes what is missing: the key, the certificate over it for `hostname`, where that can stand in a certificate, and
    /// `extra_names`.
    ///
    /// # Errors
    /// Where a file cannot be written, the key that is there cannot be used, or one of the extra names cannot stand
    /// in a certificate.
    pub fn ensure(&self, hostname: &str, extra_names: &[String]) -> Result<(), IdentityError> {
        self.make_folder()?;
        let key = if self.key.exists() {
            self.repair_mode()?;
            let pem = fs::read_to_string(&self.key).map_err(file("reading the key", &self.key))?;
            KeyPair::from_pem(&pem).map_err(|error| IdentityError::Unusable {
                path: self.key.clone(),
                what: "private key",
                reason: error.to_string(),
            })
        } else {
            let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
            // A certificate over a key that is gone is of no use, and would not be made anew over this one.
            remove(&self.certificate)?;
            atomic_file::write(&self.key, &key.serialize_pem(), 0o600)
                .map_err(file("writing", &self.key))?;
            tracing::info!("made the TLS key {}", self.key.display());
            Ok(key)
        };
        if self.certificate.exists() {
            // Any kind of key will do where the certificate is there: rustls judges the pair.
            return Ok(());
        }
        let certificate = parameters(hostname, extra_names)?.self_signed(&key?)?;
        atomic_file::write(&self.certificate, &certificate.pem(), 0o644)
            .map_err(file("writing", &self.certificate))?;
        tracing::info!(
            "made the self-signed certificate {}",
            self.certificate.display()
        );
        Ok(())
    }

    /// Reads the pair into a configuration for accepting TLS 1.2 and 1.3, where `client_ca` judges the certificates
    /// that clients show; without it they are not asked for any.
    ///
    /// # Errors
    /// Where a file cannot be read, or the two do not belong together.
    pub fn server_config(
        &self,
        client_ca: Option<&ClientCa>,
    ) -> Result<Arc<ServerConfig>, IdentityError> {
        let chain = self.chain()?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| unusable(&self.key, "private key", &error))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                let builder = match client_ca {
                    Some(client_ca) => builder.with_client_cert_verifier(client_ca.verifier()),
                    None => builder.with_no_client_auth(),
                };
                builder.with_single_cert(chain, key)
            })
            .map(Arc::new)
            .map_err(|source| IdentityError::Refused {
                certificate: self.certificate.clone(),
                source,
            })
    }

    /// The pin by which clients know this identity.
    ///
    /// # Errors
    /// Where the certificate cannot be read.
    pub fn pin(&self) -> Result<Pin, IdentityError> {
        let chain = self.chain()?;
        chain
            .first()
            .and_then(pin_of)
            .ok_or_else(|| unusable(&self.certificate, "certificate", &"it is damaged"))
    }

    fn chain(&self) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
        let unusable = |error| unusable(&self.certificate, "certificate", &error);
        let chain: Vec<_> = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect)
            .map_err(unusable)?;
        if chain.is_empty() {
            return Err(unusable(rustls::pki_types::pem::Error::NoItemsFound));
        }
        Ok(chain)
    }

    /// Older agents wrote the key with whatever mode the umask gave.
    fn repair_mode(&self) -> Result<(), IdentityError> {
        let metadata = fs::metadata(&self.key).map_err(file("examining the key", &self.key))?;
        if metadata.permissions().mode() & 0o077 != 0 {
            tracing::warn!(
                "others could read {}: closing it to them",
                self.key.display()
            );
            fs::set_permissions(&self.key, Permissions::from_mode(0o600))
                .map_err(file("closing the key to others", &self.key))?;
        }
        Ok(())
    }
}

/// The pin of the key that a certificate is for; none where it is damaged.
pub(crate) fn pin_of(certificate: &CertificateDer<'_>) -> Option<Pin> {
    let certificate = ParsedCertificate::try_from(certificate).ok()?;
    let key = certificate.subject_public_key_info();
    let digest = digest(&SHA256, &key);
    digest.as_ref().try_into().ok().map(Pin::from_digest)
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), IdentityError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file("removing", path)(error)),
        _ => Ok(()),
    }
}

/// Moves a file out of the way.
pub(crate) fn rename(path: &Path, aside: &Path) -> Result<(), IdentityError> {
    fs::rename(path, aside).map_err(file("moving aside", path))
}

/// Whether a certificate can be for `text`: a DNS name or an IP address.
pub(crate) fn is_name(text: &str) -> bool {
    name(text).is_ok()
}

fn parameters(hostname: &str, extra_names: &[String]) -> Result<CertificateParams, IdentityError> {
    // A host may be called what no certificate can be for, and has its other names then.
    let mut names: Vec<_> = name(hostname).into_iter().collect();
    if !names.is_empty() && !hostname.contains('.') {
        names.extend(name(&format!("{hostname}.local")));
    }
    names.push(name("localhost")?);
    names.push(SanType::IpAddress(Ipv4Addr::LOCALHOST.into()));
    names.push(SanType::IpAddress(Ipv6Addr::LOCALHOST.into()));
    for extra in extra_names {
        names.push(name(extra)?);
    }
    let mut parameters = CertificateParams::default();
    parameters.subject_alt_names = names;
    parameters.distinguished_name = DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, hostname);
    parameters.not_before = date_time_ymd(2020, 1, 1);
    parameters.not_after = date_time_ymd(2050, 1, 1);
    Ok(parameters)
}

fn name(text: &str) -> Result<SanType, IdentityError> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    // RFC 1123, and what is in use beside: an underscore, and a star for all names below one.
    let usable = text.len() <= 253
        && text
            .strip_prefix("*.")
            .unwrap_or(text)
            .split('.')
            .all(is_label);
    let name = text.to_owned();
    if !usable {
        return Err(IdentityError::Name { name });
    }
    match name.clone().try_into() {
        Ok(dns) => Ok(SanType::DnsName(dns)),
        Err(_) => Err(IdentityError::Name { name }),
    }
}

fn unusable(path: &Path, what: &'static str, reason: &dyn std::fmt::Display) -> IdentityError {
    IdentityError::Unusable {
        path: path.to_owned(),
        what,
        reason: reason.to_string(),
    }
}

fn file(attempt: &'static str, path: &Path) -> impl FnOnce(io::Error) -> IdentityError {
    let path = path.to_owned();
    move |source| IdentityError::File {
        attempt,
        path,
        source,
    }
}

#[cfg(test)]
mod tests;
