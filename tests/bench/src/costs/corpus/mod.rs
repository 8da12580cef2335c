//! Images of many small ops of every kind, shape and way: what the pieces of work are solved from.
//!
//! Each op works on the same few tensors, so that an image is little more than its records; weights and records are parts of pools. Shapes are
//! drawn, so that every remainder of a loop occurs with every other, and no piece can hide behind another that always comes with it.

mod ffn;
mod gates;
mod low_bit;

use leafgate_image::*;
use leafgate_tests_laws::hostile::NO_MAP;
use leafgate_tests_laws::layout::{Layout, NO_ROUTE};

/// Elements of the input.
const INPUT: u32 = 96;
/// The same where rows are to be long.
const LONG_INPUT: u32 = 1040;
/// Bits for gates and sums.
const BITS: u32 = 700;
/// Longest row of weights, and most rows.
const COLS: u32 = 80;
const ROWS: u32 = 24;
/// Records in a pool.
const RECORDS: u32 = 48;

/// What is drawn into an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// LINEAR in every layout.
    Dense,
    /// FFN of ranges taken whole, with what routes to them.
    Whole,
    /// FFN whose neurons may be skipped, or are named one by one.
    Skip,
    /// ROUTE.
    Route,
    /// GATES, GROUPSUM and MAP to bits.
    Bits,
    /// MAP.
    Map,
    /// GATES and GROUPSUM of a netlist.
    Netlist,
    /// LINEAR on weights of few bits.
    LowBit,
}

impl Topic {
    fn input(self) -> u32 {
        if self == Self::LowBit { LONG_INPUT } else { INPUT }
    }

    /// Draws of an op, or of some, in an image.
    fn draws(self) -> u64 {
        if matches!(self, Self::Dense | Self::LowBit) { 14 } else { 9 }
    }
}

/// Every topic, with the number of images of it.
pub const TOPICS: [(Topic, u64); 8] = [
    (Topic::Dense, 52),
    (Topic::Whole, 32),
    (Topic::Skip, 56),
    (Topic::Route, 20),
    (Topic::Bits, 30),
    (Topic::Map, 12),
    (Topic::Netlist, 24),
    (Topic::LowBit, 60),
];

/// An image in the making.
struct Corpus {
    at: Layout,
    /// The input, copied to the arena.
    x: u16,
    /// Another copy, for ops of two inputs.
    second: u16,
    /// Bits, if the topic needs them.
    bits: Option<u16>,
    /// Where tensors of an op begin.
    base: u32,
    weights: u32,
    biases: u32,
    records: u32,
    /// Records with shifts of all sizes.
    odd: u32,
}

const POOL: u32 = 4096;

/// The image `seed` of a topic.
#[must_use]
pub fn image(topic: Topic, seed: u64) -> Vec<u8> {
    let width = topic.input();
    let mut at = Layout::new(seed + 1000, dtype::I8, 1, width);
    let x = at.tensor(dtype::I8, 1, width);
    at.op(&MapRecord { output: x, ..NO_MAP });
    let second = at.tensor(dtype::I8, 1, width);
    at.op(&MapRecord { output: second, lo: -100, hi: 90, ..NO_MAP });
    // Some so small that they stay inside the bounds where the input is zero.
    let some: Vec<i32> = (0..RECORDS)
        .map(|_| [3, 100, 1000, 4000][at.draw.below(4)] * (at.draw.below(201) as i32 - 100) / 100)
        .collect();
    let (weights, biases) = (at.weights(POOL), at.constant(&some));
    let [records, odd] = [false, true].map(|is_odd| {
        let records: Vec<RequantRecord> = (0..RECORDS)
            .map(|_| {
                let s = if is_odd && at.draw.one_in(2) { 1 + at.draw.below(32) } else { 36 + at.draw.below(8) } as u8;
                let [lo, hi] = *at.draw.choose(&[[-128, 127], [-120, 127], [0, 127], [-3, 60]]);
                RequantRecord {
                    m: (1 << 30) + (at.draw.word() >> 2),
                    s,
                    zero_point: at.draw.below(9) as i8 - 4,
                    lo,
                    hi,
                }
            })
            .collect();
        at.constant(&records)
    });
    let mut corpus = Corpus { base: at.arena, at, x, second, bits: None, weights, biases, records, odd };
    if matches!(topic, Topic::Bits | Topic::Netlist) {
        corpus.make_bits();
    }
    for draw in 0..topic.draws() {
        corpus.at.arena = corpus.base;
        match topic {
            Topic::Dense => corpus.linear(),
            Topic::Whole => corpus.ffn(true),
            Topic::Skip if corpus.one_in(2) => corpus.neurons(),
            Topic::Skip => corpus.ffn(false),
            Topic::Route => {
                let list = corpus.list();
                corpus.route(list, false, 60);
                if corpus.one_in(2) {
                    corpus.route(list, true, 60);
                }
            }
            Topic::Bits => corpus.bits_op(),
            Topic::Map => corpus.map(),
            Topic::Netlist => corpus.netlist(),
            Topic::LowBit => corpus.low_bit((seed * topic.draws() + draw) as u32),
        }
    }
    corpus.finish()
}

impl Corpus {
    fn below(&mut self, n: u32) -> u32 {
        self.at.draw.below(n as usize) as u32
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.at.draw.one_in(n)
    }

    fn cols(&mut self) -> u32 {
        if self.one_in(6) { INPUT } else { 1 + self.below(COLS) }
    }

    fn rows(&mut self) -> u32 {
        1 + self.below(ROWS)
    }

    /// The input as a tensor of another shape; now and then the caller's memory itself.
    fn input(&mut self, rows: u32, cols: u32) -> u16 {
        if rows == 1 && cols == INPUT && self.one_in(2) {
            return 0;
        }
        self.view(self.x, rows, cols)
    }

    fn view(&mut self, of: u16, rows: u32, cols: u32) -> u16 {
        let record = TensorRecord { rows, cols, ..self.at.tensors[usize::from(of)] };
        self.at.tensors.push(record);
        (self.at.tensors.len() - 1) as u16
    }

    /// Tensors one after the other, in any order.
    fn tensors<const N: usize>(&mut self, wanted: [Option<(u8, u32, u32)>; N]) -> [u16; N] {
        let mut made = [NO_TENSOR; N];
        let mut left: Vec<usize> = (0..N).filter(|&i| wanted[i].is_some()).collect();
        while !left.is_empty() {
            let i = left.swap_remove(self.at.draw.below(left.len()));
            if let Some((dtype, rows, cols)) = wanted[i] {
                made[i] = self.at.tensor(dtype, rows, cols);
            }
        }
        made
    }

    /// A part of the pool of weights.
    fn some_weights(&mut self, bytes: u32) -> u32 {
        assert!(bytes <= POOL, "{bytes} bytes of weights");
        self.weights + self.below((POOL - bytes) / 4 + 1) * 4
    }

    fn some_biases(&mut self, count: u32) -> u32 {
        self.biases + 4 * self.below(RECORDS - count + 1)
    }

    /// Records from a pool, of which one in six has odd ones.
    fn some_records(&mut self, count: u32) -> u32 {
        let pool = if self.one_in(6) { self.odd } else { self.records };
        pool + 8 * self.below(RECORDS - count + 1)
    }

    fn linear(&mut self) {
        let times = if self.one_in(4) { 2 + self.below(2) } else { 1 };
        let (rows, cols) = (self.rows(), if self.one_in(12) { INPUT / times } else { self.cols().min(INPUT / times) });
        let kind = self.below(7);
        let is_pairs = kind >= 4;
        let is_transposed = kind == 0;
        let is_i8 = !self.one_in(4);
        let is_each = !self.one_in(3);
        let has_bias = !self.one_in(5);
        let input = if is_transposed { self.input(cols, times) } else { self.input(times, cols) };
        let quads = cols.div_ceil(4);
        let output = (if is_i8 { dtype::I8 } else { dtype::I32 }, times, rows);
        let scratch = is_pairs.then_some((dtype::I32, 1, 2 * quads));
        let [output, prepared] = self.tensors([Some(output), scratch]);
        let bytes = if is_pairs { 16 * rows.div_ceil(4) * (1 + quads) } else { rows * cols };
        let mut flags = if is_transposed { linear_flag::TRANSPOSED } else { 0 };
        let rq = if is_i8 {
            flags |= if is_each { linear_flag::RQ_PER_ROW } else { 0 };
            self.some_records(if is_each { rows } else { 1 })
        } else {
            flags |= if self.one_in(3) { linear_flag::ACCUMULATE } else { 0 };
            NONE
        };
        let record = LinearRecord {
            op: op::LINEAR,
            flags,
            input,
            output,
            rows,
            cols,
            weights: self.some_weights(bytes),
            bias: if has_bias { self.some_biases(rows) } else { NONE },
            rq,
            weight_format: if is_pairs { WEIGHT_W8_PAIRS } else { WEIGHT_W8 },
            prepared: if is_pairs { prepared } else { 0 },
            ..LinearRecord::default()
        };
        self.at.op(&record);
    }

    fn list(&mut self) -> u16 {
        let cols = 1 + self.below(8);
        self.at.tensor(dtype::LIST, 1, cols)
    }

    fn weight(&mut self) -> u16 {
        if self.one_in(2) { ONE_Q15 } else { self.below(32768) as u16 }
    }

    fn tree(&mut self, list: u16, flags: u16, count: u32, depth: u32) {
        let (cols, nodes) = (self.cols(), count * ((1 << depth) - 1));
        let cols = if nodes * cols > POOL { cols.min(64) } else { cols };
        let record = RouteRecord {
            kind: route::TREE,
            flags,
            input: self.input(1, cols),
            list,
            count,
            depth,
            cols,
            weights: self.some_weights(nodes * cols),
            bias: if self.one_in(4) { NONE } else { self.some_biases(nodes) },
            weight: self.weight(),
            weight_format: WEIGHT_W8,
            ..NO_ROUTE
        };
        self.at.op(&record);
    }

    /// A route whose choices have numbers below about `numbers`.
    fn route(&mut self, list: u16, is_append: bool, numbers: u32) {
        let append = if is_append { route_flag::APPEND } else { 0 };
        match self.below(3) {
            0 => {
                let count = 1 + self.below(numbers.min(10));
                let weight = self.weight();
                self.at.op(&RouteRecord { flags: append, list, count, weight, ..NO_ROUTE });
            }
            1 => {
                let path = *self.at.draw.choose(&[0, 0, route_flag::PATH, route_flag::PATH | route_flag::HAND_Z]);
                let (count, depth) =
                    if numbers < 8 { (1, 1 + self.below(2)) } else { (1 + self.below(3), 1 + self.below(4)) };
                self.tree(list, append | path, count, depth);
            }
            _ => {
                let count = if numbers < 8 { numbers } else { 1 + self.below(20) };
                let cols = self.cols();
                let is_gated = self.one_in(2);
                let input = self.input(1, cols);
                let scores = self.at.tensor(dtype::I32, 1, count);
                let record = RouteRecord {
                    kind: route::LINEAR,
                    flags: append,
                    input,
                    list,
                    count,
                    depth: 1 + self.below(count.min(5)),
                    cols,
                    weights: self.some_weights(count * cols),
                    bias: if self.one_in(4) { NONE } else { self.some_biases(count) },
                    scores,
                    weight: self.weight(),
                    gate_rq: if is_gated { self.some_records(1) } else { NONE },
                    gate_table: if is_gated { self.gate_table() } else { NONE },
                    weight_format: WEIGHT_W8,
                    ..NO_ROUTE
                };
                self.at.op(&record);
            }
        }
    }

    fn gate_table(&mut self) -> u32 {
        let table: Vec<u16> = (0..256).map(|i| if i % 5 == 0 { ONE_Q15 } else { i * 128 }).collect();
        self.at.constant(&table)
    }

    fn map(&mut self) {
        let rows = if self.one_in(3) { 2 + self.below(3) } else { 1 };
        let cols = 1 + self.below(RECORDS.min(INPUT / rows));
        let input = self.input(rows, cols);
        let none = MapRecord { input, lo: 0, hi: 0, ..NO_MAP };
        let record = match self.below(5) {
            0 => MapRecord { kind: map::LUT256, table: self.some_weights(256), ..none },
            1 => {
                let is_each = self.one_in(2);
                MapRecord {
                    kind: map::AFFINE,
                    flags: if is_each { MAP_RQ_PER_COL } else { 0 },
                    table: self.some_weights(cols),
                    bias: if self.one_in(3) { NONE } else { self.some_biases(cols) },
                    rq: self.some_records(if is_each { cols } else { 1 }),
                    ..none
                }
            }
            2 | 3 => {
                let shift = if self.one_in(3) { 33 + self.below(4) } else { 14 + self.below(18) } as u8;
                let m = 1 << (u32::from(shift) - 2).min(30);
                let [lo, hi] = *self.at.draw.choose(&[[-128, 127], [-100, 100], [0, 20]]);
                let (second, zero_point) = (self.view(self.second, rows, cols), self.below(20) as i8 - 10);
                let (z1, z2) = (self.below(20) as i8, -(self.below(20) as i8));
                MapRecord { kind: map::ADD, second, m1: m, m2: -m / 3, shift, zero_point, lo, hi, z1, z2, ..none }
            }
            _ => MapRecord { lo: self.below(100) as i8 - 110, hi: self.below(100) as i8, ..none },
        };
        let output = self.at.tensor(dtype::I8, rows, cols);
        self.at.op(&MapRecord { output, ..record });
    }

    /// Reads out bytes or words.
    fn finish(mut self) -> Vec<u8> {
        self.at.arena = self.base;
        let cols = 1 + self.below(20);
        let scores = if self.one_in(2) {
            let input = self.input(1, cols);
            let output = self.at.tensor(dtype::I8, 1, cols);
            self.at.op(&MapRecord { input, output, ..NO_MAP });
            output
        } else {
            let output = self.at.tensor(dtype::I32, 1, cols);
            let record = LinearRecord {
                op: op::LINEAR,
                input: self.input(1, 5),
                output,
                rows: cols,
                cols: 5,
                weights: self.some_weights(5 * cols),
                bias: NONE,
                rq: NONE,
                weight_format: WEIGHT_W8,
                ..LinearRecord::default()
            };
            self.at.op(&record);
            output
        };
        let (kind, k) = match self.below(3) {
            0 => (readout::NONE, 0),
            1 => (readout::ARGMAX, 1),
            _ => (readout::TOP_K, 1 + self.below(cols.min(6))),
        };
        self.at.finish(scores, kind, k)
    }
}

/// Inputs that meet as many ways as possible: any bytes, both ends, and all alike.
#[must_use]
pub fn inputs(topic: Topic, seed: u64) -> Vec<Vec<u8>> {
    let mut draw = leafgate_tests_laws::draw::Draw::new(seed);
    let mut inputs = vec![vec![0u8; topic.input() as usize]; 3];
    inputs.iter_mut().for_each(|input| draw.fill(input));
    inputs.extend([0x80, 0x7F, 0].map(|byte| vec![byte; topic.input() as usize]));
    inputs
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::{TOPICS, image, inputs};
    use leafgate_convert::cost::Outlook;
    use leafgate_convert::reference::{Crc, read, run_bytes};

    /// A piece that is not in the corpus has no cost, and an image with it no figure.
    #[test]
    fn every_remainder_of_every_loop_occurs() {
        let mut loops: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for (topic, count) in TOPICS {
            for seed in 0..count {
                let image = read(&image(topic, seed), Crc::Check).unwrap();
                let outlook = Outlook::new(&image, &inputs(topic, seed)).unwrap();
                for work in outlook.seen() {
                    for piece in work.op.as_ref().unwrap().names() {
                        if let Some((name, left)) = piece.rsplit_once('+') {
                            loops.entry(name.to_owned()).or_default().insert(left.parse().unwrap());
                        }
                    }
                }
            }
        }
        let mut all = Vec::new();
        for (name, have) in loops {
            let most = match name.as_str() {
                "sum.words" | "ffn.bias" | "ffn.zero" | "ffn.start" | "ffn.partial" => 7,
                _ if name.ends_with(".group") || name.starts_with("net.") || name.starts_with("ffn.rows.") => 7,
                _ if name.starts_with("low.") && name.contains(".rows.") => 3,
                _ if name.starts_with("low.t2.bytes.") => 1,
                _ => 15,
            };
            let missing: Vec<usize> = (1..=most).filter(|left| !have.contains(left)).collect();
            all.extend((!missing.is_empty()).then(|| format!("{name}: {missing:?} never left over")));
        }
        assert!(all.is_empty(), "{all:#?}");
    }

    #[test]
    fn every_image_is_one() {
        for (topic, count) in TOPICS {
            for seed in 0..count {
                let image = image(topic, seed);
                let read = read(&image, Crc::Check).unwrap_or_else(|error| panic!("{topic:?} {seed}: {error}"));
                assert!(image.len() < 40_000 && read.header.arena_bytes < 10_000, "{topic:?} {seed}");
                for input in inputs(topic, seed) {
                    run_bytes(&read, &input).unwrap();
                }
            }
        }
    }
}
