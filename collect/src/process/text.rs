//! Converts bytes from the kernel to text of bounded length.

use super::super::processes::lossy;

/// As much of `bytes` as fits, as text, and whether that is all. What is no UTF-8 becomes U+FFFD, three bytes long.
pub(super) fn fitting(bytes: &[u8], most_bytes: usize) -> (String, bool) {
    let mut text = lossy(bytes);
    let is_whole = text.len() <= most_bytes;
    if !is_whole {
        text.truncate(text.floor_char_boundary(most_bytes));
        text.shrink_to_fit();
    }
    (text, is_whole)
}
