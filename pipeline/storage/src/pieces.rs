//! A file in pieces, one after the other.
//!
//! A local file is read where the stream is polled, into memory that was used before: whoever works on a piece finds it in the cache
//! of his own core, and no page of memory is cleared for it. While he does, the system reads the next piece from the disk.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::path::Path;
use takings_faults::{Faults, Kind, Leave};

use crate::local::{LocalStore, io_error};
use crate::{Result, Store};

/// How much is read at once.
const PIECE: u64 = 4 << 20;
/// Reads of a bucket that are on their way or worked on.
const AHEAD: usize = 3;
/// So much memory of pieces waits to be used again.
const SPARE: usize = 4;

impl Store {
    /// The first `length` bytes of a file in pieces, one for each of its [`pieces`]. Of a file that is shorter than that the last ones
    /// are too short, or an error.
    pub fn pieces(&self, path: &str, length: u64) -> BoxStream<'static, Result<Bytes>> {
        let (store, path) = (self.clone(), path.to_owned());
        match &self.local {
            Some(local) => {
                let mut reader = Reader { local: local.clone(), faults: self.faults.clone(), path, file: None };
                let pieces = pieces(length).map(move |range| reader.read(range).map_err(|error| store.error("read", &reader.path, error)));
                stream::iter(pieces).boxed()
            }
            None => {
                let reads = pieces(length).map(move |range| {
                    let (store, path) = (store.clone(), path.clone());
                    async move { store.get_range(&path, range).await }
                });
                stream::iter(reads).buffered(AHEAD).boxed()
            }
        }
    }

    /// A file will not be read again soon: the system may use the memory in which it keeps the bytes for others. It is only a hint.
    pub fn let_go(&self, path: &str) {
        let Some(local) = &self.local else { return };
        let file = Path::parse(path).ok().and_then(|path| local.place(&path).ok()).and_then(|place| File::open(place).ok());
        file.iter().for_each(let_go);
    }
}

/// The ranges in which a file of a length is read.
pub fn pieces(length: u64) -> impl Iterator<Item = Range<u64>> + Send + 'static {
    (0..length.div_ceil(PIECE)).map(move |piece| {
        let start = piece * PIECE;
        start..(start + PIECE).min(length)
    })
}

struct Reader {
    local: Arc<LocalStore>,
    faults: Faults,
    path: String,
    /// Opened with the first piece.
    file: Option<File>,
}

impl Reader {
    fn read(&mut self, range: Range<u64>) -> object_store::Result<Bytes> {
        self.faults.ask(Kind::Read, &self.path).and_then(Leave::finish).map_err(|fault| io_error(fault.into()))?;
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(File::open(self.local.place(&Path::parse(&self.path)?)?).map_err(io_error)?),
        };
        prefetch(file, range.end);
        let length = (range.end - range.start) as usize;
        let mut memory = Memory { bytes: self.local.spare.take(length), read: 0, spare: self.local.spare.clone() };
        memory.read = fill(file, &mut memory.bytes[..length], range.start).map_err(io_error)?;
        Ok(Bytes::from_owner(memory))
    }
}

/// Reads up to the end of the memory or of the file; gives how much that is.
fn fill(file: &File, memory: &mut [u8], from: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < memory.len() {
        match file.read_at(&mut memory[read..], from + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// Lets the system read the next piece meanwhile. It is only a hint: where it is not taken, reading says what is wrong.
fn prefetch(file: &File, from: u64) {
    #[cfg(target_os = "linux")]
    let _ = rustix::fs::fadvise(file, from, std::num::NonZeroU64::new(PIECE), rustix::fs::Advice::WillNeed);
    #[cfg(not(target_os = "linux"))]
    let _ = (file, from);
}

/// Lets the system forget a file's bytes that are on the disk, and begin to bring the others there. It is only a hint.
pub(crate) fn let_go(file: &File) {
    #[cfg(target_os = "linux")]
    let _ = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed);
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

/// A piece's memory: whoever drops the last of its bytes gives it back.
struct Memory {
    bytes: Vec<u8>,
    read: usize,
    spare: Spare,
}

impl AsRef<[u8]> for Memory {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.read]
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.spare.give(std::mem::take(&mut self.bytes));
    }
}

/// Memory of whole pieces that nobody uses now.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spare(Arc<Mutex<Vec<Vec<u8>>>>);

impl Spare {
    fn take(&self, length: usize) -> Vec<u8> {
        if (length as u64) < PIECE {
            return vec![0; length];
        }
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        spare.unwrap_or_else(|| vec![0; length])
    }

    fn give(&self, memory: Vec<u8>) {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.len() as u64 == PIECE && spare.len() < SPARE {
            spare.push(memory);
        }
    }
}
