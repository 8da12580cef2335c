//! Where the instructions of the runs went: reads what the plugin wrote.

mod functions;

pub(crate) use functions::Functions;

use crate::EmulateError;
use std::collections::BTreeMap;

/// Where the instructions of the served samples' runs went. The self-test's runs, the log and all else are not in it.
///
/// A run is from the first instruction of the function that calls `Session::run` to its return.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// Instructions of each run, in the order of the samples.
    pub runs: Vec<u64>,
    /// Every function that the runs executed, the most instructions first. Their sum is that of the runs.
    pub functions: Vec<FunctionCount>,
    /// The ops in the order in which every run executes them. An op whose function the compiler has made part of its caller
    /// is not among them.
    pub ops: Vec<OpCount>,
    /// Instructions outside of ops, in all runs together: before each op, then after the last.
    pub between: Vec<u64>,
    /// Instructions of the whole program, from reset to exit.
    pub program_insns: u64,
}

/// What a function executed, in all runs together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FunctionCount {
    /// Its name; `?` for code that belongs to no symbol.
    pub name: String,
    /// Its address.
    pub address: u64,
    /// Instructions in the function itself, those of the functions that it calls left out.
    pub insns: u64,
    /// How often it was entered from another function.
    pub calls: u64,
}

/// What an op executed, in all runs together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpCount {
    /// Its kind, as the runtime's module is called: `linear`, `ffn`.
    pub op: String,
    /// Instructions of the op's function and of all that it calls.
    pub insns: u64,
    /// The functions in it, the most instructions first. Their sum is the op's.
    pub functions: Vec<FunctionCount>,
}

/// Entries and instructions by number of the function.
type Counts = BTreeMap<usize, (u64, u64)>;

/// A run as the plugin tells it.
#[derive(Default)]
struct Run {
    /// The ops in order.
    ops: Vec<(usize, Counts)>,
    /// What is not in an op.
    rest: Counts,
    /// Instructions of it before each op, and after the last.
    between: Vec<u64>,
}

impl Run {
    fn insns(&self) -> u64 {
        insns(&self.rest) + self.ops.iter().map(|(_, counts)| insns(counts)).sum::<u64>()
    }
}

impl Profile {
    /// Reads the plugin's file. The last `served` runs are those of the samples: the self-test runs before.
    pub(crate) fn read(functions: &Functions, text: &str, served: usize) -> Result<Self, EmulateError> {
        let wrong = |reason: String| EmulateError::Profile { reason };
        let (runs, outside) = parse(text).map_err(wrong)?;
        let program_insns = insns(&outside) + runs.iter().map(Run::insns).sum::<u64>();
        let first = runs.len().checked_sub(served);
        let runs = first.and_then(|first| runs.get(first..)).ok_or_else(|| {
            wrong(format!("the plugin has seen {} runs, the firmware has served {served} samples", runs.len()))
        })?;

        let mut total = Counts::new();
        let mut ops: Vec<(usize, Counts)> = Vec::new();
        let mut between = Vec::new();
        for (index, run) in runs.iter().enumerate() {
            if index == 0 {
                ops = run.ops.iter().map(|(function, _)| (*function, Counts::new())).collect();
            }
            if !run.ops.iter().map(|(function, _)| function).eq(ops.iter().map(|(function, _)| function)) {
                return Err(wrong(format!("sample {index} has executed other ops than sample 0")));
            }
            add(&mut total, &run.rest);
            between.resize(run.between.len(), 0);
            between.iter_mut().zip(&run.between).for_each(|(sum, insns)| *sum += insns);
            for ((_, sum), (_, counts)) in ops.iter_mut().zip(&run.ops) {
                add(sum, counts);
                add(&mut total, counts);
            }
        }
        let op_count = |(function, counts): &(usize, Counts)| OpCount {
            op: functions.0.get(*function).and_then(|it| it.op.clone()).unwrap_or_else(|| "?".into()),
            insns: insns(counts),
            functions: named(functions, counts),
        };
        Ok(Self {
            runs: runs.iter().map(Run::insns).collect(),
            functions: named(functions, &total),
            ops: ops.iter().map(op_count).collect(),
            between,
            program_insns,
        })
    }

    /// Instructions of all runs together.
    #[must_use]
    pub fn insns(&self) -> u64 {
        self.runs.iter().sum()
    }
}

fn insns(counts: &Counts) -> u64 {
    counts.values().map(|(_, insns)| insns).sum()
}

fn add(sum: &mut Counts, counts: &Counts) {
    for (function, (calls, insns)) in counts {
        let entry = sum.entry(*function).or_default();
        *entry = (entry.0 + calls, entry.1 + insns);
    }
}

/// The counts with names, the most instructions first.
fn named(functions: &Functions, counts: &Counts) -> Vec<FunctionCount> {
    let named = |(function, &(calls, insns)): (&usize, &(u64, u64))| {
        let (name, address) = functions.0.get(*function).map_or(("?", 0), |it| (it.name.as_str(), it.start));
        FunctionCount { name: name.to_owned(), address, insns, calls }
    };
    let mut all: Vec<_> = counts.iter().map(named).collect();
    all.sort_by_key(|count| std::cmp::Reverse(count.insns));
    all
}

/// The runs, and what is outside of them; the plugin's documentation has the format.
fn parse(text: &str) -> Result<(Vec<Run>, Counts), String> {
    let Some(body) = text.strip_prefix("leafgate-profile 1\n") else {
        return Err("the plugin's file does not begin as version 1 does".into());
    };
    let Some(body) = body.strip_suffix("end\n") else {
        return Err("the plugin's file ends early".into());
    };
    let (mut runs, mut outside) = (Vec::<Run>::new(), Counts::new());
    let mut part = Part::Outside;
    for (i, line) in body.lines().enumerate() {
        let wrong = || format!("line {} of the plugin's file is `{line}`", i + 2);
        let words: Vec<_> = line.split(' ').collect();
        match (words.as_slice(), runs.last_mut()) {
            (["run"], _) => {
                runs.push(Run { between: vec![0], ..Run::default() });
                part = Part::Rest;
            }
            (["op", function], Some(run)) => {
                run.ops.push((function.parse().map_err(|_| wrong())?, Counts::new()));
                run.between.push(0);
                part = Part::Op;
            }
            (["on"], _) => part = Part::Rest,
            (["out"], _) => part = Part::Outside,
            ([_, _, _], run) => {
                let numbers: Option<Vec<u64>> = words.iter().map(|word| word.parse().ok()).collect();
                let Some([function, calls, insns]) = numbers.as_deref() else { return Err(wrong()) };
                let counts = match (part, run) {
                    (Part::Outside, _) => &mut outside,
                    (Part::Op, Some(Run { ops, .. })) => &mut ops.last_mut().ok_or_else(wrong)?.1,
                    (_, Some(run)) => {
                        run.between.last_mut().into_iter().for_each(|sum| *sum += insns);
                        &mut run.rest
                    }
                    (_, None) => return Err(wrong()),
                };
                add(counts, &Counts::from([(*function as usize, (*calls, *insns))]));
            }
            _ => return Err(wrong()),
        }
    }
    Ok((runs, outside))
}

/// What lines of counts belong to.
#[derive(Clone, Copy)]
enum Part {
    Op,
    Rest,
    Outside,
}

#[cfg(test)]
mod tests {
    use super::functions::Function;
    use super::{Functions, Profile};

    fn read(text: &str, served: usize) -> Result<Profile, String> {
        let function = |name: &str, start, op: Option<&str>| {
            let op = op.map(str::to_owned);
            Function { name: name.to_owned(), start, end: start + 16, is_run: name == "run", op }
        };
        let functions = vec![function("run", 16, None), function("map", 32, Some("map")), function("copy", 48, None)];
        Profile::read(&Functions(functions), text, served).map_err(|error| error.to_string())
    }

    const RUNS: &str = "leafgate-profile 1\nrun\n0 1 100\nrun\n0 1 5\nop 1\n1 1 20\n2 2 8\non\n2 1 4\n0 0 1\nrun\n0 1 5\n\
                        op 1\n1 1 30\non\n0 0 1\nout\n3 0 1000\nend\n";

    #[test]
    fn only_the_last_runs_are_the_samples() {
        let profile = read(RUNS, 2).unwrap();
        assert_eq!((profile.runs.as_slice(), profile.insns()), ([38, 36].as_slice(), 74));
        assert_eq!(profile.program_insns, 1174);
        let of = |functions: &[super::FunctionCount]| -> Vec<_> {
            functions.iter().map(|it| (it.name.clone(), it.insns, it.calls)).collect()
        };
        let row = |name: &str, insns: u64, calls: u64| (name.to_owned(), insns, calls);
        assert_eq!(of(&profile.functions), [row("map", 50, 2), row("run", 12, 2), row("copy", 12, 3)]);
        assert_eq!(profile.functions.iter().map(|it| it.insns).sum::<u64>(), profile.insns());
        assert_eq!(profile.between, [10, 6]);
        let [op] = profile.ops.as_slice() else { panic!("{:?}", profile.ops) };
        assert_eq!((op.op.as_str(), op.insns), ("map", 58));
        assert_eq!(of(&op.functions), [row("map", 50, 2), row("copy", 8, 2)]);
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        assert!(read(RUNS, 4).unwrap_err().contains("3 runs"));
        assert!(read(RUNS, 3).unwrap_err().contains("sample 1 has executed other ops"));
        assert!(read(RUNS.strip_suffix("end\n").unwrap(), 2).unwrap_err().contains("ends early"));
        assert!(read("leafgate-profile 2\nend\n", 0).unwrap_err().contains("version 1"));
        assert!(read("leafgate-profile 1\nrun\n0 1\nend\n", 1).unwrap_err().contains("line 3"));
        assert!(read("leafgate-profile 1\nop 1\nend\n", 0).unwrap_err().contains("line 2"));
    }
}
