//! Files of the general way: whole files through decode's reader and the channel file's SQL, rows into the lake's writer or before the eye.
//!
//! Decode knows no engine and no store; here they meet.

use std::collections::BTreeMap;
use std::io;

use arrow::array::RecordBatch;
use bytes::{Buf, Bytes};
use futures::stream::{BoxStream, TryStreamExt};
use takings_decode::general::{FileOutcome, Opener, RawRecord, Reader};
use takings_decode::{FileIdentity, PartFacts, Reject};
use takings_definitions::{Channel, Export, Table};
use takings_draft::{FirstRows, REJECTS, Tried};
use takings_engine::Calculator;
use takings_lake::TableWriter;
use takings_sources::LandingRecord;
use tokio::runtime::Handle;

use crate::calculations::Calculations;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::rejects::Rejects;

/// An export of the general way, compiled for all its files.
pub struct General {
    reader: Reader,
    /// Of each layout, where it has SQL.
    calculators: Vec<Option<Calculator>>,
}

/// What a file became besides rows.
pub struct Read {
    pub outcome: FileOutcome,
    pub rejects: Rejects,
}

impl Read {
    /// Why nothing of the file may be published.
    pub fn why_not(&self) -> Option<String> {
        self.outcome.stopped().or_else(|| self.rejects.why_not())
    }
}

impl General {
    pub fn new(engine: &takings_engine::Engine, project: &takings_definitions::Project, channel: &Channel, export: &Export, table: &Table) -> Result<Self> {
        let reader = Reader::new(channel, export, table, &project.references)?;
        let calculators = reader
            .layouts()
            .iter()
            .map(|layout| {
                let what = format!("{}: export `{}`", channel.path.display(), export.name);
                Ok(engine.calculator(&what, &layout.export, layout.values.schema(), layout.values.scratch_schema())?)
            })
            .collect::<Result<_>>()?;
        Ok(Self { reader, calculators })
    }

    /// Why the file must not be published, as this export sees it. Nothing is written.
    pub fn refuses(&self, context: &Context, limit: u64, file: &FileIdentity, record: &LandingRecord) -> Result<Option<String>> {
        match self.read(context, limit, file, record, None) {
            Ok(read) => Ok(read.why_not()),
            Err(failure) if failure.is_data() => Ok(Some(failure.to_string())),
            Err(failure) => Err(failure),
        }
    }

    /// Reads a landed file into the writer, where there is one. An error of data stops the file. `limit`: how many records may be bad.
    pub fn read(&self, context: &Context, limit: u64, file: &FileIdentity, record: &LandingRecord, mut writer: Option<&mut TableWriter>) -> Result<Read> {
        blocking(|| {
            let mut rejects = Rejects::new(limit);
            let outcome = self.read_through(file, &|| Ok(landed(context, record)), &mut rejects, &mut |_, batch| {
                context.reach("decode")?;
                match writer.as_deref_mut().filter(|_| batch.num_rows() > 0) {
                    Some(writer) => Ok(Handle::current().block_on(writer.write(batch))?),
                    None => Ok(()),
                }
            })?;
            let mut read = Read { outcome, rejects };
            // All records of a file that is stopped are read once more anyway.
            if read.why_not().is_none() {
                self.add_raw(file, &|| Ok(landed(context, record)), read.rejects.kept_mut())?;
            }
            Ok(read)
        })
    }

    /// Reads a file for the eye: nothing is written.
    pub fn try_out(&self, limit: u64, file: &FileIdentity, open: Opener<'_>, first: &mut FirstRows) -> Result<Tried> {
        let mut rejects = Rejects::new(limit);
        let read = self.read_through(file, open, &mut rejects, &mut |part, batch| {
            first.add(&part.part, batch);
            Ok(())
        });
        match read {
            Ok(outcome) => {
                let read = Read { outcome, rejects };
                let stopped = read.why_not();
                let mut rejects = read.rejects.into_kept();
                let shown = rejects.len().min(REJECTS);
                self.add_raw(file, open, &mut rejects[..shown])?;
                Ok(Tried { outcome: Some(read.outcome), rejects, stopped })
            }
            Err(failure) if failure.is_data() => Ok(Tried { outcome: None, rejects: rejects.into_kept(), stopped: Some(failure.to_string()) }),
            Err(failure) => Err(failure),
        }
    }

    /// Batches as they are published, in the order of the file, and what was refused, also of a file that then can't be read further.
    fn read_through(
        &self,
        file: &FileIdentity,
        open: Opener<'_>,
        rejects: &mut Rejects,
        into: &mut dyn FnMut(&PartFacts, &RecordBatch) -> Result<()>,
    ) -> Result<FileOutcome> {
        let mut sink = Calculations::new(self.reader.layouts(), &self.calculators, file, rejects, into);
        let mut outcome = self.reader.read(file, open, &mut sink)?;
        sink.finish(&mut outcome);
        Ok(outcome)
    }

    /// Every record as text, nearly in the order of the file: one of a wrong shape may come before the rows of its block.
    pub fn records(&self, context: &Context, file: &FileIdentity, record: &LandingRecord, mut each: impl FnMut(RawRecord) -> Result<()>) -> Result<()> {
        blocking(|| self.reader.records(file, &|| Ok(landed(context, record)), &mut each))
    }

    /// What calculations refused has no text yet.
    fn add_raw(&self, file: &FileIdentity, open: Opener<'_>, rejects: &mut [Reject]) -> Result<()> {
        let lacking = rejects.iter_mut().filter(|reject| reject.raw.is_empty());
        let mut lacking: BTreeMap<(String, u64), &mut String> = lacking.map(|reject| ((reject.part.clone(), reject.line), &mut reject.raw)).collect();
        if lacking.is_empty() {
            return Ok(());
        }
        self.reader.records(file, open, &mut |record: RawRecord| {
            if let Some(raw) = lacking.remove(&(record.part, record.line)) {
                *raw = record.raw;
            }
            Ok::<_, Failure>(())
        })
    }
}

pub fn of_part(part: &str) -> String {
    if part.is_empty() { String::new() } else { format!(" of {part}") }
}

/// Work that waits for the store from a thread of its own kind.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

fn landed<'a>(context: &Context, record: &LandingRecord) -> Box<dyn io::Read + 'a> {
    Box::new(Landed { pieces: context.landing.read(record, 0), piece: Bytes::new(), runtime: Handle::current() })
}

/// A landed file's bytes for those who can't wait.
struct Landed {
    pieces: BoxStream<'static, takings_sources::Result<Bytes>>,
    piece: Bytes,
    runtime: Handle,
}

impl io::Read for Landed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.runtime.block_on(self.pieces.try_next()).map_err(io::Error::other)? {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let taken = into.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut into[..taken]);
        Ok(taken)
    }
}
