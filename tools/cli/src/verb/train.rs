//! `leafgate train`: the network of a recipe, as a graph file for `convert`.
//!
//! The training framework is some hundreds of packages, so it is a cargo feature. Without it the verb is there all the same
//! and says how to get it.

use std::path::PathBuf;

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  leafgate train models/zoo/digits-fff/recipe.toml -o weights.safetensors --data data/
  leafgate train recipe.toml -o weights.safetensors --summary summary.json --test";

/// Arguments of `train`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The recipe
    recipe: PathBuf,
    /// The graph file to write
    #[arg(short, long, value_name = "WEIGHTS")]
    output: PathBuf,
    /// Folder with the data files that the recipe names [default: LEAFGATE_DATA]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Write the course of the run
    #[arg(long, value_name = "JSON")]
    summary: Option<PathBuf>,
    /// Evaluate the finished network on the test rows
    #[arg(long)]
    test: bool,
}

/// Runs the verb.
#[cfg(not(feature = "train"))]
pub fn run(_: &Arguments, _: crate::output::Talk) -> Result<crate::output::Done, crate::error::Failure> {
    use crate::error::Failure;
    Err(Failure::new("E0003", crate::exit::Exit::Usage, "this leafgate was built without training")
        .hint("build it with: cargo install --path tools/cli --features train"))
}

#[cfg(feature = "train")]
pub use with_framework::run;

#[cfg(feature = "train")]
mod with_framework {
    use std::path::Path;

    use leafgate_models::{
        Bar, DataError, Evaluation, Options, Progress, Recipe, RecipeError, Silent, Summary, TrainError, WriteError,
        data, train_with,
    };
    use serde::Serialize;

    use super::Arguments;
    use crate::error::Failure;
    use crate::exit::Exit;
    use crate::file::{Target, writing};
    use crate::output::{Done, Lines, Talk, grouped, percent};

    #[derive(Serialize)]
    struct Report<'s> {
        weights: String,
        summary: &'s Summary,
        next: String,
    }

    /// Runs the verb.
    pub fn run(arguments: &Arguments, talk: Talk) -> Result<Done, Failure> {
        let recipe_path = arguments.recipe.as_path();
        let target = Target::new(&arguments.output, &[recipe_path])?;
        let summary_target = arguments.summary.as_ref().map(|path| Target::new(path, &[recipe_path])).transpose()?;
        if let Some(summary) = &summary_target {
            target.differs_from(summary)?;
        }
        let recipe = Recipe::read(recipe_path).map_err(|error| recipe_failure(&error, recipe_path))?;
        let folder = data::folder(arguments.data.as_deref());
        let mut bar: Box<dyn Progress> =
            if talk.shows_progress() { Box::new(Bar::default()) } else { Box::new(Silent) };
        let options = Options { test: arguments.test, ..Options::default() };
        let trained =
            train_with(&recipe, &folder, options, bar.as_mut()).map_err(|error| train_failure(&error, recipe_path))?;
        {
            let _guard = writing();
            trained.write(target.path()).map_err(|error| write_failure(&error))?;
            if let Some(target) = &summary_target {
                trained.write_summary(target.path()).map_err(|error| write_failure(&error))?;
            }
        }
        let weights = arguments.output.display().to_string();
        let samples = folder.join(&recipe.data.train);
        let next = format!("leafgate convert {weights} -o {}.leaf --calib {}", recipe.name, samples.display());
        let report = Report { weights, summary: trained.summary(), next };
        Ok(talk.done("leafgate.train/1", &report, || human(&report)))
    }

    fn human(report: &Report<'_>) -> String {
        let summary = report.summary;
        let mut lines = Lines::default();
        lines.add("weights", &report.weights);
        let chosen = format!("taken from {} {}", summary.chosen.phase, summary.chosen.epoch);
        lines.add("network", format!("{}, {} parameters, {chosen}", summary.name, grouped(summary.parameters)));
        lines.add("train", describe(&summary.train));
        lines.add("validation", describe(&summary.validation));
        if let Some(test) = &summary.test {
            lines.add("test", describe(test));
        }
        lines.add("next", &report.next);
        lines.render()
    }

    fn describe(evaluation: &Evaluation) -> String {
        let accuracy = percent(evaluation.accuracy);
        format!("{accuracy} of {} rows, cross entropy {:.4}", grouped(evaluation.rows), evaluation.cross_entropy)
    }

    fn recipe_failure(error: &RecipeError, path: &Path) -> Failure {
        let code = match error {
            RecipeError::Unreadable { .. } => "E0101",
            RecipeError::Value { .. } => "E0108",
            _ => "E0102",
        };
        Failure::new(code, Exit::Input, error.to_string())
            .at(path)
            .hint("models/zoo holds complete recipes to start from")
    }

    fn train_failure(error: &TrainError, path: &Path) -> Failure {
        match error {
            TrainError::Recipe(error) => recipe_failure(error, path),
            TrainError::Data(error) => {
                let code = if matches!(error, DataError::Missing { .. }) { "E0101" } else { "E0102" };
                Failure::new(code, Exit::Input, error.to_string()).hint("`--data FOLDER` names the data folder")
            }
            TrainError::Device { .. } => Failure::new("E0704", Exit::Device, error.to_string()),
            _ => Failure::new("E0308", Exit::Input, error.to_string()).at(path).hint("nothing was written"),
        }
    }

    fn write_failure(error: &WriteError) -> Failure {
        Failure::new("E0401", Exit::Input, error.to_string()).hint("check that there is room; nothing was changed")
    }
}
