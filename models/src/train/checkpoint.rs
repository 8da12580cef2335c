//! The checkpoint: one safetensors file from which a run goes on bit for bit as if it had not been interrupted.
//!
//! It holds the weights, the best weights so far, the optimiser's moments, the order of the rows, and, as JSON in its
//! metadata, the recipe, a digest of the data, the place in the run, where the streams of random numbers are, and the
//! epochs so far. It is written beside its destination and renamed: a reader finds the last checkpoint or the new one.

use std::collections::HashMap;
use std::path::Path;

use burn::tensor::{Bytes, Device};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::state::{Best, Parameter, Place, Score, State, parameters, with_parameters};
use crate::arch::Network;
use crate::data::{Rows, Split};
use crate::error::{CheckpointError, TrainError, WriteError};
use crate::export::write_whole;
use crate::recipe::Recipe;
use crate::summary::Logged;

/// The version of the format written.
const FORMAT: &str = "leafgate.checkpoint/1";
/// The metadata key.
const KEY: &str = "leafgate.checkpoint";

/// What is not a tensor.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    format: String,
    /// As TOML.
    recipe: String,
    /// SHA-256 of the training and validation rows.
    data: String,
    place: Place,
    /// Numbers drawn from the streams of shuffle, noise and augmentation.
    streams: [String; 3],
    best: Option<Score>,
    /// The optimiser's names of the parameters.
    ids: Vec<u64>,
    log: Vec<Epoch>,
}

/// A [`Logged`] of which every bit survives.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Epoch {
    phase: String,
    epoch: usize,
    epochs: usize,
    /// Bits of loss, accuracy, cross entropy and seconds: as decimal numbers, JSON readers may round them.
    bits: [u64; 4],
}

impl From<&Logged> for Epoch {
    fn from(logged: &Logged) -> Self {
        let Logged { phase, epoch, epochs, .. } = logged.clone();
        let values = [logged.loss, logged.validation_accuracy, logged.validation_cross_entropy, logged.seconds];
        Self { phase, epoch, epochs, bits: values.map(f64::to_bits) }
    }
}

impl From<Epoch> for Logged {
    fn from(epoch: Epoch) -> Self {
        let Epoch { phase, epoch, epochs, bits } = epoch;
        let [loss, validation_accuracy, validation_cross_entropy, seconds] = bits.map(f64::from_bits);
        Self { phase, epoch, epochs, loss, validation_accuracy, validation_cross_entropy, seconds }
    }
}

/// A checkpoint that was read.
#[derive(Debug)]
pub(super) struct Checkpoint {
    recipe: Recipe,
    head: Head,
    network: Vec<Parameter>,
    best: Vec<Parameter>,
    optimiser: Vec<u8>,
    order: Vec<usize>,
}

/// Names `rows` apart from others.
pub(super) fn digest(split: &Split) -> String {
    let mut hash = Sha256::new();
    for rows in [&split.train, &split.validation] {
        for row in 0..rows.len() {
            hash.update(rows.features(row).iter().map(|&q| q as u8).collect::<Vec<u8>>());
            hash.update((rows.label(row) as u64).to_le_bytes());
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes the state of a run to `path`, whole or not at all. Weights that are not finite are an error: what is there is
/// better.
pub(super) fn write(path: &Path, state: &State, recipe: &Recipe, data: &str) -> Result<(), TrainError> {
    let device = |message| TrainError::Device { backend: "checkpoint", message };
    let network = parameters(&state.network).map_err(device)?;
    let best = state.best.as_ref().map_or(Ok(Vec::new()), |best| parameters(&best.network)).map_err(device)?;
    if network.iter().flat_map(|parameter| &parameter.values).any(|value| !value.is_finite()) {
        let (place, phase) = (state.place, recipe.phases[state.place.phase.min(recipe.phases.len() - 1)].name.clone());
        return Err(TrainError::Diverged { phase, epoch: place.epoch + 1, batch: place.batch, loss: f32::NAN });
    }
    let optimiser = state.optimiser.to_record().into_bytes().map_err(|error| device(error.to_string()))?;
    let order: Vec<u8> = state.order.iter().flat_map(|&row| (row as u32).to_le_bytes()).collect();
    let streams = [&state.shuffle, &state.noise, state.augmenter.stream()].map(|stream| stream.position().to_string());
    // A recipe was TOML once; it can be again.
    let text = toml::to_string(recipe).map_err(|error| device(error.to_string()))?;
    let head = Head {
        format: FORMAT.to_owned(),
        recipe: text,
        data: data.to_owned(),
        place: state.place,
        streams,
        best: state.best.as_ref().map(|best| best.score.clone()),
        ids: network.iter().map(|parameter| parameter.id).collect(),
        log: state.log.iter().map(Epoch::from).collect(),
    };
    let head = serde_json::to_string(&head).map_err(|source| WriteError::io(path, source.into()))?;

    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let mut tensors = vec![
        ("optimiser".to_owned(), Dtype::U8, vec![optimiser.len()], optimiser.to_vec()),
        ("order".to_owned(), Dtype::U32, vec![state.order.len()], order),
    ];
    for (name, parameters) in [("network", &network), ("best", &best)] {
        let tensor = |(index, parameter): (usize, &Parameter)| {
            (format!("{name}.{index}"), Dtype::F32, parameter.dims.clone(), bytes(&parameter.values))
        };
        tensors.extend(parameters.iter().enumerate().map(tensor));
    }
    let views: Result<Vec<_>, _> = tensors
        .iter()
        .map(|(name, dtype, dims, bytes)| Ok((name, TensorView::new(*dtype, dims.clone(), bytes)?)))
        .collect();
    let file = views.and_then(|views| safetensors::serialize(views, Some(HashMap::from([(KEY.to_owned(), head)]))));
    let file = file.map_err(|source| WriteError::Layout { path: path.to_owned(), source })?;
    Ok(write_whole(path, &file)?)
}

impl Checkpoint {
    /// Reads `path`.
    pub(super) fn read(path: &Path) -> Result<Self, CheckpointError> {
        let unreadable = |source| CheckpointError::Unreadable { path: path.to_owned(), source };
        let damaged = |what: String| CheckpointError::Damaged { path: path.to_owned(), what };
        let file = std::fs::read(path).map_err(unreadable)?;
        let (_, metadata) = SafeTensors::read_metadata(&file).map_err(|error| damaged(error.to_string()))?;
        let head = metadata.metadata().as_ref().and_then(|map| map.get(KEY));
        let head = head.ok_or_else(|| damaged(format!("its metadata has no `{KEY}`")))?;
        let head: Head = serde_json::from_str(head).map_err(|error| damaged(error.to_string()))?;
        if head.format != FORMAT {
            return Err(damaged(format!("its format is `{}`, this version reads `{FORMAT}`", head.format)));
        }
        let recipe = Recipe::parse(&head.recipe, path).map_err(|error| damaged(error.to_string()))?;
        let tensors = SafeTensors::deserialize(&file).map_err(|error| damaged(error.to_string()))?;
        let tensor = |name: &str, dtype: Dtype| {
            let view = tensors.tensor(name).map_err(|error| damaged(error.to_string()))?;
            if view.dtype() == dtype { Ok(view) } else { Err(damaged(format!("`{name}` is {:?}", view.dtype()))) }
        };
        let network = |name: &str| -> Result<Vec<Parameter>, CheckpointError> {
            let parameter = |(index, &id): (usize, &u64)| {
                let view = tensor(&format!("{name}.{index}"), Dtype::F32)?;
                let values = view.data().as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
                Ok(Parameter { id, dims: view.shape().to_vec(), values })
            };
            head.ids.iter().enumerate().map(parameter).collect()
        };
        let order = tensor("order", Dtype::U32)?;
        let order = order.data().as_chunks::<4>().0.iter().map(|&bytes| u32::from_le_bytes(bytes) as usize).collect();
        let optimiser = tensor("optimiser", Dtype::U8)?.data().to_vec();
        let best = if head.best.is_some() { network("best")? } else { Vec::new() };
        Ok(Self { recipe, network: network("network")?, best, optimiser, order, head })
    }

    /// The recipe of the run.
    pub(super) fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Whether the run is over.
    pub(super) fn is_finished(&self) -> bool {
        self.head.place.phase >= self.recipe.phases.len()
    }

    /// The state the run was in, if it was a run of `recipe` on the data that `digest` names.
    pub(super) fn resume(
        self,
        path: &Path,
        recipe: &Recipe,
        rows: &Rows,
        digest: &str,
        device: &Device,
    ) -> Result<State, CheckpointError> {
        let other = |what| CheckpointError::Other { path: path.to_owned(), what };
        let damaged = |what: String| CheckpointError::Damaged { path: path.to_owned(), what };
        if self.recipe != *recipe {
            return Err(other("of another recipe"));
        }
        if self.head.data != digest {
            return Err(other("on other data"));
        }
        let mut state = State::new(recipe, rows, device);
        let mut seen = vec![false; rows.len()];
        self.order.iter().for_each(|&row| seen.get_mut(row).into_iter().for_each(|seen| *seen = true));
        if !self.order.is_empty() && (self.order.len() != rows.len() || seen.contains(&false)) {
            return Err(damaged("the order of the rows is none".to_owned()));
        }
        let streams = [&mut state.shuffle, &mut state.noise, state.augmenter.stream_mut()];
        for (stream, position) in streams.into_iter().zip(&self.head.streams) {
            stream.seek(position.parse().map_err(|_| damaged(format!("`{position}` is no place in a stream")))?);
        }
        if let Some(score) = self.head.best {
            let network = with_parameters(state.network.clone(), self.best).map_err(damaged)?;
            state.best = Some(Best { network: burn::module::Module::valid(&network), score });
        }
        state.network = with_parameters(state.network, self.network).map_err(damaged)?;
        let optimiser = Bytes::from_bytes_vec(self.optimiser);
        state.optimiser = state.optimiser.from_bytes(optimiser).map_err(|error| damaged(error.to_string()))?;
        let log = self.head.log.into_iter().map(Logged::from).collect();
        (state.order, state.place, state.log) = (self.order, self.head.place, log);
        Ok(state)
    }

    /// The network the run gave, or would give if it ended here, on `device`; it was trained on `rows`.
    pub(super) fn network(self, path: &Path, rows: &Rows, device: &Device) -> Result<Network, CheckpointError> {
        let network = Network::new(&self.recipe, rows, device);
        let parameters = if self.head.best.is_some() { self.best } else { self.network };
        with_parameters(network, parameters).map_err(|what| CheckpointError::Damaged { path: path.to_owned(), what })
    }
}
