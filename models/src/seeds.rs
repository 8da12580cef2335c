//! The same recipe from several seeds: one run says little about a recipe, the spread of a few says how little.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{TrainError, WriteError};
use crate::export::write_whole;
use crate::progress::Progress;
use crate::recipe::Recipe;
use crate::summary::{Evaluation, Summary};
use crate::train::{Options, Trained, train_with};

/// What the runs of a recipe came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seeds {
    /// Name of the network.
    pub name: String,
    /// Accuracy on the rows fitted.
    pub train: Spread,
    /// Accuracy on the rows held out.
    pub validation: Spread,
    /// Accuracy on the test rows, if they were read.
    pub test: Option<Spread>,
    /// The runs, by seed.
    pub runs: Vec<Summary>,
}

/// Mean and deviation over runs of a share of 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation of a sample (divided by one less than the number of runs); 0 for one run.
    pub deviation: f64,
}

impl Spread {
    fn of(evaluations: impl Iterator<Item = f64> + Clone) -> Self {
        let count = evaluations.clone().count() as f64;
        let mean = evaluations.clone().sum::<f64>() / count;
        let squares: f64 = evaluations.map(|value| (value - mean).powi(2)).sum();
        Self { mean, deviation: if count > 1.0 { (squares / (count - 1.0)).sqrt() } else { 0.0 } }
    }
}

/// Trains `recipe` from `count` seeds, its own and those that follow; gives the network that does best on its rows held
/// out, and what all came to. With a folder, each of several runs has one of its own in it, named after the seed.
pub fn train_seeds(
    recipe: &Recipe,
    data_folder: &Path,
    count: usize,
    options: Options<'_>,
    progress: &mut dyn Progress,
) -> Result<(Trained, Seeds), TrainError> {
    let mut best: Option<Trained> = None;
    let mut runs = Vec::with_capacity(count);
    for offset in 0..count.max(1) as u64 {
        let recipe = Recipe { seed: recipe.seed.wrapping_add(offset), ..recipe.clone() };
        let own =
            |folder: &Path| if count > 1 { folder.join(format!("seed-{}", recipe.seed)) } else { folder.to_owned() };
        let folder = options.folder.map(own);
        let options = Options { folder: folder.as_deref(), ..options };
        let trained = train_with(&recipe, data_folder, options, progress)?;
        runs.push(trained.summary().clone());
        let accuracy = |trained: &Trained| trained.summary().validation.accuracy;
        if best.as_ref().is_none_or(|best| accuracy(&trained) > accuracy(best)) {
            best = Some(trained);
        }
    }
    let spread =
        |evaluation: fn(&Summary) -> &Evaluation| Spread::of(runs.iter().map(move |run| evaluation(run).accuracy));
    let tests: Option<Vec<f64>> = runs.iter().map(|run| run.test.as_ref().map(|test| test.accuracy)).collect();
    let seeds = Seeds {
        name: recipe.name.clone(),
        train: spread(|run| &run.train),
        validation: spread(|run| &run.validation),
        test: tests.map(|tests| Spread::of(tests.into_iter())),
        runs: runs.clone(),
    };
    // At least one run was made, so there is a best one.
    best.map_or_else(|| Err(TrainError::Interrupted { checkpoint: None }), |best| Ok((best, seeds)))
}

impl Seeds {
    /// The runs as a table in Markdown, accuracies in percent.
    pub fn to_markdown(&self) -> String {
        let percent = |evaluation: &Evaluation| format!("{:.2}", 100.0 * evaluation.accuracy);
        let spread = |spread: &Spread| format!("{:.2} +- {:.2}", 100.0 * spread.mean, 100.0 * spread.deviation);
        let absent = || "-".to_owned();
        let mut text =
            format!("| {} | train % | validation % | test % | taken from |\n|---|---|---|---|---|\n", self.name);
        for run in &self.runs {
            let test = run.test.as_ref().map_or_else(absent, percent);
            let (train, validation) = (percent(&run.train), percent(&run.validation));
            let chosen = format!("{} {}", run.chosen.phase, run.chosen.epoch);
            text.push_str(&format!("| seed {} | {train} | {validation} | {test} | {chosen} |\n", run.seed));
        }
        let test = self.test.as_ref().map_or_else(absent, spread);
        let (train, validation) = (spread(&self.train), spread(&self.validation));
        text.push_str(&format!("| mean +- deviation | {train} | {validation} | {test} | |\n"));
        text
    }

    /// Writes the runs as JSON, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), WriteError> {
        let text = serde_json::to_string_pretty(self).map_err(|source| WriteError::io(path, source.into()))?;
        write_whole(path, format!("{text}\n").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deviation_is_that_of_a_sample() {
        let spread = Spread::of([0.8, 0.9, 1.0].into_iter());
        assert!((spread.mean - 0.9).abs() < 1e-12 && (spread.deviation - 0.1).abs() < 1e-12, "{spread:?}");
        assert_eq!(Spread::of([0.7].into_iter()), Spread { mean: 0.7, deviation: 0.0 });
    }
}
