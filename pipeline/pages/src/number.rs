//! The dictionary of a column of numbers, for as long as they repeat.

/// A number as it stands in a column, and how it stands in a file.
pub(crate) trait Number: Copy + Eq + Ord {
    fn hash(self) -> u64;
}

impl Number for i64 {
    fn hash(self) -> u64 {
        self.cast_unsigned().wrapping_mul(MIX)
    }
}

impl Number for i128 {
    fn hash(self) -> u64 {
        let bits = self.cast_unsigned();
        (bits as u64 ^ ((bits >> 64) as u64).rotate_left(29).wrapping_mul(MIX)).wrapping_mul(MIX)
    }
}

const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
/// A dictionary of numbers is not larger.
const LARGEST: usize = 1 << 16;
/// The first numbers of a page tell whether any repeat: so many are looked at.
const FIRST: usize = 1 << 10;
/// New numbers of a page that are taken though they are many.
const FEW: usize = 256;
/// More steps than this to find a free place: numbers that were made to collide.
const STEPS: usize = 64;

#[derive(Debug)]
pub(crate) struct NumberDictionary<N> {
    /// Code plus one; zero is free.
    slots: Vec<u32>,
    values: Vec<N>,
}

impl<N> Default for NumberDictionary<N> {
    fn default() -> Self {
        Self { slots: Vec::new(), values: Vec::new() }
    }
}

impl<N: Number> NumberDictionary<N> {
    pub(crate) fn values(&self) -> &[N] {
        &self.values
    }

    pub(crate) fn memory(&self) -> usize {
        self.slots.capacity() * 4 + self.values.capacity() * size_of::<N>()
    }

    pub(crate) fn clear(&mut self) {
        self.slots.fill(0);
        self.values.clear();
    }

    /// The codes of a page. False: too many of its numbers are new; the dictionary is as it was before.
    pub(crate) fn page(&mut self, page: &[N], codes: &mut Vec<u32>) -> bool {
        let before = self.values.len();
        let most = (before + (page.len() / 4).max(FEW)).min(LARGEST);
        codes.clear();
        let mut last: Option<(N, u32)> = None;
        for (at, value) in page.iter().enumerate() {
            let hardly_repeats = at == FIRST && (self.values.len() - before) * 10 > FIRST * 9;
            let code = match last {
                _ if hardly_repeats => None,
                Some((known, code)) if known == *value => Some(code),
                _ => self.code(*value, most),
            };
            let Some(code) = code else {
                self.values.truncate(before);
                self.fill();
                return false;
            };
            last = Some((*value, code));
            codes.push(code);
        }
        true
    }

    #[inline]
    fn code(&mut self, value: N, most: usize) -> Option<u32> {
        if self.values.len() * 2 >= self.slots.len() {
            self.slots.resize((self.slots.len() * 4).max(1 << 9), 0);
            self.fill();
        }
        let mask = self.slots.len() - 1;
        let mut at = (value.hash() >> 32) as usize & mask;
        for _ in 0..STEPS {
            match self.slots[at] {
                0 if self.values.len() >= most => return None,
                0 => {
                    self.values.push(value);
                    self.slots[at] = self.values.len() as u32;
                    return Some(self.values.len() as u32 - 1);
                }
                code if self.values[code as usize - 1] == value => return Some(code - 1),
                _ => at = (at + 1) & mask,
            }
        }
        None
    }

    fn fill(&mut self) {
        self.slots.fill(0);
        let mask = self.slots.len().wrapping_sub(1);
        for (code, value) in (1u32..).zip(&self.values) {
            let mut at = (value.hash() >> 32) as usize & mask;
            while self.slots[at] != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = code;
        }
    }
}
