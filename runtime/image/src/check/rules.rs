//! Rules as data: what a record's fields must be, said in tables that one small loop reads.
//!
//! A comparison with its figures is some twenty bytes of code each time it is written out, and six bytes as a [`Rule`]. What is
//! derived from a record (how many requantise records, which of two shapes) is said in the same tables, in the order it is needed.

use zerocopy::transmute_ref;

use super::Checker;
use crate::error::{Check, Defect};
use crate::record::*;

/// What a rule asks or does.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Test {
    /// The field is `a`, its sign extended.
    Equal,
    /// None of the bits of `a` is set in the field.
    Clear,
    /// The field is at most the number `a`.
    AtMost,
    /// The field is at least the number `a`.
    AtLeast,
    /// The field is the number `a`.
    Same,
    /// The number `a` is at most the number `b`; the field is where to look for the cause.
    Within,
    /// The field is the index of a tensor of the numbers `a` rows and `b` columns.
    Tensor,
    /// The numbers `a` times `b` constants lie at the field's offset.
    Constant,
    /// The number `a` of requantise records lie there, and are valid.
    Requantise,
    /// The number `a` of entries of indices lie there, and all are in bounds.
    Scan,
    /// Nothing: if any of the bits of `a` is set in the field (any at all, if `a` is 0), `how` is one of the record's cases, otherwise
    /// `b` is.
    Case,
    /// Nothing: the number of requantise records is the number `b` if any of the bits of `a` is set in the field, otherwise 1.
    Pick,
    /// Nothing: the number `how` is the field plus the number `a`.
    Add,
    /// Nothing: the number `how` is a quarter of the field, rounded up.
    Quarter,
    /// Nothing: the field times the numbers `a` and `b` is added to the number `how`.
    Sum,
}

/// A rule about one field of a record.
pub(super) struct Rule {
    /// It holds if any of these bits is among the record's cases.
    cases: u8,
    test: Test,
    /// The defect; element type of a tensor; element size of constants, with [`MAYBE`] if the field may say that there is none; which
    /// of [`SCANS`]; a case; a number.
    how: u8,
    /// Offset of the field in the record, or four times a number.
    at: u8,
    a: u8,
    /// A number, a case, or the field's width in bits.
    b: u8,
}

/// Every case.
pub(super) const ALWAYS: u8 = 0xFF;
/// Added to an element type or size: a field that names nothing is right as well.
pub(super) const MAYBE: u8 = 0x80;
/// The value that stands for "there is none", in any width.
pub(super) const ABSENT: u8 = 0xFF;
/// Any tensor type.
pub(super) const SOME: u8 = 0;

/// What rules count with: the words of a record, and what was derived from it and those before.
pub(super) type Numbers = [u32; number::VARIABLES as usize];

/// Numbers beyond the words of the record, by index.
pub(super) mod number {
    /// Of an op's input: shape, words of a row of bits, element type and place; of its output the same.
    pub const X_ROWS: u8 = 16;
    pub const X_COLS: u8 = 17;
    pub const X_WORDS: u8 = 18;
    pub const X_TYPE: u8 = 19;
    pub const Y_ROWS: u8 = 20;
    pub const Y_COLS: u8 = 21;
    pub const Y_WORDS: u8 = 22;
    pub const Y_TYPE: u8 = 23;
    /// Index of the input.
    pub const X: u8 = 24;
    /// How many requantise records there are.
    pub const RQ: u8 = 25;
    /// What the rules of a record need: a count, an end, a width.
    pub const COUNT: u8 = 26;
    pub const END: u8 = 27;
    pub const WIDTH: u8 = 28;
    /// Entries of an FFN's list; columns of its scratch for hidden neurons.
    pub const ENTRIES: u8 = 29;
    pub const HIDDEN: u8 = 30;
    /// Shape of the op that uses a range.
    pub const ROWS: u8 = 31;
    pub const COLS: u8 = 32;
    /// Sums over all ops. MACs and gates are steps as well.
    pub const MACS: u8 = 33;
    pub const GATES: u8 = 34;
    pub const STEPS: u8 = 35;
    pub const NAMED_RANGES: u8 = 36;
    /// Bytes of tables that were looked at entry by entry, and how many may be.
    pub const LOOKED_AT: u8 = 37;
    pub const MAX_LOOKED_AT: u8 = 38;
    pub const FEATURES: u8 = 39;
    /// How many bytes and ranges there are, how large the arena may be and is.
    pub const TOTAL: u8 = 40;
    pub const RANGES: u8 = 41;
    pub const MAX_ARENA: u8 = 42;
    pub const ARENA: u8 = 43;
    /// 1 if the output of an op is what its field at 12 names too.
    pub const RAW: u8 = 44;
    /// Which kernels matrices are packed for; without weights of few bits also the upper half of the features.
    pub const PACKING: u8 = 45;
    /// Those from here on are constants.
    pub const VARIABLES: u8 = 46;
    pub const ONE: u8 = 46;
    pub const RECORDS_LIMIT: u8 = 47;
    pub const SIXTEEN: u8 = 48;
    pub const WORD_BITS: u8 = 49;
    pub const SHIFTS: u8 = 50;
    pub const HEADER: u8 = 51;
    pub const HALF_TABLE: u8 = 52;
    pub const TABLE: u8 = 53;
    pub const Q15: u8 = 54;
    pub const Q15_END: u8 = 55;
    pub const OPTIONAL: u8 = 56;
    pub const MAX_INDEX: u8 = 57;
    pub const NEURONS: u8 = 58;
    pub const SPACE: u8 = 59;
    pub const I8_SCORES: u8 = 60;
    pub const I32_SCORES: u8 = 61;
    pub const FINITE: u8 = 62;
    pub const MAGIC: u8 = 63;
    pub const FOUR: u8 = 64;
    /// There is no such number, which reads as 0.
    pub const ZERO: u8 = 0xFE;
    /// Of a shape: whatever it is.
    pub const ANY: u8 = 0xFF;
}

/// The constants among the numbers.
static CONSTANTS: [u32; 19] = {
    use number::*;
    let values = [
        (ONE, 1),
        (RECORDS_LIMIT, MAX_RECORDS),
        (SIXTEEN, 16),
        (WORD_BITS, 32),
        (SHIFTS, 62),
        (HEADER, 64),
        (HALF_TABLE, 128),
        (TABLE, 256),
        (Q15, ONE_Q15 as u32),
        (Q15_END, ONE_Q15 as u32 + 1),
        (OPTIONAL, section::OPTIONAL as u32),
        (MAX_INDEX, 65535),
        (NEURONS, MAX_NEURONS),
        (SPACE, MAX_BYTES),
        (I8_SCORES, type_of(dtype::I8, place::ARENA)),
        (I32_SCORES, type_of(dtype::I32, place::ARENA)),
        // The largest number: above it stand infinity and what is not a number.
        (FINITE, f32::MAX.to_bits()),
        (MAGIC, u32::from_le_bytes(crate::MAGIC)),
        (FOUR, 4),
    ];
    let mut constants = [0; _];
    let mut i = 0;
    while i < values.len() {
        constants[(values[i].0 - VARIABLES) as usize] = values[i].1;
        i += 1;
    }
    constants
};
const _: () = assert!(MAX_LEVELS == 16);

/// Element type and place of a tensor as a number.
pub(super) const fn type_of(dtype: u8, place: u8) -> u32 {
    dtype as u32 | (place as u32) << 8
}

/// A table of entries of u32 words, some of which are indices.
struct Scan {
    /// Words of an entry, and how many of them come before the indices.
    step: u8,
    skip: u8,
    /// How many of those that follow are indices.
    take: u8,
    /// Every index is below this number.
    limit: u8,
    /// Bits of a word that are an index, of its upper half that are another one, and bits that are zero.
    low: u32,
    high: u16,
    zero: u32,
    /// Whether no index is below the one before.
    rising: bool,
}

/// Which of [`SCANS`].
pub(super) mod scan {
    pub const WORD_GATES: u8 = 0;
    pub const WIRES: u8 = 1;
    pub const THRESHOLDS: u8 = 2;
    pub const ROUTE_WEIGHTS: u8 = 3;
    pub const BOUNDS: u8 = 4;
    pub const SERIES: u8 = 5;
}

static SCANS: [Scan; 6] = [
    Scan { step: 5, skip: 0, take: 1, limit: number::X_WORDS, low: 0x7FF, high: 0x7FF, zero: 0, rising: false },
    // HIDDEN is how many signals there are.
    Scan { step: 1, skip: 0, take: 1, limit: number::HIDDEN, low: 0xFFFF, high: 0xFFFF, zero: 0, rising: false },
    Scan { step: 1, skip: 0, take: 1, limit: number::X_COLS, low: 0xFFFF, high: 0, zero: 0xFF00_0000, rising: false },
    Scan { step: 1, skip: 0, take: 1, limit: number::Q15_END, low: 0xFFFF, high: 0xFFFF, zero: 0, rising: false },
    // WIDTH is one more than the bits or signals of the input.
    Scan { step: 1, skip: 0, take: 1, limit: number::WIDTH, low: u32::MAX, high: 0, zero: 0, rising: true },
    // WIDTH is one more than the gates of the netlist.
    Scan { step: 2, skip: 0, take: 1, limit: number::WIDTH, low: 0x0FFF_FFFF, high: 0, zero: 0, rising: true },
];

impl Rule {
    /// The field of `bits` bits is `value`.
    pub(super) const fn equal(cases: u8, defect: Defect, at: u8, bits: u8, value: u8) -> Self {
        Self { cases, test: Test::Equal, how: defect as u8, at, a: value, b: bits }
    }

    /// The constant or tensor of this field does not exist.
    pub(super) const fn none(cases: u8, at: u8, bits: u8) -> Self {
        Self::equal(cases, if bits == 32 { Defect::Constant } else { Defect::Tensor }, at, bits, ABSENT)
    }

    /// The reserved field is 0.
    pub(super) const fn zero(cases: u8, at: u8, bits: u8) -> Self {
        Self::equal(cases, Defect::Reserved, at, bits, 0)
    }

    /// The byte at `at` has none of `flags`, which mean nothing here.
    pub(super) const fn clear(cases: u8, defect: Defect, at: u8, flags: u8) -> Self {
        Self { cases, test: Test::Clear, how: defect as u8, at, a: flags, b: 8 }
    }

    pub(super) const fn positive(cases: u8, defect: Defect, at: u8, bits: u8) -> Self {
        Self::at_least(cases, defect, at, bits, number::ONE)
    }

    pub(super) const fn at_least(cases: u8, defect: Defect, at: u8, bits: u8, number: u8) -> Self {
        Self { cases, test: Test::AtLeast, how: defect as u8, at, a: number, b: bits }
    }

    pub(super) const fn at_most(cases: u8, defect: Defect, at: u8, bits: u8, number: u8) -> Self {
        Self { cases, test: Test::AtMost, how: defect as u8, at, a: number, b: bits }
    }

    pub(super) const fn same(cases: u8, defect: Defect, at: u8, bits: u8, number: u8) -> Self {
        Self { cases, test: Test::Same, how: defect as u8, at, a: number, b: bits }
    }

    pub(super) const fn within(cases: u8, defect: Defect, at: u8, number: u8, limit: u8) -> Self {
        Self { cases, test: Test::Within, how: defect as u8, at, a: number, b: limit }
    }

    pub(super) const fn tensor(cases: u8, at: u8, dtype: u8, rows: u8, cols: u8) -> Self {
        Self { cases, test: Test::Tensor, how: dtype, at, a: rows, b: cols }
    }

    pub(super) const fn constant(cases: u8, at: u8, size: u8, a: u8, b: u8) -> Self {
        Self { cases, test: Test::Constant, how: size, at, a, b }
    }

    pub(super) const fn requantise(cases: u8, at: u8, count: u8) -> Self {
        Self { cases, test: Test::Requantise, how: 8, at, a: count, b: number::ONE }
    }

    pub(super) const fn scan(cases: u8, at: u8, scan: u8, count: u8) -> Self {
        Self { cases, test: Test::Scan, how: scan, at, a: count, b: number::ONE }
    }

    /// Any of `bits` in the byte at `at` makes it the case `set`, none the case `clear`.
    pub(super) const fn case(at: u8, bits: u8, set: u8, clear: u8) -> Self {
        Self { cases: ALWAYS, test: Test::Case, how: set, at, a: bits, b: clear }
    }

    pub(super) const fn pick(at: u8, bits: u8, number: u8) -> Self {
        Self { cases: ALWAYS, test: Test::Pick, how: 0, at, a: bits, b: number }
    }

    pub(super) const fn add(cases: u8, at: u8, number: u8, sum: u8) -> Self {
        Self { cases, test: Test::Add, how: sum, at, a: number, b: 0 }
    }

    pub(super) const fn quarter(cases: u8, at: u8, number: u8) -> Self {
        Self { cases, test: Test::Quarter, how: number, at, a: 0, b: 0 }
    }

    /// The field at `at` times two numbers is added to `sum`.
    pub(super) const fn sum(cases: u8, sum: u8, at: u8, a: u8, b: u8) -> Self {
        Self { cases, test: Test::Sum, how: sum, at, a, b }
    }
}

/// `a * b`, or 2^32 if it is more: what is counted with it is too much in any case.
pub(super) fn product(a: u32, b: u32) -> u64 {
    (u64::from(a) * u64::from(b)).min(1 << 32)
}

/// A figure as the image states it.
fn saturate(figure: u64) -> u32 {
    figure.min(u64::from(u32::MAX)) as u32
}

/// The word of a record that begins at `at`, as a number.
pub(super) const fn word(at: u8) -> u8 {
    at / 4
}

impl<'a> Checker<'a> {
    /// Number `i`; one that does not exist is 0.
    #[inline(never)]
    pub(super) fn number(&self, i: u8) -> u32 {
        let i = usize::from(i);
        let constant = || CONSTANTS.get(i.wrapping_sub(self.numbers.len()));
        self.numbers.get(i).or_else(constant).copied().unwrap_or(0)
    }

    #[inline(always)]
    pub(super) fn set(&mut self, number: u8, value: u32) {
        if let Some(to) = self.numbers.get_mut(usize::from(number)) {
            *to = value;
        }
    }

    /// The record of `words` keeps those of `rules` that hold in any of its `cases`.
    #[inline(never)]
    pub(super) fn keep(&mut self, words: &[u32], rules: &[Rule], mut cases: u8) -> Check {
        for (to, &word) in self.numbers.iter_mut().zip(words) {
            *to = word;
        }
        for rule in rules {
            if rule.cases & cases != 0 {
                cases |= self.keep_one(rule)?;
            }
        }
        Ok(())
    }

    /// Keeps one rule; gives the case that it finds.
    #[inline(always)]
    fn keep_one(&mut self, rule: &Rule) -> Check<u8> {
        let &Rule { how, at, a, b, .. } = rule;
        let field = self.number(at / 4) >> (at % 4 * 8);
        let (first, second) = (self.number(a), self.number(b));
        let unused = u32::from(b).wrapping_neg() & 31;
        let have = field << unused >> unused;
        let extended = (i32::from(a as i8) as u32) << unused >> unused;
        // Without bits it is about the whole field.
        let bits = if a == 0 { u32::MAX } else { a.into() };
        let is_set = field & bits != 0;
        let (ok, want, have) = match rule.test {
            Test::Equal => (have == extended, extended, have),
            Test::Clear => (!is_set, 0, have),
            Test::AtMost => (have <= first, first, have),
            Test::AtLeast => (have >= first, first, have),
            Test::Same => (have == first, first, have),
            Test::Within => (first <= second, second, first),
            Test::Tensor => {
                self.tensor(field as u16, rule)?;
                return Ok(0);
            }
            Test::Constant => {
                self.constant(field, at, how, product(first, second))?;
                return Ok(0);
            }
            Test::Requantise => {
                self.requantise(field, at, first)?;
                return Ok(0);
            }
            Test::Scan => {
                self.scan(field, rule, first)?;
                return Ok(0);
            }
            Test::Case => return Ok(if is_set { how } else { b }),
            Test::Pick => {
                self.set(number::RQ, if is_set { second } else { 1 });
                return Ok(0);
            }
            Test::Add => {
                self.set(how, field.saturating_add(first));
                return Ok(0);
            }
            Test::Quarter => {
                // The columns and rows of a tensor, which are at most 2^30.
                self.set(how, field.wrapping_add(3) >> 2);
                return Ok(0);
            }
            Test::Sum => {
                // At most 2^32 times a u32.
                let more = saturate(product(first, second) * u64::from(field));
                self.count(how, more);
                if how == number::MACS || how == number::GATES {
                    self.count(number::STEPS, more);
                }
                return Ok(0);
            }
        };
        if !ok {
            self.refuse(u16::from_le_bytes([how, at]), want, have)?;
        }
        Ok(0)
    }

    /// Tensor `i` exists, is of the rule's type and has the shape that the rule says.
    #[inline(always)]
    fn tensor(&mut self, i: u16, rule: &Rule) -> Check {
        let (at, dtype) = (rule.at, rule.how & !MAYBE);
        if rule.how & MAYBE != 0 && i == NO_TENSOR {
            return Ok(());
        }
        let Some(tensor) = self.view.tensor(i) else {
            return self.ensure(false, Defect::Tensor, at, self.view.tensors().len() as u32, i.into());
        };
        let is_right = dtype == SOME || tensor.dtype == dtype;
        self.ensure(is_right, Defect::Tensor, at, dtype.into(), tensor.dtype.into())?;
        for (want, have) in [(rule.a, tensor.rows), (rule.b, tensor.cols)] {
            let number = self.number(want);
            self.ensure(want == number::ANY || number == have, Defect::Shape, at, number, have)?;
        }
        Ok(())
    }

    /// `count` constants of `how` bytes lie at `offset`.
    #[inline(never)]
    fn constant(&mut self, offset: u32, at: u8, how: u8, count: u64) -> Check {
        if how & MAYBE != 0 && offset == NONE {
            return Ok(());
        }
        let size = u32::from(how & !MAYBE);
        let end = saturate(count * u64::from(size) + u64::from(offset));
        // Elements of more than one byte begin at a multiple of 4.
        let is_aligned = size == 1 || offset & 3 == 0;
        let inside = is_aligned && end as usize <= self.view.constants_len();
        self.ensure(inside, Defect::Constant, at, end, offset)
    }

    /// A table of `words` u32 that is looked at entry by entry. Tables may be shared, so what bounds the work is their sum.
    #[inline(never)]
    pub(super) fn table(&mut self, offset: u32, at: u8, words: u64) -> Check<&'a [u32]> {
        self.constant(offset, at, 4, words)?;
        // The table is inside the image, so its size in bytes fits.
        self.count(number::LOOKED_AT, (4 * words) as u32);
        let (sum, max) = (self.number(number::LOOKED_AT), self.number(number::MAX_LOOKED_AT));
        self.ensure(sum <= max, Defect::Count, at, max, sum)?;
        Ok(self.view.constants(offset, words as usize).unwrap_or(&[]))
    }

    /// The `count` requantise records at `offset` are valid.
    #[inline(always)]
    fn requantise(&mut self, offset: u32, at: u8, count: u32) -> Check {
        let (records, _) = self.table(offset, at, 2 * u64::from(count))?.as_chunks::<2>();
        for (i, record) in records.iter().enumerate() {
            let record: &RequantRecord = transmute_ref!(record);
            self.ensure(record.is_valid(), Defect::Requantise, at, i as u32, record.m)?;
        }
        Ok(())
    }

    /// All indices of the `count` entries at `offset` are in bounds.
    #[inline(always)]
    fn scan(&mut self, offset: u32, rule: &Rule, count: u32) -> Check {
        let Some(&Scan { step, skip, take, limit, low, high, zero, rising }) = SCANS.get(usize::from(rule.how)) else {
            return Ok(());
        };
        let limit = self.number(limit);
        let words = self.table(offset, rule.at, u64::from(count) * u64::from(step))?;
        let (mut place, mut floor) = (0, 0);
        for &word in words {
            if place >= skip && place < skip + take {
                let index = (word & low).max(word >> 16 & u32::from(high));
                self.ensure(index >= floor && index < limit, Defect::Index, rule.at, limit, index)?;
                self.ensure(word & zero == 0, Defect::Reserved, rule.at, 0, word)?;
                floor = if rising { index } else { 0 };
            }
            place = if place + 1 == step { 0 } else { place + 1 };
        }
        Ok(())
    }

    /// Adds to the number `i`.
    #[inline(never)]
    fn count(&mut self, i: u8, more: u32) {
        self.set(i, self.number(i).saturating_add(more));
    }
}
