//! Figures on every machine: what they are, what they may be, how they grow.

use crate::shell::{self, Failure};

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The date of the record; without it, that of the last commit.
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<String>,
    /// Record the budgets that the tests hold every change against, as they are measured now.
    #[arg(long, conflicts_with_all = ["date", "growth"])]
    bless: bool,
    /// Measure how cost grows with depth, gates and experts, and draw it.
    #[arg(long, conflicts_with = "date")]
    growth: bool,
    /// Measure what pieces of work cost, from which `leafgate inspect` predicts runs.
    #[arg(long, conflicts_with_all = ["date", "bless", "growth"])]
    costs: bool,
}

/// Hands over to the crate that measures.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut words = vec!["cargo", "run", "--quiet", "--locked", "--package", "leafgate-tests-bench", "--"];
    words.extend(arguments.date.iter().flat_map(|date| ["--date", date]));
    words.extend(arguments.bless.then_some("--bless"));
    words.extend(arguments.growth.then_some("--growth"));
    words.extend(arguments.costs.then_some("--costs"));
    shell::run(&words)
}
