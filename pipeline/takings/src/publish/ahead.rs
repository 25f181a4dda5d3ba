//! Decoding beside the landing: what has landed is decoded while the next file is on its way, so that cores, disk and network do not
//! wait for each other, and the bytes are still in memory.
//!
//! Nothing of it is in a table before publish takes it up. What can't be decoded ahead is decoded by publish, which tells what is wrong.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use takings_definitions::{Export, Mode};
use takings_sources::LandingRecord;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tracing::Span;

use super::plain::Plain;
use super::{Made, layout_key, share};
use crate::context::Context;
use crate::failure::{Failure, Result};

/// No file is begun while more bytes than this are landing or not yet decoded: what waits costs the system memory, and is read from the disk in
/// the end.
const WAITING: u64 = 256 << 20;

/// The threads that decode ahead, and what they have made. However it ends, dropped in the middle of a wait or not, they end soon after,
/// with the chunk in hand.
pub struct Ahead<'a> {
    context: &'a Context,
    work: Arc<Work>,
    /// `None`: no more comes, or nobody decodes ahead.
    queue: Option<Sender<Landed>>,
    /// Each tells when it is through, or is dropped.
    threads: Vec<oneshot::Receiver<()>>,
    /// How the files of an export are read, by channel and export. `None`: not ahead.
    ways: Mutex<BTreeMap<(String, String), Option<Plain>>>,
    /// Bytes that are to be decoded ahead, as far as it is known.
    bytes: AtomicU64,
}

/// What the threads share.
struct Work {
    queue: Mutex<Receiver<Landed>>,
    given_up: Arc<AtomicBool>,
    /// Bytes that are landing, or have landed and are not decoded.
    waiting: AtomicU64,
    /// Fewer wait than before, or all is given up.
    less: Notify,
    /// By unit.
    made: Mutex<BTreeMap<String, (Plain, Made)>>,
}

/// A segment that has landed.
struct Landed {
    plain: Plain,
    record: Arc<LandingRecord>,
    segment: usize,
    threads: usize,
}

impl<'a> Ahead<'a> {
    /// Starts the threads. Who wants the work of one thread wants one thing after the other.
    pub fn start(context: &'a Context) -> Self {
        let (sender, queue) = mpsc::channel();
        let work =
            Arc::new(Work { queue: Mutex::new(queue), given_up: Arc::default(), waiting: AtomicU64::new(0), less: Notify::new(), made: Mutex::default() });
        let threads: Vec<_> = if context.threads > 1 { (0..context.threads).map_while(|_| Work::start(&work)).collect() } else { Vec::new() };
        let queue = (!threads.is_empty()).then_some(sender);
        Self { context, work, queue, threads, ways: Mutex::default(), bytes: AtomicU64::new(0) }
    }

    /// So many more bytes are on their way.
    pub fn expect(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A version of a file is in the landing zone; its segments from `fresh` on are new.
    pub fn landed(&self, record: &LandingRecord, fresh: usize) {
        let Some(queue) = &self.queue else { return };
        let Some(channel) = self.context.project.channels.get(&record.channel) else { return };
        let record = Arc::new(record.clone());
        let ways = channel.exports.iter().filter(|export| export.landed_as() == record.export).filter_map(|export| self.way(&record.channel, export));
        let ways: Vec<Plain> = ways.collect();
        let from = if ways.is_empty() { record.segments.len() } else { fresh };
        let not_ahead: u64 = record.segments.iter().take(from).map(|segment| segment.length).sum();
        let expected = |bytes: u64| Some(bytes.saturating_sub(not_ahead));
        let bytes = self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, expected).unwrap_or_default().saturating_sub(not_ahead);
        for plain in ways {
            for (at, segment) in record.segments.iter().enumerate().skip(from) {
                let threads = share(self.context.threads, segment.length, bytes).min(self.context.threads);
                self.work.waiting.fetch_add(segment.length, Ordering::Relaxed);
                // What the threads do not take any more is left to publish.
                let _ = queue.send(Landed { plain: plain.clone(), record: Arc::clone(&record), segment: at, threads });
            }
        }
    }

    /// Waits until there is room for a file that is about to land. Where nobody decodes ahead there always is.
    pub async fn room(&self, size: u64) {
        loop {
            let less = self.work.less.notified();
            if self.queue.is_none() || self.work.is_given_up() || self.work.waiting.load(Ordering::Relaxed) < WAITING {
                self.work.waiting.fetch_add(size, Ordering::Relaxed);
                return;
            }
            less.await;
        }
    }

    /// A file for which there was room has landed, or never will.
    pub fn arrived(&self, size: u64) {
        self.work.fewer(size);
    }

    fn way(&self, channel: &str, export: &Export) -> Option<Plain> {
        let way = || {
            // Of the files of a period only the newest counts, and which that is shows when all have landed.
            if export.is_general() || export.mode == Mode::ReplacePeriod {
                return None;
            }
            let channel = self.context.project.channels.get(channel)?;
            // What is wrong with either is said by publish.
            let table = self.context.project.table(&export.table).ok()?;
            let plain = Plain::new(self.context, export, table, &layout_key(self.context, channel, export, table)).ok()?;
            Some(plain.until(&self.work.given_up))
        };
        lock(&self.ways).entry((channel.to_owned(), export.name.clone())).or_insert_with(way).clone()
    }

    /// Waits until all is made that has landed; nothing more comes.
    pub async fn wait(&mut self) {
        self.queue = None;
        while let Some(thread) = self.threads.last_mut() {
            // One that panicked has dropped its end: publish does what it left.
            let _ = thread.await;
            self.threads.pop();
        }
    }

    pub(super) fn has(&self, unit: &str) -> bool {
        lock(&self.work.made).contains_key(unit)
    }

    /// What was made of a unit.
    pub(super) fn take(&self, unit: &str) -> Option<Made> {
        lock(&self.work.made).remove(unit).map(|(_, made)| made)
    }

    /// Gives up what is still at work, and throws away what nobody took.
    pub async fn end(mut self) {
        self.work.give_up();
        self.wait().await;
        let left = std::mem::take(&mut *lock(&self.work.made));
        let count = left.len();
        for (at, (plain, made)) in left.into_values().enumerate() {
            if let Err(error) = plain.discard(made).await {
                // Whatever it is, the next would meet it too.
                tracing::warn!(%error, "{} units were decoded and are not needed; what can't be deleted now is left to a vacuum", count - at);
                return;
            }
        }
    }
}

impl Drop for Ahead<'_> {
    fn drop(&mut self) {
        self.work.give_up();
    }
}

impl Work {
    /// A thread that decodes until no more comes, one fails or all is given up. `None`: the system has none left.
    fn start(work: &Arc<Self>) -> Option<oneshot::Receiver<()>> {
        let (work, runtime, span) = (Arc::clone(work), Handle::current(), Span::current());
        let (through, told) = oneshot::channel();
        // Not one of the runtime's: those are counted, and each writer needs one for its files.
        let decode = move || {
            let _inside = span.enter();
            let _at_work = AtWork(&work);
            while let Some(landed) = work.next() {
                let decoded = runtime.block_on(landed.decode());
                work.fewer(landed.length());
                match decoded {
                    Ok((unit, made)) => {
                        tracing::debug!(unit, "decoded ahead");
                        lock(&work.made).insert(unit, (landed.plain, made));
                    }
                    Err(_) if work.is_given_up() => {}
                    Err(failure) => {
                        tracing::warn!(
                            path = landed.record.source_path,
                            "decoding beside the landing ends, the rest is decoded when all has landed: {failure}"
                        );
                        work.give_up();
                    }
                }
            }
            let _ = through.send(());
        };
        std::thread::Builder::new().name("decode-ahead".to_owned()).spawn(decode).ok().map(|_| told)
    }

    /// The next segment. While one thread waits for it here, the others wait for their turn to.
    fn next(&self) -> Option<Landed> {
        let next = lock(&self.queue).recv().ok();
        next.filter(|_| !self.is_given_up())
    }

    fn fewer(&self, bytes: u64) {
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        self.less.notify_waiters();
    }

    fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
        self.less.notify_waiters();
    }

    fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }
}

/// A thread that decodes. Where it panics nobody waits for it to be through with anything.
struct AtWork<'a>(&'a Work);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.give_up();
        }
    }
}

impl Landed {
    fn length(&self) -> u64 {
        self.record.segments[self.segment].length
    }

    async fn decode(&self) -> Result<(String, Made)> {
        let units = self.plain.units(&self.record);
        let unit = units.get(self.segment).ok_or_else(|| Failure::run(format!("there is no segment {}", self.segment)))?;
        let made = self.plain.decode(unit, self.threads).await?;
        self.plain.let_go(&self.record.segments[self.segment]);
        Ok((unit.key.clone(), made))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use takings_faults::Faults;
    use takings_runs::RunState;

    use super::*;
    use crate::crash::feeds::Mini;
    use crate::crash::place::{Place, Scene, runtime};
    use crate::held::{chore, leased};
    use crate::output::Progress;

    /// A night's files land, and are decoded ahead, on two threads.
    fn pulled(then: impl AsyncFnOnce(&Context, Ahead<'_>)) {
        on_threads(2, then);
    }

    fn on_threads(threads: u32, then: impl AsyncFnOnce(&Context, Ahead<'_>)) {
        let mini = Mini::new();
        let (scene, place) = (Scene { threads, ..mini.night(1) }, Place::new());
        runtime().block_on(async {
            let context = place.open(&scene, Faults::default()).await.unwrap();
            let work = async |held: &crate::held::Held| {
                let ahead = Ahead::start(&context);
                crate::pull::pull(&context, held.run(), &ahead, &Progress::new(true)).await?;
                then(&context, ahead).await;
                Ok(())
            };
            leased(&context, &chore("test".to_owned()), None, work, |()| (RunState::Nothing, None)).await.unwrap();
            context.ledger.close().await;
        });
    }

    #[test]
    fn what_has_landed_is_made_and_what_nobody_takes_is_deleted() {
        pulled(async |context, mut ahead| {
            ahead.wait().await;
            let units: Vec<String> = lock(&ahead.work.made).keys().cloned().collect();
            assert!(units.len() > 1, "{units:?}");
            let mut taken = ahead.take(&units[0]).unwrap();
            assert!(ahead.take(&units[0]).is_none());
            for file in &mut taken.files {
                file.placed().await.unwrap();
            }
            ahead.end().await;
            assert!(!taken.files.is_empty());
            assert_eq!(context.store.list("lake").await.unwrap().len(), taken.files.len());
        });
    }

    #[test]
    fn files_land_no_faster_than_they_are_decoded_while_somebody_decodes() {
        let full = async |ahead: &Ahead<'_>| -> bool {
            ahead.room(WAITING).await;
            tokio::time::timeout(Duration::from_millis(20), ahead.room(1)).await.is_err()
        };
        pulled(async |_, ahead| {
            assert!(full(&ahead).await, "there was room for more");
            ahead.arrived(WAITING);
            assert!(full(&ahead).await);
            ahead.work.give_up();
            assert!(!full(&ahead).await, "and nobody takes what waits");
            ends(ahead).await;
        });
        on_threads(1, async |_, ahead| assert!(!full(&ahead).await, "nobody decodes ahead"));
    }

    #[test]
    fn the_threads_end_when_nobody_waits_for_them_any_more() {
        pulled(async |context, mut ahead| {
            let record = context.landing.records("mini", "main").await.unwrap().remove(0);
            // More work than anybody has time for.
            (0..50_000).for_each(|_| ahead.landed(&record, 0));
            assert!(tokio::time::timeout(Duration::from_millis(20), ahead.wait()).await.is_err(), "nothing was left to do");
            ends(ahead).await;
        });
        // While one waits for what lands next, and another for his turn to.
        pulled(async |_, ahead| ends(ahead).await);
    }

    /// The threads end when it is dropped.
    async fn ends(ahead: Ahead<'_>) {
        let work = Arc::downgrade(&ahead.work);
        drop(ahead);
        let ended = async {
            while work.strong_count() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), ended).await.expect("a thread goes on");
    }
}
