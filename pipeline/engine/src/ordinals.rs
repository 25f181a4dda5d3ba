//! The order of rows as numbers: what a row's sort keys are among those of all rows, side by side in one integer.
//!
//! A report sorts many rows by few days, products and currencies. Each text is looked up once among those that differ, these are sorted, and from there on
//! a row is a number: nothing of its keys is read again while rows are sorted.

use datafusion::arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use datafusion::common::HashMap;

/// Texts of no more bytes stand in their view.
const INLINED: u32 = 12;

/// The rows so far, and the bits of them that are used.
pub(crate) struct Ordinals {
    rows: Vec<u128>,
    bits: u32,
}

/// One column's place of each row in the order.
struct Places {
    of_rows: Vec<u64>,
    /// The last one that a row may have.
    last: u64,
}

impl Ordinals {
    /// Of so many rows: they have the order of their coming.
    pub(crate) fn new(rows: usize) -> Self {
        Self { rows: vec![0; rows], bits: 0 }
    }

    /// Whether a column of the type has an order that is known here.
    pub(crate) fn knows(data_type: &DataType) -> bool {
        matches!(
            data_type,
            DataType::Boolean
                | DataType::Int8
                | DataType::Int16
                | DataType::Int32
                | DataType::Int64
                | DataType::UInt8
                | DataType::UInt16
                | DataType::UInt32
                | DataType::UInt64
                | DataType::Date32
                | DataType::Date64
                | DataType::Timestamp(..)
                | DataType::Decimal32(..)
                | DataType::Decimal64(..)
                | DataType::Decimal128(..)
                | DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Utf8View
        )
    }

    /// The next key: a column in pieces that have all rows together. `None` where the keys need more bits than there are.
    pub(crate) fn key(mut self, pieces: &[ArrayRef], options: SortOptions) -> Option<Self> {
        if pieces.is_empty() {
            return Some(self);
        }
        let places = Places::of(pieces, options)?;
        let bits = u64::BITS - places.last.leading_zeros();
        self.bits += bits;
        if self.bits + index_bits(self.rows.len()) > u128::BITS {
            return None;
        }
        if bits > 0 {
            for (row, place) in self.rows.iter_mut().zip(&places.of_rows) {
                *row = *row << bits | u128::from(*place);
            }
        }
        Some(self)
    }

    /// The numbers of the rows in order; those with the same keys as they came.
    pub(crate) fn sorted(self) -> Vec<u32> {
        let index = index_bits(self.rows.len());
        let mask = (1_u64 << index) - 1;
        let indexed = (0_u32..).zip(self.rows);
        if self.bits + index <= u64::BITS {
            let mut rows: Vec<u64> = indexed.map(|(at, row)| (row as u64) << index | u64::from(at)).collect();
            rows.sort_unstable();
            return rows.into_iter().map(|row| (row & mask) as u32).collect();
        }
        let mut rows: Vec<u128> = indexed.map(|(at, row)| row << index | u128::from(at)).collect();
        rows.sort_unstable();
        rows.into_iter().map(|row| (row as u64 & mask) as u32).collect()
    }
}

/// Bits that tell rows apart.
fn index_bits(rows: usize) -> u32 {
    usize::BITS - rows.saturating_sub(1).leading_zeros()
}

impl Places {
    fn of(pieces: &[ArrayRef], options: SortOptions) -> Option<Self> {
        let data_type = pieces.first().map_or(&DataType::Null, |piece| piece.data_type());
        match data_type {
            DataType::Boolean => Self::of_numbers(values(pieces, |piece, at| i128::from(piece.as_boolean().value(at))), options),
            DataType::Int8 => Self::of_primitives::<Int8Type>(pieces, options),
            DataType::Int16 => Self::of_primitives::<Int16Type>(pieces, options),
            DataType::Int32 => Self::of_primitives::<Int32Type>(pieces, options),
            DataType::Int64 => Self::of_primitives::<Int64Type>(pieces, options),
            DataType::UInt8 => Self::of_primitives::<UInt8Type>(pieces, options),
            DataType::UInt16 => Self::of_primitives::<UInt16Type>(pieces, options),
            DataType::UInt32 => Self::of_primitives::<UInt32Type>(pieces, options),
            DataType::UInt64 => Self::of_primitives::<UInt64Type>(pieces, options),
            DataType::Date32 => Self::of_primitives::<Date32Type>(pieces, options),
            DataType::Date64 => Self::of_primitives::<Date64Type>(pieces, options),
            DataType::Timestamp(TimeUnit::Second, _) => Self::of_primitives::<TimestampSecondType>(pieces, options),
            DataType::Timestamp(TimeUnit::Millisecond, _) => Self::of_primitives::<TimestampMillisecondType>(pieces, options),
            DataType::Timestamp(TimeUnit::Microsecond, _) => Self::of_primitives::<TimestampMicrosecondType>(pieces, options),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => Self::of_primitives::<TimestampNanosecondType>(pieces, options),
            DataType::Decimal32(..) => Self::of_primitives::<Decimal32Type>(pieces, options),
            DataType::Decimal64(..) => Self::of_primitives::<Decimal64Type>(pieces, options),
            DataType::Decimal128(..) => Self::of_primitives::<Decimal128Type>(pieces, options),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Self::of_texts(pieces, options)),
            _ => None,
        }
    }

    fn of_primitives<T: ArrowPrimitiveType<Native: Into<i128>>>(pieces: &[ArrayRef], options: SortOptions) -> Option<Self> {
        Self::of_numbers(values(pieces, |piece, at| piece.as_primitive::<T>().value(at).into()), options)
    }

    /// A number's place is how far it lies above the least. `None` where they lie further apart than a place can say.
    fn of_numbers(values: impl Iterator<Item = Option<i128>> + Clone, options: SortOptions) -> Option<Self> {
        let mut span: Option<(i128, i128)> = None;
        let mut nulls = false;
        for value in values.clone() {
            match (value, &mut span) {
                (None, _) => nulls = true,
                (Some(value), None) => span = Some((value, value)),
                (Some(value), Some((least, most))) => {
                    *least = value.min(*least);
                    *most = value.max(*most);
                }
            }
        }
        let (least, most) = span.unwrap_or_default();
        let above = |value: i128| value.wrapping_sub(least).cast_unsigned();
        // One place more is for nulls.
        let last = u64::try_from(above(most)).ok().filter(|last| *last < u64::MAX)?;
        Some(Self::in_order(values.map(|value| value.map(|value| above(value) as u64)), last, nulls, options))
    }

    fn of_texts(pieces: &[ArrayRef], options: SortOptions) -> Self {
        let mut texts = Texts::default();
        let mut codes = Vec::with_capacity(pieces.iter().map(|piece| piece.len()).sum());
        pieces.iter().for_each(|piece| texts.code(piece, &mut codes));
        let places = texts.places();
        let last = places.len().saturating_sub(1) as u64;
        let nulls = pieces.iter().any(|piece| piece.null_count() > 0);
        Self::in_order(codes.iter().map(|code| code.map(|code| u64::from(places[code as usize]))), last, nulls, options)
    }

    /// From places in ascending order without nulls.
    fn in_order(ascending: impl Iterator<Item = Option<u64>>, last: u64, nulls: bool, options: SortOptions) -> Self {
        let before = u64::from(nulls && options.nulls_first);
        let null = if options.nulls_first { 0 } else { last + 1 };
        let place = |place: u64| before + if options.descending { last - place } else { place };
        Self { of_rows: ascending.map(|value| value.map_or(null, place)).collect(), last: last + u64::from(nulls) }
    }
}

/// The values of all rows; `None` is null.
fn values<'a>(pieces: &'a [ArrayRef], value: impl Fn(&'a ArrayRef, usize) -> i128 + Copy + 'a) -> impl Iterator<Item = Option<i128>> + Clone + 'a {
    pieces.iter().flat_map(move |piece| (0..piece.len()).map(move |at| piece.is_valid(at).then(|| value(piece, at))))
}

/// The texts that differ, in the order of their coming.
#[derive(Default)]
struct Texts<'a> {
    all: Vec<&'a [u8]>,
    /// By view.
    short: HashMap<u128, u32>,
    long: HashMap<&'a [u8], u32>,
}

impl<'a> Texts<'a> {
    /// Appends what each text of a piece is called; `None` is null.
    fn code(&mut self, piece: &'a ArrayRef, codes: &mut Vec<Option<u32>>) {
        let Some(texts) = piece.as_string_view_opt() else {
            let text = |at: usize| piece.is_valid(at).then(|| bytes(piece, at));
            return codes.extend((0..piece.len()).map(|at| text(at).map(|text| self.long(text))));
        };
        let mut last = None;
        codes.extend(texts.views().iter().enumerate().map(|(at, view)| {
            if texts.is_null(at) {
                return None;
            }
            if let Some((above, code)) = last
                && above == *view
            {
                return Some(code);
            }
            let code = if *view as u32 <= INLINED { self.short(*view, || texts.value(at).as_bytes()) } else { self.long(texts.value(at).as_bytes()) };
            last = Some((*view, code));
            Some(code)
        }));
    }

    fn short(&mut self, view: u128, text: impl FnOnce() -> &'a [u8]) -> u32 {
        *self.short.entry(view).or_insert_with(|| added(&mut self.all, text()))
    }

    fn long(&mut self, text: &'a [u8]) -> u32 {
        *self.long.entry(text).or_insert_with(|| added(&mut self.all, text))
    }

    /// The place of each in the order of their bytes.
    fn places(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..).take(self.all.len()).collect();
        order.sort_unstable_by_key(|code| self.all[*code as usize]);
        let mut places = vec![0; order.len()];
        (0..).zip(order).for_each(|(place, code)| places[code as usize] = place);
        places
    }
}

fn added<'a>(all: &mut Vec<&'a [u8]>, text: &'a [u8]) -> u32 {
    all.push(text);
    (all.len() - 1) as u32
}

fn bytes(texts: &ArrayRef, at: usize) -> &[u8] {
    match texts.data_type() {
        DataType::LargeUtf8 => texts.as_string::<i64>().value(at).as_bytes(),
        _ => texts.as_string::<i32>().value(at).as_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{
        BooleanArray, Date32Array, Decimal128Array, Int64Array, LargeStringArray, StringArray, StringViewArray, TimestampMicrosecondArray, UInt64Array,
    };
    use datafusion::arrow::compute::{SortColumn, concat, lexsort_to_indices};

    use super::*;

    const WAYS: [SortOptions; 4] = [
        SortOptions { descending: false, nulls_first: false },
        SortOptions { descending: false, nulls_first: true },
        SortOptions { descending: true, nulls_first: false },
        SortOptions { descending: true, nulls_first: true },
    ];

    /// Numbers below a bound; the same on each call.
    fn draws() -> impl FnMut(u64) -> u64 {
        let mut state = 11_u64;
        move |below| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        }
    }

    /// A column of each kind with nulls, short and long texts, and values at the ends of what its type holds.
    fn columns(rows: usize) -> Vec<ArrayRef> {
        let mut draw = draws();
        let mut numbers = |below: u64| -> Vec<Option<u64>> { (0..rows).map(|_| Some(draw(below)).filter(|number| number % 7 != 3)).collect() };
        let text = |number: &Option<u64>| {
            number.map(|number| ["", "a", "b", "ü", "a text of more bytes than a view holds", "a text of more bytes"][number as usize % 6].to_owned())
        };
        let ids = |number: &Option<u64>| number.map(|number| format!("customer-{number}"));
        vec![
            Arc::new(StringViewArray::from_iter(numbers(100).iter().map(text))),
            Arc::new(StringViewArray::from_iter(numbers(40).iter().map(ids))),
            Arc::new(StringArray::from_iter(numbers(100).iter().map(text))),
            Arc::new(LargeStringArray::from_iter(numbers(30).iter().map(ids))),
            Arc::new(Date32Array::from_iter(numbers(31).iter().map(|number| number.map(|number| number as i32 - 15)))),
            Arc::new(Int64Array::from_iter(numbers(9).iter().map(|number| number.map(|number| i64::MIN + number as i64)))),
            Arc::new(UInt64Array::from_iter(numbers(9).iter().map(|number| number.map(|number| u64::MAX - number)))),
            Arc::new(TimestampMicrosecondArray::from_iter(numbers(5).iter().map(|number| number.map(|number| number as i64 * 1_000_000)))),
            Arc::new(Decimal128Array::from_iter(numbers(50).iter().map(|number| number.map(|number| i128::from(number) - 25)))),
            Arc::new(BooleanArray::from_iter(numbers(2).iter().map(|number| number.map(|number| number == 1)))),
            // Without nulls, and with nothing else.
            Arc::new(Int64Array::from_iter_values(numbers(4).iter().map(|number| number.unwrap_or(9) as i64))),
            Arc::new(StringViewArray::new_null(rows)),
        ]
    }

    /// A column in pieces of unlike sizes.
    fn pieces(column: &ArrayRef) -> Vec<ArrayRef> {
        let cut = |share: usize| column.len() * share / 7;
        vec![column.slice(0, 0), column.slice(0, cut(2)), column.slice(cut(2), cut(3) - cut(2)), column.slice(cut(3), column.len() - cut(3))]
    }

    fn sorted(keys: &[(ArrayRef, SortOptions)]) -> Option<Vec<u32>> {
        let ordinals = keys.iter().try_fold(Ordinals::new(keys[0].0.len()), |ordinals, (column, options)| ordinals.key(&pieces(column), *options))?;
        Some(ordinals.sorted())
    }

    /// As the engine's kernel sorts; rows with the same keys stand as they came.
    fn expected(keys: &[(ArrayRef, SortOptions)]) -> Vec<u32> {
        let rows = keys[0].0.len();
        let came = SortColumn { values: Arc::new(Int64Array::from_iter_values(0..rows as i64)), options: None };
        let key = |(column, options): &(ArrayRef, SortOptions)| {
            let parts = pieces(column);
            let values = concat(&parts.iter().map(AsRef::as_ref).collect::<Vec<_>>()).unwrap();
            SortColumn { values, options: Some(*options) }
        };
        let columns: Vec<_> = keys.iter().map(key).chain([came]).collect();
        lexsort_to_indices(&columns, None).unwrap().values().to_vec()
    }

    #[test]
    fn each_kind_of_column_has_the_order_of_the_kernel() {
        for rows in [1, 2, 500] {
            for column in columns(rows) {
                assert!(Ordinals::knows(column.data_type()));
                for options in WAYS {
                    let keys = [(Arc::clone(&column), options)];
                    assert_eq!(sorted(&keys).unwrap(), expected(&keys), "{} {options:?}", column.data_type());
                }
            }
        }
    }

    #[test]
    fn keys_are_compared_one_after_the_other() {
        let (columns, mut draw) = (columns(700), draws());
        for _ in 0..200 {
            let keys: Vec<_> = (0..1 + draw(5)).map(|_| (Arc::clone(&columns[draw(columns.len() as u64) as usize]), WAYS[draw(4) as usize])).collect();
            assert_eq!(sorted(&keys).unwrap(), expected(&keys));
        }
    }

    #[test]
    fn keys_of_more_bits_than_there_are_have_none() {
        let option = SortOptions::default();
        // Each spans 63 bits.
        let wide = || Arc::new(Int64Array::from(vec![0, i64::MAX, 1])) as ArrayRef;
        let two: Vec<_> = vec![(wide(), option); 2];
        assert_eq!(sorted(&two).unwrap(), expected(&two), "126 bits, and 2 for the rows");
        assert!(sorted(&vec![(wide(), option); 3]).is_none());
        let widest: ArrayRef = Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX]));
        assert!(sorted(&[(widest, option)]).is_none(), "and no place is left for nulls");
        let apart: ArrayRef = Arc::new(Decimal128Array::from(vec![i128::MIN, i128::MAX]));
        assert!(sorted(&[(apart, option)]).is_none());
    }

    #[test]
    fn no_rows_and_no_keys() {
        assert!(Ordinals::new(0).sorted().is_empty());
        assert_eq!(Ordinals::new(3).sorted(), [0, 1, 2]);
        assert!(sorted(&[(Arc::new(StringViewArray::new_null(0)) as ArrayRef, SortOptions::default())]).unwrap().is_empty());
    }
}
