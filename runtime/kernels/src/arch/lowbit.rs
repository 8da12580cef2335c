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

#[cfg(leafgate_isa = "mve")]
use dsp::{halves as eights, sum as sum_fours, t2_rows as t2_rows_part};
#[cfg(leafgate_isa = "dsp")]
use kernels::{halves as eights, sum as sum_fours, t2_rows as t2_rows_part};

#[cfg(not(leafgate_isa = "mve"))]
pub(crate) use crate::portable::lowbit::t2_bytes;
#[cfg(not(any(leafgate_isa = "dsp", leafgate_isa = "mve")))]
pub(crate) use crate::portable::lowbit::{halves, sum, t2_rows, w4_rows};
#[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
pub(crate) use crate::portable::lowbit::{t2_columns, w4_columns};

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
pub(crate) fn w4_columns(words: &[i32], x: &[i8], sums: &mut [i32; 8]) {
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
