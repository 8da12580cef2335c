//! How well the image does what the trained network does: on labelled samples, float against integer. What each layer adds to the difference is
//! [`crate::layer_error`]'s business.

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
    /// The samples whose outputs are farthest from the float reference's, the farthest first; at most [`LARGEST`].
    pub largest: Vec<Difference>,
}

/// Samples in [`Accuracy::largest`].
pub const LARGEST: usize = 3;

/// A sample, and the output of it that is farthest from the float reference's.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Difference {
    /// Index of the sample.
    pub sample: usize,
    /// Its class.
    pub label: Option<u32>,
    /// What the float reference says it is.
    pub float_class: usize,
    /// What the image says it is.
    pub image_class: usize,
    /// Index of the output.
    pub output: usize,
    /// The output of the float reference.
    pub float: f64,
    /// The output of the image, as the real number it stands for.
    pub image: f64,
}

impl Difference {
    /// Magnitude of the difference.
    pub fn magnitude(&self) -> f64 {
        (self.float - self.image).abs()
    }
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
    let mut outputs = Vec::new();
    let bytes: Vec<&[u8]> = inputs.iter().map(|input| input_bytes(input)).collect();
    HostEngine::new(image)?.run(&bytes, |_, output| {
        let best = (0..output.values.len()).rev().max_by_key(|&i| output.values[i]);
        classes.push(output.class().or(best).unwrap_or(0));
        outputs.extend(output.values);
    })?;
    let judge = reference::read(image, Crc::Check).ok();
    let width = outputs.len() / inputs.len().max(1);
    let step = judge.as_ref().map(|judge| {
        let output = &judge.tensors[judge.header.output];
        (f64::from(output.scale), f64::from(output.zero_point))
    });
    let work = |evaluator: &mut Evaluator<'_>, range: Range<usize>| {
        let mut watch = Watch { graph, chosen: Vec::new(), usage: BTreeMap::new() };
        let mut tally = Tally::default();
        for i in range {
            let label = labels.get(i).map(|&label| label as usize);
            watch.chosen.clear();
            let scores = evaluator.run(&inputs[i], &mut watch);
            let wanted = class_of(scores);
            if let Some((scale, zero_point)) = step {
                let real = outputs[i * width..(i + 1) * width].iter().map(|&q| scale * (f64::from(q) - zero_point));
                let pairs = scores.iter().map(|&score| f64::from(score)).zip(real).enumerate();
                tally.note(pairs.map(|(output, (float, image))| Difference {
                    sample: i,
                    label: labels.get(i).copied(),
                    float_class: wanted,
                    image_class: classes[i],
                    output,
                    float,
                    image,
                }));
            }
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
        largest: all.largest,
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
    largest: Vec<Difference>,
}

impl Tally {
    /// Notes the outputs of a sample, of which the farthest counts.
    fn note(&mut self, outputs: impl Iterator<Item = Difference>) {
        // The first of several that are equal.
        let farther = |a: Difference, b: Difference| if b.magnitude() > a.magnitude() { b } else { a };
        self.largest.extend(outputs.reduce(farther));
        self.largest.sort_by(|a, b| b.magnitude().total_cmp(&a.magnitude()).then(a.sample.cmp(&b.sample)));
        self.largest.truncate(LARGEST);
    }

    fn add(&mut self, other: Self) {
        self.float += other.float;
        self.integer += other.integer;
        self.agreement += other.agreement;
        self.flips += other.flips;
        for difference in other.largest {
            self.note(std::iter::once(difference));
        }
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
