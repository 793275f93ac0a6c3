//! One walk over all texts and lists of an answer.
//!
//! Every message is taken apart field by field, so that a field that is added to the model does not compile before it is
//! named here. The tests compare the walk with the descriptors, so that a new text or list cannot be passed over.

use super::{
    CHILDREN, CORES, DISKS, GPUS, INTERFACES, JOURNAL_ENTRIES, NAME_BYTES, PATH_BYTES, SENSORS,
    TEXT_BYTES, THREADS,
};
use crate::model::body::Kind;
use crate::model::{
    Body, Core, Cpu, Disk, Disks, Error, Gpu, Host, Interface, Journal, JournalEntry, Metrics,
    Process, ProcessDetails, Processes, Sensor, Sensors, Thread,
};

/// The limit that a list has beside [`PARTS`](super::PARTS), which is the limit on all together.
#[derive(Debug, Clone, Copy)]
pub(super) struct ListLimit {
    /// Most entries.
    pub(super) most: usize,
    /// What is in the list, in words.
    pub(super) of: &'static str,
}

const fn at_most(most: usize, of: &'static str) -> ListLimit {
    ListLimit { most, of }
}

/// Makes a module with a visitor and the walk that calls it, for an answer that is only read or one that is changed.
macro_rules! walk {
    ($(#[$doc:meta])* $module:ident, $iter:ident $(, $mut:tt)?) => {
        $(#[$doc])*
        pub(super) mod $module {
            use super::*;

            /// Is called for each text and list of an answer.
            #[allow(clippy::ptr_arg, clippy::ref_option, reason = "capacities count, and both walks are one text")]
            pub(in super::super) trait Visitor {
                /// Why the walk ends early.
                type Stop;

                /// A text, which has at most `most_bytes` in a client.
                fn text(&mut self, text: &$($mut)? String, most_bytes: usize);

                /// The words of a command line.
                ///
                /// # Errors
                /// Ends the walk.
                fn words(&mut self, words: &$($mut)? Vec<String>) -> Result<(), Self::Stop>;

                /// A list, before what is in its entries.
                ///
                /// # Errors
                /// Ends the walk.
                fn list<T>(
                    &mut self,
                    list: &$($mut)? Vec<T>,
                    limit: Option<ListLimit>,
                ) -> Result<(), Self::Stop>;

                /// A text that may be unknown.
                fn optional(&mut self, text: &$($mut)? Option<String>, most_bytes: usize) {
                    if let Some(text) = text {
                        self.text(text, most_bytes);
                    }
                }
            }

            /// Walks over an answer.
            ///
            /// # Errors
            /// Where the visitor ends the walk.
            pub(in super::super) fn walk<V: Visitor>(
                body: &$($mut)? Body,
                visitor: &mut V,
            ) -> Result<(), V::Stop> {
                let Body { kind } = body;
                match kind {
                    None => {}
                    Some(Kind::Error(body)) => error(body, visitor),
                    Some(Kind::Host(body)) => host(body, visitor),
                    Some(Kind::Metrics(body)) => metrics(body, visitor)?,
                    Some(Kind::Disks(body)) => disks(body, visitor)?,
                    Some(Kind::Processes(body)) => processes(body, visitor)?,
                    Some(Kind::Process(body)) => details(body, visitor)?,
                    Some(Kind::Journal(body)) => journal(body, visitor)?,
                    Some(Kind::Sensors(body)) => sensors(body, visitor)?,
                }
                Ok(())
            }

            fn error<V: Visitor>(error: &$($mut)? Error, visitor: &mut V) {
                let Error { code: _, message } = error;
                visitor.text(message, TEXT_BYTES);
            }

            fn host<V: Visitor>(host: &$($mut)? Host, visitor: &mut V) {
                let Host {
                    hostname,
                    kernel,
                    os,
                    model,
                    architecture,
                    cpu_model,
                    cpu_count: _,
                    agent_version,
                    started_boot_ms: _,
                } = host;
                visitor.text(hostname, NAME_BYTES);
                for text in [kernel, os, model, architecture, cpu_model] {
                    visitor.optional(text, NAME_BYTES);
                }
                visitor.text(agent_version, NAME_BYTES);
            }

            fn metrics<V: Visitor>(
                metrics: &$($mut)? Metrics,
                visitor: &mut V,
            ) -> Result<(), V::Stop> {
                let Metrics {
                    time: _,
                    hostname,
                    cpu,
                    memory: _,
                    swap: _,
                    load: _,
                    interfaces,
                    gpus,
                } = metrics;
                visitor.text(hostname, NAME_BYTES);
                if let Some(Cpu {
                    total_percent: _,
                    cores,
                    window_ms: _,
                    temperature_celsius: _,
                }) = cpu
                {
                    visitor.list(cores, Some(at_most(CORES, "CPUs")))?;
                    for Core { index: _, percent: _ } in cores {}
                }
                visitor.list(interfaces, Some(at_most(INTERFACES, "network interfaces")))?;
                for Interface {
                    name,
                    received_bytes: _,
                    transmitted_bytes: _,
                } in interfaces
                {
                    visitor.text(name, NAME_BYTES);
                }
                visitor.list(gpus, Some(at_most(GPUS, "GPUs")))?;
                for entry in gpus {
                    gpu(entry, visitor);
                }
                Ok(())
            }

            /// Walks over a GPU, which a delta may have, too.
            pub(in super::super) fn gpu<V: Visitor>(gpu: &$($mut)? Gpu, visitor: &mut V) {
                let Gpu {
                    name,
                    usage_percent: _,
                    memory_used_bytes: _,
                    memory_total_bytes: _,
                    temperature_celsius: _,
                } = gpu;
                visitor.text(name, NAME_BYTES);
            }

            fn disks<V: Visitor>(disks: &$($mut)? Disks, visitor: &mut V) -> Result<(), V::Stop> {
                let Disks {
                    time: _,
                    disks,
                    not_listed: _,
                } = disks;
                visitor.list(disks, Some(at_most(DISKS, "disks")))?;
                for Disk {
                    name,
                    mount_point,
                    file_system,
                    total_bytes: _,
                    used_bytes: _,
                    available_bytes: _,
                    state: _,
                    read_only: _,
                    sizes_boot_ms: _,
                } in disks
                {
                    visitor.text(name, PATH_BYTES);
                    visitor.optional(mount_point, PATH_BYTES);
                    visitor.optional(file_system, NAME_BYTES);
                }
                Ok(())
            }

            fn processes<V: Visitor>(
                list: &$($mut)? Processes,
                visitor: &mut V,
            ) -> Result<(), V::Stop> {
                let Processes {
                    time: _,
                    processes,
                    total: _,
                    window_ms: _,
                    others_hidden: _,
                } = list;
                visitor.list(processes, None)?;
                for entry in processes {
                    process(entry, visitor);
                }
                Ok(())
            }

            /// Walks over a process, which a delta may have, too.
            pub(in super::super) fn process<V: Visitor>(process: &$($mut)? Process, visitor: &mut V) {
                let Process {
                    pid: _,
                    parent_pid: _,
                    user_id: _,
                    user,
                    name,
                    state: _,
                    threads: _,
                    cpu_percent: _,
                    resident_bytes: _,
                    started_boot_ms: _,
                    nice: _,
                } = process;
                visitor.text(user, NAME_BYTES);
                visitor.text(name, NAME_BYTES);
            }

            fn details<V: Visitor>(
                body: &$($mut)? ProcessDetails,
                visitor: &mut V,
            ) -> Result<(), V::Stop> {
                let ProcessDetails {
                    time: _,
                    process: listed,
                    group_id: _,
                    command,
                    executable,
                    working_directory,
                    virtual_bytes: _,
                    shared_bytes: _,
                    started_unix_ms: _,
                    cpu_user_us: _,
                    cpu_system_us: _,
                    disk_read_bytes: _,
                    disk_written_bytes: _,
                    descriptors: _,
                    threads,
                    children,
                    children_total: _,
                    command_cut: _,
                    unanswered_ms: _,
                } = body;
                if let Some(listed) = listed {
                    process(listed, visitor);
                }
                visitor.words(command)?;
                visitor.optional(executable, PATH_BYTES);
                visitor.optional(working_directory, PATH_BYTES);
                visitor.list(threads, Some(at_most(THREADS, "threads")))?;
                for Thread {
                    tid: _,
                    name,
                    state: _,
                    cpu_user_us: _,
                    cpu_system_us: _,
                } in threads
                {
                    visitor.text(name, NAME_BYTES);
                }
                visitor.list(children, Some(at_most(CHILDREN, "child processes")))?;
                children.$iter().try_for_each(|child| details(child, visitor))
            }

            fn journal<V: Visitor>(
                journal: &$($mut)? Journal,
                visitor: &mut V,
            ) -> Result<(), V::Stop> {
                let Journal {
                    time: _,
                    entries,
                    truncated: _,
                    notice,
                } = journal;
                visitor.list(entries, Some(at_most(JOURNAL_ENTRIES, "lines of the journal")))?;
                for JournalEntry {
                    unix_us: _,
                    priority: _,
                    message,
                    unit,
                    pid: _,
                    command,
                    user_id: _,
                    group_id: _,
                } in entries
                {
                    visitor.text(message, TEXT_BYTES);
                    visitor.optional(unit, NAME_BYTES);
                    visitor.optional(command, NAME_BYTES);
                }
                visitor.optional(notice, TEXT_BYTES);
                Ok(())
            }

            fn sensors<V: Visitor>(
                body: &$($mut)? Sensors,
                visitor: &mut V,
            ) -> Result<(), V::Stop> {
                let Sensors { time: _, sensors } = body;
                visitor.list(sensors, Some(at_most(SENSORS, "temperature sensors")))?;
                for Sensor {
                    label,
                    celsius: _,
                    high_celsius: _,
                    critical_celsius: _,
                } in sensors
                {
                    visitor.text(label, NAME_BYTES);
                }
                Ok(())
            }
        }
    };
}

walk! {
    /// The walk over an answer that is only read.
    read, iter
}

walk! {
    /// The walk over an answer that is changed.
    change, iter_mut, mut
}
