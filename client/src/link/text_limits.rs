//! What is kept of a reply's texts: none is longer than anyone reads. How long lists may be, and how much the message and
//! its decoded form may take at all, is checked elsewhere.
//!
//! Every message is taken apart field by field, so that a text that is added to the model does not compile before it is
//! here.

use socktop_proto::Body;
use socktop_proto::limits::{COMMAND_BYTES, COMMAND_WORDS, NAME_BYTES, PATH_BYTES, TEXT_BYTES};
use socktop_proto::model::body::Kind;
use socktop_proto::model::{
    Disk, Disks, Error, Gpu, Host, Interface, Journal, JournalEntry, Metrics, Process,
    ProcessDetails, Processes, Thread,
};

/// Cuts what is longer than that.
pub(super) fn cut_texts(body: &mut Body) {
    let Body { kind } = body;
    match kind {
        None => {}
        Some(Kind::Error(Error { code: _, message })) => cut(message, TEXT_BYTES),
        Some(Kind::Host(host)) => cut_host(host),
        Some(Kind::Metrics(metrics)) => cut_metrics(metrics),
        Some(Kind::Disks(Disks {
            time: _,
            disks,
            not_listed: _,
        })) => disks.iter_mut().for_each(cut_disk),
        Some(Kind::Processes(Processes {
            time: _,
            processes,
            total: _,
            window_ms: _,
            others_hidden: _,
        })) => processes.iter_mut().for_each(cut_process),
        Some(Kind::Process(details)) => cut_details(details),
        Some(Kind::Journal(journal)) => cut_journal(journal),
    }
}

/// Cuts `text` to at most `most` bytes, and gives back what it took.
fn cut(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.shrink_to_fit();
    }
}

fn cut_optional(text: &mut Option<String>, most: usize) {
    if let Some(text) = text {
        cut(text, most);
    }
}

fn cut_host(host: &mut Host) {
    let Host {
        hostname,
        kernel,
        os,
        model,
        architecture,
        cpu_model,
        cpu_count: _,
        started_boot_ms: _,
        agent_version,
    } = host;
    cut(hostname, NAME_BYTES);
    cut(agent_version, NAME_BYTES);
    for text in [kernel, os, model, architecture, cpu_model] {
        cut_optional(text, NAME_BYTES);
    }
}

fn cut_metrics(metrics: &mut Metrics) {
    let Metrics {
        time: _,
        hostname,
        // Numbers.
        cpu: _,
        memory: _,
        swap: _,
        load: _,
        interfaces,
        gpus,
    } = metrics;
    cut(hostname, NAME_BYTES);
    for interface in interfaces {
        let Interface {
            name,
            received_bytes: _,
            transmitted_bytes: _,
        } = interface;
        cut(name, NAME_BYTES);
    }
    for gpu in gpus {
        let Gpu {
            name,
            usage_percent: _,
            memory_used_bytes: _,
            memory_total_bytes: _,
            temperature_celsius: _,
        } = gpu;
        cut(name, NAME_BYTES);
    }
}

fn cut_disk(disk: &mut Disk) {
    let Disk {
        name,
        mount_point,
        file_system,
        total_bytes: _,
        used_bytes: _,
        available_bytes: _,
        state: _,
        read_only: _,
        sizes_boot_ms: _,
    } = disk;
    cut(name, PATH_BYTES);
    cut_optional(mount_point, PATH_BYTES);
    cut_optional(file_system, NAME_BYTES);
}

fn cut_process(process: &mut Process) {
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
    } = process;
    cut(user, NAME_BYTES);
    cut(name, NAME_BYTES);
}

fn cut_details(details: &mut ProcessDetails) {
    let ProcessDetails {
        time: _,
        process,
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
    } = details;
    process.iter_mut().for_each(cut_process);
    if command.len() > COMMAND_WORDS {
        command.truncate(COMMAND_WORDS);
        command.shrink_to_fit();
    }
    let mut room = COMMAND_BYTES;
    for word in command {
        cut(word, room);
        room -= word.len();
    }
    cut_optional(executable, PATH_BYTES);
    cut_optional(working_directory, PATH_BYTES);
    for thread in threads {
        let Thread {
            tid: _,
            name,
            state: _,
            cpu_user_us: _,
            cpu_system_us: _,
        } = thread;
        cut(name, NAME_BYTES);
    }
    for child in children {
        // Children have none: they would be shown nowhere.
        child.children = Vec::new();
        child.threads = Vec::new();
        cut_details(child);
    }
}

fn cut_journal(journal: &mut Journal) {
    let Journal {
        time: _,
        entries,
        truncated: _,
        notice,
    } = journal;
    cut_optional(notice, TEXT_BYTES);
    for entry in entries {
        let JournalEntry {
            unix_us: _,
            priority: _,
            message,
            unit,
            pid: _,
            command,
            user_id: _,
            group_id: _,
        } = entry;
        cut(message, TEXT_BYTES);
        cut_optional(unit, NAME_BYTES);
        cut_optional(command, NAME_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use socktop_proto::ErrorCode;

    use super::*;

    const MEGABYTE: usize = 1 << 20;

    fn text() -> String {
        "é".repeat(MEGABYTE / 2)
    }

    /// Bytes of a body that came with `kind`.
    fn size(kind: Kind) -> usize {
        use prost::Message;
        let mut body: Body = kind.into();
        cut_texts(&mut body);
        body.encoded_len()
    }

    #[test]
    fn no_text_is_longer_than_anyone_reads() {
        let some = || Some(text());
        let process = || Process {
            user: text(),
            name: text(),
            ..Process::default()
        };
        let details = |children| ProcessDetails {
            process: Some(process()),
            command: vec![text(), text()],
            executable: some(),
            working_directory: some(),
            threads: vec![Thread {
                name: text(),
                ..Thread::default()
            }],
            children,
            ..ProcessDetails::default()
        };
        for kind in [
            Kind::Error(Error::new(ErrorCode::Unavailable, text())),
            Kind::Host(Host {
                hostname: text(),
                kernel: some(),
                os: some(),
                model: some(),
                architecture: some(),
                cpu_model: some(),
                cpu_count: None,
                started_boot_ms: None,
                agent_version: text(),
            }),
            Kind::Metrics(Metrics {
                hostname: text(),
                interfaces: vec![Interface {
                    name: text(),
                    ..Interface::default()
                }],
                gpus: vec![Gpu {
                    name: text(),
                    ..Gpu::default()
                }],
                ..Metrics::default()
            }),
            Kind::Disks(Disks {
                disks: vec![Disk {
                    name: text(),
                    mount_point: some(),
                    file_system: some(),
                    ..Disk::default()
                }],
                ..Disks::default()
            }),
            Kind::Processes(Processes {
                processes: vec![process()],
                ..Processes::default()
            }),
            Kind::Process(details(vec![details(vec![details(Vec::new())])])),
            Kind::Journal(Journal {
                entries: vec![JournalEntry {
                    message: text(),
                    unit: some(),
                    command: some(),
                    ..JournalEntry::default()
                }],
                notice: some(),
                ..Journal::default()
            }),
        ] {
            let size = size(kind.clone());
            assert!(
                size < 256 << 10,
                "{size} bytes are kept of {:.40}",
                format!("{kind:?}")
            );
        }
    }
}
