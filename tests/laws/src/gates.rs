//! Networks of gates of a given size, as an image has them: random wiring and random gates, that no pass has made fewer.

use leafgate_convert::ConvertError;
use leafgate_convert::pack::{Extras, pack};
use leafgate_convert::plan::plan;
use leafgate_convert::quantize::integer::{Dtype, IntGates, IntGraph, IntMap, IntOp, IntTensor, Series, TensorId};
use leafgate_image::{GatesRecord, ThresholdRecord, WordGates, dtype, op, readout, wiring};

use crate::draw::Draw;
use crate::layout::Layout;

/// Groups that the last layer is counted in: ten classes.
pub const CLASSES: usize = 10;

/// What the network reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Bits.
    Bits,
    /// As many signed bytes, each compared with a threshold.
    Bytes,
}

/// `layers` layers of `gates` gates each, a multiple of 32, from `inputs` bits; then ten groups, and the class.
///
/// # Errors
/// What the converter refuses.
pub fn network(
    reads: Reads,
    is_word: bool,
    inputs: usize,
    layers: usize,
    gates: usize,
) -> Result<Vec<u8>, ConvertError> {
    let draw = &mut Draw::new(5);
    let mut graph = IntGraph::default();
    let mut tensor = |name: &str, dtype: Dtype, cols: usize| -> TensorId {
        graph.add(IntTensor { name: name.into(), dtype, cols, scale: 1.0, zero_point: 0.0, lo: -128, hi: 127 })
    };
    let mut ops = Vec::new();
    let mut x = tensor("input", if reads == Reads::Bytes { Dtype::I8 } else { Dtype::Bits }, inputs);
    if reads == Reads::Bytes {
        let threshold = |feature| ThresholdRecord { feature, threshold: draw.below(255) as i8, reserved: 0 };
        let map = IntMap::Bits((0..inputs as u16).map(threshold).collect());
        let output = tensor("bits", Dtype::Bits, inputs);
        ops.push(IntOp::Map { input: x, output, map });
        x = output;
    }
    let mut first = 0;
    if is_word {
        let mut from = inputs;
        for layer in 0..layers {
            let mut two = |limit: usize| [draw.below(limit) as u32, draw.below(limit) as u32];
            let wiring: Vec<_> = (0..gates / 32).map(|_| (two(from.div_ceil(32)), two(32))).collect();
            let word = |([a, b], [a_rot, b_rot]): ([u32; 2], [u32; 2])| {
                let masks = std::array::from_fn(|_| draw.word());
                WordGates { wiring: a | a_rot << 11 | b << 16 | b_rot << 27, masks }
            };
            let words = IntGates::Word(wiring.into_iter().map(word).collect());
            let output = tensor(&format!("layer {layer}"), Dtype::Bits, gates);
            ops.push(IntOp::Gates { input: x, output, gates: words });
            (x, from) = (output, gates);
        }
    } else {
        // A gate reads the layer before; the signals of the input's bits are not in their order.
        let inputs_end = inputs.next_multiple_of(32);
        let signal = |layer: usize, i: usize| match layer {
            0 => 32 * (i / 32) + 4 * (i % 8) + i % 32 / 8,
            _ => inputs_end + (layer - 1) * gates + i,
        };
        let (mut wires, mut series) = (Vec::new(), Vec::new());
        for layer in 0..layers {
            let from = if layer == 0 { inputs } else { gates };
            wires.extend((0..gates).map(|_| [0; 2].map(|_| signal(layer, draw.below(from)) as u16)));
            series.extend((0..16).map(|function| {
                let [from, to] = [function, function + 1].map(|f| f * gates / 16);
                Series { function: function as u8, gates: to - from, first: signal(layer + 1, from) }
            }));
        }
        let signals = (inputs_end + layers * gates).next_power_of_two();
        let output = tensor("signals", Dtype::I32, signals / 4);
        ops.push(IntOp::Gates { input: x, output, gates: IntGates::Netlist { wires, series } });
        (x, first) = (output, signal(layers, 0));
    }
    let (scores, class) = (tensor("scores", Dtype::I32, CLASSES), tensor("class", Dtype::I32, 1));
    let bounds = (0..=CLASSES).map(|k| (first + k * gates / CLASSES) as u32).collect();
    ops.push(IntOp::GroupSum { input: x, output: scores, bounds, bias: Vec::new() });
    ops.push(IntOp::Readout { input: scores, output: Some(class), kind: readout::ARGMAX, k: 1 });
    graph.ops = ops.into_iter().map(|op| (String::new(), op)).collect();
    pack(&graph, &plan(&graph)?, &Extras::default())
}

/// A netlist whose signals are read out as numbers, which no converter writes.
pub fn signals_as_scores() -> Vec<u8> {
    let mut at = Layout::new(9, dtype::BITS, 1, 32);
    let output = at.tensor(dtype::I32, 1, 16);
    let (table, series) = (at.constant(&[1u32 << 16]), at.constant(&[1 | 6u32 << 28, 32]));
    let (op, kind, none) = (op::GATES, wiring::NETLIST, GatesRecord::default());
    at.op(&GatesRecord { op, kind, input: 0, output, count: 1, table, series, series_count: 1, ..none });
    at.finish(output, readout::ARGMAX, 1)
}
