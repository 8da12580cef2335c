//! From the float graph to the integer graph.
//!
//! Signed bytes for activations, asymmetric, one scale and zero point a tensor; signed bytes for weights, symmetric, one scale a row where the
//! output is requantised row by row and one for all rows where rows are compared (scores, routers). Zero points fold into
//! the biases. Every range of an FFN has its own scales, rescaled to the accumulator's. A tree needs no output scale at all: only
//! signs matter, and thresholds are rounded so that each comparison is exact for the quantised weights. Dense layers may have weights of
//! fewer bits: `weights` says which, `low_bit` finds their scales.

pub mod calibrate;
mod ffn;
pub mod integer;
mod linear;
pub mod low_bit;
mod netlist;
pub mod number;
pub mod proof;
mod rotation;
mod route;
mod structure;
pub mod weights;

use std::collections::HashMap;

use leafgate_image::{ThresholdRecord, WordGates, readout};

use crate::ConvertError;
use crate::ir::netlist::Netlist;
use crate::ir::{Activation, Graph, Node, Op, Readout, ValueId, ValueKind, Wiring};
use calibrate::{Calibration, Interval};
use integer::{Dtype, IntGates, IntGraph, IntMap, IntOp, IntTensor, TensorId};
use netlist::Layout;
use number::{affine, bias_i32, nearest_i8, requant, weight_scale, weights_i8};
use weights::{LayerWeights, WeightChoice};

/// Whether ReLU neurons whose `z` is not positive are skipped one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReluSkip {
    /// Where a value row is long enough that skipping it pays: 64 outputs or more.
    #[default]
    Auto,
    /// Wherever the activation is ReLU.
    Always,
    /// Nowhere: every range is taken whole.
    Never,
}

/// Quantises `graph` with the ranges in `calibration`; says what became of the weights of each dense layer.
///
/// # Errors
/// If a figure is beyond what the image can express, or `weights` names a layer that is not there; the proof that no accumulator overflows is
/// [`proof::prove`].
pub fn quantize(
    graph: &Graph,
    calibration: &Calibration,
    skip: ReluSkip,
    weights: &WeightChoice,
) -> Result<(IntGraph, Vec<LayerWeights>), ConvertError> {
    weights.check(graph)?;
    let (out, tensors, dense) = (IntGraph::default(), Vec::new(), Vec::new());
    let first_signals = HashMap::new();
    let mut quantizer = Quantizer { graph, calibration, skip, weights, out, tensors, dense, first_signals };
    quantizer.tensors.resize(graph.values.len(), None);
    let spec = &graph.input;
    quantizer.tensors[Graph::INPUT.0] = Some(quantizer.out.add(IntTensor {
        name: graph.value(Graph::INPUT).name.clone(),
        dtype: Dtype::I8,
        cols: spec.len,
        scale: spec.scale,
        zero_point: spec.zero_point,
        // The proof holds for any bytes that a caller may give, not only for those that the training saw.
        lo: -128,
        hi: 127,
    }));
    for node in &graph.nodes {
        quantizer.node(node)?;
    }
    quantizer.readout()?;
    rotation::absorb(&mut quantizer.out);
    Ok((quantizer.out, quantizer.dense))
}

struct Quantizer<'g> {
    graph: &'g Graph,
    calibration: &'g Calibration,
    skip: ReluSkip,
    weights: &'g WeightChoice,
    out: IntGraph,
    tensors: Vec<Option<TensorId>>,
    dense: Vec<LayerWeights>,
    /// Of a netlist's tensor, the first signal that is an output.
    first_signals: HashMap<TensorId, u32>,
}

impl Quantizer<'_> {
    fn node(&mut self, node: &Node) -> Result<(), ConvertError> {
        match &node.op {
            Op::Linear { weight, bias, activation } => self.linear(node, weight, bias, *activation),
            Op::Ffn { routes, ranges, activation } => self.ffn(node, routes, ranges, *activation),
            Op::Affine { gain, bias } => self.affine_map(node, gain, bias),
            Op::Add { second } => self.add_map(node, *second),
            Op::Mul { second } => self.mul_map(node, *second),
            Op::Concat { others } => self.concat(node, others),
            Op::Slice { start, len } => self.slice(node, *start, *len),
            Op::Transpose { rows, cols } => self.transpose(node, *rows, *cols),
            Op::Activation(activation) => self.activation(node, *activation),
            Op::Clamp { min, max } => self.clamp(node, *min, *max),
            Op::Bits { feature, threshold } => self.bits(node, feature, threshold),
            Op::Gates { wiring, gate } => self.gates(node, wiring, gate),
            Op::Netlist(netlist) => self.netlist(node, netlist),
            Op::GroupSum { bounds, bias, tau } => self.group_sum(node, bounds, bias, *tau),
        }
    }

    /// The tensor of a value that an earlier node wrote; its type must be `dtype`.
    fn source(&self, node: &Node, id: ValueId, dtype: Dtype) -> Result<TensorId, ConvertError> {
        let value = self.graph.value(id);
        let found = self.tensors[id.0].filter(|&tensor| self.out.tensor(tensor).dtype == dtype);
        found.ok_or_else(|| ConvertError::Range {
            place: format!("layer `{}`", node.name),
            what: format!("input `{}`", value.name),
            want: if dtype == Dtype::Bits { "bits" } else { "numbers in 8 bits" }.into(),
            have: if value.kind == ValueKind::Bits { "bits" } else { "raw scores, which only the readout may use" }
                .into(),
        })
    }

    /// Whether a value is the network's scores and nothing else, so that it needs no requantisation.
    fn is_raw(&self, id: ValueId) -> bool {
        id == self.graph.output && !self.graph.nodes.iter().flat_map(Node::reads).any(|read| read == id)
    }

    fn new_i8(&mut self, name: &str, cols: usize, interval: Interval) -> TensorId {
        let (scale, zero_point) = affine(interval);
        let name = name.to_owned();
        self.out.add(IntTensor { name, dtype: Dtype::I8, cols, scale, zero_point, lo: -128, hi: 127 })
    }

    fn new_i32(&mut self, name: String, cols: usize, scale: f64) -> TensorId {
        let (lo, hi) = (i32::MIN, i32::MAX);
        self.out.add(IntTensor { name, dtype: Dtype::I32, cols, scale, zero_point: 0.0, lo, hi })
    }

    /// An I8 tensor for the output of `node`, scaled as calibrated.
    fn output_i8(&mut self, node: &Node) -> Result<TensorId, ConvertError> {
        let value = self.graph.value(node.output);
        let interval = self.interval(&self.calibration.values, &self.graph.value(self.joined(node.output)).name)?;
        let id = self.new_i8(&value.name, value.len, interval);
        self.tensors[node.output.0] = Some(id);
        Ok(id)
    }

    fn interval(
        &self,
        table: &std::collections::BTreeMap<String, Interval>,
        name: &str,
    ) -> Result<Interval, ConvertError> {
        table.get(name).copied().ok_or_else(|| ConvertError::Calibration {
            what: format!("the range of `{name}`"),
            want: "an entry".into(),
            have: "missing".into(),
        })
    }

    fn push(&mut self, node: &Node, op: IntOp) {
        self.out.ops.push((node.name.clone(), op));
    }

    fn affine_map(&mut self, node: &Node, gain: &[f32], bias: &[f32]) -> Result<(), ConvertError> {
        let input = self.source(node, node.input, Dtype::I8)?;
        let x = self.out.tensor(input).clone();
        let output = self.output_i8(node)?;
        let y = self.out.tensor(output).clone();
        // The gain's magnitude goes into the requantisation; a signed byte holds its sign and as much of it as the bias leaves room for.
        let scales: Vec<f64> =
            gain.iter().zip(bias).map(|(&g, &b)| weight_scale(f64::from(g.abs()), b.into(), x.scale)).collect();
        let gains: Vec<i8> = gain.iter().zip(&scales).flat_map(|(&g, &scale)| weights_i8(&[g], scale).next()).collect();
        let bias = folded_bias(&node.name, &gains, bias, |c| scales[c] * x.scale, x.zero_point)?;
        let rq = scales
            .iter()
            .map(|scale| requant(&node.name, scale * x.scale / y.scale, y.zero_point, -128, 127))
            .collect::<Result<_, _>>()?;
        self.push(node, IntOp::Map { input, output, map: IntMap::Affine { gain: gains, bias, rq } });
        Ok(())
    }

    fn activation(&mut self, node: &Node, activation: Activation) -> Result<(), ConvertError> {
        let input = self.source(node, node.input, Dtype::I8)?;
        let output = self.output_i8(node)?;
        let table = activation_table(activation, self.out.tensor(input), self.out.tensor(output));
        self.push(node, IntOp::Map { input, output, map: IntMap::Lut256(table) });
        Ok(())
    }

    fn clamp(&mut self, node: &Node, min: f32, max: f32) -> Result<(), ConvertError> {
        let input = self.source(node, node.input, Dtype::I8)?;
        let mut y = self.out.tensor(input).clone();
        let bound = |real: f32| nearest_i8(f64::from(real) / y.scale + y.zero_point, -128, 127);
        let (lo, hi) = (bound(min), bound(max));
        y.name.clone_from(&self.graph.value(node.output).name);
        (y.lo, y.hi) = (lo.into(), hi.into());
        let output = self.out.add(y);
        self.tensors[node.output.0] = Some(output);
        self.push(node, IntOp::Map { input, output, map: IntMap::Clamp { lo, hi } });
        Ok(())
    }

    fn new_bits(&mut self, node: &Node) -> TensorId {
        let value = self.graph.value(node.output);
        let (name, cols) = (value.name.clone(), value.len);
        let tensor = IntTensor { name, dtype: Dtype::Bits, cols, scale: 1.0, zero_point: 0.0, lo: 0, hi: 1 };
        let id = self.out.add(tensor);
        self.tensors[node.output.0] = Some(id);
        id
    }

    fn bits(&mut self, node: &Node, feature: &[u32], threshold: &[f32]) -> Result<(), ConvertError> {
        let input = self.source(node, node.input, Dtype::I8)?;
        let x = self.out.tensor(input).clone();
        let mut entries = Vec::new();
        for (i, (&feature, &threshold)) in feature.iter().zip(threshold).enumerate() {
            let limit = if node.input == Graph::INPUT {
                // The number that training saw of a byte is rounded, and may equal a threshold that was taken from the data.
                let spec = &self.graph.input;
                (i8::MIN..=i8::MAX).rev().find(|&q| spec.real(q) <= threshold).map_or(-129.0, f64::from)
            } else {
                // x > t exactly if q > t / scale + zero_point, and for an integer q exactly if q > its floor.
                (f64::from(threshold) / x.scale + x.zero_point).floor()
            };
            if limit < -128.0 {
                return Err(ConvertError::Range {
                    place: format!("layer `{}`", node.name),
                    what: format!("threshold {i}"),
                    want: "a number that some input does not exceed".into(),
                    have: threshold.to_string(),
                });
            }
            let feature = u16::try_from(feature).map_err(|_| ConvertError::TooLarge {
                place: format!("layer `{}`", node.name),
                what: "feature index".into(),
                want: u16::MAX.into(),
                have: feature.into(),
            })?;
            entries.push(ThresholdRecord { feature, threshold: limit.min(127.0) as i8, reserved: 0 });
        }
        let output = self.new_bits(node);
        self.push(node, IntOp::Map { input, output, map: IntMap::Bits(entries) });
        Ok(())
    }

    fn gates(&mut self, node: &Node, wiring: &Wiring, gate: &[u8]) -> Result<(), ConvertError> {
        let input = self.source(node, node.input, Dtype::Bits)?;
        let Wiring::Word { a_word, a_rot, b_word, b_rot } = wiring else {
            // The passes have made a netlist of all others.
            return Err(ConvertError::Range {
                place: format!("layer `{}`", node.name),
                what: "its output".into(),
                want: "bits that a group_sum adds up".into(),
                have: "the network's".into(),
            });
        };
        let output = self.new_bits(node);
        let word = |(w, masks)| {
            let wiring = a_word[w] | a_rot[w] << 11 | b_word[w] << 16 | b_rot[w] << 27;
            WordGates { wiring, masks }
        };
        let gates = IntGates::Word(gate.chunks(32).map(masks).enumerate().map(word).collect());
        self.push(node, IntOp::Gates { input, output, gates });
        Ok(())
    }

    fn netlist(&mut self, node: &Node, netlist: &Netlist) -> Result<(), ConvertError> {
        let input = self.source(node, node.input, Dtype::Bits)?;
        let Layout { wires, series, signals, outputs } = netlist::lay_out(&node.name, netlist)?;
        let name = self.graph.value(node.output).name.clone();
        let output = self.new_i32(name, signals / 4, 1.0);
        self.tensors[node.output.0] = Some(output);
        self.first_signals.insert(output, outputs as u32);
        self.push(node, IntOp::Gates { input, output, gates: IntGates::Netlist { wires, series } });
        Ok(())
    }

    fn group_sum(&mut self, node: &Node, bounds: &[u32], bias: &[f32], tau: f32) -> Result<(), ConvertError> {
        let signals = self.tensors[node.input.0].and_then(|input| Some((input, *self.first_signals.get(&input)?)));
        let (input, first) = match signals {
            Some(signals) => signals,
            None => (self.source(node, node.input, Dtype::Bits)?, 0),
        };
        if !self.is_raw(node.output) {
            return Err(ConvertError::Range {
                place: format!("layer `{}`", node.name),
                what: "position of group_sum".into(),
                want: "the last layer".into(),
                have: "followed by others".into(),
            });
        }
        let bounds = bounds.iter().map(|bound| first + bound).collect();
        let groups = bias.len();
        let bias = if bias.iter().all(|&b| b == 0.0) {
            Vec::new()
        } else {
            let steps = bias.iter().enumerate();
            steps.map(|(k, &b)| bias_i32(&node.name, k, f64::from(b).round())).collect::<Result<_, _>>()?
        };
        let name = self.graph.value(node.output).name.clone();
        let output = self.new_i32(name, groups, 1.0 / f64::from(tau));
        self.tensors[node.output.0] = Some(output);
        self.push(node, IntOp::GroupSum { input, output, bounds, bias });
        Ok(())
    }

    fn readout(&mut self) -> Result<(), ConvertError> {
        let output = self.tensors[self.graph.output.0].filter(|&id| id != IntGraph::INPUT);
        let input = output.filter(|&id| matches!(self.out.tensor(id).dtype, Dtype::I8 | Dtype::I32));
        let input = input.ok_or_else(|| ConvertError::Range {
            place: "the network's output".into(),
            what: "type".into(),
            want: "numbers that some layer computes".into(),
            have: "bits, or the input itself: end with a linear layer, an FFN or group_sum".into(),
        })?;
        let outputs = self.out.tensor(input).cols;
        let (kind, k) = match self.graph.readout {
            Readout::None => (readout::NONE, 0),
            Readout::Argmax => (readout::ARGMAX, 1),
            Readout::TopK(k) => (readout::TOP_K, k),
        };
        if k > outputs {
            return Err(ConvertError::TooLarge {
                place: "readout".into(),
                what: "number of classes wanted".into(),
                want: outputs as u64,
                have: k as u64,
            });
        }
        let classes = if k == 0 { None } else { Some(self.new_i32("classes".into(), k, 1.0)) };
        self.out.ops.push(("readout".into(), IntOp::Readout { input, output: classes, kind, k }));
        Ok(())
    }
}

/// Biases in units of the accumulator, with the input's zero point folded in: `b / scale - zero_point * sum w`.
pub(crate) fn folded_bias(
    place: &str,
    weights: &[i8],
    bias: &[f32],
    scale: impl Fn(usize) -> f64,
    zero_point: f64,
) -> Result<Vec<i32>, ConvertError> {
    let exact = real_bias(weights, bias, scale, zero_point);
    exact.enumerate().map(|(r, b)| bias_i32(place, r, b.round())).collect()
}

/// [`folded_bias`] before rounding.
pub(crate) fn real_bias<'w>(
    weights: &'w [i8],
    bias: &'w [f32],
    scale: impl Fn(usize) -> f64 + 'w,
    zero_point: f64,
) -> impl Iterator<Item = f64> + 'w {
    let cols = weights.len().checked_div(bias.len()).unwrap_or(0);
    bias.iter().enumerate().map(move |(r, &b)| {
        let sum: i64 = weights[r * cols..(r + 1) * cols].iter().map(|&w| i64::from(w)).sum();
        f64::from(b) / scale(r) - zero_point * sum as f64
    })
}

/// The table of an activation from the steps of `x` to those of `y`.
pub(crate) fn activation_table(activation: Activation, x: &IntTensor, y: &IntTensor) -> Vec<i8> {
    let entry = |q: i32| {
        let real = x.scale * (f64::from(q) - x.zero_point);
        nearest_i8(f64::from(activation.of(real as f32)) / y.scale + y.zero_point, -128, 127)
    };
    (-128..=127).map(entry).collect()
}

/// Masks of up to 32 gates; lanes without a gate are constant 0.
fn masks(gates: &[u8]) -> [u32; 4] {
    let mut masks = [0u32; 4];
    for (lane, &id) in gates.iter().enumerate() {
        let [f00, f01, f10, f11] = [id >> 3 & 1, id >> 2 & 1, id >> 1 & 1, id & 1].map(u32::from);
        for (mask, bit) in masks.iter_mut().zip([f00, f00 ^ f10, f00 ^ f01, f00 ^ f01 ^ f10 ^ f11]) {
            *mask |= bit << lane;
        }
    }
    masks
}
