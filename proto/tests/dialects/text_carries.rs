//! What the text dialect preserves of a model value, and that the client of 1.60 reads all of it.

use proptest::prelude::*;
use socktop_proto::Query;
use socktop_proto::dialect::text::{decode_reply, decode_request, encode_reply, encode_request};
use socktop_proto::model::{
    Core, Cpu, Disk, DiskState, Disks, Gpu, Journal, Memory, Metrics, Process, ProcessDetails,
    ProcessState, Processes, SampleTime, Swap, body,
};

use crate::legacy_client;
use crate::text::{JOURNAL, LIMIT, PROCESS, json_of};
use socktop_testkit::strategies::{self, query};

/// What is left of metrics; `None` where the dialect demands a number that is unknown.
fn representable_metrics(metrics: Metrics) -> Option<Metrics> {
    let cpu = metrics.cpu?;
    let memory = metrics.memory?;
    let swap = metrics.swap?;
    let total_bytes = memory.total_bytes?;
    let used_bytes = memory.used_bytes?.min(total_bytes);
    let swap_bytes = swap.total_bytes?;
    Some(Metrics {
        time: Some(SampleTime {
            unix_ms: metrics.time.map_or(0, |time| time.unix_ms),
            boot_ms: None,
        }),
        cpu: Some(Cpu {
            total_percent: Some(cpu.total_percent?),
            cores: (0..)
                .zip(cpu.cores)
                .map(|(index, core)| Core { index, ..core })
                .collect(),
            window_ms: None,
            ..cpu
        }),
        memory: Some(Memory {
            total_bytes: Some(total_bytes),
            used_bytes: Some(used_bytes),
            available_bytes: Some(total_bytes - used_bytes),
            cache_bytes: None,
        }),
        swap: Some(Swap {
            total_bytes: Some(swap_bytes),
            used_bytes: Some(swap.used_bytes?.min(swap_bytes)),
        }),
        load: None,
        gpus: metrics
            .gpus
            .into_iter()
            .map(|gpu| {
                let total = gpu.memory_total_bytes.filter(|&total| total > 0);
                Gpu {
                    memory_total_bytes: total,
                    memory_used_bytes: gpu
                        .memory_used_bytes
                        .and_then(|used| Some(used.min(total?))),
                    ..gpu
                }
            })
            .collect(),
        ..metrics
    })
}

fn representable_disks(disks: Disks) -> Disks {
    Disks {
        time: None,
        disks: disks
            .disks
            .into_iter()
            .filter(|disk| disk.total_bytes.is_some() && disk.available_bytes.is_some())
            .map(|disk| Disk {
                name: disk.name.trim_start_matches("/dev/").to_owned(),
                state: DiskState::Ok.into(),
                read_only: None,
                sizes_boot_ms: None,
                ..disk
            })
            .collect(),
        not_listed: None,
    }
}

fn representable_processes(list: Processes) -> Processes {
    Processes {
        total: list.total,
        processes: list
            .processes
            .into_iter()
            .map(|process| Process {
                pid: process.pid,
                name: process.name,
                cpu_percent: Some(process.cpu_percent.unwrap_or(0.0)),
                resident_bytes: Some(process.resident_bytes.unwrap_or(0)),
                ..Process::default()
            })
            .collect(),
        ..Processes::default()
    }
}

fn known_state(state: i32) -> i32 {
    ProcessState::try_from(state).unwrap_or_default().into()
}

/// The client of 1.60 panics where it cuts a wider character.
fn ascii(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_ascii() { character } else { '?' })
        .collect()
}

/// What is left of details; `None` where the dialect demands a number that is unknown.
fn representable_details(details: ProcessDetails) -> Option<ProcessDetails> {
    let process = details.process?;
    process.threads?;
    let command = match details.command.as_slice() {
        [] => format!("[{}]", process.name),
        words => words.join(" "),
    };
    let threads = u32::try_from(details.threads.len()).unwrap();
    Some(ProcessDetails {
        time: None,
        process: Some(Process {
            parent_pid: process.parent_pid.filter(|&pid| pid != 0),
            user_id: Some(process.user_id?),
            user: String::new(),
            state: known_state(process.state),
            threads: (threads > 0).then_some(threads),
            cpu_percent: None,
            resident_bytes: Some(process.resident_bytes?),
            started_boot_ms: None,
            nice: None,
            ..process
        }),
        group_id: Some(details.group_id?),
        command: vec![command],
        virtual_bytes: Some(details.virtual_bytes?),
        started_unix_ms: Some(details.started_unix_ms? / 1000 * 1000),
        cpu_user_us: Some(details.cpu_user_us?),
        cpu_system_us: Some(details.cpu_system_us?),
        disk_read_bytes: None,
        disk_written_bytes: None,
        threads: details
            .threads
            .into_iter()
            .map(|mut thread| {
                thread.state = known_state(thread.state);
                thread.cpu_user_us.get_or_insert(0);
                thread.cpu_system_us.get_or_insert(0);
                thread
            })
            .collect(),
        children: details
            .children
            .into_iter()
            .filter_map(representable_details)
            .collect(),
        children_total: None,
        command_cut: false,
        unanswered_ms: None,
        ..details
    })
}

fn representable_journal(journal: Journal) -> Journal {
    Journal {
        time: None,
        entries: journal
            .entries
            .into_iter()
            .map(|mut entry| {
                // journald's own default.
                entry.priority = entry.priority.filter(|&level| level <= 7).or(Some(6));
                entry.message = ascii(&entry.message);
                entry
            })
            .collect(),
        ..journal
    }
}

/// Sends `kind` as a reply to `query` and reads it again.
fn carried(query: Query, kind: body::Kind) -> body::Kind {
    let frame = encode_reply(query, &kind.into());
    decode_reply(query, &frame, LIMIT).unwrap().kind.unwrap()
}

proptest! {
    #[test]
    fn requests_arrive_as_they_were_sent(query in query()) {
        if let Some(request) = encode_request(query) {
            prop_assert_eq!(decode_request(&request), Ok(query));
        }
    }

    #[test]
    fn metrics_keep_what_the_format_can_hold(
        metrics in prop_oneof![strategies::metrics(), strategies::complete_metrics()],
    ) {
        let received = carried(Query::Metrics, body::Kind::Metrics(metrics.clone()));
        if let Some(kept) = representable_metrics(metrics) {
            prop_assert_eq!(received, body::Kind::Metrics(kept));
        } else {
            let body::Kind::Error(error) = received else { panic!("{received:?}") };
            prop_assert!(error.message.contains("unknown"), "{}", error.message);
        }
    }

    #[test]
    fn disks_keep_what_the_format_can_hold(disks in strategies::disks()) {
        let received = carried(Query::Disks, body::Kind::Disks(disks.clone()));
        prop_assert_eq!(received, body::Kind::Disks(representable_disks(disks)));
    }

    #[test]
    fn processes_keep_what_the_format_can_hold(list in strategies::processes()) {
        let received = carried(Query::Processes, body::Kind::Processes(list.clone()));
        prop_assert_eq!(received, body::Kind::Processes(representable_processes(list)));
    }

    #[test]
    fn details_keep_what_the_format_can_hold(
        details in prop_oneof![strategies::details(), strategies::complete_details()],
    ) {
        let received = carried(PROCESS, body::Kind::Process(details.clone()));
        match representable_details(details) {
            Some(mut kept) => {
                kept.executable = kept.executable.as_deref().map(ascii);
                kept.working_directory = kept.working_directory.as_deref().map(ascii);
                prop_assert_eq!(received, body::Kind::Process(kept));
            }
            None => prop_assert!(matches!(received, body::Kind::Error(_))),
        }
    }

    #[test]
    fn a_journal_keeps_what_the_format_can_hold(journal in strategies::journal()) {
        let received = carried(JOURNAL, body::Kind::Journal(journal.clone()));
        prop_assert_eq!(received, body::Kind::Journal(representable_journal(journal)));
    }

    #[test]
    fn the_legacy_client_reads_all_metrics(metrics in strategies::complete_metrics()) {
        let frame = encode_reply(Query::Metrics, &body::Kind::Metrics(metrics).into());
        let read: legacy_client::Metrics = serde_json::from_str(&json_of(&frame)).unwrap();
        // It panics where any of these does not hold.
        prop_assert!(read.mem_used <= read.mem_total);
        prop_assert!(read.swap_used <= read.swap_total);
        for gpu in read.gpus.into_iter().flatten() {
            prop_assert_ne!(gpu.mem_total, Some(0));
            prop_assert!(gpu.mem_used.is_none() || gpu.mem_used <= gpu.mem_total);
        }
    }

    #[test]
    fn the_legacy_client_reads_all_disks(disks in strategies::disks()) {
        let frame = encode_reply(Query::Disks, &body::Kind::Disks(disks).into());
        serde_json::from_str::<Vec<legacy_client::Disk>>(&json_of(&frame)).unwrap();
    }

    #[test]
    fn the_legacy_client_reads_all_details(details in strategies::complete_details()) {
        let frame = encode_reply(PROCESS, &body::Kind::Process(details).into());
        serde_json::from_str::<legacy_client::ProcessReply>(&json_of(&frame)).unwrap();
    }

    #[test]
    fn the_legacy_client_reads_all_journals(journal in strategies::journal()) {
        let entries = journal.entries.len();
        let frame = encode_reply(JOURNAL, &body::Kind::Journal(journal).into());
        let read: legacy_client::Journal = serde_json::from_str(&json_of(&frame)).unwrap();
        prop_assert_eq!(read.entries.len(), entries);
    }
}
