//! The queries that a client can make.

use crate::model::{self, request};

/// A request, free of dialect and id. It is also the key under which a sample is cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Query {
    /// Facts that hold until the host is reconfigured: [`model::Host`].
    Host,
    /// What changes fast: [`model::Metrics`].
    Metrics,
    /// Mounted file systems: [`model::Disks`].
    Disks,
    /// Every process: [`model::Processes`].
    Processes,
    /// One process in detail: [`model::ProcessDetails`].
    Process {
        /// The process's id.
        pid: u32,
    },
    /// A process's last lines in the journal: [`model::Journal`].
    Journal {
        /// The process's id.
        pid: u32,
    },
    /// Temperature sensors: [`model::Sensors`].
    Sensors,
}

impl From<Query> for request::Kind {
    fn from(query: Query) -> Self {
        match query {
            Query::Host => Self::Host(model::HostRequest {}),
            Query::Metrics => Self::Metrics(model::MetricsRequest {}),
            Query::Disks => Self::Disks(model::DisksRequest {}),
            Query::Processes => Self::Processes(model::ProcessesRequest { fields: 0 }),
            Query::Process { pid } => Self::Process(model::ProcessRequest { pid }),
            Query::Journal { pid } => Self::Journal(model::JournalRequest { pid }),
            Query::Sensors => Self::Sensors(model::SensorsRequest {}),
        }
    }
}

impl From<&request::Kind> for Query {
    fn from(kind: &request::Kind) -> Self {
        match *kind {
            request::Kind::Host(_) => Self::Host,
            request::Kind::Metrics(_) => Self::Metrics,
            request::Kind::Disks(_) => Self::Disks,
            request::Kind::Processes(_) => Self::Processes,
            request::Kind::Process(model::ProcessRequest { pid }) => Self::Process { pid },
            request::Kind::Journal(model::JournalRequest { pid }) => Self::Journal { pid },
            request::Kind::Sensors(_) => Self::Sensors,
        }
    }
}
