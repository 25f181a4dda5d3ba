//! Containers that are read from several places at once: held in memory as they are packed.

use std::io::Read;
use std::sync::Arc;

use super::Open;
use crate::{Error, Result};

/// The largest zip or workbook, packed.
pub(crate) const HELD_LIMIT: u64 = 192 << 20;

pub(super) fn hold(file: &Open<'_>) -> Result<Arc<Vec<u8>>> {
    let mut bytes = Vec::new();
    file.open()?.take(HELD_LIMIT + 1).read_to_end(&mut bytes).map_err(|error| file.broken(&error))?;
    if bytes.len() as u64 > HELD_LIMIT {
        return Err(Error::data(format!("{} is a zip or workbook of more than {} MiB", file.name, HELD_LIMIT >> 20))
            .next("hand its members in one by one; text and gzip may be of any size"));
    }
    Ok(Arc::new(bytes))
}
