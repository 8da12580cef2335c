//! What a network is: its size, its work, and how far it is from the one it was made of.

use leafgate_convert::ir::eval::{Entry, Evaluator, Observer, class_of};
use leafgate_convert::ir::{Graph, Op, Route};
use serde::Serialize;

use crate::Samples;

/// Figures of a network on the evaluation samples, in real numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measure {
    /// Share of samples with the right class, 0 to 1; none without classes.
    pub accuracy: Option<f64>,
    /// Share of samples with the same class as the network that came in.
    pub agreement: f64,
    /// Root of the mean square difference of the outputs to those of the network that came in, over the root of their variance.
    pub error: f64,
    /// Weights of its matrices.
    pub weights: usize,
    /// Weights that a run multiplies with, mean over the samples.
    pub active: f64,
}

/// Compares networks with the one that came in.
pub struct Judge<'a> {
    samples: Samples<'a>,
    outputs: Vec<Vec<f32>>,
    variance: f64,
}

impl<'a> Judge<'a> {
    /// `graph` is the network that came in.
    pub fn new(graph: &Graph, samples: Samples<'a>) -> Self {
        let mut evaluator = Evaluator::new(graph);
        let outputs: Vec<Vec<f32>> =
            samples.inputs.iter().map(|input| evaluator.run(input, &mut ()).to_vec()).collect();
        let count = outputs.len() as f64;
        let width = outputs.first().map_or(0, Vec::len);
        let mean = |k: usize| outputs.iter().map(|y| f64::from(y[k])).sum::<f64>() / count;
        let means: Vec<f64> = (0..width).map(mean).collect();
        let variance = outputs.iter().map(|y| distance(y.iter().map(|&y| f64::from(y)), &means)).sum::<f64>() / count;
        Self { samples, outputs, variance }
    }

    /// What `graph`, which has the same input and output, is.
    pub fn measure(&self, graph: &Graph) -> Measure {
        let mut evaluator = Evaluator::new(graph);
        let mut work = Work { graph, active: 0 };
        let (mut right, mut same, mut error) = (0, 0, 0.0);
        for (i, (input, before)) in self.samples.inputs.iter().zip(&self.outputs).enumerate() {
            let after = evaluator.run(input, &mut work);
            let class = class_of(after);
            same += usize::from(class == class_of(before));
            right += usize::from(self.samples.labels.is_some_and(|labels| labels[i] as usize == class));
            let before: Vec<f64> = before.iter().map(|&y| f64::from(y)).collect();
            error += distance(after.iter().map(|&y| f64::from(y)), &before);
        }
        let count = self.samples.inputs.len() as f64;
        let error = if self.variance > 0.0 { (error / count / self.variance).sqrt() } else { 0.0 };
        let dense: usize = graph.nodes.iter().map(|node| dense(&node.op)).sum();
        Measure {
            accuracy: self.samples.labels.map(|_| right as f64 / count),
            agreement: same as f64 / count,
            error,
            weights: graph.nodes.iter().map(|node| weights(&node.op)).sum(),
            active: work.active as f64 / count + dense as f64,
        }
    }
}

fn distance(y: impl Iterator<Item = f64>, to: &[f64]) -> f64 {
    y.zip(to).map(|(y, to)| (y - to) * (y - to)).sum()
}

/// Weights that every run multiplies with.
fn dense(op: &Op) -> usize {
    match op {
        Op::Linear { weight, .. } => weight.data.len(),
        Op::Affine { gain, .. } => gain.len(),
        _ => 0,
    }
}

fn weights(op: &Op) -> usize {
    let Op::Ffn { routes, ranges, .. } = op else { return dense(op) };
    let routes = routes.iter().map(|route| match route {
        Route::Static { .. } => 0,
        Route::Tree { weight, .. } | Route::TopK { weight, .. } => weight.data.len(),
    });
    let ranges = ranges.iter().map(|range| range.keys.data.len() + range.values.data.len());
    routes.chain(ranges).sum()
}

/// Counts the weights of FFNs as runs multiply with them.
struct Work<'g> {
    graph: &'g Graph,
    active: usize,
}

impl Work<'_> {
    fn cols(&self, node: usize) -> usize {
        self.graph.value(self.graph.nodes[node].input).len
    }
}

impl Observer for Work<'_> {
    fn score(&mut self, node: usize, _route: usize, _row: usize, _score: f32) {
        self.active += self.cols(node);
    }

    fn entry(&mut self, node: usize, entry: &Entry<'_>) {
        // A neuron of a path has met its key already.
        let keys = if entry.neuron.is_some() { 0 } else { self.cols(node) };
        self.active += entry.pre.len() * (keys + entry.partial.len());
    }
}
