//! `leafgate check`: engine and reference, one against the other, on one image.

use std::path::PathBuf;

use clap::Args;
use leafgate_convert::check::{CheckReport, DEFAULT_RANDOM_INPUTS, check_with};
use leafgate_convert::host::HostEngine;
use serde::Serialize;

use crate::board::{self, Fit};
use crate::error::Failure;
use crate::network::{Network, Summary};
use crate::output::{Done, Lines, Talk, grouped};
use crate::samples::{FORMS, SampleOptions};
use crate::verb::conversion_report::describe_check;

const EXAMPLES: &str = "\
Examples:
  leafgate check digits.leaf
  leafgate check digits.leaf --samples test.csv.gz --board microbit
  leafgate check digits.leaf --random 100000 --seed 7";

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{FORMS}"))]
pub struct Arguments {
    /// The image
    image: PathBuf,
    /// Samples to compare on, too
    #[arg(long, value_name = "FILE")]
    samples: Option<PathBuf>,
    #[command(flatten)]
    sample_options: SampleOptions,
    /// Random inputs to compare on
    #[arg(long, value_name = "N", default_value_t = DEFAULT_RANDOM_INPUTS)]
    random: usize,
    /// Seed of the random inputs
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Refuse an image that does not fit this board
    #[arg(long, value_name = "NAME")]
    board: Option<String>,
}

#[derive(Serialize)]
struct Report<'n> {
    #[serde(flatten)]
    image: Summary<'n>,
    check: CheckReport,
    fit: Option<Fit>,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, talk: Talk) -> Result<Done, Failure> {
    let board = arguments.board.as_deref().map(board::find).transpose()?;
    let network = Network::read(&arguments.image)?;
    let samples: Vec<Vec<u8>> = match &arguments.samples {
        Some(path) => {
            let samples = arguments.sample_options.load(path, &network.input, network.outputs, &network.labels)?;
            samples.inputs.iter().map(|sample| network.bytes_of(sample)).collect()
        }
        None => Vec::new(),
    };
    let at = |failure: Failure| failure.at(&arguments.image);

    let count = network.golden.len() + arguments.random + samples.len();
    let bar = talk.bar("comparing", count as u64);
    let mut engine = HostEngine::new(&network.image).map_err(|error| at(error.into()))?;
    let check = check_with(&network.image, &samples, arguments.random, arguments.seed, |input| {
        bar.inc(1);
        engine.run_one(input)
    });
    bar.finish_and_clear();
    let check = check.map_err(|error| at(error.into()))?;
    let fit = board.map(|machine| Fit::of(machine, network.image.len(), network.arena_bytes).check());
    let report = Report { image: network.summary(), check, fit: fit.transpose().map_err(at)? };
    Ok(talk.done("leafgate.check/1", &report, || human(&network, &report)))
}

fn human(network: &Network, report: &Report<'_>) -> String {
    let mut lines = Lines::default();
    let check = &report.check;
    lines.add(
        "image",
        format!(
            "{}: {} ({} B, arena {} B)",
            network.path.display(),
            network.name,
            grouped(check.image_bytes),
            grouped(check.arena_bytes)
        ),
    );
    let margin = check.margin_bits.map_or_else(|| "no accumulators".into(), |bits| format!("{bits} bits to spare"));
    lines.add("proof", format!("no accumulator overflows: {} rows, {margin}", grouped(check.rows_proven)));
    lines.add("check", describe_check(check));
    if let Some(fit) = &report.fit {
        lines.add("fits", fit.describe());
    }
    lines.render()
}
