//! Word-wired gates for Armv6-M and Armv8-M Baseline: 26 instructions for 32 gates.

/// As [`crate::portable::bits::gates_words`].
///
/// Eight low registers do not hold five words, two operands and three pointers, so the masks come in two loads.
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
        "push   {{r4-r7, lr}}",
        "ldr    r4, [sp, #20]",
        "lsls   r4, r4, #2",
        "mov    lr, r4",
        "mov    r12, r3",
        "1:",
        "ldmia  r0!, {{r3-r5}}",
        "lsls   r6, r3, #21",
        "lsrs   r6, r6, #19",
        "cmp    r6, lr",
        "bls    2f",
        "mov    r6, lr",
        "2:",
        "ldr    r6, [r1, r6]",
        // Of a rotation only the lowest five bits count.
        "lsrs   r7, r3, #11",
        "rors   r6, r7",
        "lsrs   r7, r3, #16",
        "lsls   r7, r7, #21",
        "lsrs   r7, r7, #19",
        "cmp    r7, lr",
        "bls    3f",
        "mov    r7, lr",
        "3:",
        "ldr    r7, [r1, r7]",
        "lsrs   r3, r3, #27",
        "rors   r7, r3",
        "ands   r5, r6",
        "eors   r4, r5",
        "ldmia  r0!, {{r3, r5}}",
        "ands   r5, r6",
        "eors   r5, r3",
        "ands   r5, r7",
        "eors   r4, r5",
        "stmia  r2!, {{r4}}",
        "cmp    r2, r12",
        "bne    1b",
        "pop    {{r4-r7, pc}}",
    )
}
