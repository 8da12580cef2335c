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
#[cfg(feature = "speed")]
#[cfg_attr(leafgate_isa = "armv6m", path = "armv6m/netlist.rs")]
#[cfg_attr(any(leafgate_isa = "armv7m", leafgate_isa = "dsp", leafgate_isa = "mve"), path = "armv7m/netlist.rs")]
#[cfg_attr(leafgate_isa = "rv32", path = "rv32/netlist.rs")]
mod netlist;
#[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
#[path = "dsp/pairs.rs"]
pub(crate) mod pairs;

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

/// As the portable one, bit for bit of the lowest bits. Functions that no netlist of the converter holds, and numbers of signals that
/// are no power of two, are left to it.
#[cfg(feature = "speed")]
#[inline(never)]
pub fn gates_series(function: u32, wires: &[i32], first: usize, signals: &mut [u8]) {
    let series = match function {
        1 => netlist::and,
        2 => netlist::and_not,
        6 => netlist::xor,
        7 => netlist::or,
        8 => netlist::nor,
        9 => netlist::xnor,
        11 => netlist::or_not,
        14 => netlist::nand,
        _ => return crate::portable::netlist::gates_series(function, wires, first, signals),
    };
    let gates = wires.len().min(signals.len().saturating_sub(first));
    // Without counting the ones of a power of two, which takes longer than some series.
    if gates == 0 || signals.len() & signals.len().wrapping_sub(1) != 0 {
        return crate::portable::netlist::gates_series(function, wires, first, signals);
    }
    let (mask, begin) = (signals.len().wrapping_sub(1).min(0xFFFF) as u32, wires.as_ptr());
    let signals = signals.as_mut_ptr();
    // SAFETY: the loop reads the words from `begin` to the end given, which are part of the slice as `gates` is at most its length, at
    // least one, and writes a byte for each from `first` on, of which there are as many. It reads the signals 0 to `mask`, which is
    // below their number.
    unsafe { series(begin, signals, signals.wrapping_add(first), begin.wrapping_add(gates), mask) }
}
