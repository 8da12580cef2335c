//! Faster twins of portable kernels, by instruction set; at most one is built in.
//!
//! They are naked functions: their loops need every register there is, more than inline assembly may have.
#![cfg(any(leafgate_armv6m, leafgate_armv7m, leafgate_rv32))]

#[cfg(leafgate_armv6m)]
#[path = "armv6m/gates.rs"]
mod gates;
#[cfg(leafgate_armv7m)]
#[path = "armv7m/gates.rs"]
mod gates;
#[cfg(leafgate_rv32)]
#[path = "rv32/gates.rs"]
mod gates;

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
