//! A vacuum takes what nobody can need, and nothing else.

use std::collections::BTreeSet;

use chrono::Duration;

use super::*;

#[tokio::test]
async fn only_old_files_that_no_kept_version_names_are_deleted() {
    let place = place();
    let table = table();
    let commit = async |expected: Option<i64>, amount: i128, removes: Vec<DataFile>| {
        let adds = place.write(None, &[("2026-03-01", amount)]).await;
        place.commit(expected, adds, removes).await.unwrap();
        place.files(None).await
    };
    // The files are as old as the test; the clock runs ahead of them.
    let today = chrono::Utc::now().timestamp();
    let day = |n: i64| place.clock.store(today + n * 86_400, Ordering::SeqCst);
    day(0);
    let first = commit(None, 1, vec![]).await;
    day(10);
    let second = commit(Some(1), 2, first).await;
    day(40);
    commit(Some(2), 3, second).await;
    let orphan = place.write(None, &[("2026-04-01", 9)]).await.remove(0);
    let vacuum = async |keep: &[i64]| place.lake.vacuum(&table, &keep.iter().copied().collect(), Duration::days(35)).await.unwrap().len();

    day(34);
    assert_eq!(vacuum(&[]).await, 0, "nothing is old enough");
    day(44);
    assert_eq!(vacuum(&[0]).await, 1, "version 0 is kept, the orphan of day 0 goes");
    assert!(!place.folder.path().join(Lake::file_path("aws_charge", &orphan.file)).exists());
    assert_eq!(place.amounts(Some(0)).await, [1]);
    assert_eq!(vacuum(&[]).await, 0, "the first file was removed on day 10");
    day(46);
    assert_eq!(vacuum(&[]).await, 1);
    day(74);
    assert_eq!(vacuum(&[]).await, 0, "the second file was removed on day 40");
    assert_eq!(place.amounts(Some(1)).await, [2]);
    day(76);
    assert_eq!(vacuum(&[]).await, 1);
    day(1000);
    assert_eq!(vacuum(&[]).await, 0);
    assert_eq!(place.amounts(None).await, [3]);
}

#[tokio::test]
async fn a_version_that_is_to_be_kept_and_is_not_there_stops_the_vacuum() {
    let place = place();
    place.commit(None, place.write(None, &[("2026-03-01", 1)]).await, vec![]).await.unwrap();
    let error = place.lake.vacuum(&table(), &BTreeSet::from([7]), Duration::days(35)).await.unwrap_err();
    assert!(matches!(error, crate::Error::NoVersion { version: 7, .. }), "{error}");
}
