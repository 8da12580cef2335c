//! The whole way: from a float graph to an image that has been checked.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::check::{self, CheckError, CheckReport};
use crate::host::{HostEngine, input_bytes};
use crate::ir::{Graph, InputSpec};
use crate::kernels::{self, Kernels, Packing};
use crate::pack::{Extras, GoldenVector, pack};
use crate::pass::{self, PassReport};
use crate::plan::{Plan, plan};
use crate::progress::{self, Count, Progress, Stage};
use crate::quantize::calibrate::Calibration;
use crate::quantize::integer::IntGraph;
use crate::quantize::proof::{Proof, prove};
use crate::quantize::weights::{LayerWeights, WeightChoice};
use crate::quantize::{ReluSkip, quantize};
use crate::{ConvertError, reference};

/// Choices of a conversion. The same choices and the same files give the same bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Whether ReLU neurons are skipped one by one.
    pub relu_skip: ReluSkip,
    /// How the weights of dense layers are stored.
    pub weights: WeightChoice,
    /// The kernels that matrices are laid out for. The image runs on every core and gives the same integers.
    pub kernels: Kernels,
    /// Golden vectors in the image.
    pub golden_vectors: usize,
    /// Seed of their inputs.
    pub seed: u64,
    /// Chosen by the user; stands in the header.
    pub model_version: u32,
}

impl Default for Options {
    fn default() -> Self {
        let (relu_skip, kernels) = (ReluSkip::Auto, Kernels::Portable);
        let weights = WeightChoice::default();
        Self { relu_skip, weights, kernels, golden_vectors: 8, seed: 1, model_version: 0 }
    }
}

impl std::fmt::Display for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { relu_skip, weights, kernels, golden_vectors, seed, model_version } = self;
        let skip = match relu_skip {
            ReluSkip::Auto => "auto",
            ReluSkip::Always => "always",
            ReluSkip::Never => "never",
        };
        write!(f, "relu_skip={skip} golden={golden_vectors} seed={seed} model_version={model_version}")?;
        // What was not asked for is not said, so that an image of before is made again to the byte.
        let is_packed = match kernels {
            Kernels::Portable => false,
            Kernels::Dsp => true,
            // Weights of eight bits are plain.
            Kernels::Swar | Kernels::Mve => !weights.is_default(),
        };
        if is_packed {
            write!(f, " kernels={kernels}")?;
        }
        if weights.is_default() { Ok(()) } else { write!(f, " weights={weights}") }
    }
}

/// A finished conversion.
#[derive(Clone, Debug)]
pub struct Conversion {
    /// The image, checked.
    pub image: Vec<u8>,
    /// The graph after the passes: what the image computes, in real numbers.
    pub graph: Graph,
    /// The integer graph.
    pub integer: IntGraph,
    /// What the passes did.
    pub passes: PassReport,
    /// The ranges used; of no samples if the network was quantised already.
    pub calibration: Calibration,
    /// What became of the weights of dense layers.
    pub dense: Vec<LayerWeights>,
    /// The layout of the matrices.
    pub packing: Packing,
    /// The arena.
    pub plan: Plan,
    /// No accumulator overflows.
    pub proof: Proof,
    /// Engine and reference agree.
    pub check: CheckReport,
}

/// Where the ranges of activations come from.
#[derive(Clone, Copy, Debug)]
pub enum Ranges<'c> {
    /// From running the float reference on samples: inputs `q`.
    Samples(&'c [Vec<i8>]),
    /// From an earlier run.
    Table(&'c Calibration),
    /// From random inputs over the whole admissible range: for networks without data; the image may lose accuracy.
    Random,
}

/// Converts `graph`.
///
/// # Errors
/// What is wrong with the model or beyond the format's limits; an image that does not pass its own check is never returned.
pub fn convert(graph: Graph, ranges: Ranges<'_>, options: &Options) -> Result<Conversion, ConvertError> {
    convert_with(graph, ranges, options, &mut progress::silent)
}

/// [`convert`] that says how far it has come.
///
/// # Errors
/// As [`convert`].
pub fn convert_with(
    mut graph: Graph,
    ranges: Ranges<'_>,
    options: &Options,
    progress: &mut Progress<'_>,
) -> Result<Conversion, ConvertError> {
    let passes = pass::run(&mut graph);
    let calibration = match ranges {
        Ranges::Samples(samples) => Calibration::run_with(&graph, samples, progress)?,
        Ranges::Table(table) => {
            table.check(&graph)?;
            table.clone()
        }
        Ranges::Random => Calibration::run_with(&graph, &random_inputs(&graph.input, 1024, options.seed), progress)?,
    };
    let (integer, dense) = quantize(&graph, &calibration, options.relu_skip, &options.weights)?;
    finish(Quantized { graph, integer, passes, calibration, dense }, options, progress)
}

/// Converts a network that is quantised already; `graph` is the same in real numbers. No pass runs and nothing is calibrated.
///
/// # Errors
/// As [`convert`].
pub fn convert_quantized_with(
    graph: Graph,
    integer: IntGraph,
    options: &Options,
    progress: &mut Progress<'_>,
) -> Result<Conversion, ConvertError> {
    let (passes, calibration, dense) = Default::default();
    finish(Quantized { graph, integer, passes, calibration, dense }, options, progress)
}

/// A network in integers, and how it came to be.
struct Quantized {
    graph: Graph,
    integer: IntGraph,
    passes: PassReport,
    calibration: Calibration,
    dense: Vec<LayerWeights>,
}

/// From the integer graph to the checked image.
fn finish(quantized: Quantized, options: &Options, progress: &mut Progress<'_>) -> Result<Conversion, ConvertError> {
    let Quantized { graph, mut integer, passes, calibration, dense } = quantized;
    let proof = prove(&integer)?;
    let packing = kernels::choose(&mut integer, options.kernels);
    let plan = plan(&integer)?;
    let mut extras = Extras {
        labels: graph.labels.clone(),
        golden: Vec::new(),
        provenance: provenance(&graph, &calibration, options),
        model_version: options.model_version,
    };
    let bare = pack(&integer, &plan, &extras)?;
    extras.golden = golden(&bare, &graph.input, options, progress)?;
    let image = pack(&integer, &plan, &extras)?;
    let check = check_image(&image, extras.golden.len(), options, progress)
        .map_err(|error| ConvertError::Check { why: error.to_string() })?;
    Ok(Conversion { image, graph, integer, passes, calibration, dense, packing, plan, proof, check })
}

/// Compares engine and reference on the golden vectors and on random inputs.
fn check_image(
    image: &[u8],
    golden: usize,
    options: &Options,
    progress: &mut Progress<'_>,
) -> Result<CheckReport, CheckError> {
    let random = check::DEFAULT_RANDOM_INPUTS;
    let mut engine = HostEngine::new(image)?;
    let mut count = Count::begin(progress, Stage::Check, golden + random);
    check::check_with(image, &[], random, options.seed, |input| {
        count.step();
        engine.run_one(input)
    })
}

/// Admissible inputs from a seed. The first two are the smallest and the largest.
fn random_inputs(spec: &InputSpec, count: usize, seed: u64) -> Vec<Vec<i8>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let span = (i32::from(spec.max) - i32::from(spec.min) + 1) as u32;
    let mut draw = || (i32::from(spec.min) + (rng.next_u32() % span) as i32) as i8;
    let random = |i: usize| match i {
        0 => vec![spec.min; spec.len],
        1 => vec![spec.max; spec.len],
        _ => (0..spec.len).map(|_| draw()).collect(),
    };
    (0..count).map(random).collect()
}

/// Golden vectors: outputs of the independent reference, so that the engine is proven by something else than itself.
fn golden(
    image: &[u8],
    spec: &InputSpec,
    options: &Options,
    progress: &mut Progress<'_>,
) -> Result<Vec<GoldenVector>, ConvertError> {
    let defect = |why: String| ConvertError::Check { why };
    let judge = reference::read(image, reference::Crc::Check).map_err(|error| defect(error.to_string()))?;
    let mut engine = HostEngine::new(image).map_err(|error| defect(error.to_string()))?;
    let mut vectors = Vec::new();
    let mut count = Count::begin(progress, Stage::Golden, options.golden_vectors);
    for input in random_inputs(spec, options.golden_vectors, options.seed) {
        let input = input_bytes(&input).to_vec();
        let want = reference::run_bytes(&judge, &input).map_err(|error| defect(error.to_string()))?;
        let have = engine.run_one(&input).map_err(|error| defect(error.to_string()))?;
        if want.values != have.values {
            return Err(defect(format!("golden vector {}: {:?} and {:?}", vectors.len(), want.values, have.values)));
        }
        vectors.push(GoldenVector { input, outputs: want.values });
        count.step();
    }
    Ok(vectors)
}

fn provenance(graph: &Graph, calibration: &Calibration, options: &Options) -> Vec<(String, String)> {
    let entries = [
        ("name", graph.name.clone()),
        ("converter", format!("leafgate-convert {}", env!("CARGO_PKG_VERSION"))),
        ("source_sha256", graph.source_sha256.clone()),
        ("options", options.to_string()),
        ("calibration_samples", calibration.samples.to_string()),
        // The image's input tensor says what a byte means, not which bytes occur; tools that read data files want both.
        ("input_min", graph.input.min.to_string()),
        ("input_max", graph.input.max.to_string()),
    ];
    entries.map(|(key, value)| (key.to_owned(), value)).to_vec()
}
