//! Op records, 64 bytes each: a general view and one per op. Fields are described in `docs/image-format.md`.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Op numbers.
pub mod op {
    /// Matrix times vector.
    pub const LINEAR: u8 = 1;
    /// Ranges of a neuron table.
    pub const FFN: u8 = 2;
    /// Computes which ranges.
    pub const ROUTE: u8 = 3;
    /// Logic gates.
    pub const GATES: u8 = 4;
    /// Counts ones per class.
    pub const GROUPSUM: u8 = 5;
    /// Element by element.
    pub const MAP: u8 = 6;
    /// What is read from the scores.
    pub const READOUT: u8 = 7;
    /// Copies a part of a tensor.
    pub const MOVE: u8 = 8;
    /// Names, by number.
    pub const NAMES: [&str; 9] = ["?", "LINEAR", "FFN", "ROUTE", "GATES", "GROUPSUM", "MAP", "READOUT", "MOVE"];
}

/// Flags of LINEAR.
pub mod linear_flag {
    /// One requantise record per row.
    pub const RQ_PER_ROW: u16 = 1;
    /// Adds to an I32 output.
    pub const ACCUMULATE: u16 = 2;
    /// Reads the input as its transpose.
    pub const TRANSPOSED: u16 = 4;
}

/// Activations of FFN (its kind).
pub mod activation {
    /// The identity.
    pub const IDENTITY: u8 = 0;
    /// `max(h, 0)`.
    pub const RELU: u8 = 1;
    /// A table of 256 bytes.
    pub const LUT256: u8 = 2;
}

/// Flags of FFN.
pub mod ffn_flag {
    /// Neurons with `z <= 0` are skipped.
    pub const KEEP_POSITIVE: u16 = 1;
    /// List entries name neurons of the only range.
    pub const NEURONS: u16 = 2;
    /// `z` comes with the entry.
    pub const HANDED_Z: u16 = 4;
    /// The accumulator keeps its values.
    pub const START_ACC: u16 = 8;
    /// One output requantise record per row.
    pub const RQ_PER_ROW: u16 = 16;
}

/// Kinds of ROUTE.
pub mod route {
    /// Fixed ranges.
    pub const STATIC: u8 = 0;
    /// Binary trees.
    pub const TREE: u8 = 1;
    /// Top-k of a linear router.
    pub const LINEAR: u8 = 2;
}

/// Flags of ROUTE.
pub mod route_flag {
    /// The list is not emptied first.
    pub const APPEND: u16 = 1;
    /// A tree emits the nodes it visits.
    pub const PATH: u16 = 2;
    /// Entries carry the node's dot product.
    pub const HAND_Z: u16 = 4;
}

/// Kinds of GATES.
pub mod wiring {
    /// Rotated words.
    pub const WORD: u8 = 0;
    /// Arbitrary: any two signals.
    pub const NETLIST: u8 = 1;
}

/// Kinds of GROUPSUM.
pub mod group_sum {
    /// Of bits.
    pub const BITS: u8 = 0;
    /// Of signals.
    pub const SIGNALS: u8 = 1;
}

/// Kinds of MAP.
pub mod map {
    /// A table of 256 bytes.
    pub const LUT256: u8 = 0;
    /// Gain and bias.
    pub const AFFINE: u8 = 1;
    /// Sum of two tensors.
    pub const ADD: u8 = 2;
    /// Thresholds to bits.
    pub const BITS: u8 = 3;
    /// Bounds.
    pub const CLAMP: u8 = 4;
    /// Product of two tensors.
    pub const MUL: u8 = 5;
}

/// MAP.Affine has one requantise record per column.
pub const MAP_RQ_PER_COL: u16 = 1;

/// Kinds of READOUT.
pub mod readout {
    /// Scores alone.
    pub const NONE: u8 = 0;
    /// The largest score.
    pub const ARGMAX: u8 = 1;
    /// The k largest scores.
    pub const TOP_K: u8 = 2;
}

macro_rules! op_records {
    ($($(#[$doc:meta])* $name:ident ($size:literal) { $($(#[$fdoc:meta])* $field:ident: $ty:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
        #[repr(C)]
        pub struct $name {
            /// One of [`op`].
            pub op: u8,
            /// Variant of the op.
            pub kind: u8,
            /// Flags of the op.
            pub flags: u16,
            $($(#[$fdoc])* pub $field: $ty,)*
            /// 0.
            pub reserved: [u32; $size],
        }
        const _: () = assert!(size_of::<$name>() == 64);
        impl Default for $name {
            fn default() -> Self {
                zerocopy::FromZeros::new_zeroed()
            }
        }
    )*};
}

op_records! {
    /// Any op.
    OpRecord(15) {}
    /// LINEAR.
    LinearRecord(8) {
        /// I8, `(T, C)`; transposed `(C, T)`.
        input: u16,
        /// I8 or I32, `(T, R)`.
        output: u16,
        /// R.
        rows: u32,
        /// C.
        cols: u32,
        /// Constant `(R, C)` i8, or the words of another weight format.
        weights: u32,
        /// Constant R i32.
        bias: u32,
        /// Constant requantise records.
        rq: u32,
        /// [`crate::WEIGHT_W8`], [`crate::WEIGHT_W8_PAIRS`], or of few bits.
        weight_format: u8,
        /// Of few bits: [`crate::GROUP_COLS`], or 0: a row is one group. Else 0.
        group: u8,
        /// I32 scratch for the prepared input, whose columns the weight format says; else 0.
        prepared: u16,
    }
    /// FFN.
    FfnRecord(4) {
        /// I8, `(1, C)`.
        input: u16,
        /// I8 `(1, R)`, or the accumulator.
        output: u16,
        /// List, or none: every range.
        list: u16,
        /// I8 scratch for the hidden neurons of an output-major range.
        hidden: u16,
        /// I32, `(1, R)`.
        acc: u16,
        /// I32 scratch, `(1, R)`.
        partial: u16,
        /// First range of the table.
        first_range: u32,
        /// Ranges of the table.
        range_count: u32,
        /// C.
        cols: u32,
        /// R.
        rows: u32,
        /// Constant R i32.
        shared_bias: u32,
        /// Constant requantise records.
        rq: u32,
        /// Constant 256 i8.
        lut: u32,
        /// [`crate::WEIGHT_W8`].
        weight_format: u8,
        /// 0.
        reserved0: [u8; 3],
    }
    /// ROUTE.
    RouteRecord(4) {
        /// I8, `(1, C)`.
        input: u16,
        /// The list appended to.
        list: u16,
        /// Range of the first leaf, node, expert or static range.
        first: u32,
        /// Ranges, trees or experts.
        count: u32,
        /// Levels, or k.
        depth: u32,
        /// C.
        cols: u32,
        /// Constant rows of C i8.
        weights: u32,
        /// Constant i32 per row.
        bias: u32,
        /// I32 scratch, `(1, E)`.
        scores: u16,
        /// Q15 weight of an entry.
        weight: u16,
        /// Constant requantise record from score to table index.
        gate_rq: u32,
        /// Constant 256 u16, Q15.
        gate_table: u32,
        /// [`crate::WEIGHT_W8`], or 0.
        weight_format: u8,
        /// 0.
        reserved0: [u8; 3],
    }
    /// GATES.
    GatesRecord(10) {
        /// Bits, one row.
        input: u16,
        /// Bits, one row; of a netlist I32, one row: four signals a word.
        output: u16,
        /// Output words; of a netlist its gates.
        count: u32,
        /// Constant [`crate::WordGates`], or for each gate of a netlist the signals of its operands, A in the lower half.
        table: u32,
        /// Of a netlist: constant [`crate::SeriesRecord`]s. Otherwise 0.
        series: u32,
        /// How many of them there are.
        series_count: u32,
    }
    /// GROUPSUM.
    GroupSumRecord(11) {
        /// Bits, or signals; one row.
        input: u16,
        /// I32, `(1, K)`.
        output: u16,
        /// K.
        groups: u32,
        /// Constant `(K + 1)` u32.
        bounds: u32,
        /// Constant K i32.
        bias: u32,
    }
    /// MAP.
    MapRecord(6) {
        /// The (first) input.
        input: u16,
        /// The output.
        output: u16,
        /// Second input of Add and Mul.
        second: u16,
        /// 0.
        reserved0: u16,
        /// Constant table.
        table: u32,
        /// Constant i32 per column.
        bias: u32,
        /// Constant requantise records.
        rq: u32,
        /// Multiplier of the first input, or of the product.
        m1: i32,
        /// Multiplier of the second input.
        m2: i32,
        /// Shift of Add and Mul.
        shift: u8,
        /// Of their output.
        zero_point: i8,
        /// Lower bound.
        lo: i8,
        /// Upper bound.
        hi: i8,
        /// Of the first input.
        z1: i8,
        /// Of the second input.
        z2: i8,
        /// 0.
        reserved1: u16,
    }
    /// MOVE. Counts and places are in elements, of Bits in words.
    MoveRecord(7) {
        /// I8, I32 or Bits.
        input: u16,
        /// Of the same type.
        output: u16,
        /// Rows.
        rows: u32,
        /// Columns.
        cols: u32,
        /// First element of the input.
        from: u32,
        /// From a row of the input to the next.
        from_row: u32,
        /// From a column of the input to the next.
        from_col: u32,
        /// First element of the output.
        to: u32,
        /// From a row of the output to the next.
        to_row: u32,
    }
    /// READOUT.
    ReadoutRecord(13) {
        /// The scores.
        input: u16,
        /// I32, `(1, k)`: class indices.
        output: u16,
        /// Classes wanted.
        k: u32,
    }
}
