//! One id for each field of a host's processes, disks, interfaces, GPUs, CPUs, sensors, metrics and facts.
//!
//! An id is the field's name in `socktop.proto`. That of a field of a message within [`Metrics`](crate::model::Metrics)
//! begins with the name that the message has there: `memory_used_bytes`. Values that a client computes from these fields
//! have ids too. The tests compare all of them with the descriptors, so no field of the model can lack one.

#[cfg(test)]
mod tests;

use std::fmt;

/// What a value is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Nothing: a text, a count, a flag or an id.
    None,
    /// Bytes.
    Bytes,
    /// Bytes per second.
    BytesPerSecond,
    /// Percent. Shares of CPU time are shares of the whole machine, those of a core are of that core.
    Percent,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Degrees Celsius.
    Celsius,
}

impl Unit {
    /// Every unit with the last words of the ids that are measured in it.
    const LAST_WORDS: [(&str, Self); 6] = [
        ("bytes_per_second", Self::BytesPerSecond),
        ("bytes", Self::Bytes),
        ("percent", Self::Percent),
        ("ms", Self::Milliseconds),
        ("seconds", Self::Seconds),
        ("celsius", Self::Celsius),
    ];

    fn of_id(id: &str) -> Self {
        let ends_in = |words| {
            let rest = id.strip_suffix(words);
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
        };
        let known = Self::LAST_WORDS.iter().find(|(words, _)| ends_in(words));
        known.map_or(Self::None, |(_, unit)| *unit)
    }
}

/// Makes an enum of fields from two lists: those of the model, and those that are computed from them.
macro_rules! field_ids {
    (
        $(#[$doc:meta])*
        $name:ident
        model { $($(#[$model_doc:meta])* $model:ident $model_id:literal,)* }
        computed { $($(#[$computed_doc:meta])* $computed:ident $computed_id:literal,)* }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$model_doc])* $model,)*
            $($(#[$computed_doc])* $computed,)*
        }

        impl $name {
            /// The fields of the model, in the order of `socktop.proto`.
            pub const MODEL: &[Self] = &[$(Self::$model),*];

            /// The fields that a client computes from those of the model.
            pub const COMPUTED: &[Self] = &[$(Self::$computed),*];

            /// The id.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$model => $model_id,)*
                    $(Self::$computed => $computed_id,)*
                }
            }

            /// What the field's values are measured in.
            #[must_use]
            pub fn unit(self) -> Unit {
                Unit::of_id(self.as_str())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}

field_ids! {
    /// A field of a process in the list of all.
    ProcessField
    model {
        /// Process id.
        Pid "pid",
        /// Process id of the parent.
        ParentPid "parent_pid",
        /// Id of the user that it runs as.
        UserId "user_id",
        /// Name of the user that it runs as.
        User "user",
        /// The program's name.
        Name "name",
        /// State of the scheduler.
        State "state",
        /// Number of threads.
        Threads "threads",
        /// Share of the machine's CPU time.
        CpuPercent "cpu_percent",
        /// Resident memory.
        ResidentBytes "resident_bytes",
        /// When it started, on the clock of the boot.
        StartedBootMs "started_boot_ms",
        /// Nice value.
        Nice "nice",
    }
    computed {
        /// Resident memory as a share of the machine's.
        MemoryPercent "memory_percent",
        /// Time since it started.
        AgeSeconds "age_seconds",
    }
}

impl ProcessField {
    /// The bits of `ProcessesRequest.fields` that ask for it, or for what it is computed from.
    #[must_use]
    pub const fn request_bits(self) -> u32 {
        match self {
            Self::Pid => 1 << 1,
            Self::ParentPid => 1 << 2,
            Self::UserId => 1 << 3,
            Self::User => 1 << 4,
            Self::Name => 1 << 5,
            Self::State => 1 << 6,
            Self::Threads => 1 << 7,
            Self::CpuPercent => 1 << 8,
            Self::ResidentBytes | Self::MemoryPercent => 1 << 9,
            Self::StartedBootMs | Self::AgeSeconds => 1 << 10,
            Self::Nice => 1 << 11,
        }
    }
}

field_ids! {
    /// A field of a mounted file system.
    DiskField
    model {
        /// The mount's source.
        Name "name",
        /// Where it is mounted.
        MountPoint "mount_point",
        /// Type of the file system.
        FileSystem "file_system",
        /// Size.
        TotalBytes "total_bytes",
        /// Space in use.
        UsedBytes "used_bytes",
        /// Space that users other than root can still use.
        AvailableBytes "available_bytes",
        /// Whether it answered when asked for its sizes.
        State "state",
        /// Whether it is mounted read-only.
        ReadOnly "read_only",
        /// When the sizes were read, on the clock of the boot, where that was before the sample.
        SizesBootMs "sizes_boot_ms",
    }
    computed {
        /// Space in use as a share of what users can use.
        UsedPercent "used_percent",
    }
}

field_ids! {
    /// A field of a network interface.
    InterfaceField
    model {
        /// The interface's name.
        Name "name",
        /// Counter of bytes received.
        ReceivedBytes "received_bytes",
        /// Counter of bytes transmitted.
        TransmittedBytes "transmitted_bytes",
    }
    computed {
        /// Bytes received per second.
        ReceivedBytesPerSecond "received_bytes_per_second",
        /// Bytes transmitted per second.
        TransmittedBytesPerSecond "transmitted_bytes_per_second",
    }
}

field_ids! {
    /// A field of a GPU.
    GpuField
    model {
        /// The GPU's name.
        Name "name",
        /// Share of the time that it was busy.
        UsagePercent "usage_percent",
        /// Memory in use.
        MemoryUsedBytes "memory_used_bytes",
        /// Size of its memory.
        MemoryTotalBytes "memory_total_bytes",
        /// Its temperature.
        TemperatureCelsius "temperature_celsius",
    }
    computed {}
}

field_ids! {
    /// A field of a logical CPU.
    CoreField
    model {
        /// N of cpuN.
        Index "index",
        /// Share of this CPU's time that was used.
        Percent "percent",
    }
    computed {}
}

field_ids! {
    /// A field of a temperature sensor.
    SensorField
    model {
        /// The sensor's name.
        Label "label",
        /// Its temperature.
        Celsius "celsius",
        /// The limit from which on it is high.
        HighCelsius "high_celsius",
        /// The limit from which on it is critical.
        CriticalCelsius "critical_celsius",
    }
    computed {}
}

field_ids! {
    /// A field of the metrics of a host.
    MetricsField
    model {
        /// Share of the machine's CPU time that was used.
        CpuTotalPercent "cpu_total_percent",
        /// Temperature of the processor.
        CpuTemperatureCelsius "cpu_temperature_celsius",
        /// Size of the memory.
        MemoryTotalBytes "memory_total_bytes",
        /// Memory in use.
        MemoryUsedBytes "memory_used_bytes",
        /// Memory that programs can still get.
        MemoryAvailableBytes "memory_available_bytes",
        /// Memory for caches and buffers.
        MemoryCacheBytes "memory_cache_bytes",
        /// Size of the swap space.
        SwapTotalBytes "swap_total_bytes",
        /// Swap space in use.
        SwapUsedBytes "swap_used_bytes",
        /// Load average of one minute.
        LoadOne "load_one",
        /// Load average of five minutes.
        LoadFive "load_five",
        /// Load average of fifteen minutes.
        LoadFifteen "load_fifteen",
    }
    computed {
        /// Memory in use as a share of all.
        MemoryUsedPercent "memory_used_percent",
        /// Swap space in use as a share of all.
        SwapUsedPercent "swap_used_percent",
    }
}

field_ids! {
    /// A fact about a host.
    HostField
    model {
        /// The host's name.
        Hostname "hostname",
        /// Release of the kernel.
        Kernel "kernel",
        /// Name and version of the operating system.
        Os "os",
        /// Model of the machine.
        Model "model",
        /// Architecture of the kernel.
        Architecture "architecture",
        /// Model of the processor.
        CpuModel "cpu_model",
        /// Logical CPUs online.
        CpuCount "cpu_count",
        /// Version of the agent.
        AgentVersion "agent_version",
        /// When the system booted, on the clock of the boot, where that is not its zero.
        StartedBootMs "started_boot_ms",
    }
    computed {
        /// Time since the system booted.
        UptimeSeconds "uptime_seconds",
    }
}
