//! Rules as data: what a record's fields must be, said in tables that one small loop reads.
//!
//! A comparison with its figures is some twenty bytes of code each time it is written out, and six bytes as a [`Rule`].

use super::Checker;
use crate::error::{Check, Defect};
use crate::record::*;

/// What a rule compares.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Test {
    /// The field is `a`, its sign extended.
    Equal,
    /// None of the bits of `a` is set in the field.
    Clear,
    /// The field is not 0.
    Positive,
    /// The field is at most the number `a`.
    AtMost,
    /// The field is the number `a`.
    Same,
    /// The field is the index of a tensor of the numbers `a` rows and `b` columns.
    Tensor,
    /// The numbers `a` times `b` constants lie at the field's offset.
    Constant,
    /// The number `a` of requantise records lie there.
    Requantise,
    /// Nothing: the field times the numbers `a` and `b` are multiply-accumulates, which are steps.
    Macs,
    /// Nothing: they are steps of another kind.
    Steps,
}

/// A rule about one field of a record.
pub(super) struct Rule {
    /// It holds if any of these bits is among the record's cases.
    cases: u8,
    test: Test,
    /// The defect; element type of a tensor; element size of constants; with [`MAYBE`] the field may say that there is none.
    how: u8,
    /// Offset of the field in the record, or four times a number.
    at: u8,
    a: u8,
    /// A number, or the field's width in bits.
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

/// What rules count with: the 16 words of a record, what was derived from it, and constants.
pub(super) type Numbers = [u32; 32];

/// Numbers beyond the record, by index.
pub(super) mod number {
    pub const X_ROWS: u8 = 16;
    pub const X_COLS: u8 = 17;
    pub const Y_COLS: u8 = 18;
    /// How many requantise records there are.
    pub const RQ: u8 = 19;
    /// Of the op that uses a range.
    pub const ROWS: u8 = 20;
    pub const COLS: u8 = 21;
    /// Of a list, for the cost of an FFN.
    pub const ENTRIES: u8 = 20;
    pub const COUNT: u8 = 22;
    pub const WIDTH: u8 = 23;
    pub const ONE: u8 = 24;
    pub const BYTES: u8 = 25;
    pub const Q15: u8 = 26;
    pub const SIXTEEN: u8 = 27;
    pub const SHIFTS: u8 = 28;
    pub const NEURONS: u8 = 29;
    pub const SPACE: u8 = 30;
    /// Of a shape: whatever it is.
    pub const ANY: u8 = 31;
}

/// The constants among the numbers.
pub(super) const NUMBERS: Numbers = {
    let mut numbers = [0; 32];
    numbers[number::ONE as usize] = 1;
    numbers[number::BYTES as usize] = 256;
    numbers[number::Q15 as usize] = ONE_Q15 as u32;
    numbers[number::SIXTEEN as usize] = 16;
    numbers[number::SHIFTS as usize] = 62;
    numbers[number::NEURONS as usize] = MAX_NEURONS;
    numbers[number::SPACE as usize] = MAX_BYTES;
    numbers
};
const _: () = assert!(MAX_LEVELS == 16);

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

    /// The flags at `at` have none of `flags`, which mean nothing here.
    pub(super) const fn clear(cases: u8, at: u8, flags: u8) -> Self {
        Self { cases, test: Test::Clear, how: Defect::Op as u8, at, a: flags, b: 8 }
    }

    pub(super) const fn positive(cases: u8, defect: Defect, at: u8, bits: u8) -> Self {
        Self { cases, test: Test::Positive, how: defect as u8, at, a: 0, b: bits }
    }

    pub(super) const fn at_most(cases: u8, defect: Defect, at: u8, bits: u8, number: u8) -> Self {
        Self { cases, test: Test::AtMost, how: defect as u8, at, a: number, b: bits }
    }

    pub(super) const fn same(cases: u8, defect: Defect, at: u8, number: u8) -> Self {
        Self { cases, test: Test::Same, how: defect as u8, at, a: number, b: 32 }
    }

    pub(super) const fn tensor(cases: u8, at: u8, dtype: u8, rows: u8, cols: u8) -> Self {
        Self { cases, test: Test::Tensor, how: dtype, at, a: rows, b: cols }
    }

    pub(super) const fn constant(cases: u8, at: u8, size: u8, a: u8, b: u8) -> Self {
        Self { cases, test: Test::Constant, how: size, at, a, b }
    }

    pub(super) const fn requantise(cases: u8, at: u8, count: u8) -> Self {
        Self { cases, test: Test::Requantise, how: 0, at, a: count, b: number::ONE }
    }

    pub(super) const fn macs(cases: u8, c: u8, a: u8, b: u8) -> Self {
        Self { cases, test: Test::Macs, how: 0, at: 4 * c, a, b }
    }

    pub(super) const fn steps(cases: u8, c: u8, a: u8, b: u8) -> Self {
        Self { cases, test: Test::Steps, how: 0, at: 4 * c, a, b }
    }
}

/// `a * b`, or 2^32 if it is more: what is counted with it is too much in any case.
fn product(a: u32, b: u32) -> u64 {
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

impl Checker<'_, '_> {
    /// Number `i`: there are as many as a mask leaves.
    #[inline(always)]
    pub(super) fn number(&self, i: u8) -> u32 {
        self.numbers[usize::from(i & 31)]
    }

    /// The record in `words` keeps those of `rules` that hold in any of `cases`.
    #[inline(never)]
    pub(super) fn keep(&mut self, rules: &[Rule], cases: u8) -> Check {
        for rule in rules {
            if rule.cases & cases != 0 {
                self.keep_one(rule)?;
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn keep_one(&mut self, rule: &Rule) -> Check {
        let &Rule { how, at, a, b, .. } = rule;
        let field = self.number(at / 4) >> (at % 4 * 8);
        let (first, second) = (self.number(a), self.number(b));
        let unused = u32::from(b).wrapping_neg() & 31;
        let have = field << unused >> unused;
        let extended = (i32::from(a as i8) as u32) << unused >> unused;
        let (ok, want) = match rule.test {
            Test::Equal => (have == extended, extended),
            Test::Clear => (have & u32::from(a) == 0, 0),
            Test::Positive => (have != 0, 1),
            Test::AtMost => (have <= first, first),
            Test::Same => (have == first, first),
            Test::Tensor => return self.tensor(field as u16, at, how, rule),
            Test::Constant => return self.constant(field, at, how, first, second),
            Test::Requantise => {
                self.table(field, at, 8, first, second)?;
                return self.requantise(field, at, first);
            }
            Test::Macs | Test::Steps => {
                // At most 2^32 times a u32, and one more u32: no sum overflows.
                let work = product(first, second) * u64::from(field);
                self.cost.steps = saturate(work + u64::from(self.cost.steps));
                if matches!(rule.test, Test::Macs) {
                    self.cost.macs = saturate(work + u64::from(self.cost.macs));
                }
                return Ok(());
            }
        };
        if ok { Ok(()) } else { self.report.refuse(u16::from_le_bytes([how, at]), want, have) }
    }

    /// Tensor `i` exists, is of type `how` and has the shape that the rule says.
    #[inline(always)]
    fn tensor(&self, i: u16, at: u8, how: u8, rule: &Rule) -> Check {
        let dtype = how & !MAYBE;
        if how & MAYBE != 0 && i == NO_TENSOR {
            return Ok(());
        }
        let Some(tensor) = self.view.tensor(i) else {
            return self.report.ensure(false, Defect::Tensor, at, self.view.tensors().len() as u32, i.into());
        };
        self.report.ensure(
            dtype == SOME || tensor.dtype == dtype,
            Defect::Tensor,
            at,
            dtype.into(),
            tensor.dtype.into(),
        )?;
        for (want, have) in [(rule.a, tensor.rows), (rule.b, tensor.cols)] {
            let number = self.number(want);
            self.report.ensure(want == number::ANY || number == have, Defect::Shape, at, number, have)?;
        }
        Ok(())
    }

    /// `a * b` constants of `how` bytes lie at `offset`.
    #[inline(never)]
    pub(super) fn constant(&self, offset: u32, at: u8, how: u8, a: u32, b: u32) -> Check {
        if how & MAYBE != 0 && offset == NONE {
            return Ok(());
        }
        let size = u32::from(how & !MAYBE);
        let end = saturate(product(a, b) * u64::from(size) + u64::from(offset));
        // Elements of more than one byte begin at a multiple of 4.
        let is_aligned = size == 1 || offset & 3 == 0;
        let inside = is_aligned && end as usize <= self.view.constants_len();
        self.report.ensure(inside, Defect::Constant, at, end, offset)
    }

    /// As [`constant`](Self::constant), of a table whose entries are looked at one by one. Tables may be shared, so what bounds the work
    /// is the sum over all that name one.
    #[inline(always)]
    pub(super) fn table(&mut self, offset: u32, at: u8, how: u8, a: u32, b: u32) -> Check {
        self.constant(offset, at, how, a, b)?;
        // They lie in the section, so their size is a u32.
        self.look_through(at, a.wrapping_mul(b).wrapping_mul(how.into()))
    }

    // Not inlined, nor under `constant`: what calls both needs the stack of one.
    #[inline(never)]
    fn look_through(&mut self, at: u8, bytes: u32) -> Check {
        self.cost.tables += u64::from(bytes);
        let limit = 16 * u64::from(self.view.header().total_bytes);
        self.report.ensure(self.cost.tables <= limit, Defect::Count, at, saturate(limit), saturate(self.cost.tables))
    }

    /// The `count` requantise records at `offset` are valid.
    #[inline(never)]
    fn requantise(&self, offset: u32, at: u8, count: u32) -> Check {
        let records = self.view.constants::<RequantRecord>(offset, count as usize).unwrap_or(&[]);
        for (i, record) in records.iter().enumerate() {
            self.report.ensure(record.is_valid(), Defect::Requantise, at, i as u32, record.m)?;
        }
        Ok(())
    }
}
