//! The float reference: what the trained network computes, in the precision it was trained in.
//!
//! Everything is `f32`, as in the frameworks the networks come from; only the input's scaling and the transcendental
//! functions go through `f64`. `f64` throughout was rejected: it is twice as slow and farther from what training saw, and the
//! integer image is compared with this to a step of 1/128, not to the last bit.
//!
//! Bits are the numbers 0 and 1. A gate in word wiring that reads a lane past the end of its input reads 0.
//!
//! Calibration watches a run through [`Observer`]; it sees every value, every route's scores and every evaluated range.

use super::{Activation, Emit, GateWeight, Graph, InputSpec, Node, Op, Range, Readout, Route, ValueId, Wiring};

/// What one input gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Every activation vector, indexed as [`Graph::values`]; bits are 0 and 1. Values nobody writes are empty.
    pub values: Vec<Vec<f32>>,
    /// The final scores, those of [`Graph::output`].
    pub scores: Vec<f32>,
    /// What the readout says: nothing, the class, or the `k` classes in descending order of score.
    pub classes: Vec<usize>,
}

/// One entry of an FFN's list: a range that was evaluated, or a single neuron of a path.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Index of the route that chose it.
    pub route: usize,
    /// Index of the range.
    pub range: usize,
    /// The neuron of that range, for [`Emit::Path`]; otherwise the whole range was evaluated.
    pub neuron: Option<usize>,
    /// What its partial sum was multiplied by.
    pub weight: f32,
    /// The score it was chosen by: the router's for [`Route::TopK`], the visited node's for [`Emit::Path`].
    pub score: Option<f32>,
    /// `K_j . x + b_j` before the activation, one per neuron.
    pub pre: &'a [f32],
    /// After the activation.
    pub hidden: &'a [f32],
    /// `R`, before the weight: the output bias and the value rows.
    pub partial: &'a [f32],
}

/// Watches an evaluation. Every method does nothing unless it is overridden.
pub trait Observer {
    /// The value `id` is complete.
    fn value(&mut self, id: ValueId, value: &[f32]) {
        let _ = (id, value);
    }

    /// A route of the FFN `node` computed the score of one of its rows: a tree node that was visited (in order), or a router row.
    fn score(&mut self, node: usize, route: usize, row: usize, score: f32) {
        let _ = (node, route, row, score);
    }

    /// The FFN `node` evaluated a range, or a neuron of a path.
    fn entry(&mut self, node: usize, entry: &Entry<'_>) {
        let _ = (node, entry);
    }

    /// The accumulator of the FFN `node` after each entry, `R` numbers.
    fn accumulated(&mut self, node: usize, acc: &[f32]) {
        let _ = (node, acc);
    }
}

/// Watches nothing.
impl Observer for () {}

/// Evaluates one input.
///
/// # Panics
/// If `q` is not as long as the graph's input, or the graph does not hold together (importers and passes make only such that do).
pub fn evaluate(graph: &Graph, q: &[i8]) -> Evaluation {
    evaluate_observed(graph, q, &mut ())
}

/// [`evaluate`], watched.
///
/// # Panics
/// As [`evaluate`].
pub fn evaluate_observed(graph: &Graph, q: &[i8], observer: &mut impl Observer) -> Evaluation {
    let mut evaluator = Evaluator::new(graph);
    evaluator.run(q, observer);
    let scores = evaluator.values[graph.output.0].clone();
    Evaluation { classes: classes_of(&scores, graph.readout), scores, values: evaluator.values }
}

/// Evaluates many inputs one after the other and keeps the buffers.
#[derive(Debug)]
pub struct Evaluator<'g> {
    graph: &'g Graph,
    values: Vec<Vec<f32>>,
    scratch: Scratch,
}

impl<'g> Evaluator<'g> {
    /// For the networks that `graph` describes.
    pub fn new(graph: &'g Graph) -> Self {
        Self { graph, values: vec![Vec::new(); graph.values.len()], scratch: Scratch::default() }
    }

    /// Evaluates one input and returns its scores.
    ///
    /// # Panics
    /// As [`evaluate`].
    pub fn run(&mut self, q: &[i8], observer: &mut impl Observer) -> &[f32] {
        self.run_replacing(q, observer, |_, _| {})
    }

    /// [`Self::run`] in which `replace` may change the output of each node (by index) before others read it.
    ///
    /// # Panics
    /// As [`evaluate`].
    pub fn run_replacing(
        &mut self,
        q: &[i8],
        observer: &mut impl Observer,
        mut replace: impl FnMut(usize, &mut [f32]),
    ) -> &[f32] {
        let spec = &self.graph.input;
        assert_eq!(q.len(), spec.len, "the input does not have the graph's length");
        let input = &mut self.values[Graph::INPUT.0];
        input.clear();
        input.extend(q.iter().map(|&q| spec.real(q)));
        observer.value(Graph::INPUT, input);
        for (index, node) in self.graph.nodes.iter().enumerate() {
            let mut y = std::mem::take(&mut self.values[node.output.0]);
            y.clear();
            self.step(index, node, &mut y, observer);
            observer.value(node.output, &y);
            replace(index, &mut y);
            self.values[node.output.0] = y;
        }
        &self.values[self.graph.output.0]
    }

    /// The values of the last run, indexed as [`Graph::values`].
    pub fn values(&self) -> &[Vec<f32>] {
        &self.values
    }

    /// The output of a node (by index) in the last run.
    pub fn output(&self, node: usize) -> &[f32] {
        &self.values[self.graph.nodes[node].output.0]
    }

    /// The class of one input: [`class_of`] its scores.
    ///
    /// # Panics
    /// As [`evaluate`].
    pub fn class(&mut self, q: &[i8]) -> usize {
        class_of(self.run(q, &mut ()))
    }

    fn step(&mut self, index: usize, node: &Node, y: &mut Vec<f32>, observer: &mut impl Observer) {
        let x = &self.values[node.input.0];
        match &node.op {
            Op::Linear { weight, bias, activation } => {
                y.extend(bias.iter().enumerate().map(|(r, b)| activation.of(b + dot(weight.row(r), x))));
            }
            Op::Ffn { routes, ranges, activation } => {
                let width = self.graph.value(node.output).len;
                y.resize(width, 0.0);
                let mut ffn =
                    Ffn { node: index, x, ranges, activation: *activation, acc: y, scratch: &mut self.scratch };
                for (r, route) in routes.iter().enumerate() {
                    ffn.follow(r, route, observer);
                }
            }
            Op::Affine { gain, bias } => {
                y.extend(x.iter().zip(gain).zip(bias).map(|((x, gain), bias)| gain * x + bias));
            }
            Op::Add { second } => y.extend(x.iter().zip(&self.values[second.0]).map(|(a, b)| a + b)),
            Op::Mul { second } => y.extend(x.iter().zip(&self.values[second.0]).map(|(a, b)| a * b)),
            Op::Concat { others } => {
                y.extend_from_slice(x);
                others.iter().for_each(|other| y.extend_from_slice(&self.values[other.0]));
            }
            Op::Slice { start, len } => y.extend_from_slice(&x[*start..start + len]),
            Op::Transpose { rows, cols } => y.extend((0..rows * cols).map(|i| x[i % rows * cols + i / rows])),
            Op::Activation(activation) => y.extend(x.iter().map(|&x| activation.of(x))),
            Op::Clamp { min, max } => y.extend(x.iter().map(|x| x.max(*min).min(*max))),
            Op::Bits { feature, threshold } => {
                y.extend(feature.iter().zip(threshold).map(|(&f, t)| bit(x[f as usize] > *t)));
            }
            Op::Gates { wiring, gate } => gates(x, wiring, gate, y),
            Op::Netlist(netlist) => {
                let bits: Vec<u64> = x.iter().map(|&x| u64::from(x != 0.0)).collect();
                y.extend(netlist.evaluate(&bits).into_iter().map(|word| bit(word & 1 == 1)));
            }
            Op::GroupSum { bounds, bias, tau } => {
                let groups = bounds.windows(2).map(|pair| &x[pair[0] as usize..pair[1] as usize]);
                y.extend(groups.zip(bias).map(|(group, b)| (group.iter().sum::<f32>() + b) / tau));
            }
        }
    }
}

/// Buffers of an FFN, kept between runs.
#[derive(Debug, Default)]
struct Scratch {
    pre: Vec<f32>,
    hidden: Vec<f32>,
    partial: Vec<f32>,
    order: Vec<usize>,
    scores: Vec<f32>,
}

/// One FFN op at work.
struct Ffn<'a> {
    node: usize,
    x: &'a [f32],
    ranges: &'a [Range],
    activation: Activation,
    acc: &'a mut [f32],
    scratch: &'a mut Scratch,
}

impl Ffn<'_> {
    fn follow(&mut self, index: usize, route: &Route, observer: &mut impl Observer) {
        match route {
            Route::Static { first, count } => {
                for range in *first..first + count {
                    self.whole(index, range, 1.0, None, observer);
                }
            }
            Route::Tree { trees, levels, weight, bias, strict, emit, first } => {
                let nodes = (1usize << levels) - 1;
                for tree in 0..*trees {
                    let mut i = 0;
                    for _ in 0..*levels {
                        let row = tree * nodes + i;
                        let s = bias[row] + dot(weight.row(row), self.x);
                        observer.score(self.node, index, row, s);
                        if *emit == Emit::Path {
                            self.neuron(index, *first, row, s, observer);
                        }
                        let right = if *strict { s > 0.0 } else { s >= 0.0 };
                        i = 2 * i + 1 + usize::from(right);
                    }
                    if *emit == Emit::Leaf {
                        self.whole(index, first + (tree << levels) + i - nodes, 1.0, None, observer);
                    }
                }
            }
            Route::TopK { weight, bias, k, gate, first } => {
                let mut scores = std::mem::take(&mut self.scratch.scores);
                scores.clear();
                scores.extend(bias.iter().enumerate().map(|(e, b)| b + dot(weight.row(e), self.x)));
                for (e, &s) in scores.iter().enumerate() {
                    observer.score(self.node, index, e, s);
                }
                let mut order = std::mem::take(&mut self.scratch.order);
                largest(&scores, *k, &mut order);
                for &e in &order {
                    let weight = match gate {
                        GateWeight::One => 1.0,
                        GateWeight::Sigmoid => Activation::Sigmoid.of(scores[e]),
                    };
                    self.whole(index, first + e, weight, Some(scores[e]), observer);
                }
                self.scratch.scores = scores;
                self.scratch.order = order;
            }
        }
    }

    /// Evaluates a whole range.
    fn whole(&mut self, route: usize, range: usize, weight: f32, score: Option<f32>, observer: &mut impl Observer) {
        let g = &self.ranges[range];
        let s = &mut *self.scratch;
        s.pre.clear();
        s.pre.extend(g.key_bias.iter().enumerate().map(|(j, b)| b + dot(g.keys.row(j), self.x)));
        s.hidden.clear();
        s.hidden.extend(s.pre.iter().map(|&z| self.activation.of(z)));
        s.partial.clear();
        s.partial.extend_from_slice(&g.value_bias);
        for (j, &h) in s.hidden.iter().enumerate() {
            for (p, v) in s.partial.iter_mut().zip(g.values.row(j)) {
                *p += h * v;
            }
        }
        self.add(route, range, None, weight, score, observer);
    }

    /// Evaluates one neuron of a path, whose key has already met the input.
    fn neuron(&mut self, route: usize, range: usize, j: usize, z: f32, observer: &mut impl Observer) {
        let s = &mut *self.scratch;
        let h = self.activation.of(z);
        s.pre.clear();
        s.pre.push(z);
        s.hidden.clear();
        s.hidden.push(h);
        s.partial.clear();
        s.partial.extend(self.ranges[range].values.row(j).iter().map(|v| h * v));
        self.add(route, range, Some(j), 1.0, Some(z), observer);
    }

    fn add(
        &mut self,
        route: usize,
        range: usize,
        neuron: Option<usize>,
        weight: f32,
        score: Option<f32>,
        observer: &mut impl Observer,
    ) {
        let Scratch { pre, hidden, partial, .. } = &*self.scratch;
        observer.entry(self.node, &Entry { route, range, neuron, weight, score, pre, hidden, partial });
        for (acc, p) in self.acc.iter_mut().zip(partial) {
            *acc += weight * p;
        }
        observer.accumulated(self.node, self.acc);
    }
}

fn gates(x: &[f32], wiring: &Wiring, gate: &[u8], y: &mut Vec<f32>) {
    let read = |index: usize| x.get(index).is_some_and(|&v| v != 0.0);
    // A gate id is its truth table, f(0,0) in the highest of four bits.
    let apply = |id: u8, a: bool, b: bool| bit((id >> (3 - (2 * u8::from(a) + u8::from(b)))) & 1 == 1);
    match wiring {
        Wiring::Word { a_word, a_rot, b_word, b_rot } => {
            let lane = |word: u32, rot: u32, lane: usize| word as usize * 32 + (lane + rot as usize) % 32;
            y.extend(gate.iter().enumerate().map(|(i, &id)| {
                let (w, l) = (i / 32, i % 32);
                apply(id, read(lane(a_word[w], a_rot[w], l)), read(lane(b_word[w], b_rot[w], l)))
            }));
        }
        Wiring::Gathered { a, b } => {
            y.extend(
                gate.iter().zip(a.iter().zip(b)).map(|(&id, (&a, &b))| apply(id, read(a as usize), read(b as usize))),
            );
        }
    }
}

fn bit(b: bool) -> f32 {
    if b { 1.0 } else { 0.0 }
}

impl InputSpec {
    /// The real number the byte `q` stands for: `scale * (q - zero_point)`, rounded once to `f32`.
    pub fn real(&self, q: i8) -> f32 {
        (self.scale * (f64::from(q) - self.zero_point)) as f32
    }
}

impl Activation {
    /// The function's value. GELU is the erf form; the transcendental ones are computed in `f64` and rounded once.
    pub fn of(self, x: f32) -> f32 {
        let wide = f64::from(x);
        let sigmoid = |v: f64| 1.0 / (1.0 + (-v).exp());
        match self {
            Self::None => x,
            Self::Relu => x.max(0.0),
            Self::Gelu => (0.5 * wide * (1.0 + libm::erf(wide * std::f64::consts::FRAC_1_SQRT_2))) as f32,
            Self::Sigmoid => sigmoid(wide) as f32,
            Self::Tanh => wide.tanh() as f32,
            Self::Silu => (wide * sigmoid(wide)) as f32,
            Self::HardSwish => (wide * (wide + 3.0).clamp(0.0, 6.0) / 6.0) as f32,
        }
    }
}

/// The dot product. Eight running sums, so that the compiler may use vector instructions: the order of addition is fixed,
/// the same on every host.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 8;
    debug_assert_eq!(a.len(), b.len());
    let mut sums = [0.0f32; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for l in 0..LANES {
            sums[l] += a[l] * b[l];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// The class of the largest score, ties to the lowest index; 0 if there are no scores.
pub fn class_of(scores: &[f32]) -> usize {
    let mut best = 0;
    for (i, s) in scores.iter().enumerate() {
        if *s > scores[best] {
            best = i;
        }
    }
    best
}

/// What `readout` says of `scores`: the classes in descending order, ties in ascending order of index.
pub fn classes_of(scores: &[f32], readout: Readout) -> Vec<usize> {
    let mut order = Vec::new();
    match readout {
        Readout::None => {}
        Readout::Argmax => order.push(class_of(scores)),
        Readout::TopK(k) => largest(scores, k, &mut order),
    }
    order
}

/// Indices of the `k` largest, descending, ties in ascending order of index.
fn largest(scores: &[f32], k: usize, order: &mut Vec<usize>) {
    order.clear();
    order.extend(0..scores.len());
    // Adding 0 makes a tie of -0 and 0, which the total order would tell apart.
    order.sort_by(|&a, &b| (scores[b] + 0.0).total_cmp(&(scores[a] + 0.0)).then(a.cmp(&b)));
    order.truncate(k);
}
