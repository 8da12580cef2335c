//! Images with one op each, from random weights.
//!
//! Layers and leaves go the whole way from a float graph, as a user's network does, so that a layout of weights that the
//! converter learns is measured without a change here. What has no float graph (neurons without keys, bits from the caller) begins
//! as an integer graph.

use leafgate_convert::ir::{
    Activation, Emit, GateWeight, Graph, InputSpec, Matrix, Node, Op, Range, Readout, Route, Value, ValueId, ValueKind,
    Wiring, equal_groups,
};
use leafgate_convert::pack::{Extras, pack};
use leafgate_convert::plan::plan;
use leafgate_convert::quantize::integer::{
    Dtype, IntGates, IntGraph, IntOp, IntRange, IntSelector, IntTensor, TensorId,
};
use leafgate_convert::quantize::weights::{WeightChoice, WeightFormat};
use leafgate_convert::{ConvertError, Kernels, Options, Ranges, convert};
use leafgate_image::{RequantRecord, WordGates, activation, ffn_flag, readout};
use leafgate_tests_laws::draw::Draw;

/// Outputs of leaves and experts: ten classes.
pub const CLASSES: usize = 10;

/// Numbers between -1 and 1.
fn reals(draw: &mut Draw, count: usize) -> Vec<f32> {
    (0..count).map(|_| draw.word() as f32 / u32::MAX as f32 * 2.0 - 1.0).collect()
}

fn matrix(draw: &mut Draw, rows: usize, cols: usize) -> Matrix {
    Matrix::new(rows, cols, reals(draw, rows * cols))
}

/// The image of a network of one layer.
fn float_image(op: Op, cols: usize, rows: usize) -> Result<Vec<u8>, ConvertError> {
    image_with(op, cols, rows, Options::default())
}

fn image_with(op: Op, cols: usize, rows: usize, options: Options) -> Result<Vec<u8>, ConvertError> {
    let value = |name: &str, len| Value { name: name.into(), len, kind: ValueKind::Real };
    let output = ValueId(1);
    let graph = Graph {
        name: "bench".into(),
        input: InputSpec { len: cols, scale: 1.0 / 128.0, zero_point: 0.0, min: -128, max: 127 },
        labels: Vec::new(),
        values: vec![value("input", cols), value("output", rows)],
        nodes: vec![Node { name: "layer".into(), op, input: Graph::INPUT, output }],
        output,
        readout: Readout::None,
        source_sha256: "0".repeat(64),
    };
    // The device proves itself with the golden vector; more would only take time.
    let options = Options { golden_vectors: 1, ..options };
    Ok(convert(graph, Ranges::Random, &options)?.image)
}

/// LINEAR from signed bytes to signed bytes, with bias and requantisation.
///
/// # Errors
/// What the converter refuses.
pub fn linear(cols: usize, rows: usize) -> Result<Vec<u8>, ConvertError> {
    dense(cols, rows, Kernels::Portable, WeightFormat::W8)
}

/// [`linear`] laid out for a family of kernels, with weights of a format.
///
/// # Errors
/// What the converter refuses.
pub fn dense(cols: usize, rows: usize, kernels: Kernels, format: WeightFormat) -> Result<Vec<u8>, ConvertError> {
    let draw = &mut Draw::new(1);
    let (weight, bias) = (matrix(draw, rows, cols), reals(draw, rows));
    // ReLU is a bound of the requantisation and takes no instruction; it makes the output bytes where scores would be words.
    let weights = WeightChoice { all: format, layers: Vec::new() };
    let options = Options { kernels, weights, ..Options::default() };
    image_with(Op::Linear { weight, bias, activation: Activation::Relu }, cols, rows, options)
}

/// `count` ranges of `width` neurons with `cols` inputs and ten outputs.
fn ranges(draw: &mut Draw, count: usize, width: usize, cols: usize) -> Vec<Range> {
    let range = |i: usize| Range {
        name: format!("range {i}"),
        keys: matrix(draw, width, cols),
        key_bias: reals(draw, width),
        values: matrix(draw, width, CLASSES),
        value_bias: reals(draw, CLASSES),
    };
    (0..count).map(range).collect()
}

fn ffn(route: Route, ranges: Vec<Range>, cols: usize) -> Result<Vec<u8>, ConvertError> {
    float_image(Op::Ffn { routes: vec![route], ranges, activation: Activation::Relu }, cols, CLASSES)
}

/// `count` ranges of `width` neurons, all of them evaluated: a leaf, or what a tree would have chosen from.
///
/// # Errors
/// What the converter refuses.
pub fn all_ranges(count: usize, width: usize, cols: usize) -> Result<Vec<u8>, ConvertError> {
    let ranges = ranges(&mut Draw::new(2), count, width, cols);
    ffn(Route::Static { first: 0, count }, ranges, cols)
}

/// A fast feedforward layer: a tree that picks one of `2^levels` leaves.
///
/// # Errors
/// What the converter refuses.
pub fn fff(levels: usize, width: usize, cols: usize) -> Result<Vec<u8>, ConvertError> {
    let draw = &mut Draw::new(2);
    let ranges = ranges(draw, 1 << levels, width, cols);
    let nodes = (1 << levels) - 1;
    let (weight, bias) = (matrix(draw, nodes, cols), reals(draw, nodes));
    let tree = Route::Tree { trees: 1, levels, weight, bias, strict: false, emit: Emit::Leaf, first: 0 };
    ffn(tree, ranges, cols)
}

/// Routed experts: the `k` best of `experts`, weighted.
///
/// # Errors
/// What the converter refuses.
pub fn experts(experts: usize, k: usize, width: usize, cols: usize) -> Result<Vec<u8>, ConvertError> {
    let draw = &mut Draw::new(2);
    let ranges = ranges(draw, experts, width, cols);
    let (weight, bias) = (matrix(draw, experts, cols), reals(draw, experts));
    ffn(Route::TopK { weight, bias, k, gate: GateWeight::Sigmoid, first: 0 }, ranges, cols)
}

/// An integer graph as it grows.
struct Integers(IntGraph);

impl Integers {
    fn new(dtype: Dtype, cols: usize) -> Self {
        let mut graph = Self(IntGraph::default());
        graph.tensor("input", dtype, cols);
        graph
    }

    fn tensor(&mut self, name: &str, dtype: Dtype, cols: usize) -> TensorId {
        self.0.add(IntTensor { name: name.into(), dtype, cols, scale: 1.0, zero_point: 0.0, lo: -128, hi: 127 })
    }

    fn op(&mut self, op: IntOp) {
        self.0.ops.push(("layer".into(), op));
    }

    fn finish(mut self, scores: TensorId) -> Result<Vec<u8>, ConvertError> {
        self.op(IntOp::Readout { input: scores, output: None, kind: readout::NONE, k: 0 });
        pack(&self.0, &plan(&self.0)?, &Extras::default())
    }

    /// Ones of the first bits in `groups` equal groups.
    fn group_sum(mut self, input: TensorId, bits: usize, groups: usize) -> Result<Vec<u8>, ConvertError> {
        let output = self.tensor("sums", Dtype::I32, groups);
        let bounds = (0..=groups).map(|group| (group * bits / groups) as u32).collect();
        self.op(IntOp::GroupSum { input, output, bounds, bias: Vec::new() });
        self.finish(output)
    }

    /// Reads a gate layer's output in a group without bits: an image must end in scores, and gates are what is measured.
    fn finish_bits(self, bits: TensorId) -> Result<Vec<u8>, ConvertError> {
        self.group_sum(bits, 0, 1)
    }
}

fn bytes(draw: &mut Draw, count: usize) -> Vec<i8> {
    (0..count).map(|_| (draw.below(255) as i32 - 127) as i8).collect()
}

fn no_ffn(input: TensorId, acc: TensorId, ranges: Vec<IntRange>) -> IntOp {
    let (list, hidden, partial) = (None, None, None);
    let (activation, flags) = (activation::RELU, ffn_flag::KEEP_POSITIVE);
    IntOp::Ffn { input, output: acc, list, hidden, acc, partial, ranges, activation, flags, rq: None, lut: None }
}

/// Value rows of FFN, neuron-major with keep_positive: neurons without keys, all of them positive, so that rows are all there is.
///
/// # Errors
/// What the converter refuses.
pub fn value_rows(neurons: usize, outputs: usize) -> Result<Vec<u8>, ConvertError> {
    let draw = &mut Draw::new(3);
    let mut at = Integers::new(Dtype::I8, 4);
    let acc = at.tensor("sums", Dtype::I32, outputs);
    let range = IntRange {
        name: "rows".into(),
        neurons,
        keys: None,
        key_bias: (0..neurons).map(|_| 1 + draw.below(127) as i32).collect(),
        key_rq: vec![RequantRecord { m: 1 << 30, s: 30, zero_point: 0, lo: -128, hi: 127 }],
        values: bytes(draw, neurons * outputs),
        ..IntRange::default()
    };
    at.op(no_ffn(IntGraph::INPUT, acc, vec![range]));
    at.finish(acc)
}

/// The descent of a tree to leaves without neurons.
///
/// # Errors
/// What the converter refuses.
pub fn tree(levels: usize, cols: usize) -> Result<Vec<u8>, ConvertError> {
    let draw = &mut Draw::new(4);
    let mut at = Integers::new(Dtype::I8, cols);
    let list = at.tensor("list", Dtype::List, 1);
    let nodes = (1 << levels) - 1;
    let (weights, bias) = (bytes(draw, nodes * cols), (0..nodes).map(|_| draw.below(4000) as i32 - 2000).collect());
    let selector = IntSelector::Tree { trees: 1, levels, weights, bias, path: false, first: 0 };
    at.op(IntOp::Route { input: Some(IntGraph::INPUT), list, append: false, selector, scores: None });
    let acc = at.tensor("sum", Dtype::I32, 1);
    let scratch = at.tensor("partial sum", Dtype::I32, 1);
    let leaf = |i: i32| IntRange { name: format!("leaf {i}"), value_bias: vec![i + 1], ..IntRange::default() };
    let mut op = no_ffn(IntGraph::INPUT, acc, (0..1 << levels).map(leaf).collect());
    if let IntOp::Ffn { list: of, partial, .. } = &mut op {
        (*of, *partial) = (Some(list), Some(scratch));
    }
    at.op(op);
    at.finish(acc)
}

fn masks(draw: &mut Draw) -> [u32; 4] {
    std::array::from_fn(|_| draw.word())
}

/// `layers` layers of `gates` gates each, a multiple of 32, in word wiring.
///
/// # Errors
/// What the converter refuses.
pub fn word_gates(inputs: usize, layers: usize, gates: usize) -> Result<Vec<u8>, ConvertError> {
    let draw = &mut Draw::new(5);
    let mut at = Integers::new(Dtype::Bits, inputs);
    let (mut input, mut words) = (IntGraph::INPUT, inputs.div_ceil(32));
    for layer in 0..layers {
        let word = |_| {
            let [a, b] = [0; 2].map(|_| (draw.below(words) | draw.below(32) << 11) as u32);
            WordGates { wiring: a | b << 16, masks: masks(draw) }
        };
        let table = (0..gates / 32).map(word).collect();
        let output = at.tensor(&format!("layer {layer}"), Dtype::Bits, gates);
        at.op(IntOp::Gates { input, output, gates: IntGates::Word(table) });
        (input, words) = (output, gates / 32);
    }
    at.finish_bits(input)
}

/// `layers` layers of `gates` gates each in arbitrary wiring, random functions of both operands, and the sum of the last in ten groups:
/// through the whole converter, which simplifies them.
///
/// # Errors
/// What the converter refuses.
pub fn netlist(inputs: usize, layers: usize, gates: usize) -> Result<Vec<u8>, ConvertError> {
    let draw = &mut Draw::new(6);
    let mut graph = Graph {
        name: "bench".into(),
        input: InputSpec { len: inputs, scale: 1.0, zero_point: 0.0, min: -128, max: 127 },
        labels: Vec::new(),
        values: vec![Value { name: "input".into(), len: inputs, kind: ValueKind::Real }],
        nodes: Vec::new(),
        output: Graph::INPUT,
        readout: Readout::None,
        source_sha256: "0".repeat(64),
    };
    let push = |graph: &mut Graph, op: Op, len: usize, kind: ValueKind| {
        let (name, input) = (format!("layer {}", graph.nodes.len()), graph.output);
        graph.values.push(Value { name: name.clone(), len, kind });
        graph.output = ValueId(graph.values.len() - 1);
        graph.nodes.push(Node { name, op, input, output: graph.output });
    };
    let bits = Op::Bits { feature: (0..inputs as u32).collect(), threshold: vec![0.5; inputs] };
    push(&mut graph, bits, inputs, ValueKind::Bits);
    let mut below = inputs;
    for _ in 0..layers {
        let gate = (0..gates).map(|_| *draw.choose(&[1, 2, 4, 6, 7, 8, 9, 11, 13, 14])).collect();
        let mut column = || (0..gates).map(|_| draw.below(below) as u32).collect();
        let wiring = Wiring::Gathered { a: column(), b: column() };
        push(&mut graph, Op::Gates { wiring, gate }, gates, ValueKind::Bits);
        below = gates;
    }
    let bounds = equal_groups(gates, CLASSES);
    push(&mut graph, Op::GroupSum { bounds, bias: vec![0.0; CLASSES], tau: 1.0 }, CLASSES, ValueKind::Real);
    let options = Options { golden_vectors: 1, ..Options::default() };
    Ok(convert(graph, Ranges::Random, &options)?.image)
}

/// Ones of `bits` bits in `groups` groups.
///
/// # Errors
/// What the converter refuses.
pub fn group_sum(bits: usize, groups: usize) -> Result<Vec<u8>, ConvertError> {
    Integers::new(Dtype::Bits, bits).group_sum(IntGraph::INPUT, bits, groups)
}

/// A run with nothing to do: an op without work, and the scores it leaves.
///
/// # Errors
/// What the converter refuses.
pub fn nothing() -> Result<Vec<u8>, ConvertError> {
    Integers::new(Dtype::Bits, 32).finish_bits(IntGraph::INPUT)
}
