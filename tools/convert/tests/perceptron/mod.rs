//! A dense network with one hidden layer, trained here and now: the test needs a network that does something, not a good one.
//!
//! Plain stochastic gradient descent on the cross entropy, sample by sample. With a weight format the forward and backward pass use the
//! weights as they would be stored and the step goes to the real ones (the straight-through estimator of Bengio, Léonard and Courville,
//! arXiv 1308.3432), so that the network learns to live with the format.

use leafgate_convert::data::Samples;
use leafgate_convert::ir::{Activation, Graph, InputSpec, Matrix, Node, Op, Readout, Value, ValueId, ValueKind};
use leafgate_convert::quantize::low_bit::{effective, fit};
use leafgate_convert::quantize::weights::WeightFormat;

/// A layer's weights, row by row, and biases.
#[derive(Clone)]
pub struct Layer {
    cols: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Layer {
    fn new(cols: usize, rows: usize, state: &mut u64) -> Self {
        let mut uniform = || {
            *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (*state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        let size = (3.0 / cols as f32).sqrt();
        Self { cols, weights: (0..rows * cols).map(|_| size * uniform()).collect(), bias: vec![0.0; rows] }
    }

    fn apply(&self, weights: &[f32], x: &[f32]) -> Vec<f32> {
        let dot = |(row, b): (&[f32], &f32)| row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>() + b;
        weights.chunks(self.cols).zip(&self.bias).map(dot).collect()
    }

    /// The weights as they would be stored: a scale for each row, or one for all.
    fn stored(&self, format: WeightFormat, one_scale: bool) -> Vec<f32> {
        if format == WeightFormat::W8 {
            return self.weights.clone();
        }
        let part = if one_scale { self.weights.len() } else { self.cols };
        let rows = |rows: &[f32]| -> Vec<f32> {
            let fit = fit(rows, self.cols, format, 0.0);
            let steps = effective(&fit.weights, self.cols, &fit.scales);
            steps.iter().map(|&q| (fit.step * f64::from(q)) as f32).collect()
        };
        self.weights.chunks(part).flat_map(rows).collect()
    }

    fn step(&mut self, gradient: &[f32], x: &[f32], rate: f32) {
        for ((row, bias), &g) in self.weights.chunks_mut(self.cols).zip(&mut self.bias).zip(gradient) {
            *bias -= rate * g;
            row.iter_mut().zip(x).for_each(|(w, x)| *w -= rate * g * x);
        }
    }
}

/// Both layers.
#[derive(Clone)]
pub struct Perceptron {
    input: InputSpec,
    layers: [Layer; 2],
}

impl Perceptron {
    /// Untrained.
    pub fn new(input: &InputSpec, hidden: usize, classes: usize) -> Self {
        let mut state = 7;
        let layers = [Layer::new(input.len, hidden, &mut state), Layer::new(hidden, classes, &mut state)];
        Self { input: input.clone(), layers }
    }

    /// Trains on all samples so many times. The stored weights are taken anew every 64 samples.
    pub fn train(&mut self, samples: &Samples, epochs: usize, rate: f32, format: WeightFormat) {
        let labels = samples.labels.as_ref().expect("the samples have classes");
        let mut stored = [Vec::new(), Vec::new()];
        for _ in 0..epochs {
            for (i, (q, &label)) in samples.inputs.iter().zip(labels).enumerate() {
                if i % 64 == 0 && format != WeightFormat::W8 {
                    stored = [self.layers[0].stored(format, false), self.layers[1].stored(format, true)];
                }
                let real = |&q: &i8| (self.input.scale * (f64::from(q) - self.input.zero_point)) as f32;
                let x: Vec<f32> = q.iter().map(real).collect();
                let [first, second] = &self.layers;
                let weights = if format == WeightFormat::W8 {
                    [&first.weights, &second.weights]
                } else {
                    [&stored[0], &stored[1]]
                };
                let hidden: Vec<f32> = first.apply(weights[0], &x).into_iter().map(|h| h.max(0.0)).collect();
                let scores = second.apply(weights[1], &hidden);
                let peak = scores.iter().copied().fold(f32::MIN, f32::max);
                let shares: Vec<f32> = scores.iter().map(|s| (s - peak).exp()).collect();
                let sum: f32 = shares.iter().sum();
                let wrong = |(k, share): (usize, &f32)| share / sum - f32::from(u8::from(k == label as usize));
                let outer: Vec<f32> = shares.iter().enumerate().map(wrong).collect();
                let mut inner = vec![0.0; hidden.len()];
                for (row, g) in weights[1].chunks(hidden.len()).zip(&outer) {
                    inner.iter_mut().zip(row).for_each(|(inner, w)| *inner += g * w);
                }
                inner.iter_mut().zip(&hidden).filter(|(_, h)| **h <= 0.0).for_each(|(inner, _)| *inner = 0.0);
                self.layers[1].step(&outer, &hidden, rate);
                self.layers[0].step(&inner, &x, rate);
            }
        }
    }

    /// As the converter takes it: the layers are called `hidden` and `head`.
    pub fn graph(&self) -> Graph {
        let value = |name: &str, len| Value { name: name.into(), len, kind: ValueKind::Real };
        let node = |i: usize, name: &str, activation| {
            let Layer { cols, weights, bias } = self.layers[i].clone();
            let op = Op::Linear { weight: Matrix::new(bias.len(), cols, weights), bias, activation };
            Node { name: name.into(), op, input: ValueId(i), output: ValueId(i + 1) }
        };
        let lens = [self.layers[0].bias.len(), self.layers[1].bias.len()];
        Graph {
            name: "perceptron".into(),
            input: self.input.clone(),
            labels: Vec::new(),
            values: vec![value("input", self.input.len), value("hidden", lens[0]), value("head", lens[1])],
            nodes: vec![node(0, "hidden", Activation::Relu), node(1, "head", Activation::None)],
            output: ValueId(2),
            readout: Readout::Argmax,
            source_sha256: "0".repeat(64),
        }
    }
}
