//! The obvious evaluator: re-reads a graph file as `docs/graph-format.md` specifies it and computes scores with plain
//! loops over `f32`. It shares no code with the trainer, so that an error in the export cannot hide.

use std::collections::HashMap;
use std::path::Path;

use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde_json::Value;

/// A graph file, read back.
pub struct Graph {
    tensors: HashMap<String, Stored>,
    pub description: Value,
}

struct Stored {
    shape: Vec<usize>,
    values: Vec<f64>,
}

/// What one evaluation gives.
pub struct Answer {
    pub class: usize,
    /// Leaves or experts that ran.
    pub ran: Vec<usize>,
}

enum Signal {
    Real(Vec<f32>),
    Bits(Vec<bool>),
}

impl Graph {
    pub fn read(path: &Path) -> Self {
        Self::from_bytes(&std::fs::read(path).expect("the graph file is there"))
    }

    pub fn from_bytes(bytes: &[u8]) -> Self {
        let (_, header) = SafeTensors::read_metadata(bytes).expect("a safetensors header");
        let metadata = header.metadata().as_ref().expect("metadata");
        assert_eq!(metadata.len(), 1, "one metadata key");
        let description = serde_json::from_str(&metadata["leafgate.graph"]).expect("the graph is JSON");
        let file = SafeTensors::deserialize(bytes).expect("a safetensors file");
        let read = |(name, view): (String, safetensors::tensor::TensorView<'_>)| {
            let data = view.data();
            let words = data.chunks_exact(4).map(|chunk| <[u8; 4]>::try_from(chunk).expect("four bytes"));
            let values: Vec<f64> = match view.dtype() {
                Dtype::F32 => words.map(|word| f64::from(f32::from_le_bytes(word))).collect(),
                Dtype::I32 => words.map(|word| f64::from(i32::from_le_bytes(word))).collect(),
                Dtype::U8 => data.iter().map(|&byte| f64::from(byte)).collect(),
                other => panic!("tensor {name} of type {other:?}"),
            };
            (name, Stored { shape: view.shape().to_vec(), values })
        };
        Self { tensors: file.tensors().into_iter().map(read).collect(), description }
    }

    /// The class of one row of bytes `q`.
    pub fn classify(&self, q: &[i8]) -> Answer {
        let input = &self.description["input"];
        assert_eq!(input["len"].as_u64(), Some(q.len() as u64));
        let (scale, zero_point) = (number(&input["scale"]), number(&input["zero_point"]));
        let mut signal = Signal::Real(q.iter().map(|&q| scale * (f32::from(q) - zero_point)).collect());
        let mut ran = Vec::new();
        for layer in self.description["layers"].as_array().expect("layers") {
            let prefix = layer["prefix"].as_str().unwrap_or_default();
            signal = match (layer["op"].as_str().expect("op"), signal) {
                ("fff", Signal::Real(x)) => Signal::Real(self.fff(prefix, &x, &mut ran)),
                ("moe", Signal::Real(x)) => {
                    assert_eq!(layer["gate"], "sigmoid");
                    let top_k = layer["top_k"].as_u64().expect("top_k") as usize;
                    Signal::Real(self.moe(prefix, top_k, &x, &mut ran))
                }
                ("thermometer", Signal::Real(x)) => Signal::Bits(self.thermometer(prefix, &x)),
                ("linear", Signal::Real(x)) => Signal::Real(self.linear(prefix, layer["activation"] == "relu", &x)),
                ("gates", Signal::Bits(bits)) => Signal::Bits(match layer["wiring"].as_str() {
                    Some("word") => self.gates(prefix, &bits),
                    Some("gathered") => self.gathered(prefix, &bits),
                    other => panic!("wiring {other:?}"),
                }),
                ("group_sum", Signal::Bits(bits)) => {
                    let groups = layer["groups"].as_u64().expect("groups") as usize;
                    Signal::Real(bits.chunks_exact(bits.len() / groups).map(ones).collect())
                }
                ("argmax", Signal::Real(scores)) => {
                    let class = (1..scores.len()).fold(0, |best, c| if scores[c] > scores[best] { c } else { best });
                    return Answer { class, ran };
                }
                (op, _) => panic!("{op} on a signal of the wrong kind"),
            };
        }
        panic!("no argmax")
    }

    /// The values and shape of a tensor.
    fn tensor(&self, prefix: &str, name: &str) -> (&[f64], &[usize]) {
        let stored = self.tensors.get(&format!("{prefix}{name}")).unwrap_or_else(|| panic!("no tensor {prefix}{name}"));
        (&stored.values, &stored.shape)
    }

    fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// One hidden layer: entry `index` of `w1 (n, I, h)`, `b1 (n, h)`, `w2 (n, h, O)`, `b2 (n, O)`.
    fn perceptron(&self, prefix: &str, names: [&str; 4], index: usize, x: &[f32]) -> Vec<f32> {
        let [w1, b1, w2, b2] = names.map(|name| self.tensor(prefix, name).0);
        // The biases of one network alone may be a vector: `(h)` and `(O)`.
        let (_, shape) = self.tensor(prefix, names[1]);
        let count = if shape.len() == 2 { shape[0] } else { 1 };
        let (hidden, outputs) = (b1.len() / count, b2.len() / count);
        assert_eq!(w1.len(), count * x.len() * hidden);
        assert_eq!(w2.len(), count * hidden * outputs);
        let mut y: Vec<f32> = b2[index * outputs..][..outputs].iter().map(|&b| b as f32).collect();
        for j in 0..hidden {
            let mut sum = b1[index * hidden + j] as f32;
            for (i, value) in x.iter().enumerate() {
                sum += value * w1[(index * x.len() + i) * hidden + j] as f32;
            }
            let active = sum.max(0.0);
            for (o, y) in y.iter_mut().enumerate() {
                *y += active * w2[(index * hidden + j) * outputs + o] as f32;
            }
        }
        y
    }

    fn fff(&self, prefix: &str, x: &[f32], ran: &mut Vec<usize>) -> Vec<f32> {
        let leaves = self.tensor(prefix, "b1s").1[0];
        let mut node = 0;
        while node < leaves - 1 {
            let (weights, shape) = self.tensor(prefix, "node_weights");
            assert_eq!(shape, [leaves - 1, x.len()]);
            let (biases, shape) = self.tensor(prefix, "node_biases");
            assert_eq!(shape, [leaves - 1, 1]);
            let row = &weights[node * x.len()..][..x.len()];
            let score = row.iter().zip(x).map(|(&w, x)| w as f32 * x).sum::<f32>() + biases[node] as f32;
            node = 2 * node + 1 + usize::from(score >= 0.0);
        }
        let leaf = node - (leaves - 1);
        ran.push(leaf);
        let y = self.perceptron(prefix, ["w1s", "b1s", "w2s", "b2s"], leaf, x);
        if !self.has(&format!("{prefix}k")) {
            return y;
        }
        let (k, shape) = self.tensor(prefix, "k");
        assert!(shape.is_empty());
        let share = sigmoid(k[0] as f32);
        let master = self.perceptron(prefix, ["magic_w1", "magic_b1", "magic_w2", "magic_b2"], 0, x);
        y.iter().zip(master).map(|(tree, master)| share * tree + (1.0 - share) * master).collect()
    }

    fn moe(&self, prefix: &str, top_k: usize, x: &[f32], ran: &mut Vec<usize>) -> Vec<f32> {
        let (weights, shape) = self.tensor(prefix, "router.weight");
        let experts = shape[0];
        let (biases, _) = self.tensor(prefix, "router.bias");
        let score = |e: usize| {
            let row = &weights[e * x.len()..][..x.len()];
            row.iter().zip(x).map(|(&w, x)| w as f32 * x).sum::<f32>() + biases[e] as f32
        };
        let scores: Vec<f32> = (0..experts).map(score).collect();
        let mut order: Vec<usize> = (0..experts).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let names = ["shared.w1", "shared.b1", "shared.w2", "shared.b2"];
        let mut y = match self.has(&format!("{prefix}shared.w1")) {
            true => self.perceptron(prefix, names, 0, x),
            false => vec![0.0; self.tensor(prefix, "b2s").1[1]],
        };
        for &e in &order[..top_k] {
            ran.push(e);
            let expert = self.perceptron(prefix, ["w1s", "b1s", "w2s", "b2s"], e, x);
            y.iter_mut().zip(expert).for_each(|(y, expert)| *y += sigmoid(scores[e]) * expert);
        }
        y
    }

    fn linear(&self, prefix: &str, relu: bool, x: &[f32]) -> Vec<f32> {
        let ((weights, shape), (biases, _)) = (self.tensor(prefix, "weight"), self.tensor(prefix, "bias"));
        assert_eq!(shape, [biases.len(), x.len()]);
        let row = |(row, &bias): (&[f64], &f64)| {
            let sum = row.iter().zip(x).map(|(&w, x)| w as f32 * x).sum::<f32>() + bias as f32;
            if relu { sum.max(0.0) } else { sum }
        };
        weights.chunks_exact(x.len()).zip(biases).map(row).collect()
    }

    fn gathered(&self, prefix: &str, bits: &[bool]) -> Vec<bool> {
        let (ids, a, b) = (self.tensor(prefix, "gate").0, self.tensor(prefix, "a").0, self.tensor(prefix, "b").0);
        let bit = |at: f64| u32::from(bits[at as usize]);
        let gate = |g: usize| (ids[g] as u32) >> (3 - (2 * bit(a[g]) + bit(b[g]))) & 1 == 1;
        (0..ids.len()).map(gate).collect()
    }

    fn thermometer(&self, prefix: &str, x: &[f32]) -> Vec<bool> {
        let (features, _) = self.tensor(prefix, "feature");
        let (thresholds, _) = self.tensor(prefix, "threshold");
        features.iter().zip(thresholds).map(|(&feature, &t)| f64::from(x[feature as usize]) > t).collect()
    }

    fn gates(&self, prefix: &str, bits: &[bool]) -> Vec<bool> {
        let words: Vec<u32> = bits.chunks_exact(32).map(pack).collect();
        let column = |name: &str| self.tensor(prefix, name).0;
        let (a_word, a_rot, b_word, b_rot) = (column("a_word"), column("a_rot"), column("b_word"), column("b_rot"));
        let ids = column("gate");
        assert_eq!(ids.len(), 32 * a_word.len());
        let gate = |g: usize| {
            let (w, lane) = (g / 32, g % 32);
            let a = words[a_word[w] as usize].rotate_right(a_rot[w] as u32) >> lane & 1;
            let b = words[b_word[w] as usize].rotate_right(b_rot[w] as u32) >> lane & 1;
            (ids[g] as u32) >> (3 - (2 * a + b)) & 1 == 1
        };
        (0..ids.len()).map(gate).collect()
    }
}

fn pack(bits: &[bool]) -> u32 {
    bits.iter().rev().fold(0, |word, &bit| word << 1 | u32::from(bit))
}

fn ones(bits: &[bool]) -> f32 {
    bits.iter().filter(|&&bit| bit).count() as f32
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

fn number(value: &Value) -> f32 {
    value.as_f64().expect("a number") as f32
}
