//! `leafgate emit`: an image as a Rust module.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::board;
use crate::error::Failure;
use crate::file::Target;
use crate::module::{Module, ModuleArguments, ModuleReport};
use crate::network::{Network, Summary};
use crate::output::{Done, Lines, Talk, grouped};
use crate::samples::{FORMS, SampleOptions};

const EXAMPLES: &str = "\
Examples:
  leafgate emit digits.leaf -o src/digits.rs
  leafgate emit digits.leaf -o src/digits.rs --board microbit --measure --samples test.csv.gz --limit 100";

/// Arguments of `emit`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{FORMS}"))]
pub struct Arguments {
    /// The image
    image: PathBuf,
    /// The Rust module to write
    #[arg(short, long, value_name = "MODULE")]
    output: PathBuf,
    /// The board whose core the loops are written for
    #[arg(long, value_name = "NAME")]
    board: Option<String>,
    #[command(flatten)]
    module: ModuleArguments,
    /// Samples to measure with; without them the golden vectors are
    #[arg(long, value_name = "FILE", requires = "measure")]
    samples: Option<PathBuf>,
    #[command(flatten)]
    sample_options: SampleOptions,
    /// Measure only with the first samples
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

#[derive(Serialize)]
struct Report<'n> {
    #[serde(flatten)]
    image: Summary<'n>,
    #[serde(flatten)]
    module: ModuleReport,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, talk: Talk) -> Result<Done, Failure> {
    let inputs = [Some(&arguments.image), arguments.samples.as_ref()];
    let inputs: Vec<_> = inputs.into_iter().flatten().map(PathBuf::as_path).collect();
    let target = Target::new(&arguments.output, &inputs)?;
    let board = arguments.board.as_deref().map(board::find).transpose()?;
    let network = Network::read(&arguments.image)?;
    let mut inputs = match &arguments.samples {
        Some(path) => {
            let samples = arguments.sample_options.load(path, &network.input, network.outputs, &network.labels)?;
            samples.inputs.iter().map(|sample| network.bytes_of(sample)).collect()
        }
        None => network.golden.clone(),
    };
    inputs.truncate(arguments.limit.unwrap_or(usize::MAX));
    let module = Module::of(&network.image, arguments.module, board).map_err(|failure| failure.at(&arguments.image))?;
    let measured_on = board.filter(|_| arguments.module.measure);
    let module = module.finish(&target, &arguments.output, &inputs, measured_on, talk)?;
    let report = Report { image: network.summary(), module };
    Ok(talk.done("leafgate.emit/1", &report, || {
        let mut lines = Lines::default();
        let (name, bytes) = (&network.name, grouped(network.image.len()));
        lines.add("image", format!("{}: {name} ({bytes} B)", network.path.display()));
        report.module.describe(&mut lines);
        lines.render()
    }))
}
