//! Bad records of one file: all of them while it may still be published, the first of them once it may not.

use takings_decode::Reject;

use crate::general::of_part;

/// What may be known of bad records of a file that is past its limit. Records after them go to quarantine without reasons of their own.
const ROOM: usize = 16 << 20;

pub struct Rejects {
    limit: u64,
    count: u64,
    /// Of what is kept past the limit.
    bytes: usize,
    kept: Vec<Reject>,
}

impl Rejects {
    /// `limit`: how many a file may have.
    pub fn new(limit: u64) -> Self {
        Self { limit, count: 0, bytes: 0, kept: Vec::new() }
    }

    /// Takes a record, and says whether its reason is kept.
    pub fn add(&mut self, reject: Reject) -> bool {
        self.count += 1;
        if self.is_too_many() {
            self.bytes += size_of::<Reject>() + reject.reason.len() + reject.text.len() + reject.raw.len();
            if self.bytes > ROOM {
                return false;
            }
        }
        self.kept.push(reject);
        true
    }

    /// Takes what another has of the same file.
    pub fn append(&mut self, other: Self) {
        self.count += other.count;
        self.bytes += other.bytes;
        self.kept.extend(other.kept);
        self.kept.sort_by_key(|reject| reject.line);
    }

    /// How many records were bad.
    pub fn count(&self) -> u64 {
        self.count
    }

    fn is_too_many(&self) -> bool {
        self.count > self.limit
    }

    /// Why nothing of the file may be published: more are bad than the channel file allows.
    pub fn why_not(&self) -> Option<String> {
        let Self { limit, count, kept, .. } = self;
        let first = kept.first().map(|reject| {
            let column = reject.column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default();
            format!("line {}{}{column}: {}", reject.line, of_part(&reject.part), reject.reason)
        });
        self.is_too_many().then(|| format!("{count} bad records, {limit} allowed; first: {}", first.unwrap_or_default()))
    }

    pub fn kept_mut(&mut self) -> &mut [Reject] {
        &mut self.kept
    }

    pub fn into_kept(self) -> Vec<Reject> {
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_line(line: u64) -> Reject {
        let raw = "x".repeat(1 << 10);
        Reject { part: String::new(), line, column: None, rule: "ragged", text: String::new(), raw, reason: format!("reason {line}") }
    }

    #[test]
    fn past_the_limit_all_are_counted_and_the_first_are_kept() {
        let (mut within, mut past) = (Rejects::new(100_000), Rejects::new(7));
        for line in 0..100_000 {
            assert!(within.add(of_line(line)));
            past.add(of_line(line));
        }
        assert_eq!((within.count(), within.why_not(), within.into_kept().len()), (100_000, None, 100_000));
        assert_eq!(past.count(), 100_000);
        assert_eq!(past.why_not().unwrap(), "100000 bad records, 7 allowed; first: line 0: reason 0");
        let kept: Vec<u64> = past.into_kept().iter().map(|reject| reject.line).collect();
        assert!(kept.len() > 10_000 && kept.len() < 16_500, "{}", kept.len());
        assert_eq!(kept, (0..kept.len() as u64).collect::<Vec<_>>());
    }

    #[test]
    fn those_of_several_threads_stand_by_line() {
        let (mut one, mut other) = (Rejects::new(3), Rejects::new(3));
        assert!([5, 9].map(of_line).into_iter().all(|reject| one.add(reject)));
        assert!([2, 7].map(of_line).into_iter().all(|reject| other.add(reject)));
        assert_eq!((one.why_not(), other.why_not()), (None, None));
        one.append(other);
        assert_eq!(one.why_not().unwrap(), "4 bad records, 3 allowed; first: line 2: reason 2");
        assert_eq!(one.into_kept().iter().map(|reject| reject.line).collect::<Vec<_>>(), [2, 5, 7, 9]);
    }
}
