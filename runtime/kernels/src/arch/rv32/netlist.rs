//! Gates of any two signals for RV32I: 11 instructions each, in fours; one more for each inversion, of which the base set has none built in.

/// The gate whose wires lie at `$from` of `a0`, to the byte `$to` of `a2`: `a1` are the signals, `a4` the mask.
macro_rules! gate {
    ($before:literal, $op:literal, $then:literal, $from:literal, $to:literal) => {
        concat!(
            "lw t0, ",
            $from,
            "(a0)\nsrli t1, t0, 16\nand t0, t0, a4\nand t1, t1, a4\nadd t0, t0, a1\nadd t1, t1, a1\nlbu t0, 0(t0)\nlbu t1, 0(t1)\n",
            $before,
            $op,
            " t0, t0, t1\n",
            $then,
            "sb t0, ",
            $to,
            "(a2)\n"
        )
    };
}

macro_rules! series {
    ($name:ident, $before:literal, $op:literal, $then:literal) => {
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
                "sub t2, a3, a0",
                "andi t2, t2, 12",
                "beqz t2, 2f",
                "add t2, t2, a0",
                "1:",
                gate!($before, $op, $then, "0", "0"),
                "addi a0, a0, 4",
                "addi a2, a2, 1",
                "bne a0, t2, 1b",
                "beq a0, a3, 3f",
                "2:",
                gate!($before, $op, $then, "0", "0"),
                gate!($before, $op, $then, "4", "1"),
                gate!($before, $op, $then, "8", "2"),
                gate!($before, $op, $then, "12", "3"),
                "addi a0, a0, 16",
                "addi a2, a2, 4",
                "bne a0, a3, 2b",
                "3:",
                "ret",
            )
        }
    };
}

series!(and, "", "and", "");
series!(and_not, "not t1, t1\n", "and", "");
series!(or, "", "or", "");
series!(or_not, "not t1, t1\n", "or", "");
series!(xor, "", "xor", "");
// Of a result only the lowest bit counts, so that all are inverted.
series!(nand, "", "and", "not t0, t0\n");
series!(nor, "", "or", "not t0, t0\n");
series!(xnor, "", "xor", "not t0, t0\n");
