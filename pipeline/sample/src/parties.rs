//! The accounts: the seller, the marketplace operators, manufacturers, resellers and customers, each with its addresses.
//! Everything about an account follows from its number. Knows no sale.

use crate::chance::{Draws, Topic};
use crate::identity::{Id, Kind};
use crate::places::{Broker, PLACES, Place};

pub const SELLER: Account = Account(0);

/// An account by number. Customers count from `FIRST_CUSTOMER`; the scripted customers from `FIRST_SCRIPTED`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Account(pub u64);

const FIRST_OPERATOR: u64 = 1;
const FIRST_MANUFACTURER: u64 = 10;
const FIRST_RESELLER: u64 = 20;
pub const FIRST_CUSTOMER: u64 = 100;
pub const FIRST_SCRIPTED: u64 = 1 << 36;

pub const MANUFACTURERS: u64 = 3;
pub const RESELLERS: u64 = 3;

/// What an address of an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Use {
    Mailing = 0,
    Tax,
    Billing,
    MovedTo,
}

impl Account {
    pub fn operator(broker: Broker) -> Self {
        Account(FIRST_OPERATOR + broker as u64)
    }

    pub fn manufacturer(number: u64) -> Self {
        Account(FIRST_MANUFACTURER + number % MANUFACTURERS)
    }

    pub fn reseller(number: u64) -> Self {
        Account(FIRST_RESELLER + number % RESELLERS)
    }

    pub fn customer(number: u64) -> Self {
        Account(FIRST_CUSTOMER + number)
    }

    pub fn scripted(number: u64) -> Self {
        Account(FIRST_SCRIPTED + number)
    }

    /// The accounts that exist before the first customer.
    pub fn founders() -> impl Iterator<Item = Account> {
        let operators = (0..Broker::ALL.len() as u64).map(|at| Account(FIRST_OPERATOR + at));
        let manufacturers = (0..MANUFACTURERS).map(Account::manufacturer);
        let resellers = (0..RESELLERS).map(Account::reseller);
        std::iter::once(SELLER).chain(operators).chain(manufacturers).chain(resellers)
    }

    fn ordinal(self) -> u64 {
        if self.0 >= FIRST_SCRIPTED { self.0 - FIRST_SCRIPTED } else { self.0.saturating_sub(FIRST_CUSTOMER) }
    }

    pub fn is_customer(self) -> bool {
        self.0 >= FIRST_CUSTOMER
    }

    pub fn is_scripted(self) -> bool {
        self.0 >= FIRST_SCRIPTED
    }

    pub fn id(self) -> Id {
        Id::new(Kind::Account, self.0)
    }

    pub fn encrypted_id(self) -> Id {
        Id::new(Kind::EncryptedAccount, self.0)
    }

    pub fn address(self, used_for: Use) -> Id {
        Id::new(Kind::Address, self.0 << 2 | used_for as u64)
    }

    /// Every fourth customer is a member account of the one before it, which pays.
    pub fn payer(self) -> Account {
        if self.is_customer() && !self.is_scripted() && self.ordinal() % 4 == 3 { Account(self.0 - 1) } else { self }
    }

    /// The place of its mailing address. A customer that pays for another sits where that one does.
    pub fn place(self, seed: u64) -> &'static Place {
        if !self.is_customer() {
            let at = match self.0 {
                2 | 11 | 21 => 2,
                3 => 4,
                4 => 11,
                5 => 18,
                22 => 6,
                0 => 14,
                _ => 0,
            };
            return &PLACES[at];
        }
        let payer = self.payer();
        if self.is_scripted() {
            return &PLACES[(payer.ordinal() % PLACES.len() as u64) as usize];
        }
        let mut draws = Draws::of(seed, Topic::Customer, payer.0);
        // Early places come more often.
        let at = draws.below(PLACES.len() as u64).min(draws.below(PLACES.len() as u64 + 6));
        &PLACES[at as usize]
    }

    pub fn is_tax_exempt(self) -> bool {
        self.is_customer() && self.ordinal() % 11 == 5
    }

    pub fn has_tax_address(self) -> bool {
        self.is_customer() && self.ordinal() % 5 < 3
    }

    /// Buyers that AWS shows no billing address of.
    pub fn hides_billing_address(self) -> bool {
        self.ordinal() % 9 == 4
    }

    pub fn moves(self) -> bool {
        self.is_customer() && self.ordinal() % 10 == 4
    }

    /// Twelve digits, many with leading zeros. The seller's is given by the options.
    pub fn aws_number(self) -> u64 {
        let ordinal = if self.is_scripted() { self.ordinal() + 900_000_000 } else { self.0 };
        if ordinal % 4 == 1 {
            (ordinal / 4 * 7_654_321 + 40_000_003) % 9_999_999_967
        } else {
            100_000_000_000 + (ordinal * 76_543_211 + 345_678_901) % 899_999_999_981
        }
    }

    pub fn company(self, seed: u64) -> String {
        const FIRST: [&str; 12] = ["Blue", "Northern", "Quiet", "Bright", "Green", "Iron", "Silver", "Open", "Swift", "Clear", "High", "Amber"];
        const SECOND: [&str; 12] = ["River", "Harbor", "Field", "Bridge", "Forest", "Summit", "Valley", "Lantern", "Anchor", "Meadow", "Falcon", "Orchard"];
        let mut draws = Draws::of(seed, Topic::Customer, self.0 ^ 1 << 50);
        let (first, second) = (*draws.pick(&FIRST), *draws.pick(&SECOND));
        if !self.is_customer() {
            return match self.0 {
                0 => "Our Seller, Inc.".to_owned(),
                1 => "Amazon Web Services, Inc.".to_owned(),
                2 => "Amazon Web Services EMEA SARL".to_owned(),
                3 => "Amazon Web Services Japan G.K.".to_owned(),
                4 => "Amazon Web Services Australia Pty Ltd".to_owned(),
                5 => "Amazon Web Services Korea LLC".to_owned(),
                10 => "Jane's Instruments".to_owned(),
                11 => "Überblick Systeme GmbH".to_owned(),
                12 => "Maker \"M3\" Labs".to_owned(),
                20 => "Paulo Resale, LLC".to_owned(),
                21 => "Kanal Partner GmbH".to_owned(),
                _ => "Channel & Sons Ltd".to_owned(),
            };
        }
        let number = self.ordinal();
        match (self.place(seed).country, number % 7) {
            ("JP", _) => format!("株式会社{first}{number}"),
            ("DE", _) => format!("{first} & Söhne {second} GmbH {number}"),
            ("FR", _) => format!("Société {second} {number}"),
            (_, 2) => format!("{first} {second}, Inc. {number}"),
            (_, 3) => format!("{first} {second}\nDivision {number}"),
            (_, 4) => format!("{first} \"{second}\" {number}"),
            _ => format!("{first} {second} {number}"),
        }
    }

    pub fn email_domain(self) -> String {
        match self.0 {
            0 => "our-seller.example".to_owned(),
            number if self.is_customer() => format!("c{}.example", number % 1_000_000_007),
            number => format!("partner{number}.example"),
        }
    }
}
