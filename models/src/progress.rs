//! Telling a person how far a run is.

use indicatif::{ProgressBar, ProgressStyle};

use crate::recipe::Recipe;
use crate::summary::EpochReport;

/// Hears about a run while it runs.
pub trait Progress {
    /// The run starts, or goes on after `done` batches; an epoch has `batches`.
    fn started(&mut self, recipe: &Recipe, batches: usize, done: usize);
    /// A batch is over; the mean loss of the epoch so far is `loss`.
    fn batch(&mut self, loss: f64);
    /// An epoch is over and evaluated.
    fn epoch(&mut self, report: &EpochReport);
    /// The last epoch is over, or the run ends early.
    fn finished(&mut self);
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn started(&mut self, _: &Recipe, _: usize, _: usize) {}
    fn batch(&mut self, _: f64) {}
    fn epoch(&mut self, _: &EpochReport) {}
    fn finished(&mut self) {}
}

/// A bar over all batches on standard error, with the loss, the accuracy and the time left; nothing is drawn where that is
/// not a terminal.
#[derive(Debug, Default)]
pub struct Bar {
    bar: Option<ProgressBar>,
    /// What the last epoch came to.
    validation: String,
}

impl Progress for Bar {
    fn started(&mut self, recipe: &Recipe, batches: usize, done: usize) {
        let epochs: usize = recipe.phases.iter().map(|phase| phase.epochs).sum();
        let bar = ProgressBar::new((epochs * batches) as u64).with_position(done as u64);
        let template = "{bar:30} {percent:>3} % {elapsed} (ETA {eta}) {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.reset_eta();
        self.bar = Some(bar);
    }

    fn batch(&mut self, loss: f64) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("loss {loss:.4}{}", self.validation));
            bar.inc(1);
        }
    }

    fn epoch(&mut self, report: &EpochReport) {
        let accuracy = 100.0 * report.validation_accuracy;
        let (phase, epoch, epochs) = (&report.phase, report.epoch, report.epochs);
        self.validation = format!(", {phase} {epoch}/{epochs} validation {accuracy:.2} %");
    }

    fn finished(&mut self) {
        if let Some(bar) = self.bar.take() {
            // A run that ends early leaves the bar where it is.
            bar.abandon();
        }
    }
}
