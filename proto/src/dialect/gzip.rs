//! gzip with a bound on what a peer can make us unpack.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

/// A gzip stream that could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum GunzipError {
    /// It unpacks to more than the bound.
    #[error("the reply unpacks to more than {limit} bytes")]
    TooLarge {
        /// The bound, in bytes.
        limit: usize,
    },
    /// It is not gzip, or it is damaged or cut short.
    #[error("the reply is not a whole gzip stream: {0}")]
    Damaged(#[from] std::io::Error),
}

/// Whether `data` opens as a gzip stream (RFC 1952).
pub(crate) fn is_gzip(data: &[u8]) -> bool {
    data.starts_with(&[0x1f, 0x8b])
}

/// Packs `data` at the level that costs least: replies live for a second or less.
pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(data.len() / 2), Compression::fast());
    encoder
        .write_all(data)
        .and_then(|()| encoder.finish())
        .expect("writing to a Vec cannot fail")
}

/// Unpacks `data`, to at most `limit` bytes.
pub(crate) fn gunzip(data: &[u8], limit: usize) -> Result<Vec<u8>, GunzipError> {
    let mut unpacked = Vec::new();
    let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    GzDecoder::new(data)
        .take(bound)
        .read_to_end(&mut unpacked)?;
    if unpacked.len() > limit {
        return Err(GunzipError::TooLarge { limit });
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_data_unpacks_to_the_same() {
        let data = b"a process list ".repeat(100);
        let packed = gzip(&data);
        assert!(is_gzip(&packed));
        assert!(packed.len() < data.len());
        assert_eq!(gunzip(&packed, data.len()).unwrap(), data);
    }

    #[test]
    fn unpacking_stops_at_the_limit() {
        let packed = gzip(&vec![0; 1 << 20]);
        assert!(matches!(
            gunzip(&packed, (1 << 20) - 1),
            Err(GunzipError::TooLarge { .. })
        ));
    }

    #[test]
    fn a_stream_cut_short_is_an_error() {
        let packed = gzip(&b"0123456789".repeat(50));
        assert!(gunzip(&packed[..packed.len() - 1], 1 << 20).is_err());
    }
}
