//! How well the image does what the trained network does: on labelled samples, float against integer.

use std::collections::BTreeMap;

use crate::host::{HostEngine, HostError, input_bytes};
use crate::ir::eval::{Entry, Evaluator, Observer, class_of};
use crate::ir::{Graph, Op, Route};
use crate::progress::{self, Count, Progress, Stage};
use crate::reference::{self, Crc};

/// Float and integer on the same samples.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Accuracy {
    /// Number of samples.
    pub samples: usize,
    /// Share of samples that the float reference classifies correctly, 0 to 1.
    pub float: f64,
    /// Share that the engine classifies correctly.
    pub integer: f64,
    /// Share on which both give the same class.
    pub agreement: f64,
    /// Share of samples whose leaves or experts are not those of the float reference; none if the network routes nothing.
    pub route_flips: Option<f64>,
    /// By layer: how many samples reached each range, in the float reference.
    pub usage: BTreeMap<String, Vec<u64>>,
}

/// Evaluates `inputs` with labels. `graph` is the one that the image was made from.
///
/// # Errors
/// If the engine refuses the image or an input.
pub fn accuracy(graph: &Graph, image: &[u8], inputs: &[Vec<i8>], labels: &[u32]) -> Result<Accuracy, HostError> {
    accuracy_with(graph, image, inputs, labels, &mut progress::silent)
}

/// [`accuracy`] that says how far it has come.
///
/// # Errors
/// As [`accuracy`].
pub fn accuracy_with(
    graph: &Graph,
    image: &[u8],
    inputs: &[Vec<i8>],
    labels: &[u32],
    progress: &mut Progress<'_>,
) -> Result<Accuracy, HostError> {
    let mut engine = HostEngine::new(image)?;
    let judge = reference::read(image, Crc::Check).ok();
    let mut evaluator = Evaluator::new(graph);
    let mut watch = Watch { graph, chosen: Vec::new(), usage: BTreeMap::new() };
    let (mut float, mut integer, mut agreement, mut flips) = (0usize, 0usize, 0usize, 0usize);
    let mut count = Count::begin(progress, Stage::Accuracy, inputs.len());
    engine.run(inputs.iter().map(|input| input_bytes(input)), |i, output| {
        let (input, label) = (&inputs[i], labels.get(i).map(|&label| label as usize));
        let best = (0..output.values.len()).rev().max_by_key(|&i| output.values[i]);
        let class = output.class().or(best).unwrap_or(0);
        watch.chosen.clear();
        let wanted = class_of(evaluator.run(input, &mut watch));
        float += usize::from(Some(wanted) == label);
        integer += usize::from(Some(class) == label);
        agreement += usize::from(class == wanted);
        if let Some(judge) = &judge
            && !watch.chosen.is_empty()
            && let Ok(outcome) = reference::run_bytes(judge, input_bytes(input))
        {
            let mut chosen: Vec<usize> =
                outcome.trace.iter().flat_map(|op| op.entries.iter().map(|entry| usize::from(entry.range))).collect();
            chosen.sort_unstable();
            watch.chosen.sort_unstable();
            flips += usize::from(chosen != watch.chosen);
        }
        count.step();
    })?;
    let samples = inputs.len();
    let share = |count: usize| count as f64 / samples.max(1) as f64;
    let routed = |op: &Op| matches!(op, Op::Ffn { routes, .. } if routes.iter().any(|route| !matches!(route, Route::Static { .. })));
    let route_flips = graph.nodes.iter().any(|node| routed(&node.op)).then(|| share(flips));
    Ok(Accuracy {
        samples,
        float: share(float),
        integer: share(integer),
        agreement: share(agreement),
        route_flips,
        usage: watch.usage,
    })
}

/// Notes the ranges (or neurons of a path) that routes choose.
struct Watch<'g> {
    graph: &'g Graph,
    chosen: Vec<usize>,
    usage: BTreeMap<String, Vec<u64>>,
}

impl Observer for Watch<'_> {
    fn entry(&mut self, node: usize, entry: &Entry<'_>) {
        let node = &self.graph.nodes[node];
        let Op::Ffn { ranges, routes, .. } = &node.op else { return };
        // A layer that takes every range has no list in the image.
        if matches!(routes.as_slice(), [Route::Static { count, .. }] if *count == ranges.len()) {
            return;
        }
        let chosen = entry.neuron.unwrap_or(entry.range);
        self.chosen.push(chosen);
        let usage = self.usage.entry(node.name.clone()).or_insert_with(|| vec![0; ranges.len()]);
        if let Some(count) = usage.get_mut(entry.range) {
            *count += 1;
        }
    }
}
