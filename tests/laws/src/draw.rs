//! Random graphs of every family that the converter knows, from a seed.

use leafgate_convert::ir::{
    Activation, Emit, GateWeight, Graph, InputSpec, Matrix, Node, Op, Range, Readout, Route, Value, ValueId, ValueKind,
    Wiring, equal_groups,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Families of graphs that [`graph`] draws.
pub const FAMILIES: [&str; 11] = [
    "tree-and-master",
    "forest",
    "path",
    "experts-sigmoid",
    "experts-one",
    "dense",
    "residual",
    "gates-word",
    "gates-gathered",
    "branches",
    "gates-joined",
];

/// Draws numbers.
#[derive(Debug)]
pub struct Draw(ChaCha8Rng);

impl Draw {
    /// The same numbers for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number below `n`, which is 1 or more.
    pub fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.0.next_u32()) * n as u64) >> 32) as usize
    }

    /// A number of `range`.
    pub fn within(&mut self, from: usize, to: usize) -> usize {
        from + self.below(to - from + 1)
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// 32 random bits.
    pub fn word(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    /// One of `choices`.
    pub fn choose<'c, T>(&mut self, choices: &'c [T]) -> &'c T {
        &choices[self.below(choices.len())]
    }

    /// A number around zero, mostly small.
    fn real(&mut self) -> f32 {
        let unit = self.word() as f32 / u32::MAX as f32 * 2.0 - 1.0;
        unit * *self.choose(&[0.0625, 0.5, 1.0, 2.0])
    }

    fn reals(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.real()).collect()
    }

    fn matrix(&mut self, rows: usize, cols: usize) -> Matrix {
        Matrix::new(rows, cols, self.reals(rows * cols))
    }

    fn activation(&mut self) -> Activation {
        use Activation::*;
        *self.choose(&[None, Relu, Relu, Gelu, Sigmoid, Tanh, Silu])
    }

    fn range(&mut self, name: String, n: usize, cols: usize, rows: usize) -> Range {
        Range {
            name,
            keys: self.matrix(n, cols),
            key_bias: self.reals(n),
            values: self.matrix(n, rows),
            value_bias: self.reals(rows),
        }
    }

    fn ranges(&mut self, count: usize, cols: usize, rows: usize) -> Vec<Range> {
        let n = self.within(1, 5);
        (0..count).map(|i| self.range(format!("range {i}"), n, cols, rows)).collect()
    }

    fn tree(&mut self, trees: usize, levels: usize, cols: usize, emit: Emit, first: usize) -> Route {
        let nodes = trees * ((1 << levels) - 1);
        let (weight, bias) = (self.matrix(nodes, cols), self.reals(nodes));
        Route::Tree { trees, levels, weight, bias, strict: self.one_in(2), emit, first }
    }
}

/// A graph as it grows: each layer reads what the one before has written.
struct Chain {
    graph: Graph,
    at: ValueId,
}

impl Chain {
    fn new(draw: &mut Draw, name: &str, len: usize) -> Self {
        let (min, max) = *draw.choose(&[(-128, 127), (0, 16), (-1, 1)]);
        let zero_point = *draw.choose(&[0.0, -128.0, 3.5]);
        let input = InputSpec { len, scale: 0.03, zero_point, min, max };
        let graph = Graph {
            name: name.into(),
            input,
            labels: Vec::new(),
            values: vec![Value { name: "input".into(), len, kind: ValueKind::Real }],
            nodes: Vec::new(),
            output: Graph::INPUT,
            readout: Readout::None,
            source_sha256: "0".repeat(64),
        };
        Self { graph, at: Graph::INPUT }
    }

    fn len(&self) -> usize {
        self.graph.value(self.at).len
    }

    fn push(&mut self, op: Op, len: usize, kind: ValueKind) {
        let index = self.graph.nodes.len();
        self.graph.values.push(Value { name: format!("value {index}"), len, kind });
        let output = ValueId(self.graph.values.len() - 1);
        self.graph.nodes.push(Node { name: format!("layer {index}"), op, input: self.at, output });
        self.at = output;
    }

    fn real(&mut self, op: Op, len: usize) {
        self.push(op, len, ValueKind::Real);
    }

    fn linear(&mut self, draw: &mut Draw, rows: usize, activation: Activation) {
        let op = Op::Linear { weight: draw.matrix(rows, self.len()), bias: draw.reals(rows), activation };
        self.real(op, rows);
    }

    /// An FFN, and half the time a layer after it, so that its output is requantised.
    fn ffn(&mut self, draw: &mut Draw, routes: Vec<Route>, ranges: Vec<Range>, activation: Activation) {
        let rows = ranges[0].values.cols;
        self.real(Op::Ffn { routes, ranges, activation }, rows);
        if draw.one_in(2) {
            let outputs = draw.within(1, 6);
            self.linear(draw, outputs, Activation::None);
        }
    }

    fn finish(mut self, draw: &mut Draw) -> Graph {
        let outputs = self.len();
        self.graph.output = self.at;
        self.graph.readout = match draw.below(3) {
            0 => Readout::None,
            1 => Readout::Argmax,
            _ => Readout::TopK(draw.within(1, outputs)),
        };
        if draw.one_in(2) {
            self.graph.labels = (0..outputs).map(|i| format!("class {i}")).collect();
        }
        self.graph
    }
}

/// A graph of `family`, one of [`FAMILIES`].
///
/// # Panics
/// If there is no such family.
pub fn graph(family: &str, seed: u64) -> Graph {
    let draw = &mut Draw::new(seed);
    let len = draw.within(1, 12);
    let mut chain = Chain::new(draw, family, len);
    if !family.starts_with("gates") && draw.one_in(3) {
        let (rows, activation) = (draw.within(1, 9), draw.activation());
        chain.linear(draw, rows, activation);
    }
    let (cols, rows) = (chain.len(), draw.within(1, 9));
    match family {
        "tree-and-master" => {
            let levels = draw.within(1, 3);
            let leaves = 1 << levels;
            let tree = draw.tree(1, levels, cols, Emit::Leaf, 0);
            let ranges = draw.ranges(leaves + 1, cols, rows);
            let activation = draw.activation();
            chain.ffn(draw, vec![tree, Route::Static { first: leaves, count: 1 }], ranges, activation);
        }
        "forest" => {
            let (trees, levels) = (draw.within(2, 3), draw.within(1, 2));
            let forest = draw.tree(trees, levels, cols, Emit::Leaf, 0);
            let ranges = draw.ranges(trees << levels, cols, rows);
            let activation = draw.activation();
            chain.ffn(draw, vec![forest], ranges, activation);
        }
        "path" => {
            let (trees, levels) = (draw.within(1, 2), draw.within(1, 3));
            let tree = draw.tree(trees, levels, cols, Emit::Path, 0);
            let Route::Tree { weight, bias, .. } = &tree else { unreachable!("a tree was drawn") };
            let (keys, key_bias) = (weight.clone(), bias.clone());
            let values = draw.matrix(keys.rows, rows);
            let range = Range { name: "path".into(), keys, key_bias, values, value_bias: vec![0.0; rows] };
            let activation = draw.activation();
            chain.ffn(draw, vec![tree], vec![range], activation);
        }
        "experts-sigmoid" | "experts-one" => {
            let experts = draw.within(2, 6);
            let gate = if family == "experts-one" { GateWeight::One } else { GateWeight::Sigmoid };
            let (weight, bias, k) = (draw.matrix(experts, cols), draw.reals(experts), draw.within(1, experts));
            let shared = Route::Static { first: experts, count: 1 };
            let routes = vec![Route::TopK { weight, bias, k, gate, first: 0 }, shared];
            let ranges = draw.ranges(experts + 1, cols, rows);
            let activation = draw.activation();
            chain.ffn(draw, routes, ranges, activation);
        }
        "dense" => {
            let activation = draw.activation();
            let ranges = draw.ranges(1, cols, rows);
            chain.ffn(draw, vec![Route::Static { first: 0, count: 1 }], ranges, activation);
            let outputs = draw.within(1, 5);
            chain.linear(draw, outputs, Activation::Gelu);
        }
        "residual" => {
            chain.linear(draw, rows, Activation::Relu);
            let shortcut = chain.at;
            let affine = Op::Affine { gain: draw.reals(rows), bias: draw.reals(rows) };
            chain.real(affine, rows);
            chain.linear(draw, rows, Activation::Tanh);
            chain.real(Op::Add { second: shortcut }, rows);
            chain.real(Op::Clamp { min: -0.75, max: 1.5 }, rows);
            if draw.one_in(2) {
                let outputs = draw.within(1, 5);
                chain.linear(draw, outputs, Activation::None);
            }
        }
        "gates-word" | "gates-gathered" => gates(&mut chain, draw, family == "gates-word"),
        "branches" => branches(&mut chain, draw),
        "gates-joined" => joined_bits(&mut chain, draw),
        other => panic!("no family `{other}`"),
    }
    chain.finish(draw)
}

/// A gated layer, cut from the input and joined with it and with others.
fn branches(chain: &mut Chain, draw: &mut Draw) {
    let rows = draw.within(1, 6);
    let start = chain.at;
    chain.linear(draw, 2 * rows, Activation::None);
    let both = chain.at;
    chain.real(Op::Slice { start: 0, len: rows }, rows);
    chain.real(Op::Activation(Activation::HardSwish), rows);
    let gate = chain.at;
    chain.at = both;
    chain.real(Op::Slice { start: rows, len: rows }, rows);
    chain.real(Op::Mul { second: gate }, rows);
    let product = chain.at;
    chain.at = start;
    let others = vec![product, *draw.choose(&[gate, product, both, start])];
    let len = others.iter().chain([&start]).map(|id| chain.graph.value(*id).len).sum();
    chain.real(Op::Concat { others }, len);
    if let Some(rows) = (2..len).find(|rows| len.is_multiple_of(*rows)) {
        chain.real(Op::Transpose { rows, cols: len / rows }, len);
    }
    match draw.below(3) {
        0 => chain.real(Op::Mul { second: chain.at }, len),
        1 => chain.real(Op::Add { second: chain.at }, len),
        _ => {}
    }
    if draw.one_in(2) {
        let outputs = draw.within(1, 5);
        chain.linear(draw, outputs, Activation::None);
    }
}

/// Bits cut and joined between word-wired layers of gates.
fn joined_bits(chain: &mut Chain, draw: &mut Draw) {
    let words = draw.within(2, 4);
    bits(chain, draw, 32 * words);
    let all = chain.at;
    let start = 32 * draw.below(words);
    let len = 32 * words - start - draw.below(32);
    chain.push(Op::Slice { start, len }, len, ValueKind::Bits);
    let part = chain.at;
    chain.at = all;
    let from = 32 * words + len;
    chain.push(Op::Concat { others: vec![part] }, from, ValueKind::Bits);
    word_gates(chain, draw, from.div_ceil(32), 2);
    group_sum(chain, draw);
}

fn gates(chain: &mut Chain, draw: &mut Draw, by_word: bool) {
    let count = |draw: &mut Draw| if by_word { 32 * draw.within(1, 4) } else { draw.within(8, 70) };
    let n = count(draw);
    bits(chain, draw, n);
    for _ in 0..draw.within(1, 3) {
        let (from, to) = (chain.len(), count(draw));
        if by_word {
            word_gates(chain, draw, from / 32, to / 32);
            continue;
        }
        let gate = (0..to).map(|_| draw.below(16) as u8).collect();
        let mut indices = || -> Vec<u32> { (0..to).map(|_| draw.below(from) as u32).collect() };
        let wiring = Wiring::Gathered { a: indices(), b: indices() };
        chain.push(Op::Gates { wiring, gate }, to, ValueKind::Bits);
    }
    group_sum(chain, draw);
}

/// `n` thresholds.
fn bits(chain: &mut Chain, draw: &mut Draw, n: usize) {
    let cols = chain.len();
    let feature = (0..n).map(|_| draw.below(cols) as u32).collect();
    let InputSpec { scale, zero_point, min, max, .. } = chain.graph.input;
    let threshold = (0..n).map(|_| {
        let q = draw.within(0, (i32::from(max) - i32::from(min)) as usize) as f64 + f64::from(min);
        (scale * (q - zero_point)) as f32
    });
    let threshold = threshold.collect();
    chain.push(Op::Bits { feature, threshold }, n, ValueKind::Bits);
}

/// `words` of gates in word wiring that read `inputs` words.
fn word_gates(chain: &mut Chain, draw: &mut Draw, inputs: usize, words: usize) {
    let gate = (0..32 * words).map(|_| draw.below(16) as u8).collect();
    let mut indices = |limit: usize| -> Vec<u32> { (0..words).map(|_| draw.below(limit) as u32).collect() };
    let (a_word, b_word) = (indices(inputs), indices(inputs));
    let wiring = Wiring::Word { a_word, a_rot: indices(32), b_word, b_rot: indices(32) };
    chain.push(Op::Gates { wiring, gate }, 32 * words, ValueKind::Bits);
}

fn group_sum(chain: &mut Chain, draw: &mut Draw) {
    let groups = draw.within(1, 7);
    let bias = if draw.one_in(2) { vec![0.0; groups] } else { draw.reals(groups).iter().map(|b| b * 8.0).collect() };
    let bounds = equal_groups(chain.len(), groups);
    chain.real(Op::GroupSum { bounds, bias, tau: 1.5 }, groups);
}
