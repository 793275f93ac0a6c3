//! How much memory an answer takes: its structures, and what its lists and texts have reserved.
//!
//! Every message that holds anything is taken apart field by field, so that a text or list that is added to the model
//! does not compile before it is counted.

use crate::model::{
    Body, Core, Cpu, Disk, Disks, Error, Gpu, Host, Interface, Journal, JournalEntry, Metrics,
    Process, ProcessDetails, Processes, Thread, body,
};

/// Bytes of memory that `body` takes, without what the allocator adds.
#[must_use]
pub fn held_bytes(body: &Body) -> usize {
    size_of::<Body>() + body.heap_bytes()
}

/// What lies behind pointers.
trait Heap {
    /// In bytes.
    fn heap_bytes(&self) -> usize;
}

impl Heap for String {
    fn heap_bytes(&self) -> usize {
        self.capacity()
    }
}

impl<T: Heap> Heap for Option<T> {
    fn heap_bytes(&self) -> usize {
        self.as_ref().map_or(0, Heap::heap_bytes)
    }
}

impl<T: Heap> Heap for Vec<T> {
    fn heap_bytes(&self) -> usize {
        let inside: usize = self.iter().map(Heap::heap_bytes).sum();
        self.capacity() * size_of::<T>() + inside
    }
}

impl Heap for Body {
    fn heap_bytes(&self) -> usize {
        use body::Kind;
        let Self { kind } = self;
        match kind {
            None => 0,
            Some(Kind::Error(Error { code: _, message })) => message.heap_bytes(),
            Some(Kind::Host(host)) => host.heap_bytes(),
            Some(Kind::Metrics(metrics)) => metrics.heap_bytes(),
            Some(Kind::Disks(Disks {
                time: _,
                disks,
                not_listed: _,
            })) => disks.heap_bytes(),
            Some(Kind::Processes(Processes {
                time: _,
                processes,
                total: _,
                window_ms: _,
                others_hidden: _,
            })) => processes.heap_bytes(),
            Some(Kind::Process(details)) => details.heap_bytes(),
            Some(Kind::Journal(Journal {
                time: _,
                entries,
                truncated: _,
                notice,
            })) => entries.heap_bytes() + notice.heap_bytes(),
        }
    }
}

impl Heap for Host {
    fn heap_bytes(&self) -> usize {
        let Self {
            hostname,
            kernel,
            os,
            model,
            architecture,
            cpu_model,
            cpu_count: _,
            started_boot_ms: _,
            agent_version,
        } = self;
        let optional = [kernel, os, model, architecture, cpu_model];
        hostname.heap_bytes()
            + agent_version.heap_bytes()
            + optional.map(Heap::heap_bytes).iter().sum::<usize>()
    }
}

impl Heap for Metrics {
    fn heap_bytes(&self) -> usize {
        let Self {
            time: _,
            hostname,
            cpu,
            memory: _,
            swap: _,
            load: _,
            interfaces,
            gpus,
        } = self;
        hostname.heap_bytes() + cpu.heap_bytes() + interfaces.heap_bytes() + gpus.heap_bytes()
    }
}

impl Heap for Cpu {
    fn heap_bytes(&self) -> usize {
        let Self {
            total_percent: _,
            cores,
            window_ms: _,
            temperature_celsius: _,
        } = self;
        cores.heap_bytes()
    }
}

impl Heap for Core {
    fn heap_bytes(&self) -> usize {
        let Self {
            index: _,
            percent: _,
        } = self;
        0
    }
}

impl Heap for Interface {
    fn heap_bytes(&self) -> usize {
        let Self {
            name,
            received_bytes: _,
            transmitted_bytes: _,
        } = self;
        name.heap_bytes()
    }
}

impl Heap for Gpu {
    fn heap_bytes(&self) -> usize {
        let Self {
            name,
            usage_percent: _,
            memory_used_bytes: _,
            memory_total_bytes: _,
            temperature_celsius: _,
        } = self;
        name.heap_bytes()
    }
}

impl Heap for Disk {
    fn heap_bytes(&self) -> usize {
        let Self {
            name,
            mount_point,
            file_system,
            total_bytes: _,
            used_bytes: _,
            available_bytes: _,
            state: _,
            read_only: _,
            sizes_boot_ms: _,
        } = self;
        name.heap_bytes() + mount_point.heap_bytes() + file_system.heap_bytes()
    }
}

impl Heap for Process {
    fn heap_bytes(&self) -> usize {
        let Self {
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
        } = self;
        user.heap_bytes() + name.heap_bytes()
    }
}

impl Heap for ProcessDetails {
    fn heap_bytes(&self) -> usize {
        let Self {
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
        } = self;
        process.heap_bytes()
            + command.heap_bytes()
            + executable.heap_bytes()
            + working_directory.heap_bytes()
            + threads.heap_bytes()
            + children.heap_bytes()
    }
}

impl Heap for Thread {
    fn heap_bytes(&self) -> usize {
        let Self {
            tid: _,
            name,
            state: _,
            cpu_user_us: _,
            cpu_system_us: _,
        } = self;
        name.heap_bytes()
    }
}

impl Heap for JournalEntry {
    fn heap_bytes(&self) -> usize {
        let Self {
            unix_us: _,
            priority: _,
            message,
            unit,
            pid: _,
            command,
            user_id: _,
            group_id: _,
        } = self;
        message.heap_bytes() + unit.heap_bytes() + command.heap_bytes()
    }
}
