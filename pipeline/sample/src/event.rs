//! One row of the billing event feed, and how the amounts of a sale become rows: invoiced, adjusted, collected, disbursed.

use crate::Error;
use crate::agreement::Pattern;
use crate::amount::Amount;
use crate::feeds::Export;
use crate::identity::{Id, Kind};
use crate::moment::Moment;
use crate::parties::{Account, SELLER, Use};
use crate::places::{Broker, Currency, Liable};
use crate::sale::{Adjustment, Charge, FEE_LAG, Fate, Posting, Sale};
use crate::world::World;
use crate::writer::{Feeds, Known};

#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub id: Id,
    pub from: Account,
    pub to: Account,
    pub end_user: Option<Account>,
    pub product: Option<Id>,
    pub action: &'static str,
    pub transaction_type: &'static str,
    pub parent: Option<Id>,
    pub disbursement: Option<Id>,
    pub amount: Amount,
    pub currency: Currency,
    pub disbursed: Option<(Currency, Amount)>,
    pub counts: bool,
    pub invoiced: Option<Moment>,
    pub due: Option<Moment>,
    pub usage: Option<(Moment, Moment)>,
    pub invoice: Option<Id>,
    pub address: Option<Id>,
    pub reference: Option<Id>,
    pub buyer_reference: Option<Id>,
    pub bank_trace: Option<Id>,
    pub broker: Option<Broker>,
    pub acted: Moment,
    pub offer: Option<Id>,
    pub buyer_invoiced: Option<Moment>,
    pub line_item: Option<Id>,
    pub buyer_line_item: Option<Id>,
    pub charge_variant: &'static str,
    pub charge_side: &'static str,
    pub agreement: Option<Id>,
    pub buyer_invoice: Option<Id>,
    pub invoice_variant: &'static str,
    pub disbursement_reference: Option<Id>,
}

impl Event {
    /// A row about the seller's account with an operator: it names no sale.
    pub fn of_account(id: Id, operator: Broker, transaction_type: &'static str, currency: Currency, amount: Amount, at: Moment) -> Event {
        Event {
            id,
            from: Account::operator(operator),
            to: SELLER,
            end_user: None,
            product: None,
            action: "DISBURSED",
            transaction_type,
            parent: None,
            disbursement: None,
            amount,
            currency,
            disbursed: None,
            counts: false,
            invoiced: Some(at),
            due: None,
            usage: None,
            invoice: None,
            address: None,
            reference: None,
            buyer_reference: None,
            bank_trace: None,
            broker: Some(operator),
            acted: at,
            offer: None,
            buyer_invoiced: None,
            line_item: None,
            buyer_line_item: None,
            charge_variant: "",
            charge_side: "",
            agreement: None,
            buyer_invoice: None,
            invoice_variant: "",
            disbursement_reference: None,
        }
    }

    pub fn write(&self, feeds: &mut Feeds, known: Known) -> Result<(), Error> {
        feeds
            .row(Export::BillingEvent)
            .id(self.id)
            .id(self.from.id())
            .id(self.to.id())
            .maybe_id(self.end_user.map(Account::id))
            .maybe_id(self.product)
            .text(self.action)
            .text(self.transaction_type)
            .maybe_id(self.parent)
            .maybe_id(self.disbursement)
            .text(self.currency.code())
            .amount(self.amount)
            .text(self.disbursed.map_or("", |(currency, _)| currency.code()))
            .cell(|cell| {
                if let Some((_, amount)) = self.disbursed {
                    amount.write_to(cell);
                }
            })
            .text(if self.counts { "1" } else { "0" })
            .maybe_moment(self.invoiced)
            .maybe_moment(self.due)
            .maybe_moment(self.usage.map(|(first, _)| first))
            .maybe_moment(self.usage.map(|(_, last)| last))
            .maybe_id(self.invoice)
            .maybe_id(self.address)
            .maybe_id(self.reference)
            .maybe_id(self.buyer_reference)
            .maybe_id(self.bank_trace)
            .text(self.broker.map_or("", Broker::code))
            .moment(self.acted)
            .id(SELLER.id())
            .maybe_id(self.offer)
            .maybe_moment(self.buyer_invoiced)
            .maybe_id(self.line_item)
            .maybe_id(self.buyer_line_item)
            .text(self.charge_variant)
            .text(self.charge_side)
            .maybe_id(self.agreement)
            .maybe_id(self.buyer_invoice)
            .text(self.invoice_variant)
            .maybe_id(self.disbursement_reference)
            .text("AWSMarketplace")
            .known(self.acted, known)
    }
}

/// What happens to an amount; part of its row's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Step {
    Invoiced = 0,
    Adjusted,
    Collected,
    Disbursed,
    AdjustmentDisbursed,
    Reversed,
    AdjustmentReversed,
}

/// Id of the row of one amount at one step; `part` and `attempt` count disbursements of the same amount.
pub fn event_id(sale: &Sale, posting: &Posting, step: Step, part: u64, attempt: u64) -> Id {
    let slot = (step as u64) << 9 | (posting.charge as u64) << 6 | posting.line << 5 | part << 4 | attempt << 3;
    Id::new(Kind::BillingEvent, sale.key() << 12 | slot)
}

fn transaction_type(charge: Charge, liable: Liable, suffix: usize) -> &'static str {
    const NAMES: [[&str; 3]; 4] = [
        ["SELLER_REV_SHARE", "SELLER_REV_SHARE_REFUND", "SELLER_REV_SHARE_CREDIT"],
        ["AWS_REV_SHARE", "AWS_REV_SHARE_REFUND", "AWS_REV_SHARE_CREDIT"],
        ["SELLER_TAX_SHARE", "SELLER_TAX_SHARE_REFUND", "SELLER_TAX_SHARE_CREDIT"],
        ["AWS_TAX_SHARE", "AWS_TAX_SHARE_REFUND", "AWS_TAX_SHARE_CREDIT"],
    ];
    let name = match (charge, liable) {
        (Charge::Revenue | Charge::Cost, _) => 0,
        (Charge::Fee, _) => 1,
        (Charge::Tax, Liable::Seller) => 2,
        (Charge::Tax, Liable::Aws) => 3,
    };
    NAMES[name][suffix]
}

/// The row of an amount as it is invoiced. All later rows of the amount start from it.
pub fn invoiced(world: &World, sale: &Sale, fate: &Fate, posting: &Posting) -> Event {
    let agreement = &sale.agreement;
    let (payer, operator) = (agreement.payer(), Account::operator(sale.broker(world)));
    let apart = sale.bills_fee_apart(world);
    let channel = agreement.pattern == Pattern::Channel;
    let (from, to) = match (posting.charge, posting.liable) {
        (Charge::Revenue, _) | (Charge::Tax, Liable::Seller) => (payer, SELLER),
        (Charge::Tax, Liable::Aws) => (payer, operator),
        (Charge::Fee, _) => (SELLER, operator),
        (Charge::Cost, _) => (SELLER, agreement.product.manufacturer()),
    };
    let own_fee_invoice = posting.charge == Charge::Fee && apart;
    let bought = sale.invoiced();
    let at = match posting.charge {
        Charge::Fee if apart => sale.day.plus(FEE_LAG).at(14_400),
        Charge::Cost => bought.plus(247),
        _ => bought,
    };
    let invoice = match posting.charge {
        Charge::Fee if apart => Id::new(Kind::FeeInvoice, sale.key() << 2),
        Charge::Cost => Id::new(Kind::Invoice, sale.key() << 2 | 2),
        _ => sale.invoice(),
    };
    let (charge_variant, charge_side) = match posting.charge {
        Charge::Fee => ("LISTING_FEE", "BUYING"),
        Charge::Cost => ("RESALE", "BUYING"),
        _ if channel => ("RESALE", "SELLING"),
        _ => ("", ""),
    };
    let invoice_variant = match posting.charge {
        Charge::Fee if apart => "LISTING_FEE",
        Charge::Cost => "RESALE",
        _ if channel => "RESALE",
        _ => "PURCHASE",
    };
    let line_item = Id::new(Kind::LineItem, sale.key() << 2 | posting.line);
    let sees_address = !payer.hides_billing_address() && !channel && posting.charge != Charge::Cost;
    let revenue = Posting { charge: Charge::Revenue, ..*posting };
    let buyer_invoice = if channel { Id::new(Kind::Invoice, sale.key() << 2 | 3) } else { sale.invoice() };
    Event {
        id: event_id(sale, posting, Step::Invoiced, 0, 0),
        from,
        to,
        end_user: Some(agreement.customer),
        product: Some(agreement.product_id()),
        action: "INVOICED",
        transaction_type: transaction_type(posting.charge, posting.liable, 0),
        parent: (apart && posting.charge != Charge::Revenue).then(|| event_id(sale, &revenue, Step::Invoiced, 0, 0)),
        disbursement: None,
        amount: posting.amount,
        currency: agreement.currency(world),
        disbursed: agreement.is_dual(world).then(|| (Currency::Usd, in_dollars(posting.amount))),
        counts: posting.counts(),
        invoiced: Some(at),
        due: Some(sale.day.plus(fate.terms).end()),
        usage: sale.usage.map(|(first, last)| (first.start(), last.end())),
        invoice: Some(invoice),
        address: sees_address.then(|| payer.address(Use::Billing)),
        reference: Some(if own_fee_invoice { sale.fee_reference() } else { sale.reference() }),
        buyer_reference: Some(if channel { Id::new(Kind::Reference, sale.key() << 2 | 3) } else { sale.reference() }),
        bank_trace: None,
        // The oldest rows name no operator: AWS_INC.
        broker: Some(sale.broker(world)).filter(|broker| *broker != Broker::Inc || !sale.key().is_multiple_of(6)),
        acted: at,
        offer: Some(agreement.offer.id()),
        buyer_invoiced: Some(bought),
        line_item: Some(line_item),
        buyer_line_item: Some(line_item),
        charge_variant,
        charge_side,
        agreement: Some(agreement.id()),
        buyer_invoice: Some(buyer_invoice),
        invoice_variant,
        disbursement_reference: None,
    }
}

/// Dollars for euros at the fixed rate of our dual-invoiced sales.
pub fn in_dollars(euros: Amount) -> Amount {
    euros.share(108, 100)
}

/// The row of an adjusted amount: `original` is the amount it takes back, `posting` what is taken back.
pub fn adjusted(world: &World, sale: &Sale, fate: &Fate, posting: &Posting, adjustment: Adjustment, at: Moment) -> Event {
    let original = invoiced(world, sale, fate, posting);
    let id = event_id(sale, posting, Step::Adjusted, 0, 0);
    let disbursed = original.disbursed.map(|(currency, _)| (currency, in_dollars(posting.amount)));
    if adjustment == Adjustment::Forgiven {
        return Event { id, action: "FORGIVEN", parent: Some(original.id), amount: posting.amount, disbursed, due: None, acted: at, ..original };
    }
    let apart = sale.bills_fee_apart(world);
    let own_fee_invoice = posting.charge == Charge::Fee && apart;
    let revenue = Posting { charge: Charge::Revenue, ..*posting };
    // Elsewhere than with AWS_INC a refund hangs on the sale, and its fee on the refund.
    let parent = match posting.charge {
        _ if !apart => None,
        Charge::Revenue => Some(event_id(sale, &revenue, Step::Invoiced, 0, 0)),
        Charge::Tax if adjustment == Adjustment::TaxOnlyRefund => Some(event_id(sale, &revenue, Step::Invoiced, 0, 0)),
        _ => Some(event_id(sale, &revenue, Step::Adjusted, 0, 0)),
    };
    let (invoice_kind, invoice_key) = match posting.charge {
        Charge::Fee if apart => (Kind::FeeInvoice, sale.key() << 2 | 1),
        _ => (Kind::Invoice, sale.key() << 2 | 1),
    };
    // A third of the refunds stand under a reference of their own.
    let reference = if sale.key() % 3 == 1 { Id::new(Kind::Reference, sale.key() << 2 | 2) } else { sale.reference() };
    Event {
        id,
        transaction_type: transaction_type(posting.charge, posting.liable, if adjustment == Adjustment::Credit { 2 } else { 1 }),
        parent,
        amount: posting.amount,
        disbursed,
        invoiced: Some(at),
        due: None,
        invoice: Some(Id::new(invoice_kind, invoice_key)),
        reference: Some(if own_fee_invoice { sale.fee_reference() } else { reference }),
        buyer_reference: Some(reference),
        acted: at,
        buyer_invoiced: Some(at),
        buyer_invoice: Some(Id::new(Kind::Invoice, sale.key() << 2 | 1)),
        ..original
    }
}

/// The row that takes (part of) an amount back because it was paid out, or collected from the buyer.
pub fn settled(of: &Event, id: Id, action: &'static str, amount: Amount, disbursed: Option<Amount>, at: Moment) -> Event {
    Event {
        id,
        action,
        parent: Some(of.id),
        amount,
        disbursed: of.disbursed.and_then(|(currency, _)| disbursed.map(|amount| (currency, amount))),
        counts: false,
        due: None,
        acted: at,
        ..*of
    }
}
