//! Plain CSV, one segment of a landed file: cut into chunks of whole records, decoded and written as they come.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::stream::{self, Stream, TryStreamExt};
use takings_decode::{Chunk, ColumnTotal, Decoded, Decoder, FileIdentity, Layout, RAW_LIMIT, Reject, Splitter, add_totals};
use takings_definitions::{Export, Table};
use takings_lake::{Lake, TableWriter};
use takings_sources::{Landing, LandingRecord, Segment};
use takings_storage::Store;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::{Made, Unit, UnitOutcome, check_accounts, short};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::quarantine::{self, Entry, Writer};
use crate::rejects::Rejects;
use crate::run_key::KeyHash;

/// How many bytes of whole records are decoded at a time: they and what is made of them stay in the cache.
const CHUNK: usize = 1 << 20;
/// Chunks that wait for a thread that is still at work on another.
const WAITING: usize = 2;
/// A segment of fewer bytes is not dealt to several threads: it would only become more and smaller files.
const DEALT: u64 = 16 << 20;

/// How the files of one export are read. It owns what it takes, for threads that outlive who started them.
#[derive(Clone)]
pub(super) struct Plain {
    landing: Landing,
    lake: Lake,
    store: Store,
    layout: Arc<Layout>,
    table: Arc<Table>,
    export: Arc<Export>,
    /// What of the definitions shapes the rows.
    layout_key: Arc<str>,
    /// Nobody wants what is being made any more.
    given_up: Arc<AtomicBool>,
}

/// The segments of a landed file, each under a key that says what shapes its rows.
pub(super) fn units<'r>(record: &'r LandingRecord, layout_key: &str) -> Vec<Unit<'r>> {
    let header = record.segments.first().map_or("", |segment| segment.sha256.as_str());
    let of_file = || KeyHash::default().part(&record.instance).part(layout_key).part(header);
    let segments = record.segments.iter().enumerate();
    segments
        .map(|(at, segment)| {
            let hash = of_file().part(&segment.sha256).part(&segment.first_line.to_string()).finish();
            Unit { key: format!("{}-{at:04}-{}", short(&record.file_id), short(&hash)), record, segment: at }
        })
        .collect()
}

impl Plain {
    pub(super) fn new(context: &Context, export: &Export, table: &Table, layout_key: &str) -> Result<Self> {
        // Whatever comes after the run that asks for it, this is done under its fence or not at all.
        let store = context.store.under_this_fence();
        Ok(Self {
            landing: Landing::new(store.clone()),
            lake: context.lake.on(store.clone()),
            store,
            layout: Arc::new(Layout::new(export, table)?),
            table: Arc::new(table.clone()),
            export: Arc::new(export.clone()),
            layout_key: layout_key.into(),
            given_up: Arc::default(),
        })
    }

    /// The same, until it is said here that nobody wants it.
    pub(super) fn until(self, given_up: &Arc<AtomicBool>) -> Self {
        Self { given_up: Arc::clone(given_up), ..self }
    }

    /// Throws away what was made of a unit.
    pub(super) async fn discard(&self, made: Made) -> Result<()> {
        Ok(self.lake.discard(&self.table.name, made.files).await?)
    }

    /// An error when nobody wants what is being made any more.
    fn go_on(&self) -> Result<()> {
        if self.given_up.load(Ordering::Relaxed) { Err(Failure::stopped("decoding was given up")) } else { Ok(()) }
    }

    pub(super) fn units<'r>(&self, record: &'r LandingRecord) -> Vec<Unit<'r>> {
        units(record, &self.layout_key)
    }

    /// Nobody needs the bytes for now.
    pub(super) fn let_go(&self, segment: &Segment) {
        self.landing.let_go(segment);
    }

    /// `threads`: how many may work on it.
    pub(super) async fn decode(&self, unit: &Unit<'_>, threads: usize) -> Result<Made> {
        let (record, export) = (unit.record, &*self.export);
        let mut outcome = UnitOutcome { unit: unit.key.clone(), ..UnitOutcome::of(record) };
        let identity = FileIdentity { instance: record.instance.clone(), file_id: record.file_id.clone(), path: record.source_path.clone() };
        let header = self.landing.header(record).await?;
        let decoder = match Decoder::new(Arc::clone(&self.layout), identity, &header) {
            Ok(decoder) => Arc::new(decoder),
            Err(error) if error.is_data() => {
                outcome.stopped = Some(error.to_string());
                self.quarantine_all(unit, &mut outcome, Vec::new()).await?;
                return Ok(Made::nothing(outcome, Vec::new()));
            }
            Err(error) => return Err(error.into()),
        };
        let warnings = decoder.warnings().iter().map(|warning| format!("{}: {warning}", export.name)).collect();
        let shares = if unit.length() < DEALT { 1 } else { threads.max(1) };
        let share =
            |_| Ok(Share::new(&decoder, self.lake.writer(&self.table, Some(&unit.key))?.one_of(shares), Rejects::one_of(shares, export.quarantine_limit)));
        let shares = (0..shares).map(share).collect::<Result<_>>()?;
        let (shares, mut dealt) = self.deal(unit, shares).await;
        let (mut writers, mut rejects) = (Vec::new(), Rejects::new(export.quarantine_limit));
        for share in shares {
            outcome.records += share.records;
            outcome.published += share.published;
            dealt = dealt.and(add_totals(&mut outcome.totals, &share.totals).map_err(Failure::from));
            for (rule, records) in share.excluded {
                *outcome.excluded.entry(rule).or_default() += records;
            }
            rejects.append(share.rejects);
            writers.push(share.writer);
        }
        let too_many = rejects.why_not();
        if dealt.is_err() || too_many.is_some() {
            for writer in writers {
                writer.abort().await?;
            }
            dealt?;
            outcome.stopped = too_many;
            outcome.totals.clear();
            self.quarantine_all(unit, &mut outcome, rejects.into_kept()).await?;
            return Ok(Made::nothing(outcome, warnings));
        }
        let mut files = Vec::new();
        for writer in writers {
            files.extend(writer.hand_over().await?);
        }
        outcome.quarantined = rejects.count();
        outcome.rows = outcome.published;
        check_accounts(export, &outcome, &files)?;
        quarantine::keep(&self.store, export, record, &unit.key, rejects).await?;
        Ok(Made { outcome, files, warnings })
    }

    /// Reads a unit's chunks and deals them to shares in turn, so that which rows stand in which file hangs on the bytes and the number of
    /// shares alone. A single share takes them here.
    async fn deal(&self, unit: &Unit<'_>, mut shares: Vec<Share>) -> (Vec<Share>, Result<()>) {
        if let [only] = &mut shares[..] {
            let done = self.each_chunk(unit, async |chunk| only.take(&chunk).await).await;
            return (shares, done);
        }
        let runtime = Handle::current();
        let threads = shares.into_iter().map(|share| {
            let (sender, receiver) = mpsc::channel(WAITING);
            let runtime = runtime.clone();
            (sender, tokio::task::spawn_blocking(move || runtime.block_on(share.take_all(receiver))))
        });
        let (senders, threads): (Vec<_>, Vec<_>) = threads.unzip();
        let mut next = senders.iter().cycle();
        let mut done = self
            .each_chunk(unit, async |chunk| {
                if let Some(sender) = next.next() {
                    // A thread that takes no more has failed, and says so below.
                    let _ = sender.send(chunk).await;
                }
                Ok(())
            })
            .await;
        drop(senders);
        let mut shares = Vec::new();
        for thread in threads {
            match thread.await {
                Ok((share, taken)) => {
                    shares.push(share);
                    done = done.and(taken);
                }
                Err(error) => done = done.and(Err(Failure::run(format!("decoding stopped: {error}")))),
            }
        }
        (shares, done)
    }

    async fn each_chunk(&self, unit: &Unit<'_>, mut take: impl AsyncFnMut(Chunk) -> Result<()>) -> Result<()> {
        let mut chunks = std::pin::pin!(self.chunks(unit, CHUNK).await?);
        while let Some(chunk) = chunks.try_next().await? {
            self.store.faults().reach("decode")?;
            self.go_on()?;
            take(chunk).await?;
        }
        Ok(())
    }

    /// The whole records of a unit, without the header.
    async fn chunks<'a>(&'a self, unit: &'a Unit<'_>, target: usize) -> Result<impl Stream<Item = Result<Chunk>> + 'a> {
        let header = if unit.segment == 0 { self.landing.header(unit.record).await? } else { Bytes::new() };
        let first_line = unit.record.segments[unit.segment].first_line + newlines(&header);
        let length = unit.record.segments[unit.segment].length;
        let state = (self.landing.read(unit.record, unit.segment), length, header.len(), Some(Splitter::new(first_line, target)));
        let chunks = stream::try_unfold(state, |(mut bytes, mut left, mut skip, mut splitter)| async move {
            let Some(cut) = splitter.as_mut() else { return Ok::<_, Failure>(None) };
            let next = if left == 0 { None } else { bytes.try_next().await? };
            let chunks = match next {
                Some(mut piece) => {
                    // The stream goes on with the segments after this one.
                    piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                    left -= piece.len() as u64;
                    let from = skip.min(piece.len());
                    skip -= from;
                    cut.push(piece.slice(from..))
                }
                None => splitter.take().and_then(Splitter::finish).into_iter().collect(),
            };
            Ok(Some((stream::iter(chunks.into_iter().map(Ok)), (bytes, left, skip, splitter))))
        });
        Ok(chunks.try_flatten())
    }

    /// A stopped unit goes to quarantine whole: its bad records with their reasons, its good ones as `file_stopped`.
    async fn quarantine_all(&self, unit: &Unit<'_>, outcome: &mut UnitOutcome, rejects: Vec<Reject>) -> Result<()> {
        let reason = outcome.stopped.clone().unwrap_or_default();
        let mut bad = rejects.into_iter().peekable();
        let mut writer = Writer::new(&self.store, &self.export, unit.record, &unit.key).await?;
        let mut records = std::pin::pin!(self.chunks(unit, 1).await?);
        while let Some(record) = records.try_next().await? {
            self.go_on()?;
            let raw = String::from_utf8_lossy(&record.bytes[..record.bytes.len().min(RAW_LIMIT)]).trim_end_matches(['\r', '\n']).to_owned();
            if raw.is_empty() {
                continue;
            }
            let mut is_bad = false;
            while let Some(reject) = bad.next_if(|reject| reject.line <= record.first_line) {
                is_bad = reject.line == record.first_line;
                writer.add(reject.into()).await?;
            }
            if !is_bad {
                writer.add(Entry::stopped(String::new(), record.first_line, raw, &reason)).await?;
            }
        }
        for reject in bad {
            writer.add(reject.into()).await?;
        }
        outcome.records = writer.finish().await?;
        outcome.published = 0;
        outcome.excluded.clear();
        outcome.quarantined = outcome.records;
        Ok(())
    }
}

/// What one thread makes of the chunks that are dealt to it: a writer of its own, and the accounts of what went through.
struct Share {
    decoder: Arc<Decoder>,
    writer: TableWriter,
    records: u64,
    published: u64,
    totals: Vec<ColumnTotal>,
    excluded: BTreeMap<String, u64>,
    rejects: Rejects,
}

impl Share {
    fn new(decoder: &Arc<Decoder>, writer: TableWriter, rejects: Rejects) -> Self {
        Self { decoder: Arc::clone(decoder), writer, records: 0, published: 0, totals: Vec::new(), excluded: BTreeMap::new(), rejects }
    }

    /// Decodes a chunk and writes its rows, on one thread, in whose cache they stand.
    async fn take(&mut self, chunk: &Chunk) -> Result<()> {
        let Decoded { batch, rejects, records, totals, excluded } = self.decoder.decode(chunk)?;
        self.records += records;
        self.published += batch.num_rows() as u64;
        add_totals(&mut self.totals, &totals)?;
        for reject in rejects {
            self.rejects.add(reject);
        }
        for left_out in excluded {
            *self.excluded.entry(left_out.rule).or_default() += left_out.records;
        }
        if batch.num_rows() > 0 {
            self.writer.write(&batch).await?;
        }
        Ok(())
    }

    /// Takes chunks until no more come, or one fails.
    async fn take_all(mut self, mut chunks: mpsc::Receiver<Chunk>) -> (Self, Result<()>) {
        while let Some(chunk) = chunks.recv().await {
            if let Err(failure) = self.take(&chunk).await {
                return (self, Err(failure));
            }
        }
        (self, Ok(()))
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}
