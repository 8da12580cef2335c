//! Calibration: the ranges that activations take on real inputs.
//!
//! Ranges are plain minima and maxima over the samples. They can be saved and given again, so that an image can be made without
//! the data, and made again to the byte.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ConvertError;
use crate::ir::eval::{Entry, Evaluator, Observer};
use crate::ir::{Activation, Graph, Op, ValueId};
use crate::progress::{self, Count, Progress, Stage};

/// Smallest and largest number seen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Smallest.
    pub min: f32,
    /// Largest.
    pub max: f32,
}

impl Interval {
    const EMPTY: Self = Self { min: f32::INFINITY, max: f32::NEG_INFINITY };

    fn take(&mut self, numbers: &[f32]) {
        for &number in numbers {
            self.min = self.min.min(number);
            self.max = self.max.max(number);
        }
    }

    /// Both intervals and what lies between.
    pub fn union(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }

    /// Largest magnitude.
    pub fn magnitude(self) -> f64 {
        f64::from(self.min.abs().max(self.max.abs()))
    }
}

/// What calibration found. Serialises to a JSON table that can stand in for the samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// `leafgate.calibration/1`.
    pub format: String,
    /// SHA-256 of the model file that was calibrated.
    pub source_sha256: String,
    /// Number of samples.
    pub samples: usize,
    /// By name of the value: numbers of an activation vector.
    pub values: BTreeMap<String, Interval>,
    /// By name of the value: numbers before the activation, of layers whose activation is a table.
    pub before_activation: BTreeMap<String, Interval>,
    /// By name of the layer: per range, `K x + b` of its neurons; absent for a range never reached.
    pub keys: BTreeMap<String, BTreeMap<usize, Interval>>,
    /// By name of the layer: per range, its hidden neurons.
    pub hidden: BTreeMap<String, BTreeMap<usize, Interval>>,
    /// By name of the layer: scores of the experts chosen.
    pub scores: BTreeMap<String, Interval>,
}

impl Calibration {
    /// Format of the table.
    pub const FORMAT: &'static str = "leafgate.calibration/1";

    /// Runs the float reference over `samples` (at least one) and notes the ranges.
    ///
    /// # Errors
    /// If there are no samples, one has not the length of the input, or an activation is not finite.
    pub fn run(graph: &Graph, samples: &[Vec<i8>]) -> Result<Self, ConvertError> {
        Self::run_with(graph, samples, &mut progress::silent)
    }

    /// [`Self::run`] that says how far it has come.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_with(graph: &Graph, samples: &[Vec<i8>], progress: &mut Progress<'_>) -> Result<Self, ConvertError> {
        let range = |what: &str, want: String, have: String| ConvertError::Range {
            place: "calibration".into(),
            what: what.into(),
            want,
            have,
        };
        if samples.is_empty() {
            return Err(range("number of samples", "1 or more".into(), "0".into()));
        }
        let mut watch = Watch::new(graph);
        let mut evaluator = Evaluator::new(graph);
        let mut count = Count::begin(progress, Stage::Calibration, samples.len());
        for (i, sample) in samples.iter().enumerate() {
            if sample.len() != graph.input.len {
                let what = format!("length of sample {i}");
                return Err(range(&what, graph.input.len.to_string(), sample.len().to_string()));
            }
            evaluator.run(sample, &mut watch);
            count.step();
        }
        watch.finish(samples.len())
    }

    /// Refuses a table that was made from another model, or with an interval that is none.
    ///
    /// # Errors
    /// The first entry that is wrong.
    pub fn check(&self, graph: &Graph) -> Result<(), ConvertError> {
        let refuse =
            |what: String, want: &str, have: String| Err(ConvertError::Calibration { what, want: want.into(), have });
        let source = (&graph.source_sha256, &self.source_sha256);
        for (what, (want, have)) in [("format", (&Self::FORMAT.to_owned(), &self.format)), ("source_sha256", source)] {
            if want != have {
                return refuse(what.into(), want, have.clone());
            }
        }
        let flat = [("values", &self.values), ("before_activation", &self.before_activation), ("scores", &self.scores)];
        let flat =
            flat.into_iter().flat_map(|(table, map)| map.iter().map(move |(name, i)| (format!("{table}.{name}"), i)));
        let nested = [("keys", &self.keys), ("hidden", &self.hidden)].into_iter().flat_map(|(table, layers)| {
            let ranges = layers.iter().flat_map(|(layer, map)| map.iter().map(move |(range, i)| (layer, range, i)));
            ranges.map(move |(layer, range, i)| (format!("{table}.{layer}.{range}"), i))
        });
        for (what, interval) in flat.chain(nested) {
            let Interval { min, max } = *interval;
            // Beyond 2^64 no scale makes sense in 8 bits, and sums of such numbers leave f32.
            let limit = 2f32.powi(64);
            if !(-limit <= min && min <= max && max <= limit) {
                return refuse(what, "min <= max, both below 2^64 in magnitude", format!("{min} to {max}"));
            }
        }
        Ok(())
    }
}

struct Watch<'g> {
    graph: &'g Graph,
    values: Vec<Vec<f32>>,
    intervals: Vec<Interval>,
    before: Vec<Interval>,
    keys: Vec<BTreeMap<usize, Interval>>,
    hidden: Vec<BTreeMap<usize, Interval>>,
    scores: Vec<Interval>,
}

impl<'g> Watch<'g> {
    fn new(graph: &'g Graph) -> Self {
        let (values, nodes) = (graph.values.len(), graph.nodes.len());
        Self {
            graph,
            values: vec![Vec::new(); values],
            intervals: vec![Interval::EMPTY; values],
            before: vec![Interval::EMPTY; values],
            keys: vec![BTreeMap::new(); nodes],
            hidden: vec![BTreeMap::new(); nodes],
            scores: vec![Interval::EMPTY; nodes],
        }
    }

    fn finish(self, samples: usize) -> Result<Calibration, ConvertError> {
        let graph = self.graph;
        let name = |i: usize| graph.values[i].name.clone();
        let seen = |intervals: Vec<Interval>, name: &dyn Fn(usize) -> String| {
            let seen = intervals.into_iter().enumerate().filter(|(_, interval)| interval.min <= interval.max);
            seen.map(|(i, interval)| (name(i), interval)).collect::<BTreeMap<_, _>>()
        };
        let node = |i: usize| graph.nodes[i].name.clone();
        let per_range = |maps: Vec<BTreeMap<usize, Interval>>| {
            maps.into_iter().enumerate().filter(|(_, map)| !map.is_empty()).map(|(i, map)| (node(i), map)).collect()
        };
        let table = Calibration {
            format: Calibration::FORMAT.into(),
            source_sha256: graph.source_sha256.clone(),
            samples,
            values: seen(self.intervals, &name),
            before_activation: seen(self.before, &name),
            keys: per_range(self.keys),
            hidden: per_range(self.hidden),
            scores: seen(self.scores, &node),
        };
        for (name, interval) in &table.values {
            if !(interval.min.is_finite() && interval.max.is_finite()) {
                return Err(ConvertError::Range {
                    place: format!("calibration of `{name}`"),
                    what: "activation".into(),
                    want: "finite numbers".into(),
                    have: format!("{} to {}", interval.min, interval.max),
                });
            }
        }
        Ok(table)
    }
}

impl Observer for Watch<'_> {
    fn value(&mut self, id: ValueId, value: &[f32]) {
        self.intervals[id.0].take(value);
        // A layer's own input is complete before its output is; what its table reads is computed again here.
        if let Some(node) = self.graph.nodes.iter().find(|node| node.output == id)
            && let Op::Linear { weight, bias, activation } = &node.op
            && !matches!(activation, Activation::None | Activation::Relu)
        {
            let x = &self.values[node.input.0];
            for (r, bias) in bias.iter().enumerate() {
                let z = weight.row(r).iter().zip(x).map(|(w, x)| w * x).sum::<f32>() + bias;
                self.before[id.0].take(&[z]);
            }
        }
        self.values[id.0].clear();
        self.values[id.0].extend_from_slice(value);
    }

    fn entry(&mut self, node: usize, entry: &Entry<'_>) {
        // A range without neurons, a constant expert, has nothing to be quantised.
        if !entry.pre.is_empty() {
            self.keys[node].entry(entry.range).or_insert(Interval::EMPTY).take(entry.pre);
            self.hidden[node].entry(entry.range).or_insert(Interval::EMPTY).take(entry.hidden);
        }
        if let (Some(score), None) = (entry.score, entry.neuron) {
            self.scores[node].take(&[score]);
        }
    }
}
