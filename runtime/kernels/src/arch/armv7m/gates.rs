//! Word-wired gates for Armv7-M and Armv8-M Mainline: 20 instructions for 32 gates.

/// As [`crate::portable::bits::gates_words`].
///
/// Rotated right by 11 the descriptor begins with A's rotation and ends with A's word, rotated by 27 likewise with B's: the rotation
/// of an operand needs no extraction, as only its lowest five bits count, and the word comes with the addition that bounds it.
/// The bound takes one instruction more: the index is moved up so that the last word of the input stands at 2047, where USAT stops it.
/// Rejected: bounding both at once by UQADD16 saves one instruction more, but only cores with the DSP extension have it.
///
/// # Safety
/// `output .. end` are words that may be written, one or more, and `table` is the first of five times as many that may be read. `input`
/// is the first of `last + 1` words that may be read; `last` is at most 2047.
#[unsafe(naked)]
pub unsafe extern "C" fn gates_words(
    table: *const u32,
    input: *const u32,
    output: *mut u32,
    end: *mut u32,
    last: usize,
) {
    core::arch::naked_asm!(
        "ldr    r12, [sp]",
        "push   {{r4-r10, lr}}",
        "movw   lr, #2047",
        "sub    lr, lr, r12",
        "mov    r12, r3",
        // The input as if it began so many words earlier.
        "sub    r1, r1, lr, lsl #2",
        "1:",
        "ldmia  r0!, {{r3-r7}}",
        "ror    r8, r3, #11",
        "ror    r3, r3, #27",
        "add    r9, lr, r8, lsr #21",
        "add    r10, lr, r3, lsr #21",
        "usat   r9, #11, r9",
        "usat   r10, #11, r10",
        "ldr    r9, [r1, r9, lsl #2]",
        "ldr    r10, [r1, r10, lsl #2]",
        "ror    r9, r9, r8",
        "ror    r3, r10, r3",
        "and    r7, r7, r9",
        "and    r5, r5, r9",
        "eors   r7, r6",
        "ands   r7, r3",
        "eors   r4, r5",
        "eors   r4, r7",
        "stmia  r2!, {{r4}}",
        "cmp    r2, r12",
        "bne    1b",
        "pop    {{r4-r10, pc}}",
    )
}
