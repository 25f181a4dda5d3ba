//! The plain way: a file cut into chunks and decoded, with its accounts checked.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use takings_decode::{Chunk, ColumnTotal, Decoded, Decoder, Layout, Reject, Result, Splitter, add_totals, header_end};

use crate::read::{channel, identity, table};

/// A plain export.
#[derive(Debug)]
pub struct Flat {
    layout: Arc<Layout>,
}

/// What a file gives in all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Output {
    pub batches: Vec<RecordBatch>,
    pub rejects: Vec<Reject>,
    pub totals: Vec<ColumnTotal>,
    pub records: u64,
}

impl Flat {
    /// The export named `sale` of a channel file that begins with the usual keys, into a contract of these columns.
    ///
    /// # Panics
    /// Where the two files are wrong: they are those of the tests.
    pub fn new(export: &str, columns: &str) -> Self {
        let channel = channel(export);
        assert!(!channel.exports[0].is_general(), "{export}");
        Self { layout: Arc::new(Layout::new(&channel.exports[0], &table(columns)).unwrap_or_else(|error| panic!("{error}\n{export}"))) }
    }

    pub fn of(layout: Arc<Layout>) -> Self {
        Self { layout }
    }

    /// The table's columns, as its files have them.
    pub fn schema(&self) -> &SchemaRef {
        self.layout.schema()
    }

    pub fn decoder(&self, header: &[u8]) -> Result<Decoder> {
        Decoder::new(Arc::clone(&self.layout), identity("sale.csv"), header)
    }

    /// Reads a whole file in chunks of about this size.
    ///
    /// # Panics
    /// Where the accounts don't hold.
    pub fn read(&self, file: &[u8], target: usize) -> Result<Output> {
        let (header, body) = file.split_at(header_end(file).unwrap_or(file.len()));
        let decoder = self.decoder(header)?;
        let first_line = 1 + lines(header);
        let mut output = Output::default();
        for chunk in chunks(body, first_line, target, body.len()) {
            output.add(decode(&decoder, &chunk)?)?;
        }
        Ok(output)
    }
}

impl Output {
    pub(crate) fn add(&mut self, decoded: Decoded) -> Result<()> {
        self.records += decoded.records;
        self.rejects.extend(decoded.rejects);
        add_totals(&mut self.totals, &decoded.totals)?;
        self.batches.push(decoded.batch);
        Ok(())
    }
}

/// A chunk decoded, with the table's types; its accounts hold.
pub(crate) fn decode(decoder: &Decoder, chunk: &Chunk) -> Result<Decoded> {
    let mut decoded = decoder.decode(chunk).inspect_err(|error| assert!(error.is_data(), "bytes alone make an error of another kind: {error}"))?;
    decoded.batch = decoder.plain(&decoded.batch)?;
    let excluded: u64 = decoded.excluded.iter().map(|excluded| excluded.records).sum();
    assert_eq!(decoded.records, decoded.batch.num_rows() as u64 + decoded.rejects.len() as u64 + excluded, "records");
    Ok(decoded)
}

/// The chunks of a stream that comes in pieces of this size.
pub(crate) fn chunks(body: &[u8], first_line: u64, target: usize, piece: usize) -> Vec<Chunk> {
    let mut splitter = Splitter::new(first_line, target);
    let mut chunks: Vec<Chunk> = body.chunks(piece.max(1)).flat_map(|piece| splitter.push(piece)).collect();
    chunks.extend(splitter.finish());
    chunks
}

pub(crate) fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}
