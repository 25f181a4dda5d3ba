//! The account and address feeds: accounts as they appear, move and are put right.

use crate::Error;
use crate::amount::write_whole;
use crate::documented;
use crate::feeds::Export;
use crate::moment::{Day, Moment};
use crate::parties::{Account, SELLER, Use};
use crate::places::{PLACES, Place};
use crate::world::World;
use crate::writer::{Feeds, Known};

const MOVES_AFTER: i32 = 60;
/// A move that turns out to be none is taken back so many days later.
const STAYS_AFTER: i32 = 8;
const CORRECTED_AFTER: i32 = 4;

pub fn deliver(world: &World, feeds: &mut Feeds, day: Day) -> Result<(), Error> {
    if day == world.first {
        for account in Account::founders() {
            appear(world, feeds, account, day.start())?;
        }
        documented::appear(world, feeds)?;
    }
    for account in world.new_customers_on(day) {
        appear(world, feeds, account, day.start())?;
    }
    for account in world.new_customers_on(day.plus(-CORRECTED_AFTER)).filter(is_corrected) {
        let first = day.plus(-CORRECTED_AFTER);
        let known = Known { corrects: Some(first.plus(1)), ..Known::default() };
        write(world, feeds, account, Use::Mailing, true, first.start(), known)?;
    }
    for account in world.new_customers_on(day.plus(-MOVES_AFTER)).filter(|account| account.moves()) {
        let place = &PLACES[(account.aws_number() % PLACES.len() as u64) as usize];
        write_address(world, feeds, account, Use::MovedTo, place, day.start(), Known::default())?;
        write(world, feeds, account, Use::MovedTo, true, day.start(), Known::default())?;
    }
    for account in world.new_customers_on(day.plus(-MOVES_AFTER - STAYS_AFTER)).filter(stays) {
        let moved = day.plus(-STAYS_AFTER);
        let known = Known { corrects: Some(moved.plus(1)), deleted: true, ..Known::default() };
        write(world, feeds, account, Use::MovedTo, true, moved.start(), known)?;
    }
    Ok(())
}

/// Accounts whose tax name is mistyped at first.
fn is_corrected(account: &Account) -> bool {
    account.0 % 10 == 7
}

fn stays(account: &Account) -> bool {
    account.moves() && account.0 % 3 == 1
}

/// An account's first rows.
pub fn appear(world: &World, feeds: &mut Feeds, account: Account, from: Moment) -> Result<(), Error> {
    let place = account.place(world.seed);
    write_address(world, feeds, account, Use::Mailing, place, from, Known::default())?;
    if account.has_tax_address() {
        write_address(world, feeds, account, Use::Tax, place, from, Known::default())?;
    }
    if account.payer() == account {
        let twice = account.0 % 13 == 6;
        write_address(world, feeds, account, Use::Billing, place, from, Known { twice, ..Known::default() })?;
    }
    write(world, feeds, account, Use::Mailing, !is_corrected(&account), from, Known::default())
}

fn write(world: &World, feeds: &mut Feeds, account: Account, mailing: Use, right: bool, from: Moment, known: Known) -> Result<(), Error> {
    let abroad = !account.place(world.seed).is_us() && account.is_customer();
    let company = account.company(world.seed);
    let row = feeds
        .row(Export::Account)
        .id(account.id())
        .cell(|cell| write_account_number(world, account, cell))
        .id(account.encrypted_id())
        .id(account.address(mailing))
        .maybe_id(account.has_tax_address().then(|| account.address(Use::Tax)));
    let row = match abroad {
        true => row.text(&format!("{}{:09}", account.place(world.seed).country, account.aws_number() % 1_000_000_000)),
        false => row.none(),
    };
    let row = match (abroad || !account.is_customer(), right) {
        (true, true) => row.text(&company),
        (true, false) => row.text(&format!("{company} (?)")),
        (false, true) => row.none(),
        (false, false) => row.text("(not yet known)"),
    };
    row.text("AWSMarketplace").known(from, known)
}

/// Twelve digits; the seller's as the options say.
pub fn write_account_number(world: &World, account: Account, cell: &mut Vec<u8>) {
    if account == SELLER {
        cell.extend_from_slice(world.seller_number.as_bytes());
        return;
    }
    let mut digits = Vec::with_capacity(12);
    write_whole(account.aws_number(), &mut digits);
    cell.resize(cell.len() + 12 - digits.len(), b'0');
    cell.extend_from_slice(&digits);
}

fn write_address(world: &World, feeds: &mut Feeds, account: Account, used_for: Use, place: &Place, from: Moment, known: Known) -> Result<(), Error> {
    let number = account.aws_number() % 900 + 1;
    let street = match account.0 % 4 {
        0 => format!("{number} Market Street, Suite {}", number % 40),
        1 => format!("{number} Hafenstraße"),
        2 => format!("Building \"{number}\"\nNorth Gate"),
        _ => format!("{number} High Street"),
    };
    let hides_domain = used_for == Use::Tax && account.0.is_multiple_of(3);
    feeds
        .row(Export::Address)
        .id(account.address(used_for))
        .text(if hides_domain { String::new() } else { account.email_domain() }.as_str())
        .text(&account.company(world.seed))
        .texts([place.country, place.state, place.city, place.postal_code])
        .text(&street)
        .text(if used_for == Use::Billing { "Accounts payable" } else { "" })
        .none()
        .known(from, known)
}
