//! The rules of `docs/image-format.md`, record by record, as far as they are about single fields.

use super::number::*;
use super::rules::{ALWAYS, MAYBE, Rule, SOME, word};
use crate::error::Defect;
use crate::record::*;
use crate::*;

/// What holds of an op.
pub(super) struct OpRules {
    /// Bytes of the record that have a meaning; those that follow are reserved.
    pub used: u8,
    pub kinds: u8,
    pub flags: u8,
    /// Tensors: bit `p` is the field at `4 + 2 * p`, but for bit 6, at 32.
    pub named: u8,
    /// Those of them that are written.
    pub written: u8,
    pub rules: &'static [Rule],
}

/// By op number, from 1.
pub(super) const OPS: [OpRules; 7] = [
    OpRules { used: 29, kinds: 1, flags: 7, named: 0b11, written: 0b10, rules: &LINEAR },
    OpRules { used: 45, kinds: 3, flags: 31, named: 0b11_1111, written: 0b11_1010, rules: &FFN },
    OpRules { used: 45, kinds: 3, flags: 7, named: 0b100_0011, written: 0b100_0010, rules: &ROUTE },
    OpRules { used: 16, kinds: 2, flags: 0, named: 0b11, written: 0b10, rules: &GATES },
    OpRules { used: 20, kinds: 1, flags: 0, named: 0b11, written: 0b10, rules: &GROUP_SUM },
    OpRules { used: 38, kinds: 5, flags: 1, named: 0b111, written: 0b10, rules: &MAP },
    OpRules { used: 12, kinds: 3, flags: 0, named: 0b11, written: 0b10, rules: &READOUT },
];

/// Cases of LINEAR.
pub(super) mod linear_case {
    pub const I8: u8 = 1;
    pub const I32: u8 = 2;
}

const LINEAR: [Rule; 12] = {
    use linear_case::*;
    const ROWS: u8 = word(8);
    const COLS: u8 = word(12);
    [
        Rule::tensor(ALWAYS, 4, dtype::I8, ANY, ANY),
        Rule::same(ALWAYS, Defect::Shape, 12, X_COLS),
        Rule::tensor(I8, 6, dtype::I8, X_ROWS, ROWS),
        Rule::tensor(I32, 6, dtype::I32, X_ROWS, ROWS),
        Rule::constant(ALWAYS, 16, 1, ROWS, COLS),
        Rule::constant(ALWAYS, 20, 4 | MAYBE, ROWS, ONE),
        Rule::equal(ALWAYS, Defect::Unsupported, 28, 8, WEIGHT_W8),
        Rule::clear(I8, 2, linear_flag::ACCUMULATE as u8),
        Rule::requantise(I8, 24, RQ),
        Rule::clear(I32, 2, linear_flag::RQ_PER_ROW as u8),
        Rule::none(I32, 24, 32),
        Rule::macs(ALWAYS, X_ROWS, ROWS, COLS),
    ]
};

/// Cases of FFN.
pub(super) mod ffn_case {
    /// The output is I8, or the accumulator.
    pub const I8: u8 = 1;
    pub const RAW: u8 = 2;
    pub const FRESH: u8 = 4;
    pub const START_ACC: u8 = 8;
    pub const LUT: u8 = 16;
    pub const NO_LUT: u8 = 32;
    pub const RANGES: u8 = 64;
    pub const NEURONS: u8 = 128;
}

const FFN: [Rule; 19] = {
    use ffn_case::*;
    const ROWS: u8 = word(28);
    const COLS: u8 = word(24);
    [
        Rule::tensor(ALWAYS, 4, dtype::I8, ONE, COLS),
        Rule::tensor(ALWAYS, 12, dtype::I32, ONE, ROWS),
        Rule::tensor(RANGES, 8, dtype::LIST | MAYBE, ANY, ANY),
        Rule::tensor(NEURONS, 8, dtype::LIST, ANY, ANY),
        Rule::tensor(ALWAYS, 10, dtype::I8 | MAYBE, ONE, ANY),
        Rule::tensor(ALWAYS, 14, dtype::I32 | MAYBE, ONE, ROWS),
        Rule::none(RAW, 36, 32),
        Rule::clear(RAW, 2, ffn_flag::RQ_PER_ROW as u8),
        Rule::tensor(I8, 6, dtype::I8, ONE, ROWS),
        Rule::requantise(I8, 36, RQ),
        Rule::constant(FRESH, 32, 4 | MAYBE, ROWS, ONE),
        Rule::none(START_ACC, 32, 32),
        Rule::constant(LUT, 40, 1, BYTES, ONE),
        Rule::none(NO_LUT, 40, 32),
        Rule::equal(ALWAYS, Defect::Unsupported, 44, 8, WEIGHT_W8),
        Rule::clear(RANGES, 2, ffn_flag::HANDED_Z as u8),
        Rule::equal(NEURONS, Defect::Count, 20, 32, 1),
        Rule::macs(ALWAYS, WIDTH, COUNT, ENTRIES),
        Rule::steps(ALWAYS, ROWS, ENTRIES, ONE),
    ]
};

/// Cases of ROUTE beyond its kinds.
pub(super) mod route_case {
    pub const STATIC: u8 = 1;
    pub const TREE: u8 = 2;
    pub const LINEAR: u8 = 4;
    pub const GATED: u8 = 8;
    pub const NOT_GATED: u8 = 16;
    /// A tree without a path.
    pub const LEAVES: u8 = 32;
}

const ROUTE: [Rule; 27] = {
    use route_case::*;
    const COLS: u8 = word(20);
    const EXPERTS: u8 = word(12);
    [
        Rule::tensor(ALWAYS, 6, dtype::LIST, ANY, ANY),
        Rule::positive(ALWAYS, Defect::Count, 12, 32),
        Rule::at_most(ALWAYS, Defect::Index, 34, 16, Q15),
        Rule::clear(STATIC | LINEAR, 2, (route_flag::PATH | route_flag::HAND_Z) as u8),
        Rule::clear(LEAVES, 2, route_flag::HAND_Z as u8),
        Rule::equal(STATIC, Defect::Count, 16, 32, 0),
        Rule::none(STATIC, 4, 16),
        Rule::equal(STATIC, Defect::Shape, 20, 32, 0),
        Rule::none(STATIC, 24, 32),
        Rule::none(STATIC, 28, 32),
        Rule::equal(STATIC, Defect::Unsupported, 44, 8, 0),
        Rule::positive(TREE | LINEAR, Defect::Count, 16, 32),
        Rule::at_most(TREE, Defect::Count, 16, 32, SIXTEEN),
        Rule::at_most(LINEAR, Defect::Count, 16, 32, EXPERTS),
        Rule::tensor(TREE | LINEAR, 4, dtype::I8, ONE, COLS),
        Rule::constant(TREE | LINEAR, 24, 1, COUNT, COLS),
        Rule::constant(TREE | LINEAR, 28, 4 | MAYBE, COUNT, ONE),
        Rule::equal(TREE | LINEAR, Defect::Unsupported, 44, 8, WEIGHT_W8),
        Rule::tensor(LINEAR, 32, dtype::I32, ONE, EXPERTS),
        Rule::macs(LINEAR, EXPERTS, COLS, ONE),
        Rule::steps(LINEAR, EXPERTS, word(16), ONE),
        Rule::macs(TREE, EXPERTS, COLS, word(16)),
        Rule::steps(STATIC, EXPERTS, ONE, ONE),
        Rule::none(STATIC | TREE, 32, 16),
        Rule::none(STATIC | TREE, 36, 32),
        Rule::none(NOT_GATED, 40, 32),
        Rule::requantise(GATED, 36, ONE),
    ]
};

const GATES: [Rule; 3] = [
    Rule::tensor(ALWAYS, 4, dtype::BITS, ONE, ANY),
    Rule::tensor(ALWAYS, 6, dtype::BITS, ONE, ANY),
    Rule::same(ALWAYS, Defect::Shape, 8, WIDTH),
];

const GROUP_SUM: [Rule; 5] = [
    Rule::tensor(ALWAYS, 4, dtype::BITS, ONE, ANY),
    Rule::tensor(ALWAYS, 6, dtype::I32, ONE, word(8)),
    Rule::constant(ALWAYS, 16, 4 | MAYBE, word(8), ONE),
    Rule::steps(ALWAYS, X_COLS, ONE, ONE),
    Rule::steps(ALWAYS, word(8), ONE, ONE),
];

const MAP: [Rule; 25] = {
    const LUT256: u8 = 1 << map::LUT256;
    const AFFINE: u8 = 1 << map::AFFINE;
    const ADD: u8 = 1 << map::ADD;
    const BITS: u8 = 1 << map::BITS;
    const CLAMP: u8 = 1 << map::CLAMP;
    [
        Rule::tensor(!BITS, 4, dtype::I8, ANY, ANY),
        Rule::tensor(!BITS, 6, dtype::I8, X_ROWS, X_COLS),
        Rule::tensor(BITS, 4, dtype::I8, ONE, ANY),
        Rule::tensor(BITS, 6, dtype::BITS, ONE, ANY),
        Rule::steps(BITS, Y_COLS, ONE, ONE),
        Rule::constant(LUT256, 12, 1, BYTES, ONE),
        Rule::constant(AFFINE, 12, 1, X_COLS, ONE),
        Rule::constant(AFFINE, 16, 4 | MAYBE, X_COLS, ONE),
        Rule::requantise(AFFINE, 20, RQ),
        Rule::macs(AFFINE, X_ROWS, X_COLS, ONE),
        Rule::steps(LUT256 | ADD | CLAMP, X_ROWS, X_COLS, ONE),
        Rule::clear(!AFFINE, 2, MAP_RQ_PER_COL as u8),
        Rule::none(!AFFINE, 16, 32),
        Rule::none(!AFFINE, 20, 32),
        Rule::none(ADD | CLAMP, 12, 32),
        Rule::zero(!(ADD | CLAMP), 34, 16),
        Rule::tensor(ADD, 8, dtype::I8, X_ROWS, X_COLS),
        Rule::positive(ADD, Defect::Requantise, 32, 8),
        Rule::at_most(ADD, Defect::Requantise, 32, 8, SHIFTS),
        Rule::none(!ADD, 8, 16),
        Rule::zero(!ADD, 24, 32),
        Rule::zero(!ADD, 28, 32),
        Rule::zero(!ADD, 32, 16),
        Rule::zero(!ADD, 36, 16),
        Rule::zero(ALWAYS, 10, 16),
    ]
};

const READOUT: [Rule; 8] = {
    const NONE: u8 = 1 << readout::NONE;
    const ARGMAX: u8 = 1 << readout::ARGMAX;
    const TOP_K: u8 = 1 << readout::TOP_K;
    [
        Rule::tensor(ALWAYS, 4, SOME, ONE, ANY),
        Rule::equal(NONE, Defect::Count, 8, 32, 0),
        Rule::equal(ARGMAX, Defect::Count, 8, 32, 1),
        Rule::positive(TOP_K, Defect::Count, 8, 32),
        Rule::at_most(TOP_K, Defect::Count, 8, 32, X_COLS),
        Rule::none(NONE, 6, 16),
        Rule::tensor(ARGMAX | TOP_K, 6, dtype::I32, ONE, word(8)),
        Rule::steps(ALWAYS, word(8), X_COLS, ONE),
    ]
};

/// Cases of a range; the last two are about the op that uses it.
pub(super) mod range_case {
    pub const EMPTY: u8 = 1;
    pub const SOME: u8 = 2;
    pub const UNSCALED: u8 = 4;
    pub const NEURONS: u8 = 8;
    pub const HANDED_Z: u8 = 16;
}

/// What holds of a range whatever op uses it. How long keys, values and value_bias are depends on the op; that they begin inside is
/// checked of every range.
pub(super) const RANGE: [Rule; 17] = {
    use range_case::{EMPTY, SOME, UNSCALED};
    [
        Rule::at_most(ALWAYS, Defect::Count, 0, 32, NEURONS),
        Rule::clear(ALWAYS, 33, !(range_flag::OUTPUT_MAJOR | range_flag::RQ_PER_NEURON)),
        Rule::equal(ALWAYS, Defect::Unsupported, 16, 32, 0xFF),
        Rule::zero(ALWAYS, 34, 16),
        Rule::zero(ALWAYS, 36, 32),
        Rule::zero(ALWAYS, 40, 32),
        Rule::zero(ALWAYS, 44, 32),
        Rule::equal(UNSCALED, Defect::Requantise, 32, 8, 0),
        Rule::constant(ALWAYS, 24, 4 | MAYBE, ONE, ONE),
        Rule::none(EMPTY, 4, 32),
        Rule::none(EMPTY, 8, 32),
        Rule::none(EMPTY, 12, 32),
        Rule::none(EMPTY, 20, 32),
        Rule::constant(SOME, 4, 1 | MAYBE, word(0), ONE),
        Rule::constant(SOME, 20, 1, word(0), ONE),
        Rule::constant(SOME, 8, 4 | MAYBE, word(0), ONE),
        Rule::requantise(SOME, 12, RQ),
    ]
};

/// What holds of a range of an FFN op.
pub(super) const FFN_RANGE: [Rule; 6] = {
    use range_case::*;
    [
        Rule::constant(ALWAYS, 24, 4 | MAYBE, ROWS, ONE),
        Rule::none(NEURONS, 24, 32),
        Rule::clear(NEURONS, 33, range_flag::OUTPUT_MAJOR),
        Rule::none(HANDED_Z, 4, 32),
        Rule::constant(SOME, 4, 1 | MAYBE, word(0), COLS),
        Rule::constant(SOME, 20, 1, word(0), ROWS),
    ]
};

/// Case of a tensor whose place is Input, and of a list.
pub(super) const INPUT_CASE: u8 = 1;
pub(super) const LIST_CASE: u8 = 2;
pub(super) const OTHER_CASE: u8 = 4;

pub(super) const TENSOR: [Rule; 7] = [
    Rule::positive(ALWAYS, Defect::Shape, 8, 32),
    Rule::positive(ALWAYS, Defect::Shape, 12, 32),
    Rule::equal(LIST_CASE, Defect::Shape, 8, 32, 1),
    Rule::zero(ALWAYS, 2, 16),
    Rule::zero(ALWAYS, 24, 32),
    Rule::zero(ALWAYS, 28, 32),
    Rule::equal(INPUT_CASE, Defect::Tensor, 4, 32, 0),
];

pub(super) const HEADER: [Rule; 9] = [
    Rule::equal(ALWAYS, Defect::Format, 4, 16, FORMAT as u8),
    Rule::equal(ALWAYS, Defect::Size, 6, 16, 64),
    Rule::equal(ALWAYS, Defect::Unsupported, 20, 32, PACKING_PORTABLE as u8),
    Rule::at_most(ALWAYS, Defect::Size, 24, 32, SPACE),
    Rule::equal(ALWAYS, Defect::Unsupported, 28, 32, 0),
    Rule::positive(ALWAYS, Defect::Count, 36, 16),
    Rule::at_most(ALWAYS, Defect::Count, 36, 16, SIXTEEN),
    Rule::zero(ALWAYS, 38, 16),
    Rule::zero(ALWAYS, 60, 32),
];
