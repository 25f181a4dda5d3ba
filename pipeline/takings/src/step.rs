//! One step of a run: recorded in the ledger with its figures, and a span of the log.

use std::future::Future;

use takings_runs::StepFigures;
use tracing::field::Empty;
use tracing::{Instrument, Span};
use uuid::Uuid;

use crate::context::{Context, now};
use crate::failure::Result;

/// Does a step's work between its start and its end in the ledger. A step that fails has no end.
pub async fn recorded<T>(context: &Context, run: Uuid, name: &'static str, work: impl Future<Output = Result<(T, StepFigures)>>) -> Result<T> {
    let span = tracing::info_span!("step", step = name, rows = Empty, bytes = Empty, files = Empty);
    async {
        let key = context.ledger.start_step(run, name, now()).await?;
        let (done, figures) = work.await?;
        context.ledger.end_step(key, &figures, now()).await?;
        let span = Span::current();
        span.record("rows", counted(figures.rows));
        span.record("bytes", counted(figures.bytes));
        span.record("files", counted(figures.files));
        tracing::info!("done");
        Ok(done)
    }
    .instrument(span)
    .await
}

/// Collectors know signed numbers only.
fn counted(figure: u64) -> i64 {
    i64::try_from(figure).unwrap_or(i64::MAX)
}
