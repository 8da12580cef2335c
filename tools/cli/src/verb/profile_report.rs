//! Where the instructions of a run go: what `emulate --profile` says.

use leafgate_emulate::{FunctionCount, OpCount, Profile};
use serde::Serialize;

use super::inspect::cost::{self, OpCost};
use crate::error::Failure;
use crate::network::Network;
use crate::output::{grouped, table};
use crate::section;

/// The report on one machine. Instructions are those of all runs together.
#[derive(Debug, Serialize)]
pub struct ProfileReport {
    /// Runs counted: one for each sample.
    runs: usize,
    insns: u64,
    insns_per_run: f64,
    /// From reset to exit, the self-test, the log and all else included.
    program_insns: u64,
    /// In the order of execution.
    ops: Vec<OpRow>,
    /// Between the ops, before the first and after the last; also in ops that the compiler has moved into their caller.
    outside_ops_insns: u64,
    /// The most instructions first.
    functions: Vec<FunctionRow>,
}

/// An op with all that it calls.
#[derive(Debug, Serialize)]
struct OpRow {
    /// Its place in the image; nothing if the image's ops and those executed cannot be matched.
    index: Option<usize>,
    op: String,
    kind: String,
    shapes: String,
    /// Nothing if the compiler has moved the op's function into its caller.
    insns: Option<u64>,
    share: Option<f64>,
    insns_per_run: Option<f64>,
    functions: Vec<FunctionRow>,
}

/// A function without those that it calls.
#[derive(Debug, Serialize)]
struct FunctionRow {
    name: String,
    address: u64,
    insns: u64,
    /// Of the instructions of all runs.
    share: f64,
    insns_per_run: f64,
    calls: u64,
}

/// What shares and means refer to.
#[derive(Clone, Copy)]
struct Whole {
    insns: u64,
    runs: usize,
}

impl Whole {
    fn share(self, insns: u64) -> f64 {
        insns as f64 / self.insns.max(1) as f64
    }

    fn per_run(self, count: u64) -> f64 {
        count as f64 / self.runs.max(1) as f64
    }

    fn functions(self, counts: &[FunctionCount]) -> Vec<FunctionRow> {
        let row = |count: &FunctionCount| FunctionRow {
            name: count.name.clone(),
            address: count.address,
            insns: count.insns,
            share: self.share(count.insns),
            insns_per_run: self.per_run(count.insns),
            calls: count.calls,
        };
        counts.iter().map(row).collect()
    }

    fn op(self, cost: Option<&OpCost>, count: Option<&OpCount>) -> OpRow {
        let insns = count.map(|count| count.insns);
        OpRow {
            index: cost.map(|cost| cost.index),
            op: cost.map(|cost| cost.op.to_owned()).or(count.map(|count| count.op.to_uppercase())).unwrap_or_default(),
            kind: cost.map_or_else(String::new, |cost| cost.kind.clone()),
            shapes: cost.map_or_else(String::new, |cost| cost.shapes.clone()),
            insns,
            share: insns.map(|insns| self.share(insns)),
            insns_per_run: insns.map(|insns| self.per_run(insns)),
            functions: count.map_or_else(Vec::new, |count| self.functions(&count.functions)),
        }
    }
}

impl ProfileReport {
    /// Puts the counts beside the ops of the image.
    pub fn of(network: &Network, profile: &Profile) -> Result<Self, Failure> {
        let image = section::decode(&network.image).map_err(|failure| failure.at(&network.path))?;
        let whole = Whole { insns: profile.insns(), runs: profile.runs.len() };
        let in_ops: u64 = profile.ops.iter().map(|op| op.insns).sum();
        Ok(Self {
            runs: whole.runs,
            insns: whole.insns,
            insns_per_run: whole.per_run(whole.insns),
            program_insns: profile.program_insns,
            ops: rows(whole, &cost::ops(&image), &profile.ops),
            outside_ops_insns: whole.insns - in_ops,
            functions: whole.functions(&profile.functions),
        })
    }

    /// Two tables, each with a total.
    pub fn human(&self) -> String {
        let whole = Whole { insns: self.insns, runs: self.runs };
        let figures = |insns: u64| {
            let share = format!("{:.2} %", 100.0 * whole.share(insns));
            [grouped(insns), share, one_decimal(whole.per_run(insns))]
        };
        let row = |figures: [String; 3], rest: &[&str]| -> Vec<String> {
            figures.into_iter().chain(rest.iter().map(|&text| text.to_owned())).collect()
        };
        let unknown = || ["".to_owned(), "".to_owned(), "in caller".to_owned()];

        let ops = self.ops.iter().map(|op| {
            let index = op.index.map_or_else(String::new, |index| index.to_string());
            row(op.insns.map_or_else(unknown, figures), &[&index, &op.op, &op.kind, &op.shapes])
        });
        let outside = row(figures(self.outside_ops_insns), &["", "(outside of ops)"]);
        let total = [row(figures(self.insns), &["", "total"])];
        let headings = [">instructions", ">share", ">per run"];
        let op_headings = [headings.as_slice(), &[">", "op", "kind", "shapes"]].concat();
        let ops = table(&op_headings, ops.chain([outside]).chain(total));

        let functions = self.functions.iter().map(|function| {
            let calls = one_decimal(whole.per_run(function.calls));
            row(figures(function.insns), &[&calls, &function.name])
        });
        let total = [row(figures(self.insns), &["", "total"])];
        let function_headings = [headings.as_slice(), &[">calls per run", "function"]].concat();
        let functions = table(&function_headings, functions.chain(total));

        let (runs, insns, program) = (grouped(self.runs), grouped(self.insns), grouped(self.program_insns));
        format!(
            "{runs} runs took {insns} instructions of the program's {program}\n\n\
             ops, with all that they call\n{ops}\nfunctions, without those that they call\n{functions}"
        )
    }
}

/// `1234.56` as `1,234.6`.
fn one_decimal(figure: f64) -> String {
    let tenths = (10.0 * figure).round() as u64;
    format!("{}.{}", grouped(tenths / 10), tenths % 10)
}

/// The ops of the image with the counts of those that were executed as functions of their own.
fn rows(whole: Whole, costs: &[OpCost], counts: &[OpCount]) -> Vec<OpRow> {
    let is_function = |cost: &OpCost| counts.iter().any(|count| cost.op.eq_ignore_ascii_case(&count.op));
    let functions = costs.iter().filter(|cost| is_function(cost)).map(|cost| cost.op.to_lowercase());
    if !functions.eq(counts.iter().map(|count| count.op.clone())) {
        return counts.iter().map(|count| whole.op(None, Some(count))).collect();
    }
    let mut counts_left = counts.iter();
    let row = |cost| whole.op(Some(cost), if is_function(cost) { counts_left.next() } else { None });
    costs.iter().map(row).collect()
}
