//! Networks of two-input logic gates (Petersen et al., arXiv 2210.08277), wired word by word.
//!
//! Every gate is `k0 + k1*a + k2*b + k3*a*b` on bits, so a mixture of gates is too: whichever way a gate is
//! parametrised, a pass needs only the four coefficients. Bits are the rows of `(bits, batch)` tensors, so that reading
//! an operand copies whole rows.

use burn::module::{Module, Param};
use burn::tensor::activation::{sigmoid, softmax};
use burn::tensor::{Device, Int, Tensor};

use super::wiring::Wiring;
use super::{Decisions, Pass, indices, straight_through, tensor};
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
    #[module(skip)]
    wiring: Wiring,
}

impl Gates {
    pub(crate) fn new(
        shape: &GatesShape,
        input: &Input,
        inputs: usize,
        classes: usize,
        wires: &mut Stream,
        weights: &mut Stream,
        device: &Device,
    ) -> Self {
        // Threshold by threshold: the bits of one threshold are a plane of the image, and a rotation of its words moves
        // rows and columns.
        let features = shape.thresholds.iter().flat_map(|_| 0..inputs).collect();
        let real = |q: f32| input.scale * (q - input.zero_point);
        let thresholds = shape.thresholds.iter().flat_map(|&q| std::iter::repeat_n(real(q), inputs)).collect();
        let mut words = inputs * shape.thresholds.len() / 32;
        let mut layers = Vec::new();
        for (index, &gates) in shape.layers.iter().enumerate() {
            let wiring = match shape.local_width {
                Some(width) if index == 0 => Wiring::local(words, gates / 32, inputs / 32, width, wires),
                _ => Wiring::random(words, gates / 32, wires),
            };
            layers.push(Layer { logits: Param::from_tensor(initial_logits(shape, gates, weights, device)), wiring });
            words = gates / 32;
        }
        Self { layers, features, thresholds, classes, tau: shape.tau }
    }

    pub(crate) fn pass(&self, x: Tensor<2>, decisions: Decisions) -> Pass {
        let device = x.device();
        let thresholds = tensor(self.thresholds.clone(), [self.thresholds.len(), 1], &device);
        let mut bits = x.transpose().select(0, indices(&self.features, &device)).greater(thresholds).float();
        for layer in &self.layers {
            bits = layer.pass(bits, decisions);
        }
        let [gates, batch] = bits.dims();
        let counts = bits.reshape([self.classes, gates / self.classes, batch]).sum_dim(1).squeeze_dim::<2>(1);
        Pass { scores: counts.transpose().div_scalar(self.tau), choices: None, load: None, always: None }
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
            for (name, column) in [
                ("a_word", &wiring.a_word),
                ("a_rot", &wiring.a_rot),
                ("b_word", &wiring.b_word),
                ("b_rot", &wiring.b_rot),
            ] {
                let column: Vec<i32> = column.iter().map(|&value| value as i32).collect();
                graph.integers(&format!("{prefix}{name}"), &column);
            }
            graph.layer(LayerSpec::Gates { prefix, wiring: "word" });
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
    /// From the bits before, `(bits, batch)`, to `(n, batch)`.
    fn pass(&self, bits: Tensor<2>, decisions: Decisions) -> Tensor<2> {
        let device = bits.device();
        let (a, b) = self.wiring.operands();
        let a = bits.clone().select(0, indices(&a, &device));
        let b = bits.select(0, indices(&b, &device));
        // Rows of the truth table to coefficients: f00, f10 - f00, f01 - f00, f11 - f10 - f01 + f00.
        let basis = tensor(vec![1., -1., -1., 1., 0., 0., 1., -1., 0., 1., 0., -1., 0., 0., 0., 1.], [4, 4], &device);
        let coefficients = self.table(decisions).matmul(basis);
        let [gates, _] = coefficients.dims();
        let k = |column: usize| coefficients.clone().slice([0..gates, column..column + 1]);
        b * (a.clone() * k(3) + k(2)) + (a * k(1) + k(0))
    }

    /// `(n, 4)`: the probability that `f(0,0)`, `f(0,1)`, `f(1,0)`, `f(1,1)` are 1.
    fn table(&self, decisions: Decisions) -> Tensor<2> {
        let logits = self.logits.val();
        let device = logits.device();
        if logits.dims()[1] == 4 {
            let table = sigmoid(logits.clone());
            return match decisions {
                Decisions::Soft => table,
                Decisions::Hard => straight_through(table, logits.detach().greater_scalar(0.0).float()),
            };
        }
        let mixture = softmax(logits.clone(), 1);
        let mixture = match decisions {
            Decisions::Soft => mixture,
            Decisions::Hard => {
                let ids = Tensor::<1, Int>::arange(0..16, &device).unsqueeze::<2>();
                straight_through(mixture, logits.detach().argmax(1).equal(ids).float())
            }
        };
        let tables = (0..16).flat_map(|id| [8, 4, 2, 1].map(|row| f32::from(u8::from(id & row != 0)))).collect();
        mixture.matmul(tensor(tables, [16, 4], &device))
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
mod tests {
    use super::*;
    use crate::evaluate::read;

    /// A layer of 32 gates of which gate `g` has id `g % 16`, on two words of input.
    fn all_ids(form: GateForm) -> Layer {
        let logit = |on: bool| if on { 1.0 } else { -1.0 };
        let (rows, columns): (Vec<f32>, usize) = match form {
            GateForm::Softmax => ((0..32).flat_map(|g| (0..16).map(move |id| logit(g % 16 == id))).collect(), 16),
            GateForm::Table => ((0..32).flat_map(|g| [8, 4, 2, 1].map(|row| logit((g % 16) & row != 0))).collect(), 4),
        };
        let wiring = Wiring { a_word: vec![0], a_rot: vec![0], b_word: vec![1], b_rot: vec![0] };
        Layer { logits: Param::from_tensor(tensor(rows, [32, columns], &Device::flex())), wiring }
    }

    #[test]
    fn a_gate_id_is_its_truth_table() {
        for form in [GateForm::Softmax, GateForm::Table] {
            let layer = all_ids(form);
            assert_eq!(layer.gate_ids().expect("read"), (0..32).map(|g| g % 16).collect::<Vec<u8>>());
            for (a, b) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let bits = [vec![a as f32; 32], vec![b as f32; 32]].concat();
                let bits = layer.pass(tensor(bits, [64, 1], &Device::flex()), Decisions::Hard);
                let want: Vec<f32> = (0..32).map(|g| (((g % 16) >> (3 - (2 * a + b))) & 1) as f32).collect();
                assert_eq!(read(bits).expect("read"), want, "{form:?} of {a}, {b}");
            }
        }
    }
}
