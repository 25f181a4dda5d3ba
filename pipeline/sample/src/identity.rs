//! How the ids of the feeds look. An id is a kind and a key until it is written, so nobody has to keep texts; different keys
//! of a kind give different texts. Knows no feed.

use crate::chance::{Topic, mix};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Kind {
    Account = 1,
    EncryptedAccount,
    Address,
    Product,
    LegacyProduct,
    ProductCode,
    Offer,
    LegacyOffer,
    OfferTarget,
    Agreement,
    Term,
    License,
    OfferSet,
    BillingEvent,
    Invoice,
    FeeInvoice,
    LineItem,
    CustomerBill,
    Reference,
    BankTrace,
    Usage,
    TaxItem,
    Session,
    Instance,
    Asin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id {
    pub kind: Kind,
    pub key: u64,
}

const BASE36: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const BASE36_UPPER: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const BASE62: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Id {
    pub fn new(kind: Kind, key: u64) -> Self {
        Id { kind, key }
    }

    pub fn write_to(self, seed: u64, out: &mut Vec<u8>) {
        let salt = mix(seed ^ mix(Topic::Identity as u64) ^ ((self.kind as u64) << 56));
        let own = mix(self.key ^ salt);
        match self.kind {
            Kind::Account | Kind::Address | Kind::Session => letters(own, 16, BASE62, out),
            Kind::EncryptedAccount => letters(own, 12, BASE62, out),
            Kind::Product => prefixed("prod-", own, 13, out),
            Kind::ProductCode => letters(own, 25, BASE36, out),
            Kind::Offer => prefixed("offer-", own, 13, out),
            Kind::OfferSet => prefixed("offerset-", own, 13, out),
            Kind::Agreement => prefixed("agmt-", own, 25, out),
            Kind::Term => prefixed("term-", own, 16, out),
            Kind::License => prefixed("l-", own, 16, out),
            Kind::Instance => {
                out.extend_from_slice(b"i-0");
                hex(own, 16, out);
            }
            Kind::BillingEvent => letters(own, 40, BASE36, out),
            Kind::Usage | Kind::Reference | Kind::TaxItem | Kind::OfferTarget => letters(own, 20, BASE36, out),
            Kind::BankTrace => letters(own, 15, BASE36_UPPER, out),
            Kind::Asin => {
                out.extend_from_slice(b"B0");
                letters(own, 8, BASE36_UPPER, out);
            }
            Kind::Invoice => digits(1_000_000_000 + self.key, 10, out),
            Kind::FeeInvoice => {
                out.extend_from_slice(b"LF-");
                digits(1_000_000_000 + self.key, 10, out);
            }
            Kind::LineItem => digits(own, 20, out),
            Kind::CustomerBill => digits(own >> 4, 19, out),
            Kind::LegacyProduct | Kind::LegacyOffer => guid(own, out),
        }
    }
}

fn prefixed(prefix: &str, own: u64, length: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(prefix.as_bytes());
    letters(own, length, BASE36, out);
}

/// `length` letters; the first word of them is one to one with `own` where `length` allows.
fn letters<const N: usize>(own: u64, length: usize, alphabet: &[u8; N], out: &mut Vec<u8>) {
    let per_word = if N > 36 { 11 } else { 13 };
    let mut word = own;
    let mut left = length;
    while left > 0 {
        let mut rest = word;
        for _ in 0..left.min(per_word) {
            out.push(alphabet[(rest % N as u64) as usize]);
            rest /= N as u64;
        }
        left -= left.min(per_word);
        word = mix(word ^ 0x5bd1_e995);
    }
}

fn digits(value: u64, width: usize, out: &mut Vec<u8>) {
    let mut text = [b'0'; 20];
    let mut rest = value;
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let used = text.iter().position(|digit| *digit != b'0').unwrap_or(19);
    out.extend_from_slice(&text[used.min(20 - width)..]);
}

fn hex(value: u64, length: usize, out: &mut Vec<u8>) {
    for at in 0..length {
        out.push(b"0123456789abcdef"[(value >> (60 - 4 * at) & 15) as usize]);
    }
}

fn guid(own: u64, out: &mut Vec<u8>) {
    let second = mix(own ^ 0x5bd1_e995);
    let words = [(own, 8), (own << 32, 4), (own << 48, 4), (second, 4), (second << 16, 12)];
    for (at, (value, length)) in words.into_iter().enumerate() {
        if at > 0 {
            out.push(b'-');
        }
        hex(value, length, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: Kind, key: u64) -> String {
        let mut out = Vec::new();
        Id::new(kind, key).write_to(1, &mut out);
        String::from_utf8(out).expect("ASCII")
    }

    #[test]
    fn documented_shapes() {
        assert_eq!(text(Kind::BillingEvent, 7).len(), 40);
        assert_eq!(text(Kind::ProductCode, 7).len(), 25);
        assert_eq!(text(Kind::LegacyProduct, 7).len(), 36);
        assert_eq!(text(Kind::LineItem, 7).len(), 20);
        assert_eq!(text(Kind::Invoice, 7), "1000000007");
        assert!(text(Kind::Agreement, 7).starts_with("agmt-"));
    }

    #[test]
    fn different_keys_differ() {
        for kind in [Kind::Account, Kind::BillingEvent, Kind::LineItem, Kind::Reference, Kind::Offer] {
            let mut texts: Vec<String> = (0..2_000).map(|key| text(kind, key)).collect();
            texts.sort();
            texts.dedup();
            assert_eq!(texts.len(), 2_000, "{kind:?}");
        }
    }
}
