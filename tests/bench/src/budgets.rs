//! Recorded figures that every change is held against: `budgets.json`.
//!
//! Instructions and text may grow by one in a hundred, stack not at all: a compiler may place a few instructions otherwise, but a
//! deeper stack is a device that overwrites its data. An item without a recorded figure fails as well, so that a new one is recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::BenchError;
use crate::items::Extent;
use crate::measure::Figures;
use crate::record::{FamilyRow, compiler, families, items, measure};

/// The command that records the figures as they are now.
pub const BLESS: &str = "cargo xtask bench --bless";

/// Figures by what they measure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    /// The compiler they were measured with: another one makes other code of the same source.
    pub compiler: String,
    /// Mean instructions of a run, by machine and item.
    pub insns: BTreeMap<String, BTreeMap<String, u64>>,
    /// Text of the runtime on thumbv7em, by family.
    pub text_bytes: BTreeMap<String, u64>,
    /// Stack of a call of the runtime on thumbv7em, by family and call.
    pub stack_bytes: BTreeMap<String, BTreeMap<String, u64>>,
}

/// What came of a comparison: a line for each figure that is not what was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Both compilers, if they are not the same.
    pub compilers: Option<String>,
    /// Failures.
    pub over: Vec<String>,
    /// Figures that are better by so much that they should be recorded.
    pub better: Vec<String>,
}

/// How far a figure may be from the recorded one, in hundredths.
#[derive(Clone, Copy)]
struct Tolerance(u64);

impl Verdict {
    fn compare(&mut self, what: &str, recorded: Option<u64>, measured: Option<u64>, Tolerance(percent): Tolerance) {
        match (recorded, measured) {
            (None, None) => {}
            (None, Some(measured)) => self.over.push(format!("{what}: nothing recorded, measured {measured}")),
            (Some(recorded), None) => self.over.push(format!("{what}: recorded {recorded}, no longer measured")),
            (Some(recorded), Some(measured)) => {
                let line = || {
                    let change = 100.0 * (measured as f64 / recorded.max(1) as f64 - 1.0);
                    format!("{what}: recorded {recorded}, measured {measured} ({change:+.1} %)")
                };
                if 100 * measured > (100 + percent) * recorded {
                    self.over.push(line());
                } else if 100 * measured < (100 - percent) * recorded {
                    self.better.push(line());
                }
            }
        }
    }

    /// What to show and do if a budget is exceeded.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        let lines = self.over.join("\n  ");
        let compilers = self.compilers.iter().map(|line| format!("\n{line}")).collect::<String>();
        let say = format!("over budget:\n  {lines}{compilers}\nif that is wanted, record it: {BLESS}");
        (!self.over.is_empty()).then_some(say)
    }

    /// What to show if figures are better than recorded.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let lines = self.better.join("\n  ");
        let say = format!("better than recorded:\n  {lines}\nto keep it so, record it: {BLESS}");
        (!self.better.is_empty()).then_some(say)
    }
}

impl Budgets {
    /// Of figures as they were measured.
    #[must_use]
    pub fn of(compiler: String, figures: &[Figures], families: &[FamilyRow]) -> Self {
        let mut budgets = Self { compiler, ..Self::default() };
        for Figures { machine, item, mean_insns, .. } in figures {
            budgets.insns.entry(machine.clone()).or_default().insert(item.clone(), *mean_insns);
        }
        for FamilyRow { family, text_bytes, stack_run_bytes, stack_parse_bytes, .. } in families {
            budgets.text_bytes.insert(family.clone(), (*text_bytes).into());
            let calls = [("run", *stack_run_bytes), ("parse", *stack_parse_bytes)];
            let calls = calls.map(|(call, bytes)| (call.to_owned(), bytes.into()));
            budgets.stack_bytes.insert(family.clone(), calls.into());
        }
        budgets
    }

    /// Measures what there are budgets for.
    ///
    /// # Errors
    /// If something cannot be measured.
    pub fn measure(root: &Path) -> Result<Self, BenchError> {
        let (_, figures) = measure(root, &items(Extent::Budgeted)?, |_| ())?;
        Ok(Self::of(compiler(root)?, &figures, &families()?))
    }

    /// Compares `measured` with these figures.
    #[must_use]
    pub fn judge(&self, measured: &Self) -> Verdict {
        let (old, new) = (&self.compiler, &measured.compiler);
        let compilers = (old != new).then(|| format!("recorded with {old}, measured with {new}"));
        let mut verdict = Verdict { compilers, ..Verdict::default() };
        for &(machine, item) in keys(&self.insns).union(&keys(&measured.insns)) {
            let of = |budgets: &Self| budgets.insns.get(machine).and_then(|items| items.get(item).copied());
            let what = format!("{item} on {machine}, instructions");
            verdict.compare(&what, of(self), of(measured), Tolerance(1));
        }
        let families: BTreeSet<_> = self.text_bytes.keys().chain(measured.text_bytes.keys()).collect();
        for family in families {
            let of = |budgets: &Self| budgets.text_bytes.get(family).copied();
            verdict.compare(&format!("{family}, bytes of text"), of(self), of(measured), Tolerance(1));
        }
        for &(family, call) in keys(&self.stack_bytes).union(&keys(&measured.stack_bytes)) {
            let of = |budgets: &Self| budgets.stack_bytes.get(family).and_then(|calls| calls.get(call).copied());
            verdict.compare(&format!("{family}, bytes of stack of {call}"), of(self), of(measured), Tolerance(0));
        }
        verdict
    }

    /// Reads the recorded figures.
    ///
    /// # Errors
    /// If the file is missing or is something else.
    pub fn read() -> Result<Self, BenchError> {
        let path = path();
        let text = std::fs::read_to_string(&path).map_err(|source| BenchError::File { path: path.clone(), source })?;
        serde_json::from_str(&text).map_err(|error| BenchError::Content { path, why: error.to_string() })
    }

    /// Records these figures.
    ///
    /// # Errors
    /// If the file cannot be written.
    ///
    /// # Panics
    /// Never: the figures are plain data.
    pub fn write(&self) -> Result<(), BenchError> {
        let text = serde_json::to_string_pretty(self).expect("plain data") + "\n";
        std::fs::write(path(), text).map_err(|source| BenchError::File { path: path(), source })
    }
}

/// The file, beside this crate's manifest.
#[must_use]
pub fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("budgets.json")
}

fn keys(table: &BTreeMap<String, BTreeMap<String, u64>>) -> BTreeSet<(&String, &String)> {
    table.iter().flat_map(|(outer, inner)| inner.keys().map(move |key| (outer, key))).collect()
}

#[cfg(test)]
mod tests {
    use super::Budgets;

    fn budgets(insns: u64, text: u64, stack: u64) -> Budgets {
        let of = |key: &str, figure| [(key.to_owned(), figure)].into();
        Budgets {
            compiler: "rustc 1.95.0".into(),
            insns: [("mps2-an386".to_owned(), of("leaf-8", insns))].into(),
            text_bytes: of("fff", text),
            stack_bytes: [("fff".to_owned(), of("run", stack))].into(),
        }
    }

    #[test]
    fn what_is_within_a_hundredth_passes_in_silence() {
        let recorded = budgets(10_000, 9000, 400);
        for (insns, text) in [(10_000, 9000), (10_100, 9090), (9900, 8910)] {
            let verdict = recorded.judge(&budgets(insns, text, 400));
            assert_eq!((verdict.failure(), verdict.hint()), (None, None), "{insns} {text}");
        }
    }

    #[test]
    fn what_grows_fails_with_its_name_and_the_command() {
        let recorded = budgets(10_000, 9000, 400);
        let measured = Budgets { compiler: "rustc 1.96.0".into(), ..budgets(10_101, 9091, 404) };
        let verdict = recorded.judge(&measured);
        let failure = verdict.failure().unwrap();
        for words in [
            "leaf-8 on mps2-an386, instructions: recorded 10000, measured 10101 (+1.0 %)",
            "fff, bytes of text: recorded 9000, measured 9091 (+1.0 %)",
            "fff, bytes of stack of run: recorded 400, measured 404 (+1.0 %)",
            "recorded with rustc 1.95.0, measured with rustc 1.96.0",
            "cargo xtask bench --bless",
        ] {
            assert!(failure.contains(words), "{words}\n{failure}");
        }
    }

    #[test]
    fn what_shrinks_is_a_hint() {
        let verdict = budgets(10_000, 9000, 400).judge(&budgets(5000, 9000, 396));
        assert_eq!(verdict.failure(), None);
        let hint = verdict.hint().unwrap();
        assert!(hint.contains("measured 5000 (-50.0 %)") && hint.contains("stack of run"), "{hint}");
    }

    #[test]
    fn what_is_new_or_gone_fails() {
        let (recorded, none) = (budgets(10_000, 9000, 400), Budgets::default());
        assert_eq!(none.judge(&recorded).over.len(), 3);
        assert_eq!(recorded.judge(&none).over.len(), 3);
        assert!(
            none.judge(&recorded).failure().unwrap().contains("leaf-8 on mps2-an386, instructions: nothing recorded")
        );
    }
}
