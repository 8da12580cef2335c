//! Trains the network of a recipe and writes its graph file.
//!
//! `cargo run --release -p leafgate-models --example train -- models/zoo/digits-fff/recipe.toml -o weights.safetensors`
//!
//! `--data FOLDER` names the data folder, `--summary FILE` writes the summary of the run, `--test` also evaluates the
//! test rows: once, when everything is chosen. `--run FOLDER` keeps checkpoints, log and learning curve, from which
//! `--resume` goes on. `--seeds N` trains from so many seeds and prints what they come to.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use leafgate_models::{Bar, Existing, Options, Recipe, data, train_seeds};

const USAGE: &str = "usage: train RECIPE.toml -o WEIGHTS.safetensors [--summary FILE.json] [--data FOLDER] [--test] \
                     [--run FOLDER] [--resume] [--seeds N]";

#[derive(Default)]
struct Arguments {
    recipe: Option<PathBuf>,
    weights: Option<PathBuf>,
    summary: Option<PathBuf>,
    data: Option<PathBuf>,
    test: bool,
    run: Option<PathBuf>,
    resume: bool,
    seeds: Option<usize>,
}

fn parse(mut words: impl Iterator<Item = String>) -> Option<Arguments> {
    let mut arguments = Arguments::default();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-o" => arguments.weights = Some(words.next()?.into()),
            "--summary" => arguments.summary = Some(words.next()?.into()),
            "--data" => arguments.data = Some(words.next()?.into()),
            "--test" => arguments.test = true,
            "--run" => arguments.run = Some(words.next()?.into()),
            "--resume" => arguments.resume = true,
            "--seeds" => arguments.seeds = Some(words.next()?.parse().ok()?),
            _ if word.starts_with('-') || arguments.recipe.is_some() => return None,
            _ => arguments.recipe = Some(word.into()),
        }
    }
    Some(arguments)
}

fn main() -> ExitCode {
    let arguments = parse(std::env::args().skip(1)).unwrap_or_default();
    let (Some(recipe), Some(weights)) = (&arguments.recipe, &arguments.weights) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(recipe, weights, &arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(recipe: &Path, weights: &Path, arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let recipe = Recipe::read(recipe)?;
    let folder = data::folder(arguments.data.as_deref());
    let existing = if arguments.resume { Existing::Resume } else { Existing::default() };
    let options = Options { test: arguments.test, folder: arguments.run.as_deref(), existing, ..Options::default() };
    let count = arguments.seeds.unwrap_or(1);
    let (trained, seeds) = train_seeds(&recipe, &folder, count, options, &mut Bar::default())?;
    trained.write(weights)?;
    if let Some(path) = &arguments.summary {
        trained.write_summary(path)?;
    }
    if count > 1 {
        print!("{}", seeds.to_markdown());
    }
    let summary = trained.summary();
    println!(
        "{}, {} parameters, from {} {}",
        summary.name, summary.parameters, summary.chosen.phase, summary.chosen.epoch
    );
    for (name, evaluation) in
        [("train", Some(&summary.train)), ("validation", Some(&summary.validation)), ("test", summary.test.as_ref())]
    {
        let Some(evaluation) = evaluation else { continue };
        let percent = |correct: usize| 100.0 * correct as f64 / evaluation.rows as f64;
        print!("{name:>10} {:6.2} %, cross entropy {:.4}", percent(evaluation.correct), evaluation.cross_entropy);
        if let Some(correct) = evaluation.always_correct {
            print!(", always-on part alone {:.2} %", percent(correct));
        }
        println!(", usage {:?}", evaluation.usage);
    }
    Ok(())
}
