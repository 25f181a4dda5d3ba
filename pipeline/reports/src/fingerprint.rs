//! The SHA-256 and length of bytes, taken while they are written.

use std::io::{self, Write};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What a file's bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// 64 hexadecimal digits, lower case.
    pub sha256: String,
    pub bytes: u64,
}

impl Fingerprint {
    pub fn of(bytes: &[u8]) -> Self {
        Self { sha256: HEXLOWER.encode(&Sha256::digest(bytes)), bytes: bytes.len() as u64 }
    }
}

/// Passes bytes on and remembers what they were.
pub(crate) struct Fingerprinting<W> {
    pub sink: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Fingerprinting<W> {
    pub fn new(sink: W) -> Self {
        Self { sink, hash: Sha256::new(), bytes: 0 }
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sink.write_all(bytes)?;
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Of what was written up to here.
    pub fn so_far(&self) -> Fingerprint {
        Fingerprint { sha256: HEXLOWER.encode(&self.hash.clone().finalize()), bytes: self.bytes }
    }

    pub fn finish(mut self) -> io::Result<Fingerprint> {
        self.sink.flush()?;
        Ok(self.so_far())
    }
}
