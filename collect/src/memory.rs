//! Memory and swap from `/proc/meminfo` (`proc_meminfo(5)`), as `free(1)` of procps 4 shows them.

use socktop_proto::model::{Memory, Swap};

use crate::parse::{lines, number, words};

/// The lines of meminfo that are used, in bytes.
#[derive(Debug, Default)]
struct Meminfo {
    total: Option<u64>,
    free: Option<u64>,
    available: Option<u64>,
    buffers: Option<u64>,
    cached: Option<u64>,
    reclaimable: Option<u64>,
    active_file: Option<u64>,
    inactive_file: Option<u64>,
    swap_total: Option<u64>,
    swap_free: Option<u64>,
}

/// Parses meminfo. `min_free_kbytes` reads `vm.min_free_kbytes`, which only kernels before 3.14 need.
pub(crate) fn parse(
    meminfo: &[u8],
    min_free_kbytes: impl FnOnce() -> Option<u64>,
) -> (Memory, Swap) {
    let lines = Meminfo::parse(meminfo);
    let available = lines
        .available
        .or_else(|| lines.estimate_available(min_free_kbytes()?))
        // In a container the two may come from different worlds; then free(1) takes what is free.
        .and_then(|available| match lines.total {
            Some(total) if available > total => lines.free.filter(|free| *free <= total),
            _ => Some(available),
        });
    let cache = sum([lines.buffers, lines.cached, lines.reclaimable]);
    let memory = Memory {
        total_bytes: lines.total,
        used_bytes: lines
            .total
            .zip(available)
            .and_then(|(total, available)| total.checked_sub(available)),
        available_bytes: available,
        cache_bytes: cache.filter(|cache| lines.total.is_none_or(|total| *cache <= total)),
    };
    let swap = Swap {
        total_bytes: lines.swap_total,
        used_bytes: lines
            .swap_total
            .zip(lines.swap_free)
            .and_then(|(total, free)| total.checked_sub(free)),
    };
    (memory, swap)
}

fn sum<const N: usize>(values: [Option<u64>; N]) -> Option<u64> {
    values
        .into_iter()
        .try_fold(0_u64, |sum, value| Some(sum.saturating_add(value?)))
}

impl Meminfo {
    fn parse(meminfo: &[u8]) -> Self {
        let mut all = Self::default();
        for line in lines(meminfo) {
            let mut words = words(line);
            let field = match words.next() {
                Some(b"MemTotal:") => &mut all.total,
                Some(b"MemFree:") => &mut all.free,
                Some(b"MemAvailable:") => &mut all.available,
                Some(b"Buffers:") => &mut all.buffers,
                Some(b"Cached:") => &mut all.cached,
                Some(b"SReclaimable:") => &mut all.reclaimable,
                Some(b"Active(file):") => &mut all.active_file,
                Some(b"Inactive(file):") => &mut all.inactive_file,
                Some(b"SwapTotal:") => &mut all.swap_total,
                Some(b"SwapFree:") => &mut all.swap_free,
                _ => continue,
            };
            // "kB" there means KiB.
            *field = words.next().and_then(number::<u64>).map(kib);
        }
        all
    }

    /// What could be had without swapping, on kernels that do not say: what is free above the low watermark, and
    /// of page cache and slab all but half, or the watermark where that is less.
    fn estimate_available(&self, min_free_kbytes: u64) -> Option<u64> {
        let watermark = kib(min_free_kbytes).saturating_mul(5) / 4;
        let most_of = |bytes: u64| bytes - (bytes / 2).min(watermark);
        let page_cache = sum([self.active_file, self.inactive_file])?;
        Some(
            self.free?
                .saturating_add(most_of(page_cache))
                .saturating_add(most_of(self.reclaimable?))
                .saturating_sub(watermark),
        )
    }
}

fn kib(count: u64) -> u64 {
    count.saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIB: u64 = 1024 * 1024 * 1024;

    #[test]
    fn used_memory_is_total_minus_available() {
        let (memory, swap) = parse(
            b"MemTotal:        8388608 kB\nMemFree:         1048576 kB\nMemAvailable:    6291456 kB\n\
              Buffers:          524288 kB\nCached:          4194304 kB\nSwapCached:            0 kB\n\
              SwapTotal:       2097152 kB\nSwapFree:        1048576 kB\nSReclaimable:     524288 kB\n",
            || unreachable!("MemAvailable is there"),
        );
        assert_eq!(memory.total_bytes, Some(8 * GIB));
        assert_eq!(memory.available_bytes, Some(6 * GIB));
        assert_eq!(memory.used_bytes, Some(2 * GIB));
        assert_eq!(memory.cache_bytes, Some(5 * GIB));
        assert_eq!(swap.total_bytes, Some(2 * GIB));
        assert_eq!(swap.used_bytes, Some(GIB));
    }

    const OLD_KERNEL: &[u8] = b"MemTotal: 1000 kB\nMemFree: 300 kB\nBuffers: 20 kB\nCached: 380 kB\n\
        Active(file): 100 kB\nInactive(file): 300 kB\nSReclaimable: 60 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n";

    #[test]
    fn available_memory_of_an_old_kernel_is_estimated() {
        // Watermark 50; 300 free - 50, 400 cache - 50, 60 slab - 30.
        let (memory, swap) = parse(OLD_KERNEL, || Some(40));
        assert_eq!(memory.available_bytes, Some(630 * 1024));
        assert_eq!(memory.used_bytes, Some(370 * 1024));
        assert_eq!(swap.total_bytes, Some(0));
        assert_eq!(swap.used_bytes, Some(0));
    }

    #[test]
    fn missing_values_are_unknown() {
        let (memory, _) = parse(OLD_KERNEL, || None);
        assert_eq!(memory.total_bytes, Some(1000 * 1024));
        assert_eq!(memory.used_bytes, None);
        assert_eq!(
            parse(b"", || Some(40)),
            (Memory::default(), Swap::default())
        );
    }

    #[test]
    fn impossible_available_memory_falls_back_to_free() {
        let (memory, _) = parse(
            b"MemTotal: 1000 kB\nMemFree: 400 kB\nMemAvailable: 9000 kB\n",
            || None,
        );
        assert_eq!(memory.used_bytes, Some(600 * 1024));
    }

    #[test]
    fn values_above_the_total_are_unknown() {
        let (memory, swap) = parse(
            b"MemTotal: 1000 kB\nMemFree: 9000 kB\nMemAvailable: 9000 kB\nBuffers: 1 kB\nCached: 1000 kB\n\
              SReclaimable: 0 kB\nSwapTotal: 5 kB\nSwapFree: 6 kB\n",
            || None,
        );
        let unknown = Memory {
            total_bytes: Some(1000 * 1024),
            ..Memory::default()
        };
        assert_eq!(memory, unknown);
        assert_eq!(swap.used_bytes, None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_panic(bytes: Vec<u8>, min_free: Option<u64>) {
            let _ = parse(&bytes, || min_free);
        }

        #[test]
        fn used_memory_never_exceeds_the_total(
            total: u64, free: u64, available: Option<u64>, file: u64, slab: u64, min_free: u64,
        ) {
            let available = available.map_or(String::new(), |kib| format!("MemAvailable: {kib} kB\n"));
            let text = format!(
                "MemTotal: {total} kB\nMemFree: {free} kB\n{available}Active(file): {file} kB\n\
                 Inactive(file): {file} kB\nSReclaimable: {slab} kB\nSwapTotal: {total} kB\nSwapFree: {free} kB\n"
            );
            let (memory, swap) = parse(text.as_bytes(), || Some(min_free));
            let most = memory.total_bytes.unwrap();
            let parts = [memory.used_bytes, memory.available_bytes, memory.cache_bytes];
            prop_assert!(parts.into_iter().flatten().all(|bytes| bytes <= most));
            prop_assert!(swap.used_bytes.is_none_or(|used| used <= swap.total_bytes.unwrap()));
        }
    }
}
