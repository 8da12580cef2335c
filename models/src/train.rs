//! The trainer: runs the phases of a recipe and keeps the best weights.

use std::path::Path;

use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};

use crate::arch::{Decisions, Network, Pass, indices};
use crate::data::{Augmenter, Rows, Split};
use crate::device::Backend;
use crate::error::{TrainError, WriteError};
use crate::evaluate::{evaluate, read, real_inputs};
use crate::export::{GraphBuilder, write_whole};
use crate::loss::{balance, cross_entropy, mean_entropy};
use crate::progress::Progress;
use crate::recipe::{Phase, Recipe};
use crate::seed::{Purpose, Stream};
use crate::summary::{Chosen, EpochReport, Evaluation, Summary};

/// What a run needs besides its recipe.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Where the tensors live.
    pub backend: Backend,
    /// Whether to evaluate the final network on the test rows. They are to be read once, for the card, and never to
    /// choose by; so a run leaves them alone unless it is told otherwise.
    pub test: bool,
}

/// A trained network.
#[derive(Debug, Clone)]
pub struct Trained {
    graph: GraphBuilder,
    summary: Summary,
}

impl Trained {
    /// The result of the run.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Writes the graph file (safetensors, see `docs/graph-format.md`), whole or not at all. The same weights give the
    /// same bytes.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        self.graph.write(path)
    }

    /// Writes the summary as JSON, whole or not at all.
    pub fn write_summary(&self, path: &Path) -> Result<(), WriteError> {
        let io = |source: serde_json::Error| WriteError::Io { path: path.to_owned(), source: source.into() };
        let mut text = serde_json::to_string_pretty(&self.summary).map_err(io)?;
        text.push('\n');
        write_whole(path, text.as_bytes())
    }
}

/// Trains the network of `recipe` on the data under `data_folder`, on the first backend of this build; the test rows are
/// not read.
pub fn train(recipe: &Recipe, data_folder: &Path, progress: &mut dyn Progress) -> Result<Trained, TrainError> {
    train_with(recipe, data_folder, Options::default(), progress)
}

/// Trains the network of `recipe` on the data under `data_folder`.
///
/// The same recipe, data and machine give the same weights, bit for bit, on the `flex` backend.
pub fn train_with(
    recipe: &Recipe,
    data_folder: &Path,
    options: Options,
    progress: &mut dyn Progress,
) -> Result<Trained, TrainError> {
    recipe.check()?;
    let split = Split::read(data_folder, recipe)?;
    progress.started(recipe);
    let mut run = Run::new(recipe, &split, options.backend);
    for phase in &recipe.phases {
        run.phase(phase, progress)?;
    }
    progress.finished();
    let test = match options.test {
        true => Some(Rows::read(&data_folder.join(&recipe.data.test), recipe)?),
        false => None,
    };
    run.finish(test.as_ref())
}

/// A run under way.
struct Run<'a> {
    recipe: &'a Recipe,
    split: &'a Split,
    backend: Backend,
    /// With a tape for gradients.
    device: Device,
    network: Network,
    optimiser: ModuleOptimizer,
    shuffle: Stream,
    augmenter: Augmenter,
    best: Option<Best>,
    phases: Vec<EpochReport>,
}

/// The best weights so far.
struct Best {
    network: Network,
    chosen: Chosen,
    correct: usize,
    cross_entropy: f64,
}

impl<'a> Run<'a> {
    fn new(recipe: &'a Recipe, split: &'a Split, backend: Backend) -> Self {
        let device = backend.device().autodiff();
        let optimiser = &recipe.optimiser;
        let optimiser = AdamWConfig::new()
            .with_beta_1(optimiser.beta_1)
            .with_beta_2(optimiser.beta_2)
            .with_epsilon(optimiser.epsilon)
            .with_weight_decay(optimiser.weight_decay)
            .init();
        Self {
            recipe,
            split,
            backend,
            network: Network::new(recipe, &device),
            device,
            optimiser,
            shuffle: Stream::new(recipe.seed, Purpose::Shuffle),
            augmenter: Augmenter::new(recipe.augment.as_ref(), &recipe.input, recipe.seed),
            best: None,
            phases: Vec::new(),
        }
    }

    fn phase(&mut self, phase: &Phase, progress: &mut dyn Progress) -> Result<(), TrainError> {
        let batches = self.split.train.len().div_ceil(self.recipe.optimiser.batch);
        let mut order: Vec<usize> = (0..self.split.train.len()).collect();
        for epoch in 0..phase.epochs {
            self.shuffle.shuffle(&mut order);
            let mut sum = 0.0;
            for (batch, rows) in order.chunks(self.recipe.optimiser.batch).enumerate() {
                let lr = phase.lr.at(epoch * batches + batch, phase.epochs * batches);
                let loss = self.step(phase, rows, lr)?;
                if !loss.is_finite() {
                    let (epoch, batch) = (epoch + 1, batch + 1);
                    return Err(TrainError::Diverged { phase: phase.name.clone(), epoch, batch, loss });
                }
                sum += f64::from(loss);
            }
            let validation = self.evaluate(&self.network.valid(), &self.split.validation)?;
            let report = EpochReport {
                phase: phase.name.clone(),
                epoch: epoch + 1,
                epochs: phase.epochs,
                loss: sum / batches as f64,
                validation_accuracy: validation.accuracy,
                validation_cross_entropy: validation.cross_entropy,
            };
            progress.epoch(&report);
            if report.epoch == report.epochs {
                self.phases.push(report);
            }
            if phase.keep_best {
                self.keep_if_best(phase, epoch + 1, &validation);
            }
        }
        Ok(())
    }

    /// One step on the rows `rows` of the training set; returns the loss.
    fn step(&mut self, phase: &Phase, rows: &[usize], lr: f64) -> Result<f32, TrainError> {
        let train = &self.split.train;
        let mut values = Vec::with_capacity(rows.len() * self.recipe.data.features);
        rows.iter().for_each(|&row| self.augmenter.push(train.features(row), &mut values));
        let labels: Vec<usize> = rows.iter().map(|&row| train.label(row)).collect();
        let decisions = if phase.hard { Decisions::Hard } else { Decisions::Soft };
        let pass = self.network.pass(real_inputs(values, self.recipe, &self.device), decisions);
        let loss = self.loss(phase, pass, &labels);
        let value = read(loss.clone()).map_err(|message| self.device_error(message))?[0];
        if value.is_finite() {
            let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
            self.network = self.optimiser.step(lr, self.network.clone(), gradients);
        }
        Ok(value)
    }

    fn loss(&self, phase: &Phase, pass: Pass, labels: &[usize]) -> Tensor<1> {
        let classes = indices(labels, &self.device);
        let mut loss = cross_entropy(pass.scores, classes.clone(), phase.label_smoothing);
        if let Some(always) = pass.always.filter(|_| phase.always > 0.0) {
            loss = loss + cross_entropy(always, classes, phase.label_smoothing).mul_scalar(phase.always);
        }
        if let Some(choices) = pass.choices.filter(|_| phase.hardening > 0.0) {
            loss = loss + mean_entropy(choices).mul_scalar(phase.hardening);
        }
        if let Some(load) = pass.load.filter(|_| phase.balance > 0.0) {
            loss = loss + balance(load.shares, load.picks, load.per_row).mul_scalar(phase.balance);
        }
        loss
    }

    fn keep_if_best(&mut self, phase: &Phase, epoch: usize, validation: &Evaluation) {
        let (correct, cross_entropy) = (validation.correct, validation.cross_entropy);
        let better = self.best.as_ref().is_none_or(|best| {
            correct > best.correct || (correct == best.correct && cross_entropy < best.cross_entropy)
        });
        if better {
            let chosen = Chosen { phase: phase.name.clone(), epoch };
            self.best = Some(Best { network: self.network.valid(), chosen, correct, cross_entropy });
        }
    }

    fn finish(self, test: Option<&Rows>) -> Result<Trained, TrainError> {
        let (network, chosen) = match &self.best {
            Some(best) => (best.network.clone(), best.chosen.clone()),
            None => {
                let last = &self.recipe.phases[self.recipe.phases.len() - 1];
                (self.network.valid(), Chosen { phase: last.name.clone(), epoch: last.epochs })
            }
        };
        let mut graph = GraphBuilder::new(self.recipe);
        network.export(&mut graph).map_err(|message| self.device_error(message))?;
        let gate_ids = match &network {
            Network::Gates(gates) => Some(gates.histogram().map_err(|message| self.device_error(message))?.to_vec()),
            _ => None,
        };
        let summary = Summary {
            name: self.recipe.name.clone(),
            seed: self.recipe.seed,
            backend: self.backend.name().to_owned(),
            chosen,
            train: self.evaluate(&network, &self.split.train)?,
            validation: self.evaluate(&network, &self.split.validation)?,
            test: test.map(|rows| self.evaluate(&network, rows)).transpose()?,
            parameters: gate_ids.as_ref().map_or_else(|| network.num_params(), |ids| ids.iter().sum()),
            gate_ids,
            phases: self.phases,
        };
        Ok(Trained { graph, summary })
    }

    fn evaluate(&self, network: &Network, rows: &Rows) -> Result<Evaluation, TrainError> {
        evaluate(network, rows, self.recipe, &self.backend.device()).map_err(|message| self.device_error(message))
    }

    fn device_error(&self, message: String) -> TrainError {
        TrainError::Device { backend: self.backend.name(), message }
    }
}
