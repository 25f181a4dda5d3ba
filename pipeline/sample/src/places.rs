//! Where buyers sit and what follows from it: currency, broker and who owes which tax. Knows no account and no feed.

use crate::amount::Amount;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Currency {
    Usd,
    Eur,
    Gbp,
    Jpy,
}

impl Currency {
    pub const ALL: [Currency; 4] = [Currency::Usd, Currency::Eur, Currency::Gbp, Currency::Jpy];

    pub fn code(self) -> &'static str {
        match self {
            Currency::Usd => "USD",
            Currency::Eur => "EUR",
            Currency::Gbp => "GBP",
            Currency::Jpy => "JPY",
        }
    }

    /// A price in dollars said in this currency, at a fixed rate of our own.
    pub fn priced(self, dollars: Amount) -> Amount {
        match self {
            Currency::Usd => dollars,
            Currency::Eur => dollars.share(92, 100),
            Currency::Gbp => dollars.share(79, 100),
            Currency::Jpy => dollars.share(150, 1),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broker {
    Inc,
    Europe,
    Japan,
    Australia,
    Korea,
}

impl Broker {
    pub fn code(self) -> &'static str {
        match self {
            Broker::Inc => "AWS_INC",
            Broker::Europe => "AWS_EUROPE",
            Broker::Japan => "AWS_JAPAN",
            Broker::Australia => "AWS_AUSTRALIA",
            Broker::Korea => "AWS_KOREA",
        }
    }

    /// The marketplace operators other than AWS_INC bill their listing fee by an invoice of its own.
    pub fn bills_fee_apart(self) -> bool {
        self != Broker::Inc
    }
}

/// Who owes a tax to the authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liable {
    Seller,
    Aws,
}

impl Liable {
    pub fn code(self) -> &'static str {
        match self {
            Liable::Seller => "Seller",
            Liable::Aws => "AWS",
        }
    }
}

/// One authority's tax: level, name, rate in millionths.
#[derive(Clone, Copy, Debug)]
pub struct Jurisdiction {
    pub level: &'static str,
    pub name: &'static str,
    pub millionths: i64,
}

#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub country: &'static str,
    pub state: &'static str,
    pub city: &'static str,
    pub postal_code: &'static str,
    pub currency: Currency,
    pub broker: Broker,
    pub liable: Liable,
    pub tax_type: &'static str,
    pub geocode: &'static str,
    pub taxes: &'static [Jurisdiction],
}

impl Place {
    pub fn is_us(&self) -> bool {
        self.country == "US"
    }
}

const fn tax(level: &'static str, name: &'static str, millionths: i64) -> Jurisdiction {
    Jurisdiction { level, name, millionths }
}

macro_rules! place {
    ($country:literal $state:literal $city:literal $postal:literal $currency:ident $broker:ident $liable:ident $tax_type:literal $geocode:literal $taxes:expr) => {
        Place {
            country: $country,
            state: $state,
            city: $city,
            postal_code: $postal,
            currency: Currency::$currency,
            broker: Broker::$broker,
            liable: Liable::$liable,
            tax_type: $tax_type,
            geocode: $geocode,
            taxes: $taxes,
        }
    };
}

/// The rates are in the order of the real ones, not their copies.
pub const PLACES: [Place; 24] = [
    place!("US" "NY" "New York" "10001" Usd Inc Aws "Sales" "330610120"
        &[tax("State", "NEW YORK", 40_000), tax("County", "NEW YORK", 0), tax("City", "NEW YORK", 45_000)]),
    place!("US" "KS" "Wichita" "67202" Usd Inc Seller "Sales" "171733050"
        &[tax("State", "KANSAS", 65_000), tax("County", "SEDGWICK", 10_000), tax("City", "WICHITA", 0)]),
    place!("DE" "" "Hamburg" "20095" Eur Europe Aws "VAT" "276000000" &[tax("Country", "GERMANY", 190_000)]),
    place!("US" "GA" "Milton" "30004-4839" Usd Inc Seller "Sales" "111210901"
        &[tax("State", "GEORGIA", 40_000), tax("County", "FULTON", 30_000), tax("City", "MILTON", 7_500)]),
    place!("JP" "東京都" "千代田区" "100-0001" Jpy Japan Aws "JCT" "392000000" &[tax("Country", "JAPAN", 100_000)]),
    place!("US" "TX" "Austin" "78701" Usd Inc Aws "Sales" "444530100"
        &[tax("State", "TEXAS", 62_500), tax("City", "AUSTIN", 10_000), tax("District", "AUSTIN MTA", 10_000)]),
    place!("GB" "" "London" "EC1A 1BB" Gbp Europe Aws "VAT" "826000000" &[tax("Country", "UNITED KINGDOM", 200_000)]),
    place!("US" "NC" "Durham" "27517-4834" Usd Inc Seller "SellerUse" "340632180"
        &[tax("State", "NORTH CAROLINA", 47_500), tax("County", "DURHAM", 22_500), tax("District", "TRANSIT", 5_000)]),
    place!("US" "OR" "Portland" "97201" Usd Inc Aws "None" "380510730" &[tax("State", "OREGON", 0)]),
    place!("FR" "Île-de-France" "Paris" "75001" Eur Europe Aws "VAT" "250000000" &[tax("Country", "FRANCE", 200_000)]),
    place!("US" "MA" "Boston" "02108" Usd Inc Aws "Sales" "220250150"
        &[tax("State", "MASSACHUSETTS", 62_500), tax("County", "SUFFOLK", 0), tax("City", "BOSTON", 0)]),
    place!("AU" "NSW" "Sydney" "2000" Usd Australia Aws "GST" "036000000" &[tax("Country", "AUSTRALIA", 100_000)]),
    place!("US" "KS" "Overland Park" "66204" Usd Inc Seller "Sales" "170911840"
        &[tax("State", "KANSAS", 65_000), tax("County", "JOHNSON", 14_750), tax("City", "OVERLAND PARK", 11_250)]),
    place!("DE" "Bayern" "München" "80331" Eur Europe Aws "VAT" "276000001" &[tax("Country", "GERMANY", 190_000)]),
    place!("US" "WA" "Seattle" "98101" Usd Inc Aws "Sales" "480331960"
        &[tax("State", "WASHINGTON", 65_000), tax("County", "KING", 0), tax("City", "SEATTLE", 36_000)]),
    place!("CA" "ON" "Toronto" "M5H 2N2" Usd Inc Seller "HST" "124000000" &[tax("Province", "ONTARIO", 130_000)]),
    place!("IE" "" "Dublin" "D02 AF30" Eur Europe Aws "VAT" "372000000" &[tax("Country", "IRELAND", 230_000)]),
    place!("US" "NJ" "Newark" "07102" Usd Inc Aws "Sales" "310130140" &[tax("State", "NEW JERSEY", 66_250)]),
    place!("KR" "" "서울" "04524" Usd Korea Aws "VAT" "410000000" &[tax("Country", "KOREA", 100_000)]),
    place!("US" "FL" "Miami" "33128" Usd Inc Seller "Sales" "100250210"
        &[tax("State", "FLORIDA", 60_000), tax("County", "MIAMI-DADE", 10_000), tax("City", "MIAMI", 0)]),
    place!("SE" "" "Göteborg" "411 03" Eur Europe Aws "VAT" "752000000" &[tax("Country", "SWEDEN", 250_000)]),
    place!("BR" "SP" "São Paulo" "01001-000" Usd Inc Aws "None" "076000000" &[]),
    place!("IN" "Karnataka" "Bengaluru" "560001" Usd Inc Aws "None" "356000000" &[]),
    place!("JP" "大阪府" "大阪市" "530-0001" Jpy Japan Aws "JCT" "392000001" &[tax("Country", "JAPAN", 100_000)]),
];
