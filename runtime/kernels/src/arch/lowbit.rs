//! Twins for weights of few bits: of the layouts that are made for the instruction set. The others are read by portable code.

#[cfg(leafgate_isa = "mve")]
#[path = "dsp/lowbit.rs"]
mod dsp;
#[cfg_attr(leafgate_isa = "armv6m", path = "armv6m/lowbit.rs")]
#[cfg_attr(leafgate_isa = "armv7m", path = "armv7m/lowbit.rs")]
#[cfg_attr(leafgate_isa = "dsp", path = "dsp/lowbit.rs")]
#[cfg_attr(leafgate_isa = "mve", path = "mve/lowbit.rs")]
#[cfg_attr(leafgate_isa = "rv32", path = "rv32/lowbit.rs")]
mod kernels;

use crate::lowbit::{GROUP, Input, Layout, Matrix};
#[cfg(not(any(leafgate_isa = "dsp", leafgate_isa = "mve")))]
pub(crate) use crate::portable::lowbit::{halves, sum};

#[cfg(leafgate_isa = "mve")]
use dsp::{halves as eights, sum as sum_fours, t2_rows as t2_rows_part, t2_rows_groups};
#[cfg(leafgate_isa = "dsp")]
use kernels::{halves as eights, sum as sum_fours, t2_rows as t2_rows_part, t2_rows_groups};

/// Rows of the largest block of those that have twins.
pub(crate) const ROWS: usize = if cfg!(any(leafgate_isa = "dsp", leafgate_isa = "mve")) { 4 } else { 16 };

/// Whether a layout has a twin.
#[inline]
pub(crate) const fn reads(layout: Layout) -> bool {
    match layout {
        Layout::W4Rows | Layout::T2Rows => cfg!(any(leafgate_isa = "dsp", leafgate_isa = "mve")),
        Layout::T2Bytes => cfg!(leafgate_isa = "mve"),
        Layout::W4Columns | Layout::T2Columns => cfg!(not(any(leafgate_isa = "dsp", leafgate_isa = "mve"))),
    }
}

/// The sums of the rows of a block: as of [`sum_of_row`](crate::portable::lowbit::sum_of_row), bit for bit where the fields are weights.
#[inline(never)]
pub(crate) fn sums(matrix: &Matrix<'_>, block: &[i32], input: &Input<'_>, sums: &mut [i32; ROWS]) {
    let layout = matrix.layout;
    if matrix.is_grouped {
        *sums = [0; ROWS];
        return add_groups(layout, block, input, sums);
    }
    let start = layout.start(input.totals.first().copied().unwrap_or(0));
    for (row, sum) in sums.iter_mut().enumerate() {
        *sum = if layout.is_signed(row) { 0 } else { start };
    }
    match layout {
        #[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
        Layout::W4Rows => w4_rows(block.as_chunks().0, input.halves, sums),
        #[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
        Layout::T2Rows => t2_rows(block.as_chunks().0, input.halves, sums),
        #[cfg(leafgate_isa = "mve")]
        Layout::T2Bytes => t2_bytes(block, input.x, sums),
        #[cfg(not(any(leafgate_isa = "dsp", leafgate_isa = "mve")))]
        Layout::T2Columns => t2_columns(block, input.x, sums),
        #[cfg(not(any(leafgate_isa = "dsp", leafgate_isa = "mve")))]
        Layout::W4Columns => w4_columns(block, input.x, sums),
        _ => {}
    }
}

/// As [`sums`], of groups, added to what is there.
#[inline]
fn add_groups(layout: Layout, words: &[i32], &Input { x, halves, totals, .. }: &Input<'_>, sums: &mut [i32; ROWS]) {
    let cols = match layout {
        Layout::W4Rows | Layout::T2Rows => halves.len().wrapping_mul(8),
        Layout::W4Columns | Layout::T2Columns | Layout::T2Bytes => x.len(),
    };
    if cols == 0 || totals.len() < cols.div_ceil(GROUP) || words.len() < layout.block_words(cols as u32, true) as usize
    {
        return;
    }
    let (at, totals) = (words.as_ptr(), totals.as_ptr());
    // SAFETY: the kernels read a block's words and the sums of its groups, all of which are there, and all of `halves` or `x`.
    unsafe {
        match layout {
            #[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
            Layout::W4Rows => kernels::w4_rows_groups(at, halves.as_ptr(), halves.len(), totals, sums),
            #[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
            Layout::T2Rows => t2_rows_groups(at, halves.as_ptr(), halves.len(), totals, sums),
            #[cfg(leafgate_isa = "mve")]
            Layout::T2Bytes => kernels::t2_bytes_groups(at, x.as_ptr(), x.len(), totals, sums),
            #[cfg(not(any(leafgate_isa = "dsp", leafgate_isa = "mve")))]
            Layout::W4Columns => kernels::w4_columns_groups(at, x.as_ptr(), x.len(), totals, sums),
            #[cfg(not(any(leafgate_isa = "dsp", leafgate_isa = "mve")))]
            Layout::T2Columns => kernels::t2_columns_groups(at, x.as_ptr(), x.len(), totals, sums),
            _ => {}
        }
    }
}

/// The elements as half-words, completed with zeros.
#[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
#[inline(never)]
pub(crate) fn halves(x: &[i8], halves: &mut [[i32; 4]]) {
    let (whole, rest) = x.as_chunks::<8>();
    let (to, last) = halves.split_at_mut(whole.len().min(halves.len()));
    // SAFETY: 8 bytes can be read from `whole` for each element of `to`, to which 16 are written.
    unsafe { eights(whole.as_ptr().cast(), to.as_mut_ptr(), to.len()) };
    if let Some(to) = last.first_mut() {
        let mut eight = [0; 8];
        eight.iter_mut().zip(rest).for_each(|(to, &x)| *to = x);
        // SAFETY: the same, once.
        unsafe { eights(eight.as_ptr(), to, 1) };
    }
}

/// As the portable one.
#[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
#[inline]
pub(crate) fn sum(x: &[i8]) -> i32 {
    let (fours, rest) = x.as_chunks::<4>();
    // SAFETY: as many times 4 bytes can be read from `fours`.
    let sum = unsafe { sum_fours(fours.as_ptr().cast(), fours.len()) };
    sum.wrapping_add(crate::portable::lowbit::sum(rest))
}

/// As the portable one, bit for bit.
#[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
#[inline]
pub(crate) fn w4_rows(words: &[[i32; 4]], halves: &[[i32; 4]], sums: &mut [i32; 4]) {
    // SAFETY: as many elements can be read from either as the shorter of both has.
    unsafe { kernels::w4_rows(words.as_ptr(), halves.as_ptr(), words.len().min(halves.len()), sums) }
}

/// Gives `put` both slices in parts of at most `most` elements, as far as both have some, and how many.
#[inline(always)]
fn parts<A, B>(mut a: &[A], mut b: &[B], most: usize, mut put: impl FnMut(&[A], &[B], usize)) {
    loop {
        let count = a.len().min(b.len()).min(most);
        let (Some((a_now, a_rest)), Some((b_now, b_rest))) = (a.split_at_checked(count), b.split_at_checked(count))
        else {
            return;
        };
        if count == 0 {
            return;
        }
        put(a_now, b_now, count);
        (a, b) = (a_rest, b_rest);
    }
}

/// As the portable one, bit for bit where the fields are weights.
#[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
#[inline]
pub(crate) fn t2_rows(words: &[[i32; 2]], halves: &[[i32; 4]], sums: &mut [i32; 4]) {
    // So many columns that the sums of odd rows stay within 18 bits.
    parts(words, halves, 124, |words, halves, eights| {
        // SAFETY: so many elements can be read from either.
        unsafe { t2_rows_part(words.as_ptr(), halves.as_ptr(), eights, sums) }
    });
}

/// As the portable one, bit for bit.
#[cfg(leafgate_isa = "mve")]
#[inline]
pub(crate) fn t2_bytes(words: &[i32], x: &[i8], sums: &mut [i32; 4]) {
    // So many columns that no sum of whole bytes leaves 32 bits.
    for (words, x) in words.chunks(1 << 14).zip(x.chunks(1 << 16)) {
        // SAFETY: a byte can be read from either for each element of `x` for which there is one in `words`.
        unsafe { kernels::t2_bytes(words.as_ptr(), x.as_ptr(), x.len().min(words.len().wrapping_mul(4)), sums) }
    }
}

/// As the portable one, bit for bit.
#[cfg(any(leafgate_isa = "armv6m", leafgate_isa = "armv7m", leafgate_isa = "rv32"))]
#[inline]
pub(crate) fn w4_columns(words: &[i32], x: &[i8], sums: &mut [i32; ROWS]) {
    // SAFETY: as many elements can be read from either as the shorter of both has.
    unsafe { kernels::w4_columns(words.as_ptr(), x.as_ptr(), words.len().min(x.len()), sums) }
}

/// As the portable one, bit for bit where the fields are weights.
#[cfg(any(leafgate_isa = "armv6m", leafgate_isa = "armv7m", leafgate_isa = "rv32"))]
#[inline]
pub(crate) fn t2_columns(words: &[i32], x: &[i8], sums: &mut [i32; 16]) {
    // So many columns that a sum stays within 16 bits.
    parts(words, x, 128, |words, x, cols| {
        // SAFETY: so many elements can be read from either.
        unsafe { kernels::t2_columns(words.as_ptr(), x.as_ptr(), cols, sums) }
    });
}
