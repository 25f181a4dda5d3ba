//! The source folder of a simulated world: what stands in it and how it changes. It knows no store and no ledger; what of it should be
//! published and reported is reckoned here, from the rows alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::chance::Chance;

const HEADER: &str = "sale_id,sold_at,product_id,amount,currency,seen_at\n";
const CURRENCIES: [&str; 2] = ["EUR", "USD"];
pub const PRODUCTS: &str = "products.csv";

/// The start of a day of the world. Sales begin in February, so that there are several months.
pub fn start_of(day: i64) -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(2026, 2, 20).unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc() + TimeDelta::days(day)
}

#[derive(Debug, Clone, PartialEq)]
struct Sale {
    id: u64,
    sold_at: DateTime<Utc>,
    seen_at: Option<DateTime<Utc>>,
    product: usize,
    cents: i64,
    currency: &'static str,
}

impl Sale {
    fn line(&self) -> String {
        let seen = self.seen_at.map_or(String::new(), second);
        format!("s{},{},p{},{},{},{seen}\n", self.id, second(self.sold_at), self.product, money(self.cents.into()), self.currency)
    }

    fn known_at(&self) -> DateTime<Utc> {
        self.seen_at.unwrap_or(self.sold_at + TimeDelta::days(1))
    }
}

/// How much of a file stands in the folder.
#[derive(Debug, Clone, PartialEq)]
enum Shown {
    Whole,
    /// So many rows, and so many bytes of the next one.
    Cut(usize, usize),
    Empty,
}

#[derive(Debug, Clone, PartialEq)]
struct File {
    sales: Vec<Sale>,
    shown: Shown,
}

impl File {
    fn text(&self) -> String {
        if self.shown == Shown::Empty {
            return String::new();
        }
        let mut text: String = std::iter::once(HEADER.to_owned()).chain(self.shown().iter().map(Sale::line)).collect();
        if let Shown::Cut(rows, bytes) = self.shown {
            text.push_str(&self.sales[rows].line()[..bytes]);
        }
        text
    }

    /// The rows that stand there whole.
    fn shown(&self) -> &[Sale] {
        match self.shown {
            Shown::Whole => &self.sales,
            Shown::Cut(rows, _) => &self.sales[..rows],
            Shown::Empty => &[],
        }
    }

    fn is_whole(&self) -> bool {
        self.shown == Shown::Whole
    }
}

/// What can happen to the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    New,
    /// A new file with sales of long ago, seen only now.
    Late,
    Grown,
    /// Amounts are corrected, a sale is taken back, another comes.
    Rewritten,
    /// A whole file is cut in the middle of a record.
    Truncated,
    /// A new file comes, and its last record is not there in full.
    HalfWritten,
    Emptied,
    /// What was cut is whole.
    Completed,
    /// The bytes of a file come again under another name.
    Copied,
    /// A copy gets content of its own.
    CopyReplaced,
    /// The same bytes, written again.
    Touched,
    ProductRenamed,
}

impl Event {
    pub const ALL: [Self; 12] = [
        Self::New,
        Self::Late,
        Self::Grown,
        Self::Rewritten,
        Self::Truncated,
        Self::HalfWritten,
        Self::Emptied,
        Self::Completed,
        Self::Copied,
        Self::CopyReplaced,
        Self::Touched,
        Self::ProductRenamed,
    ];
}

#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    files: BTreeMap<String, File>,
    titles: Vec<String>,
    /// Ids and names are used once.
    next: u64,
}

impl Source {
    pub fn new(chance: &mut Chance) -> Self {
        let mut source = Self { files: BTreeMap::new(), titles: vec!["One".to_owned(), "Two".to_owned(), "Three".to_owned()], next: 0 };
        for _ in 0..2 {
            source.add(chance, 6, false);
        }
        source
    }

    fn sale(&mut self, chance: &mut Chance, today: i64, late: bool) -> Sale {
        self.next += 1;
        let day = if late { chance.between(0, today - 4) } else { chance.between(today - 3, today) };
        let sold_at = start_of(day) + TimeDelta::minutes(chance.between(0, 24 * 60 - 1));
        let seen_at = late.then(|| start_of(day + chance.between(3, 6)) + TimeDelta::hours(chance.between(0, 23)));
        let product = chance.index(self.titles.len());
        Sale { id: self.next, sold_at, seen_at, product, cents: chance.between(-500, 99_999), currency: CURRENCIES[chance.index(CURRENCIES.len())] }
    }

    fn sales(&mut self, chance: &mut Chance, today: i64, late: bool) -> Vec<Sale> {
        (0..chance.between(1, 4)).map(|_| self.sale(chance, today, late)).collect()
    }

    /// A new whole file. Names are drawn, so that a later one may come first.
    fn add(&mut self, chance: &mut Chance, today: i64, late: bool) -> String {
        let sales = self.sales(chance, today, late);
        let path = self.name(chance);
        self.files.insert(path.clone(), File { sales, shown: Shown::Whole });
        path
    }

    fn name(&mut self, chance: &mut Chance) -> String {
        self.next += 1;
        format!("sales/{}{}.csv", char::from(b'a' + u8::try_from(chance.below(26)).unwrap()), self.next)
    }

    /// One event, and the file that it changed; where what is drawn can't happen to any file, a new one comes.
    pub fn change(&mut self, chance: &mut Chance, today: i64) -> (Event, String) {
        let event = *chance.pick(&Event::ALL);
        let copies = self.copies();
        // Of two files with the same sales only the copy changes, and gets other ones: a sale never stands in two files that differ.
        let is_twin = |file: &File| self.files.values().filter(|other| other.sales == file.sales).count() > 1;
        let fits = |path: &str, file: &File| match event {
            Event::Grown | Event::Emptied | Event::Truncated | Event::Copied => file.is_whole() && !is_twin(file),
            Event::Rewritten => !is_twin(file),
            Event::Completed => !file.is_whole(),
            Event::CopyReplaced => copies.contains(path),
            _ => true,
        };
        let fitting: Vec<String> = self.files.iter().filter(|(path, file)| fits(path, file)).map(|(path, _)| path.clone()).collect();
        if event == Event::ProductRenamed {
            let product = chance.index(self.titles.len());
            self.next += 1;
            self.titles[product] = format!("{} {}", ["Uno", "Due", "Tre"][product], self.next);
            return (event, PRODUCTS.to_owned());
        }
        if fitting.is_empty() || event == Event::New || event == Event::Late && today < 5 {
            return (Event::New, self.add(chance, today, false));
        }
        let path = chance.pick(&fitting).clone();
        match event {
            Event::Late => return (event, self.add(chance, today, true)),
            Event::HalfWritten => {
                let path = self.add(chance, today, false);
                self.cut(chance, &path, true);
                return (event, path);
            }
            Event::Grown => {
                let more = self.sales(chance, today, false);
                self.file(&path).sales.extend(more);
            }
            Event::Rewritten => self.rewrite(chance, &path, today),
            Event::Truncated => self.cut(chance, &path, false),
            Event::Emptied => self.file(&path).shown = Shown::Empty,
            Event::Completed => self.file(&path).shown = Shown::Whole,
            Event::Copied => {
                let copy = self.name(chance);
                let file = self.files[&path].clone();
                self.files.insert(copy.clone(), file);
                return (event, copy);
            }
            Event::CopyReplaced => {
                let sales = self.sales(chance, today, false);
                *self.file(&path) = File { sales, shown: Shown::Whole };
            }
            Event::New | Event::Touched | Event::ProductRenamed => {}
        }
        (event, path)
    }

    fn file(&mut self, path: &str) -> &mut File {
        self.files.get_mut(path).unwrap()
    }

    fn rewrite(&mut self, chance: &mut Chance, path: &str, today: i64) {
        let more = self.sale(chance, today, false);
        let file = self.file(path);
        file.shown = Shown::Whole;
        let corrected = chance.index(file.sales.len());
        file.sales[corrected].cents += 1 + chance.between(0, 100);
        if file.sales.len() > 1 && chance.one_in(2) {
            file.sales.remove(chance.index(file.sales.len()));
        }
        if chance.one_in(2) {
            file.sales.push(more);
        }
    }

    /// Cuts a file so that its last record lacks a cell at least.
    fn cut(&mut self, chance: &mut Chance, path: &str, last: bool) {
        let file = self.file(path);
        let rows = if last { file.sales.len() - 1 } else { chance.index(file.sales.len()) };
        let cells = file.sales[rows].line().rfind(',').unwrap();
        file.shown = Shown::Cut(rows, 1 + chance.index(cells));
    }

    /// Files with the bytes of another one, whose name comes first.
    fn copies(&self) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        self.files.iter().filter(|(_, file)| !seen.insert(file.text())).map(|(path, _)| path.clone()).collect()
    }

    /// All is well again: every file is whole, and none is a copy. Gives the files that changed.
    pub fn settle(&mut self, chance: &mut Chance, today: i64) -> Vec<String> {
        let cut: Vec<String> = self.files.iter().filter(|(_, file)| !file.is_whole()).map(|(path, _)| path.clone()).collect();
        for path in &cut {
            self.file(path).shown = Shown::Whole;
        }
        let copies = self.copies();
        for path in &copies {
            let sales = self.sales(chance, today, false);
            *self.file(path) = File { sales, shown: Shown::Whole };
        }
        copies.into_iter().chain(cut).collect()
    }

    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str).chain([PRODUCTS])
    }

    /// Puts a file in its place in one step.
    pub fn write(&self, folder: &Path, path: &str) {
        let text = match self.files.get(path) {
            Some(file) => file.text(),
            None => self.titles.iter().enumerate().fold("product_id,title\n".to_owned(), |text, (at, title)| format!("{text}p{at},{title}\n")),
        };
        std::fs::create_dir_all(folder.join("sales")).unwrap();
        let hidden = folder.join(".coming");
        std::fs::write(&hidden, text).unwrap();
        std::fs::rename(hidden, folder.join(path)).unwrap();
    }

    /// The rows that should be published: of each whole record once, of copies the first.
    fn published(&self) -> Vec<&Sale> {
        let copies = self.copies();
        self.files.iter().filter(|(path, _)| !copies.contains(*path)).flat_map(|(_, file)| file.shown()).collect()
    }

    /// Whether no report may be made: a file is a copy, is empty, or has more bad records than are let pass.
    pub fn is_blocked(&self, limit: u64) -> bool {
        !self.copies().is_empty() || self.files.values().any(|file| file.shown == Shown::Empty || matches!(file.shown, Shown::Cut(..)) && limit == 0)
    }

    /// The rows of a table, as texts of its main columns, sorted.
    pub fn rows(&self, table: &str) -> Vec<String> {
        let sale = |sale: &Sale, of: &str| format!("s{}|{}|{of}|{}|{}", sale.id, second(sale.sold_at), money(sale.cents.into()), sale.currency);
        let mut rows: Vec<String> = match table {
            "mini_sale" => self.published().into_iter().map(|found| sale(found, &format!("p{}", found.product))).collect(),
            "fct_sale" => self.published().into_iter().map(|found| sale(found, &self.titles[found.product])).collect(),
            "mini_product" => self.titles.iter().enumerate().map(|(at, title)| format!("p{at}|{title}")).collect(),
            _ => panic!("{table}"),
        };
        rows.sort();
        rows
    }

    /// How many rows there are, and their money by currency in cents.
    pub fn money(&self) -> (u64, BTreeMap<String, i128>) {
        let sales = self.published();
        let mut sums = BTreeMap::new();
        for sale in &sales {
            *sums.entry(sale.currency.to_owned()).or_default() += i128::from(sale.cents);
        }
        (sales.len() as u64, sums)
    }

    /// The report of a tick; none where it has no row.
    pub fn report(&self, tick: DateTime<Utc>) -> Option<String> {
        let day = TimeDelta::days(1);
        let known: Vec<&Sale> = self.published().into_iter().filter(|sale| sale.known_at() <= tick + day).collect();
        let of_the_day: Vec<&Sale> = known.iter().copied().filter(|sale| sale.sold_at >= tick - day && sale.sold_at < tick).collect();
        let section = |title: &str, sales: &[&Sale]| {
            let mut sums = BTreeMap::<(&str, &str), i128>::new();
            for sale in sales {
                *sums.entry((&self.titles[sale.product], sale.currency)).or_default() += i128::from(sale.cents);
            }
            sums.iter().fold(format!("{title}\nTitle,Currency,Amount\n"), |mut text, ((title, currency), cents)| {
                writeln!(text, "{title},{currency},{}", money(*cents)).unwrap();
                text
            })
        };
        (!known.is_empty()).then(|| format!("{}\n{}", section("Sales of the day", &of_the_day), section("Sales of all days", &known)))
    }
}

pub fn second(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Cents as the amount that stands in files and reports.
fn money(cents: i128) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100)
}
