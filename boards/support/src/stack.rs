//! How much stack a call uses: paint below the stack pointer, call, look how far the paint is gone.
//!
//! Both loops are assembly because they must not use the stack they measure. They assume that nothing else runs on this
//! stack meanwhile (the firmware enables no interrupt).

use core::arch::asm;
use core::ops::Range;

/// A word no frame is likely to hold.
const PAINT: u32 = 0x5EAF_6A7E;

/// Runs `body` and returns its result with the bytes of stack it used below this function's frame.
///
/// What the compiler inlines into `body` belongs to this function's frame and is not seen: let `body` call a function
/// marked `#[inline(never)]`. If the whole region is used, the result is the size of what was there.
#[inline(never)]
pub fn measure<R>(region: Range<usize>, body: impl FnOnce() -> R) -> (R, u32) {
    let low = region.start.next_multiple_of(4);
    // SAFETY: `low` is the word-aligned bottom of the stack region; what lies between it and the stack pointer is free.
    let top = unsafe { paint(low) };
    let result = body();
    // SAFETY: as above, and `top` is the stack pointer of this same frame.
    let used_bytes = unsafe { scan(low, top) };
    (result, used_bytes)
}

/// Paints from `low` up to the stack pointer, which it returns.
///
/// # Safety
/// `low` is word-aligned, in writable memory, and everything from there to the stack pointer is free stack.
#[inline(always)]
unsafe fn paint(low: usize) -> usize {
    let top: usize;
    // SAFETY: stores only to free stack, by the caller's promise.
    unsafe {
        #[cfg(target_arch = "arm")]
        asm!(
            "mov {top}, sp",
            "2: cmp {at}, {top}",
            "bhs 3f",
            "str {paint}, [{at}]",
            "adds {at}, #4",
            "b 2b",
            "3:",
            at = inout(reg) low => _,
            paint = in(reg) PAINT,
            top = out(reg) top,
        );
        #[cfg(target_arch = "riscv32")]
        asm!(
            "mv {top}, sp",
            "2: bgeu {at}, {top}, 3f",
            "sw {paint}, 0({at})",
            "addi {at}, {at}, 4",
            "j 2b",
            "3:",
            at = inout(reg) low => _,
            paint = in(reg) PAINT,
            top = out(reg) top,
        );
    }
    top
}

/// The bytes from the first word that is not paint up to `top`.
///
/// # Safety
/// `low` is word-aligned and `low..top` is readable.
#[inline(always)]
unsafe fn scan(low: usize, top: usize) -> u32 {
    let mut at = low;
    // SAFETY: only loads, from memory that is readable by the caller's promise.
    unsafe {
        #[cfg(target_arch = "arm")]
        asm!(
            "2: cmp {at}, {top}",
            "bhs 3f",
            "ldr {word}, [{at}]",
            "cmp {word}, {paint}",
            "bne 3f",
            "adds {at}, #4",
            "b 2b",
            "3:",
            at = inout(reg) at,
            top = in(reg) top,
            paint = in(reg) PAINT,
            word = out(reg) _,
            options(readonly),
        );
        #[cfg(target_arch = "riscv32")]
        asm!(
            "2: bgeu {at}, {top}, 3f",
            "lw {word}, 0({at})",
            "bne {word}, {paint}, 3f",
            "addi {at}, {at}, 4",
            "j 2b",
            "3:",
            at = inout(reg) at,
            top = in(reg) top,
            paint = in(reg) PAINT,
            word = out(reg) _,
            options(readonly),
        );
    }
    (top - at) as u32
}
