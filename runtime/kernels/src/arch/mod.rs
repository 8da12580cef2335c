//! Twins of portable kernels, one file for an instruction set; the build script says which.
//!
//! A twin takes its lengths from slices, then enters a naked function, where all registers are its own. Rejected: plain Rust, of which
//! the compiler keeps half in memory (2.9 instructions a product on Armv7-M and some 8 on Armv6-M, in the loop alone); inline assembly,
//! which leaves out the two or three registers that four rows need.

#[cfg_attr(leafgate_isa = "armv6m", path = "armv6m.rs")]
#[cfg_attr(leafgate_isa = "armv7m", path = "armv7m.rs")]
#[cfg_attr(leafgate_isa = "dsp", path = "dsp.rs")]
#[cfg_attr(leafgate_isa = "rv32", path = "rv32.rs")]
mod isa;

/// `sums[r]` becomes the product of row `r` and `x`: as the portable one, bit for bit.
#[inline]
pub fn dot4(w: &[i8], cols: usize, x: &[i8], sums: &mut [i32; 4]) -> bool {
    let is_whole = w.len() / 4 >= cols && x.len() >= cols;
    if is_whole {
        // SAFETY: `w` holds four rows, whose number of bytes does not overflow for it is at most `w.len()`, and `x` holds one.
        unsafe { isa::dot4(w.as_ptr(), cols, x.as_ptr(), sums) };
    }
    is_whole
}

/// As the portable one, bit for bit.
#[cfg(leafgate_isa = "dsp")]
#[inline]
pub fn dot(w: &[i8], x: &[i8]) -> i32 {
    // SAFETY: as many bytes as the shorter of both has can be read from either.
    unsafe { isa::dot(w.as_ptr(), x.as_ptr(), w.len().min(x.len())) }
}
