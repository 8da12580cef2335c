//! Hidden neurons in a graph: a dense layer, and the dense layer that alone reads it.

use leafgate_convert::ir::{Activation, Graph, Matrix, Node, Op, Range, Route, Value, ValueId, ValueKind};
use nalgebra::DMatrix;

use crate::algebra::{narrow, wide};
use crate::{CompressError, activations};

/// The neurons between two dense layers.
#[derive(Clone, Debug)]
pub struct Neurons {
    /// Index of the node with the keys.
    first: usize,
    /// Index of the node with the values.
    second: usize,
    /// What they read.
    pub input: ValueId,
    /// Key rows, `(n, C)`.
    pub keys: DMatrix<f64>,
    /// `n`.
    pub key_bias: Vec<f64>,
    /// Value rows, `(n, R)`.
    pub values: DMatrix<f64>,
    /// `R`.
    pub value_bias: Vec<f64>,
    /// Of the neurons.
    pub activation: Activation,
    /// Of the second layer's output.
    after: Activation,
}

impl Neurons {
    /// Those of the layer called `layer`.
    pub fn of(graph: &Graph, layer: &str) -> Result<Self, CompressError> {
        let first = find(graph, layer)?;
        let unfit = |why: &str| CompressError::unfit(layer, why);
        let Op::Linear { weight: keys, bias: key_bias, activation } = &graph.nodes[first].op else {
            return Err(unfit("is not dense"));
        };
        let hidden = graph.nodes[first].output;
        let reads = |node: &Node| node.reads().any(|read| read == hidden);
        let readers: Vec<usize> = (0..graph.nodes.len()).filter(|&i| reads(&graph.nodes[i])).collect();
        let &[second] = readers.as_slice() else {
            return Err(unfit("has no hidden neurons: not one layer alone reads it"));
        };
        if graph.output == hidden {
            return Err(unfit("has no hidden neurons: it is the output"));
        }
        let Op::Linear { weight: values, bias: value_bias, activation: after } = &graph.nodes[second].op else {
            return Err(unfit("has no hidden neurons: what reads it is not dense"));
        };
        let f64s = |numbers: &[f32]| numbers.iter().map(|&number| f64::from(number)).collect();
        Ok(Self {
            first,
            second,
            input: graph.nodes[first].input,
            keys: wide(keys),
            key_bias: f64s(key_bias),
            values: wide(values).transpose(),
            value_bias: f64s(value_bias),
            activation: *activation,
            after: *after,
        })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.keys.nrows()
    }

    /// What they give on each input: a row for each sample.
    pub fn hidden(&self, graph: &Graph, inputs: &[Vec<i8>]) -> DMatrix<f64> {
        activations::of(graph, graph.nodes[self.first].output, inputs)
    }

    /// What each adds to the output: the mean of `|h|` times the norm of its value row.
    pub fn contributions(&self, hidden: &DMatrix<f64>) -> Vec<f64> {
        let mean = |j: usize| hidden.column(j).iter().map(|h| h.abs()).sum::<f64>() / hidden.nrows().max(1) as f64;
        (0..self.count()).map(|j| mean(j) * self.values.row(j).norm()).collect()
    }

    /// Only the neurons of `chosen`, in its order.
    pub fn select(&mut self, chosen: &[usize]) {
        self.keys = self.keys.select_rows(chosen);
        self.values = self.values.select_rows(chosen);
        self.key_bias = chosen.iter().map(|&j| self.key_bias[j]).collect();
    }

    /// Writes them back as two dense layers.
    pub fn into_layers(self, graph: &mut Graph) {
        let hidden = graph.nodes[self.first].output;
        graph.values[hidden.0].len = self.count();
        let f32s = |numbers: &[f64]| numbers.iter().map(|&number| number as f32).collect();
        graph.nodes[self.first].op =
            Op::Linear { weight: narrow(&self.keys), bias: f32s(&self.key_bias), activation: self.activation };
        let (weight, bias) = (narrow(&self.values.transpose()), f32s(&self.value_bias));
        graph.nodes[self.second].op = Op::Linear { weight, bias, activation: self.after };
    }

    /// A range of the neurons in `chosen`, without an output bias.
    pub fn range(&self, name: String, chosen: &[usize]) -> Range {
        Range {
            name,
            keys: narrow(&self.keys.select_rows(chosen)),
            key_bias: chosen.iter().map(|&j| self.key_bias[j] as f32).collect(),
            values: narrow(&self.values.select_rows(chosen)),
            value_bias: vec![0.0; self.values.ncols()],
        }
    }

    /// Replaces both layers by one FFN. The value between them is no longer written.
    pub fn into_ffn(self, graph: &mut Graph, routes: Vec<Route>, ranges: Vec<Range>) {
        let name = graph.nodes[self.first].name.clone();
        let node = &mut graph.nodes[self.second];
        (node.input, node.name) = (self.input, name);
        node.op = Op::Ffn { routes, ranges, activation: self.activation };
        if self.after != Activation::None {
            // An FFN has no function of its output.
            let (output, name) = (node.output, format!("{}.activation", node.name));
            let len = graph.values[output.0].len;
            let between = ValueId(graph.values.len());
            graph.values.push(Value { name: format!("{name}.input"), len, kind: ValueKind::Real });
            graph.nodes[self.second].output = between;
            let op = Op::Activation(self.after);
            graph.nodes.insert(self.second + 1, Node { name, op, input: between, output });
        }
        graph.nodes.remove(self.first);
    }
}

/// The node called `layer`.
pub fn find(graph: &Graph, layer: &str) -> Result<usize, CompressError> {
    graph.nodes.iter().position(|node| node.name == layer).ok_or_else(|| CompressError::NoLayer {
        layer: layer.into(),
        layers: graph.nodes.iter().map(|node| node.name.clone()).collect(),
    })
}

/// A range's matrix with no neurons: what it gives is its output bias.
pub fn constant(name: &str, cols: usize, value_bias: Vec<f32>) -> Range {
    let (keys, values) = (Matrix::new(0, cols, Vec::new()), Matrix::new(0, value_bias.len(), Vec::new()));
    Range { name: name.into(), keys, key_bias: Vec::new(), values, value_bias }
}
