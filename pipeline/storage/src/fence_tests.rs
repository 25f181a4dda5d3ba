//! A process stands still in the middle of a move, another takes the right to write over, and the first goes on.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::memory::InMemory;
use takings_faults::{Answer, Faults, Gate, Kind, Operation};

use crate::{Error, Fallen, Fence, Fenced, Result, Store};

/// Who may write.
type Right = Arc<Mutex<&'static str>>;

#[derive(Debug)]
struct Holder {
    name: &'static str,
    right: Right,
}

impl Fence for Holder {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn fallen(&self) -> BoxFuture<'_, Fallen> {
        let now = *self.right.lock().unwrap();
        async move { Ok((now != self.name).then(|| format!("{now} may write now"))) }.boxed()
    }
}

fn take(store: &Store, right: &Right, name: &'static str) -> Fenced {
    *right.lock().unwrap() = name;
    store.fenced_by(Arc::new(Holder { name, right: right.clone() }))
}

/// At the first operation of this kind on a path: what others do meanwhile.
struct Standstill {
    kind: Kind,
    on: &'static str,
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl fmt::Debug for Standstill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "standstill at {:?} of {}", self.kind, self.on)
    }
}

impl Gate for Standstill {
    fn ask(&self, operation: Operation<'_>) -> Answer {
        if operation.kind == self.kind
            && operation.on == self.on
            && let Some(meanwhile) = self.meanwhile.lock().unwrap().take()
        {
            meanwhile();
        }
        Answer::Go
    }
}

/// "first" begins `work` and stands still at an operation of it; "second" takes the right and writes `x`; "first" goes on. What it is told, and
/// what stands at `x`.
async fn taken_over(bucket: bool, kind: Kind, work: impl AsyncFnOnce(Store) -> Result<()>) -> (Error, String) {
    let folder = tempfile::tempdir().unwrap();
    let objects = Arc::new(InMemory::new());
    let path = folder.path().to_str().unwrap().to_owned();
    let open = move || if bucket { Store::on("s3://bucket/".parse().unwrap(), objects.clone()) } else { Store::open(&path, Path::new("/")).unwrap() };
    let right = Right::default();
    let (second, its_right) = (open(), right.clone());
    let successor = async move {
        let _fenced = take(&second, &its_right, "second");
        second.sweep_staging().await.unwrap();
        second.replace("x", "of the second").await.unwrap();
    };
    let meanwhile = move || {
        let runs = || tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(successor);
        std::thread::spawn(runs).join().unwrap();
    };
    let gate = Arc::new(Standstill { kind, on: "x", meanwhile: Mutex::new(Some(Box::new(meanwhile))) });
    let first = open().with_faults(Faults::through(gate.clone()));
    let _fenced = take(&first, &right, "first");
    first.sweep_staging().await.unwrap();
    let error = work(first).await.unwrap_err();
    assert!(gate.meanwhile.lock().unwrap().is_none(), "nobody stood still");
    let left = open();
    assert_eq!(left.list(crate::STAGING).await.unwrap(), [], "something is left");
    (error, String::from_utf8(left.get("x").await.unwrap().to_vec()).unwrap())
}

#[tokio::test]
async fn what_a_process_was_about_to_put_in_place_stays_out() {
    for bucket in [false, true] {
        let place = async |store: Store| store.replace("x", "of the first").await;
        let (error, x) = taken_over(bucket, Kind::Place, place).await;
        assert!(matches!(error, Error::Fenced { .. }) && error.to_string().ends_with("/x: second may write now"), "{error}");
        assert_eq!(x, "of the second");

        let commit = async |store: Store| {
            let mut staged = store.stage().await?;
            staged.write("of the first".into()).await?;
            staged.commit("x").await
        };
        let (error, x) = taken_over(bucket, Kind::Place, commit).await;
        assert!(matches!(error, Error::Fenced { .. }), "{error}");
        assert_eq!(x, "of the second");

        let copy = async |store: Store| {
            store.replace("y", "of the first").await?;
            store.copy("y", "x").await
        };
        let (error, x) = taken_over(bucket, Kind::Place, copy).await;
        assert!(matches!(error, Error::Fenced { .. }), "{error}");
        assert_eq!(x, "of the second");
    }
}

#[tokio::test]
async fn what_a_process_was_about_to_delete_stays() {
    let delete = async |store: Store| {
        store.replace("y", "of the first").await?;
        store.delete("x").await
    };
    let (error, x) = taken_over(false, Kind::Delete, delete).await;
    assert!(matches!(error, Error::Fenced { .. }), "{error}");
    assert_eq!(x, "of the second");
}

#[tokio::test]
async fn who_comes_too_late_changes_nothing() {
    let (folder, right) = (tempfile::tempdir().unwrap(), Right::default());
    let store = Store::open(folder.path().to_str().unwrap(), Path::new("/")).unwrap();
    let fenced = take(&store, &right, "first");
    store.replace("a/b", "one").await.unwrap();
    let mut staged = store.stage().await.unwrap();
    staged.write("two".into()).await.unwrap();
    *right.lock().unwrap() = "second";
    for done in [staged.commit("a/b").await, store.replace("a/b", "three").await, store.delete("a/b").await, store.sweep_staging().await.map(drop)] {
        let error = done.unwrap_err();
        assert!(matches!(error, Error::Fenced { .. }), "{error}");
    }
    assert_eq!(store.get("a/b").await.unwrap(), "one");
    // Without a fence, nobody is asked.
    drop(fenced);
    store.delete("a/b").await.unwrap();
    assert!(!folder.path().join("a").exists(), "its folder is left");
}

/// A thread of a run works on after the run has given its right back: it may write as long as the right is the run's, and no longer.
#[tokio::test]
async fn what_outlives_its_fence_is_not_without_one() {
    let (folder, right) = (tempfile::tempdir().unwrap(), Right::default());
    let store = Store::open(folder.path().to_str().unwrap(), Path::new("/")).unwrap();
    let fenced = take(&store, &right, "first");
    let pinned = store.under_this_fence();
    pinned.replace("a", "one").await.unwrap();
    let mut staged = pinned.stage().await.unwrap();
    staged.write("two".into()).await.unwrap();
    drop(fenced);
    *right.lock().unwrap() = "nobody";
    assert!(matches!(pinned.replace("a", "after it was given back").await.unwrap_err(), Error::Fenced { .. }));
    let _fenced = take(&store, &right, "second");
    for done in [staged.commit("a").await, pinned.replace("a", "three").await, pinned.delete("a").await] {
        let error = done.unwrap_err();
        assert!(matches!(error, Error::Fenced { .. }), "{error}");
    }
    assert_eq!(store.get("a").await.unwrap(), "one");
    store.replace("a", "of the second").await.unwrap();
    assert_eq!(pinned.get("a").await.unwrap(), "of the second");
}

#[tokio::test]
async fn under_a_fence_deleting_is_as_without() {
    let (folder, right) = (tempfile::tempdir().unwrap(), Right::default());
    let store = Store::open(folder.path().to_str().unwrap(), Path::new("/")).unwrap();
    let _fenced = take(&store, &right, "first");
    store.replace("a/b/c", "one").await.unwrap();
    store.replace("a/d", "two").await.unwrap();
    store.delete("a/b/c").await.unwrap();
    store.delete("a/b/c").await.unwrap();
    assert!(!folder.path().join("a/b").exists() && folder.path().join("a/d").exists());
}
