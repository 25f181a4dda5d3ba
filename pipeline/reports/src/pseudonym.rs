//! Stable stand-ins for identifiers that must not leave the lake.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const LENGTH: usize = 16;

/// Makes pseudonyms for one purpose: the same text gives the same 16 base32 characters in every report and on every day, and
/// another text for another purpose or key.
#[derive(Clone)]
pub struct Pseudonymiser {
    keyed: Hmac<Sha256>,
}

impl Pseudonymiser {
    /// `key` is the project's secret; each purpose gets a key of its own from it, so pseudonyms of two purposes can't be joined.
    pub fn new(key: &[u8], purpose: &str) -> Self {
        let purpose_key = keyed(key).chain_update(purpose).finalize().into_bytes();
        Self { keyed: keyed(&purpose_key) }
    }

    pub fn of(&self, text: &str) -> String {
        let tag = self.keyed.clone().chain_update(text).finalize().into_bytes();
        let mut pseudonym = BASE32_NOPAD.encode(&tag);
        pseudonym.truncate(LENGTH);
        pseudonym
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of every length")
}

impl fmt::Debug for Pseudonymiser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonymiser")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_depends_on_key_purpose_and_text() {
        let of = |key: &str, purpose: &str, text: &str| Pseudonymiser::new(key.as_bytes(), purpose).of(text);
        // Made with Python's hmac and base64 modules.
        assert_eq!(of("key", "account_number", "123456789012"), "HXU3NUMSX3RBUFXJ");
        assert_eq!(of("key", "account_number", ""), "AX3SNWIJSQYTZW56");
        let all = [of("key", "a", "x"), of("key", "b", "x"), of("other", "a", "x"), of("key", "a", "y")];
        for (at, one) in all.iter().enumerate() {
            assert_eq!(one.len(), LENGTH);
            assert!(!all[..at].contains(one), "{one} came out twice");
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        assert_eq!(format!("{:?}", Pseudonymiser::new(b"secret", "a")), "Pseudonymiser");
    }
}
