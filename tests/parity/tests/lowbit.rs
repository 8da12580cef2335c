//! Weights of few bits: every machine gives the host's integers, and in how many instructions.

use leafgate_emulate::{Emulation, build_binary, machines, workspace_root};

/// Fields of any value, every number of columns, with groups and without.
#[test]
fn every_twin_gives_the_sums_of_plain_weights() {
    for machine in machines() {
        // An M4 and an M7 run what another M4 runs.
        let binary = format!("{}-trials", machine.name);
        if ["mps2-an386", "mps2-an500"].contains(&machine.name.as_str()) {
            continue;
        }
        let firmware = build_binary(&workspace_root().unwrap(), machine, &binary).unwrap_or_else(|e| panic!("{e}"));
        let outcome = Emulation::new(machine, firmware).samples_bytes(*b"LGTR\x0a\0\0\0").run();
        let outcome = outcome.unwrap_or_else(|error| panic!("{}: {error}", machine.name));
        assert!(outcome.exit.is_success(), "{}: {}\n{:#?}", machine.name, outcome.exit, outcome.lines);
        let is_equal = outcome.lines.last().is_some_and(|line| line.contains("weights of few bits: equal"));
        assert!(is_equal, "{}: {:#?}", machine.name, outcome.lines);
    }
}
