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
const FIRST_CUSTOMER: u64 = 100;
const FIRST_SCRIPTED: u64 = 1 << 36;

const MANUFACTURERS: u64 = 3;
const RESELLERS: u64 = 3;

/// An account that exists before the first customer.
struct Founder {
    account: Account,
    company: &'static str,
    /// Position in [`PLACES`].
    place: usize,
}

const fn founder(number: u64, company: &'static str, place: usize) -> Founder {
    Founder { account: Account(number), company, place }
}

const FOUNDERS: [Founder; 12] = [
    founder(0, "Our Seller, Inc.", 14),
    founder(FIRST_OPERATOR, "Amazon Web Services, Inc.", 14),
    founder(FIRST_OPERATOR + 1, "Amazon Web Services EMEA SARL", 2),
    founder(FIRST_OPERATOR + 2, "Amazon Web Services Japan G.K.", 4),
    founder(FIRST_OPERATOR + 3, "Amazon Web Services Australia Pty Ltd", 11),
    founder(FIRST_OPERATOR + 4, "Amazon Web Services Korea LLC", 18),
    founder(FIRST_MANUFACTURER, "Jane's Instruments", 0),
    founder(FIRST_MANUFACTURER + 1, "Überblick Systeme GmbH", 2),
    founder(FIRST_MANUFACTURER + 2, "Maker \"M3\" Labs", 0),
    founder(FIRST_RESELLER, "Paulo Resale, LLC", 1),
    founder(FIRST_RESELLER + 1, "Kanal Partner GmbH", 2),
    founder(FIRST_RESELLER + 2, "Channel & Sons Ltd", 6),
];

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
        FOUNDERS.iter().map(|founder| founder.account)
    }

    fn founder(self) -> Option<&'static Founder> {
        if self.is_customer() { None } else { FOUNDERS.iter().find(|founder| founder.account == self) }
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
        if let Some(founder) = self.founder() {
            return &PLACES[founder.place];
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
        if let Some(founder) = self.founder() {
            return founder.company.to_owned();
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
