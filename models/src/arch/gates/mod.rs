//! Networks of two-input logic gates (Petersen et al., arXiv 2210.08277).
//!
//! Every gate is `k0 + k1*a + k2*b + k3*a*b` on bits, so a mixture of gates is too: whichever way a gate is
//! parametrised, a pass needs only the four coefficients. The framework computes them, and the shares of the candidates of
//! each operand, from the parameters, and differentiates that; from there to the counts of bits and back goes the loop in
//! [`fused`].

mod fused;
mod wiring;

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::activation::{sigmoid, softmax};
use burn::tensor::{Device, Int, Tensor};

use self::fused::{Bit, Block, LANES, Reading};
use self::wiring::{Image, Operand, Wiring};
use super::{Decisions, Pass, straight_through, tensor};
use crate::evaluate::read;
use crate::export::{GraphBuilder, LayerSpec};
use crate::recipe::{GateForm, GatesShape, Input};
use crate::seed::Stream;

/// A thermometer, layers of gates, and a count of bits per class.
#[derive(Module, Debug)]
pub(crate) struct Gates {
    layers: Vec<Layer>,
    /// Feature of each input bit.
    #[module(skip)]
    features: Vec<usize>,
    /// Threshold of each input bit, as a real input.
    #[module(skip)]
    thresholds: Vec<f32>,
    classes: usize,
    tau: f32,
}

/// A layer of `n` gates.
#[derive(Module, Debug)]
struct Layer {
    /// `(n, 16)` logits of the gates, or `(n, 4)` logits of the rows of the truth table.
    logits: Param<Tensor<2>>,
    /// `(groups, candidates)`: logits of what the first operand reads, where there is a choice.
    a: Option<Param<Tensor<2>>>,
    /// The same of the second operand.
    b: Option<Param<Tensor<2>>>,
    #[module(skip)]
    wiring: Wiring,
    /// Bits of the candidates of each gate's operands.
    #[module(skip)]
    bits: [Arc<Vec<u32>>; 2],
}

/// The part of a pass that gradients are computed from: what [`fused`] needs, beside the tensors it came from.
#[derive(Debug)]
pub(crate) struct Tape {
    terms: Vec<Terms>,
    layers: Vec<fused::Layer>,
    blocks: Vec<Block>,
    tau: f32,
}

/// What a layer computes, as tensors: coefficients `(n, 4)` and shares `(groups, candidates)` of both operands.
#[derive(Debug)]
struct Terms {
    coefficients: Tensor<2>,
    shares: [Option<Tensor<2>>; 2],
}

/// Where the random numbers of a network of gates come from.
pub(crate) struct Streams<'a> {
    pub(crate) wiring: &'a mut Stream,
    pub(crate) weights: &'a mut Stream,
}

impl Gates {
    /// A network over the thresholds `planes`, `[threshold][feature]` on the scale of `q`.
    pub(crate) fn new(
        shape: &GatesShape,
        input: &Input,
        planes: &[Vec<f32>],
        classes: usize,
        streams: Streams<'_>,
        device: &Device,
    ) -> Self {
        let inputs = planes.first().map_or(0, Vec::len);
        let (features, thresholds) = input_bits(shape, input, planes);
        let mut bits = features.len();
        let mut layers = Vec::new();
        for (index, &gates) in shape.layers.iter().enumerate() {
            let wiring = if shape.local_width.is_some() && index == 0 {
                let (_, row) = shape.plane(inputs);
                let image = Image { plane: bits / 32 / planes.len(), row };
                Wiring::local(bits, gates, image, shape.candidates, streams.wiring)
            } else {
                Wiring::new(shape.wiring, bits, gates, shape.candidates, streams.wiring)
            };
            layers.push(Layer::new(shape, gates, wiring, streams.weights, device));
            bits = gates;
        }
        Self { layers, features, thresholds, classes, tau: shape.tau }
    }

    /// The scores of the real inputs `x (batch, inputs)`; what a gate is and what it reads is picked with noise from
    /// `noise`, if it is given.
    pub(crate) fn pass(
        &self,
        x: Tensor<2>,
        decisions: Decisions,
        mut noise: Option<&mut Stream>,
    ) -> Result<Pass, String> {
        let device = x.device();
        let [batch, inputs] = x.dims();
        let x = read(x)?;
        let mut terms = Vec::with_capacity(self.layers.len());
        let mut layers = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let (term, layer) = layer.terms(decisions, noise.as_deref_mut())?;
            terms.push(term);
            layers.push(layer);
        }
        let bits = |block: usize| {
            let bit = |(&feature, &threshold): (&usize, &f32)| -> Bit {
                std::array::from_fn(|lane| {
                    let row = block * LANES + lane;
                    f32::from(u8::from(row < batch && x[row * inputs + feature] > threshold))
                })
            };
            self.features.iter().zip(&self.thresholds).map(bit).collect()
        };
        let blocks = fused::forward(&layers, batch.div_ceil(LANES), bits);

        let mut scores = vec![0.0; batch * self.classes];
        for (rows, block) in scores.chunks_mut(LANES * self.classes).zip(&blocks) {
            let size = block.last().len() / self.classes;
            for (class, bits) in block.last().chunks_exact(size).enumerate() {
                for (lane, row) in rows.chunks_exact_mut(self.classes).enumerate() {
                    row[class] = bits.iter().map(|bit| bit[lane]).sum::<f32>() / self.tau;
                }
            }
        }
        let scores = tensor(scores, [batch, self.classes], &device);
        let tracked = self.layers.iter().any(|layer| layer.logits.val().is_require_grad());
        let scores = if tracked { scores.require_grad() } else { scores };
        let tape = Some(Tape { terms, layers, blocks, tau: self.tau });
        Ok(Pass { scores, choices: None, load: None, always: None, tape })
    }

    pub(crate) fn export(&self, graph: &mut GraphBuilder) -> Result<(), String> {
        let features: Vec<i32> = self.features.iter().map(|&feature| feature as i32).collect();
        graph.integers("bits.feature", &features);
        graph.floats("bits.threshold", &self.thresholds);
        graph.layer(LayerSpec::Thermometer { prefix: "bits.".into() });
        for (index, layer) in self.layers.iter().enumerate() {
            let prefix = format!("gates{index}.");
            graph.bytes(&format!("{prefix}gate"), &layer.gate_ids()?);
            let wiring = &layer.wiring;
            for (name, operand, choice) in [("a", &wiring.a, &layer.a), ("b", &wiring.b, &layer.b)] {
                let (source, rot) = operand.picked(&picks(choice.as_ref(), wiring.groups())?);
                if wiring.lanes == 32 {
                    graph.integers(&format!("{prefix}{name}_word"), &source);
                    graph.integers(&format!("{prefix}{name}_rot"), &rot);
                } else {
                    graph.integers(&format!("{prefix}{name}"), &source);
                }
            }
            let wiring = if wiring.lanes == 32 { "word" } else { "gathered" };
            graph.layer(LayerSpec::Gates { prefix, wiring });
        }
        graph.layer(LayerSpec::GroupSum { groups: self.classes, tau: self.tau });
        graph.layer(LayerSpec::Argmax);
        Ok(())
    }

    /// How many gates there are of each id, over all layers.
    pub(crate) fn histogram(&self) -> Result<[usize; 16], String> {
        let mut histogram = [0; 16];
        for layer in &self.layers {
            layer.gate_ids()?.iter().for_each(|&id| histogram[usize::from(id)] += 1);
        }
        Ok(histogram)
    }
}

impl Tape {
    /// A value whose gradients for the parameters are those of the loss, given the loss's gradient `scores` for the scores
    /// of the pass: every coefficient and share times what it is worth.
    pub(crate) fn surrogate(self, scores: Tensor<2>) -> Result<Tensor<1>, String> {
        let [batch, classes] = scores.dims();
        let device = scores.device();
        let scores = read(scores)?;
        let gates = self.layers[self.layers.len() - 1].coefficients.len();
        let last = |block: usize| {
            let class = |class: usize| -> Bit {
                std::array::from_fn(|lane| {
                    let row = block * LANES + lane;
                    if row < batch { scores[row * classes + class] / self.tau } else { 0.0 }
                })
            };
            (0..classes).flat_map(|index| std::iter::repeat_n(class(index), gates / classes)).collect()
        };
        let gradients = fused::backward(&self.layers, &self.blocks, last);
        let mut sum = Tensor::<1>::zeros([1], &device.autodiff());
        for (term, gradient) in self.terms.into_iter().zip(gradients) {
            let Terms { coefficients, shares } = term;
            let worth = |value: Tensor<2>, gradient: Vec<f32>| {
                let gradient = tensor(gradient, value.dims(), &value.device());
                (value * gradient).sum()
            };
            sum = sum + worth(coefficients, gradient.coefficients.into_iter().flatten().collect());
            for (share, gradient) in shares.into_iter().zip([gradient.a, gradient.b]) {
                if let Some(share) = share {
                    sum = sum + worth(share, gradient);
                }
            }
        }
        Ok(sum)
    }
}

/// Feature and real threshold of every input bit. Threshold by threshold: the bits of one threshold are a plane of the
/// image, and a rotation of its words moves rows and columns. A padding bit is never 1.
fn input_bits(shape: &GatesShape, input: &Input, planes: &[Vec<f32>]) -> (Vec<usize>, Vec<f32>) {
    let real = |q: f32| input.scale * (q - input.zero_point);
    let never = real(f32::from(input.max) + 1.0);
    let inputs = planes.first().map_or(0, Vec::len);
    let (rows, row) = shape.plane(inputs);
    let width = inputs / rows;
    let total = shape.input_bits(inputs);
    let (mut features, mut thresholds) = (Vec::with_capacity(total), Vec::with_capacity(total));
    for plane in planes {
        for y in 0..rows {
            features.extend(y * width..(y + 1) * width);
            thresholds.extend(plane[y * width..(y + 1) * width].iter().map(|&q| real(q)));
            features.extend(std::iter::repeat_n(0, row - width));
            thresholds.extend(std::iter::repeat_n(never, row - width));
        }
        if row != width || rows > 1 {
            // An aligned plane ends with a word.
            features.resize(features.len().next_multiple_of(32), 0);
            thresholds.resize(thresholds.len().next_multiple_of(32), never);
        }
    }
    features.resize(total, 0);
    thresholds.resize(total, never);
    (features, thresholds)
}

/// The candidate that each group picks.
fn picks(choice: Option<&Param<Tensor<2>>>, groups: usize) -> Result<Vec<usize>, String> {
    let Some(choice) = choice else { return Ok(vec![0; groups]) };
    let [_, candidates] = choice.val().dims();
    let largest = |row: &[f32]| (1..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best });
    Ok(read(choice.val())?.chunks_exact(candidates).map(largest).collect())
}

/// Noise with which the largest of a row of logits is a sample of their softmax (Gumbel, 1954), of the shape of `logits`.
fn gumbel(logits: &Tensor<2>, stream: &mut Stream) -> Tensor<2> {
    let dims = logits.dims();
    let mut draw = || -(-(stream.unit() + f32::MIN_POSITIVE).ln()).max(f32::MIN_POSITIVE).ln();
    tensor((0..dims[0] * dims[1]).map(|_| draw()).collect(), dims, &logits.device())
}

/// The same for a sigmoid: the difference of two of them.
fn logistic(logits: &Tensor<2>, stream: &mut Stream) -> Tensor<2> {
    gumbel(logits, stream) - gumbel(logits, stream)
}

/// Softmax of the rows of `logits`; hard, all of it at the largest.
fn shares(logits: Tensor<2>, decisions: Decisions) -> Tensor<2> {
    let soft = softmax(logits.clone(), 1);
    match decisions {
        Decisions::Soft => soft,
        Decisions::Hard => {
            let [_, columns] = logits.dims();
            let ids = Tensor::<1, Int>::arange(0..columns as i64, &logits.device()).unsqueeze::<2>();
            straight_through(soft, logits.detach().argmax(1).equal(ids).float())
        }
    }
}

/// Logits of gates that mostly pass their first operand on (residual initialisation, arXiv 2411.04732), with noise.
fn initial_logits(shape: &GatesShape, gates: usize, stream: &mut Stream, device: &Device) -> Tensor<2> {
    let start: &[f32] = match shape.gate {
        GateForm::Softmax => &std::array::from_fn::<f32, 16, _>(|id| if id == 3 { shape.residual } else { 0.0 }),
        GateForm::Table => &[-shape.residual, -shape.residual, shape.residual, shape.residual],
    };
    let values = (0..gates).flat_map(|_| start).map(|&logit| logit + shape.noise * stream.normal()).collect();
    tensor(values, [gates, start.len()], device)
}

impl Layer {
    fn new(shape: &GatesShape, gates: usize, wiring: Wiring, stream: &mut Stream, device: &Device) -> Self {
        let logits = Param::from_tensor(initial_logits(shape, gates, stream, device));
        let mut choice = |operand: &Operand| {
            let dims = [wiring.groups(), operand.candidates];
            let values = (0..dims[0] * dims[1]).map(|_| stream.normal()).collect();
            (operand.candidates > 1).then(|| Param::from_tensor(tensor(values, dims, device)))
        };
        let (a, b) = if shape.candidates > 1 { (choice(&wiring.a), choice(&wiring.b)) } else { (None, None) };
        let bits = [&wiring.a, &wiring.b].map(|operand| Arc::new(operand.bits(wiring.lanes)));
        Self { logits, a, b, wiring, bits }
    }

    /// What the layer computes, as tensors and as plain numbers.
    fn terms(&self, decisions: Decisions, mut noise: Option<&mut Stream>) -> Result<(Terms, fused::Layer), String> {
        // Rows of the truth table to coefficients: f00, f10 - f00, f01 - f00, f11 - f10 - f01 + f00.
        let basis = vec![1., -1., -1., 1., 0., 0., 1., -1., 0., 1., 0., -1., 0., 0., 0., 1.];
        let table = self.table(decisions, noise.as_deref_mut());
        let basis = tensor(basis, [4, 4], &table.device());
        let coefficients = table.matmul(basis);
        let mut choose = |choice: &Option<Param<Tensor<2>>>| {
            let logits = choice.as_ref()?.val();
            let logits = match noise.as_deref_mut() {
                Some(stream) => logits.clone() + gumbel(&logits, stream),
                None => logits,
            };
            Some(shares(logits, decisions))
        };
        let terms = Terms { coefficients, shares: [choose(&self.a), choose(&self.b)] };
        let reading = |operand: &Operand, bits: &Arc<Vec<u32>>, shares: &Option<Tensor<2>>| -> Result<_, String> {
            let shares = shares.clone().map_or(Ok(Vec::new()), read)?;
            Ok(Reading { bits: bits.clone(), candidates: operand.candidates, shares })
        };
        let flat = read(terms.coefficients.clone())?;
        let layer = fused::Layer {
            coefficients: flat.as_chunks().0.to_vec(),
            a: reading(&self.wiring.a, &self.bits[0], &terms.shares[0])?,
            b: reading(&self.wiring.b, &self.bits[1], &terms.shares[1])?,
            lanes: self.wiring.lanes,
        };
        Ok((terms, layer))
    }

    /// `(n, 4)`: the probability that `f(0,0)`, `f(0,1)`, `f(1,0)`, `f(1,1)` are 1.
    fn table(&self, decisions: Decisions, noise: Option<&mut Stream>) -> Tensor<2> {
        let logits = self.logits.val();
        let device = logits.device();
        if logits.dims()[1] == 4 {
            let logits = match noise {
                Some(stream) => logits.clone() + logistic(&logits, stream),
                None => logits,
            };
            let table = sigmoid(logits.clone());
            return match decisions {
                Decisions::Soft => table,
                Decisions::Hard => straight_through(table, logits.detach().greater_scalar(0.0).float()),
            };
        }
        let logits = match noise {
            Some(stream) => logits.clone() + gumbel(&logits, stream),
            None => logits,
        };
        let tables = (0..16).flat_map(|id| [8, 4, 2, 1].map(|row| f32::from(u8::from(id & row != 0)))).collect();
        shares(logits, decisions).matmul(tensor(tables, [16, 4], &device))
    }

    /// The gates decided hard; a gate id is its truth table, `f(0,0)` first.
    fn gate_ids(&self) -> Result<Vec<u8>, String> {
        let columns = self.logits.val().dims()[1];
        let logits = self.logits.val().try_into_vec_as::<f32>().map_err(|error| error.to_string())?;
        Ok(logits
            .chunks_exact(columns)
            .map(|gate| match columns {
                4 => gate.iter().fold(0, |id, &logit| 2 * id + u8::from(logit > 0.0)),
                _ => (1..16).fold(0, |best, id| if gate[id] > gate[best] { id } else { best }) as u8,
            })
            .collect())
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests;
