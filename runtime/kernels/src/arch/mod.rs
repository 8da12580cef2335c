//! Twins of portable kernels, a folder for an instruction set; the build script says which.
//!
//! A twin takes its lengths from slices, then enters a naked function, where all registers are its own. Rejected: plain Rust, of which
//! the compiler keeps half in memory (2.9 instructions a product on Armv7-M and some 8 on Armv6-M, in the loop alone); inline assembly,
//! which leaves out the two or three registers that four rows need.

#[cfg_attr(leafgate_isa = "armv6m", path = "armv6m/dense.rs")]
#[cfg_attr(leafgate_isa = "armv7m", path = "armv7m/dense.rs")]
#[cfg_attr(leafgate_isa = "dsp", path = "dsp/dense.rs")]
#[cfg_attr(leafgate_isa = "mve", path = "mve/dense.rs")]
#[cfg_attr(leafgate_isa = "rv32", path = "rv32/dense.rs")]
mod dense;
#[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
#[path = "dsp/dot.rs"]
mod dot;
#[cfg_attr(leafgate_isa = "armv6m", path = "armv6m/gates.rs")]
#[cfg_attr(any(leafgate_isa = "armv7m", leafgate_isa = "dsp", leafgate_isa = "mve"), path = "armv7m/gates.rs")]
#[cfg_attr(leafgate_isa = "rv32", path = "rv32/gates.rs")]
mod gates;
#[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
#[path = "dsp/pairs.rs"]
pub(crate) mod pairs;

#[cfg(all(feature = "batch", any(leafgate_isa = "armv7m", leafgate_isa = "dsp", leafgate_isa = "mve")))]
#[path = "armv7m/spread.rs"]
mod spread;

#[cfg(all(feature = "batch", any(leafgate_isa = "armv7m", leafgate_isa = "dsp", leafgate_isa = "mve")))]
pub(crate) use spread::spread;

/// `sums[r]` becomes the product of row `r` and `x`: as the portable one, bit for bit.
#[inline]
pub fn dot4(w: &[i8], cols: usize, x: &[i8], sums: &mut [i32; 4]) -> bool {
    let is_whole = w.len() / 4 >= cols && x.len() >= cols;
    if is_whole {
        // SAFETY: `w` holds four rows, whose number of bytes does not overflow for it is at most `w.len()`, and `x` holds one.
        unsafe { dense::dot4(w.as_ptr(), cols, x.as_ptr(), sums) };
    }
    is_whole
}

/// As the portable one, bit for bit.
#[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
#[inline]
pub fn dot(w: &[i8], x: &[i8]) -> i32 {
    // SAFETY: as many bytes as the shorter of both has can be read from either.
    unsafe { dot::dot(w.as_ptr(), x.as_ptr(), w.len().min(x.len())) }
}

/// As [`crate::portable::bits::gates_words`].
#[inline]
pub fn gates_words(table: &[[u32; 5]], input: &[u32], output: &mut [u32]) {
    let words = table.len().min(output.len());
    let Some(last) = input.len().checked_sub(1) else { return };
    if words == 0 {
        return;
    }
    let output = output.as_mut_ptr();
    // SAFETY: the loop writes the words from `output` to the end given, which are part of the slice as `words` is at most its length,
    // at least one, and reads an entry of the table for each, of which there are as many. Of the input it reads words 0 to `last`.
    unsafe {
        gates::gates_words(table.as_ptr().cast(), input.as_ptr(), output, output.wrapping_add(words), last.min(2047))
    }
}
