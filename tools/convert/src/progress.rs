//! How far long work has come: what shows progress is the caller's business.

/// A part of the work that takes time with every sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// The float reference runs over the samples, and the ranges of activations are noted.
    Calibration,
    /// The reference computes the golden vectors.
    Golden,
    /// Engine and reference are compared.
    Check,
    /// Float and integers are compared on samples with labels.
    Accuracy,
    /// The layers are compared one by one on samples.
    Layers,
}

/// Told a stage, how many of its samples are done, and how many there are: first with none done, then after each.
pub type Progress<'p> = dyn FnMut(Stage, usize, usize) + 'p;

/// Progress that nobody follows.
pub fn silent(_: Stage, _: usize, _: usize) {}

/// Counts the samples of a stage.
pub(crate) struct Count<'p, 'f> {
    progress: &'p mut Progress<'f>,
    stage: Stage,
    done: usize,
    total: usize,
}

impl<'p, 'f> Count<'p, 'f> {
    /// Begins a stage.
    pub(crate) fn begin(progress: &'p mut Progress<'f>, stage: Stage, total: usize) -> Self {
        progress(stage, 0, total);
        Self { progress, stage, done: 0, total }
    }

    /// One more is done.
    pub(crate) fn step(&mut self) {
        self.done += 1;
        (self.progress)(self.stage, self.done, self.total);
    }
}
