//! `leafgate train`: the network of a recipe, as a graph file for `convert`.
//!
//! The training framework is some hundreds of packages, so it is a cargo feature. Without it the verb is there all the same
//! and says how to get it.

use std::path::PathBuf;

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  leafgate train models/zoo/digits-fff/recipe.toml -o weights.safetensors --data data/
  leafgate train recipe.toml -o weights.safetensors --summary summary.json --test
  leafgate train recipe.toml -o weights.safetensors --run runs/first
  leafgate train recipe.toml -o weights.safetensors --run runs/first --resume
  leafgate train recipe.toml -o weights.safetensors --seeds 5 --table seeds.json";

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
    /// Folder for checkpoints, the network so far, the log and the learning curve; Ctrl-C then leaves a checkpoint
    #[arg(long, value_name = "FOLDER")]
    run: Option<PathBuf>,
    /// Go on with the run in the folder of --run
    #[arg(long, requires = "run")]
    resume: bool,
    /// Replace a run in the folder of --run that was interrupted
    #[arg(long, requires = "run", conflicts_with = "resume")]
    restart: bool,
    /// Train from so many seeds, the recipe's and those that follow; the best by validation is written
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    seeds: Option<u16>,
    /// Write what the seeds came to, with mean and deviation
    #[arg(long, value_name = "JSON", requires = "seeds")]
    table: Option<PathBuf>,
    /// Write the first 1,000 training rows as CSV, as the network reads them, to calibrate with
    #[arg(long, value_name = "CSV")]
    samples: Option<PathBuf>,
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
        Bar, DataError, Evaluation, Existing, Options, Progress, Recipe, RecipeError, Seeds, Silent, Summary,
        TrainError, WriteError, data, train_seeds,
    };
    use serde::Serialize;

    use super::Arguments;
    use crate::error::Failure;
    use crate::exit::Exit;
    use crate::file::{Target, stop_between_steps, writing};
    use crate::output::{Done, Lines, Talk, grouped, percent};

    #[derive(Serialize)]
    struct Report<'s> {
        weights: String,
        summary: &'s Summary,
        #[serde(skip_serializing_if = "Option::is_none")]
        seeds: Option<&'s Seeds>,
        next: String,
    }

    /// Rows written to calibrate with: calibration rarely needs more.
    const SAMPLES: usize = 1000;

    /// Runs the verb.
    pub fn run(arguments: &Arguments, talk: Talk) -> Result<Done, Failure> {
        let recipe_path = arguments.recipe.as_path();
        let target = Target::new(&arguments.output, &[recipe_path])?;
        let mut targets = vec![target];
        let optional = [&arguments.summary, &arguments.table, &arguments.samples];
        for path in optional.into_iter().flatten() {
            let other = Target::new(path, &[recipe_path])?;
            targets.iter().try_for_each(|target| target.differs_from(&other))?;
            targets.push(other);
        }
        let recipe = Recipe::read(recipe_path).map_err(|error| recipe_failure(&error, recipe_path))?;
        let folder = data::folder(arguments.data.as_deref());
        let mut bar: Box<dyn Progress> =
            if talk.shows_progress() { Box::new(Bar::default()) } else { Box::new(Silent) };
        let existing = match (arguments.resume, arguments.restart) {
            (true, _) => Existing::Resume,
            (_, true) => Existing::Replace,
            _ => Existing::Protect,
        };
        // Without a folder there is nothing to leave behind: then an interrupt ends the command at once.
        let stop = arguments.run.as_ref().map(|_| stop_between_steps());
        let folder_of_run = arguments.run.as_deref();
        let options = Options { test: arguments.test, folder: folder_of_run, existing, stop, ..Options::default() };
        let count = usize::from(arguments.seeds.unwrap_or(1));
        let (trained, seeds) = train_seeds(&recipe, &folder, count, options, bar.as_mut())
            .map_err(|error| train_failure(&error, recipe_path))?;
        {
            let _guard = writing();
            let mut targets = targets.iter().map(Target::path);
            let mut next = || targets.next().unwrap_or(Path::new(""));
            trained.write(next()).map_err(|error| write_failure(&error))?;
            if arguments.summary.is_some() {
                trained.write_summary(next()).map_err(|error| write_failure(&error))?;
            }
            if arguments.table.is_some() {
                seeds.write(next()).map_err(|error| write_failure(&error))?;
            }
            if arguments.samples.is_some() {
                let rows = data::Split::read(&folder, &recipe).map_err(|error| data_failure(&error))?.train;
                rows.write_csv(next(), SAMPLES, &recipe).map_err(|error| write_failure(&error))?;
            }
        }
        let weights = arguments.output.display().to_string();
        // Images that were shrunk are in no file but the one written here.
        let file = folder.join(&recipe.data.train);
        let samples = arguments.samples.as_ref().unwrap_or(&file).display();
        let next = format!("leafgate convert {weights} -o {}.leaf --calib {samples}", recipe.name);
        let seeds = (count > 1).then_some(&seeds);
        let report = Report { weights, summary: trained.summary(), seeds, next };
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
        let table = report.seeds.map_or(String::new(), |seeds| format!("\n{}", seeds.to_markdown()));
        lines.render() + &table
    }

    fn describe(evaluation: &Evaluation) -> String {
        let accuracy = percent(evaluation.accuracy);
        let mut text =
            format!("{accuracy} of {} rows, cross entropy {:.4}", grouped(evaluation.rows), evaluation.cross_entropy);
        if let (Some(least), Some(most)) = (evaluation.usage.iter().min(), evaluation.usage.iter().max()) {
            let (parts, dead) = (evaluation.usage.len(), evaluation.dead());
            let range = format!("{} to {} rows each", grouped(*least), grouped(*most));
            text.push_str(&format!("; {parts} leaves or experts, {dead} dead, {range}"));
        }
        text
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
            TrainError::Data(error) => data_failure(error),
            TrainError::Write(error) => write_failure(error),
            TrainError::Checkpoint(error) => Failure::new("E0320", Exit::Input, error.to_string())
                .hint("`--resume` goes on with a run, `--restart` replaces it; a teacher has to be trained before"),
            TrainError::Interrupted { .. } => Failure::new("E0321", Exit::Interrupted, error.to_string())
                .hint("the same command with --resume goes on"),
            TrainError::Device { .. } => Failure::new("E0704", Exit::Device, error.to_string()),
            _ => Failure::new("E0308", Exit::Input, error.to_string())
                .at(path)
                .hint("no weights were written; the folder of --run holds the last good ones"),
        }
    }

    fn data_failure(error: &DataError) -> Failure {
        let code = if matches!(error, DataError::Missing { .. }) { "E0101" } else { "E0102" };
        Failure::new(code, Exit::Input, error.to_string()).hint("`--data FOLDER` names the data folder")
    }

    fn write_failure(error: &WriteError) -> Failure {
        Failure::new("E0401", Exit::Input, error.to_string()).hint("check that there is room; nothing was changed")
    }
}
