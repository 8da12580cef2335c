//! `leafgate compress`: passes that make a trained network skip work, before it is converted.

use std::path::{Path, PathBuf};

use clap::Args;
use leafgate_compress::{Class, CompressError, Measure, Pipeline, Report, Samples, compress};
use leafgate_convert::data;
use leafgate_convert::export::graph_file;
use leafgate_convert::import::{ImportOptions, Imported, open};
use serde::Serialize;

use crate::error::Failure;
use crate::exit::Exit;
use crate::file::Target;
use crate::output::{Done, Lines, Talk, grouped, percent, table};
use crate::samples::{FORMS, SampleOptions};

const EXAMPLES: &str = "\
Examples:
  leafgate compress mlp.safetensors --pipeline experts.toml --calib train.csv.gz --eval test.csv.gz -o sparse.safetensors
  leafgate convert sparse.safetensors --calib train.csv.gz -o sparse.leaf

A pipeline file (docs/compress.md lists the passes):
  [[pass]]
  kind = \"moefy\"
  layer = \"fc1\"
  experts = 16
  active = 4";

/// A pipeline is a few lines; a file of this size is something else.
const MAX_PIPELINE_BYTES: u64 = 1 << 20;

/// Arguments of `compress`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{FORMS}"))]
pub struct Arguments {
    /// The model, in any form that `convert` reads and that is not quantised yet
    model: PathBuf,
    /// The passes, in TOML
    #[arg(long, value_name = "TOML")]
    pipeline: PathBuf,
    /// Samples that passes choose and fit by; a thousand are plenty
    #[arg(long, value_name = "FILE")]
    calib: PathBuf,
    /// Samples that passes are measured on, best with classes and not those of --calib [default: those of --calib]
    #[arg(long, value_name = "FILE")]
    eval: Option<PathBuf>,
    #[command(flatten)]
    sample_options: SampleOptions,
    /// Use only the first samples of each file
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// The graph file to write, for `convert`
    #[arg(short, long, value_name = "SAFETENSORS")]
    output: PathBuf,
}

#[derive(Serialize)]
struct Document<'a> {
    output: &'a Path,
    calibration_samples: usize,
    eval_samples: usize,
    #[serde(flatten)]
    report: &'a Report,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, talk: Talk) -> Result<Done, Failure> {
    let Arguments { model, pipeline, calib, eval, sample_options: SampleOptions { labels_file, .. }, .. } = arguments;
    let inputs = [Some(model), Some(pipeline), Some(calib), eval.as_ref(), labels_file.as_ref()];
    let inputs: Vec<&Path> = inputs.into_iter().flatten().map(PathBuf::as_path).collect();
    let target = Target::new(&arguments.output, &inputs)?;
    let passes = Pipeline::parse(&read_pipeline(pipeline)?).map_err(|error| failure(&error).at(pipeline))?;
    if passes.passes.is_empty() {
        return Err(Failure::new("E0102", Exit::Input, "the pipeline has no passes").at(pipeline).hint(PIPELINE_HINT));
    }
    let Imported { mut graph, integer, assumptions, .. } =
        open(model, &ImportOptions::default()).map_err(|error| Failure::from(error).at(model))?;
    assumptions.iter().for_each(|assumption| talk.note(assumption));
    if integer.is_some() {
        return Err(Failure::new("E0110", Exit::Input, "the model is quantised already: passes work on real numbers")
            .at(model)
            .hint("give the model as it was before it was quantised"));
    }
    let outputs = graph.value(graph.output).len;
    let load = |path: &Path, labels_file: Option<&PathBuf>| {
        let options = SampleOptions { labels_file: labels_file.cloned(), ..arguments.sample_options.clone() };
        let mut samples = options.load(path, &graph.input, outputs, &graph.labels)?;
        let limit = arguments.limit as usize;
        samples.inputs.truncate(limit);
        samples.labels.iter_mut().for_each(|labels| labels.truncate(limit));
        Ok::<data::Samples, Failure>(samples)
    };
    let calibration = load(calib, labels_file.as_ref().filter(|_| eval.is_none()))?;
    let held_out = eval.as_ref().map(|path| load(path, labels_file.as_ref())).transpose()?;
    if held_out.is_none() {
        talk.note(
            "no --eval: passes are measured on the samples that they were fitted to, and look better than they are",
        );
    }
    let calibration = Samples { inputs: &calibration.inputs, labels: calibration.labels.as_deref() };
    let eval = held_out.as_ref();
    let eval = eval.map_or(calibration, |eval| Samples { inputs: &eval.inputs, labels: eval.labels.as_deref() });

    let bar = talk.bar("compressing", passes.passes.len() as u64);
    let report = compress(&mut graph, &passes, calibration, eval, &mut |done, _| bar.set_position(done as u64));
    bar.finish_and_clear();
    let report = report.map_err(|error| failure(&error).at(pipeline))?;
    target.write(&graph_file(&graph).map_err(|error| Failure::from(error).at(model))?)?;
    let document = Document {
        output: &arguments.output,
        calibration_samples: calibration.inputs.len(),
        eval_samples: eval.inputs.len(),
        report: &report,
    };
    Ok(talk.done("leafgate.compress/1", &document, || human(&document)))
}

const PIPELINE_HINT: &str = "docs/compress.md lists the passes and their keys";

fn read_pipeline(path: &Path) -> Result<String, Failure> {
    let io = |error: std::io::Error| Failure::unreadable(path, &error);
    let metadata = std::fs::metadata(path).map_err(io)?;
    if !metadata.is_file() || metadata.len() > MAX_PIPELINE_BYTES {
        return Err(Failure::new("E0102", Exit::Input, "not a pipeline file").at(path).hint(PIPELINE_HINT));
    }
    let bytes = std::fs::read(path).map_err(io)?;
    String::from_utf8(bytes)
        .map_err(|_| Failure::new("E0102", Exit::Input, "the pipeline is not UTF-8 text").at(path).hint(PIPELINE_HINT))
}

fn failure(error: &CompressError) -> Failure {
    let (code, hint) = match error {
        CompressError::Pipeline { .. } => ("E0102", PIPELINE_HINT),
        CompressError::Samples { .. } => ("E0304", "`leafgate inspect` shows what a network reads"),
        _ => ("E0160", PIPELINE_HINT),
    };
    Failure::new(code, Exit::Input, error.to_string()).hint(hint)
}

fn human(document: &Document<'_>) -> String {
    let Document { output, calibration_samples, eval_samples, report } = document;
    let mut lines = Lines::default();
    lines.add("written", output.display().to_string());
    lines.add(
        "samples",
        format!("{} to choose by, {} to measure on", grouped(*calibration_samples), grouped(*eval_samples)),
    );
    let row = |name: String, measure: &Measure| {
        let Measure { accuracy, agreement, error, weights, active } = *measure;
        let accuracy = accuracy.map_or_else(|| "-".into(), percent);
        vec![name, accuracy, percent(agreement), percent(error), grouped(weights), grouped(active.round() as u64)]
    };
    let mut rows = vec![row("as it came".into(), &report.before)];
    for (index, pass) in report.passes.iter().enumerate() {
        let class = match pass.class {
            Class::Exact => "exact",
            Class::Quantisation => "quantisation",
            Class::Lossy => "lossy",
        };
        lines.add(&format!("pass {}", index + 1), format!("{} ({class}): {}", pass.pass, pass.what));
        rows.push(row(format!("after pass {} ({})", index + 1, pass.pass), &pass.after));
        rows.extend(pass.curve.iter().map(|point| row(format!("  {} instead", point.name), &point.measure)));
        rows.extend(pass.baselines.iter().map(|point| row(format!("  null: {}", point.name), &point.measure)));
    }
    lines.add("next", format!("leafgate convert {} --calib FILE -o IMAGE", output.display()));
    let headings = ["network", ">accuracy", ">same class", ">output error", ">weights", ">active weights"];
    format!("{}\n{}", lines.render(), table(&headings, rows))
}
