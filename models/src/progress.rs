//! Telling a person how far a run is.

use indicatif::{ProgressBar, ProgressStyle};

use crate::recipe::Recipe;
use crate::summary::EpochReport;

/// Hears about a run while it runs.
pub trait Progress {
    /// The run starts.
    fn started(&mut self, recipe: &Recipe);
    /// An epoch is over and evaluated.
    fn epoch(&mut self, report: &EpochReport);
    /// The last epoch is over.
    fn finished(&mut self);
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn started(&mut self, _: &Recipe) {}
    fn epoch(&mut self, _: &EpochReport) {}
    fn finished(&mut self) {}
}

/// A bar over all epochs on standard error; nothing is drawn where that is not a terminal.
#[derive(Debug, Default)]
pub struct Bar(Option<ProgressBar>);

impl Progress for Bar {
    fn started(&mut self, recipe: &Recipe) {
        let bar = ProgressBar::new(recipe.phases.iter().map(|phase| phase.epochs as u64).sum());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} (ETA {eta}) {msg}") {
            bar.set_style(style);
        }
        self.0 = Some(bar);
    }

    fn epoch(&mut self, report: &EpochReport) {
        if let Some(bar) = &self.0 {
            let accuracy = 100.0 * report.validation_accuracy;
            bar.set_message(format!("{} loss {:.4} validation {accuracy:.2} %", report.phase, report.loss));
            bar.inc(1);
        }
    }

    fn finished(&mut self) {
        if let Some(bar) = self.0.take() {
            bar.finish();
        }
    }
}
