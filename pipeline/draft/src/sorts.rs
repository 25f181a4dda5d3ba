//! What a header says that a number is: money, a count or a measure, a rate. The words are those of exports in several languages, as
//! [`words`] gives them: in small letters, without accents.

use crate::column::words;
use crate::money::{is_common_currency, named_currency};

/// Words of headers of amounts.
const MONEY: &str = "amount amounts revenue revenues rev royalty royalties earning earnings earned price prices fee fees tax taxes vat gst net gross \
    proceeds payment payments payout payouts balance total totals subtotal cost costs share adjustment adjustments withheld withholding sales owed charge \
    charges credit debit commission commissions value income paid recoup shipping discount discounts refund refunds tip tips pledge pledges bonus deposit \
    withdrawal turnover profit spend \
    betrag netto brutto preis umsatz umsatze erlos erlose gebuhr gebuhren entgelt guthaben saldo steuer provision kosten gutschrift gutschriften auszahlung \
    rabatt vergutung erstattung gesamt summe \
    montant prix brut revenu revenus recettes frais taxe tva solde remise rabais remboursement ventes \
    importe precio ingreso ingresos neto bruto comision comisiones impuesto impuestos iva tarifa valor regalias descuento \
    importo prezzo ricavo ricavi lordo tariffa commissione imposta sconto preco receita taxa liquido imposto comissao desconto \
    bedrag prijs btw omzet korting vergoeding belopp pris avgift moms belob gebyr kwota cena oplata prowizja";
/// How a German or Dutch word of an amount may end: `Verkaufsgebühren`.
const MONEY_ENDS: &str =
    "betrag gebuhr gebuhren preis umsatz umsatze steuer kosten erlos erlose provision saldo summe gutschrift vergutung rabatt bedrag prijs";
/// What is written without spaces or in other letters.
const MONEY_PARTS: &str = "金額 価格 収益 売上 印税 ロイヤリティ 手数料 料金 金额 价格 收入 收益 сумма цена доход выручка комиссия 금액 가격 수익";

/// Words of headers of counts and measures.
const COUNTS: &str = "units unit quantity qty count views streams plays clicks impressions subscribers subscriptions installs downloads pages copies days \
    hours minutes seconds sessions visits viewers listeners season episode usage version duration size bytes kb mb gb weight length width height rating \
    ratings score menge anzahl stuck quantite nombre cantidad quantita quantidade aantal antal ilosc";
const COUNT_ENDS: &str = "zahl menge";
const COUNT_PARTS: &str = "数 個 件 количество 수량 횟수";
/// Words that make an amount of a count: `Unit Price`.
const AMOUNT_OF: &str = "price prices proceeds royalty royalties revenue earnings amount cost fee fees betrag preis umsatz montant prix importe precio importo prezzo \
    bedrag prijs";

const RATES: &str = "rate fx exchange pct percent percentage ratio ranking kurs koers cambio tasso tasa taux steuersatz prozentsatz ctr";
const RATE_ENDS: &str = "kurs rate";

/// What the header says that a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Money,
    Count,
    Rate,
    Other,
}

pub(crate) fn sort(header: &str) -> Sort {
    let words = words(header);
    let small = header.to_lowercase();
    let has = |known: &str| words.iter().any(|word| known.split_whitespace().any(|known| known == word));
    let ends = |known: &str| words.iter().any(|word| known.split_whitespace().any(|known| word.len() > known.len() && word.ends_with(known)));
    let part = |known: &str| known.split_whitespace().any(|known| small.contains(known));
    let coded = header.trim_end().ends_with(')') && named_currency(header).is_some_and(|code| is_common_currency(&code));
    if has(RATES) || ends(RATE_ENDS) || header.contains('%') {
        Sort::Rate
    } else if coded {
        Sort::Money
    } else if (has(COUNTS) || ends(COUNT_ENDS) || part(COUNT_PARTS)) && !has(AMOUNT_OF) && !ends(MONEY_ENDS) {
        Sort::Count
    } else if has(MONEY) || ends(MONEY_ENDS) || part(MONEY_PARTS) || named_currency(header).is_some() {
        Sort::Money
    } else {
        Sort::Other
    }
}

/// Whether a header says that a column holds currencies.
pub(crate) fn says_currency(header: &str) -> bool {
    const PARTS: &str = "通貨 货币 貨幣 币种 валюта 통화";
    let small = header.to_lowercase();
    words(header).iter().any(|word| is_currency_word(word)) || PARTS.split_whitespace().any(|part| small.contains(part))
}

pub(crate) fn is_currency_word(word: &str) -> bool {
    const WORDS: &str = "currency currencies curr ccy devise devises devisen divisa divisas moneda moeda moneta valuta waluta wahrung waehrung monnaie penznem";
    WORDS.split_whitespace().any(|known| known == word) || of_currency(word).is_some()
}

/// What stands before the currency in one word: `uitbetalings` of `Uitbetalingsvaluta`.
pub(crate) fn of_currency(word: &str) -> Option<&str> {
    ["wahrung", "waehrung", "valuta", "currency"].iter().find_map(|end| word.strip_suffix(end)).filter(|rest| !rest.is_empty())
}

/// Whether a word beside the currency says nothing of which amounts it is: `Transaction Currency`, `ISO Currency Code`.
pub(crate) fn is_general(word: &str) -> bool {
    const WORDS: &str =
        "code of iso name type transaction transactions transaktions transaktion sale sales order report reporting statement item line row de la des";
    WORDS.split_whitespace().any(|known| known == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_say_what_numbers_are() {
        use Sort::{Count, Money, Other, Rate};
        for (header, sort_of) in [
            ("Net Units Sold", Count),
            ("Royalty ($US)", Money),
            ("FX Rate", Rate),
            ("Unit Price", Money),
            ("Year", Other),
            ("Split Pay Share (%)", Rate),
            ("Thu nhập (USD)", Money),
            ("Verkaufsgebühren", Money),
            ("Umrechnungskurs", Rate),
            ("Stückzahl", Count),
            ("Stückpreis", Money),
            ("Comisión", Money),
            ("収益", Money),
            ("売上数", Count),
            ("Version", Count),
            ("Total Qty Net Due (CAD)", Money),
            ("Units (ALL)", Count),
            ("Andere", Other),
        ] {
            assert_eq!(sort(header), sort_of, "{header}");
        }
    }

    #[test]
    fn headers_say_that_currencies_stand_below() {
        let says = ["Currency", "Uitbetalingsvaluta", "Divisa", "通貨", "Валюта", "Current", "Payout"].map(says_currency);
        assert_eq!(says, [true, true, true, true, true, false, false]);
    }
}
