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

use crate::lowbit::{GROUP, Input, Layout, ROWS};
use crate::portable::lowbit as portable;

#[cfg(leafgate_isa = "mve")]
use dsp::{halves as eights, sum as sum_fours, t2_rows as t2_rows_part, t2_rows_groups};
#[cfg(leafgate_isa = "dsp")]
use kernels::{halves as eights, sum as sum_fours, t2_rows as t2_rows_part, t2_rows_groups};
#[cfg(not(any(leafgate_isa = "dsp", leafgate_isa = "mve")))]
pub(crate) use portable::{halves, sum};

/// As the portable one, bit for bit where the fields are weights.
#[inline]
pub(crate) fn add(layout: Layout, words: &[i32], input: Input<'_>, sums: &mut [i32; ROWS]) {
    #[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
    let Some(four) = sums.first_chunk_mut() else { return };
    match layout {
        #[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
        Layout::W4Rows => w4_rows(words.as_chunks().0, input.halves, four),
        #[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
        Layout::T2Rows => t2_rows(words.as_chunks().0, input.halves, four),
        #[cfg(leafgate_isa = "mve")]
        Layout::T2Bytes => t2_bytes(words, input.x, four),
        #[cfg(not(any(leafgate_isa = "dsp", leafgate_isa = "mve")))]
        Layout::T2Columns => t2_columns(words, input.x, sums),
        #[cfg(not(any(leafgate_isa = "dsp", leafgate_isa = "mve")))]
        Layout::W4Columns => w4_columns(words, input.x, sums),
        _ => portable::add(layout, words, input, sums),
    }
}

/// As the portable one, bit for bit where the fields are weights.
#[inline(never)]
pub(crate) fn add_groups(layout: Layout, words: &[i32], input: Input<'_>, totals: &[i32], sums: &mut [i32; ROWS]) {
    let Input { x, halves } = input;
    let cols = match layout {
        Layout::W4Rows | Layout::T2Rows => halves.len().wrapping_mul(8),
        Layout::W4Columns | Layout::T2Columns | Layout::T2Bytes => x.len(),
    };
    let is_whole =
        totals.len() >= cols.div_ceil(GROUP) && words.len() >= layout.block_words(cols as u32, true) as usize;
    if cols == 0 || !is_whole {
        return portable::add_groups(layout, words, input, totals, sums);
    }
    let (at, sums_at) = (words.as_ptr(), totals.as_ptr());
    // SAFETY: the kernels read a block's words and the sums of its groups, all of which are there, and all of `halves` or `x`.
    unsafe {
        match layout {
            #[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
            Layout::W4Rows => kernels::w4_rows_groups(at, halves.as_ptr(), halves.len(), sums_at, sums),
            #[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
            Layout::T2Rows => t2_rows_groups(at, halves.as_ptr(), halves.len(), sums_at, sums),
            #[cfg(leafgate_isa = "mve")]
            Layout::T2Bytes => kernels::t2_bytes_groups(at, x.as_ptr(), x.len(), sums_at, sums),
            #[cfg(not(any(leafgate_isa = "dsp", leafgate_isa = "mve")))]
            Layout::W4Columns => kernels::w4_columns_groups(at, x.as_ptr(), x.len(), sums_at, sums),
            #[cfg(not(any(leafgate_isa = "dsp", leafgate_isa = "mve")))]
            Layout::T2Columns => kernels::t2_columns_groups(at, x.as_ptr(), x.len(), sums_at, sums),
            _ => portable::add_groups(layout, words, input, totals, sums),
        }
    }
}

/// As the portable one.
#[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
#[inline(never)]
pub(crate) fn halves(x: &[i8], halves: &mut [[i32; 4]]) {
    let (whole, rest) = x.as_chunks::<8>();
    let count = whole.len().min(halves.len());
    // SAFETY: `count` times 8 bytes can be read from `whole`, and as many times 16 written to `halves`.
    unsafe { eights(whole.as_ptr().cast(), halves.as_mut_ptr(), count) };
    crate::portable::lowbit::halves(rest, halves.get_mut(count..).unwrap_or(&mut []));
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

/// As the portable one, bit for bit where the fields are weights.
#[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
#[inline]
pub(crate) fn t2_rows(words: &[[i32; 2]], halves: &[[i32; 4]], sums: &mut [i32; 4]) {
    // So many columns that the sums of odd rows stay within 18 bits.
    for (words, halves) in words.chunks(124).zip(halves.chunks(124)) {
        // SAFETY: as many elements can be read from either as the shorter of both has.
        unsafe { t2_rows_part(words.as_ptr(), halves.as_ptr(), words.len().min(halves.len()), sums) }
    }
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
    for (words, x) in words.chunks(128).zip(x.chunks(128)) {
        // SAFETY: as many elements can be read from either as the shorter of both has.
        unsafe { kernels::t2_columns(words.as_ptr(), x.as_ptr(), words.len().min(x.len()), sums) }
    }
}
