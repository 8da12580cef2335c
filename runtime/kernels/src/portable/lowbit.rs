//! Products of weights of few bits in plain arithmetic: the meaning of the words of [`crate::lowbit`]; one small function for all
//! layouts: a core with twins reads with it what is made for others.

use crate::lowbit::{GROUP, Input, Layout, Matrix};

/// Rows that a twin gives at once, at most; without one a row at a time.
#[cfg(not(leafgate_isa))]
pub(crate) const ROWS: usize = 1;

/// Whether a twin takes the place of [`sum_of_row`].
#[cfg(not(leafgate_isa))]
pub(crate) fn reads(_: Layout) -> bool {
    false
}

/// The sums of a block's rows, by a twin: there is none.
#[cfg(not(leafgate_isa))]
pub(crate) fn sums(_: &Matrix<'_>, _block: &[i32], _: &Input<'_>, _: &mut [i32; ROWS]) {}

/// The elements as half-words, which only twins read.
#[cfg(not(any(leafgate_isa = "dsp", leafgate_isa = "mve")))]
#[inline]
pub(crate) fn halves(_: &[i8], _: &mut [[i32; 4]]) {}

/// The sum of the elements.
#[inline]
pub(crate) fn sum(x: &[i8]) -> i32 {
    x.iter().fold(0, |sum, &x| sum.wrapping_add(x.into()))
}

/// Row `r` of a matrix times the input.
#[inline(never)]
pub(crate) fn sum_of_row(matrix: &Matrix<'_>, block: &[i32], r: usize, input: &Input<'_>) -> i32 {
    let &Input { mut x, totals, .. } = input;
    let layout = matrix.layout;
    let row = r & (layout.block_rows() as usize - 1);
    let (mut words, mut sum) = (block, 0i32);
    for &total in totals {
        let (mut scale, mut weights, mut now) = (1, words, x);
        if matrix.is_grouped {
            scale = words.get(row >> 2).copied().unwrap_or(0) >> ((row & 3) << 3) & 0xFF;
            weights = words.get(1 << (layout.row_bits() - 2)..).unwrap_or(&[]);
            now = x.get(..GROUP).unwrap_or(x);
            words = words.get(layout.group_words()..).unwrap_or(&[]);
            x = x.get(GROUP..).unwrap_or(&[]);
        }
        let part = sum_of_group(layout, weights, row, now, total);
        sum = sum.wrapping_add(part.wrapping_mul(scale));
    }
    sum
}

/// The same of one group, where `total` is the sum of the inputs.
#[inline(never)]
fn sum_of_group(layout: Layout, words: &[i32], row: usize, x: &[i8], total: i32) -> i32 {
    // Column `c` is in word `c >> shift << more`, at bit 4 times nibble `c % 8` of `places`.
    let (shift, more, places) = match layout {
        Layout::W4Rows => (1, 0, 0x4040_4040),
        Layout::T2Rows => (3, 1, 0x7362_5140),
        Layout::T2Bytes => (2, 0, 0x6420_6420_u32),
        Layout::W4Columns | Layout::T2Columns => (0, 0, 0),
    };
    // A row's fields are so far from there, in words and bits.
    let (first, at) = match layout {
        Layout::W4Rows | Layout::W4Columns => (0, row << 2),
        Layout::T2Rows => (row >> 1, (row & 1).wrapping_mul(14)),
        Layout::T2Columns | Layout::T2Bytes => (0, row << 1),
    };
    let mask = (1 << layout.bits()) - 1;
    // In two's complement the highest bit counts for less than nothing.
    let (mut sum, sign) = if layout.is_signed(row) { (0, mask & !(mask >> 1)) } else { (layout.start(total), 0) };
    let words = words.get(first..).unwrap_or(&[]);
    for (c, &x) in x.iter().enumerate() {
        let Some(word) = words.get(c >> shift << more) else { break };
        let bit = (places >> ((c & 7) << 2) & 7) << 2;
        let field = word.rotate_right(bit.wrapping_add(at as u32)) & mask;
        sum = sum.wrapping_add((field ^ sign).wrapping_sub(sign).wrapping_mul(x.into()));
    }
    sum
}
