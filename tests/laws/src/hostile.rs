//! Images made to run long: much work in few bytes, or work that is neither a multiply-accumulate nor a gate.

use leafgate_image::*;

use crate::layout::{Layout, NO_FFN, NO_ROUTE};
use crate::low_bit;
use crate::structure::NO_MOVE;

/// An image with what a run of it visits, counted by hand.
#[derive(Clone, Debug)]
pub struct Hostile {
    /// Unique.
    pub name: &'static str,
    /// The image.
    pub image: Vec<u8>,
    /// Products, gates, elements and comparisons; not what goes with one of them.
    pub visited: u64,
    /// The products and gates among them.
    pub counted: u64,
}

/// A MAP that changes nothing.
pub const NO_MAP: MapRecord = MapRecord {
    op: op::MAP,
    kind: map::CLAMP,
    flags: 0,
    input: 0,
    output: 0,
    second: NO_TENSOR,
    reserved0: 0,
    table: NONE,
    bias: NONE,
    rq: NONE,
    m1: 0,
    m2: 0,
    shift: 0,
    zero_point: 0,
    lo: -128,
    hi: 127,
    z1: 0,
    z2: 0,
    reserved1: 0,
    reserved: [0; 6],
};

/// No neurons: a constant.
const CONSTANT: RangeRecord = RangeRecord {
    neurons: 0,
    keys: NONE,
    key_bias: NONE,
    key_rq: NONE,
    ups: NONE,
    values: NONE,
    value_bias: NONE,
    scale_m: 0,
    scale_s: 0,
    flags: 0,
    reserved0: 0,
    reserved1: [0; 3],
};

/// All of them.
pub fn all() -> Vec<Hostile> {
    vec![
        top_k(),
        router(),
        constants(),
        weighted_constants(),
        appends(),
        stumps(),
        maps(),
        thresholds(),
        groups(),
        column(),
        few_bits(),
        gates(),
        series(),
        copies(),
    ]
}

/// Every class of thousands, in order.
fn top_k() -> Hostile {
    let n = 1900;
    let mut at = Layout::new(1, dtype::I8, 1, n);
    let scores = at.tensor(dtype::I8, 1, n);
    at.op(&MapRecord { output: scores, ..NO_MAP });
    let n = u64::from(n);
    let (visited, counted) = (n + n * n, 0);
    Hostile { name: "top-k of all scores", image: at.finish(scores, readout::TOP_K, n as u32), visited, counted }
}

/// Every expert of thousands, in order, into a list of one.
fn router() -> Hostile {
    let (experts, cols) = (1900, 1);
    let mut at = Layout::new(2, dtype::I8, 1, cols);
    let (list, scores) = (at.tensor(dtype::LIST, 1, 1), at.tensor(dtype::I32, 1, experts));
    let weights = at.weights(experts);
    let record =
        RouteRecord { kind: route::LINEAR, input: 0, list, count: experts, depth: experts, cols, weights, ..NO_ROUTE };
    at.op(&RouteRecord { scores, weight_format: WEIGHT_W8, ..record });
    let experts = u64::from(experts);
    let (visited, counted) = (experts + experts * experts, experts);
    Hostile { name: "router of all experts", image: at.finish(scores, readout::NONE, 0), visited, counted }
}

/// Thousands of ranges without neurons, each added to many outputs.
fn constants() -> Hostile {
    let (ranges, rows) = (3000, 1000);
    let mut at = Layout::new(3, dtype::I8, 1, 1);
    let value_bias = at.constant(&vec![1i32; rows as usize]);
    at.ranges.extend(vec![RangeRecord { value_bias, ..CONSTANT }; ranges as usize]);
    let acc = at.tensor(dtype::I32, 1, rows);
    at.op(&FfnRecord { output: acc, acc, range_count: ranges, cols: 1, rows, ..NO_FFN });
    let visited = u64::from(ranges) * u64::from(rows);
    Hostile { name: "constant ranges", image: at.finish(acc, readout::NONE, 0), visited, counted: 0 }
}

/// The same, named by a list with a weight, so that each goes through a partial sum.
fn weighted_constants() -> Hostile {
    let (entries, rows) = (2000, 1000);
    let mut at = Layout::new(4, dtype::I8, 1, 1);
    at.ranges.extend(vec![CONSTANT; entries as usize]);
    let list = at.tensor(dtype::LIST, 1, entries);
    let (acc, partial) = (at.tensor(dtype::I32, 1, rows), at.tensor(dtype::I32, 1, rows));
    at.op(&RouteRecord { list, count: entries, weight: 1, ..NO_ROUTE });
    at.op(&FfnRecord { output: acc, list, acc, partial, range_count: entries, cols: 1, rows, ..NO_FFN });
    let visited = u64::from(entries) + u64::from(entries) * u64::from(rows);
    Hostile { name: "weighted constant ranges", image: at.finish(acc, readout::NONE, 0), visited, counted: 0 }
}

/// Appends without end to a list that is full.
fn appends() -> Hostile {
    let (ops, count) = (60u32, 65535);
    let mut at = Layout::new(5, dtype::I8, 1, 1);
    let list = at.tensor(dtype::LIST, 1, 1);
    for _ in 0..ops {
        at.op(&RouteRecord { flags: route_flag::APPEND, list, count, ..NO_ROUTE });
    }
    let scores = at.tensor(dtype::I8, 1, 1);
    at.op(&MapRecord { output: scores, ..NO_MAP });
    let visited = u64::from(ops) * u64::from(count) + 1;
    Hostile { name: "static appends", image: at.finish(scores, readout::NONE, 0), visited, counted: 0 }
}

/// Trees of one level over one input: little but appends.
fn stumps() -> Hostile {
    let trees = 32_000;
    let mut at = Layout::new(6, dtype::I8, 1, 1);
    let list = at.tensor(dtype::LIST, 1, 1);
    let weights = at.weights(trees);
    let record =
        RouteRecord { kind: route::TREE, input: 0, list, count: trees, depth: 1, cols: 1, weights, ..NO_ROUTE };
    for _ in 0..10 {
        at.op(&RouteRecord { weight_format: WEIGHT_W8, ..record });
    }
    let scores = at.tensor(dtype::I8, 1, 1);
    at.op(&MapRecord { output: scores, ..NO_MAP });
    let counted = 10 * u64::from(trees);
    Hostile { name: "trees of one level", image: at.finish(scores, readout::NONE, 0), visited: counted + 1, counted }
}

/// Element by element, from one large tensor into another.
fn maps() -> Hostile {
    let cols = 300_000;
    let mut at = Layout::new(7, dtype::I8, 1, cols);
    let (first, second) = (at.tensor(dtype::I8, 1, cols), at.tensor(dtype::I8, 1, cols));
    let unbounded = MapRecord { lo: 0, hi: 0, ..NO_MAP };
    let table = at.weights(256);
    at.op(&MapRecord { kind: map::LUT256, output: first, table, ..unbounded });
    let add = MapRecord { kind: map::ADD, second: 0, m1: 1 << 20, m2: 1 << 20, shift: 21, ..NO_MAP };
    at.op(&MapRecord { input: first, output: second, ..add });
    let (table, rq) = (at.weights(cols), at.requant(1));
    at.op(&MapRecord { kind: map::AFFINE, input: second, output: first, table, rq, ..unbounded });
    at.op(&MapRecord { input: first, output: second, ..NO_MAP });
    let visited = 4 * u64::from(cols);
    Hostile { name: "maps", image: at.finish(second, readout::NONE, 0), visited, counted: visited / 4 }
}

/// Bits by thresholds on a single input.
fn thresholds() -> Hostile {
    let bits = 200_000;
    let mut at = Layout::new(8, dtype::I8, 1, 1);
    let output = at.tensor(dtype::BITS, 1, bits);
    let table = at.constant(&vec![ThresholdRecord::default(); bits as usize]);
    at.op(&MapRecord { kind: map::BITS, output, table, lo: 0, hi: 0, ..NO_MAP });
    let scores = at.tensor(dtype::I8, 1, 1);
    at.op(&MapRecord { output: scores, ..NO_MAP });
    let visited = u64::from(bits) + 1;
    Hostile { name: "thresholds", image: at.finish(scores, readout::NONE, 0), visited, counted: 0 }
}

/// Very many bits in very many groups, all but the last of them empty.
fn groups() -> Hostile {
    let (bits, groups) = (1_000_000, 200_000);
    let mut at = Layout::new(9, dtype::BITS, 1, bits);
    let output = at.tensor(dtype::I32, 1, groups);
    let mut bounds = vec![0; groups as usize];
    bounds.push(bits);
    let bounds = at.constant(&bounds);
    let record = GroupSumRecord { op: op::GROUPSUM, input: 0, output, groups, bounds, ..GroupSumRecord::default() };
    at.op(&GroupSumRecord { bias: NONE, ..record });
    let visited = u64::from(bits) + u64::from(groups);
    Hostile { name: "groups", image: at.finish(output, readout::NONE, 0), visited, counted: 0 }
}

/// Rows of one weight: a requantisation for each product.
fn column() -> Hostile {
    let (samples, rows) = (1000, 1000);
    let mut at = Layout::new(10, dtype::I8, samples, 1);
    let output = at.tensor(dtype::I8, samples, rows);
    let (weights, rq) = (at.weights(rows), at.requant(rows));
    let record = LinearRecord {
        op: op::LINEAR,
        flags: linear_flag::RQ_PER_ROW,
        output,
        rows,
        cols: 1,
        weights,
        bias: NONE,
        rq,
        weight_format: WEIGHT_W8,
        ..LinearRecord::default()
    };
    at.op(&record);
    let (scores, weights) = (at.tensor(dtype::I32, 1, 1), at.weights(samples));
    let flags = linear_flag::TRANSPOSED;
    at.op(&LinearRecord { flags, output: scores, rows: 1, cols: samples, weights, rq: NONE, ..record });
    let counted = u64::from(samples) * u64::from(rows) + u64::from(samples);
    Hostile { name: "a column", image: at.finish(scores, readout::NONE, 0), visited: counted, counted }
}

/// Rows of one weight of two bits, each of which is prepared for, has a scale and stands in a block of sixteen.
fn few_bits() -> Hostile {
    let samples = 20_000;
    let mut at = Layout::new(12, dtype::I8, samples, 1);
    let output = at.tensor(dtype::I8, samples, 1);
    let layer = low_bit::record(&mut at, WEIGHT_T2_COLUMNS, GROUP_COLS as u8, (1, 1));
    let rq = at.requant(1);
    at.op(&LinearRecord { output, rq, ..layer });
    let (flat, scores) = (at.flattened(output), at.tensor(dtype::I32, 1, 1));
    let layer = low_bit::record(&mut at, WEIGHT_W4_COLUMNS, 0, (1, samples));
    at.op(&LinearRecord { input: flat, output: scores, ..layer });
    let counted = 2 * u64::from(samples);
    Hostile { name: "few bits", image: at.finish(scores, readout::NONE, 0), visited: counted, counted }
}

/// The gates of a netlist, again and again.
fn gates() -> Hostile {
    let gates = 70_000;
    let mut at = Layout::new(11, dtype::BITS, 1, 1);
    let output = at.tensor(dtype::I32, 1, 1 << 14);
    let (table, series) = (at.constant(&vec![0u32; gates as usize]), at.constant(&[gates | 6 << 28, 0u32]));
    let (op, kind, none) = (op::GATES, wiring::NETLIST, GatesRecord::default());
    let record = GatesRecord { op, kind, input: 0, output, count: gates, table, series, series_count: 1, ..none };
    for _ in 0..10 {
        at.op(&record);
    }
    let (scores, bounds) = (at.tensor(dtype::I32, 1, 1), at.constant(&[0u32, 1]));
    let (op, kind, none) = (op::GROUPSUM, group_sum::SIGNALS, GroupSumRecord::default());
    at.op(&GroupSumRecord { op, kind, input: output, output: scores, groups: 1, bounds, bias: NONE, ..none });
    let counted = 10 * u64::from(gates);
    Hostile { name: "gates", image: at.finish(scores, readout::NONE, 0), visited: counted + (4 << 14), counted }
}

/// A netlist of very many series without gates.
fn series() -> Hostile {
    let count = 300_000;
    let mut at = Layout::new(12, dtype::BITS, 1, 1);
    let output = at.tensor(dtype::I32, 1, 8);
    let series = at.constant(&vec![SeriesRecord::default(); count as usize]);
    let (op, kind, none) = (op::GATES, wiring::NETLIST, GatesRecord::default());
    at.op(&GatesRecord { op, kind, input: 0, output, count: 0, table: 0, series, series_count: count, ..none });
    let (scores, bounds) = (at.tensor(dtype::I32, 1, 1), at.constant(&[0u32, 1]));
    let (op, kind, none) = (op::GROUPSUM, group_sum::SIGNALS, GroupSumRecord::default());
    at.op(&GroupSumRecord { op, kind, input: output, output: scores, groups: 1, bounds, bias: NONE, ..none });
    let visited = u64::from(count) + 64;
    Hostile { name: "series", image: at.finish(scores, readout::NONE, 0), visited, counted: 0 }
}

/// One element copied to all of a tensor, again and again.
fn copies() -> Hostile {
    let elements = 300_000;
    let mut at = Layout::new(13, dtype::I8, 1, 1);
    let output = at.tensor(dtype::I8, 1, elements);
    for _ in 0..4 {
        at.op(&MoveRecord { output, cols: elements, from_col: 0, to_row: elements, ..NO_MOVE });
        at.op(&MoveRecord { output, rows: elements, ..NO_MOVE });
    }
    let visited = 8 * u64::from(elements);
    Hostile { name: "copies", image: at.finish(output, readout::NONE, 0), visited, counted: 0 }
}
