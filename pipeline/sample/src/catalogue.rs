//! What is for sale: products, their offers and prices. Everything follows from the product's number. Knows no buyer.

use crate::amount::Amount;
use crate::identity::{Id, Kind};
use crate::parties::{Account, SELLER};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Product(pub u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A machine image, by the hour.
    Image,
    /// Software as a service, by contract and by meter.
    Service,
    /// Another maker's product that the seller resells.
    Resold,
}

/// What usage of a product is counted in.
#[derive(Clone, Copy, Debug)]
pub struct Dimension {
    pub key: &'static str,
    pub unit: &'static str,
    /// Dollars per unit in millionths.
    pub millionths: i64,
    pub region: &'static str,
}

const fn dimension(key: &'static str, unit: &'static str, millionths: i64, region: &'static str) -> Dimension {
    Dimension { key, unit, millionths, region }
}

const IMAGE_DIMENSIONS: [Dimension; 5] = [
    dimension("m5.large", "Hrs", 135_417, "us-east-1"),
    dimension("c6i.2xlarge", "Hrs", 512_500, "eu-west-1"),
    dimension("t3.medium", "Hrs", 20_833, "us-west-2"),
    dimension("r6i.4xlarge", "Hrs", 1_275_000, "ap-northeast-1"),
    dimension("m5.xlarge", "Hrs", 270_834, "us-east-1"),
];

const SERVICE_DIMENSIONS: [Dimension; 4] = [
    dimension("api_calls", "Units", 1_250, "us-east-1"),
    dimension("gb_ingested", "GB", 187_500, "eu-central-1"),
    dimension("active_users", "Users", 640_001, "us-east-1"),
    dimension("scan_hours", "Hours", 93_333, "us-east-1"),
];

const TITLES: [&str; 16] = [
    "Atlas Database Server, Standard Edition",
    "Contract \"Turbo\" Search",
    "=Sum Analytics Image",
    "Nordlicht Überwachung für Ärzte",
    "データ可視化ツール Pro",
    "Two-line\nCustomer Data Platform",
    "Müller & Söhne Firewall",
    "Maker Vision, \"Enterprise\"",
    "Quiet Log Forwarder",
    "Fleet Billing Hub",
    "Hardened Linux 9 (CIS)",
    "Resold Threat Feed",
    "+Plus Cache Cluster",
    "Signals API",
    "Batch Render Node",
    "Backup, Restore & Archive",
];

impl Product {
    pub fn sort(self) -> Sort {
        match self.0 % 4 {
            0 | 2 => Sort::Image,
            1 => Sort::Service,
            _ => Sort::Resold,
        }
    }

    pub fn id(self) -> Id {
        Id::new(Kind::Product, self.0)
    }

    /// Products that were listed under an id of the old form.
    pub fn legacy_id(self) -> Option<Id> {
        (self.0 % 6 == 2).then(|| Id::new(Kind::LegacyProduct, self.0))
    }

    pub fn code(self) -> Id {
        Id::new(Kind::ProductCode, self.0)
    }

    pub fn asin(self) -> Id {
        Id::new(Kind::Asin, self.0)
    }

    pub fn manufacturer(self) -> Account {
        if self.sort() == Sort::Resold { Account::manufacturer(self.0 / 4) } else { SELLER }
    }

    pub fn title(self) -> String {
        let base = TITLES[(self.0 % TITLES.len() as u64) as usize];
        match self.0 / TITLES.len() as u64 {
            0 => base.to_owned(),
            series => format!("{base} {}", series + 1),
        }
    }

    /// The title after the renaming, for the products that are renamed.
    pub fn new_title(self) -> Option<String> {
        (self.0 % 4 == 1 || self.0 % 8 == 4).then(|| format!("{} (new)", self.title()))
    }

    /// The title as first delivered, for the products whose first delivery was mistyped.
    pub fn mistyped_title(self) -> Option<String> {
        (self.0 % 5 == 3).then(|| format!("{} (tset)", self.title()))
    }

    pub fn dimensions(self) -> &'static [Dimension] {
        if self.sort() == Sort::Image { &IMAGE_DIMENSIONS } else { &SERVICE_DIMENSIONS }
    }

    pub fn tax_code(self) -> &'static str {
        match self.0 % 4 {
            0 => "AWSMP_SOFTWARE_RA",
            1 => "AWS_REMOTE_ACCESS_SOFTWARE",
            2 => "AWSMP_SOFTWARE_RA",
            _ => "A_GEN_NOTAX",
        }
    }

    /// Price of a year's contract in dollars.
    pub fn contract_price(self) -> Amount {
        Amount::cents(120_000 + (self.0 % 7) as i64 * 95_050)
    }
}

/// To whom an offer is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Audience {
    Public = 0,
    FieldDemonstration,
    EnterpriseContract,
    Country,
    FreeTrial,
    Segment,
    /// Made for one agreement.
    Private,
    /// Made by a reseller for its buyer.
    Channel,
}

impl Audience {
    pub const STANDING: [Audience; 6] =
        [Audience::Public, Audience::FieldDemonstration, Audience::EnterpriseContract, Audience::Country, Audience::FreeTrial, Audience::Segment];

    /// The visibility that AWS's queries give the offer.
    pub fn visibility(self) -> &'static str {
        match self {
            Audience::Public | Audience::FreeTrial => "Public",
            Audience::FieldDemonstration => "Program:FieldDemonstration",
            Audience::EnterpriseContract => "Program:EnterpriseContract",
            Audience::Country => "GeoTargeted",
            Audience::Segment => "Other Targeting",
            Audience::Private | Audience::Channel => "Private",
        }
    }
}

/// A standing offer of a product, or the private offer of an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    pub audience: Audience,
    pub product: Product,
    /// Number of the agreement it was made for; 0 for standing offers.
    pub agreement: u64,
    /// Who offers: the seller or a reseller.
    pub seller: Account,
}

impl Offer {
    pub fn standing(audience: Audience, product: Product) -> Self {
        Offer { audience, product, agreement: 0, seller: SELLER }
    }

    pub fn id(self) -> Id {
        let key = match self.audience {
            Audience::Private | Audience::Channel => 1 << 60 | self.agreement,
            standing => self.product.0 << 3 | standing as u64,
        };
        Id::new(Kind::Offer, key)
    }

    /// Standing offers get a second revision in time; of the private ones, every fifth.
    pub fn revisions(self) -> u64 {
        match self.audience {
            Audience::Public => 2,
            Audience::Private if self.agreement % 5 == 1 => 2,
            _ => 1,
        }
    }

    pub fn name(self, revision: u64) -> String {
        let name = match self.audience {
            Audience::Public => format!("{}, public offer", self.product.title().replace('\n', " ")),
            Audience::FieldDemonstration => "AWS field demonstration".to_owned(),
            Audience::EnterpriseContract => "Enterprise Contract Program Offer".to_owned(),
            Audience::Country => "Japan launch offer".to_owned(),
            Audience::FreeTrial => "Free trial, 30 days".to_owned(),
            Audience::Segment => "Startups".to_owned(),
            Audience::Private => format!("Private offer {}", self.agreement % 100_000),
            Audience::Channel => format!("Channel partner offer {}", self.agreement % 100_000),
        };
        if revision > 1 { format!("{name} (rev. {revision})") } else { name }
    }

    /// Type and value of its target.
    pub fn target(self) -> Option<(&'static str, &'static str)> {
        match self.audience {
            Audience::FieldDemonstration => Some(("ParticipatingPrograms", "FieldDemonstration")),
            Audience::EnterpriseContract => Some(("ParticipatingPrograms", "EnterpriseContract")),
            Audience::Country => Some(("CountryCodes", "JP")),
            Audience::Segment => Some(("CustomerSegments", "Startups")),
            Audience::Private | Audience::Channel => Some(("BuyerAccounts", "")),
            Audience::Public | Audience::FreeTrial => None,
        }
    }
}
