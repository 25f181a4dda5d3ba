//! How fast one core decodes a file: `throughput FILE [EXPORT] [PROJECT]`, best of several passes over the file in memory.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use takings_decode::{Decoder, FileIdentity, Layout, Splitter, header_end};
use takings_definitions::{Channel, Table};

const CHUNK: usize = 1 << 20;
const PASSES: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("usage: throughput FILE [EXPORT] [PROJECT]")?;
    let export = arguments.next().unwrap_or_else(|| "billing_event".to_owned());
    let project = arguments.next().unwrap_or_else(|| ".".to_owned());

    let channel = Path::new(&project).join("config/channels/aws_marketplace.toml");
    let channel = Channel::parse(&channel, &std::fs::read_to_string(&channel)?)?;
    let export = channel.export(&export).ok_or("no such export")?;
    let table = Path::new(&project).join(format!("config/tables/{}.toml", export.table));
    let table = Table::parse(&table, &std::fs::read_to_string(&table)?)?;
    let layout = Arc::new(Layout::new(export, &table)?);

    let bytes = std::fs::read(&file)?;
    let (header, body) = bytes.split_at(header_end(&bytes).unwrap_or(bytes.len()));
    let identity = FileIdentity { instance: "main".to_owned(), file_id: "0".repeat(32), path: file };
    let decoder = Decoder::new(layout, identity, header)?;
    for warning in decoder.warnings() {
        println!("{warning}");
    }

    for _ in 0..PASSES {
        let start = Instant::now();
        let mut splitter = Splitter::new(2, CHUNK);
        let (mut records, mut published, mut rejected) = (0, 0, 0);
        let mut chunks = body.chunks(512 << 10);
        loop {
            let (last, pushed) = match chunks.next() {
                Some(piece) => (false, splitter.push(piece)),
                None => (true, std::mem::replace(&mut splitter, Splitter::new(1, CHUNK)).finish().into_iter().collect()),
            };
            for chunk in pushed {
                let decoded = decoder.decode(&chunk)?;
                records += decoded.records;
                published += decoded.batch.num_rows() as u64;
                rejected += decoded.rejects.len();
                if let Some(reject) = decoded.rejects.first() {
                    println!("line {}: {}: {}", reject.line, reject.rule, reject.reason);
                }
            }
            if last {
                break;
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        println!("{:.0} MB/s, {records} records, {published} published, {rejected} rejected", body.len() as f64 / 1e6 / seconds);
    }
    Ok(())
}
