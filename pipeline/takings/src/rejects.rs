//! Bad records of one file: all of them while it may still be published, and as many as fit once it may not.

use takings_decode::Reject;

use crate::general::of_part;

/// Bytes that may be known of bad records of a file that is past its limit. Those after them go to quarantine without reasons of their own.
const ROOM: usize = 16 << 20;

pub struct Rejects {
    limit: u64,
    room: usize,
    count: u64,
    kept: Vec<Reject>,
}

impl Rejects {
    /// `limit`: how many a file may have.
    pub fn new(limit: u64) -> Self {
        Self { limit, room: ROOM, count: 0, kept: Vec::new() }
    }

    /// One of several that share the room of a file.
    pub fn one_of(shares: usize, limit: u64) -> Self {
        Self { room: ROOM / shares.max(1), ..Self::new(limit) }
    }

    pub fn add(&mut self, reject: Reject) {
        self.count += 1;
        if self.is_too_many() && !self.kept.is_empty() {
            let bytes = size_of::<Reject>() + reject.reason.len() + reject.text.len() + reject.raw.len();
            // Once there is no room there is none for a smaller one: those that are kept are the first.
            self.room = self.room.saturating_sub(bytes);
            if self.room == 0 {
                return;
            }
        }
        self.kept.push(reject);
    }

    /// Takes what another has of the same file.
    pub fn append(&mut self, other: Self) {
        self.count += other.count;
        self.kept.extend(other.kept);
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
        let first = kept.iter().min_by_key(|reject| (&reject.part, reject.line)).map(|reject| {
            let column = reject.column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default();
            format!("line {}{}{column}: {}", reject.line, of_part(&reject.part), reject.reason)
        });
        self.is_too_many().then(|| format!("{count} bad records, {limit} allowed; first: {}", first.unwrap_or_default()))
    }

    pub fn kept_mut(&mut self) -> &mut [Reject] {
        &mut self.kept
    }

    /// By part and line.
    pub fn into_kept(mut self) -> Vec<Reject> {
        self.kept.sort_by(|one, other| (&one.part, one.line).cmp(&(&other.part, other.line)));
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
    fn past_the_limit_all_are_counted_and_as_many_as_fit_are_kept() {
        let mut within = Rejects::new(100_000);
        let mut past = [Rejects::new(7), Rejects::one_of(4, 7)];
        for line in 0..100_000 {
            within.add(of_line(line));
            past.iter_mut().for_each(|rejects| rejects.add(of_line(line)));
        }
        assert_eq!((within.count(), within.why_not(), within.into_kept().len()), (100_000, None, 100_000));
        let kept = past.map(|rejects| {
            assert_eq!(rejects.count(), 100_000);
            assert_eq!(rejects.why_not().unwrap(), "100000 bad records, 7 allowed; first: line 0: reason 0");
            let kept: Vec<u64> = rejects.into_kept().iter().map(|reject| reject.line).collect();
            assert_eq!(kept, (0..kept.len() as u64).collect::<Vec<_>>());
            kept.len()
        });
        assert!((12_000..16_400).contains(&kept[0]) && (3_000..4_100).contains(&kept[1]), "{kept:?}");
    }

    #[test]
    fn one_that_is_larger_than_the_room_is_kept_where_it_is_the_first() {
        let mut rejects = Rejects::new(0);
        let large = |line| Reject { reason: "x".repeat(2 * ROOM), ..of_line(line) };
        for reject in [large(1), of_line(2), large(3), of_line(4)] {
            rejects.add(reject);
        }
        assert_eq!(rejects.count(), 4);
        assert_eq!(rejects.into_kept().iter().map(|reject| reject.line).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn those_of_several_threads_stand_by_line() {
        let (mut one, mut other) = (Rejects::new(3), Rejects::new(3));
        for (rejects, line) in [(&mut one, 9), (&mut other, 2)] {
            rejects.add(of_line(line));
            rejects.add(of_line(line + 1));
        }
        assert_eq!((one.why_not(), other.why_not()), (None, None));
        one.append(other);
        assert_eq!(one.why_not().unwrap(), "4 bad records, 3 allowed; first: line 2: reason 2");
        assert_eq!(one.into_kept().iter().map(|reject| reject.line).collect::<Vec<_>>(), [2, 3, 9, 10]);
    }
}
