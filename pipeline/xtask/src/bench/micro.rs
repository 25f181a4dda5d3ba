//! The stages of a load inside this process, on one thread: cutting, decoding, encoding. Medians of several passes.

use std::fmt::Write;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use takings_decode::{Chunk, Decoder, FileIdentity, Layout, Splitter, header_end};
use takings_definitions::{Channel, Table};
use takings_pages::{FileEncoder, Press};
use takings_sample::{WideOptions, write_wide};

use crate::bench::scripts;

const ROWS: u64 = 400_000;
const PASSES: usize = 7;
/// As the product cuts and reads.
const CHUNK: usize = 1 << 20;
const READ: usize = 4 << 20;

pub fn run(folder: &Path) -> Result<(), String> {
    let options = WideOptions { out: folder.join("feeds"), seed: 1, rows: ROWS, files: 1, days: 28 };
    write_wide(&options).map_err(|error| error.to_string())?;
    let bytes = std::fs::read(folder.join("feeds/usage_000.csv")).map_err(|error| error.to_string())?;
    std::fs::remove_dir_all(folder).map_err(|error| error.to_string())?;
    print!("{}", report(&bytes)?);
    Ok(())
}

fn report(bytes: &[u8]) -> Result<String, String> {
    let (header, body) = bytes.split_at(header_end(bytes).unwrap_or(bytes.len()));
    let layout = layout()?;
    let file = FileIdentity { instance: "main".to_owned(), file_id: "0".repeat(32), path: "usage_000.csv".to_owned() };
    let decoder = Decoder::new(Arc::clone(&layout), file, header).map_err(|error| error.to_string())?;
    let mut text = format!("{ROWS} lines, {} bytes, medians of {PASSES} passes on one thread\n", body.len());
    let mut line = |what: &str, time: Duration| {
        let seconds = time.as_secs_f64();
        let _ = writeln!(text, "{what:<10} {:7.1} ns a line {:8.0} MB/s", seconds * 1e9 / ROWS as f64, body.len() as f64 / 1e6 / seconds);
    };
    let (time, chunks) = median(|| Ok(cut(body)))?;
    line("cut", time);
    let (time, batches) = median(|| {
        let decoded = chunks.iter().map(|chunk| decoder.decode(chunk)).collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        if let Some(reject) = decoded.iter().flat_map(|decoded| &decoded.rejects).next() {
            return Err(format!("line {}: {}", reject.line, reject.reason));
        }
        Ok(decoded.into_iter().map(|decoded| decoded.batch).collect::<Vec<_>>())
    })?;
    line("decode", time);
    let (time, size) = median(|| encode(layout.schema(), &batches))?;
    line("encode", time);
    let _ = writeln!(text, "{size} bytes of Parquet");
    Ok(text)
}

fn layout() -> Result<Arc<Layout>, String> {
    let read = |path: &str| {
        let path = scripts().join("project/config").join(path);
        std::fs::read_to_string(&path).map(|text| (text, path)).map_err(|error| error.to_string())
    };
    let (text, path) = read("channels/wide.toml")?;
    let channel = Channel::parse(&path, &text).map_err(|error| error.to_string())?;
    let (text, path) = read("tables/wide_usage_line.toml")?;
    let table = Table::parse(&path, &text).map_err(|error| error.to_string())?;
    let export = channel.export("usage").ok_or("the project has no export `usage`")?;
    Layout::new(export, &table).map(Arc::new).map_err(|error| error.to_string())
}

fn cut(body: &[u8]) -> Vec<Chunk> {
    let mut splitter = Splitter::new(2, CHUNK);
    let mut chunks: Vec<Chunk> = body.chunks(READ).flat_map(|piece| splitter.push(piece)).collect();
    chunks.extend(splitter.finish());
    chunks
}

fn encode(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<usize, String> {
    let failed = |error: takings_pages::Error| error.to_string();
    let mut press = Press::new().map_err(failed)?;
    let mut encoder = FileEncoder::new(schema).map_err(failed)?;
    for batch in batches {
        encoder.write(batch, &mut press).map_err(failed)?;
    }
    Ok(encoder.finish(&mut press).map_err(failed)?.0.len())
}

/// Time that this thread had a core, where the system tells it; else the time of day. Other work on the machine does not count.
fn clock() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let on_core = told.and_then(|text| text.split(' ').next()?.parse().ok());
    on_core.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// The median time, and what the last pass gave.
fn median<T>(mut work: impl FnMut() -> Result<T, String>) -> Result<(Duration, T), String> {
    let mut times = Vec::with_capacity(PASSES);
    let mut result = None;
    for _ in 0..PASSES {
        drop(result.take());
        let start = clock();
        result = Some(work()?);
        times.push(clock().saturating_sub(start));
    }
    times.sort();
    Ok((times[PASSES / 2], result.ok_or("no pass was made")?))
}
