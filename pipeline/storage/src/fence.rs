//! Who may put files in place: one process at a time, though another may stand still for long in the middle of it and then go on.
//!
//! Whoever writes under a fence asks before each move whether it stands, and keeps what it moves in a folder of its own under
//! `staging/`. That alone leaves the time between the answer and the move. So whoever comes next takes the folders of all others
//! away before it reads or writes anything ([`crate::Store::sweep_staging`]): what is moved out of them, or into them to be deleted,
//! can't be moved any more.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use futures::future::BoxFuture;

use crate::STAGING;

/// Why a fence does not stand any more; `None` while it does.
pub type Fallen = Result<Option<String>, Box<dyn StdError + Send + Sync>>;

/// A right to write that may pass on to somebody else.
pub trait Fence: fmt::Debug + Send + Sync {
    /// A name that no other holder of the right has had.
    fn name(&self) -> String;
    fn fallen(&self) -> BoxFuture<'_, Fallen>;
}

/// The fence that a store and its clones write under, if any.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fences(Arc<RwLock<Option<Arc<dyn Fence>>>>);

impl Fences {
    pub(crate) fn current(&self) -> Option<Arc<dyn Fence>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where files lie while they are written.
    pub(crate) fn folder(&self) -> String {
        self.current().map_or_else(|| STAGING.to_owned(), |fence| format!("{STAGING}/{}", fence.name()))
    }

    /// The fence of now, for good.
    pub(crate) fn pinned(&self) -> Self {
        Self(Arc::new(RwLock::new(self.current())))
    }

    pub(crate) fn set(&self, fence: Option<Arc<dyn Fence>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = fence;
    }
}

/// A store writes under a fence until this is dropped.
#[derive(Debug)]
#[must_use = "the fence is taken away when this is dropped"]
pub struct Fenced(pub(crate) Fences);

impl Drop for Fenced {
    fn drop(&mut self) {
        self.0.set(None);
    }
}
