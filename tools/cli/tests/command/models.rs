//! Small graph files (`docs/graph-format.md`), made here.

use std::collections::HashMap;

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

/// A graph file under construction.
#[derive(Clone, Debug)]
pub struct Model {
    /// The description; none makes a bare state dict.
    pub graph: Option<Value>,
    /// Name, shape, data.
    pub tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
}

impl Model {
    /// A fast feedforward network of 4 leaves, 8 inputs, 3 outputs.
    pub fn fff() -> Self {
        let shapes: [(&str, &[usize]); 6] = [
            ("node_weights", &[3, 8]),
            ("node_biases", &[3, 1]),
            ("w1s", &[4, 8, 2]),
            ("b1s", &[4, 2]),
            ("w2s", &[4, 2, 3]),
            ("b2s", &[4, 3]),
        ];
        let tensor = |(seed, &(name, shape)): (usize, &(&str, &[usize]))| {
            let count = shape.iter().product();
            (format!("fff.{name}"), shape.to_vec(), noise(count, seed as u32 + 1))
        };
        let graph = json!({
            "format": "leafgate.graph/1",
            "name": "small-fff",
            "input": {"len": 8, "scale": 0.0625, "zero_point": 0.0, "min": 0, "max": 16},
            "labels": ["cat", "dog", "hen"],
            "layers": [{"op": "fff", "prefix": "fff.", "activation": "relu"}, {"op": "argmax"}],
        });
        Self { graph: Some(graph), tensors: shapes.iter().enumerate().map(tensor).collect() }
    }

    /// The same network as a state dict without a description.
    pub fn state_dict() -> Self {
        let mut model = Self::fff();
        model.graph = None;
        for (name, _, _) in &mut model.tensors {
            *name = name.trim_start_matches("fff.").to_owned();
        }
        model
    }

    /// One dense layer of random weights.
    pub fn linear(inputs: usize, outputs: usize) -> Self {
        let graph = json!({
            "format": "leafgate.graph/1",
            "name": "dense",
            "input": {"len": inputs, "scale": 0.0078125, "zero_point": 0.0},
            "layers": [{"op": "linear", "activation": "none"}, {"op": "argmax"}],
        });
        let tensors = vec![
            ("weight".into(), vec![outputs, inputs], noise(outputs * inputs, 1)),
            ("bias".into(), vec![outputs], noise(outputs, 2)),
        ];
        Self { graph: Some(graph), tensors }
    }

    /// The class is the input element that is largest.
    pub fn identity(len: usize) -> Self {
        let mut model = Self::linear(len, len);
        model.tensors[0].2 = (0..len * len).map(|i| if i % (len + 1) == 0 { 1.0 } else { 0.0 }).collect();
        model.tensors[1].2 = vec![0.0; len];
        model
    }

    /// Leaves a tensor out.
    pub fn without(mut self, name: &str) -> Self {
        self.tensors.retain(|(have, _, _)| have != name);
        self
    }

    /// Adds a tensor.
    pub fn with(mut self, name: &str, shape: &[usize]) -> Self {
        self.tensors.push((name.into(), shape.to_vec(), noise(shape.iter().product(), 9)));
        self
    }

    /// Changes the first element of a tensor.
    pub fn poisoned(mut self, name: &str, value: f32) -> Self {
        let tensor = self.tensors.iter_mut().find(|(have, _, _)| have == name).unwrap();
        tensor.2[0] = value;
        self
    }

    /// The file.
    pub fn bytes(&self) -> Vec<u8> {
        let little_endian = |data: &[f32]| data.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let data: Vec<Vec<u8>> = self.tensors.iter().map(|(_, _, data)| little_endian(data)).collect();
        let views = self.tensors.iter().zip(&data).map(|((name, shape, _), bytes)| {
            (name.clone(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
        });
        let metadata = self.graph.as_ref().map(|graph| HashMap::from([("leafgate.graph".into(), graph.to_string())]));
        safetensors::serialize(views, metadata).unwrap()
    }
}

/// Numbers from -1 to 1 that are the same every time.
fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut draw = || {
        // Numerical Recipes' generator; its high bits are good enough for weights.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| draw()).collect()
}

/// Labelled samples for [`Model::fff`], as CSV.
pub fn samples(count: usize) -> String {
    let line = |i: usize| {
        let values: Vec<String> = (0..8).map(|j| ((i * 7 + j * 5 + i * j) % 17).to_string()).collect();
        format!("{},{}\n", values.join(","), i % 3)
    };
    (0..count).map(line).collect()
}
