//! How well the image does what the trained network does: on labelled samples, float against integer.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::Range;

use crate::host::workers::in_blocks;
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
    let mut classes = Vec::with_capacity(inputs.len());
    let bytes: Vec<&[u8]> = inputs.iter().map(|input| input_bytes(input)).collect();
    HostEngine::new(image)?.run(&bytes, |_, output| {
        let best = (0..output.values.len()).rev().max_by_key(|&i| output.values[i]);
        classes.push(output.class().or(best).unwrap_or(0));
    })?;
    let judge = reference::read(image, Crc::Check).ok();
    let work = |evaluator: &mut Evaluator<'_>, range: Range<usize>| {
        let mut watch = Watch { graph, chosen: Vec::new(), usage: BTreeMap::new() };
        let mut tally = Tally::default();
        for i in range {
            let label = labels.get(i).map(|&label| label as usize);
            watch.chosen.clear();
            let wanted = class_of(evaluator.run(&inputs[i], &mut watch));
            tally.float += usize::from(Some(wanted) == label);
            tally.integer += usize::from(Some(classes[i]) == label);
            tally.agreement += usize::from(classes[i] == wanted);
            if let Some(judge) = &judge
                && !watch.chosen.is_empty()
                && let Ok(outcome) = reference::run_bytes(judge, bytes[i])
            {
                let entries = outcome.trace.iter().flat_map(|op| &op.entries);
                let mut chosen: Vec<usize> = entries.map(|entry| usize::from(entry.range)).collect();
                chosen.sort_unstable();
                watch.chosen.sort_unstable();
                tally.flips += usize::from(chosen != watch.chosen);
            }
        }
        tally.usage = watch.usage;
        tally
    };
    let mut count = Count::begin(progress, Stage::Accuracy, inputs.len());
    let mut all = Tally::default();
    let added: Result<(), Infallible> = in_blocks(
        inputs.len(),
        BLOCK,
        || Evaluator::new(graph),
        work,
        |range, tally| {
            all.add(tally);
            range.for_each(|_| count.step());
            Ok(())
        },
    );
    let Ok(()) = added;
    let samples = inputs.len();
    let share = |count: usize| count as f64 / samples.max(1) as f64;
    let routed = |op: &Op| matches!(op, Op::Ffn { routes, .. } if routes.iter().any(|route| !matches!(route, Route::Static { .. })));
    let route_flips = graph.nodes.iter().any(|node| routed(&node.op)).then(|| share(all.flips));
    Ok(Accuracy {
        samples,
        float: share(all.float),
        integer: share(all.integer),
        agreement: share(all.agreement),
        route_flips,
        usage: all.usage,
    })
}

/// Samples that a thread takes at a time.
const BLOCK: usize = 32;

/// What came of some samples.
#[derive(Debug, Default)]
struct Tally {
    float: usize,
    integer: usize,
    agreement: usize,
    flips: usize,
    usage: BTreeMap<String, Vec<u64>>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.float += other.float;
        self.integer += other.integer;
        self.agreement += other.agreement;
        self.flips += other.flips;
        for (name, counts) in other.usage {
            let sums = self.usage.entry(name).or_insert_with(|| vec![0; counts.len()]);
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
    }
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
