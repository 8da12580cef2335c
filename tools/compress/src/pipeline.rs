//! The pipeline file: passes with their figures, in TOML.

use serde::Deserialize;

use crate::{Class, CompressError};

/// A list of passes, applied in order.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// Of everything that is chosen at random.
    #[serde(default = "one")]
    pub seed: u64,
    /// In order.
    #[serde(rename = "pass", default)]
    pub passes: Vec<Pass>,
}

fn one() -> u64 {
    1
}

/// A pass. `layer` names a dense layer whose neurons the next dense layer alone reads: its rows are keys, the next layer's columns
/// are values.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Pass {
    /// Takes hidden neurons out.
    PruneChannels {
        /// Of the neurons.
        layer: String,
        /// Neurons that stay, 1 to their number.
        keep: usize,
        /// By what they are judged.
        #[serde(default)]
        score: ChannelScore,
        /// Whether the values of those that stay are fitted again, by least squares on the calibration samples.
        #[serde(default = "yes")]
        refit: bool,
    },
    /// A dense layer as the product of two thin ones.
    Factor {
        /// Any dense layer.
        layer: String,
        /// Width between them, 1 to the smaller side.
        rank: usize,
        /// How they are found.
        #[serde(default)]
        method: FactorMethod,
    },
    /// Hidden neurons in experts, of which a linear router chooses some.
    Moefy {
        /// Of the neurons.
        layer: String,
        /// Experts, 2 or more.
        experts: usize,
        /// Experts that run, 1 to their number.
        active: usize,
        /// Neurons that always run: those with the largest mean contribution.
        #[serde(default)]
        shared: usize,
        /// Which neurons make an expert.
        #[serde(default)]
        split: SplitKind,
        /// How experts are chosen.
        #[serde(default)]
        router: RouterKind,
        /// Whether experts give their difference to their mean, and the means are always added.
        #[serde(default = "yes")]
        centre: bool,
    },
    /// Hidden neurons by falling importance, so that a prefix is the best narrow network.
    Order {
        /// Of the neurons.
        layer: String,
    },
    /// Hidden neurons scaled to ranges of like size.
    Smooth {
        /// Of the neurons; without activation or with relu.
        layer: String,
        /// 0 leaves the keys even, 1 the activations.
        #[serde(default = "half")]
        strength: f64,
    },
    /// Takes out residual blocks, one after the other, whichever changes the output least.
    Cut {
        /// How many.
        blocks: usize,
        /// Whether any block is as good: the null baseline.
        #[serde(default)]
        random: bool,
    },
    /// Residual feed-forward blocks that follow each other as one wide block.
    Fuse {
        /// The first layer of each block, in order; 2 or more.
        layers: Vec<String>,
    },
}

fn yes() -> bool {
    true
}

fn half() -> f64 {
    0.5
}

/// By what a hidden neuron is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelScore {
    /// Mean of `|h|` over the samples times the norm of its value row: what it adds to the output.
    #[default]
    Contribution,
    /// Norm of its key times norm of its value row.
    Magnitude,
    /// None: the null baseline.
    Random,
}

/// How a low-rank pair is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactorMethod {
    /// Singular value decomposition of the weights times the root mean square of their inputs (AWSVD of LoRAP).
    #[default]
    Weighted,
    /// Singular value decomposition of the weights.
    Plain,
    /// A random projection: the null baseline.
    Random,
}

/// Which neurons make an expert; experts differ by one neuron in size at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplitKind {
    /// Neurons that are active on the same samples, by balanced k-means.
    #[default]
    Coactivation,
    /// Neurons with like keys, by balanced k-means (MoEfication).
    Keys,
    /// Any: the null baseline.
    Random,
}

/// How experts are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouterKind {
    /// What an expert contributes, as a linear function of the input, by least squares.
    #[default]
    Regression,
    /// The mean of its keys (Avg-K).
    MeanKey,
    /// The key of the neuron whose activations are most like the expert's mean (CMoE).
    Representative,
    /// Any: the null baseline.
    Random,
}

impl Pipeline {
    /// Reads a pipeline file.
    ///
    /// # Errors
    /// If it is no TOML, or a pass or key is unknown or missing; the error has the line.
    pub fn parse(text: &str) -> Result<Self, CompressError> {
        toml::from_str(text).map_err(|error| CompressError::Pipeline { why: error.to_string() })
    }
}

impl Pass {
    /// Its name in a pipeline file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::PruneChannels { .. } => "prune-channels",
            Self::Factor { .. } => "factor",
            Self::Moefy { .. } => "moefy",
            Self::Order { .. } => "order",
            Self::Smooth { .. } => "smooth",
            Self::Cut { .. } => "cut",
            Self::Fuse { .. } => "fuse",
        }
    }

    /// What it may change.
    pub fn class(&self) -> Class {
        match self {
            Self::Order { .. } => Class::Exact,
            Self::Smooth { .. } => Class::Quantisation,
            _ => Class::Lossy,
        }
    }

    /// The same pass at other strengths.
    pub(crate) fn curve(&self) -> Vec<(String, Self)> {
        let around = |figure: usize| {
            let points = [figure / 4, figure / 2, figure * 3 / 2, figure * 2, figure * 4];
            let mut points: Vec<usize> = points.into_iter().filter(|&point| point > 0 && point != figure).collect();
            points.dedup();
            points
        };
        let with = |name: &str, figure: usize, change: &dyn Fn(&mut Self, usize)| {
            let point = |n: usize| {
                let mut other = self.clone();
                change(&mut other, n);
                (format!("{name} {n}"), other)
            };
            around(figure).into_iter().map(point).collect()
        };
        match self {
            Self::PruneChannels { keep, .. } => with("keep", *keep, &|pass, n| {
                if let Self::PruneChannels { keep, .. } = pass {
                    *keep = n;
                }
            }),
            Self::Factor { rank, .. } => with("rank", *rank, &|pass, n| {
                if let Self::Factor { rank, .. } = pass {
                    *rank = n;
                }
            }),
            Self::Moefy { active, .. } => with("active", *active, &|pass, n| {
                if let Self::Moefy { active, .. } = pass {
                    *active = n;
                }
            }),
            Self::Cut { blocks, .. } => with("blocks", *blocks, &|pass, n| {
                if let Self::Cut { blocks, .. } = pass {
                    *blocks = n;
                }
            }),
            Self::Order { .. } | Self::Smooth { .. } | Self::Fuse { .. } => Vec::new(),
        }
    }

    /// The same structure chosen at random.
    pub(crate) fn baselines(&self) -> Vec<(String, Self)> {
        let mut random = self.clone();
        match &mut random {
            Self::PruneChannels { score, .. } => *score = ChannelScore::Random,
            Self::Factor { method, .. } => *method = FactorMethod::Random,
            Self::Cut { random, .. } => *random = true,
            Self::Moefy { .. } => {
                let (mut split_at_random, mut routed_at_random) = (self.clone(), self.clone());
                if let Self::Moefy { split, .. } = &mut split_at_random {
                    *split = SplitKind::Random;
                }
                if let Self::Moefy { router, .. } = &mut routed_at_random {
                    *router = RouterKind::Random;
                }
                return vec![("random split".into(), split_at_random), ("random router".into(), routed_at_random)];
            }
            // What is fused is not chosen.
            Self::Order { .. } | Self::Smooth { .. } | Self::Fuse { .. } => return Vec::new(),
        }
        vec![("random".into(), random)]
    }
}
