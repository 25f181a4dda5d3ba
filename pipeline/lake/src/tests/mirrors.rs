//! The mirror is exactly what was written last, byte for byte.

use super::*;

async fn names(place: &Place) -> Vec<String> {
    place.lake.store().list("bi").await.unwrap().into_iter().map(|meta| meta.location.to_string()).collect()
}

#[tokio::test]
async fn equal_rows_give_equal_bytes_however_they_are_cut() {
    let rows: Vec<(&str, i128)> = (0..60_000).map(|n| ("2026-03-01", n * n % 7_919)).collect();
    let whole = charges(&rows);
    let bytes = async |pieces: Vec<RecordBatch>| {
        let place = place();
        let count = place.lake.mirror_partition("aws_charge", Some(month("2026-03-01")), &whole.schema(), pieces).await.unwrap();
        assert_eq!(count, 60_000);
        std::fs::read(place.folder.path().join("bi/aws_charge/period_month=2026-03-01/part.parquet")).unwrap()
    };
    let once = bytes(vec![whole.clone()]).await;
    let cut = (0..60_000).step_by(777).map(|from| whole.slice(from, 777.min(60_000 - from))).collect();
    assert_eq!(once, bytes(cut).await);
    assert_ne!(once, bytes(vec![whole.slice(30_000, 30_000), whole.slice(0, 30_000)]).await);
}

#[tokio::test]
async fn partitions_are_replaced_and_pruned() {
    let place = place();
    let write = async |text: &str, amount: i128| {
        let batch = charges(&[(text, amount)]);
        place.lake.mirror_partition("aws_charge", Some(month(text)), &batch.schema(), [batch.clone()]).await.unwrap();
    };
    write("2026-01-01", 1).await;
    write("2026-02-01", 2).await;
    write("2026-02-01", 22).await;
    let (lake, schema) = (place.lake.clone(), charges(&[]).schema());
    tokio::spawn(async move { lake.mirror_partition("dim_product", None, &schema, []).await }).await.unwrap().unwrap();
    assert_eq!(
        names(&place).await,
        ["bi/aws_charge/period_month=2026-01-01/part.parquet", "bi/aws_charge/period_month=2026-02-01/part.parquet", "bi/dim_product/part.parquet"]
    );
    let february = place.read("bi/aws_charge/period_month=2026-02-01/part.parquet");
    assert_eq!(february.column_by_name("amount").unwrap().as_primitive::<Decimal128Type>().values(), &[22]);
    assert!(february.column_by_name("period_month").is_none());

    let gone = place.lake.mirror_prune("aws_charge", &[Some(month("2026-02-01"))]).await.unwrap();
    assert_eq!(gone, ["bi/aws_charge/period_month=2026-01-01/part.parquet"]);
    assert!(!place.folder.path().join("bi/aws_charge/period_month=2026-01-01").exists());
    assert_eq!(place.lake.mirrored_tables().await.unwrap(), ["aws_charge", "dim_product"]);
    place.lake.mirror_prune("aws_charge", &[]).await.unwrap();
    assert_eq!(place.lake.mirrored_tables().await.unwrap(), ["dim_product"]);
}

#[tokio::test]
async fn a_mirror_that_is_not_completed_changes_nothing() {
    let place = place();
    let batch = charges(&[("2026-02-01", 5)]);
    let mut writer = place.lake.mirror_writer("aws_charge", Some(month("2026-02-01")), &batch.schema()).await.unwrap();
    writer.write(&batch).await.unwrap();
    drop(writer);
    assert!(names(&place).await.is_empty());
    let error = place.lake.mirror_partition("aws_charge", None, &batch.schema(), [batch.project(&[0]).unwrap()]).await.unwrap_err();
    assert!(error.is_data());
    assert!(names(&place).await.is_empty());
}
