//! Sums of pieces, measured: a plugin of the emulator counts the instructions of every op, the firmware's timer those of the run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use leafgate_convert::cost::{FRAME, OpWork, Outlook, Work, run_work};
use leafgate_convert::reference::{Crc, Image, Op, Weights, read};
use leafgate_emulate::{Emulation, Machine};

use super::corpus::{TOPICS, Topic, image, inputs};
use super::solve::Sum;
use crate::BenchError;

/// How long an image may take on an emulated machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// An image of the corpus with its inputs.
#[derive(Clone, Debug)]
pub struct Case {
    /// For messages.
    pub name: String,
    /// The image.
    pub bytes: Vec<u8>,
    /// What it is run on.
    pub inputs: Vec<Vec<u8>>,
}

/// The corpus; with `every` above 1 a part of it.
#[must_use]
pub fn cases(every: u64) -> Vec<Case> {
    let case = |(topic, seed): (Topic, u64)| Case {
        name: format!("{topic:?} {seed}").to_lowercase(),
        bytes: image(topic, seed),
        inputs: inputs(topic, seed),
    };
    let all = TOPICS.into_iter().flat_map(|(topic, count)| (0..count).map(move |seed| (topic, seed)));
    all.filter(|(_, seed)| seed % every == 0).map(case).collect()
}

/// Instructions of all runs of an image together.
#[derive(Clone, Debug)]
pub struct Counts {
    /// Of the ops that the plugin has told apart, with the name of each.
    pub ops: Vec<(String, u64)>,
    /// Before each of them.
    pub between: Vec<u64>,
    /// By the timer of the firmware.
    pub runs: u64,
}

/// Runs an image on a machine under the plugin.
///
/// # Errors
/// If that does not succeed.
pub fn run(machine: &Machine, firmware: &Path, plugin: &Path, case: &Case) -> Result<Counts, BenchError> {
    let (item, name) = (case.name.clone(), machine.name.clone());
    let emulation = Emulation::new(machine, firmware)
        .image_bytes(case.bytes.clone())
        .samples(case.inputs.clone())
        .timeout(PATIENCE)
        .profile(plugin);
    let failed = |source| BenchError::Emulate { item: item.clone(), machine: name.clone(), source: Box::new(source) };
    let outcome = emulation.run().map_err(failed)?;
    if !outcome.exit.is_success() {
        let (have, log) = (outcome.exit.to_string(), outcome.lines.join("\n"));
        return Err(BenchError::Ended { item, machine: name, have, log });
    }
    let Some(profile) = outcome.profile else {
        let why = format!("no profile on {name}");
        return Err(BenchError::Content { path: PathBuf::from(item), why });
    };
    Ok(Counts {
        ops: profile.ops.into_iter().map(|op| (op.op, op.insns)).collect(),
        between: profile.between,
        runs: outcome.samples.iter().map(|sample| sample.insns).sum(),
    })
}

/// The sums of the runs of `case`: one of each op that the plugin has told apart, and one of what is left.
///
/// # Errors
/// If the image is none.
pub fn sums(case: &Case, counts: &Counts) -> Result<Vec<Sum>, BenchError> {
    let wrong = |why: String| BenchError::Content { path: PathBuf::from(&case.name), why };
    let image = read(&case.bytes, Crc::Check).map_err(|error| wrong(error.to_string()))?;
    let count = case.inputs.len();
    let works = Outlook::new(&image, &case.inputs).map_err(|error| wrong(error.to_string()))?.seen().to_vec();
    let measured = visible(&image, counts.ops.iter().map(|(name, _)| name.as_str()));
    let per_run = |work: Work| work.pieces.into_iter().map(|(piece, n)| (piece, n / count as f64)).collect();
    let mut sums = Vec::new();
    // What lies before an op that is seen: the taking of its tensors, and ops whose code is part of their caller's.
    let mut before = Work::default();
    let mut around = |work: &mut Work, insns: f64, what: String| {
        let pieces = per_run(std::mem::take(work));
        sums.push(Sum { kind: FRAME, what, pieces, insns: insns / count as f64 });
    };
    let mut ops_sums = Vec::new();
    let mut left = counts.runs as f64;
    let mut first: Option<(Work, f64)> = None;
    for (i, OpWork { kind, frame, op }) in works.into_iter().enumerate() {
        let op = op.map_err(wrong)?;
        before.merge(frame, 1);
        let Some(at) = measured[i] else {
            before.merge(op, 1);
            continue;
        };
        let (insns, between) = (counts.ops[at].1 as f64, counts.between[at] as f64);
        left -= insns + between;
        let what = format!("{} op {i}", case.name);
        if first.is_none() {
            first = Some((std::mem::take(&mut before), between));
        } else {
            around(&mut before, between, format!("before {what}"));
        }
        ops_sums.push(Sum { kind, what, pieces: per_run(op), insns: insns / count as f64 });
    }
    // What the run does before its first op and after its last cannot be told apart.
    let (mut first, between) = first.unwrap_or_default();
    first.merge(before, 1);
    first.merge(run_work(), count);
    around(&mut first, between + left, format!("around {}", case.name));
    sums.extend(ops_sums);
    Ok(sums)
}

/// Which of the ops that the plugin has seen each op of the image is; none if its code is part of its caller's.
fn visible<'p>(image: &Image, seen: impl Iterator<Item = &'p str>) -> Vec<Option<usize>> {
    let seen: Vec<&str> = seen.collect();
    if seen.len() == image.ops.len() {
        return (0..seen.len()).map(Some).collect();
    }
    let mut at = 0;
    let mut next = |op: &Op| {
        let is_it = seen.get(at).is_some_and(|name| *name == module(op));
        at += usize::from(is_it);
        is_it.then(|| at - 1)
    };
    image.ops.iter().map(&mut next).collect()
}

/// The module of the runtime that runs an op.
fn module(op: &Op) -> &'static str {
    match op {
        Op::Linear(op) if matches!(op.weights, Weights::Rows(_)) => "linear",
        Op::Linear(op) if matches!(op.weights, Weights::Pairs { .. }) => "pairs",
        Op::Linear(_) => "low_bit",
        Op::Ffn(_) => "ffn",
        Op::Route(_) => "route",
        Op::Gates(_) => "gates",
        Op::GroupSum(_) => "groupsum",
        Op::Map(_) => "map",
        Op::Readout(_) => "readout",
    }
}
