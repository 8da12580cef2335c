//! The architectures: each a Burn module with a differentiable pass and its export to the graph file.
//!
//! A pass hands out the scores and what the losses need to know about the path taken, so that the losses do not know
//! the architectures. To add one: a shape in `recipe.rs`, a file here, and its arms in [`Network`].

mod dense;
mod fff;
mod gates;
mod moe;

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::data::{Rows, thresholds};
use crate::export::GraphBuilder;
use crate::recipe::{Model, Recipe};
use crate::seed::{Purpose, Stream};

pub(crate) use dense::Dense;
pub(crate) use fff::Fff;
pub(crate) use gates::{Gates, Streams, Tape};
pub(crate) use moe::Moe;

/// How decisions are taken in a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decisions {
    /// Mixed by their probabilities: differentiable.
    Soft,
    /// As on the device; gradients pass straight through (Bengio et al., arXiv 1308.3432).
    Hard,
}

/// What a pass over a batch gives.
#[derive(Debug)]
pub(crate) struct Pass {
    /// `(batch, classes)`.
    pub(crate) scores: Tensor<2>,
    /// Of a tree: `(batch, nodes)`, the probability to go right at each node.
    pub(crate) choices: Option<Tensor<2>>,
    /// Of leaves or experts: who could run and who did.
    pub(crate) load: Option<Load>,
    /// `(batch, classes)`: the scores of the part that every input runs through, alone.
    pub(crate) always: Option<Tensor<2>>,
    /// Of gates: how the gradients of `scores` become those of the parameters.
    pub(crate) tape: Option<Tape>,
}

/// Who could run and who did.
#[derive(Debug)]
pub(crate) struct Load {
    /// `(batch, n)`: soft probabilities.
    pub(crate) shares: Tensor<2>,
    /// `(batch, n)`: 1 for each that the row runs through, else 0.
    pub(crate) picks: Tensor<2>,
    /// How many run for a row.
    pub(crate) per_row: usize,
}

/// Any of the architectures.
#[derive(Module, Debug)]
pub(crate) enum Network {
    Dense(Dense),
    Fff(Fff),
    Gates(Gates),
    Moe(Moe),
}

impl Network {
    /// A network of the recipe's shape with initial weights from the recipe's seed, for training on `rows`.
    pub(crate) fn new(recipe: &Recipe, rows: &Rows, device: &Device) -> Self {
        let (inputs, classes) = (recipe.data.features, recipe.classes());
        let mut weights = Stream::new(recipe.seed, Purpose::Weights);
        match &recipe.model {
            Model::Dense(shape) => Self::Dense(Dense::new(shape, inputs, classes, &mut weights, device)),
            Model::Fff(shape) => Self::Fff(Fff::new(shape, inputs, classes, &mut weights, device)),
            Model::Moe(shape) => Self::Moe(Moe::new(shape, inputs, classes, &mut weights, device)),
            Model::Gates(shape) => {
                let mut wiring = Stream::new(recipe.seed, Purpose::Wiring);
                let streams = Streams { wiring: &mut wiring, weights: &mut weights };
                let planes = thresholds(&shape.thresholds, &recipe.input, rows, inputs);
                Self::Gates(Gates::new(shape, &recipe.input, &planes, classes, streams, device))
            }
        }
    }

    /// The scores of the real inputs `x (batch, inputs)`; gates are picked with noise from `noise`, if it is given.
    pub(crate) fn pass(&self, x: Tensor<2>, decisions: Decisions, noise: Option<&mut Stream>) -> Result<Pass, String> {
        match self {
            Self::Dense(dense) => Ok(dense.pass(x)),
            Self::Fff(fff) => Ok(fff.pass(x, decisions)),
            Self::Gates(gates) => gates.pass(x, decisions, noise),
            Self::Moe(moe) => Ok(moe.pass(x)),
        }
    }

    /// Adds the layers and tensors of this network to a graph file.
    pub(crate) fn export(&self, graph: &mut GraphBuilder) -> Result<(), String> {
        match self {
            Self::Dense(dense) => dense.export(graph),
            Self::Fff(fff) => fff.export(graph),
            Self::Gates(gates) => gates.export(graph),
            Self::Moe(moe) => moe.export(graph),
        }
    }
}

/// `hard` in the forward direction, the gradient of `soft` backward.
fn straight_through<const D: usize>(soft: Tensor<D>, hard: Tensor<D>) -> Tensor<D> {
    let correction = (hard - soft.clone()).detach();
    soft + correction
}

/// A tensor of the shape `dims` from values in row-major order.
pub(crate) fn tensor<const D: usize>(values: Vec<f32>, dims: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, dims), device)
}

/// A vector of indices.
pub(crate) fn indices(values: &[usize], device: &Device) -> Tensor<1, Int> {
    let values: Vec<i32> = values.iter().map(|&value| value as i32).collect();
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}
