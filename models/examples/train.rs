//! Trains the network of a recipe and writes its graph file.
//!
//! `cargo run --release -p leafgate-models --example train -- models/zoo/digits-fff/recipe.toml -o weights.safetensors`
//!
//! `--data FOLDER` names the data folder, `--summary FILE` writes the summary of the run, `--test` also evaluates the
//! test rows: once, when everything is chosen.

use std::path::PathBuf;
use std::process::ExitCode;

use leafgate_models::{Bar, Options, Recipe, data, train_with};

const USAGE: &str = "usage: train RECIPE.toml -o WEIGHTS.safetensors [--summary FILE.json] [--data FOLDER] [--test]";

#[derive(Default)]
struct Arguments {
    recipe: Option<PathBuf>,
    weights: Option<PathBuf>,
    summary: Option<PathBuf>,
    data: Option<PathBuf>,
    test: bool,
}

fn parse(mut words: impl Iterator<Item = String>) -> Option<Arguments> {
    let mut arguments = Arguments::default();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-o" => arguments.weights = Some(words.next()?.into()),
            "--summary" => arguments.summary = Some(words.next()?.into()),
            "--data" => arguments.data = Some(words.next()?.into()),
            "--test" => arguments.test = true,
            _ if word.starts_with('-') || arguments.recipe.is_some() => return None,
            _ => arguments.recipe = Some(word.into()),
        }
    }
    Some(arguments)
}

fn main() -> ExitCode {
    let arguments = parse(std::env::args().skip(1)).unwrap_or_default();
    let Arguments { recipe: Some(recipe), weights: Some(weights), summary, data, test } = arguments else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&recipe, &weights, summary, data, test) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(
    recipe: &std::path::Path,
    weights: &std::path::Path,
    summary: Option<PathBuf>,
    data: Option<PathBuf>,
    test: bool,
) -> Result<(), Box<dyn std::error::Error>> {
    let recipe = Recipe::read(recipe)?;
    let folder = data::folder(data.as_deref());
    let trained = train_with(&recipe, &folder, Options { test, ..Options::default() }, &mut Bar::default())?;
    trained.write(weights)?;
    if let Some(path) = summary {
        trained.write_summary(&path)?;
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
