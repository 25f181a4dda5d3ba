//! A compaction leaves every row where it can be found, and nothing else changes.

use super::*;
use crate::Compacted;

impl Place {
    /// A file of one row in March, by its unit.
    async fn deliver(&self, units: std::ops::Range<i128>) {
        for unit in units {
            let expected = self.lake.state(&table(), None).await.unwrap().map(|state| state.app_version);
            let adds = self.write(Some(&format!("u{unit}")), &[("2026-03-01", unit)]).await;
            self.commit(expected, adds, vec![]).await.unwrap();
        }
    }

    /// The units of each file.
    async fn units(&self, version: Option<i64>) -> Vec<Vec<String>> {
        let mut units: Vec<Vec<String>> = self.files(version).await.iter().map(|file| file.units().map(str::to_owned).collect()).collect();
        units.iter_mut().for_each(|units| units.sort());
        units.sort();
        units
    }
}

#[tokio::test]
async fn small_files_of_a_month_become_one_that_knows_what_it_took_over() {
    let place = place();
    place.deliver(0..5).await;
    let before = place.files(None).await;
    let compacted = place.lake.compact(&table()).await.unwrap().unwrap();
    assert_eq!(compacted, Compacted { from: 4, version: 5, files: 5, into: 1 });
    assert_eq!(place.units(None).await, [["u0", "u1", "u2", "u3", "u4"]]);
    assert_eq!(place.amounts(None).await, [0, 1, 2, 3, 4]);
    assert_eq!(place.amounts(Some(4)).await, [0, 1, 2, 3, 4], "the version before is still there");
    let now = place.files(None).await.remove(0);
    assert!(now.origins().eq(before.iter().map(|file| file.path.as_str())));
    assert_eq!(now.period_month, Some(month("2026-03-01")));

    // In the log the rows are the same ones: who follows the changes of the table sees none.
    let entry = std::fs::read_to_string(place.folder.path().join("lake/aws_charge/_delta_log/00000000000000000005.json")).unwrap();
    assert_eq!((entry.matches("\"dataChange\":false").count(), entry.matches("\"dataChange\":true").count()), (6, 0));
}

#[tokio::test]
async fn what_a_file_took_over_outlives_checkpoints_and_further_compactions() {
    let place = place();
    place.deliver(0..4).await;
    place.lake.compact(&table()).await.unwrap().unwrap();
    assert!(place.lake.compact(&table()).await.unwrap().is_none(), "nothing is left to do");
    place.deliver(4..20).await;
    let log = place.folder.path().join("lake/aws_charge/_delta_log");
    let is_checkpoint = |name: &str| name.ends_with(".checkpoint.parquet");
    assert!(std::fs::read_dir(log).unwrap().any(|entry| is_checkpoint(&entry.unwrap().file_name().to_string_lossy())));
    assert_eq!(place.units(None).await[0], ["u0", "u1", "u2", "u3"]);
    let compacted = place.lake.compact(&table()).await.unwrap().unwrap();
    assert_eq!((compacted.files, compacted.into), (17, 1));
    let units = place.units(None).await.concat();
    assert_eq!((units.len(), place.amounts(None).await), (20, (0..20).collect::<Vec<i128>>()));
}

#[tokio::test]
async fn few_files_of_a_month_stay_as_they_are() {
    let place = place();
    place.deliver(0..3).await;
    let other = place.write(Some("april"), &[("2026-04-01", 9)]).await;
    place.commit(Some(3), other, vec![]).await.unwrap();
    assert!(place.lake.compact(&table()).await.unwrap().is_none());
    assert_eq!(place.files(None).await.len(), 4);
}

#[tokio::test]
async fn a_file_that_can_t_be_read_stops_it_before_its_commit() {
    let place = place();
    place.deliver(0..4).await;
    let mut parquet = place.files(None).await;
    let lost = Lake::file_path("aws_charge", &parquet.remove(2));
    std::fs::remove_file(place.folder.path().join(lost)).unwrap();
    place.lake.compact(&table()).await.unwrap_err();
    assert_eq!(place.files(None).await.len(), 4);
}
