//! Repeatable chance: every draw is a pure function of the seed, a topic and a key, so any row can be made again later
//! without keeping it. Knows no feed and no clock.

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// What is drawn for. Two topics never share their draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Topic {
    Identity = 1,
    Customer,
    Agreement,
    Sale,
    Fate,
    Usage,
    Visit,
    Launch,
    Anonymous,
}

/// A stream of draws for one key of one topic.
#[derive(Clone, Copy, Debug)]
pub struct Draws(u64);

impl Draws {
    pub fn of(seed: u64, topic: Topic, key: u64) -> Self {
        Self(mix(mix(seed ^ (topic as u64).wrapping_mul(GOLDEN)) ^ key))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number in `0..n`.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as u64) as i64
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

/// A one-to-one scrambling of 64 bits (the finaliser of SplitMix64): different keys stay different.
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
