//! Measures, and writes what was measured: `cargo xtask bench`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use leafgate_emulate::workspace_root;
use leafgate_tests_bench::budgets::{self, Budgets};
use leafgate_tests_bench::record::{Record, commit_date, folder, is_date};
use leafgate_tests_bench::{BenchError, peers, plot, table};
use leafgate_tests_bench::{costs, growth};

/// Measure every op and every network on every emulated machine, and write the record and its tables.
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Arguments {
    /// The date of the record; without it, that of the last commit
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    date: Option<String>,
    /// Record the budgets as they are measured now, and nothing else
    #[arg(long, conflicts_with_all = ["date", "growth"])]
    bless: bool,
    /// Measure how cost grows, and draw it; nothing else
    #[arg(long, conflicts_with = "date")]
    growth: bool,
    /// Measure what pieces of work cost, from which `leafgate inspect` predicts runs; nothing else
    #[arg(long, conflicts_with_all = ["date", "bless", "growth"])]
    costs: bool,
}

fn date(text: &str) -> Result<String, String> {
    if is_date(text) { Ok(text.to_owned()) } else { Err("a date is YYYY-MM-DD".into()) }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), BenchError> {
    let no_root = |source| {
        let source = Box::new(source);
        BenchError::Emulate { item: "nothing".into(), machine: "any machine".into(), source }
    };
    let root = workspace_root().map_err(no_root)?;
    if arguments.bless {
        bless(&root)
    } else if arguments.growth {
        grow(&root)
    } else if arguments.costs {
        fit(&root)
    } else {
        record(&root, arguments.date.clone())
    }
}

fn record(root: &Path, date: Option<String>) -> Result<(), BenchError> {
    let date = date.map_or_else(|| commit_date(root), Ok)?;
    let record = Record::take(root, date, |figures| {
        eprintln!("{:14} {:15} {:>9} instructions", figures.machine, figures.item, figures.mean_insns);
    })?;
    let document = table::document(&record, &peers::peers()?);
    println!("{document}");
    write(folder(root).join(format!("{}.json", record.date)), &record.to_json())?;
    write(folder(root).join("README.md"), &document)
}

fn bless(root: &Path) -> Result<(), BenchError> {
    let measured = Budgets::measure(root)?;
    if let Ok(recorded) = Budgets::read() {
        let verdict = recorded.judge(&measured);
        verdict.over.iter().chain(&verdict.better).for_each(|line| println!("{line}"));
    }
    measured.write()?;
    eprintln!("wrote {}", budgets::path().display());
    Ok(())
}

fn grow(root: &Path) -> Result<(), BenchError> {
    let points = growth::measure(root, |point| {
        eprintln!("{:13} {:>7} {:>9} instructions", point.series.name(), point.size, point.insns);
    })?;
    write(folder(root).join("growth.csv"), &growth::csv(&points))?;
    write(folder(root).join("growth.svg"), &plot::svg(&points)?)
}

fn fit(root: &Path) -> Result<(), BenchError> {
    let table = costs::measure(root, |line| eprintln!("{line}"))?;
    let path = costs::path(root);
    let text = serde_json::to_string_pretty(&table);
    let text = text.map_err(|error| BenchError::Content { path: path.clone(), why: error.to_string() })?;
    write(path, &(text + "\n"))
}

fn write(path: PathBuf, text: &str) -> Result<(), BenchError> {
    let failed = |source| BenchError::File { path: path.clone(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(&path, text).map_err(failed)?;
    eprintln!("wrote {}", path.display());
    Ok(())
}
