//! Facts about the host that setup needs: its name and its machine id.

use std::fs;
use std::path::Path;

use crate::config;
use crate::tls::identity;

/// What identifies this host.
#[derive(Debug)]
pub(super) struct Host {
    /// Its name, which its certificate is for if it can.
    pub(super) name: String,
    /// Its further names, by the agent's settings.
    pub(super) extra_names: Vec<String>,
    /// `machine-id(5)`, where it has one already.
    pub(super) machine_id: Option<String>,
}

impl Host {
    /// Reads the files below `root`. The name is `uname(2)`'s.
    pub(super) fn read(root: &Path, settings: &Path) -> Self {
        let name = crate::address::hostname();
        let (settings, problems) = config::of_host(settings, |name| std::env::var(name).ok());
        let mut extra_names = settings.extra_names;
        for problem in problems {
            tracing::error!(error = problem, "{problem}");
        }
        extra_names.retain(|name| {
            let usable = identity::is_name(name);
            if !usable {
                tracing::error!(
                    "leaving {name:?} out of the certificate: it is no name or address"
                );
            }
            usable
        });
        Self {
            name,
            extra_names,
            machine_id: machine_id(&root.join("etc/machine-id")),
        }
    }
}

/// The machine-id in a file: none while an image is `uninitialized`.
fn machine_id(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let id = text.trim();
    (id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| id.to_owned())
}
