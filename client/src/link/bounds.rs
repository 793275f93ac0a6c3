//! What is kept of a reply: no text longer than anyone reads, no list longer than a host has. How much the message and
//! its decoded form may take at all is bounded before.

use socktop_proto::Body;
use socktop_proto::limits::{
    CHILDREN, COMMAND_BYTES, COMMAND_WORDS, CORES, DISKS, GPUS, INTERFACES, JOURNAL_ENTRIES,
    NAME_BYTES, PATH_BYTES, TEXT_BYTES, THREADS,
};
use socktop_proto::model::body::Kind;
use socktop_proto::model::{Disks, Host, Journal, Metrics, Process, ProcessDetails};

/// Cuts what is longer than that.
pub(super) fn bound(body: &mut Body) {
    match &mut body.kind {
        Some(Kind::Error(error)) => cut(&mut error.message, TEXT_BYTES),
        Some(Kind::Host(host)) => bound_host(host),
        Some(Kind::Metrics(metrics)) => bound_metrics(metrics),
        Some(Kind::Disks(disks)) => bound_disks(disks),
        Some(Kind::Processes(list)) => list.processes.iter_mut().for_each(bound_process),
        Some(Kind::Process(details)) => bound_details(details),
        Some(Kind::Journal(journal)) => bound_journal(journal),
        None => {}
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

fn cut_list<T>(list: &mut Vec<T>, most: usize) {
    if list.len() > most {
        list.truncate(most);
        list.shrink_to_fit();
    }
}

fn bound_host(host: &mut Host) {
    cut(&mut host.hostname, NAME_BYTES);
    cut(&mut host.agent_version, NAME_BYTES);
    for text in [
        &mut host.kernel,
        &mut host.os,
        &mut host.model,
        &mut host.architecture,
        &mut host.cpu_model,
    ] {
        cut_optional(text, NAME_BYTES);
    }
}

fn bound_metrics(metrics: &mut Metrics) {
    cut(&mut metrics.hostname, NAME_BYTES);
    if let Some(cpu) = &mut metrics.cpu {
        cut_list(&mut cpu.cores, CORES);
    }
    cut_list(&mut metrics.interfaces, INTERFACES);
    for interface in &mut metrics.interfaces {
        cut(&mut interface.name, NAME_BYTES);
    }
    cut_list(&mut metrics.gpus, GPUS);
    for gpu in &mut metrics.gpus {
        cut(&mut gpu.name, NAME_BYTES);
    }
}

fn bound_disks(disks: &mut Disks) {
    cut_list(&mut disks.disks, DISKS);
    for disk in &mut disks.disks {
        cut(&mut disk.name, PATH_BYTES);
        cut_optional(&mut disk.mount_point, PATH_BYTES);
        cut_optional(&mut disk.file_system, NAME_BYTES);
    }
}

fn bound_process(process: &mut Process) {
    cut(&mut process.user, NAME_BYTES);
    cut(&mut process.name, NAME_BYTES);
}

fn bound_details(details: &mut ProcessDetails) {
    details.process.iter_mut().for_each(bound_process);
    let mut room = COMMAND_BYTES;
    cut_list(&mut details.command, COMMAND_WORDS);
    for word in &mut details.command {
        cut(word, room);
        room -= word.len();
    }
    cut_optional(&mut details.executable, PATH_BYTES);
    cut_optional(&mut details.working_directory, PATH_BYTES);
    cut_list(&mut details.threads, THREADS);
    for thread in &mut details.threads {
        cut(&mut thread.name, NAME_BYTES);
    }
    cut_list(&mut details.children, CHILDREN);
    for child in &mut details.children {
        // Children have none: they would be shown nowhere.
        child.children = Vec::new();
        child.threads = Vec::new();
        bound_details(child);
    }
}

fn bound_journal(journal: &mut Journal) {
    cut_optional(&mut journal.notice, TEXT_BYTES);
    cut_list(&mut journal.entries, JOURNAL_ENTRIES);
    for entry in &mut journal.entries {
        cut(&mut entry.message, TEXT_BYTES);
        cut_optional(&mut entry.unit, NAME_BYTES);
        cut_optional(&mut entry.command, NAME_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use socktop_proto::model::{
        Core, Cpu, Disk, Error, ErrorCode, Gpu, Interface, JournalEntry, Processes, Thread,
    };

    use super::*;

    const MEGABYTE: usize = 1 << 20;

    fn text() -> String {
        "é".repeat(MEGABYTE / 2)
    }

    /// Bytes of a body that came with `kind`.
    fn size(kind: Kind) -> usize {
        use prost::Message;
        let mut body: Body = kind.into();
        bound(&mut body);
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

    #[test]
    fn no_list_is_longer_than_a_host_has() {
        const COUNT: usize = 100_000;
        let metrics = Metrics {
            cpu: Some(Cpu {
                cores: vec![Core::default(); COUNT],
                ..Cpu::default()
            }),
            interfaces: vec![Interface::default(); COUNT],
            gpus: vec![Gpu::default(); COUNT],
            ..Metrics::default()
        };
        let details = ProcessDetails {
            command: vec![String::new(); COUNT],
            threads: vec![Thread::default(); COUNT],
            children: vec![ProcessDetails::default(); COUNT],
            ..ProcessDetails::default()
        };
        for kind in [
            Kind::Metrics(metrics),
            Kind::Process(details),
            Kind::Disks(Disks {
                disks: vec![Disk::default(); COUNT],
                ..Disks::default()
            }),
            Kind::Journal(Journal {
                entries: vec![JournalEntry::default(); COUNT],
                ..Journal::default()
            }),
        ] {
            let size = size(kind);
            assert!(size < 64 << 10, "{size}");
        }
    }
}
