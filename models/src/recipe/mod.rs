//! The recipe: everything that decides a training run, in one TOML file.
//!
//! The same recipe, data and machine give the same weights, bit for bit. An unknown key is an error: a typing mistake
//! must not silently train another network than the one asked for. Values are checked when the recipe is parsed.

mod model;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::RecipeError;
pub use model::{
    DenseShape, FffShape, GateForm, GatesShape, Model, MoeShape, Quantile, Thresholds, Uniform, WiringForm,
};

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
    /// A network trained before that is part of the target; absent: there is none.
    #[serde(default)]
    pub teacher: Option<Teacher>,
    /// The optimiser, AdamW (Loshchilov and Hutter, arXiv 1711.05101).
    pub optimiser: Optimiser,
    /// Phases, run in order on the same weights and optimiser state.
    #[serde(rename = "phase")]
    pub phases: Vec<Phase>,
}

/// Comma-separated files without a header: `features` integers and the class, one row per line; or, with `idx`, images.
/// Either may be compressed with gzip.
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
    /// Given where the files are idx images (MNIST and its like), with their classes in files of their own.
    #[serde(default)]
    pub idx: Option<Idx>,
}

/// Images and classes as the MNIST database has them: unsigned bytes behind a magic number and the sizes. A pixel `p` is
/// read as `q = p - 128`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Idx {
    /// File of the classes of `data.train`, relative to the data folder.
    pub train_labels: PathBuf,
    /// File of the classes of `data.test`, relative to the data folder.
    pub test_labels: PathBuf,
    /// Every square of `shrink` x `shrink` pixels becomes one, their mean, halves rounded up; 1: images as they are. A device
    /// that gets whole images has to do the same before it runs the network.
    #[serde(default = "whole")]
    pub shrink: usize,
}

fn whole() -> usize {
    1
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

/// Distillation (Hinton et al., arXiv 1503.02531): the loss is `(1 - share)` of the cross entropy with the classes and `share`
/// of that with the teacher's softened scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Teacher {
    /// The checkpoint of the teacher's run, relative to the data folder. It must have the same features and labels.
    pub checkpoint: PathBuf,
    /// The teacher's share, 0 to 1.
    pub share: f32,
    /// What both networks' scores are divided by, above 0.
    pub temperature: f32,
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
    /// Whether what a gate is, and which of its candidates an operand reads, is picked with Gumbel noise on the logits
    /// (arXiv 2506.07500), so that training sees what a hard decision may become; gates only.
    #[serde(default)]
    pub gumbel: bool,
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
        if let Some(idx) = &self.data.idx {
            ensure("data.idx.shrink", (1..=16).contains(&idx.shrink), idx.shrink, "1 to 16")?;
            let whole = (input.min, input.max) == (i8::MIN, i8::MAX);
            ensure("input.min", whole, input.min, "-128, and `input.max` 127: what pixels of idx files span")?;
        }
        ensure("input.scale", input.scale > 0.0 && input.scale.is_finite(), input.scale, "above 0")?;
        ensure("input.zero_point", input.zero_point.is_finite(), input.zero_point, "finite")?;
        ensure("input.min", input.min < input.max, input.min, "below `input.max`")?;
        if let Some(augment) = &self.augment {
            augment.check(self.data.features)?;
        }
        self.model.check(self.data.features, self.classes())?;
        if let Some(teacher) = &self.teacher {
            ensure("teacher.share", (0.0..=1.0).contains(&teacher.share), teacher.share, "0 to 1")?;
            let temperature = teacher.temperature;
            ensure("teacher.temperature", temperature > 0.0 && temperature.is_finite(), temperature, "above 0")?;
        }
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

impl Phase {
    fn check(&self, model: &Model) -> Result<(), RecipeError> {
        ensure("phase.epochs", self.epochs > 0, self.epochs, "at least 1")?;
        ensure("phase.lr.start", self.lr.start > 0.0 && self.lr.start.is_finite(), self.lr.start, "above 0")?;
        ensure("phase.lr.end", self.lr.end >= 0.0 && self.lr.end.is_finite(), self.lr.end, "at least 0")?;
        ensure("phase.label_smoothing", (0.0..1.0).contains(&self.label_smoothing), self.label_smoothing, "0 to 1")?;
        let (hardening, balance, always) = match model {
            Model::Fff(shape) => (true, true, shape.master > 0),
            Model::Moe(shape) => (false, true, shape.shared > 0),
            Model::Dense(_) | Model::Gates(_) => (false, false, false),
        };
        let noisy = !self.gumbel || matches!(model, Model::Gates(_));
        ensure("phase.gumbel", noisy, self.gumbel, "absent: only gates are picked with noise")?;
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
