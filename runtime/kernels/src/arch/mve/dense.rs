//! Armv8.1-M with the vector extension (Helium): sixteen columns of a row at a time, and a load of `x` for four rows. 19 instructions
//! for 128 products, 0.15 each. Rows are as they lie in any image: a vector load of bytes needs no alignment.
//!
//! Four sums are requantised at once, for `s >= 33`: `(a*m + 2^(s-1)) >> s` is `(mulhi(a, m) + 2^(s-33)) >> (s-32)`, as what lies below the upper
//! word of a product cannot carry into it, and half of the last place has no bit there. That is VMULH, then VRSHL by `32 - s` to the left.

use core::arch::naked_asm;

/// Sixteen columns: of `x`, then of each row.
macro_rules! columns {
    () => {
        "vldrb.u8 q0, [r2], #16
        vldrb.u8 q1, [r0], #16
        vmladava.s8 r4, q0, q1
        vldrb.u8 q2, [r5], #16
        vmladava.s8 r6, q0, q2
        vldrb.u8 q3, [r7], #16
        vmladava.s8 r8, q0, q3
        vldrb.u8 q1, [r9], #16
        vmladava.s8 r10, q0, q1"
    };
}

/// Four rows of `cols` weights each from `w`, times `x`, to `sums`.
///
/// # Safety
/// `4 * cols` bytes can be read at `w` and `cols` at `x`; four words can be written at `sums`.
// SAFETY: reads the rows from start to end and nothing else (the last loop masks what is beyond), writes four words; keeps r4 to r10 and
// the stack as the ABI asks, which leaves q0 to q3 to whoever is called.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn dot4(w: *const i8, cols: usize, x: *const i8, sums: *mut [i32; 4]) {
    naked_asm!(
        env!("LEAFGATE_CPU"),
        "push {{r4, r5, r6, r7, r8, r9, r10, lr}}",
        // Rows at r0, r5, r7, r9; their sums in r4, r6, r8, r10.
        "adds r5, r0, r1",
        "adds r7, r5, r1",
        "add r9, r7, r1",
        "movs r4, #0",
        "movs r6, #0",
        "mov r8, r4",
        "mov r10, r4",
        "lsrs r12, r1, #5",
        "wls lr, r12, 3f",
        "2:",
        columns!(),
        columns!(),
        "le lr, 2b",
        // Up to 31 columns are left, the last of them fewer than sixteen.
        "3: and r1, r1, #31",
        "wlstp.8 lr, r1, 5f",
        "4:",
        columns!(),
        "letp lr, 4b",
        "5: strd r4, r6, [r3]",
        "strd r8, r10, [r3, #8]",
        "pop {{r4, r5, r6, r7, r8, r9, r10, pc}}",
    )
}

/// `groups` fours of rows of `cols` weights each from `w`, times `x`, with their biases, requantised to `y`; then once more the four that end
/// `4 - back` rows further on, if `back` is not 0. Stops at a record with a shift below 33, and gives how many fours were left. 36
/// instructions for four rows beside those for their columns.
///
/// # Safety
/// Of `rows = 4 * groups + (4 - back) % 4`, which is at least 4 as `groups` is at least 1, and `back` at most 3, there can be read `rows * cols`
/// bytes at `w`, as many words at `biases` and twice as many at `records`, and `cols` bytes at `x`; as many bytes can be written at `y`.
// SAFETY: reads the rows from start to end and nothing else (the last loop masks what is beyond), biases and records four at a time, writes
// four bytes for each; the last three of its arguments, on the stack, are its own to change. Keeps r4 to r11 and the stack as the ABI asks,
// which leaves q0 to q3 and VPR to whoever is called.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn rows_i8(
    w: *const i8,
    cols: usize,
    x: *const i8,
    biases: *const i32,
    records: *const [i32; 2],
    y: *mut i8,
    groups: usize,
    back: usize,
) -> usize {
    naked_asm!(
        env!("LEAFGATE_CPU"),
        // x at sp, then the registers; y, groups and back at sp + 44.
        "push {{r2, r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
        "ldr r12, [sp, #40]",
        // How far beyond the end of a row the pointers stand.
        "rsbs r11, r1, #0",
        "and r11, r11, #15",
        // Rows at r0, r5, r7, r9; their sums in r4, r6, r8, r10.
        "1: ldr r2, [sp]",
        "adds r5, r0, r1",
        "adds r7, r5, r1",
        "add r9, r7, r1",
        "ldrd r4, r6, [r3], #8",
        "ldrd r8, r10, [r3], #8",
        "lsr lr, r1, #5",
        "wls lr, lr, 3f",
        "2:",
        columns!(),
        columns!(),
        "le lr, 2b",
        // Up to 31 columns are left, the last of them fewer than sixteen.
        "3: and lr, r1, #31",
        "wlstp.8 lr, lr, 5f",
        "4:",
        columns!(),
        "letp lr, 4b",
        // Sums, m, the bytes s, zero_point, lo and hi; then 32 - s in the lowest byte.
        "5: vmov q0[2], q0[0], r4, r8",
        "vmov q0[3], q0[1], r6, r10",
        "vld20.32 {{q1, q2}}, [r12]",
        "vld21.32 {{q1, q2}}, [r12]!",
        "vmov.i32 q3, #32",
        "vsub.i8 q3, q3, q2",
        "vmulh.s32 q0, q0, q1",
        "vshl.i32 q1, q3, #24",
        "vcmp.s32 ge, q1, zr",
        "vmrs r4, p0",
        "cbnz r4, 6f",
        "vrshl.s32 q0, q0, q3",
        "vshl.i32 q3, q2, #16",
        "vshr.s32 q3, q3, #24",
        "vadd.i32 q0, q0, q3",
        "vshr.s32 q3, q2, #24",
        "vmin.s32 q0, q0, q3",
        "vshl.i32 q2, q2, #8",
        "vshr.s32 q2, q2, #24",
        "vmax.s32 q0, q0, q2",
        "sub r0, r9, r11",
        "ldrd r4, r6, [sp, #44]",
        "vstrb.32 q0, [r4], #4",
        "subs r6, #1",
        "strd r4, r6, [sp, #44]",
        "bne 1b",
        "ldr r5, [sp, #52]",
        "cbz r5, 6f",
        "str r6, [sp, #52]",
        "movs r6, #1",
        "mls r0, r5, r1, r0",
        "sub r3, r3, r5, lsl #2",
        "sub r12, r12, r5, lsl #3",
        "subs r4, r4, r5",
        "strd r4, r6, [sp, #44]",
        "b 1b",
        "6: ldr r0, [sp, #48]",
        "pop {{r2, r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
    )
}
