//! Twins of portable kernels, a folder for an instruction set; the build script says which.
//!
//! A twin takes its lengths from slices, then enters a naked function, where all registers are its own. Rejected: plain Rust, of which
//! the compiler keeps half in memory (2.9 instructions a product on Armv7-M and some 8 on Armv6-M, in the loop alone); inline assembly,
//! which leaves out the two or three registers that four rows need.

#[cfg(feature = "speed")]
#[cfg_attr(leafgate_isa = "armv6m", path = "armv6m/axpy.rs")]
#[cfg_attr(leafgate_isa = "armv7m", path = "armv7m/axpy.rs")]
#[cfg_attr(leafgate_isa = "dsp", path = "dsp/axpy.rs")]
#[cfg_attr(leafgate_isa = "mve", path = "mve/axpy.rs")]
#[cfg_attr(leafgate_isa = "rv32", path = "rv32/axpy.rs")]
mod axpy;
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
#[cfg(feature = "low-bit")]
pub(crate) mod lowbit;
#[cfg(feature = "speed")]
#[cfg_attr(leafgate_isa = "armv6m", path = "armv6m/netlist.rs")]
#[cfg_attr(any(leafgate_isa = "armv7m", leafgate_isa = "dsp", leafgate_isa = "mve"), path = "armv7m/netlist.rs")]
#[cfg_attr(leafgate_isa = "rv32", path = "rv32/netlist.rs")]
mod netlist;
#[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
#[path = "dsp/pairs.rs"]
pub(crate) mod pairs;
#[cfg(any(leafgate_isa = "armv7m", leafgate_isa = "dsp"))]
#[path = "armv7m/rows.rs"]
mod rows;

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
#[cfg(any(leafgate_isa = "armv7m", leafgate_isa = "dsp"))]
#[inline]
pub fn rows_i8(w: &[i8], cols: usize, x: &[i8], biases: &[i32], records: &[[i32; 2]], y: &mut [i8]) -> usize {
    let rows = y.len() & !3;
    let is_whole = x.len() >= cols && rows.checked_mul(cols).is_some_and(|bytes| w.len() >= bytes);
    if rows == 0 || !is_whole || records.is_empty() {
        return 0;
    }
    let (biases, bias_step) = if biases.len() < rows { (core::ptr::from_ref(&0), 0) } else { (biases.as_ptr(), 4) };
    let record_step = if records.len() < rows { 0 } else { 8 };
    let (records, y) = (records.as_ptr(), y.as_mut_ptr());
    // SAFETY: `w` holds the rows, `x` one, and `y` as many bytes; of biases and records there are as many or, without a step, one.
    unsafe { rows::rows_i8(w.as_ptr(), cols, x.as_ptr(), biases, records, y, rows >> 2, bias_step, record_step) };
    rows
}

/// As the portable one, bit for bit; to the last row, where there are four.
#[cfg(leafgate_isa = "mve")]
#[inline]
pub fn rows_i8(w: &[i8], cols: usize, x: &[i8], biases: &[i32], records: &[[i32; 2]], y: &mut [i8]) -> usize {
    let rows = y.len();
    let is_whole = rows >= 4 && x.len() >= cols && rows.checked_mul(cols).is_some_and(|bytes| w.len() >= bytes);
    if !is_whole {
        return 0;
    }
    let (groups, back) = (rows >> 2, rows.wrapping_neg() & 3);
    if biases.len() >= rows && records.len() >= rows {
        let (biases, records, y) = (biases.as_ptr(), records.as_ptr(), y.as_mut_ptr());
        // SAFETY: `w` holds all rows, `x` one; biases, records and `y` have an element for each.
        let left = unsafe { dense::rows_i8(w.as_ptr(), cols, x.as_ptr(), biases, records, y, groups, back) };
        return if left == 0 { rows } else { groups.wrapping_sub(left).wrapping_mul(4) };
    }
    // What is shared or absent is laid out for each four.
    for (i, y) in y.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let r = i.wrapping_mul(4);
        let own = |k: usize| r.wrapping_add(k);
        let four = [0, 1, 2, 3].map(|k| biases.get(own(k)).copied().unwrap_or(0));
        let each = |k: usize| records.get(if records.len() == 1 { 0 } else { own(k) }).copied().unwrap_or([0; 2]);
        let (each, w) = ([0, 1, 2, 3].map(each), w.get(r.wrapping_mul(cols)..).unwrap_or(&[]));
        // SAFETY: rows from `r` to `r + 4` are in `w`, for `y` has as many; `x` holds one. The others are arrays of four.
        if unsafe { dense::rows_i8(w.as_ptr(), cols, x.as_ptr(), four.as_ptr(), each.as_ptr(), y.as_mut_ptr(), 1, 0) }
            != 0
        {
            return r;
        }
    }
    groups.wrapping_mul(4)
}

/// As the portable one, bit for bit.
#[cfg(any(leafgate_isa = "dsp", leafgate_isa = "mve"))]
#[inline]
pub fn dot(w: &[i8], x: &[i8]) -> i32 {
    // SAFETY: as many bytes as the shorter of both has can be read from either.
    unsafe { dot::dot(w.as_ptr(), x.as_ptr(), w.len().min(x.len())) }
}

/// As the portable one, bit for bit.
#[cfg(feature = "speed")]
#[inline]
pub fn axpys(acc: &mut [i32], v: &[i8], h: &[i8]) {
    if acc.len().checked_mul(h.len()).is_some_and(|bytes| bytes <= v.len()) {
        let h = h.as_ptr_range();
        // SAFETY: `v` holds a row of as many weights as there are sums for each byte of `h`.
        unsafe { axpy::axpys(acc.as_mut_ptr(), acc.len(), v.as_ptr(), h.start, h.end) };
    }
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
    let gates = wires.len().min(signals.len().saturating_sub(first));
    // Without counting the ones of a power of two, which takes longer than some series.
    let is_known = matches!(function, 1 | 2 | 6..=9 | 11 | 14);
    if !is_known || gates == 0 || signals.len() & signals.len().wrapping_sub(1) != 0 {
        return crate::portable::netlist::gates_series(function, wires, first, signals);
    }
    let (mask, begin) = (signals.len().wrapping_sub(1).min(0xFFFF) as u32, wires.as_ptr());
    let signals = signals.as_mut_ptr();
    let (out, end) = (signals.wrapping_add(first), begin.wrapping_add(gates));
    // SAFETY: the loops read the words from `begin` to the end given, which are part of the slice as `gates` is at most its length, at
    // least one, and write a byte for each from `first` on, of which there are as many. They read the signals 0 to `mask`, which is
    // below their number.
    unsafe {
        // Called one by one: what a call through a pointer takes of the stack is not seen.
        match function {
            1 => netlist::and(begin, signals, out, end, mask),
            2 => netlist::and_not(begin, signals, out, end, mask),
            6 => netlist::xor(begin, signals, out, end, mask),
            7 => netlist::or(begin, signals, out, end, mask),
            8 => netlist::nor(begin, signals, out, end, mask),
            9 => netlist::xnor(begin, signals, out, end, mask),
            11 => netlist::or_not(begin, signals, out, end, mask),
            _ => netlist::nand(begin, signals, out, end, mask),
        }
    }
}
