//! Images laid out record by record, for what the format allows and the converter does not emit: several rows, transposed views,
//! accumulation, neurons without handed sums, weights of a static route, lists that overflow, inputs of bits.

use leafgate_image::*;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::draw::Draw;
use crate::low_bit;
use crate::parts::{Parts, Section};
use crate::structure;

/// An image in the making; every tensor has a place of its own in the arena, unless it is said otherwise.
#[derive(Debug)]
pub struct Layout {
    /// Draws what the constants hold.
    pub draw: Draw,
    /// Tensors; the input is the first.
    pub tensors: Vec<TensorRecord>,
    ops: Vec<OpRecord>,
    /// Ranges of neurons.
    pub ranges: Vec<RangeRecord>,
    constants: Vec<u8>,
    /// Where the next tensor begins.
    pub arena: u32,
}

impl Layout {
    /// An image with this input.
    pub fn new(seed: u64, dtype: u8, rows: u32, cols: u32) -> Self {
        let input = TensorRecord { dtype, place: place::INPUT, rows, cols, scale: 1.0, ..TensorRecord::default() };
        let (ops, ranges, constants) = (Vec::new(), Vec::new(), Vec::new());
        Self { draw: Draw::new(seed), tensors: vec![input], ops, ranges, constants, arena: 0 }
    }

    /// A tensor in the arena.
    pub fn tensor(&mut self, dtype: u8, rows: u32, cols: u32) -> u16 {
        let offset = self.arena;
        let record = TensorRecord { dtype, place: place::ARENA, offset, rows, cols, ..TensorRecord::default() };
        self.arena += record.bytes().unwrap_or(0).next_multiple_of(4);
        self.tensors.push(record);
        (self.tensors.len() - 1) as u16
    }

    /// Constants, at a multiple of 4.
    pub fn constant<T: IntoBytes + Immutable>(&mut self, data: &[T]) -> u32 {
        self.constants.resize(self.constants.len().next_multiple_of(4), 0);
        let at = self.constants.len() as u32;
        self.constants.extend_from_slice(data.as_bytes());
        at
    }

    /// Rows of a tensor, one after the other, as one.
    pub(crate) fn flattened(&mut self, tensor: u16) -> u16 {
        let record = self.tensors[usize::from(tensor)];
        self.tensors.push(TensorRecord { rows: 1, cols: record.rows * record.cols, ..record });
        (self.tensors.len() - 1) as u16
    }

    /// 32 random bits.
    pub(crate) fn word(&mut self) -> u32 {
        self.draw.word()
    }

    /// Random bytes.
    pub fn weights(&mut self, count: u32) -> u32 {
        let mut bytes = vec![0u8; count as usize];
        self.draw.fill(&mut bytes);
        self.constant(&bytes)
    }

    /// Random words of a few thousand.
    pub fn biases(&mut self, count: u32) -> u32 {
        let biases: Vec<i32> = (0..count).map(|_| self.draw.below(4000) as i32 - 2000).collect();
        self.constant(&biases)
    }

    /// Records that bring sums of a few thousand to signed bytes.
    pub fn requant(&mut self, count: u32) -> u32 {
        let records: Vec<RequantRecord> = (0..count)
            .map(|_| RequantRecord {
                m: (1 << 30) + (self.draw.word() >> 2),
                s: 36 + self.draw.below(3) as u8,
                zero_point: self.draw.below(9) as i8 - 4,
                lo: -120,
                hi: 127,
            })
            .collect();
        self.constant(&records)
    }

    /// Adds an op.
    pub fn op<T: IntoBytes + Immutable + KnownLayout>(&mut self, record: &T) {
        self.ops.extend(OpRecord::read_from_bytes(record.as_bytes()));
    }

    /// The image, which reads out `scores`.
    pub fn finish(mut self, scores: u16, kind: u8, k: u32) -> Vec<u8> {
        let output = if k == 0 { NO_TENSOR } else { self.tensor(dtype::I32, 1, k) };
        self.op(&ReadoutRecord { op: op::READOUT, kind, input: scores, output, k, ..ReadoutRecord::default() });
        let header =
            Header { magic: MAGIC, format: FORMAT, header_bytes: 64, input: 0, output: scores, ..Header::default() };
        let mut sections = vec![
            Section { kind: section::OPS, record_bytes: 64, bytes: self.ops.as_bytes().to_vec() },
            Section { kind: section::TENSORS, record_bytes: 32, bytes: self.tensors.as_bytes().to_vec() },
        ];
        if !self.ranges.is_empty() {
            let bytes = self.ranges.as_bytes().to_vec();
            sections.push(Section { kind: section::RANGES, record_bytes: 48, bytes });
        }
        sections.push(Section { kind: section::CONSTANTS, record_bytes: 0, bytes: self.constants });
        let mut parts = Parts { header, sections };
        parts.repair_figures();
        parts.assemble()
    }
}

/// All of them with their names.
pub fn all() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("rows", rows()),
        ("neurons", neurons()),
        ("lists", lists()),
        ("bits", bits()),
        ("netlist", netlist(9, 256)),
        ("netlist-odd", netlist(10, 244)),
        ("wide", wide()),
        ("edges", edges()),
        ("pairs", pairs()),
        ("low-bit", low_bit::image(9, 0)),
        ("low-bit-groups", low_bit::image(10, GROUP_COLS as u8)),
        ("moves", structure::moves()),
        ("moved-words", structure::words()),
    ]
}

/// Matrices in pairs: two rows of input, more than eight quads, what is left over of rows and columns, both kinds of output and of
/// records, accumulation. Weights are any halves of words.
fn pairs() -> Vec<u8> {
    let (rows, cols) = (6, 35);
    let mut at = Layout::new(7, dtype::I8, 2, cols);
    let matrix = |at: &mut Layout, rows: u32, cols: u32| {
        let quads = cols.div_ceil(4);
        let prepared = at.tensor(dtype::I32, 1, 2 * quads);
        let mut words: Vec<i32> =
            (0..4 * rows.div_ceil(4) * (1 + quads)).map(|_| at.draw.word().cast_signed()).collect();
        // So large that they are seen, and no accumulator overflows.
        words.chunks_mut(4 + 4 * quads as usize).flat_map(|group| &mut group[..4]).for_each(|start| *start >>= 6);
        let (op, weight_format, weights) = (op::LINEAR, WEIGHT_W8_PAIRS, at.constant(&words));
        LinearRecord {
            op,
            rows,
            cols,
            weights,
            bias: NONE,
            rq: NONE,
            weight_format,
            prepared,
            ..LinearRecord::default()
        }
    };
    // A shift of 32 or less takes another way.
    let records = |at: &mut Layout, count: u32| {
        let record =
            |i| RequantRecord { m: (1 << 30) + 12345 * i, s: 39 + i as u8 % 3, zero_point: 3, lo: -100, hi: 110 };
        let slow = RequantRecord { m: 1 << 30, s: 32, zero_point: -1, lo: -128, hi: 127 };
        let records: Vec<RequantRecord> = (0..count).map(|i| if i == 5 { slow } else { record(i) }).collect();
        at.constant(&records)
    };
    let first = at.tensor(dtype::I8, 2, rows);
    let record = matrix(&mut at, rows, cols);
    let (rq, bias) = (records(&mut at, 1), at.biases(rows));
    at.op(&LinearRecord { input: 0, output: first, rq, bias, ..record });
    let flat = at.flattened(first);
    let second = at.tensor(dtype::I8, 1, 10);
    let record = matrix(&mut at, 10, 2 * rows);
    let (rq, bias) = (records(&mut at, 10), at.biases(10));
    at.op(&LinearRecord { flags: linear_flag::RQ_PER_ROW, input: flat, output: second, rq, bias, ..record });
    let scores = at.tensor(dtype::I32, 1, 6);
    let record = matrix(&mut at, 6, 10);
    let bias = at.biases(6);
    at.op(&LinearRecord { input: second, output: scores, bias, ..record });
    at.op(&LinearRecord { flags: linear_flag::ACCUMULATE, input: second, output: scores, ..record });
    at.finish(scores, readout::TOP_K, 3)
}

/// A tensor of several rows through LINEAR and MAP, read as its transpose, added up.
fn rows() -> Vec<u8> {
    let mut at = Layout::new(1, dtype::I8, 3, 4);
    let mixed = at.tensor(dtype::I8, 4, 2);
    let linear = |at: &mut Layout, input, output, rows, cols, flags, rq| {
        let (weights, bias) = (at.weights(rows * cols), at.biases(rows));
        let weight_format = WEIGHT_W8;
        LinearRecord {
            op: op::LINEAR,
            flags,
            input,
            output,
            rows,
            cols,
            weights,
            bias,
            rq,
            weight_format,
            ..LinearRecord::default()
        }
    };
    let rq = at.requant(2);
    let record = linear(&mut at, 0, mixed, 2, 3, linear_flag::TRANSPOSED | linear_flag::RQ_PER_ROW, rq);
    at.op(&record);
    let affine = at.tensor(dtype::I8, 4, 2);
    let none = MapRecord { op: op::MAP, second: NO_TENSOR, table: NONE, bias: NONE, rq: NONE, ..MapRecord::default() };
    let record = MapRecord {
        kind: map::AFFINE,
        flags: MAP_RQ_PER_COL,
        input: mixed,
        output: affine,
        table: at.weights(2),
        bias: at.biases(2),
        rq: at.requant(2),
        ..none
    };
    at.op(&record);
    let table = at.tensor(dtype::I8, 4, 2);
    let record = MapRecord { kind: map::LUT256, input: affine, output: table, table: at.weights(256), ..none };
    at.op(&record);
    let sum = at.tensor(dtype::I8, 4, 2);
    let (m1, m2, shift, zero_point, z1, z2) = (1 << 20, -(1 << 19), 20, 3, -7, 9);
    let record = MapRecord {
        kind: map::ADD,
        input: table,
        second: mixed,
        output: sum,
        m1,
        m2,
        shift,
        zero_point,
        lo: -100,
        hi: 100,
        z1,
        z2,
        ..none
    };
    at.op(&record);
    let bounded = at.tensor(dtype::I8, 4, 2);
    at.op(&MapRecord { kind: map::CLAMP, input: sum, output: bounded, lo: -50, hi: 60, ..none });
    let column = at.tensor(dtype::I8, 4, 1);
    let rq = at.requant(1);
    let record = linear(&mut at, bounded, column, 1, 2, 0, rq);
    at.op(&record);
    let scores = at.tensor(dtype::I32, 1, 5);
    for flags in [linear_flag::TRANSPOSED, linear_flag::TRANSPOSED | linear_flag::ACCUMULATE] {
        let record = linear(&mut at, column, scores, 5, 4, flags, NONE);
        at.op(&record);
    }
    at.finish(scores, readout::TOP_K, 3)
}

/// An FFN of nothing.
pub const NO_FFN: FfnRecord = FfnRecord {
    op: op::FFN,
    kind: activation::RELU,
    flags: 0,
    input: 0,
    output: 0,
    list: NO_TENSOR,
    hidden: NO_TENSOR,
    acc: 0,
    partial: NO_TENSOR,
    first_range: 0,
    range_count: 1,
    cols: 0,
    rows: 0,
    shared_bias: NONE,
    rq: NONE,
    lut: NONE,
    weight_format: WEIGHT_W8,
    reserved0: [0; 3],
    reserved: [0; 4],
};

/// A static ROUTE of one range.
pub const NO_ROUTE: RouteRecord = RouteRecord {
    op: op::ROUTE,
    kind: route::STATIC,
    flags: 0,
    input: NO_TENSOR,
    list: 0,
    first: 0,
    count: 1,
    depth: 0,
    cols: 0,
    weights: NONE,
    bias: NONE,
    scores: NO_TENSOR,
    weight: ONE_Q15,
    gate_rq: NONE,
    gate_table: NONE,
    weight_format: 0,
    reserved0: [0; 3],
    reserved: [0; 4],
};

/// Entries that name neurons, weighted and not, in a list that is too short, added to what is there.
fn neurons() -> Vec<u8> {
    let mut at = Layout::new(2, dtype::I8, 1, 6);
    let (n, cols, rows) = (7, 6, 3);
    let range = RangeRecord {
        neurons: n,
        keys: at.weights(n * cols),
        key_bias: at.biases(n),
        key_rq: at.requant(n),
        ups: NONE,
        values: at.weights(n * rows),
        value_bias: NONE,
        flags: range_flag::RQ_PER_NEURON,
        ..RangeRecord::default()
    };
    at.ranges.push(range);
    // The same neurons with a scale, whose sums come with the entry.
    at.ranges.push(RangeRecord { keys: NONE, scale_m: (1 << 30) + 12345, scale_s: 31, ..range });
    let list = at.tensor(dtype::LIST, 1, 4);
    let (acc, partial) = (at.tensor(dtype::I32, 1, rows), at.tensor(dtype::I32, 1, rows));
    at.op(&RouteRecord { list, first: 4, count: 2, weight: 20000, ..NO_ROUTE });
    let tree = RouteRecord {
        kind: route::TREE,
        flags: route_flag::APPEND | route_flag::PATH,
        input: 0,
        list,
        depth: 3,
        cols,
        weights: at.weights(n * cols),
        bias: at.biases(n),
        weight_format: WEIGHT_W8,
        ..NO_ROUTE
    };
    at.op(&tree);
    let first = FfnRecord {
        flags: ffn_flag::NEURONS | ffn_flag::KEEP_POSITIVE,
        output: acc,
        list,
        acc,
        partial,
        cols,
        rows,
        shared_bias: at.biases(rows),
        ..NO_FFN
    };
    at.op(&first);
    at.op(&RouteRecord { flags: route_flag::PATH | route_flag::HAND_Z, weight: 30000, ..tree });
    let output = at.tensor(dtype::I8, 1, rows);
    let second = FfnRecord {
        kind: activation::LUT256,
        flags: ffn_flag::NEURONS | ffn_flag::HANDED_Z | ffn_flag::START_ACC | ffn_flag::RQ_PER_ROW,
        output,
        first_range: 1,
        shared_bias: NONE,
        rq: at.requant(rows),
        lut: at.weights(256),
        ..first
    };
    at.op(&second);
    at.finish(output, readout::ARGMAX, 1)
}

/// Ranges of both packings with and without scales, a constant expert, weighted without a gate table.
fn lists() -> Vec<u8> {
    let mut at = Layout::new(3, dtype::I8, 1, 5);
    let (n, cols, rows, experts) = (4, 5, 6, 5);
    for i in 0..experts {
        let scale = if i % 2 == 0 { (0, 0) } else { ((1 << 30) + 999 * i, 30 + i as u8 % 3) };
        let flags = if i < 2 { range_flag::OUTPUT_MAJOR } else { 0 };
        let range = RangeRecord {
            neurons: n,
            keys: at.weights(n * cols),
            key_bias: if i == 3 { NONE } else { at.biases(n) },
            key_rq: at.requant(1),
            ups: NONE,
            values: at.weights(n * rows),
            value_bias: at.biases(rows),
            scale_m: scale.0,
            scale_s: scale.1,
            flags,
            ..RangeRecord::default()
        };
        let constant = RangeRecord { neurons: 0, keys: NONE, key_bias: NONE, key_rq: NONE, values: NONE, ..range };
        at.ranges.push(if i == 4 { constant } else { range });
    }
    let (list, scores) = (at.tensor(dtype::LIST, 1, 6), at.tensor(dtype::I32, 1, experts));
    let record = RouteRecord {
        kind: route::LINEAR,
        input: 0,
        list,
        count: experts,
        depth: 3,
        cols,
        weights: at.weights(experts * cols),
        scores,
        weight: 16384,
        weight_format: WEIGHT_W8,
        ..NO_ROUTE
    };
    at.op(&record);
    at.op(&RouteRecord { flags: route_flag::APPEND, list, first: 3, count: 2, ..NO_ROUTE });
    let table: Vec<u16> = (0..256).map(|i| (i * 128) as u16).collect();
    let gated = RouteRecord { gate_rq: at.requant(1), gate_table: at.constant(&table), ..record };
    at.op(&RouteRecord { flags: route_flag::APPEND, depth: 2, ..gated });
    let (acc, partial) = (at.tensor(dtype::I32, 1, rows), at.tensor(dtype::I32, 1, rows));
    let hidden = at.tensor(dtype::I8, 1, n);
    let ffn = FfnRecord { output: acc, list, hidden, acc, partial, range_count: experts, cols, rows, ..NO_FFN };
    at.op(&ffn);
    at.finish(acc, readout::TOP_K, 6)
}

/// What random weights hardly ever meet: a tree that ties, a neuron whose sum is zero but whose activation is not, a weight whose product
/// with the multiplier is rounded up.
fn edges() -> Vec<u8> {
    let mut at = Layout::new(6, dtype::I8, 1, 2);
    let none = RangeRecord {
        neurons: 0,
        keys: NONE,
        key_bias: NONE,
        key_rq: NONE,
        ups: NONE,
        values: NONE,
        value_bias: NONE,
        ..RangeRecord::default()
    };
    let left = RangeRecord { value_bias: at.constant(&[10i32, 20]), ..none };
    let right = RangeRecord { value_bias: at.constant(&[4i32, 8]), scale_m: (1 << 30) + 1, scale_s: 4, ..none };
    let rq = RequantRecord { m: 1 << 30, s: 30, zero_point: 5, lo: -128, hi: 127 };
    let (key_rq, values) = (at.constant(&[rq]), at.constant(&[3i8, 7]));
    let at_zero = RangeRecord { neurons: 1, key_rq, values, ..none };
    at.ranges.extend([left, right, at_zero]);
    let list = at.tensor(dtype::LIST, 1, 2);
    let (cols, weights) = (2, at.constant(&[0i8; 2]));
    let tree = RouteRecord { kind: route::TREE, input: 0, list, depth: 1, cols, weights, weight: 20001, ..NO_ROUTE };
    at.op(&RouteRecord { weight_format: WEIGHT_W8, ..tree });
    at.op(&RouteRecord { flags: route_flag::APPEND, list, first: 2, ..NO_ROUTE });
    let (acc, partial) = (at.tensor(dtype::I32, 1, 2), at.tensor(dtype::I32, 1, 2));
    let (kind, flags) = (activation::IDENTITY, ffn_flag::KEEP_POSITIVE);
    at.op(&FfnRecord { kind, flags, output: acc, list, acc, partial, range_count: 3, cols, rows: 2, ..NO_FFN });
    at.finish(acc, readout::ARGMAX, 1)
}

/// A list over which the scores lie: they are the words of the list after a route has emptied it and appended one entry.
pub fn emptied_list() -> Vec<u8> {
    let mut at = Layout::new(5, dtype::I8, 1, 1);
    let list = at.tensor(dtype::LIST, 1, 1);
    at.op(&RouteRecord { list, first: 7, ..NO_ROUTE });
    at.arena = 0;
    let scores = at.tensor(dtype::I32, 1, 4);
    at.finish(scores, readout::NONE, 0)
}

/// Bits from the caller through words of gates to groups that begin and end inside words.
fn bits() -> Vec<u8> {
    let mut at = Layout::new(4, dtype::BITS, 1, 70);
    let mut input = 0;
    for (cols, inputs) in [(90, 3), (64, 3)] {
        let output = at.tensor(dtype::BITS, 1, cols);
        let words = cols.div_ceil(32);
        let table = word_gates(&mut at, words as usize, inputs);
        let (op, kind, table) = (op::GATES, wiring::WORD, at.constant(&table));
        at.op(&GatesRecord { op, kind, input, output, count: words, table, ..GatesRecord::default() });
        input = output;
    }
    sums(at, group_sum::BITS, input, &[3, 20, 20, 47, 64])
}

/// Ones of `input` in the groups between `bounds`, with biases.
fn sums(mut at: Layout, kind: u8, input: u16, bounds: &[u32]) -> Vec<u8> {
    let groups = bounds.len() as u32 - 1;
    let output = at.tensor(dtype::I32, 1, groups);
    let (bounds, bias) = (at.constant(bounds), at.biases(groups));
    let none = GroupSumRecord::default();
    at.op(&GroupSumRecord { op: op::GROUPSUM, kind, input, output, groups, bounds, bias, ..none });
    at.finish(output, readout::ARGMAX, 1)
}

/// A netlist on 70 bits from the caller with `signals` signals: every function, in series of zero gates to many, from whole blocks of a
/// kernel to what is left over; gates that read those before them in their series; places that are written twice; a series that ends
/// with the signals.
fn netlist(seed: u64, signals: u32) -> Vec<u8> {
    const INPUTS: u32 = 96;
    let mut at = Layout::new(seed, dtype::BITS, 1, 70);
    let output = at.tensor(dtype::I32, 1, signals / 4);
    let (mut wires, mut series, mut written) = (Vec::new(), Vec::new(), INPUTS);
    for i in 0..27u32 {
        let function = [1, 2, 7, 11, 6, 8, 14, 9, 0, 3, 4, 5, 10, 12, 13, 15][(i % 16) as usize];
        let gates = [9, 1, 16, 7, 8, 0, 3, 13][(i as usize * 5) % 8];
        // Some write over what is there.
        let first = if i % 5 == 4 { at.draw.below(written as usize) as u32 } else { written };
        for gate in 0..gates {
            let known = written.max(first + gate).min(signals) as usize;
            let wire = |draw: &mut Draw| {
                // Now and then one of the last two.
                let back = if draw.one_in(4) { 2 } else { known };
                (known - 1 - draw.below(back)) as u32
            };
            wires.push(wire(&mut at.draw) | wire(&mut at.draw) << 16);
        }
        written = written.max(first + gates).min(signals);
        series.push(SeriesRecord { end: wires.len() as u32 | function << 28, first });
    }
    assert_eq!(written, signals, "every signal is written, and the last series ends with them");
    let (count, series_count) = (wires.len() as u32, series.len() as u32);
    let (table, series) = (at.constant(&wires), at.constant(&series));
    let (op, kind, none) = (op::GATES, wiring::NETLIST, GatesRecord::default());
    at.op(&GatesRecord { op, kind, input: 0, output, count, table, series, series_count, ..none });
    sums(at, group_sum::SIGNALS, output, &[97, 97, 130, 131, 163, 201, signals - 1])
}

/// Random words of gates that read `inputs` words.
fn word_gates(at: &mut Layout, words: usize, inputs: usize) -> Vec<WordGates> {
    let mut word = || {
        let [a, b] = [0; 2].map(|_| (at.draw.below(inputs) | at.draw.below(32) << 11) as u32);
        WordGates { wiring: a | b << 16, masks: std::array::from_fn(|_| at.draw.word()) }
    };
    (0..words).map(|_| word()).collect()
}

/// Word wiring of odd and even numbers of words, one of them with a part of its last word only; groups from a part of a word to many words.
fn wide() -> Vec<u8> {
    let mut at = Layout::new(8, dtype::BITS, 1, 333);
    let (mut input, mut inputs) = (0, 11);
    for cols in [540u32, 32, 640, 672] {
        let output = at.tensor(dtype::BITS, 1, cols);
        let words = cols.div_ceil(32);
        let table = word_gates(&mut at, words as usize, inputs);
        let table = at.constant(&table);
        let (op, kind, none) = (op::GATES, wiring::WORD, GatesRecord::default());
        at.op(&GatesRecord { op, kind, input, output, count: words, table, ..none });
        (input, inputs) = (output, words as usize);
    }
    let (groups, bounds) = (9, at.constant(&[1u32, 31, 32, 64, 65, 170, 171, 320, 331, 671]));
    let scores = at.tensor(dtype::I32, 1, groups);
    let record = GroupSumRecord {
        op: op::GROUPSUM,
        input,
        output: scores,
        groups,
        bounds,
        bias: NONE,
        ..GroupSumRecord::default()
    };
    at.op(&record);
    at.finish(scores, readout::ARGMAX, 1)
}

/// Ones of the caller's bits in the groups between `bounds`.
pub fn counted(bits: u32, bounds: &[u32]) -> Vec<u8> {
    let mut at = Layout::new(7, dtype::BITS, 1, bits);
    let groups = bounds.len() as u32 - 1;
    let scores = at.tensor(dtype::I32, 1, groups);
    let (bounds, bias) = (at.constant(bounds), NONE);
    let none = GroupSumRecord::default();
    at.op(&GroupSumRecord { op: op::GROUPSUM, input: 0, output: scores, groups, bounds, bias, ..none });
    at.finish(scores, readout::ARGMAX, 1)
}

/// Counts bits of the caller, and then the bits of the counts, which another tensor in the same place makes of them.
pub fn recounted() -> Vec<u8> {
    let mut at = Layout::new(7, dtype::BITS, 1, 96);
    let counts = at.tensor(dtype::I32, 1, 3);
    let bits = at.tensor(dtype::BITS, 1, 96);
    at.tensors[usize::from(bits)].offset = at.tensors[usize::from(counts)].offset;
    let scores = at.tensor(dtype::I32, 1, 3);
    let bounds = at.constant(&[0u32, 31, 70, 96]);
    for (input, output) in [(0, counts), (bits, scores)] {
        let none = GroupSumRecord::default();
        at.op(&GroupSumRecord { op: op::GROUPSUM, input, output, groups: 3, bounds, bias: NONE, ..none });
    }
    at.finish(scores, readout::ARGMAX, 1)
}
