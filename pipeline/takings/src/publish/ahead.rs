//! Decoding beside the landing: what has landed is decoded while the next file is on its way, so that cores, disk and network do not
//! wait for each other, and the bytes are still in memory.
//!
//! Nothing of it is in a table before publish takes it up; what nobody takes is thrown away. A landing that fails or is stopped takes
//! the decoding with it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use takings_definitions::{Export, Mode};
use takings_sources::LandingRecord;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinHandle;
use tracing::Span;

use super::plain::Plain;
use super::{Made, layout_key, share};
use crate::context::Context;
use crate::failure::{Failure, Result};

/// The threads that decode, until it is dropped or finished.
pub struct Ahead<'a> {
    context: &'a Context,
    /// `None`: nobody decodes beside the landing.
    segments: Option<UnboundedSender<Segment>>,
    threads: Vec<JoinHandle<Ready>>,
    end: Arc<End>,
    /// How the files of an export are read, by channel and export. `None`: not ahead.
    ways: Mutex<BTreeMap<(String, String), Option<Plain>>>,
    /// Bytes that were announced so far.
    bytes: AtomicU64,
}

/// Why the threads end before all is made.
#[derive(Default)]
struct End {
    given_up: Arc<AtomicBool>,
    failure: Mutex<Option<Failure>>,
}

impl End {
    fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    fn has_come(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }

    /// The first failure is told; those that follow from it are not.
    fn fail(&self, failure: Failure) {
        if !self.has_come() {
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
            self.give_up();
        }
    }
}

/// A segment that has landed.
struct Segment {
    plain: Plain,
    record: Arc<LandingRecord>,
    at: usize,
    threads: usize,
}

type Queue = Arc<tokio::sync::Mutex<UnboundedReceiver<Segment>>>;

impl<'a> Ahead<'a> {
    /// Starts the threads. Who wants the work of one thread wants one thing after the other.
    pub fn start(context: &'a Context) -> Self {
        let mut ahead = Self { context, segments: None, threads: Vec::new(), end: Arc::default(), ways: Mutex::default(), bytes: AtomicU64::new(0) };
        if context.threads > 1 {
            let (sender, receiver) = mpsc::unbounded_channel();
            ahead.segments = Some(sender);
            let queue: Queue = Arc::new(tokio::sync::Mutex::new(receiver));
            ahead.threads = (0..context.threads).map(|_| thread(&queue, &ahead.end)).collect();
        }
        ahead
    }

    /// So many more bytes are on their way.
    pub fn expect(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A version of a file is in the landing zone; its segments from `fresh` on are new.
    pub fn landed(&self, record: &LandingRecord, fresh: usize) {
        let Some(sender) = &self.segments else { return };
        let Some(channel) = self.context.project.channels.get(&record.channel) else { return };
        let record = Arc::new(record.clone());
        for export in channel.exports.iter().filter(|export| export.landed_as() == record.export) {
            let Some(plain) = self.way(&record.channel, export) else { continue };
            for (at, segment) in record.segments.iter().enumerate().skip(fresh) {
                let threads = share(self.context.threads, segment.length, self.bytes.load(Ordering::Relaxed)).min(self.context.threads);
                // Threads that take no more have failed, and say so in the end.
                let _ = sender.send(Segment { plain: plain.clone(), record: Arc::clone(&record), at, threads });
            }
        }
    }

    fn way(&self, channel: &str, export: &Export) -> Option<Plain> {
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        let known = ways.entry((channel.to_owned(), export.name.clone()));
        known
            .or_insert_with(|| {
                // Of the files of a period only the newest counts, and which that is shows when all have landed.
                if export.is_general() || export.mode == Mode::ReplacePeriod {
                    return None;
                }
                let channel = self.context.project.channels.get(channel)?;
                // What is wrong with either is said by publish.
                let table = self.context.project.table(&export.table).ok()?;
                let plain = Plain::new(self.context, export, table, &layout_key(self.context, channel, export, table)).ok()?;
                Some(plain.until(&self.end.given_up))
            })
            .clone()
    }

    /// What was made, when all is made that has landed.
    pub async fn finish(self) -> Result<Ready> {
        let (context, end) = (self.context, Arc::clone(&self.end));
        let ready = self.made().await;
        let failure = end.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        match failure {
            None => Ok(ready),
            Some(failure) => {
                ready.discard(context).await?;
                Err(failure)
            }
        }
    }

    /// Ends what is at work and throws away what was made. No thread works any more after it.
    pub async fn give_up(self) -> Result<()> {
        let context = self.context;
        self.end.give_up();
        self.made().await.discard(context).await
    }

    async fn made(mut self) -> Ready {
        self.segments = None;
        let mut ready = Ready::default();
        for thread in std::mem::take(&mut self.threads) {
            match thread.await {
                Ok(made) => ready.0.extend(made.0),
                Err(error) => self.end.fail(Failure::run(format!("decoding stopped: {error}"))),
            }
        }
        ready
    }
}

impl Drop for Ahead<'_> {
    /// A run that ends before its time waits for nothing: what its threads still have in hand, the fence keeps out.
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.end.give_up();
        }
    }
}

/// A thread that decodes segments until no more come, or one fails.
fn thread(queue: &Queue, end: &Arc<End>) -> JoinHandle<Ready> {
    let (queue, end, runtime, span) = (Arc::clone(queue), Arc::clone(end), Handle::current(), Span::current());
    tokio::task::spawn_blocking(move || {
        let _inside = span.enter();
        runtime.block_on(async {
            let mut ready = Ready::default();
            loop {
                let next = queue.lock().await.recv().await;
                let Some(segment) = next.filter(|_| !end.has_come()) else { return ready };
                match segment.decode().await {
                    Ok(made) => ready.0.insert(made.0.unit.clone(), (segment.plain.table().to_owned(), made)),
                    Err(failure) => {
                        end.fail(failure);
                        return ready;
                    }
                };
            }
        })
    })
}

impl Segment {
    async fn decode(&self) -> Result<Made> {
        let units = self.plain.units(&self.record);
        let unit = units.get(self.at).ok_or_else(|| Failure::run(format!("{} has no segment {}", self.record.source_path, self.at)))?;
        let made = self.plain.decode(unit, self.threads).await?;
        if let Some(segment) = self.record.segments.get(self.at) {
            self.plain.let_go(segment);
        }
        Ok(made)
    }
}

/// Units that are decoded already, by their keys, with their tables.
#[derive(Default)]
pub struct Ready(BTreeMap<String, (String, Made)>);

impl Ready {
    pub(super) fn take(&mut self, unit: &str) -> Option<Made> {
        self.0.remove(unit).map(|(_, made)| made)
    }

    /// Throws away what nobody took.
    pub async fn discard(self, context: &Context) -> Result<()> {
        for (table, (_, files, _)) in self.0.into_values() {
            context.lake.discard(&table, files).await?;
        }
        Ok(())
    }
}
