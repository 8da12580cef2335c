//! The architectures a recipe may ask for, and what their shapes must keep to.

use serde::{Deserialize, Serialize};

use super::ensure;
use crate::error::RecipeError;

/// The architecture and its shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Model {
    /// Dense layers: what a network that skips work is compared with, and a teacher to distil from.
    Dense(DenseShape),
    /// A fast feedforward layer.
    Fff(FffShape),
    /// Layers of logic gates.
    Gates(GatesShape),
    /// Routed experts.
    Moe(MoeShape),
}

/// Shape of a multilayer perceptron with ReLU.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenseShape {
    /// Neurons of each hidden layer; empty: a linear classifier.
    pub hidden: Vec<usize>,
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

/// Shape of a network of two-input logic gates (Petersen et al., arXiv 2210.08277).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatesShape {
    /// Thermometer thresholds: feature `f` gives one bit `q > t` for each.
    pub thresholds: Thresholds,
    /// Gates per layer; in word wiring each a multiple of 32; the last a multiple of the number of classes.
    pub layers: Vec<usize>,
    /// Temperature of the group sum, above 0.
    pub tau: f32,
    /// How a gate is made differentiable.
    pub gate: GateForm,
    /// Initial logit of "pass the first operand on": the residual initialisation of arXiv 2411.04732.
    pub residual: f32,
    /// Standard deviation of the noise on the initial logits.
    pub noise: f32,
    /// Which bits a gate may read.
    #[serde(default)]
    pub wiring: WiringForm,
    /// Candidates per operand, of which training picks one (as in LILogicNet, arXiv 2511.12340): of words in word wiring,
    /// where 32 gates choose together, else of bits. 1: wires stay as they are drawn.
    #[serde(default = "one")]
    pub candidates: usize,
    /// Columns of the image, to wire the first layer to neighbouring pixels; absent: all operands are drawn freely. Rows of
    /// the image are padded to a power of two, so that a rotation of a word moves whole rows and columns.
    #[serde(default)]
    pub local_width: Option<usize>,
    /// Columns of the image, to pad its rows as `local_width` does without wiring neighbours.
    #[serde(default)]
    pub align_width: Option<usize>,
}

fn one() -> usize {
    1
}

/// The thresholds of a thermometer, on the scale of `q`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "want a list of thresholds, or `{ uniform = N }` or `{ quantile = N }` for so many a feature"
)]
pub enum Thresholds {
    /// The same for every feature.
    Listed(Vec<f32>),
    /// Evenly spaced.
    Uniform(Uniform),
    /// Where the training rows are.
    Quantile(Quantile),
}

/// Thresholds that divide `input.min` to `input.max` evenly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uniform {
    /// How many.
    pub uniform: usize,
}

/// Thresholds of each feature at the quantiles of its values in the training rows, of those above `input.min`: where most
/// of an image is background, quantiles of all values would all be background.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantile {
    /// How many.
    pub quantile: usize,
}

impl Thresholds {
    /// How many there are for a feature.
    pub fn per_feature(&self) -> usize {
        match self {
            Self::Listed(list) => list.len(),
            Self::Uniform(uniform) => uniform.uniform,
            Self::Quantile(quantile) => quantile.quantile,
        }
    }
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

/// Which bits a gate may read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WiringForm {
    /// 32 gates read two words of 32 bits, each rotated: a device runs them as one.
    #[default]
    Word,
    /// Any two bits, drawn at random from a supply that holds every bit equally often (as `difflogic` does).
    Random,
    /// Pairs of bits that are all different, near ones first (as `difflogic` does): no two gates of a layer read the same.
    Unique,
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

impl Model {
    pub(super) fn check(&self, features: usize, classes: usize) -> Result<(), RecipeError> {
        match self {
            Self::Dense(shape) => {
                ensure("model.dense.hidden", !shape.hidden.contains(&0), 0, "at least 1 neuron in each layer")
            }
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
    /// Bits of one threshold over all features, `(rows of the image, bits of a row)`: a row is padded to a power of two if
    /// the recipe aligns the image.
    pub(crate) fn plane(&self, features: usize) -> (usize, usize) {
        match self.local_width.or(self.align_width) {
            Some(width) => (features / width, width.next_power_of_two()),
            None => (1, features),
        }
    }

    /// Bits of the whole thermometer. In word wiring they fill words: the last one, or that of each plane of an aligned
    /// image, is padded with zeros.
    pub(crate) fn input_bits(&self, features: usize) -> usize {
        let (rows, row) = self.plane(features);
        let aligned = self.local_width.or(self.align_width).is_some();
        let plane = if aligned { (rows * row).next_multiple_of(32) } else { rows * row };
        let bits = plane * self.thresholds.per_feature();
        if self.wiring == WiringForm::Word { bits.next_multiple_of(32) } else { bits }
    }

    fn check(&self, features: usize, classes: usize) -> Result<(), RecipeError> {
        let count = self.thresholds.per_feature();
        ensure("model.gates.thresholds", (1..=127).contains(&count), count, "1 to 127 for each feature")?;
        for (key, width) in
            [("model.gates.local_width", self.local_width), ("model.gates.align_width", self.align_width)]
        {
            let Some(width) = width else { continue };
            let fits = (2..=32).contains(&width) && features.is_multiple_of(width);
            ensure(key, fits, width, "2 to 32, and a divisor of `data.features`")?;
            let words = self.wiring == WiringForm::Word;
            ensure(key, words, width, "absent: only rotated words can be wired to rows of an image")?;
        }
        let both = self.local_width.is_some() && self.align_width.is_some();
        ensure("model.gates.align_width", !both, "given", "absent where `local_width` is given")?;
        ensure("model.gates.candidates", (1..=64).contains(&self.candidates), self.candidates, "1 to 64")?;
        self.check_layers(self.input_bits(features), classes)?;
        ensure("model.gates.tau", self.tau > 0.0 && self.tau.is_finite(), self.tau, "above 0")?;
        ensure("model.gates.residual", self.residual.is_finite(), self.residual, "finite")?;
        ensure("model.gates.noise", self.noise >= 0.0 && self.noise.is_finite(), self.noise, "at least 0")
    }

    fn check_layers(&self, bits: usize, classes: usize) -> Result<(), RecipeError> {
        let layers = "model.gates.layers";
        ensure(layers, !self.layers.is_empty(), "empty", "at least one layer")?;
        let unit = if self.wiring == WiringForm::Word { 32 } else { 1 };
        let mut operands = bits / unit;
        for &gates in &self.layers {
            ensure(layers, gates > 0 && gates.is_multiple_of(unit), gates, format!("a multiple of {unit}"))?;
            // Learned wires need not read everything, and pairs that are all different cannot promise to.
            if self.wiring != WiringForm::Unique && self.candidates == 1 {
                let want = format!("at least {} gates, so that everything before is read", operands.div_ceil(2) * unit);
                ensure(layers, gates / unit * 2 >= operands, gates, want)?;
            }
            if self.wiring == WiringForm::Unique {
                let pairs = operands * operands.saturating_sub(1) / 2;
                ensure(layers, gates <= pairs, gates, format!("at most {pairs}, the pairs of {operands} bits"))?;
            }
            operands = gates / unit;
        }
        let last = self.layers[self.layers.len() - 1];
        ensure(layers, last.is_multiple_of(classes), last, "a multiple of the number of classes at last")?;
        if self.local_width.is_some() {
            let want = format!("at least {bits} gates first, one word for each word of input bits");
            ensure(layers, self.layers[0] >= bits, self.layers[0], want)?;
        }
        Ok(())
    }
}
