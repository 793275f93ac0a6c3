//! A kernel file that is read at every sample: opened once, then read in place with `pread(2)`.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// Large enough for most of these files to come in one read.
const FIRST_SIZE: usize = 8 * 1024;

/// No file read here is near it; one that is larger is not what it should be.
const MAX_SIZE: usize = 4 * 1024 * 1024;

/// What is read into, one file after the other; it grows to the largest and stays so.
#[derive(Debug)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    max_bytes: usize,
}

/// A file that stays open between readings.
#[derive(Debug)]
pub(crate) struct ProcFile {
    path: PathBuf,
    file: Option<File>,
}

impl ProcFile {
    /// A file that is opened when it is first read.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    /// Reads the whole file.
    ///
    /// # Errors
    /// Where the file can be read neither through the kept descriptor nor after opening it anew:
    /// a descriptor outlives its device, and then every read of it fails.
    pub(crate) fn read<'b>(&mut self, buffer: &'b mut Buffer) -> io::Result<&'b [u8]> {
        let kept = self.file.as_ref().map(|file| buffer.fill(file));
        let length = if let Some(Ok(length)) = kept {
            length
        } else {
            self.file = None;
            let file = File::open(&self.path)?;
            let length = buffer.fill(&file)?;
            self.file = Some(file);
            length
        };
        Ok(buffer.bytes.get(..length).unwrap_or_default())
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self::bounded(MAX_SIZE)
    }
}

impl Buffer {
    /// A buffer that grows to hardly more than `max_bytes`.
    pub(crate) fn bounded(max_bytes: usize) -> Self {
        Self {
            bytes: Vec::new(),
            max_bytes,
        }
    }

    /// Reads `file` from its start to its end and gives the length. The kernel may hand out less than
    /// was asked for before the end, so only a read of nothing is the end.
    fn fill(&mut self, file: &File) -> io::Result<usize> {
        let mut length = 0;
        loop {
            if length == self.bytes.len() {
                if length >= self.max_bytes {
                    return Err(io::ErrorKind::FileTooLarge.into());
                }
                self.bytes.resize((length * 2).max(FIRST_SIZE), 0);
            }
            let offset = u64::try_from(length).map_err(io::Error::other)?;
            match file.read_at(self.bytes.get_mut(length..).unwrap_or_default(), offset) {
                Ok(0) => return Ok(length),
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_read_again_through_the_same_descriptor() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stat");
        let mut kept = ProcFile::new(path.clone());
        let mut buffer = Buffer::default();
        assert!(kept.read(&mut buffer).is_err());
        std::fs::write(&path, "one").unwrap();
        assert_eq!(kept.read(&mut buffer).unwrap(), b"one");
        std::fs::write(&path, "3").unwrap();
        assert_eq!(kept.read(&mut buffer).unwrap(), b"3");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(kept.read(&mut buffer).unwrap(), b"3");
    }

    #[test]
    fn buffer_grows_with_the_file_up_to_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stat");
        let mut buffer = Buffer::default();
        let large = vec![b'x'; FIRST_SIZE * 5 + 1];
        std::fs::write(&path, &large).unwrap();
        let mut kept = ProcFile::new(path.clone());
        assert_eq!(kept.read(&mut buffer).unwrap(), large);
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(MAX_SIZE as u64 + 1)
            .unwrap();
        assert_eq!(
            kept.read(&mut buffer).unwrap_err().kind(),
            io::ErrorKind::FileTooLarge
        );
    }

    #[test]
    fn a_descriptor_that_fails_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("temp1_input");
        std::fs::write(&path, "42000").unwrap();
        // A folder can be opened but not read: what a vanished device's descriptor is like.
        let mut kept = ProcFile {
            path,
            file: Some(File::open(folder.path()).unwrap()),
        };
        assert_eq!(kept.read(&mut Buffer::default()).unwrap(), b"42000");
    }
}
