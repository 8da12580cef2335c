//! What pieces of work cost on a core: measured, and compiled in.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// The measured costs of all cores.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// SHA-256 of the sources of the runtime that was measured.
    pub sources_sha256: String,
    /// The compiler it was built with.
    pub compiler: String,
    /// The emulator it was measured in.
    pub emulator: String,
    /// The cores.
    pub cores: Vec<Core>,
}

/// Costs on machines that run the same code.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Core {
    /// Names of the machines, as the board table has them.
    pub machines: Vec<String>,
    /// How well the pieces explain what was measured, by kind of op.
    pub fits: BTreeMap<String, Fit>,
    /// Instructions by piece of work.
    pub pieces: BTreeMap<String, f64>,
}

/// How far measurements were from the sum of their pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fit {
    /// Measurements.
    pub count: usize,
    /// The most instructions by which one exceeded the sum.
    pub above_insns: f64,
    /// The share of the sum, beyond [`GRAIN`] instructions, by which one exceeded it.
    pub above: f64,
    /// The share of the sum, beyond [`GRAIN`] instructions, by which one fell short of it.
    pub below: f64,
}

/// Instructions of an op that count for no deviation: branches around what is not there, which the pieces do not tell apart.
pub const GRAIN: f64 = 8.0;

/// The share of a run that the deviations of its ops may add up to; beyond it no figure is given.
pub const LIMIT: f64 = 0.03;

/// The compiled-in table.
pub fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        serde_json::from_str(include_str!("costs.json")).expect("costs.json is written by this crate's types")
    });
    &TABLE
}

impl Table {
    /// The costs on a machine of the board table.
    pub fn core(&self, machine: &str) -> Option<&Core> {
        self.cores.iter().find(|core| core.machines.iter().any(|name| name == machine))
    }
}

impl Fit {
    /// Notes that `measured` instructions were expected to be `sum`.
    pub fn note(&mut self, measured: f64, sum: f64) {
        let beyond = |more: f64| ((more - GRAIN) / sum.max(1.0)).max(0.0);
        self.count += 1;
        self.above_insns = self.above_insns.max(measured - sum);
        self.above = self.above.max(beyond(measured - sum));
        self.below = self.below.max(beyond(sum - measured));
    }

    /// The most that may stand behind a sum.
    pub fn most(&self, sum: f64) -> f64 {
        // What was exact is taken to be so.
        let grain = if self.above_insns < 0.5 { 0.0 } else { GRAIN };
        sum * (1.0 + self.above) + grain
    }

    /// The least that may stand behind a sum.
    pub fn least(&self, sum: f64) -> f64 {
        (sum * (1.0 - self.below) - GRAIN).max(0.0)
    }
}
