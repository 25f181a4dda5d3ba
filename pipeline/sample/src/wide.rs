//! A wide file of usage lines, for measuring: 17 columns, in the order of time, as large as wanted. Beside it, what of them was disbursed.
//!
//! A seller's day has runs of one to seven lines of the same customer, product and transaction. Titles are quoted and hold commas and
//! doubled quotes; two lines of five have no ref tag; one amount in fifty is a refund. Every row follows from the seed and its number.
//! Of 100 transactions 36 are disbursed thirty days later, some short, a few in vain.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use crate::amount::write_whole;
use crate::chance::{Draws, Topic};
use crate::error::Error;
use crate::moment::Day;

/// Which lines to make up.
#[derive(Clone, Debug)]
pub struct WideOptions {
    /// A new or an empty folder.
    pub out: PathBuf,
    pub seed: u64,
    /// Lines of all files.
    pub rows: u64,
    /// Files that the lines are dealt to, one after the other.
    pub files: u64,
    /// Days from the first of January 2024 on that the lines are spread over.
    pub days: u64,
    /// Customers and products are those of a seller of so many lines: a longer history need not have more of them.
    pub seller_of: u64,
}

/// The usage lines that were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WideSummary {
    pub rows: u64,
    pub bytes: u64,
}

/// The header of every file.
pub const WIDE_HEADER: &str = "usage_date,reported_at,channel,product_id,product_title,customer_id,country,currency,offer_id,instance_type,region,units,unit_price,gross_amount,monetization_type,ref_tag,transaction_id\n";

/// The header of every file of disbursements.
pub const WIDE_DISBURSEMENT_HEADER: &str = "billed_on,disbursed_on,transaction_id,currency,status,amount\n";

/// Days between a transaction and its disbursement.
const PAID_AFTER: u64 = 30;

const FIRST: Day = Day::of(2024, 1, 1);
const SECONDS_A_DAY: u64 = 86_400;

const CHANNELS: [&str; 4] = ["aws", "azure", "gcp", "direct"];
const COUNTRIES: [&str; 40] = [
    "US", "DE", "GB", "FR", "JP", "IN", "BR", "CA", "AU", "NL", "SE", "CH", "ES", "IT", "PL", "IE", "SG", "KR", "MX", "ZA", "NO", "DK", "FI", "BE", "AT", "PT",
    "CZ", "IL", "AE", "NZ", "CL", "AR", "CO", "TR", "HK", "TH", "MY", "PH", "ID", "VN",
];
const CURRENCIES: [&str; 5] = ["USD", "EUR", "GBP", "JPY", "AUD"];
const INSTANCES: [&str; 24] = [
    "m5.large",
    "m5.xlarge",
    "m5.2xlarge",
    "m5.4xlarge",
    "c5.large",
    "c5.xlarge",
    "c5.2xlarge",
    "c5.9xlarge",
    "r5.large",
    "r5.xlarge",
    "r5.4xlarge",
    "t3.micro",
    "t3.small",
    "t3.medium",
    "t3.large",
    "m6i.large",
    "m6i.8xlarge",
    "c6g.large",
    "c6g.16xlarge",
    "r6g.xlarge",
    "g4dn.xlarge",
    "p3.2xlarge",
    "i3.large",
    "x1.32xlarge",
];
const REGIONS: [&str; 12] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "eu-west-1",
    "eu-central-1",
    "eu-north-1",
    "ap-south-1",
    "ap-northeast-1",
    "ap-southeast-2",
    "sa-east-1",
    "ca-central-1",
];
const MONETIZATION: [&str; 5] = ["hourly", "contract", "annual", "metered", "free_trial"];
const EDITIONS: [&str; 6] = ["Standard", "Enterprise", "Community, Hardened", "\"\"Pro\"\"", "BYOL", "Level 1, CIS"];
const THINGS: [&str; 10] =
    ["Firewall", "Data Lake", "Log Router", "Vector Search", "Message Broker", "Backup Vault", "Image Scanner", "Key Store", "Batch Queue", "Mail Relay"];

/// Writes `usage_000.csv`, `disbursement/disbursement_000.csv` and so on. The same options give the same bytes on any machine.
pub fn write_wide(options: &WideOptions) -> Result<WideSummary, Error> {
    crate::claim(&options.out)?;
    let folder = options.out.join(DISBURSEMENTS);
    std::fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
    let mut lines = Lines::new(options);
    let mut summary = WideSummary::default();
    let files = options.files.max(1);
    for file in 0..files {
        let mut usage = Out::create(usage_file(options, file))?;
        let mut disbursed = Out::create(disbursement_file(options, file))?;
        usage.put(WIDE_HEADER.as_bytes())?;
        disbursed.put(WIDE_DISBURSEMENT_HEADER.as_bytes())?;
        let end = share(options.rows, files, file + 1);
        while lines.next_row < end {
            usage.put(lines.line())?;
            disbursed.put(lines.disbursed())?;
        }
        summary.bytes += usage.finish()?;
        disbursed.finish()?;
    }
    summary.rows = lines.next_row;
    Ok(summary)
}

/// Appends the lines of one day more, and what was disbursed on it, to the last files of what [`write_wide`] wrote with the same options.
pub fn append_wide_day(options: &WideOptions) -> Result<WideSummary, Error> {
    let last = options.files.max(1) - 1;
    let mut usage = Out::append(usage_file(options, last))?;
    let mut disbursed = Out::append(disbursement_file(options, last))?;
    let mut lines = Lines::new(options);
    while lines.next_row < options.rows {
        lines.line();
        lines.disbursed();
    }
    let rows = options.rows / options.days.max(1);
    for _ in 0..rows {
        usage.put(lines.line())?;
        disbursed.put(lines.disbursed())?;
    }
    disbursed.finish()?;
    Ok(WideSummary { rows, bytes: usage.finish()? })
}

/// The folder of the disbursements.
const DISBURSEMENTS: &str = "disbursement";

fn usage_file(options: &WideOptions, file: u64) -> PathBuf {
    options.out.join(format!("usage_{file:03}.csv"))
}

fn disbursement_file(options: &WideOptions, file: u64) -> PathBuf {
    options.out.join(DISBURSEMENTS).join(format!("disbursement_{file:03}.csv"))
}

/// A file that is written.
struct Out {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
}

impl Out {
    fn create(path: PathBuf) -> Result<Self, Error> {
        let file = File::create_new(&path).map_err(Error::io(&path))?;
        Ok(Self { path, file: BufWriter::with_capacity(1 << 18, file), bytes: 0 })
    }

    fn append(path: PathBuf) -> Result<Self, Error> {
        let file = File::options().append(true).open(&path).map_err(Error::io(&path))?;
        Ok(Self { path, file: BufWriter::with_capacity(1 << 18, file), bytes: 0 })
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(Error::io(&self.path))
    }

    /// How many bytes were written.
    fn finish(mut self) -> Result<u64, Error> {
        self.file.flush().map_err(Error::io(&self.path))?;
        Ok(self.bytes)
    }
}

/// Rows of the first `done` files of `files`.
fn share(rows: u64, files: u64, done: u64) -> u64 {
    (u128::from(rows) * u128::from(done) / u128::from(files)) as u64
}

/// What the lines of a run share.
#[derive(Debug, Default)]
struct Run {
    left: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
    refund: bool,
    currency: &'static str,
    transaction: Vec<u8>,
    /// Ten-thousandths of the currency, so far.
    gross: u64,
}

/// What will be disbursed, as soon as its day is over.
#[derive(Debug)]
struct Payout {
    due: u64,
    line: Vec<u8>,
}

#[derive(Debug)]
struct Lines {
    seed: u64,
    rows: u64,
    days: u64,
    customers: u64,
    products: u64,
    next_row: u64,
    day: u64,
    date: Vec<u8>,
    run: Run,
    line: Vec<u8>,
    /// In the order of their days.
    payouts: VecDeque<Payout>,
    disbursed: Vec<u8>,
}

impl Lines {
    fn new(options: &WideOptions) -> Self {
        let rows = options.rows.max(1);
        Self {
            seed: options.seed,
            rows,
            days: options.days.max(1),
            customers: (options.seller_of / 200).clamp(10, 60_000),
            products: (options.seller_of / 2000).clamp(10, 3_000),
            next_row: 0,
            day: u64::MAX,
            date: Vec::new(),
            run: Run::default(),
            line: Vec::new(),
            payouts: VecDeque::new(),
            disbursed: Vec::new(),
        }
    }

    fn line(&mut self) -> &[u8] {
        let seconds = u128::from(self.next_row) * u128::from(self.days) * u128::from(SECONDS_A_DAY) / u128::from(self.rows);
        let seconds = seconds as u64;
        let (day, second) = (seconds / SECONDS_A_DAY, seconds % SECONDS_A_DAY);
        self.disbursed.clear();
        if day != self.day {
            self.end_run();
            while let Some(payout) = self.payouts.pop_front_if(|payout| payout.due <= day) {
                self.disbursed.extend_from_slice(&payout.line);
            }
            self.day = day;
            self.date.clear();
            self.date.extend_from_slice(wide_day(day).as_bytes());
        }
        let mut draws = Draws::of(self.seed, Topic::Usage, self.next_row);
        if self.run.left == 0 {
            self.start_run(&mut draws);
        }
        self.run.left -= 1;
        self.next_row += 1;
        let line = &mut self.line;
        line.clear();
        line.extend_from_slice(&self.date);
        line.push(b',');
        line.extend_from_slice(&self.date);
        line.push(b'T');
        for (at, part) in [second / 3600, second / 60 % 60, second % 60].into_iter().enumerate() {
            if at > 0 {
                line.push(b':');
            }
            line.extend_from_slice(&[b'0' + (part / 10) as u8, b'0' + (part % 10) as u8]);
        }
        line.extend_from_slice(b"Z,");
        line.extend_from_slice(&self.run.head);
        line.extend_from_slice(draws.pick(&INSTANCES).as_bytes());
        line.push(b',');
        line.extend_from_slice(draws.pick(&REGIONS).as_bytes());
        let most = if draws.one_in(5) { 5_000_000 } else { 240_000 };
        let units = 1 + draws.below(most);
        let price = 1_000 * (1 + draws.below(4_000));
        let gross = units * price / 1_000_000;
        self.run.gross += gross;
        for (value, digits, signed) in [(units, 4, true), (price, 6, false), (gross, 4, true)] {
            line.push(b',');
            if signed && self.run.refund && value > 0 {
                line.push(b'-');
            }
            decimal(value, digits, line);
        }
        line.push(b',');
        line.extend_from_slice(&self.run.tail);
        line.push(b'\n');
        line
    }

    /// What was disbursed since the line before the last one, in whole lines.
    fn disbursed(&self) -> &[u8] {
        &self.disbursed
    }

    /// A run ends with its transaction: it may be disbursed.
    fn end_run(&mut self) {
        self.run.left = 0;
        let (transaction, gross) = (std::mem::take(&mut self.run.transaction), std::mem::take(&mut self.run.gross));
        let mut draws = Draws::of(self.seed, Topic::Fate, self.next_row);
        if transaction.is_empty() || draws.below(100) >= 36 {
            return;
        }
        let (status, amount) = match draws.below(20) {
            0 => ("failed", 0),
            1..4 => ("short", gross - gross / 10),
            _ => ("paid", gross),
        };
        let due = self.day + PAID_AFTER;
        let mut line = self.date.clone();
        line.extend_from_slice(format!(",{},", wide_day(due)).as_bytes());
        line.extend_from_slice(&transaction);
        line.extend_from_slice(format!(",{},{status},", self.run.currency).as_bytes());
        if self.run.refund && amount > 0 {
            line.push(b'-');
        }
        decimal(amount, 4, &mut line);
        line.push(b'\n');
        self.payouts.push_back(Payout { due, line });
    }

    fn start_run(&mut self, draws: &mut Draws) {
        self.end_run();
        self.run.left = 1 + draws.below(7);
        let customer = draws.below(self.customers);
        let product = draws.below(self.products);
        let mut of_customer = Draws::of(self.seed, Topic::Customer, customer);
        let mut of_product = Draws::of(self.seed, Topic::Sale, product);
        let head = &mut self.run.head;
        head.clear();
        head.extend_from_slice(CHANNELS[(product % 4) as usize].as_bytes());
        head.extend_from_slice(b",prod-");
        word(&mut of_product, 13, head);
        let (edition, thing) = (of_product.pick(&EDITIONS), of_product.pick(&THINGS));
        head.extend_from_slice(format!(",\"{thing} {product}, {edition}\",").as_bytes());
        write_whole(100_000_000_000 + of_customer.below(899_999_999_999), head);
        let currency = CURRENCIES[(customer % 7).min(4) as usize];
        self.run.currency = currency;
        head.extend_from_slice(format!(",{},{currency},offer-", of_customer.pick(&COUNTRIES)).as_bytes());
        word(&mut Draws::of(self.seed, Topic::Agreement, product * 8 + customer % 8), 13, head);
        head.push(b',');
        let tail = &mut self.run.tail;
        tail.clear();
        tail.extend_from_slice(draws.pick(&MONETIZATION).as_bytes());
        tail.push(b',');
        if draws.below(5) >= 2 {
            tail.extend_from_slice(format!("ads_{:03}", draws.below(400)).as_bytes());
        }
        let transaction = &mut self.run.transaction;
        transaction.clear();
        transaction.extend_from_slice(b"t-");
        word(draws, 18, transaction);
        tail.push(b',');
        tail.extend_from_slice(transaction);
        self.run.refund = draws.one_in(50);
    }
}

/// The date of a day, counted from the first; [`append_wide_day`] appends the one of number [`WideOptions::days`].
pub fn wide_day(day: u64) -> String {
    FIRST.plus(day as i32).date().to_string()
}

/// A whole number with its last digits behind the point.
fn decimal(value: u64, digits: u32, into: &mut Vec<u8>) {
    let one = 10u64.pow(digits);
    write_whole(value / one, into);
    into.push(b'.');
    let mut place = one / 10;
    while place > 0 {
        into.push(b'0' + (value / place % 10) as u8);
        place /= 10;
    }
}

fn word(draws: &mut Draws, length: usize, into: &mut Vec<u8>) {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bits = 0u64;
    for at in 0..length {
        if at % 12 == 0 {
            bits = draws.next();
        }
        into.push(LETTERS[(bits % 32) as usize]);
        bits /= 32;
    }
}
