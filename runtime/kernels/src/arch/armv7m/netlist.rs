//! Gates of any two signals for Armv7-M and Armv8-M Mainline: 6.4 instructions each, in eights; 7.8 where the result is inverted, in fours.

/// A gate whose wires are in `$w`: `r1` are the signals, `r12` the mask, `lr` is free. `$then` is done to the result.
macro_rules! gate {
    ($op:literal, $then:literal, $w:literal) => {
        concat!(
            "and lr, r12, ",
            $w,
            ", lsr #16\nand ",
            $w,
            ", r12\nldrb ",
            $w,
            ", [r1, ",
            $w,
            "]\nldrb lr, [r1, lr]\n",
            $op,
            " ",
            $w,
            ", lr\n",
            $then,
            "strb ",
            $w,
            ", [r2], #1\n"
        )
    };
}

macro_rules! series {
    ($name:ident, $op:literal, $rest:literal, $words:literal, [$($then:literal $w:literal),*]) => {
        /// A series of one function.
        ///
        /// Gates one by one until whole blocks are left. An index is cut by a mask that costs nothing, as each operand has to be taken
        /// out of its word in any case. Rejected: operands as half-words by LDRH with write-back, an eighth of an instruction less, but
        /// then the mask is two more.
        ///
        /// # Safety
        /// `wires .. end` are words that may be read, one or more. `out` is the first of as many bytes that may be read and written, and
        /// `signals` the first of `mask + 1`.
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name(wires: *const i32, signals: *const u8, out: *mut u8, end: *const i32, mask: u32) {
            core::arch::naked_asm!(
                "ldr r12, [sp]",
                "push {{r4-r11, lr}}",
                "sub r5, r3, r0",
                concat!("ands r5, r5, #", $rest),
                "beq 2f",
                "add r5, r5, r0",
                "1:",
                "ldr r4, [r0], #4",
                series!(@first [$($then $w),*] $op),
                "cmp r0, r5",
                "bne 1b",
                "cmp r0, r3",
                "beq 3f",
                "2:",
                concat!("ldm r0!, {{", $words, "}}"),
                $(gate!($op, $then, $w),)*
                "cmp r0, r3",
                "bne 2b",
                "3:",
                "pop {{r4-r11, pc}}",
            )
        }
    };
    (@first [$then:literal $w:literal $(, $others:literal $more:literal)*] $op:literal) => {
        gate!($op, $then, $w)
    };
    ($name:ident, $op:literal) => {
        series!($name, $op, 28, "r4-r11", ["" "r4", "" "r5", "" "r6", "" "r7", "" "r8", "" "r9", "" "r10", "" "r11"]);
    };
    // Of a result only the lowest bit counts, so that all are inverted.
    (not $name:ident, $op:literal) => {
        series!($name, $op, 12, "r4-r7", ["mvn r4, r4\n" "r4", "mvn r5, r5\n" "r5", "mvn r6, r6\n" "r6", "mvn r7, r7\n" "r7"]);
    };
}

series!(and, "and");
series!(and_not, "bic");
series!(or, "orr");
series!(or_not, "orn");
series!(xor, "eor");
series!(not nand, "and");
series!(not nor, "orr");
series!(not xnor, "eor");
