//! Passes that make a trained network smaller or let it skip work.
//!
//! A [`Pipeline`] is a list of passes; [`compress`] applies them one after the other to the float graph of the converter and measures
//! what each does: size, work and accuracy before and after. A pass is *exact* (the same function), of *quantisation* (the same
//! function in real numbers, other roundings in integers), or *lossy*; a lossy one also reports its curve, the same pass at other
//! strengths, and its null baselines, the same structure chosen at random, without which its figures mean nothing.
//!
//! Nothing here trains: every choice and every refitted matrix comes from the weights and from calibration samples in closed form.

mod activations;
mod algebra;
mod cluster;
mod error;
mod measure;
mod neurons;
mod pass;
mod pipeline;
mod random;

pub use error::CompressError;
pub use measure::Measure;
pub use pipeline::{ChannelScore, FactorMethod, Pass, Pipeline, RouterKind, SplitKind};

use leafgate_convert::ir::Graph;
use measure::Judge;
use serde::Serialize;

/// Samples that a pipeline works with: inputs `q`, and their classes if they are known.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    /// Inputs, each as long as the graph's.
    pub inputs: &'a [Vec<i8>],
    /// A class for each.
    pub labels: Option<&'a [u32]>,
}

/// What a pass may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// The same integers.
    Exact,
    /// The same real numbers; roundings differ.
    Quantisation,
    /// Another function.
    Lossy,
}

/// A point of a curve, or a null baseline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// `active 2`, `random router`.
    pub name: String,
    /// What the network then is.
    pub measure: Measure,
}

/// What one pass did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PassReport {
    /// Its name in the pipeline file.
    pub pass: String,
    /// What it may change.
    pub class: Class,
    /// What it did, in a sentence.
    pub what: String,
    /// The network after it.
    pub after: Measure,
    /// The same pass at other strengths, of a lossy one.
    pub curve: Vec<Point>,
    /// The same structure chosen at random, of a lossy one.
    pub baselines: Vec<Point>,
}

/// What a pipeline did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The network as it came.
    pub before: Measure,
    /// The passes in order.
    pub passes: Vec<PassReport>,
}

/// Applies `pipeline` to `graph`. Passes look at `calibration`; what they do is measured on `eval`, which should be other samples.
/// `progress` is told how many passes are done, and of how many.
///
/// # Errors
/// If there are no samples or one has not the length of the input, or a pass does not fit the graph; the error names the pass. The
/// graph is then as it was.
pub fn compress(
    graph: &mut Graph,
    pipeline: &Pipeline,
    calibration: Samples<'_>,
    eval: Samples<'_>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Report, CompressError> {
    for (samples, what) in [(&calibration, "calibration"), (&eval, "evaluation")] {
        check(graph, samples, what)?;
    }
    let judge = Judge::new(graph, eval);
    let mut now = graph.clone();
    let before = judge.measure(&now);
    let mut passes = Vec::new();
    let count = pipeline.passes.len();
    for (index, pass) in pipeline.passes.iter().enumerate() {
        progress(index, count);
        let named = |error: CompressError| error.in_pass(index, pass.name());
        let done = pass::apply(pass, &now, calibration.inputs, pipeline.seed).map_err(named)?;
        let mut report = PassReport {
            pass: pass.name().into(),
            class: pass.class(),
            what: done.what,
            after: judge.measure(&done.graph),
            curve: Vec::new(),
            baselines: Vec::new(),
        };
        for (name, other) in pass.curve() {
            // A strength that the network has no room for is no point of the curve.
            if let Ok(other) = pass::apply(&other, &now, calibration.inputs, pipeline.seed) {
                report.curve.push(Point { name, measure: judge.measure(&other.graph) });
            }
        }
        for (name, other) in pass.baselines() {
            let other = pass::apply(&other, &now, calibration.inputs, pipeline.seed).map_err(named)?;
            report.baselines.push(Point { name, measure: judge.measure(&other.graph) });
        }
        now = done.graph;
        passes.push(report);
    }
    progress(count, count);
    *graph = now;
    Ok(Report { before, passes })
}

fn check(graph: &Graph, samples: &Samples<'_>, what: &'static str) -> Result<(), CompressError> {
    if samples.inputs.is_empty() {
        return Err(CompressError::Samples { what, want: "1 or more".into(), have: "0".into() });
    }
    let want = graph.input.len;
    if let Some((i, sample)) = samples.inputs.iter().enumerate().find(|(_, sample)| sample.len() != want) {
        let have = format!("{} in sample {i}", sample.len());
        return Err(CompressError::Samples { what, want: format!("{want} values"), have });
    }
    match samples.labels {
        Some(labels) if labels.len() != samples.inputs.len() => {
            let want = format!("{} classes", samples.inputs.len());
            Err(CompressError::Samples { what, want, have: labels.len().to_string() })
        }
        _ => Ok(()),
    }
}
