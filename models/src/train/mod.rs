//! The trainer: runs the phases of a recipe and keeps the best weights.

mod checkpoint;
mod curve;
mod folder;
mod state;
mod teacher;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

use self::folder::Folder;
use self::state::State;
use self::teacher::Teacher;
use crate::arch::{Decisions, Network, Pass, indices, tensor};
use crate::data::{Rows, Split};
use crate::device::Backend;
use crate::error::{CheckpointError, TrainError, WriteError};
use crate::evaluate::{evaluate, read, real_inputs};
use crate::export::{GraphBuilder, write_whole};
use crate::loss::{balance, cross_entropy, mean_entropy, soft_cross_entropy};
use crate::progress::Progress;
use crate::recipe::{Phase, Recipe};
use crate::summary::{Chosen, Evaluation, Logged, Summary};

/// What a run needs besides its recipe.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Where the tensors live.
    pub backend: Backend,
    /// Whether to evaluate the final network on the test rows. They are to be read once, for the card, and never to
    /// choose by; so a run leaves them alone unless it is told otherwise.
    pub test: bool,
    /// Folder for the checkpoint, the network so far, the log and the learning curve; none: the run leaves nothing behind.
    pub folder: Option<&'a Path>,
    /// What to do about a run that is in the folder already.
    pub existing: Existing,
    /// Set to end the run after the batch under way, with a checkpoint.
    pub stop: Option<&'a AtomicBool>,
    /// Time between checkpoints.
    pub checkpoint_every: Duration,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            backend: Backend::default(),
            test: false,
            folder: None,
            existing: Existing::default(),
            stop: None,
            checkpoint_every: Duration::from_secs(30),
        }
    }
}

/// What to do about a run that is in the folder already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Existing {
    /// One that was interrupted is an error, one that is finished is replaced.
    #[default]
    Protect,
    /// Goes on with it; without one, begins.
    Resume,
    /// Begins anew.
    Replace,
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
        let mut text =
            serde_json::to_string_pretty(&self.summary).map_err(|source| WriteError::io(path, source.into()))?;
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
/// The same recipe, data and machine give the same weights, bit for bit, on the `flex` backend; whether the run was
/// interrupted and resumed makes no difference.
pub fn train_with(
    recipe: &Recipe,
    data_folder: &Path,
    options: Options<'_>,
    progress: &mut dyn Progress,
) -> Result<Trained, TrainError> {
    recipe.check()?;
    let split = Split::read(data_folder, recipe)?;
    // Read now: a file that is not there is to be told before the hours of training.
    let test = if options.test { Some(Rows::read_test(data_folder, recipe)?) } else { None };
    let mut run = Run::new(recipe, &split, data_folder, options)?;
    progress.started(recipe, run.batches(), run.done());
    let outcome = run.all_phases(progress);
    progress.finished();
    outcome?;
    run.finish(test.as_ref())
}

/// A run under way.
struct Run<'a> {
    recipe: &'a Recipe,
    split: &'a Split,
    options: Options<'a>,
    /// With a tape for gradients.
    device: Device,
    teacher: Option<Teacher>,
    folder: Option<Folder>,
    /// Names the data in checkpoints.
    digest: String,
    state: State,
    saved: Instant,
    since: Instant,
}

impl<'a> Run<'a> {
    fn new(recipe: &'a Recipe, split: &'a Split, data_folder: &Path, options: Options<'a>) -> Result<Self, TrainError> {
        let device = options.backend.device().autodiff();
        let inner = options.backend.device();
        let teacher = recipe.teacher.as_ref();
        let teacher = teacher.map(|teacher| Teacher::read(teacher, recipe, data_folder, inner)).transpose()?;
        let folder = options.folder.map(Folder::new).transpose()?;
        let digest = if folder.is_some() { checkpoint::digest(split) } else { String::new() };
        let state = match &folder {
            Some(folder) => Self::begin(recipe, split, options.existing, folder, &digest, &device)?,
            None => State::new(recipe, &split.train, &device),
        };
        let now = Instant::now();
        Ok(Self { recipe, split, options, device, teacher, folder, digest, state, saved: now, since: now })
    }

    /// The state to start from, given what is in the folder.
    fn begin(
        recipe: &Recipe,
        split: &Split,
        existing: Existing,
        folder: &Folder,
        digest: &str,
        device: &Device,
    ) -> Result<State, TrainError> {
        let path = folder.checkpoint();
        let found = if existing == Existing::Replace { None } else { folder.read()? };
        match found {
            Some(checkpoint) if existing == Existing::Resume => {
                Ok(checkpoint.resume(&path, recipe, &split.train, digest, device)?)
            }
            Some(checkpoint) if !checkpoint.is_finished() => Err(CheckpointError::Unfinished { path }.into()),
            _ => Ok(State::new(recipe, &split.train, device)),
        }
    }

    /// Batches of an epoch.
    fn batches(&self) -> usize {
        self.split.train.len().div_ceil(self.recipe.optimiser.batch)
    }

    /// Batches done before this run began or went on.
    fn done(&self) -> usize {
        let place = self.state.place;
        let epochs: usize = self.recipe.phases.iter().take(place.phase).map(|phase| phase.epochs).sum();
        (epochs + place.epoch) * self.batches() + place.batch
    }

    fn all_phases(&mut self, progress: &mut dyn Progress) -> Result<(), TrainError> {
        while let Some(phase) = self.recipe.phases.get(self.state.place.phase) {
            self.epoch(phase, progress)?;
            self.state.place.epoch += 1;
            if self.state.place.epoch == phase.epochs {
                (self.state.place.phase, self.state.place.epoch) = (self.state.place.phase + 1, 0);
            }
        }
        self.save()
    }

    /// What is left of the epoch under way.
    fn epoch(&mut self, phase: &Phase, progress: &mut dyn Progress) -> Result<(), TrainError> {
        let batches = self.batches();
        let place = self.state.place;
        if place.batch == 0 {
            if place.epoch == 0 {
                self.state.order = (0..self.split.train.len()).collect();
            }
            self.state.shuffle.shuffle(&mut self.state.order);
        }
        for batch in place.batch..batches {
            let size = self.recipe.optimiser.batch;
            let rows = &self.state.order[batch * size..self.split.train.len().min((batch + 1) * size)];
            let rows = rows.to_vec();
            let lr = phase.lr.at(place.epoch * batches + batch, phase.epochs * batches);
            let loss = self.step(phase, &rows, lr)?;
            if !loss.is_finite() {
                return Err(self.diverged(phase, batch + 1, loss));
            }
            self.state.place.sum += f64::from(loss);
            self.state.place.batch += 1;
            progress.batch(self.state.place.sum / (batch + 1) as f64);
            self.interrupt_or_save()?;
        }
        let validation = self.evaluate(&self.state.network.valid(), &self.split.validation)?;
        if !validation.cross_entropy.is_finite() {
            return Err(self.diverged(phase, batches, validation.cross_entropy as f32));
        }
        self.tick();
        let logged = Logged {
            phase: phase.name.clone(),
            epoch: place.epoch + 1,
            epochs: phase.epochs,
            loss: self.state.place.sum / batches as f64,
            validation_accuracy: validation.accuracy,
            validation_cross_entropy: validation.cross_entropy,
            seconds: self.state.place.seconds,
        };
        progress.epoch(&logged.report());
        self.state.log.push(logged);
        if phase.keep_best {
            self.state.keep_if_best(Chosen { phase: phase.name.clone(), epoch: place.epoch + 1 }, &validation);
        }
        (self.state.place.batch, self.state.place.sum) = (0, 0.0);
        Ok(())
    }

    fn diverged(&self, phase: &Phase, batch: usize, loss: f32) -> TrainError {
        TrainError::Diverged { phase: phase.name.clone(), epoch: self.state.place.epoch + 1, batch, loss }
    }

    /// Counts the time since the last call.
    fn tick(&mut self) {
        self.state.place.seconds += self.since.elapsed().as_secs_f64();
        self.since = Instant::now();
    }

    /// Between two batches: writes a checkpoint if it is time to, or the run is to end.
    fn interrupt_or_save(&mut self) -> Result<(), TrainError> {
        let stop = self.options.stop.is_some_and(|stop| stop.load(Ordering::Relaxed));
        if stop || self.saved.elapsed() >= self.options.checkpoint_every {
            self.save()?;
        }
        if stop {
            Err(TrainError::Interrupted { checkpoint: self.folder.as_ref().map(Folder::checkpoint) })
        } else {
            Ok(())
        }
    }

    fn save(&mut self) -> Result<(), TrainError> {
        self.tick();
        if let Some(folder) = &self.folder {
            folder.save(&self.state, self.recipe, &self.digest, self.options.backend.name())?;
        }
        self.saved = Instant::now();
        Ok(())
    }

    /// One step on the rows `rows` of the training set; returns the loss.
    fn step(&mut self, phase: &Phase, rows: &[usize], lr: f64) -> Result<f32, TrainError> {
        self.try_step(phase, rows, lr).map_err(|message| self.device_error(message))
    }

    fn try_step(&mut self, phase: &Phase, rows: &[usize], lr: f64) -> Result<f32, String> {
        let train = &self.split.train;
        let state = &mut self.state;
        let mut values = Vec::with_capacity(rows.len() * self.recipe.data.features);
        rows.iter().for_each(|&row| state.augmenter.push(train.features(row), &mut values));
        let labels: Vec<usize> = rows.iter().map(|&row| train.label(row)).collect();
        let decisions = if phase.hard { Decisions::Hard } else { Decisions::Soft };
        let taught = match &self.teacher {
            Some(teacher) => Some((teacher.targets(&values)?, teacher.share, teacher.temperature)),
            None => None,
        };
        let noise = phase.gumbel.then_some(&mut state.noise);
        let x = real_inputs(values, self.recipe, &self.device);
        let mut pass = state.network.pass(x, decisions, noise)?;
        let (tape, scores) = (pass.tape.take(), pass.scores.clone());
        let loss = loss(phase, pass, &labels, taught, &self.device);
        let value = read(loss.clone())?[0];
        if !value.is_finite() {
            return Ok(value);
        }
        let mut gradients = loss.backward();
        if let Some(tape) = tape {
            let scores = scores.grad(&gradients).ok_or("the scores have no gradient")?;
            gradients = tape.surrogate(scores)?.backward();
        }
        let gradients = GradientsParams::from_grads(gradients, &state.network);
        state.network = state.optimiser.step(lr, state.network.clone(), gradients);
        Ok(value)
    }

    fn finish(self, test: Option<&Rows>) -> Result<Trained, TrainError> {
        let (network, chosen) = self.state.outcome(self.recipe);
        let mut graph = GraphBuilder::new(self.recipe);
        network.export(&mut graph).map_err(|message| self.device_error(message))?;
        let gate_ids = match &network {
            Network::Gates(gates) => Some(gates.histogram().map_err(|message| self.device_error(message))?.to_vec()),
            _ => None,
        };
        let summary = Summary {
            name: self.recipe.name.clone(),
            seed: self.recipe.seed,
            backend: self.options.backend.name().to_owned(),
            chosen,
            train: self.evaluate(&network, &self.split.train)?,
            validation: self.evaluate(&network, &self.split.validation)?,
            test: test.map(|rows| self.evaluate(&network, rows)).transpose()?,
            parameters: gate_ids.as_ref().map_or_else(|| network.num_params(), |ids| ids.iter().sum()),
            gate_ids,
            phases: self.state.phases(),
        };
        Ok(Trained { graph, summary })
    }

    fn evaluate(&self, network: &Network, rows: &Rows) -> Result<Evaluation, TrainError> {
        let device = self.options.backend.device();
        evaluate(network, rows, self.recipe, &device).map_err(|message| self.device_error(message))
    }

    fn device_error(&self, message: String) -> TrainError {
        TrainError::Device { backend: self.options.backend.name(), message }
    }
}

/// The whole loss of a batch. `taught` are the teacher's targets, their share of the loss and the temperature.
fn loss(
    phase: &Phase,
    pass: Pass,
    labels: &[usize],
    taught: Option<(Vec<f32>, f32, f32)>,
    device: &Device,
) -> Tensor<1> {
    let classes = indices(labels, device);
    let mut loss = cross_entropy(pass.scores.clone(), classes.clone(), phase.label_smoothing);
    if let Some((targets, share, temperature)) = taught {
        let targets = tensor(targets, pass.scores.dims(), device);
        // Gradients of softened targets are smaller by the square of the temperature.
        let soft = soft_cross_entropy(pass.scores.div_scalar(temperature), targets);
        loss = loss.mul_scalar(1.0 - share) + soft.mul_scalar(share * temperature * temperature);
    }
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
