//! What a run has come to: all that has to be kept to go on as if nothing had happened.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::{AdamWConfig, ModuleOptimizer};
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::arch::Network;
use crate::data::{Augmenter, Rows};
use crate::evaluate::read;
use crate::recipe::Recipe;
use crate::seed::{Purpose, Stream};
use crate::summary::{Chosen, EpochReport, Evaluation, Logged};

/// The state of a run.
pub(super) struct State {
    /// With a tape for gradients.
    pub(super) network: Network,
    pub(super) optimiser: ModuleOptimizer,
    pub(super) shuffle: Stream,
    pub(super) noise: Stream,
    pub(super) augmenter: Augmenter,
    pub(super) best: Option<Best>,
    /// The training rows in the order of this epoch.
    pub(super) order: Vec<usize>,
    pub(super) place: Place,
    /// Every epoch so far.
    pub(super) log: Vec<Logged>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    /// Phases that are over.
    pub(super) phase: usize,
    /// Epochs of this phase that are over.
    pub(super) epoch: usize,
    /// Batches of this epoch that are over.
    pub(super) batch: usize,
    /// Sum of the losses of these batches.
    #[serde(with = "bits")]
    pub(super) sum: f64,
    /// Seconds spent so far.
    pub(super) seconds: f64,
}

/// The best weights so far.
pub(super) struct Best {
    /// Without a tape.
    pub(super) network: Network,
    pub(super) score: Score,
}

/// What the best weights are judged by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Score {
    pub(super) chosen: Chosen,
    correct: usize,
    #[serde(with = "bits")]
    cross_entropy: f64,
}

/// A number as its bits: as decimal numbers, JSON readers may round it.
mod bits {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        value.to_bits().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        u64::deserialize(deserializer).map(f64::from_bits)
    }
}

impl State {
    /// The start of a run on `rows`.
    pub(super) fn new(recipe: &Recipe, rows: &Rows, device: &Device) -> Self {
        let optimiser = &recipe.optimiser;
        let optimiser = AdamWConfig::new()
            .with_beta_1(optimiser.beta_1)
            .with_beta_2(optimiser.beta_2)
            .with_epsilon(optimiser.epsilon)
            .with_weight_decay(optimiser.weight_decay)
            .init();
        Self {
            network: Network::new(recipe, rows, device),
            optimiser,
            shuffle: Stream::new(recipe.seed, Purpose::Shuffle),
            noise: Stream::new(recipe.seed, Purpose::Noise),
            augmenter: Augmenter::new(recipe.augment.as_ref(), &recipe.input, recipe.seed),
            best: None,
            order: Vec::new(),
            place: Place::default(),
            log: Vec::new(),
        }
    }

    /// Takes the weights of now as the best if they are, by validation.
    pub(super) fn keep_if_best(&mut self, chosen: Chosen, validation: &Evaluation) {
        let (correct, cross_entropy) = (validation.correct, validation.cross_entropy);
        let better = self.best.as_ref().is_none_or(|best| {
            let score = &best.score;
            correct > score.correct || (correct == score.correct && cross_entropy < score.cross_entropy)
        });
        if better {
            let score = Score { chosen, correct, cross_entropy };
            self.best = Some(Best { network: self.network.valid(), score });
        }
    }

    /// The network a run would give if it ended here, and where it was taken.
    pub(super) fn outcome(&self, recipe: &Recipe) -> (Network, Chosen) {
        if let Some(best) = &self.best {
            return (best.network.clone(), best.score.chosen.clone());
        }
        let last = self.log.last().map(|logged| Chosen { phase: logged.phase.clone(), epoch: logged.epoch });
        let first = || Chosen { phase: recipe.phases[0].name.clone(), epoch: 0 };
        (self.network.valid(), last.unwrap_or_else(first))
    }

    /// The last epoch of every phase that is over.
    pub(super) fn phases(&self) -> Vec<EpochReport> {
        self.log.iter().filter(|logged| logged.epoch == logged.epochs).map(Logged::report).collect()
    }
}

/// A parameter: its identity, by which the optimiser knows it, its shape and its values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parameter {
    pub(super) id: u64,
    pub(super) dims: Vec<usize>,
    pub(super) values: Vec<f32>,
}

/// The parameters of a network, in the order of its fields.
pub(super) fn parameters(network: &Network) -> Result<Vec<Parameter>, String> {
    struct Visitor(Vec<Parameter>, Option<String>);
    impl ModuleVisitor for Visitor {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            match read(param.val()) {
                Ok(values) => {
                    self.0.push(Parameter { id: param.id.val(), dims: param.val().dims().to_vec(), values });
                }
                Err(error) => self.1 = Some(error),
            }
        }
    }
    let mut visitor = Visitor(Vec::new(), None);
    network.visit(&mut visitor);
    visitor.1.map_or(Ok(visitor.0), Err)
}

/// `network` with other parameters: as many as it has, of the same shapes, or an error.
pub(super) fn with_parameters(network: Network, parameters: Vec<Parameter>) -> Result<Network, String> {
    struct Mapper(std::vec::IntoIter<Parameter>, Option<String>);
    impl ModuleMapper for Mapper {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (_, old, mapper) = param.consume();
            let fits =
                |new: &Parameter| new.dims == old.dims() && new.dims.iter().product::<usize>() == new.values.len();
            let Some(new) = self.0.next().filter(fits) else {
                self.1 = Some(format!("no parameter of the shape {:?}", old.dims()));
                return Param::from_mapped_value(ParamId::new(), old, mapper);
            };
            let tensor = Tensor::from_data(TensorData::new(new.values, old.dims()), &old.device());
            let tensor = if old.is_require_grad() { tensor.require_grad() } else { tensor };
            Param::from_mapped_value(ParamId::from(new.id), tensor, mapper)
        }
    }
    let mut mapper = Mapper(parameters.into_iter(), None);
    let network = network.map(&mut mapper);
    match (mapper.1, mapper.0.next()) {
        (Some(error), _) => Err(error),
        (None, Some(_)) => Err("more parameters than the network has".to_owned()),
        (None, None) => Ok(network),
    }
}
