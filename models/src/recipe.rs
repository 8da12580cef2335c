//! The recipe: everything that decides a training run, in one TOML file.
//!
//! The same recipe, data and machine give the same weights, bit for bit. An unknown key is an error: a typing mistake
//! must not silently train another network than the one asked for. Values are checked when the recipe is parsed.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::RecipeError;

/// A whole recipe; see `zoo/` for complete examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Name of the network, written into the graph file.
    pub name: String,
    /// Seed of every random number of the run. TOML integers are signed, so at most 2^63 - 1.
    pub seed: u64,
    /// One label per class.
    pub labels: Vec<String>,
    /// Where the rows come from.
    pub data: Data,
    /// How the device's bytes map to the real input.
    pub input: Input,
    /// How training rows are varied; absent: not at all.
    #[serde(default)]
    pub augment: Option<Augment>,
    /// The architecture.
    pub model: Model,
    /// The optimiser, AdamW (Loshchilov and Hutter, arXiv 1711.05101).
    pub optimiser: Optimiser,
    /// Phases, run in order on the same weights and optimiser state.
    #[serde(rename = "phase")]
    pub phases: Vec<Phase>,
}

/// Comma-separated files without a header: `features` integers and the class, one row per line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// File of the training and validation rows, relative to the data folder.
    pub train: PathBuf,
    /// File of the test rows, relative to the data folder. Only read when a test is asked for.
    pub test: PathBuf,
    /// Features per row.
    pub features: usize,
    /// Share of the rows of `train` held out for validation, above 0 and below 1.
    pub validation: f64,
}

/// The device's input: `x = scale * (q - zero_point)` for a byte `q` of `min..=max`. Data files hold `q`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Real value of one step of `q`, above 0.
    pub scale: f32,
    /// The `q` that means 0.0; may be fractional.
    pub zero_point: f32,
    /// Smallest `q`.
    pub min: i8,
    /// Largest `q`.
    pub max: i8,
}

/// Random affine maps of an image, sampled bilinearly; outside the image is `q = input.min`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augment {
    /// Rows of the image; `height * width` is `data.features`.
    pub height: usize,
    /// Columns of the image.
    pub width: usize,
    /// Largest shift along each axis, in pixels.
    pub shift_pixels: f32,
    /// Largest rotation to either side, in degrees.
    #[serde(default)]
    pub rotate_degrees: f32,
    /// Largest relative change of size along each axis, below 1.
    #[serde(default)]
    pub stretch: f32,
    /// Largest horizontal shear, in pixels per pixel of height.
    #[serde(default)]
    pub shear: f32,
    /// Share of the training rows varied in an epoch, 0 to 1; the others are used as they are.
    #[serde(default = "one")]
    pub share: f32,
}

fn one() -> f32 {
    1.0
}

/// The architecture and its shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Model {
    /// A fast feedforward layer.
    Fff(FffShape),
    /// Layers of logic gates.
    Gates(GatesShape),
    /// Routed experts.
    Moe(MoeShape),
}

/// Shape of a fast feedforward layer (arXiv 2308.14711), with a master leaf if `master` is not 0 (arXiv 2405.16836).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FffShape {
    /// Depth of the tree, 0 to 12: `2^depth` leaves.
    pub depth: usize,
    /// Hidden neurons of a leaf.
    pub leaf: usize,
    /// Hidden neurons of the master leaf, which every input runs through; 0: none.
    pub master: usize,
}

/// Shape of a network of two-input logic gates (Petersen et al., arXiv 2210.08277), in word wiring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatesShape {
    /// Thermometer thresholds, as values of `q`: feature `f` gives one bit `q > t` for each.
    pub thresholds: Vec<f32>,
    /// Gates per layer, each a multiple of 32; the last also a multiple of the number of classes.
    pub layers: Vec<usize>,
    /// Temperature of the group sum, above 0.
    pub tau: f32,
    /// How a gate is made differentiable.
    pub gate: GateForm,
    /// Initial logit of "pass the first operand on": the residual initialisation of arXiv 2411.04732.
    pub residual: f32,
    /// Standard deviation of the noise on the initial logits.
    pub noise: f32,
    /// Columns of the image, to wire the first layer to neighbouring pixels; absent: all operands are drawn freely.
    #[serde(default)]
    pub local_width: Option<usize>,
}

/// How a gate is made differentiable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GateForm {
    /// A softmax over the 16 gates (arXiv 2210.08277): 16 parameters a gate.
    Softmax,
    /// A sigmoid for each row of the truth table (arXiv 2510.03250): 4 parameters a gate.
    Table,
}

/// Shape of a mixture of ReLU experts behind a linear router, each weighted with the sigmoid of its score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoeShape {
    /// Number of experts.
    pub experts: usize,
    /// Experts run for an input, at least 1, at most `experts`.
    pub top_k: usize,
    /// Hidden neurons of an expert.
    pub hidden: usize,
    /// Hidden neurons of the shared expert, which every input runs through; 0: none.
    pub shared: usize,
}

/// AdamW and the size of its steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimiser {
    /// Rows per step.
    pub batch: usize,
    /// Decay of the first moment.
    pub beta_1: f32,
    /// Decay of the second moment.
    pub beta_2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// Decoupled weight decay: a step multiplies every weight by `1 - lr * weight_decay`.
    pub weight_decay: f32,
}

/// One phase of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// What the phase is for, shown in progress and errors.
    pub name: String,
    /// Passes over the training rows.
    pub epochs: usize,
    /// Learning rate over the phase.
    pub lr: LearningRate,
    /// Weight of the entropy of the tree's decisions (`h` of arXiv 2308.14711); FFF only.
    #[serde(default)]
    pub hardening: f32,
    /// Weight of load balancing over leaves or experts (`alpha` of arXiv 2405.16836); FFF and MoE only.
    #[serde(default)]
    pub balance: f32,
    /// Weight of the cross entropy of the part that every input runs through (master leaf, shared expert) on its own.
    /// Without it the master leaf of a tree that can do without ends up with a share near nothing.
    #[serde(default)]
    pub always: f32,
    /// Share of each target spread evenly over all classes, 0 to 1.
    #[serde(default)]
    pub label_smoothing: f32,
    /// Whether the forward pass takes hard decisions (the path walked, the gate picked), with the gradient passed
    /// straight through. A MoE always picks its experts hard.
    #[serde(default)]
    pub hard: bool,
    /// Whether the epoch of this phase with the best validation result, decided hard, may become the network. Without
    /// any such phase the weights of the last epoch are taken.
    #[serde(default)]
    pub keep_best: bool,
}

/// A learning rate that falls from `start` to `end` along half a cosine, step by step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningRate {
    /// At the first step, above 0.
    pub start: f64,
    /// At the last step, at least 0.
    pub end: f64,
}

impl LearningRate {
    /// The rate of step `step` of `steps`.
    pub(crate) fn at(&self, step: usize, steps: usize) -> f64 {
        let progress = step as f64 / (steps.max(2) - 1) as f64;
        self.end + (self.start - self.end) * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
    }
}

impl Recipe {
    /// Reads and checks a recipe file.
    pub fn read(path: &Path) -> Result<Self, RecipeError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| RecipeError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Parses and checks the text of a recipe; `path` is only for messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self, RecipeError> {
        let recipe: Self = toml::from_str(text)
            .map_err(|source| RecipeError::Invalid { path: path.to_owned(), source: Box::new(source) })?;
        recipe.check()?;
        Ok(recipe)
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.labels.len()
    }

    /// Checks ranges and what one value says about another. A recipe built in code is checked by
    /// [`train`](crate::train), which calls this.
    pub fn check(&self) -> Result<(), RecipeError> {
        ensure("labels", self.classes() >= 2, self.classes(), "at least 2")?;
        ensure("data.features", self.data.features > 0, self.data.features, "at least 1")?;
        let share = self.data.validation;
        ensure("data.validation", share > 0.0 && share < 1.0, share, "above 0 and below 1")?;
        let input = &self.input;
        ensure("input.scale", input.scale > 0.0 && input.scale.is_finite(), input.scale, "above 0")?;
        ensure("input.zero_point", input.zero_point.is_finite(), input.zero_point, "finite")?;
        ensure("input.min", input.min < input.max, input.min, "below `input.max`")?;
        if let Some(augment) = &self.augment {
            augment.check(self.data.features)?;
        }
        self.model.check(self.data.features, self.classes())?;
        ensure("optimiser.batch", self.optimiser.batch > 0, self.optimiser.batch, "at least 1")?;
        for (key, value) in [("optimiser.beta_1", self.optimiser.beta_1), ("optimiser.beta_2", self.optimiser.beta_2)] {
            ensure(key, (0.0..1.0).contains(&value), value, "at least 0 and below 1")?;
        }
        ensure("optimiser.epsilon", self.optimiser.epsilon > 0.0, self.optimiser.epsilon, "above 0")?;
        let decay = self.optimiser.weight_decay;
        ensure("optimiser.weight_decay", decay >= 0.0 && decay.is_finite(), decay, "at least 0")?;
        ensure("phase", !self.phases.is_empty(), "empty", "at least one phase")?;
        self.phases.iter().try_for_each(|phase| phase.check(&self.model))
    }
}

impl Augment {
    fn check(&self, features: usize) -> Result<(), RecipeError> {
        let have = format!("{} x {}", self.height, self.width);
        ensure(
            "augment.height",
            self.height.checked_mul(self.width) == Some(features),
            have,
            format!("such that height * width is `data.features`, {features}"),
        )?;
        ensure("augment.stretch", (0.0..1.0).contains(&self.stretch), self.stretch, "at least 0 and below 1")?;
        ensure("augment.share", (0.0..=1.0).contains(&self.share), self.share, "0 to 1")?;
        for (key, value) in [
            ("augment.shift_pixels", self.shift_pixels),
            ("augment.rotate_degrees", self.rotate_degrees),
            ("augment.shear", self.shear),
        ] {
            ensure(key, value >= 0.0 && value.is_finite(), value, "at least 0")?;
        }
        Ok(())
    }
}

impl Model {
    fn check(&self, features: usize, classes: usize) -> Result<(), RecipeError> {
        match self {
            Self::Fff(shape) => {
                ensure("model.fff.depth", shape.depth <= 12, shape.depth, "at most 12")?;
                ensure("model.fff.leaf", shape.leaf > 0, shape.leaf, "at least 1")
            }
            Self::Moe(shape) => {
                ensure("model.moe.experts", shape.experts > 0, shape.experts, "at least 1")?;
                ensure("model.moe.hidden", shape.hidden > 0, shape.hidden, "at least 1")?;
                let admissible = 1..=shape.experts;
                ensure("model.moe.top_k", admissible.contains(&shape.top_k), shape.top_k, "1 to `experts`")
            }
            Self::Gates(shape) => shape.check(features, classes),
        }
    }
}

impl GatesShape {
    fn check(&self, features: usize, classes: usize) -> Result<(), RecipeError> {
        let bits = features * self.thresholds.len();
        let want = "so many that features * thresholds is a multiple of 32";
        ensure("model.gates.thresholds", bits > 0 && bits.is_multiple_of(32), self.thresholds.len(), want)?;
        ensure("model.gates.layers", !self.layers.is_empty(), "empty", "at least one layer")?;
        let mut operand_words = bits / 32;
        for &gates in &self.layers {
            ensure("model.gates.layers", gates > 0 && gates.is_multiple_of(32), gates, "a multiple of 32")?;
            let want = format!("at least {} gates, so that every word before is read", operand_words.div_ceil(2) * 32);
            ensure("model.gates.layers", gates / 32 * 2 >= operand_words, gates, want)?;
            operand_words = gates / 32;
        }
        let last = self.layers[self.layers.len() - 1];
        ensure(
            "model.gates.layers",
            last.is_multiple_of(classes),
            last,
            "a multiple of the number of classes at last",
        )?;
        ensure("model.gates.tau", self.tau > 0.0 && self.tau.is_finite(), self.tau, "above 0")?;
        ensure("model.gates.residual", self.residual.is_finite(), self.residual, "finite")?;
        ensure("model.gates.noise", self.noise >= 0.0 && self.noise.is_finite(), self.noise, "at least 0")?;
        if let Some(width) = self.local_width {
            let fits = (2..=16).contains(&width) && 32usize.is_multiple_of(width) && features.is_multiple_of(32);
            let want = "2, 4, 8 or 16, with features a multiple of 32, so that a rotation of a word moves whole rows";
            ensure("model.gates.local_width", fits, width, want)?;
            let want = format!("at least {bits} gates first, one word for each word of input bits");
            ensure("model.gates.layers", self.layers[0] >= bits, self.layers[0], want)?;
        }
        Ok(())
    }
}

impl Phase {
    fn check(&self, model: &Model) -> Result<(), RecipeError> {
        ensure("phase.epochs", self.epochs > 0, self.epochs, "at least 1")?;
        ensure("phase.lr.start", self.lr.start > 0.0 && self.lr.start.is_finite(), self.lr.start, "above 0")?;
        ensure("phase.lr.end", self.lr.end >= 0.0 && self.lr.end.is_finite(), self.lr.end, "at least 0")?;
        ensure("phase.label_smoothing", (0.0..1.0).contains(&self.label_smoothing), self.label_smoothing, "0 to 1")?;
        let (hardening, balance, always) = match model {
            Model::Fff(shape) => (true, true, shape.master > 0),
            Model::Moe(shape) => (false, true, shape.shared > 0),
            Model::Gates(_) => (false, false, false),
        };
        for (key, weight, applies) in [
            ("phase.hardening", self.hardening, hardening),
            ("phase.balance", self.balance, balance),
            ("phase.always", self.always, always),
        ] {
            ensure(key, weight >= 0.0 && weight.is_finite(), weight, "at least 0")?;
            ensure(key, applies || weight == 0.0, weight, "absent: this architecture has no such loss")?;
        }
        Ok(())
    }
}

fn ensure(key: &'static str, holds: bool, have: impl ToString, want: impl Into<String>) -> Result<(), RecipeError> {
    if holds { Ok(()) } else { Err(RecipeError::Value { key, have: have.to_string(), want: want.into() }) }
}
