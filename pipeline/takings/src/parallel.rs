//! Work that keeps a core busy, dealt to several threads.

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use crate::failure::{Failure, Result};

/// Does the work for each item on `threads` threads; the results come in the order of the items. The first error ends it.
pub fn spread<T, R, F, W>(threads: usize, items: Vec<T>, work: F) -> Result<Vec<R>>
where
    T: Send,
    R: Send,
    F: Fn(T) -> W + Sync,
    W: Future<Output = Result<R>>,
{
    let count = items.len();
    let runtime = tokio::runtime::Handle::current();
    let queue = Mutex::new(items.into_iter().enumerate());
    let done = Mutex::new(Vec::with_capacity(count));
    let failed: Mutex<Option<Failure>> = Mutex::new(None);
    let lock = |failed: &Mutex<Option<Failure>>| failed.lock().unwrap_or_else(PoisonError::into_inner).is_some();
    // What the workers log belongs to the step that asked for the work.
    let span = tracing::Span::current();
    #[cfg(test)]
    let clock = crate::simulation::clock::Clock::of_here();
    let worker = || {
        let _inside = span.enter();
        #[cfg(test)]
        clock.iter().for_each(crate::simulation::clock::Clock::rules_here);
        while !lock(&failed) {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((at, item)) = next else { break };
            match runtime.block_on(work(item)) {
                Ok(result) => done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result)),
                Err(failure) => {
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
                }
            }
        }
    };
    tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            for _ in 0..threads.min(count) {
                scope.spawn(worker);
            }
        });
    });
    if let Some(failure) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(failure);
    }
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn results_keep_their_order_and_an_error_ends_it() {
        let doubled = spread(3, (0..100).collect(), |number: i32| async move { Ok(number * 2) }).unwrap();
        assert_eq!(doubled, (0..100).map(|number| number * 2).collect::<Vec<_>>());
        let failed = spread(3, vec![1, 2, 3], |number: i32| async move { if number == 2 { Err(Failure::run("two")) } else { Ok(number) } });
        assert_eq!(failed.unwrap_err().to_string(), "two");
    }
}
