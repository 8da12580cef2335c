//! `leafgate inspect`: what is in an image, what it costs, and where its memory goes.

mod arena;
pub mod cost;
pub mod prediction;
mod ranges;

use std::path::PathBuf;

use clap::Args;
use leafgate_convert::reference::{Dtype, Image, Tensor};
use serde::Serialize;

use crate::error::Failure;
use crate::network::{Network, Summary};
use crate::output::{Done, Lines, Talk, grouped, table};
use crate::samples::{FORMS, SampleOptions};
use crate::section::{self, Part};
use arena::Slot;
use cost::OpCost;
use prediction::BoardPrediction;
use ranges::RangeRow;

const EXAMPLES: &str = "\
Examples:
  leafgate inspect digits.leaf
  leafgate inspect digits.leaf --ops --tensors --ranges
  leafgate inspect digits.leaf --samples test.csv.gz
  leafgate inspect digits.leaf --format json";

/// Arguments of `inspect`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{FORMS}"))]
pub struct Arguments {
    /// The image
    image: PathBuf,
    /// Show every op with its work and its constants
    #[arg(long)]
    ops: bool,
    /// Show every tensor and where it lies in the arena
    #[arg(long)]
    tensors: bool,
    /// Show every range of neurons: leaves, experts, blocks
    #[arg(long)]
    ranges: bool,
    /// Inputs over which instructions are averaged; without them the golden vectors are
    #[arg(long, value_name = "FILE")]
    samples: Option<PathBuf>,
    #[command(flatten)]
    sample_options: SampleOptions,
    /// Take only the first samples
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

#[derive(Serialize)]
struct Report<'n> {
    #[serde(flatten)]
    image: Summary<'n>,
    model_version: u32,
    crc32: String,
    labels: &'n [String],
    provenance: Vec<Entry<'n>>,
    input: Port,
    output: Port,
    golden_vectors: usize,
    sections: Vec<Part>,
    /// Bytes of constants that no op uses: what alignment costs.
    constants_padding_bytes: usize,
    worst_macs: u32,
    worst_gates: u32,
    worst_bytes: u32,
    worst_steps: u32,
    ops: Vec<OpCost>,
    tensors: Vec<Slot>,
    ranges: Vec<RangeRow>,
    /// `samples` or `golden vectors`: what instructions are averaged over.
    averaged_over: &'static str,
    inputs: usize,
    predictions: Vec<BoardPrediction>,
}

#[derive(Serialize)]
struct Entry<'n> {
    key: &'n str,
    value: &'n str,
}

/// The input or the output.
#[derive(Serialize)]
struct Port {
    dtype: &'static str,
    rows: usize,
    cols: usize,
    bytes: usize,
    scale: f32,
    zero_point: f32,
    /// Of inputs: the bytes that occur.
    min: Option<i8>,
    max: Option<i8>,
}

impl Port {
    fn of(tensor: &Tensor) -> Self {
        Self {
            dtype: dtype_name(tensor.dtype),
            rows: tensor.rows,
            cols: tensor.cols,
            bytes: tensor.bytes(),
            scale: tensor.scale,
            zero_point: tensor.zero_point,
            min: None,
            max: None,
        }
    }

    fn describe(&self) -> String {
        let Self { dtype, rows, cols, scale, zero_point, .. } = self;
        let range = match (self.min, self.max) {
            (Some(min), Some(max)) => format!(", q from {min} to {max}"),
            _ => String::new(),
        };
        let steps = match zero_point {
            0.0 => "q".into(),
            below if *below < 0.0 => format!("(q + {})", -below),
            above => format!("(q - {above})"),
        };
        format!("{dtype} ({rows}, {cols}), {} B, real = {scale:e} * {steps}{range}", grouped(self.bytes))
    }
}

/// The name of an element type in the format document.
fn dtype_name(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::I8 => "I8",
        Dtype::I32 => "I32",
        Dtype::Bits => "Bits",
        Dtype::List => "List",
    }
}

/// Runs the verb.
pub fn run(arguments: &Arguments, talk: Talk) -> Result<Done, Failure> {
    let network = Network::read(&arguments.image)?;
    let image = section::decode(&network.image).map_err(|failure| failure.at(&arguments.image))?;
    let (averaged_over, inputs) = match &arguments.samples {
        Some(path) => {
            let samples = arguments.sample_options.load(path, &network.input, network.outputs, &network.labels)?;
            let limit = arguments.limit.unwrap_or(usize::MAX);
            ("samples", samples.inputs.iter().take(limit).map(|sample| network.bytes_of(sample)).collect())
        }
        None => ("golden vectors", network.golden.clone()),
    };
    let outlook = prediction::outlook(&image, &inputs)?;
    let report = Report {
        averaged_over,
        inputs: inputs.len(),
        predictions: prediction::all(&outlook),
        ..report(&network, &image)
    };
    Ok(talk.done("leafgate.inspect/1", &report, || human(arguments, &report)))
}

fn report<'n>(network: &'n Network, image: &Image) -> Report<'n> {
    let header = &image.header;
    let mut input = Port::of(&image.tensors[header.input]);
    (input.min, input.max) = (Some(network.input.min), Some(network.input.max));
    Report {
        image: network.summary(),
        model_version: header.model_version,
        crc32: format!("{:08x}", header.crc32),
        labels: &network.labels,
        provenance: network.provenance.iter().map(|(key, value)| Entry { key, value }).collect(),
        input,
        output: Port::of(&image.tensors[header.output]),
        golden_vectors: network.golden.len(),
        sections: section::parts(image),
        constants_padding_bytes: cost::unused_constants(image),
        worst_macs: header.worst_macs,
        worst_gates: header.worst_gates,
        worst_bytes: header.worst_bytes,
        worst_steps: header.worst_steps,
        ops: cost::ops(image),
        tensors: arena::slots(image),
        ranges: ranges::rows(image),
        averaged_over: "",
        inputs: 0,
        predictions: Vec::new(),
    }
}

fn human(arguments: &Arguments, report: &Report<'_>) -> String {
    let mut text = summary(report);
    if arguments.ops {
        text +=
            &format!("\nops, in the order they run; bars show the share of the work\n{}", cost::render(&report.ops));
        let names: Vec<_> = report.ops.iter().map(|op| (op.op.to_owned(), op.kind.clone())).collect();
        let which = if report.inputs > 0 { "on average" } else { "at most" };
        text += &format!(
            "\ninstructions of the ops by core, {which}\n{}",
            prediction::render_ops(&report.predictions, &names)
        );
    }
    if arguments.tensors {
        text += &format!("\ntensors; bars show the place in the arena\n{}", arena::render(&report.tensors));
    }
    if arguments.ranges {
        text += &format!("\nranges\n{}", ranges::render(&report.ranges));
    }
    text
}

fn summary(report: &Report<'_>) -> String {
    let mut lines = Lines::default();
    for Entry { key, value } in &report.provenance {
        lines.add(key, *value);
    }
    lines.add("version", format!("{} (crc32 {})", report.model_version, report.crc32));
    lines.add("input", report.input.describe());
    lines.add("output", report.output.describe());
    if !report.labels.is_empty() {
        lines.add("labels", report.labels.join(", "));
    }
    let total: u32 = report.sections.iter().map(|part| part.bytes).sum();
    lines.add("image", format!("{} B", grouped(total)));
    let rows = report.sections.iter().filter(|part| part.bytes > 0).map(|part| {
        let share = format!("{:.1} %", 100.0 * f64::from(part.bytes) / f64::from(total.max(1)));
        let count = if part.count > 0 { grouped(part.count) } else { String::new() };
        vec![part.name.clone(), part.offset.map_or_else(String::new, grouped), grouped(part.bytes), share, count]
    });
    lines.add("sections", table(&["", ">offset", ">bytes", ">share", ">records"], rows).trim_end().to_owned());
    lines.add("padding", format!("{} B within the constants", grouped(report.constants_padding_bytes)));
    let ops = report.ops.len();
    let arena: usize = report.tensors.iter().filter_map(|slot| Some(slot.offset? + slot.bytes)).max().unwrap_or(0);
    let reused = report.tensors.iter().filter(|slot| slot.offset.is_some()).map(|slot| slot.bytes).sum::<usize>();
    lines.add("arena", format!("{} B, for tensors of {} B together", grouped(arena), grouped(reused)));
    let (macs, gates) = (grouped(report.worst_macs), grouped(report.worst_gates));
    let work =
        format!("{ops} ops, {} steps at worst, of these {macs} MACs and {gates} gates", grouped(report.worst_steps));
    lines.add("work", format!("{work}; {} B of the image read", grouped(report.worst_bytes)));
    lines.add("golden", format!("{} vectors", report.golden_vectors));
    let over = match report.inputs {
        0 => "no inputs to average over: give --samples".into(),
        inputs => format!("averaged over {} {}", grouped(inputs), report.averaged_over),
    };
    let predictions = format!("of a run, predicted; {over}\n{}", prediction::render(&report.predictions));
    lines.add("instructions", predictions.trim_end());
    lines.render()
}
