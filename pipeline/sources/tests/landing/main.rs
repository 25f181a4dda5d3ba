//! The landing zone's promises, on temporary folders.

mod general;
mod pulling;
mod reading;
mod trouble;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use futures::TryStreamExt;
use takings_definitions::{Channel, Instance, Patterns};
use takings_sources::{Change, Landing, LandingRecord, Progress, Pulled, Result, Seen};
use takings_storage::Store;
use tempfile::TempDir;

const CHANNEL: &str = r#"
version = 1
channel = "shop"
title = "Shop"
[[exports]]
name = "sales"
table = "shop_sales"
path = '(^|/)sales/.*\.csv$'
mode = "versioned"
[[exports]]
name = "prices"
table = "shop_prices"
path = '(^|/)prices_[^/]*\.csv$'
mode = "replace_file"
"#;

/// A folder of exports and a store, with a pull between them.
struct Bench {
    folder: TempDir,
    channel: Channel,
    instance: Instance,
    landing: Landing,
}

impl Bench {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("exports")).unwrap();
        let landing = Landing::new(Store::open_or_create("store", folder.path()).unwrap());
        let instance = Instance {
            channel: "shop".into(),
            name: "main".into(),
            url: "exports".into(),
            seller_account: "012345678901".into(),
            enhanced_data_sharing: false,
            ignore: Patterns::default(),
        };
        Self { folder, channel: Channel::parse(Path::new("config/channels/shop.toml"), CHANNEL).unwrap(), instance, landing }
    }

    fn export(&self, path: &str) -> PathBuf {
        self.folder.path().join("exports").join(path)
    }

    fn stored(&self, path: &str) -> PathBuf {
        self.folder.path().join("store").join(path)
    }

    /// Writes a source file. Its time is a count of its own, so that no test depends on how fine the clock of the disk is.
    fn put(&self, path: &str, text: impl AsRef<[u8]>) {
        put(&self.export(path), text.as_ref());
    }

    /// What a pull would find, by listing alone.
    async fn look(&self) -> Vec<Seen> {
        Landing::look(Some(&self.landing), &self.instance, &self.channel, self.folder.path()).await.unwrap()
    }

    async fn try_pull(&self, progress: impl Fn(Progress<'_>) + Send + Sync) -> Result<Pulled> {
        self.landing.pull(&self.instance, &self.channel, self.folder.path(), &progress).await
    }

    /// Pulls, and checks what must always hold: every record's blobs give the file, and listing says the same as the pull.
    async fn pull(&self) -> Pulled {
        let pulled = self.try_pull(|_| {}).await.unwrap();
        for record in &pulled.records {
            self.landing.verify(record).await.unwrap();
        }
        assert_eq!(self.landing.records("shop", "main").await.unwrap(), pulled.records);
        pulled
    }

    async fn text(&self, record: &LandingRecord, from_segment: usize) -> String {
        let pieces: Vec<_> = self.landing.read(record, from_segment).try_collect().await.unwrap();
        String::from_utf8(pieces.concat()).unwrap()
    }

    /// Every file below a folder of the store, relative to it.
    fn files(&self, folder: &str) -> Vec<String> {
        let (mut found, mut folders) = (Vec::new(), vec![self.stored(folder)]);
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(next).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path.strip_prefix(self.stored(folder)).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        found.sort();
        found
    }
}

fn put(path: &Path, text: &[u8]) {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    static SECONDS: AtomicU64 = AtomicU64::new(1_700_000_000);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(SECONDS.fetch_add(1, Relaxed));
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

fn changes(pulled: &Pulled) -> Vec<(&str, Change)> {
    pulled.changes.iter().map(|(path, change)| (path.as_str(), *change)).collect()
}

fn record<'a>(pulled: &'a Pulled, path: &str) -> &'a LandingRecord {
    pulled.records.iter().find(|record| record.source_path == path).unwrap()
}
