//! A teacher: a network trained before, whose scores are part of the target (Hinton et al., arXiv 1503.02531).

use std::path::Path;

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};

use super::checkpoint::Checkpoint;
use crate::arch::{Decisions, Network};
use crate::data::Split;
use crate::error::{CheckpointError, TrainError};
use crate::evaluate::{read, real_inputs};
use crate::recipe::{self, Recipe};

/// A network that is asked, not trained.
pub(super) struct Teacher {
    recipe: Recipe,
    network: Network,
    device: Device,
    pub(super) share: f32,
    pub(super) temperature: f32,
}

impl Teacher {
    /// The teacher that `recipe` names, read from a checkpoint under `folder`.
    pub(super) fn read(
        teacher: &recipe::Teacher,
        recipe: &Recipe,
        folder: &Path,
        device: Device,
    ) -> Result<Self, TrainError> {
        let path = folder.join(&teacher.checkpoint);
        let checkpoint = Checkpoint::read(&path)?;
        let own = checkpoint.recipe().clone();
        if own.data.features != recipe.data.features || own.labels != recipe.labels {
            return Err(CheckpointError::Other { path, what: "with other features or labels" }.into());
        }
        // Quantile thresholds come from the rows the teacher was trained on.
        let rows = Split::read(folder, &own)?;
        let network = checkpoint.network(&path, &rows.train, &device)?;
        let (share, temperature) = (teacher.share, teacher.temperature);
        Ok(Self { recipe: own, network, device, share, temperature })
    }

    /// `(batch, classes)`, row by row: what the teacher thinks each class is worth, given rows of `q`.
    pub(super) fn targets(&self, values: &[f32]) -> Result<Vec<f32>, String> {
        let x: Tensor<2> = real_inputs(values.to_vec(), &self.recipe, &self.device);
        let pass = self.network.pass(x, Decisions::Hard, None)?;
        read(softmax(pass.scores.div_scalar(self.temperature), 1))
    }
}
