//! The rules of `docs/image-format.md`, record by record, as far as they are about single fields.

use super::rules::number::*;
use super::rules::{ABSENT, ALWAYS, MAYBE, Rule, SOME, number, scan, word};
use crate::error::Defect;
use crate::record::*;
use crate::*;

/// What holds of an op.
pub(super) struct OpRules {
    /// Bytes of the record that have a meaning; those that follow are reserved.
    pub used: u8,
    pub kinds: u8,
    pub flags: u8,
    /// Tensors: bit `p` is the field at `4 + 2 * p`, but for bit 6, at 32, and bit 7, at 30.
    pub named: u8,
    /// Those of them that are written.
    pub written: u8,
    pub rules: &'static [Rule],
}

/// By op number, from 1. What is not here is refused as something that this build cannot do.
pub(super) const OPS: &[OpRules] = &[
    OpRules { used: 32, kinds: 1, flags: 7, named: 0b1000_0011, written: 0b1000_0010, rules: LINEAR },
    OpRules { used: 45, kinds: 3, flags: 31, named: 0b11_1111, written: 0b11_1010, rules: &FFN },
    OpRules { used: 45, kinds: 3, flags: 7, named: 0b100_0011, written: 0b100_0010, rules: &ROUTE },
    OpRules { used: 24, kinds: 2, flags: 0, named: 0b11, written: 0b10, rules: &GATES },
    OpRules { used: 20, kinds: 2, flags: 0, named: 0b11, written: 0b10, rules: &GROUP_SUM },
    OpRules { used: 38, kinds: MAP_KINDS, flags: 1, named: 0b111, written: 0b10, rules: &MAP },
    OpRules { used: 12, kinds: 3, flags: 0, named: 0b11, written: 0b10, rules: &READOUT },
    #[cfg(feature = "structure")]
    OpRules { used: 36, kinds: 1, flags: 0, named: 0b11, written: 0b10, rules: &MOVE },
];

/// Cases of LINEAR; kind 0 is one of them.
pub(super) mod linear_case {
    pub const I8: u8 = 2;
    pub const I32: u8 = 4;
    pub const TRANSPOSED: u8 = 8;
    pub const STRAIGHT: u8 = 16;
    /// Weights as they are, in pairs, or of few bits.
    pub const PLAIN: u8 = 32;
    pub const PAIRS: u8 = 64;
    #[cfg(feature = "low-bit")]
    pub const LOW_BIT: u8 = 128;
}

const LINEAR: &[Rule] = {
    use linear_case::*;
    const ROWS: u8 = word(8);
    const COLS: u8 = word(12);
    &[
        // I32 is even.
        Rule::case(4 * Y_TYPE, 1, I8, I32),
        Rule::case(2, linear_flag::TRANSPOSED as u8, TRANSPOSED, STRAIGHT),
        // With few bits it is more than a bit of the field that says, and `low_bit` that looks.
        #[cfg(not(feature = "low-bit"))]
        Rule::case(28, WEIGHT_W8_PAIRS, PAIRS, PLAIN),
        Rule::equal(PLAIN, Defect::Unsupported, 28, 8, WEIGHT_W8),
        Rule::equal(PAIRS, Defect::Unsupported, 28, 8, WEIGHT_W8_PAIRS),
        Rule::pick(2, linear_flag::RQ_PER_ROW as u8, ROWS),
        Rule::tensor(STRAIGHT, 4, dtype::I8, ANY, COLS),
        Rule::tensor(TRANSPOSED, 4, dtype::I8, COLS, ANY),
        Rule::add(STRAIGHT, 4 * X_ROWS, ZERO, COUNT),
        Rule::add(TRANSPOSED, 4 * X_COLS, ZERO, COUNT),
        Rule::tensor(I8, 6, dtype::I8, COUNT, ROWS),
        Rule::tensor(I32, 6, dtype::I32, COUNT, ROWS),
        Rule::constant(PLAIN, 16, 1, ROWS, COLS),
        Rule::constant(ALWAYS, 20, 4 | MAYBE, ROWS, ONE),
        Rule::zero(PLAIN | PAIRS, 29, 8),
        Rule::zero(PLAIN, 30, 16),
        Rule::clear(PAIRS, Defect::Op, 2, linear_flag::TRANSPOSED as u8),
        // Groups of four rows; for each one start value and a word of each four columns, of four rows.
        Rule::quarter(PAIRS, 8, END),
        Rule::quarter(PAIRS, 12, WIDTH),
        Rule::add(PAIRS, 4 * WIDTH, WIDTH, ENTRIES),
        Rule::tensor(PAIRS, 30, dtype::I32, ONE, ENTRIES),
        Rule::add(PAIRS, 4 * WIDTH, ONE, WIDTH),
        Rule::constant(PAIRS, 16, 16, END, WIDTH),
        #[cfg(not(feature = "low-bit"))]
        Rule::add(PAIRS, 4 * ONE, ZERO, PACKING),
        #[cfg(feature = "low-bit")]
        Rule::clear(LOW_BIT, Defect::Unsupported, 29, !(GROUP_COLS as u8)),
        #[cfg(feature = "low-bit")]
        Rule::clear(LOW_BIT, Defect::Op, 2, linear_flag::TRANSPOSED as u8),
        #[cfg(feature = "low-bit")]
        Rule::tensor(LOW_BIT, 30, dtype::I32, ONE, ENTRIES),
        #[cfg(feature = "low-bit")]
        Rule::constant(LOW_BIT, 16, 4, END, WIDTH),
        Rule::clear(I8, Defect::Op, 2, linear_flag::ACCUMULATE as u8),
        Rule::requantise(I8, 24, RQ),
        Rule::clear(I32, Defect::Op, 2, linear_flag::RQ_PER_ROW as u8),
        Rule::none(I32, 24, 32),
        Rule::sum(ALWAYS, MACS, 4 * COUNT, ROWS, COLS),
    ]
};

/// Cases of FFN beyond its kinds, the activations.
mod ffn_case {
    use super::activation::*;
    pub const LUT: u8 = 1 << LUT256;
    pub const NO_LUT: u8 = 1 << IDENTITY | 1 << RELU;
    /// The output is I8, or the accumulator.
    pub const I8: u8 = 8;
    pub const RAW: u8 = 16;
    pub const START_ACC: u8 = 32;
    pub const RANGES: u8 = 64;
    pub const NEURONS: u8 = 128;
}

const FFN: [Rule; 26] = {
    use ffn_case::*;
    const ROWS: u8 = word(28);
    const COLS: u8 = word(24);
    const RANGE_COUNT: u8 = word(20);
    [
        Rule::case(4 * number::RAW, 1, RAW, I8),
        Rule::case(2, ffn_flag::START_ACC as u8, START_ACC, 0),
        Rule::case(2, ffn_flag::NEURONS as u8, NEURONS, RANGES),
        Rule::pick(2, ffn_flag::RQ_PER_ROW as u8, ROWS),
        Rule::positive(ALWAYS, Defect::Index, 20, 32),
        Rule::add(ALWAYS, 16, RANGE_COUNT, END),
        Rule::within(ALWAYS, Defect::Index, 16, END, number::RANGES),
        // Bounds the work of the checks that follow.
        Rule::sum(ALWAYS, NAMED_RANGES, 4 * RANGE_COUNT, ONE, ONE),
        Rule::within(ALWAYS, Defect::Count, 20, NAMED_RANGES, MAX_INDEX),
        Rule::tensor(ALWAYS, 4, dtype::I8, ONE, COLS),
        Rule::tensor(ALWAYS, 12, dtype::I32, ONE, ROWS),
        Rule::tensor(RANGES, 8, dtype::LIST | MAYBE, ANY, ANY),
        Rule::tensor(NEURONS, 8, dtype::LIST, ANY, ANY),
        Rule::tensor(ALWAYS, 10, dtype::I8 | MAYBE, ONE, ANY),
        Rule::tensor(ALWAYS, 14, dtype::I32 | MAYBE, ONE, ROWS),
        Rule::none(RAW, 36, 32),
        Rule::clear(RAW, Defect::Op, 2, ffn_flag::RQ_PER_ROW as u8),
        Rule::tensor(I8, 6, dtype::I8, ONE, ROWS),
        Rule::requantise(I8, 36, RQ),
        Rule::none(START_ACC, 32, 32),
        Rule::constant(ALWAYS, 32, 4 | MAYBE, ROWS, ONE),
        Rule::constant(LUT, 40, 1, TABLE, ONE),
        Rule::none(NO_LUT, 40, 32),
        Rule::equal(ALWAYS, Defect::Unsupported, 44, 8, WEIGHT_W8),
        Rule::clear(RANGES, Defect::Op, 2, ffn_flag::HANDED_Z as u8),
        Rule::equal(NEURONS, Defect::Count, 20, 32, 1),
    ]
};

/// What an FFN costs: COUNT is the neurons of its widest range.
pub(super) const FFN_COST: [Rule; 5] = {
    const KEYS: u8 = 1;
    const NO_KEYS: u8 = 2;
    [
        Rule::case(2, ffn_flag::HANDED_Z as u8, NO_KEYS, KEYS),
        Rule::add(NO_KEYS, 28, ZERO, WIDTH),
        Rule::add(KEYS, 28, COLS, WIDTH),
        Rule::sum(ALWAYS, MACS, 4 * WIDTH, COUNT, ENTRIES),
        Rule::sum(ALWAYS, STEPS, 4 * ENTRIES, ROWS, ONE),
    ]
};

/// Cases of ROUTE beyond its kinds.
mod route_case {
    pub const STATIC: u8 = 1;
    pub const TREE: u8 = 2;
    pub const LINEAR: u8 = 4;
    pub const GATED: u8 = 8;
    pub const NOT_GATED: u8 = 16;
    /// A tree without a path.
    pub const LEAVES: u8 = 32;
}

const ROUTE: [Rule; 34] = {
    use route_case::*;
    const COLS: u8 = word(20);
    const EXPERTS: u8 = word(12);
    const DEPTH: u8 = word(16);
    [
        Rule::case(2, route_flag::PATH as u8, 0, LEAVES),
        // An offset beyond the section is refused in either case.
        Rule::case(39, 0x80, NOT_GATED, GATED),
        Rule::add(ALWAYS, 8, COUNT, END),
        Rule::add(ALWAYS, 4 * END, WIDTH, END),
        Rule::within(ALWAYS, Defect::Index, 8, END, MAX_INDEX),
        Rule::tensor(ALWAYS, 6, dtype::LIST, ANY, ANY),
        Rule::positive(ALWAYS, Defect::Count, 12, 32),
        Rule::at_most(ALWAYS, Defect::Index, 34, 16, Q15),
        Rule::clear(STATIC | LINEAR, Defect::Op, 2, (route_flag::PATH | route_flag::HAND_Z) as u8),
        Rule::clear(LEAVES, Defect::Op, 2, route_flag::HAND_Z as u8),
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
        Rule::sum(STATIC, STEPS, 4 * EXPERTS, ONE, ONE),
        Rule::sum(LINEAR, MACS, 4 * EXPERTS, COLS, ONE),
        Rule::sum(LINEAR, STEPS, 4 * EXPERTS, DEPTH, ONE),
        Rule::sum(TREE, MACS, 4 * EXPERTS, COLS, DEPTH),
        Rule::none(STATIC | TREE, 32, 16),
        Rule::none(STATIC | TREE, 36, 32),
        Rule::none(NOT_GATED, 36, 32),
        Rule::none(NOT_GATED, 40, 32),
        Rule::requantise(GATED, 36, ONE),
        Rule::scan(GATED, 40, scan::ROUTE_WEIGHTS, HALF_TABLE),
    ]
};

const GATES: [Rule; 19] = {
    const WORD: u8 = 1 << wiring::WORD;
    const NETLIST: u8 = 1 << wiring::NETLIST;
    [
        Rule::tensor(ALWAYS, 4, dtype::BITS, ONE, ANY),
        Rule::tensor(WORD, 6, dtype::BITS, ONE, ANY),
        Rule::same(WORD, Defect::Shape, 8, 32, Y_WORDS),
        Rule::scan(WORD, 12, scan::WORD_GATES, word(8)),
        Rule::sum(WORD, number::GATES, 8, WORD_BITS, ONE),
        Rule::zero(WORD, 16, 32),
        Rule::zero(WORD, 20, 32),
        Rule::tensor(NETLIST, 6, dtype::I32, ONE, ANY),
        // A field that is 0 begins a sum: four signals a word of the output, and the bits of the input are among them.
        Rule::add(NETLIST, 24, ZERO, HIDDEN),
        Rule::sum(NETLIST, HIDDEN, 4 * Y_COLS, FOUR, ONE),
        Rule::add(NETLIST, 24, ZERO, COUNT),
        Rule::sum(NETLIST, COUNT, 4 * X_WORDS, WORD_BITS, ONE),
        Rule::within(NETLIST, Defect::Shape, 6, COUNT, HIDDEN),
        Rule::scan(NETLIST, 12, scan::WIRES, word(8)),
        Rule::add(NETLIST, 8, ONE, WIDTH),
        Rule::scan(NETLIST, 16, scan::SERIES, word(20)),
        Rule::sum(NETLIST, number::GATES, 8, ONE, ONE),
        Rule::sum(NETLIST, STEPS, 20, ONE, ONE),
        Rule::sum(NETLIST, STEPS, 4 * COUNT, ONE, ONE),
    ]
};

const GROUP_SUM: [Rule; 13] = {
    const BITS: u8 = 1 << group_sum::BITS;
    const SIGNALS: u8 = 1 << group_sum::SIGNALS;
    [
        Rule::tensor(BITS, 4, dtype::BITS, ONE, ANY),
        Rule::tensor(SIGNALS, 4, dtype::I32, ONE, ANY),
        Rule::within(SIGNALS, Defect::Shape, 4, X_COLS, number::NEURONS),
        Rule::tensor(ALWAYS, 6, dtype::I32, ONE, word(8)),
        Rule::constant(ALWAYS, 16, 4 | MAYBE, word(8), ONE),
        // The output has as many elements of 4 bytes, so one more does not wrap.
        Rule::add(ALWAYS, 8, ONE, COUNT),
        Rule::add(ALWAYS, 20, ONE, WIDTH),
        Rule::sum(BITS, WIDTH, 4 * X_COLS, ONE, ONE),
        Rule::sum(SIGNALS, WIDTH, 4 * X_COLS, FOUR, ONE),
        Rule::scan(ALWAYS, 12, scan::BOUNDS, COUNT),
        Rule::sum(ALWAYS, STEPS, 8, ONE, ONE),
        Rule::sum(BITS, STEPS, 4 * X_COLS, ONE, ONE),
        Rule::sum(SIGNALS, STEPS, 4 * X_COLS, FOUR, ONE),
    ]
};

const MAP_KINDS: u8 = if cfg!(feature = "structure") { map::MUL + 1 } else { map::CLAMP + 1 };

const MAP: [Rule; 27] = {
    const LUT256: u8 = 1 << map::LUT256;
    const AFFINE: u8 = 1 << map::AFFINE;
    const ADD: u8 = 1 << map::ADD;
    const BITS: u8 = 1 << map::BITS;
    const CLAMP: u8 = 1 << map::CLAMP;
    const MUL: u8 = 1 << map::MUL;
    /// Of two inputs.
    const TWO: u8 = ADD | MUL;
    [
        Rule::tensor(!BITS, 4, dtype::I8, ANY, ANY),
        Rule::tensor(!BITS, 6, dtype::I8, X_ROWS, X_COLS),
        Rule::tensor(BITS, 4, dtype::I8, ONE, ANY),
        Rule::tensor(BITS, 6, dtype::BITS, ONE, ANY),
        Rule::pick(2, MAP_RQ_PER_COL as u8, X_COLS),
        Rule::scan(BITS, 12, scan::THRESHOLDS, Y_COLS),
        Rule::constant(LUT256, 12, 1, TABLE, ONE),
        Rule::constant(AFFINE, 12, 1, X_COLS, ONE),
        Rule::constant(AFFINE, 16, 4 | MAYBE, X_COLS, ONE),
        Rule::requantise(AFFINE, 20, RQ),
        Rule::sum(AFFINE, MACS, 4 * X_ROWS, X_COLS, ONE),
        Rule::sum(LUT256 | TWO | CLAMP, STEPS, 4 * X_ROWS, X_COLS, ONE),
        Rule::sum(BITS, STEPS, 4 * Y_COLS, ONE, ONE),
        Rule::clear(!AFFINE, Defect::Op, 2, MAP_RQ_PER_COL as u8),
        Rule::none(!AFFINE, 16, 32),
        Rule::none(!AFFINE, 20, 32),
        Rule::none(TWO | CLAMP, 12, 32),
        Rule::zero(!(TWO | CLAMP), 34, 16),
        Rule::tensor(TWO, 8, dtype::I8, X_ROWS, X_COLS),
        Rule::positive(TWO, Defect::Requantise, 32, 8),
        Rule::at_most(TWO, Defect::Requantise, 32, 8, SHIFTS),
        Rule::none(!TWO, 8, 16),
        Rule::zero(!TWO, 24, 32),
        Rule::zero(!ADD, 28, 32),
        Rule::zero(!TWO, 32, 16),
        Rule::zero(!TWO, 36, 16),
        Rule::zero(ALWAYS, 10, 16),
    ]
};

/// That both tensors are of one type and hold what is copied is checked beside the table.
#[cfg(feature = "structure")]
const MOVE: [Rule; 6] = [
    Rule::tensor(ALWAYS, 4, SOME, ANY, ANY),
    Rule::tensor(ALWAYS, 6, SOME, ANY, ANY),
    Rule::positive(ALWAYS, Defect::Count, 8, 32),
    Rule::positive(ALWAYS, Defect::Count, 12, 32),
    // Nothing is written twice, so that there is no more to do than the output has elements.
    Rule::at_least(ALWAYS, Defect::Shape, 32, 32, word(12)),
    Rule::sum(ALWAYS, STEPS, 8, word(12), ONE),
];

const READOUT: [Rule; 10] = {
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
        // Of these two nothing else lies between.
        Rule::within(ALWAYS, Defect::Tensor, 4, I8_SCORES, X_TYPE),
        Rule::within(ALWAYS, Defect::Tensor, 4, X_TYPE, I32_SCORES),
        Rule::sum(ALWAYS, STEPS, 4 * X_COLS, word(8), ONE),
    ]
};

/// Cases of a range; some are about the op that uses it.
pub(super) mod range_case {
    pub const EMPTY: u8 = 1;
    pub const SOME: u8 = 2;
    pub const SCALED: u8 = 4;
    pub const UNSCALED: u8 = 8;
    pub const NEURONS: u8 = 16;
    pub const HANDED_Z: u8 = 32;
    pub const NO_HIDDEN: u8 = 64;
    pub const EACH: u8 = 128;
}

/// What holds of a range whatever op uses it. How long keys, values and value_bias are depends on the op; that they begin inside is
/// checked of every range.
pub(super) const RANGE: [Rule; 24] = {
    use range_case::{EMPTY, SCALED, SOME, UNSCALED};
    [
        Rule::case(0, 0, SOME, EMPTY),
        Rule::case(28, 0, SCALED, UNSCALED),
        Rule::pick(33, range_flag::RQ_PER_NEURON, word(0)),
        Rule::at_most(ALWAYS, Defect::Count, 0, 32, NEURONS),
        Rule::clear(ALWAYS, Defect::Op, 33, !(range_flag::OUTPUT_MAJOR | range_flag::RQ_PER_NEURON)),
        Rule::equal(ALWAYS, Defect::Unsupported, 16, 32, ABSENT),
        Rule::zero(ALWAYS, 34, 16),
        Rule::zero(ALWAYS, 36, 32),
        Rule::zero(ALWAYS, 40, 32),
        Rule::zero(ALWAYS, 44, 32),
        Rule::equal(UNSCALED, Defect::Requantise, 32, 8, 0),
        Rule::at_least(SCALED, Defect::Requantise, 28, 32, SPACE),
        Rule::clear(SCALED, Defect::Requantise, 31, 0x80),
        Rule::positive(SCALED, Defect::Requantise, 32, 8),
        Rule::at_most(SCALED, Defect::Requantise, 32, 8, SHIFTS),
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
const _: () = assert!(MAX_BYTES == 1 << 30);
const _: () = assert!(PACKING_DSP == 1 && FEATURE_PAIRS == PACKING_DSP << 16);

/// What holds of a range of an FFN op.
pub(super) const FFN_RANGE: [Rule; 10] = {
    use range_case::*;
    // A case of this table alone, in the place of one that it does not ask for.
    const OUTPUT_MAJOR: u8 = UNSCALED;
    [
        Rule::case(0, 0, SOME, EMPTY),
        Rule::case(33, range_flag::OUTPUT_MAJOR, OUTPUT_MAJOR, 0),
        Rule::constant(EACH, 24, 4 | MAYBE, ROWS, ONE),
        Rule::none(NEURONS, 24, 32),
        Rule::clear(NEURONS, Defect::Op, 33, range_flag::OUTPUT_MAJOR),
        // Even a range without neurons needs one.
        Rule::clear(NO_HIDDEN, Defect::Tensor, 33, range_flag::OUTPUT_MAJOR),
        Rule::at_most(OUTPUT_MAJOR, Defect::Shape, 0, 32, HIDDEN),
        Rule::none(HANDED_Z, 4, 32),
        Rule::constant(SOME, 4, 1 | MAYBE, word(0), COLS),
        Rule::constant(SOME, 20, 1, word(0), ROWS),
    ]
};

/// Cases of a tensor.
pub(super) mod tensor_case {
    pub const INPUT: u8 = 1;
    pub const ARENA: u8 = 2;
    pub const LIST: u8 = 4;
    /// Its elements are larger than a byte.
    pub const WIDE: u8 = 8;
}

pub(super) const TENSOR: [Rule; 16] = {
    use tensor_case::*;
    [
        // I8 is 1, Bits 3.
        Rule::case(0, 4, LIST, 0),
        Rule::case(0, 6, WIDE, 0),
        Rule::positive(ALWAYS, Defect::Shape, 8, 32),
        Rule::positive(ALWAYS, Defect::Shape, 12, 32),
        Rule::equal(LIST, Defect::Shape, 8, 32, 1),
        Rule::zero(ALWAYS, 2, 16),
        Rule::zero(ALWAYS, 24, 32),
        Rule::zero(ALWAYS, 28, 32),
        Rule::equal(INPUT, Defect::Tensor, 1, 8, place::INPUT),
        Rule::equal(INPUT, Defect::Tensor, 4, 32, 0),
        // Both types that a caller may give are odd.
        Rule::equal(INPUT, Defect::Tensor, 0, 1, 1),
        Rule::equal(tensor_case::ARENA, Defect::Tensor, 1, 8, place::ARENA),
        Rule::clear(WIDE, Defect::Arena, 4, 3),
        Rule::within(ALWAYS, Defect::Arena, 4, END, MAX_ARENA),
        // All but the sign: so neither comparison needs a float instruction.
        Rule::at_most(ALWAYS, Defect::Tensor, 16, 31, FINITE),
        Rule::at_most(ALWAYS, Defect::Tensor, 20, 31, FINITE),
    ]
};

/// Cases of a section.
mod section_case {
    pub const RECORDS: u8 = 1;
    pub const RANGES: u8 = 2;
    pub const BLOB: u8 = 4;
    pub const UNKNOWN: u8 = 8;
    /// It begins with a count.
    pub const HEAD: u8 = 16;
    /// It is made of records, as it says.
    pub const SIZED: u8 = 32;
    pub const UNSIZED: u8 = 64;
}

/// By kind, the size of a section's records and its cases.
pub(super) static KINDS: [(u8, u8); 9] = {
    use section_case::*;
    let head = (0, BLOB | HEAD);
    [UNKNOWN_KIND, (64, RECORDS), (32, RECORDS), (48, RANGES), (0, BLOB), UNKNOWN_KIND, head, head, (0, BLOB)]
};
pub(super) const UNKNOWN_KIND: (u8, u8) = (0, section_case::UNKNOWN);

/// X is the least kind, END the least offset, WIDTH the size of a record, COLS the section's end.
pub(super) const SECTION: [Rule; 14] = {
    use section_case::*;
    [
        Rule::case(2, 0, SIZED, UNSIZED),
        Rule::sum(ALWAYS, ROWS, 2, word(12), ONE),
        Rule::at_least(ALWAYS, Defect::Section, 0, 16, X),
        Rule::at_least(UNKNOWN, Defect::Section, 0, 16, OPTIONAL),
        Rule::same(RECORDS | RANGES | BLOB, Defect::Section, 2, 16, WIDTH),
        Rule::clear(ALWAYS, Defect::Section, 4, 15),
        Rule::at_least(ALWAYS, Defect::Section, 4, 32, END),
        Rule::same(SIZED, Defect::Section, 8, 32, ROWS),
        Rule::equal(UNSIZED, Defect::Count, 12, 32, 0),
        Rule::within(ALWAYS, Defect::Section, 8, COLS, TOTAL),
        Rule::positive(RECORDS | RANGES, Defect::Count, 12, 32),
        Rule::at_most(RECORDS, Defect::Count, 12, 32, RECORDS_LIMIT),
        Rule::at_most(RANGES, Defect::Count, 12, 32, MAX_INDEX),
        Rule::positive(HEAD, Defect::Section, 8, 32),
    ]
};

/// Of the header alone.
pub(super) const HEADER: &[Rule] = &[
    Rule::same(ALWAYS, Defect::Magic, 0, 32, number::MAGIC),
    Rule::equal(ALWAYS, Defect::Format, 4, 16, FORMAT as u8),
    Rule::equal(ALWAYS, Defect::Size, 6, 16, 64),
    #[cfg(not(feature = "low-bit"))]
    Rule::at_most(ALWAYS, Defect::Unsupported, 20, 32, ONE),
    Rule::at_most(ALWAYS, Defect::Size, 24, 32, SPACE),
    Rule::equal(ALWAYS, Defect::Unsupported, 28, 32, 0),
    Rule::positive(ALWAYS, Defect::Count, 36, 16),
    Rule::at_most(ALWAYS, Defect::Count, 36, 16, SIXTEEN),
    Rule::zero(ALWAYS, 38, 16),
    Rule::zero(ALWAYS, 60, 32),
    Rule::at_least(ALWAYS, Defect::Size, 8, 32, number::HEADER),
    Rule::clear(ALWAYS, Defect::Size, 8, 15),
];

/// Of the header, when every record has been looked at.
pub(super) const TOTALS: &[Rule] = &[
    // READOUT has bit 7: without it there are no ops.
    Rule::at_least(ALWAYS, Defect::Section, 16, 8, HALF_TABLE),
    Rule::tensor(ALWAYS, 32, SOME, ANY, ANY),
    Rule::same(ALWAYS, Defect::Tensor, 34, 16, X),
    #[cfg(not(feature = "low-bit"))]
    Rule::same(ALWAYS, Defect::Features, 16, 16, FEATURES),
    #[cfg(not(feature = "low-bit"))]
    Rule::same(ALWAYS, Defect::Features, 18, 16, PACKING),
    #[cfg(feature = "low-bit")]
    Rule::same(ALWAYS, Defect::Features, 16, 32, FEATURES),
    Rule::same(ALWAYS, Defect::Unsupported, 20, 32, PACKING),
    Rule::same(ALWAYS, Defect::Arena, 24, 32, ARENA),
    Rule::same(ALWAYS, Defect::Cost, 40, 32, MACS),
    Rule::same(ALWAYS, Defect::Cost, 44, 32, number::GATES),
    Rule::same(ALWAYS, Defect::Cost, 56, 32, STEPS),
];

/// COUNT is the input's bytes, WIDTH the outputs, END the size of both, ROWS that of the head, COLS that of the section.
pub(super) const GOLDEN: [Rule; 6] = [
    Rule::same(ALWAYS, Defect::Golden, 4, 32, COUNT),
    Rule::same(ALWAYS, Defect::Golden, 8, 32, WIDTH),
    Rule::same(ALWAYS, Defect::Golden, 12, 32, END),
    Rule::sum(ALWAYS, ROWS, 0, END, ONE),
    Rule::within(ALWAYS, Defect::Golden, 0, ROWS, COLS),
    Rule::within(ALWAYS, Defect::Golden, 0, COLS, ROWS),
];
