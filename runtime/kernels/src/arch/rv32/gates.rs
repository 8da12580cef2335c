//! Word-wired gates for RV32I: 28.5 instructions for 32 gates whose operand A is not rotated, 10 more where it is.

/// 32 gates: `$at` and `$to` are the offsets of their table entry and their output, the labels are this copy's own.
macro_rules! word {
    ($at:literal, $to:literal, $a:literal, $a_done:literal, $b:literal, $b_done:literal) => {
        concat!(
            "lw   a5, ",
            $at,
            "(a0)\n",
            "lw   t1, ",
            $at,
            "+4(a0)\n",
            "lw   t2, ",
            $at,
            "+8(a0)\n",
            "lw   t3, ",
            $at,
            "+12(a0)\n",
            "lw   t4, ",
            $at,
            "+16(a0)\n",
            // Index and rotation of A together: beyond the bound if either is.
            "slli t5, a5, 16\n",
            "srli t5, t5, 14\n",
            "bltu a4, t5, ",
            $a,
            "f\n",
            "add  t5, t5, a1\n",
            "lw   t5, 0(t5)\n",
            $a_done,
            ":\n",
            "srli t6, a5, 14\n",
            "and  t6, t6, a7\n",
            "bltu a4, t6, ",
            $b,
            "f\n",
            $b_done,
            ":\n",
            "add  t6, t6, a1\n",
            "lw   t6, 0(t6)\n",
            "srli a5, a5, 27\n",
            "neg  t0, a5\n",
            "srl  a5, t6, a5\n",
            "sll  t6, t6, t0\n",
            "or   t6, t6, a5\n",
            "and  t4, t4, t5\n",
            "and  t2, t2, t5\n",
            "xor  t4, t4, t3\n",
            "xor  t1, t1, t2\n",
            "and  t4, t4, t6\n",
            "xor  t1, t1, t4\n",
            "sw   t1, ",
            $to,
            "(a2)\n",
        )
    };
}

/// What [`word!`] leaves out: A rotated, or beyond the input; B beyond the input.
macro_rules! rare {
    ($a:literal, $a_done:literal, $b:literal, $b_done:literal) => {
        concat!(
            $a,
            ":\n",
            "slli t5, a5, 2\n",
            "and  t5, t5, a7\n",
            "bgeu a4, t5, 5f\n",
            "mv   t5, a4\n",
            "5:\n",
            "add  t5, t5, a1\n",
            "lw   t5, 0(t5)\n",
            "srli t0, a5, 11\n",
            "srl  t6, t5, t0\n",
            "neg  t0, t0\n",
            "sll  t5, t5, t0\n",
            "or   t5, t5, t6\n",
            "j    ",
            $a_done,
            "b\n",
            $b,
            ":\n",
            "mv   t6, a4\n",
            "j    ",
            $b_done,
            "b\n",
        )
    };
}

/// As [`crate::portable::bits::gates_words`].
///
/// The base set has no rotation: it takes five instructions of an operand. That of A can be absorbed into the masks and into the readers'
/// rotations, as the converter does, so that one is a rare case here. Two words a turn, the first entered in the middle if their
/// number is odd.
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
        // From here on in bytes.
        "slli a4, a4, 2",
        "li   a7, 0x1FFC",
        "sub  t0, a3, a2",
        "andi t0, t0, 4",
        "beqz t0, 2f",
        "addi a0, a0, -20",
        "addi a2, a2, -4",
        "j    3f",
        "2:",
        word!("0", "0", "10", "11", "12", "13"),
        "3:",
        word!("20", "4", "20", "21", "22", "23"),
        "addi a0, a0, 40",
        "addi a2, a2, 8",
        "bne  a2, a3, 2b",
        "ret",
        rare!("10", "11", "12", "13"),
        rare!("20", "21", "22", "23"),
    )
}
