//! Returns free memory that the allocator keeps to the kernel (`malloc_trim(3)`).
//!
//! glibc gives back what is free at the end of its heap. After a list of thousands of processes the free memory lies between
//! small pieces that are in use, and an agent that is watched for months would keep it.

/// Returns all free pages to the kernel. For use after a large answer was released, not for every request: it walks
/// the heap.
pub(crate) fn give_back_free_pages() {
    #[cfg(target_env = "gnu")]
    #[expect(
        unsafe_code,
        reason = "malloc_trim(3) may be called at any time by any thread, and no wrapper of it is to be had"
    )]
    // SAFETY: it takes no pointer and touches nothing but memory that is free.
    unsafe {
        nix::libc::malloc_trim(0);
    }
}
