//! What a run came to, as a person or a script wants to read it: written as JSON beside the weights.

use serde::{Deserialize, Serialize};

/// The result of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Name of the network.
    pub name: String,
    /// Seed of the run.
    pub seed: u64,
    /// Backend the run took place on.
    pub backend: String,
    /// Phase and epoch (counted from 1) the weights are of.
    pub chosen: Chosen,
    /// On the rows fitted, as they are in the file (not augmented).
    pub train: Evaluation,
    /// On the rows held out, by which the epoch was chosen.
    pub validation: Evaluation,
    /// On the test rows, if the run was asked to read them.
    pub test: Option<Evaluation>,
    /// Trained parameters: values of all F32 weights, or gates.
    pub parameters: usize,
    /// Of a network of gates: how many there are of each gate id, 0 to 15.
    pub gate_ids: Option<Vec<usize>>,
    /// The last epoch of each phase.
    pub phases: Vec<EpochReport>,
}

/// Where in the run the weights were taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// Name of the phase.
    pub phase: String,
    /// Epoch within it, counted from 1.
    pub epoch: usize,
}

/// How well a network does on some rows, in float, with decisions taken hard as on the device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Rows evaluated.
    pub rows: usize,
    /// Rows whose class had the largest score.
    pub correct: usize,
    /// `correct / rows`, 0 to 1.
    pub accuracy: f64,
    /// Mean cross entropy, nats.
    pub cross_entropy: f64,
    /// Of leaves or experts: rows that ran through each; empty without any.
    pub usage: Vec<usize>,
    /// `correct` of the part that every input runs through (master leaf, shared expert) on its own, if there is one.
    pub always_correct: Option<usize>,
}

impl Evaluation {
    /// Leaves or experts that no row ran through; 0 of a network that has none.
    pub fn dead(&self) -> usize {
        self.usage.iter().filter(|&&rows| rows == 0).count()
    }
}

/// One epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochReport {
    /// Name of the phase.
    pub phase: String,
    /// Epoch within the phase, counted from 1.
    pub epoch: usize,
    /// Epochs of the phase.
    pub epochs: usize,
    /// Mean over the batches of the whole loss.
    pub loss: f64,
    /// Accuracy on the rows held out, decided hard, 0 to 1.
    pub validation_accuracy: f64,
    /// Cross entropy on the rows held out, decided hard, nats.
    pub validation_cross_entropy: f64,
}

/// An epoch in the log of a run: an [`EpochReport`] and when it was over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logged {
    /// Name of the phase.
    pub phase: String,
    /// Epoch within the phase, counted from 1.
    pub epoch: usize,
    /// Epochs of the phase.
    pub epochs: usize,
    /// Mean over the batches of the whole loss.
    pub loss: f64,
    /// Accuracy on the rows held out, decided hard, 0 to 1.
    pub validation_accuracy: f64,
    /// Cross entropy on the rows held out, decided hard, nats.
    pub validation_cross_entropy: f64,
    /// Seconds of the run up to here, without the time it was interrupted.
    pub seconds: f64,
}

impl Logged {
    pub(crate) fn report(&self) -> EpochReport {
        EpochReport {
            phase: self.phase.clone(),
            epoch: self.epoch,
            epochs: self.epochs,
            loss: self.loss,
            validation_accuracy: self.validation_accuracy,
            validation_cross_entropy: self.validation_cross_entropy,
        }
    }
}
