//! `leafgate convert`: from a model file to a checked image, or to a Rust module that computes the same.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use leafgate_convert::host::input_bytes;
use leafgate_convert::import::{GraphFile, ImportOptions, Imported, open};
use leafgate_convert::ir::{Activation, Graph, InputSpec, Op};
use leafgate_convert::quantize::ReluSkip;
use leafgate_convert::quantize::calibrate::Calibration;
use leafgate_convert::quantize::weights::WeightRule;
use leafgate_convert::{Conversion, ConvertError, Kernels, Options, Ranges, convert_quantized_with, convert_with};
use leafgate_emulate::Machine;

use crate::board::{self, Fit};
use crate::error::Failure;
use crate::exit::Exit;
use crate::file::Target;
use crate::module::{Module, ModuleArguments};
use crate::output::{Done, Talk};
use crate::samples::{FORMS, SampleOptions};
use crate::section;
use crate::shortfall;
use crate::stages::Stages;
use crate::verb::accuracy_report::AccuracyReport;
use crate::verb::conversion_report::{Report, Said};
use crate::verb::inspect::prediction;

const EXAMPLES: &str = "\
Examples:
  leafgate convert weights.safetensors -o digits.leaf --calib train.csv.gz
  leafgate convert weights.safetensors -o digits.leaf --calib train.csv.gz --eval test.csv.gz --board microbit
  leafgate convert mnist.pt -o mnist.leaf --calib train-images.idx.gz --activation relu --name mnist-fff
  leafgate convert difflogic.pt -o gates.leaf --graph wiring.json
  leafgate convert bert.safetensors -o ffn.leaf --layers encoder.layers.3.ffn --config config.json --calib states.npy
  leafgate convert weights.safetensors -o digits.leaf --calib train.csv.gz --save-calibration ranges.json
  leafgate convert weights.safetensors -o digits.leaf --calibration ranges.json
  leafgate convert weights.safetensors -o digits.leaf --calib train.csv.gz --weights w4,head=w8
  leafgate convert weights.safetensors -o src/digits.rs --emit rust --calib train.csv.gz --board microbit --measure";

/// Arguments of `convert`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{FORMS}"))]
pub struct Arguments {
    /// A .safetensors file with a `leafgate.graph` description, a state dict (.pt, .safetensors) of fast feedforward blocks or beside a --graph, or a .tflite or .onnx file
    model: PathBuf,
    /// The image to write, or the Rust module
    #[arg(short, long, value_name = "IMAGE")]
    output: PathBuf,
    /// What to write
    #[arg(long, value_enum, default_value_t = Form::Image)]
    emit: Form,
    #[command(flatten)]
    module: ModuleArguments,
    /// Samples that show which values activations take
    #[arg(long, value_name = "FILE", conflicts_with = "calibration")]
    calib: Option<PathBuf>,
    /// The ranges of an earlier conversion, instead of samples
    #[arg(long, value_name = "JSON")]
    calibration: Option<PathBuf>,
    /// Write the ranges, to convert again without the samples
    #[arg(long, value_name = "JSON")]
    save_calibration: Option<PathBuf>,
    /// Labelled samples on which to compare the trained network with the image [default: those of --calib, if they have classes]
    #[arg(long, value_name = "FILE")]
    eval: Option<PathBuf>,
    /// Classes of the --eval samples: idx, .npy or FILE.npz:NAME
    #[arg(long, value_name = "FILE", requires = "eval")]
    labels_file: Option<PathBuf>,
    /// Subtracted from each value of a sample [default: what makes 0 the smallest input]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    offset: Option<i32>,
    /// Colours of PNG images one after the other, as PyTorch orders them [default: pixel by pixel]
    #[arg(long)]
    channels_first: bool,
    /// Refuse an image that does not fit this board, and lay it out for the kernels of its core
    #[arg(long, value_name = "NAME")]
    board: Option<String>,
    /// Refuse an image of which a run may take more instructions on the board [default: what the board's file says]
    #[arg(long, value_name = "N", requires = "board")]
    max_instructions: Option<u64>,
    /// The kernels that matrices are laid out for; the image runs on every core [default: the board's, or portable]
    #[arg(long, value_enum)]
    kernels: Option<Family>,
    /// How weights of dense layers are stored: w8, w4, w4g32 (four bits, groups of 32), t2 (-1, 0, 1), t2g32; of one layer by its name [default: w8]
    #[arg(long, value_name = "FORMAT|LAYER=FORMAT,..", value_delimiter = ',')]
    weights: Vec<WeightRule>,
    /// Name of the network [default: the file's]
    #[arg(long)]
    name: Option<String>,
    /// Names of the outputs [default: the file's]
    #[arg(long, value_name = "A,B,..", value_delimiter = ',')]
    labels: Option<Vec<String>>,
    /// Whether ReLU neurons that are not positive are skipped one by one
    #[arg(long, value_enum, default_value_t = Skip::Auto)]
    relu_skip: Skip,
    /// Golden vectors in the image, with which a device tests itself
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(0..=4096))]
    golden: u16,
    /// Seed of golden vectors and random inputs
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// A version number of your own, in the header
    #[arg(long, value_name = "N", default_value_t = 0)]
    model_version: u32,
    #[command(flatten)]
    state_dict: StateDict,
}

/// What the state dict of a network does not say. A file that describes itself refuses these.
#[derive(Debug, Args)]
#[command(next_help_heading = "What a state dict does not say")]
struct StateDict {
    /// A description of the network, .json or .safetensors (docs/importing.md); it says all that the flags below say
    #[arg(long, value_name = "FILE")]
    graph: Option<PathBuf>,
    /// Of the hidden neurons [default: relu]
    #[arg(long, value_enum)]
    activation: Option<Function>,
    /// Elements of the input [default: that of the weights]
    #[arg(long, value_name = "N")]
    input_len: Option<usize>,
    /// Real value of one step of an input byte [default: 2/255]
    #[arg(long, value_name = "X")]
    input_scale: Option<f64>,
    /// Input byte that means 0.0 [default: -0.5]
    #[arg(long, value_name = "Q", allow_negative_numbers = true)]
    input_zero_point: Option<f64>,
    /// Smallest input byte [default: -128]
    #[arg(long, value_name = "Q", allow_negative_numbers = true)]
    input_min: Option<i8>,
    /// Largest input byte [default: 127]
    #[arg(long, value_name = "Q", allow_negative_numbers = true)]
    input_max: Option<i8>,
    /// Leave out the leaves' output bias, as evaluation in version 0.2.1 of fastfeedforward does by mistake
    #[arg(long = "match-eval-0.2.1")]
    match_eval_0_2_1: bool,
    /// Blocks by name, in the order they run; others are left out [default: all, by name]
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    layers: Vec<String>,
    /// Trees of UltraFastBERT's layer [default: follows from --depth]
    #[arg(long, value_name = "N")]
    trees: Option<usize>,
    /// Depth of these trees: a run visits one node more in each [default: follows from --trees]
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
    /// The checkpoint's config.json, which says trees, depth and activation
    #[arg(long, value_name = "JSON")]
    config: Option<PathBuf>,
}

/// What a conversion makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A flash image, which the runtime interprets
    Image,
    /// A Rust module without dependencies that gives the same outputs
    Rust,
}

/// [`ReluSkip`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Skip {
    /// Where a value row is long enough that it pays
    Auto,
    /// Wherever the activation is ReLU
    Always,
    /// Nowhere
    Never,
}

/// [`Kernels`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Family {
    /// Plain matrices
    Portable,
    /// Arm cores with the DSP extension: Cortex-M4, M7, M33
    Dsp,
    /// Cores with little but a multiplication: Cortex-M0, M3, RISC-V
    Swar,
    /// Arm cores with the vector extension: Cortex-M55
    Mve,
}

impl From<Family> for Kernels {
    fn from(family: Family) -> Self {
        match family {
            Family::Portable => Self::Portable,
            Family::Dsp => Self::Dsp,
            Family::Swar => Self::Swar,
            Family::Mve => Self::Mve,
        }
    }
}

/// [`Activation`] on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Function {
    None,
    Relu,
    Gelu,
    Sigmoid,
    Tanh,
    Silu,
    HardSwish,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, talk: Talk) -> Result<Done, Failure> {
    let inputs: Vec<&Path> = [Some(&arguments.model), arguments.calib.as_ref(), arguments.calibration.as_ref()]
        .into_iter()
        .chain([arguments.eval.as_ref(), arguments.labels_file.as_ref(), arguments.state_dict.graph.as_ref()])
        .flatten()
        .map(PathBuf::as_path)
        .collect();
    let target = Target::new(&arguments.output, &inputs)?;
    let ranges_target = arguments.save_calibration.as_ref().map(|path| Target::new(path, &inputs)).transpose()?;
    if let Some(ranges) = &ranges_target {
        target.differs_from(ranges)?;
    }
    let board = arguments.board.as_deref().map(board::find).transpose()?;
    if arguments.module.measure && arguments.emit == Form::Image {
        return Err(
            Failure::usage("--measure is for Rust modules").hint("add `--emit rust`, or use `leafgate emulate`")
        );
    }

    let imported = import(arguments)?;
    let Imported { graph, integer, listing, assumptions } = imported;
    assumptions.iter().for_each(|assumption| talk.note(assumption));
    let outputs = graph.value(graph.output).len;

    let (offset, channels_first) = (arguments.offset, arguments.channels_first);
    let load = |path: &Path, labels_file| {
        SampleOptions { labels_file, offset, channels_first }.load(path, &graph.input, outputs, &graph.labels)
    };
    let calib = arguments.calib.as_ref().map(|path| load(path, None)).transpose()?;
    let table = arguments.calibration.as_deref().map(read_calibration).transpose()?;
    let eval = match &arguments.eval {
        Some(path) => Some((path, load(path, arguments.labels_file.clone())?)),
        None => None,
    };
    let mut warnings = Vec::new();
    let wants_others =
        arguments.calib.is_some() || table.is_some() || ranges_target.is_some() || !arguments.weights.is_empty();
    if integer.is_some() && wants_others {
        return Err(Failure::usage("the model is quantised already: it has its own ranges and weights")
            .at(&arguments.model)
            .hint("leave out --calib, --calibration, --save-calibration and --weights"));
    }
    let (ranges, source) = match (&calib, &table) {
        (None, None) if integer.is_some() => (Ranges::Random, "file"),
        (Some(samples), _) => (Ranges::Samples(&samples.inputs), "samples"),
        (None, Some(table)) => (Ranges::Table(table), "table"),
        (None, None) if has_no_ranges(&graph) => (Ranges::Random, "none"),
        (None, None) => {
            warnings.push(
                "no samples: the ranges of activations come from random inputs, and ACCURACY MAY SUFFER BADLY; give \
                 training samples with `--calib FILE`, or the ranges of an earlier conversion with `--calibration JSON`"
                    .to_owned(),
            );
            (Ranges::Random, "random")
        }
    };
    warnings.iter().for_each(|warning| talk.warn(warning));

    let options = Options {
        relu_skip: match arguments.relu_skip {
            Skip::Auto => ReluSkip::Auto,
            Skip::Always => ReluSkip::Always,
            Skip::Never => ReluSkip::Never,
        },
        weights: arguments.weights.iter().cloned().collect(),
        kernels: match (arguments.kernels, board) {
            (Some(family), _) => family.into(),
            (None, Some(machine)) => board::kernels(machine),
            (None, None) => Kernels::Portable,
        },
        golden_vectors: arguments.golden.into(),
        seed: arguments.seed,
        model_version: arguments.model_version,
    };
    let mut stages = Stages::new(talk, "quantising");
    let mut show = |stage, done, total| stages.show(stage, done, total);
    let conversion = match integer {
        Some(integer) => convert_quantized_with(graph, integer, &options, &mut show),
        None => convert_with(graph, ranges, &options, &mut show),
    };
    stages.clear();
    let conversion = conversion.map_err(|error| {
        if matches!(&error, ConvertError::Range { place, .. } if place == "weight formats") {
            let mut failure = Failure::from(error);
            failure.hints = vec!["name a dense layer in `--weights LAYER=FORMAT`, or none for all of them".into()];
            return failure;
        }
        let table = arguments.calibration.as_ref().filter(|_| matches!(error, ConvertError::Calibration { .. }));
        let place = table.unwrap_or(&arguments.model).clone();
        Failure::from(error).at(&place)
    })?;

    let fit = board.map(|machine| fit(machine, &conversion, arguments.max_instructions));
    let fit = fit.transpose().map_err(|failure| failure.at(&arguments.model))?;
    let accuracy = match (&eval, &calib) {
        (Some((path, samples)), _) => {
            Some(AccuracyReport::measure(&conversion, samples, "eval", talk)?.ok_or_else(|| {
                Failure::new("E0307", Exit::Input, "the --eval samples have no classes")
                    .at(path)
                    .hint("give them as the last column of a CSV file, or in a file of their own with --labels-file")
            })?)
        }
        (None, Some(samples)) => AccuracyReport::measure(&conversion, samples, "calibration", talk)?,
        (None, None) => None,
    };

    if let Some(target) = &ranges_target {
        // A table of names and numbers is always valid JSON.
        let table = serde_json::to_string_pretty(&conversion.calibration).expect("the table is valid JSON");
        target.write((table + "\n").as_bytes())?;
    }
    let module = if arguments.emit == Form::Rust {
        let samples = eval.iter().flat_map(|(_, samples)| &samples.inputs).take(MEASURED_SAMPLES);
        let samples: Vec<Vec<u8>> = samples.map(|sample| input_bytes(sample).to_vec()).collect();
        let module = Module::of(&conversion.image, arguments.module, board);
        let module = module.map_err(|failure| failure.at(&arguments.model))?;
        let samples = if samples.is_empty() { golden(&conversion.image)? } else { samples };
        let measured_on = board.filter(|_| arguments.module.measure);
        Some(module.finish(&target, &arguments.output, &samples, measured_on, talk)?)
    } else {
        target.write(&conversion.image)?;
        None
    };
    let said = Said { operators: listing, assumptions, warnings, module };
    let report = Report::new(&arguments.output, &conversion, source, accuracy, fit, said)?;
    Ok(talk.done("leafgate.convert/1", &report, || report.human()))
}

/// Whether a network has nothing but thresholds on its input, gates and their sums: these are exact, whatever the samples.
fn has_no_ranges(graph: &Graph) -> bool {
    let is_exact = |op: &Op| matches!(op, Op::Bits { .. } | Op::Gates { .. } | Op::GroupSum { .. });
    graph.nodes.iter().all(|node| is_exact(&node.op))
}

/// Samples of --eval that a module is measured with.
const MEASURED_SAMPLES: usize = 200;

/// The inputs of an image's golden vectors.
fn golden(image: &[u8]) -> Result<Vec<Vec<u8>>, Failure> {
    let image = section::decode(image)?;
    Ok(image.golden.into_iter().flatten().map(|vector| vector.input).collect())
}

/// Whether the image fits a board, and if not what takes most of what there is too little of.
fn fit(machine: &Machine, conversion: &Conversion, max_instructions: Option<u64>) -> Result<Fit, Failure> {
    let image = section::decode(&conversion.image)?;
    let mut fit = Fit::of(machine, conversion.image.len(), conversion.plan.arena_bytes);
    let run = match max_instructions.or(machine.budgets.instructions) {
        Some(limit) => {
            let outlook = prediction::outlook(&image, &[])?;
            let run = prediction::of_board(&outlook, machine).map_err(|why| {
                let message = format!("it is not known how many instructions a run takes on board `{}`", machine.name);
                Failure::new("E0503", Exit::DoesNotFit, message)
                    .fact(why)
                    .hint("set no limit of instructions, and measure: leafgate emulate")
            })?;
            fit = fit.with_run(run.run.max_insns, limit);
            Some((outlook, run, limit))
        }
        None => None,
    };
    let over = fit.over();
    fit.check().map_err(|mut failure| {
        if over[0] > 0 {
            failure = shortfall::flash(failure, machine, &image, over[0] as usize);
        }
        if over[1] > 0 {
            failure = shortfall::arena(failure, &image);
        }
        if let Some((outlook, run, limit)) = run.filter(|_| over[2] > 0) {
            failure = shortfall::run(failure, machine, &image, &outlook, &run, limit);
            if conversion.packing.kernels != board::kernels(machine) {
                failure = failure
                    .hint("the image is laid out for other kernels than those of the board: leave out --kernels");
            }
        }
        failure
    })
}

/// Imports the model. A part of an input description is completed with what the importer assumes.
fn import(arguments: &Arguments) -> Result<Imported, Failure> {
    let path = &arguments.model;
    let open = |options: &ImportOptions| {
        open(path, options).map_err(|error| {
            let refuses_option = matches!(&error, ConvertError::Range { place, .. } if place == "import options");
            let mut failure = Failure::from(error).at(path);
            if refuses_option {
                failure.hints = vec!["leave that flag out, or change the description in the file".into()];
            }
            failure
        })
    };
    let dict = &arguments.state_dict;
    let graph = dict.graph.as_deref().map(|side| GraphFile::read(side).map_err(|error| Failure::from(error).at(side)));
    let mut options = ImportOptions {
        name: arguments.name.clone(),
        labels: arguments.labels.clone(),
        activation: dict.activation.map(|function| match function {
            Function::None => Activation::None,
            Function::Relu => Activation::Relu,
            Function::Gelu => Activation::Gelu,
            Function::Sigmoid => Activation::Sigmoid,
            Function::Tanh => Activation::Tanh,
            Function::Silu => Activation::Silu,
            Function::HardSwish => Activation::HardSwish,
        }),
        input: None,
        match_eval_0_2_1: dict.match_eval_0_2_1,
        graph: graph.transpose()?,
        layers: dict.layers.clone(),
        trees: dict.trees,
        depth: dict.depth,
    };
    if let Some(config) = &dict.config {
        options.take_config(config).map_err(|error| {
            let mut failure = Failure::from(error).at(config);
            failure.hints = vec!["give the config.json of the checkpoint, or `--trees N` or `--depth N`".into()];
            failure
        })?;
    }
    let given = dict.input_len.is_some() || dict.input_scale.is_some() || dict.input_zero_point.is_some();
    if given || dict.input_min.is_some() || dict.input_max.is_some() {
        let assumed = open(&options)?.graph.input;
        options.input = Some(InputSpec {
            len: dict.input_len.unwrap_or(assumed.len),
            scale: dict.input_scale.unwrap_or(assumed.scale),
            zero_point: dict.input_zero_point.unwrap_or(assumed.zero_point),
            min: dict.input_min.unwrap_or(assumed.min),
            max: dict.input_max.unwrap_or(assumed.max),
        });
    }
    open(&options)
}

/// A table of ranges is a few kilobytes; a file of this size is something else.
const MAX_TABLE_BYTES: u64 = 1 << 26;

fn read_calibration(path: &Path) -> Result<Calibration, Failure> {
    let io = |error: std::io::Error| Failure::unreadable(path, &error);
    let hint = "give the file that `--save-calibration` wrote";
    let metadata = std::fs::metadata(path).map_err(io)?;
    if !metadata.is_file() || metadata.len() > MAX_TABLE_BYTES {
        return Err(Failure::new("E0102", Exit::Input, "not a table of ranges").at(path).hint(hint));
    }
    let text = std::fs::read(path).map_err(io)?;
    let table = serde_json::from_slice(&text);
    table.map_err(|error| {
        Failure::new("E0102", Exit::Input, format!("not a table of ranges: {error}")).at(path).hint(hint)
    })
}
