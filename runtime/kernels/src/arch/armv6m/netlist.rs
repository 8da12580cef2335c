//! Gates of any two signals for Armv6-M and Armv8-M Baseline: 8.3 instructions each, in fours; one more for each inversion.

/// A gate whose wires are in `$w`, to the byte `$to` of `r2`: `r1` are the signals, `r7` the mask, `r6` is free.
macro_rules! gate {
    ($before:literal, $op:literal, $then:literal, $w:literal, $to:literal) => {
        concat!(
            "lsrs r6, ",
            $w,
            ", #16\nands r6, r7\nands ",
            $w,
            ", r7\nldrb ",
            $w,
            ", [r1, ",
            $w,
            "]\nldrb r6, [r1, r6]\n",
            $before,
            $op,
            " ",
            $w,
            ", r6\n",
            $then,
            "strb ",
            $w,
            ", [r2, #",
            $to,
            "]\n"
        )
    };
}

macro_rules! series {
    ($name:ident, $before:literal, $op:literal, $not_r4:literal, $not_r5:literal) => {
        /// A series of one function: gates one by one until fours are left.
        ///
        /// # Safety
        /// `wires .. end` are words that may be read, one or more. `out` is the first of as many bytes that may be read and written, and
        /// `signals` the first of `mask + 1`.
        #[unsafe(naked)]
        pub unsafe extern "C" fn $name(
            wires: *const i32,
            signals: *const u8,
            out: *mut u8,
            end: *const i32,
            mask: u32,
        ) {
            core::arch::naked_asm!(
                "push {{r4-r7, lr}}",
                "ldr r7, [sp, #20]",
                "subs r5, r3, r0",
                "movs r4, #12",
                "ands r5, r4",
                "beq 2f",
                "adds r5, r5, r0",
                "1:",
                "ldmia r0!, {{r4}}",
                gate!($before, $op, $not_r4, "r4", "0"),
                "adds r2, #1",
                "cmp r0, r5",
                "bne 1b",
                "cmp r0, r3",
                "beq 3f",
                "2:",
                "ldmia r0!, {{r4, r5}}",
                gate!($before, $op, $not_r4, "r4", "0"),
                gate!($before, $op, $not_r5, "r5", "1"),
                "ldmia r0!, {{r4, r5}}",
                gate!($before, $op, $not_r4, "r4", "2"),
                gate!($before, $op, $not_r5, "r5", "3"),
                "adds r2, #4",
                "cmp r0, r3",
                "bne 2b",
                "3:",
                "pop {{r4-r7, pc}}",
            )
        }
    };
    ($name:ident, $before:literal, $op:literal) => {
        series!($name, $before, $op, "", "");
    };
    // Of a result only the lowest bit counts, so that all are inverted.
    (not $name:ident, $op:literal) => {
        series!($name, "", $op, "mvns r4, r4\n", "mvns r5, r5\n");
    };
}

series!(and, "", "ands");
series!(and_not, "", "bics");
series!(or, "", "orrs");
series!(or_not, "mvns r6, r6\n", "orrs");
series!(xor, "", "eors");
series!(not nand, "ands");
series!(not nor, "orrs");
series!(not xnor, "eors");
