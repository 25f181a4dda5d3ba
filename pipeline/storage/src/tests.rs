//! Each promise of the store on a local folder.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStoreExt, PutPayload};

use takings_faults::{Fault, Faults, Kind, Nth};

use crate::{STAGING, Store, pieces};

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().to_str().unwrap(), Path::new("/")).unwrap();
    (folder, store)
}

async fn names(store: &Store) -> Vec<String> {
    store.list("").await.unwrap().into_iter().map(|meta| meta.location.to_string()).collect()
}

#[tokio::test]
async fn what_is_written_is_read_and_listed_in_order() {
    let (_folder, store) = store();
    store.replace("b/2.txt", "two").await.unwrap();
    store.replace("a/1 é.txt", "one").await.unwrap();
    store.replace("b/2.txt", "zwei").await.unwrap();
    assert_eq!(names(&store).await, ["a/1 é.txt", "b/2.txt"]);
    assert_eq!(store.get("b/2.txt").await.unwrap(), "zwei");
    assert_eq!(store.get_range("a/1 é.txt", 1..3).await.unwrap(), "ne");
    let pieces: Vec<Bytes> = store.stream("b/2.txt", Some(1..4)).await.unwrap().try_collect().await.unwrap();
    assert_eq!(pieces.concat(), b"wei");
    assert_eq!(store.list("nothing/here").await.unwrap().len(), 0);
    store.replace("b/1/x", "x").await.unwrap();
    store.replace("b/20.txt", "x").await.unwrap();
    let beginning: Vec<String> = store.list_beginning("b", "b/2").await.unwrap().into_iter().map(|meta| meta.location.to_string()).collect();
    assert_eq!(beginning, ["b/2.txt", "b/20.txt"]);
    assert_eq!(store.list_beginning("nothing", "nothing/2").await.unwrap().len(), 0);
    assert_eq!((store.folders("b").await.unwrap(), store.folders("nothing").await.unwrap()), (vec!["1".to_owned()], vec![]));
    assert_eq!(store.head("b/2.txt").await.unwrap().unwrap().size, 4);
    assert!(!store.exists("b/3.txt").await.unwrap());
}

#[tokio::test]
async fn a_new_file_never_replaces_an_old_one() {
    let (folder, store) = store();
    store.put_new("x/a", "first").await.unwrap();
    let error = store.put_new("x/a", "second").await.unwrap_err();
    assert!(error.is_already_exists(), "{error}");
    assert_eq!(error.to_string(), format!("{}x/a exists already and is not overwritten", store.url()));
    assert_eq!(store.get("x/a").await.unwrap(), "first");
    assert_eq!(std::fs::read_dir(folder.path().join(STAGING)).unwrap().count(), 0);
}

#[tokio::test]
async fn of_many_that_create_one_file_one_wins() {
    let (_folder, store) = store();
    let tries = futures::future::join_all((0..16).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { store.put_new("deep/er/one", format!("{n}")).await.map(|()| n) })
    }))
    .await;
    let winners: Vec<i32> = tries.into_iter().filter_map(|result| result.unwrap().ok()).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(store.get("deep/er/one").await.unwrap(), winners[0].to_string());
}

#[tokio::test]
async fn a_staged_file_is_seen_when_it_is_complete_and_only_then() {
    let (folder, store) = store();
    let mut file = store.stage().await.unwrap();
    file.write("one,".into()).await.unwrap();
    file.write("two".into()).await.unwrap();
    assert_eq!(file.written(), 7);
    assert!(!store.exists("data/t.csv").await.unwrap());
    assert_eq!(store.sweep_staging().await.unwrap(), 0, "a file being written must survive a sweep");
    file.commit("data/t.csv").await.unwrap();
    assert_eq!(store.get("data/t.csv").await.unwrap(), "one,two");

    let mut dropped = store.stage().await.unwrap();
    dropped.write("x".into()).await.unwrap();
    drop(dropped);
    store.stage().await.unwrap().discard().await.unwrap();
    assert_eq!(std::fs::read_dir(folder.path().join(STAGING)).unwrap().count(), 0);
}

#[tokio::test]
async fn a_copy_takes_the_place_of_what_stood_there_and_what_is_new_leaves_it_alone() {
    let (folder, local) = store();
    let bucket = Store::on("s3://bucket/".parse().unwrap(), Arc::new(InMemory::new()));
    for store in [local, bucket] {
        store.replace("a/of.csv", "rows").await.unwrap();
        store.replace("b/copy.csv", "old").await.unwrap();
        for _twice in 0..2 {
            store.copy("a/of.csv", "b/copy.csv").await.unwrap();
        }
        if let Some(folder) = store.folder() {
            let file = |path: &str| std::fs::metadata(folder.join(path)).unwrap().ino();
            assert_eq!(file("a/of.csv"), file("b/copy.csv"), "its bytes were written again");
        }
        assert_eq!((store.get("b/copy.csv").await.unwrap(), names(&store).await), ("rows".into(), vec!["a/of.csv".to_owned(), "b/copy.csv".to_owned()]));
        store.replace("a/of.csv", "new rows").await.unwrap();
        assert_eq!(store.get("b/copy.csv").await.unwrap(), "rows");
        store.copy("b/copy.csv", "c/again.csv").await.unwrap();
        store.delete("b/copy.csv").await.unwrap();
        assert_eq!(store.get("c/again.csv").await.unwrap(), "rows");
        let error = store.copy("b/copy.csv", "c/again.csv").await.unwrap_err();
        assert!(error.is_not_found() && error.to_string().contains("b/copy.csv"), "{error}");
        assert_eq!(names(&store).await, ["a/of.csv", "c/again.csv"]);
    }
    assert_eq!(std::fs::read_dir(folder.path().join(STAGING)).unwrap().count(), 0);
}

#[tokio::test]
async fn a_large_file_has_all_that_was_written_through() {
    let (_folder, store) = store();
    let piece = |at: u8| Bytes::from(vec![at; 5 << 20]);
    let mut file = store.stage().await.unwrap();
    for at in 0..15 {
        file.write_through(piece(at)).await.unwrap();
    }
    file.commit("large").await.unwrap();
    let read: Vec<Bytes> = store.stream("large", None).await.unwrap().try_collect().await.unwrap();
    assert_eq!(read.concat(), (0..15).flat_map(|at| piece(at).to_vec()).collect::<Vec<u8>>());
}

#[tokio::test]
async fn a_lock_is_seen_until_it_is_dropped_and_no_sweep_takes_it() {
    let (folder, store) = store();
    assert_eq!(store.is_locked("one"), None);
    let lock = store.lock("one").await.unwrap();
    assert_eq!((store.sweep_staging().await.unwrap(), store.is_locked("one")), (0, Some(true)));
    drop(lock);
    assert_eq!(store.is_locked("one"), None);
    // What a killed process leaves.
    std::fs::write(folder.path().join(STAGING).join("two"), "").unwrap();
    assert_eq!(store.is_locked("two"), Some(false));
    let bucket = Store::on("s3://bucket/".parse().unwrap(), Arc::new(InMemory::new()));
    assert!(bucket.lock("one").await.unwrap().is_none() && bucket.is_locked("one").is_none());
}

#[tokio::test]
async fn a_sweep_takes_what_a_killed_process_left() {
    let (folder, store) = store();
    std::fs::create_dir(folder.path().join(STAGING)).unwrap();
    std::fs::write(folder.path().join(STAGING).join("left"), "half").unwrap();
    assert_eq!(store.sweep_staging().await.unwrap(), 1);
    assert_eq!(store.sweep_staging().await.unwrap(), 0);
    assert_eq!(names(&store).await, [""; 0]);
}

#[tokio::test]
async fn others_who_write_through_the_object_store_leave_nothing_beside_their_file() {
    let (folder, store) = store();
    let objects = store.object_store();
    let path = ObjectPath::from("t/_delta_log/0.json");
    let mut upload = objects.put_multipart(&path).await.unwrap();
    let first = upload.put_part(PutPayload::from_static(b"a"));
    let second = upload.put_part(PutPayload::from_static(b"b"));
    futures::future::try_join(second, first).await.unwrap();
    assert!(!folder.path().join("t").exists());
    upload.complete().await.unwrap();
    assert_eq!(store.get("t/_delta_log/0.json").await.unwrap(), "ab");
}

#[tokio::test]
async fn deleting_the_last_file_of_a_folder_removes_the_folder() {
    let (folder, store) = store();
    store.replace("bi/t/period_month=2026-03-01/part.parquet", "x").await.unwrap();
    store.delete("bi/t/period_month=2026-03-01/part.parquet").await.unwrap();
    store.delete("bi/t/period_month=2026-03-01/part.parquet").await.unwrap();
    assert!(!folder.path().join("bi").exists());
    assert!(folder.path().exists());
}

#[tokio::test]
async fn errors_say_which_file_and_what_to_do() {
    let (folder, store) = store();
    let error = store.get("no/such").await.unwrap_err();
    assert!(error.is_not_found() && !error.is_retryable() && !error.is_config());
    assert_eq!(error.to_string(), format!("{}no/such does not exist", store.url()));
    let error = store.get("../etc/passwd").await.unwrap_err().to_string();
    assert!(error.contains("\"../etc/passwd\" can't be a path"), "{error}");
    let error = Store::open("feeds", folder.path()).unwrap_err();
    assert!(error.is_config());
    assert!(error.to_string().ends_with("check the path, or create the folder"), "{error}");
    let error = Store::open("ftp://host/x", folder.path()).unwrap_err().to_string();
    assert_eq!(error, "store \"ftp://host/x\": `ftp` is not a kind of store; write a folder, file:///folder or s3://bucket/prefix");
}

#[test]
fn a_folder_is_the_same_store_by_path_and_by_url() {
    let folder = tempfile::tempdir().unwrap();
    let by_path = Store::open_or_create("data", folder.path()).unwrap();
    let by_url = Store::open(&format!("file://{}/data", folder.path().display()), Path::new("/")).unwrap();
    assert_eq!(by_path.url(), by_url.url());
    assert!(by_path.url().as_str().ends_with("/data/") && by_path.is_local());
}

/// The same as on a bucket, whose writes are atomic by themselves.
#[tokio::test]
async fn a_bucket_keeps_the_same_promises() {
    let store = Store::on("s3://bucket/prefix/".parse().unwrap(), Arc::new(InMemory::new()));
    let mut file = store.stage().await.unwrap();
    file.write("one,".into()).await.unwrap();
    file.write("two".into()).await.unwrap();
    assert!(!store.exists("data/t.csv").await.unwrap());
    file.commit("data/t.csv").await.unwrap();
    assert_eq!(store.get("data/t.csv").await.unwrap(), "one,two");
    store.stage().await.unwrap().discard().await.unwrap();
    assert_eq!(names(&store).await, ["data/t.csv"]);

    assert!(store.put_new("data/t.csv", "x").await.unwrap_err().is_already_exists());
    store.replace("data/t.csv", "three").await.unwrap();
    assert_eq!(store.get("data/t.csv").await.unwrap(), "three");
    store.replace(&format!("{STAGING}/left"), "half").await.unwrap();
    assert_eq!(store.sweep_staging().await.unwrap(), 1);
    assert_eq!(store.get("no").await.unwrap_err().to_string(), "s3://bucket/prefix/no does not exist");
}

#[test]
fn a_bucket_is_opened_by_its_url() {
    let store = Store::open("s3://bucket/some/prefix", Path::new("/")).unwrap();
    assert_eq!(store.url().as_str(), "s3://bucket/some/prefix/");
    assert!(!store.is_local() && store.folder().is_none());
}

/// Writes a file in two pieces while the `at`-th operation goes wrong; what is seen then, and what is left under `staging/`.
async fn written_with(store: Store, fault: Fault, at: u64) -> (Vec<String>, usize, Arc<Nth>) {
    let nth = Arc::new(Nth::new(fault, at));
    let faulty = store.clone().with_faults(Faults::through(nth.clone()));
    let work = async {
        let mut file = faulty.stage().await?;
        file.write("one,".into()).await?;
        file.write("two".into()).await?;
        file.commit("data/t.csv").await?;
        faulty.put_new("data/u.csv", "three").await
    };
    let done = work.await;
    assert_eq!(done.is_err(), nth.fired().is_some_and(|fired| fired.kind != Kind::Unstage), "{done:?} {:?}", nth.fired());
    let all = names(&store).await;
    let (left, seen): (Vec<_>, Vec<_>) = all.into_iter().partition(|name| name.starts_with(STAGING));
    for name in &seen {
        let whole = if name == "data/t.csv" { "one,two" } else { "three" };
        assert_eq!(store.get(name).await.unwrap(), whole);
    }
    (seen, left.len(), nth)
}

#[tokio::test]
async fn whatever_goes_wrong_only_whole_files_are_seen() {
    for bucket in [false, true] {
        let fresh = || -> (tempfile::TempDir, Store) {
            let (folder, local) = store();
            (folder, if bucket { Store::on("s3://bucket/".parse().unwrap(), Arc::new(InMemory::new())) } else { local })
        };
        for fault in [|| Fault::Fail, || Fault::Tear, || Fault::End] {
            let mut at = 1;
            loop {
                let (_folder, store) = fresh();
                let (seen, left, nth) = written_with(store.clone(), fault(), at).await;
                let Some(fired) = nth.fired() else {
                    assert_eq!((seen.len(), left), (2, 0), "undisturbed");
                    break;
                };
                // A place that is torn is done, and its caller does not know; on a bucket the sweep takes what is left.
                assert!(bucket || left == 0 || fired.kind == Kind::Unstage || matches!(fault(), Fault::End), "{fired:?}: {left} left");
                store.sweep_staging().await.unwrap();
                assert_eq!(names(&store).await, seen, "{fired:?}");
                at += 1;
            }
            assert!(at > 5, "{:?} fired at {} operations only", fault(), at - 1);
        }
    }
}

#[tokio::test]
async fn what_reads_is_told_when_it_got_half() {
    let (_folder, store) = store();
    store.replace("a/1", "12345678").await.unwrap();
    store.replace("a/2", "x").await.unwrap();
    let faulty = |at| store.clone().with_faults(Faults::through(Arc::new(Nth::new(Fault::Tear, at))));
    assert!(faulty(1).get("a/1").await.unwrap_err().to_string().contains("injected fault: operation 1, Read of a/1"));
    let pieces: Vec<_> = futures::StreamExt::collect(faulty(1).stream("a/1", None).await.unwrap()).await;
    assert!(pieces.first().is_some_and(|first| first.as_ref().is_ok_and(|bytes| bytes == "1234")) && pieces.last().is_some_and(Result::is_err));
    assert!(faulty(1).list("a").await.is_err());
    // A delete that is torn is done.
    assert!(faulty(1).delete("a/1").await.is_err());
    assert_eq!(names(&store).await, ["a/2"]);
}

#[tokio::test]
async fn a_file_comes_in_pieces_and_its_memory_is_used_again() {
    let (folder, store) = store();
    let long: Vec<u8> = (0..(9_u32 << 20) / 4).flat_map(u32::to_le_bytes).collect();
    for (name, length) in [("long", long.len()), ("two pieces", 8 << 20), ("short", 3), ("empty", 0)] {
        store.replace(name, long[..length].to_vec()).await.unwrap();
        for _ in 0..3 {
            let read: Vec<Bytes> = store.pieces(name, length as u64).try_collect().await.unwrap();
            assert_eq!(read.iter().map(|piece| piece.len() as u64).collect::<Vec<_>>(), pieces(length as u64).map(|at| at.end - at.start).collect::<Vec<_>>());
            assert!(read.concat() == long[..length], "{name}");
        }
    }
    // Pieces that are held stay as they are while others are read.
    let held: Vec<Bytes> = store.pieces("long", 8 << 20).try_collect().await.unwrap();
    let others: Vec<Bytes> = store.pieces("two pieces", 8 << 20).try_collect().await.unwrap();
    assert!(held.concat() == long[..8 << 20] && others.concat() == long[..8 << 20]);

    // A file that was cut off: the piece in which it ends is too short, and so are those behind it.
    std::fs::OpenOptions::new().write(true).open(folder.path().join("long")).unwrap().set_len((4 << 20) + 5).unwrap();
    let cut: Vec<Bytes> = store.pieces("long", long.len() as u64).try_collect().await.unwrap();
    assert_eq!(cut.iter().map(Bytes::len).collect::<Vec<_>>(), [4 << 20, 5, 0]);
    let missing = store.pieces("nothing", 5).try_collect::<Vec<_>>().await.unwrap_err();
    assert!(missing.is_not_found(), "{missing}");
    assert_eq!(missing.to_string(), format!("{}nothing does not exist", store.url()));

    let fault = Arc::new(Nth::new(Fault::Fail, 2));
    let faulty = store.with_faults(Faults::through(fault));
    let failed = faulty.pieces("two pieces", 8 << 20).try_collect::<Vec<_>>().await.unwrap_err();
    assert!(failed.to_string().contains("operation 2, Read of two pieces"), "{failed}");
}

#[tokio::test]
async fn a_bucket_gives_the_same_pieces() {
    let store = Store::on("memory:///".parse().unwrap(), Arc::new(InMemory::new()));
    let long = vec![7_u8; (4 << 20) + 9];
    store.replace("a", long.clone()).await.unwrap();
    let read: Vec<Bytes> = store.pieces("a", long.len() as u64).try_collect().await.unwrap();
    assert_eq!(read.iter().map(Bytes::len).collect::<Vec<_>>(), [4 << 20, 9]);
}
