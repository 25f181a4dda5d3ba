//! The rows of a section that is made in parts: while one part is printed, the next is made.

use arrow::array::RecordBatch;
use futures::StreamExt;
use takings_engine::{DataFrame, Session};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::failure::{Failure, Result};

/// Batches that wait for whoever prints them.
const WAITING: usize = 4;

pub struct Parts<'a> {
    what: &'a str,
    left: std::vec::IntoIter<DataFrame>,
    /// It is at work already.
    next: Option<Part>,
}

/// The rows of one part; dropped, its work ends.
pub struct Part {
    rows: mpsc::Receiver<takings_engine::Result<RecordBatch>>,
    at_work: JoinSet<()>,
}

impl<'a> Parts<'a> {
    pub fn new(what: &'a str, parts: Vec<DataFrame>) -> Self {
        Self { what, left: parts.into_iter(), next: None }
    }

    pub async fn next(&mut self, session: &Session<'_>) -> Result<Option<Part>> {
        let part = match self.next.take() {
            Some(part) => Some(part),
            None => self.start(session).await?,
        };
        self.next = self.start(session).await?;
        Ok(part)
    }

    async fn start(&mut self, session: &Session<'_>) -> Result<Option<Part>> {
        let Some(frame) = self.left.next() else { return Ok(None) };
        let mut made = session.stream(self.what, frame).await?;
        let (sender, rows) = mpsc::channel(WAITING);
        let what = self.what.to_owned();
        let make = async move {
            while let Some(batch) = made.next().await {
                let batch = batch.map_err(|error| takings_engine::Error::running(&what, &error));
                if sender.send(batch).await.is_err() {
                    break;
                }
            }
        };
        let mut at_work = JoinSet::new();
        at_work.spawn(make.in_current_span());
        Ok(Some(Part { rows, at_work }))
    }
}

impl Part {
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        if let Some(batch) = self.rows.recv().await {
            return Ok(Some(batch?));
        }
        // No more rows come; that those that came are all is known when the work has ended well.
        match self.at_work.join_next().await.transpose() {
            Ok(_) => Ok(None),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => Err(Failure::run(format!("making rows of a report ended before its time: {error}"))),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(work: impl Future<Output = ()> + Send + 'static) -> Part {
        let (_, rows) = mpsc::channel(WAITING);
        let mut at_work = JoinSet::new();
        at_work.spawn(work);
        Part { rows, at_work }
    }

    #[tokio::test]
    async fn rows_end_only_where_the_work_has_ended_well() {
        assert!(part(async {}).next().await.unwrap().is_none());
        let mut stopped = part(std::future::pending());
        stopped.at_work.abort_all();
        let error = stopped.next().await.unwrap_err();
        assert!(error.to_string().contains("ended before its time"), "{error}");
    }

    #[tokio::test]
    #[should_panic(expected = "in the plan")]
    async fn a_panic_goes_on_to_who_reads() {
        let _ = part(async { panic!("in the plan") }).next().await;
    }
}
