//! No change makes a run, the text or the stack grow without saying so.

use std::io::Write;

use leafgate_emulate::workspace_root;
use leafgate_tests_bench::budgets::Budgets;

#[test]
fn everything_is_within_its_budget() {
    let recorded = Budgets::read().unwrap_or_else(|error| panic!("{error}"));
    let measured = Budgets::measure(&workspace_root().unwrap()).unwrap_or_else(|error| panic!("{error}"));
    let verdict = recorded.judge(&measured);
    if let Some(hint) = verdict.hint() {
        // Past the test's capture, which would swallow it: a hint is for those whose tests pass.
        let _ = writeln!(std::io::stderr(), "{hint}");
    }
    if let Some(failure) = verdict.failure() {
        panic!("{failure}");
    }
}
