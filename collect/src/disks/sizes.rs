//! The sizes of a file system; impossible ones are unknown.

/// The sizes of a file system. What is unknown was impossible: more used than there is, or more than the kernel's file
/// offsets reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) total_bytes: Option<u64>,
    /// What is in use. What is reserved is neither used nor available.
    pub(super) used_bytes: Option<u64>,
    /// For users other than root.
    pub(super) available_bytes: Option<u64>,
    /// How many files it has room for.
    pub(super) files: u64,
}

/// What was found at a mount point.
#[derive(Debug)]
pub(super) enum Found {
    /// A file system.
    Sizes(Sizes),
    /// A file that was bound to a file.
    File,
}

/// Sizes as the kernel gives them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks {
    /// Bytes of a block.
    pub(super) block_bytes: u64,
    pub(super) total: u64,
    pub(super) free: u64,
    pub(super) available: u64,
    /// How many files it has room for.
    pub(super) files: u64,
}

impl Sizes {
    /// The sizes in bytes.
    pub(super) fn of(blocks: Blocks) -> Self {
        let total_bytes = bytes(blocks.total, blocks.block_bytes);
        let within_total = |blocks: u64, block_bytes| {
            bytes(blocks, block_bytes)
                .filter(|&part| total_bytes.is_some_and(|total| part <= total))
        };
        let used = blocks.total.checked_sub(blocks.free);
        // Where more is reserved than free, some give a negative number.
        let available = if blocks.available.cast_signed() < 0 {
            0
        } else {
            blocks.available
        };
        Self {
            total_bytes,
            used_bytes: used.and_then(|used| within_total(used, blocks.block_bytes)),
            available_bytes: within_total(available, blocks.block_bytes),
            files: blocks.files,
        }
    }

    /// Whether it has no size at all: an interface of the kernel, nothing to store in.
    pub(super) fn is_empty(&self) -> bool {
        self.total_bytes == Some(0)
    }

    /// Whether both seem to be the sizes of one file system, read shortly after each other: layers pass on those of the
    /// file system under them.
    pub(super) fn are_of_the_same(&self, other: &Self) -> bool {
        let (Some(total), Some(used), Some(others_used)) =
            (self.total_bytes, self.used_bytes, other.used_bytes)
        else {
            return false;
        };
        other.total_bytes == Some(total)
            && self.files == other.files
            && used.abs_diff(others_used) <= total / 100
    }
}

/// No file system is larger than what the kernel's offsets (`loff_t`) reach: 8 EiB.
fn bytes(blocks: u64, block_bytes: u64) -> Option<u64> {
    let bytes = blocks.checked_mul(block_bytes)?;
    i64::try_from(bytes).is_ok().then_some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sizes(block_bytes: u64, total: u64, free: u64, available: u64) -> Sizes {
        Sizes::of(Blocks {
            block_bytes,
            total,
            free,
            available,
            files: 0,
        })
    }

    #[test]
    fn impossible_sizes_are_unknown() {
        let (total, half) = (Some(4096 * 100), Some(4096 * 50));
        let of = |sizes: Sizes| (sizes.total_bytes, sizes.used_bytes, sizes.available_bytes);
        assert_eq!(of(sizes(4096, 100, 50, 50)), (total, half, half));
        // More is free than there is.
        assert_eq!(of(sizes(4096, 100, 101, 50)), (total, None, half));
        assert_eq!(of(sizes(4096, 100, 50, 101)), (total, half, None));
        // More is reserved than free.
        assert_eq!(of(sizes(4096, 100, 5, (-7_i64).cast_unsigned())).2, Some(0));
        // 16 EiB.
        assert_eq!(of(sizes(16 << 20, 1 << 40, 0, 0)), (None, None, None));
        assert_eq!(of(sizes(1, u64::MAX, 0, 0)).0, None);
    }

    proptest! {
        #[test]
        fn used_and_free_do_not_exceed_the_total(block_bytes: u64, total: u64, free: u64, available: u64) {
            let sizes = sizes(block_bytes, total, free, available);
            for part in [sizes.used_bytes, sizes.available_bytes].into_iter().flatten() {
                prop_assert!(sizes.total_bytes >= Some(part));
            }
        }
    }
}
