//! One item on one machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use leafgate_emulate::{EmulateError, Emulation, Machine, Sizes, build_firmware, build_firmware_for};
use serde::{Deserialize, Serialize};

use crate::BenchError;
use crate::items::Item;

/// How long a firmware may take; the networks with all digits take seconds.
const PATIENCE: Duration = Duration::from_secs(300);

/// Figures of an item on a machine, as the application reports them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Name of the machine.
    pub machine: String,
    /// Key of the item.
    pub item: String,
    /// Least instructions of a run.
    pub min_insns: u64,
    /// Mean, rounded to the nearest.
    pub mean_insns: u64,
    /// Most.
    pub max_insns: u64,
    /// Instructions of `Model::parse`.
    pub parse_insns: u64,
    /// Bytes of the image.
    pub image_bytes: u32,
    /// Bytes of arena.
    pub arena_bytes: u32,
    /// Stack of a run.
    pub stack_run_bytes: u32,
    /// Stack of the parse.
    pub stack_parse_bytes: u32,
}

/// A machine with the application that is measured on it.
#[derive(Clone, Debug)]
pub struct Bench {
    /// The machine.
    pub machine: &'static Machine,
    /// What the application with every feature takes.
    pub sizes: Sizes,
    root: PathBuf,
}

impl Bench {
    /// Builds the application for `machine`.
    ///
    /// # Errors
    /// If that fails.
    pub fn new(root: &Path, machine: &'static Machine) -> Result<Self, BenchError> {
        let wrong = failed("the application", machine);
        let firmware = build_firmware(root, machine).map_err(wrong)?;
        let sizes = Sizes::of(&firmware).map_err(failed("the application", machine))?;
        Ok(Self { machine, sizes, root: root.to_owned() })
    }

    /// Whether image, arena and inputs fit the machine.
    #[must_use]
    pub fn fits(&self, item: &Item) -> bool {
        let samples_bytes = 16 + item.inputs.iter().map(Vec::len).sum::<usize>();
        item.image.len() as u64 <= self.machine.model.bytes.into()
            && item.arena_bytes <= self.machine.arena_bytes
            && samples_bytes as u64 <= self.machine.samples.bytes.into()
    }

    /// Runs `item` on all of its inputs.
    ///
    /// # Errors
    /// If the device does not give the host's integers, or no figures.
    pub fn measure(&self, item: &Item) -> Result<Figures, BenchError> {
        let (name, machine) = (&item.entry.item, &self.machine.name);
        let firmware = build_firmware_for(&self.root, self.machine, &item.image).map_err(failed(name, self.machine))?;
        let emulation = Emulation::new(self.machine, &firmware)
            .image_bytes(item.image.clone())
            .samples(item.inputs.clone())
            .timeout(PATIENCE);
        let outcome = emulation.run().map_err(failed(name, self.machine))?;
        if !outcome.exit.is_success() {
            let (have, log) = (outcome.exit.to_string(), outcome.lines.join("\n"));
            return Err(BenchError::Ended { item: name.clone(), machine: machine.clone(), have, log });
        }
        let mut outputs = outcome.samples.iter().zip(&item.crcs);
        if let Some((sample, &want)) = outputs.find(|(sample, want)| sample.crc32 != **want) {
            let (index, have) = (sample.index, sample.crc32);
            return Err(BenchError::Differs { item: name.clone(), machine: machine.clone(), index, want, have });
        }
        let missing = |want| BenchError::Missing { item: name.clone(), machine: machine.clone(), want };
        let insns = || outcome.samples.iter().map(|sample| sample.insns);
        let count = insns().count() as u64;
        if count != item.inputs.len() as u64 {
            return Err(missing("figure for every input"));
        }
        Ok(Figures {
            machine: machine.clone(),
            item: name.clone(),
            min_insns: insns().min().ok_or_else(|| missing("input"))?,
            mean_insns: (insns().sum::<u64>() + count / 2) / count,
            max_insns: insns().max().unwrap_or(0),
            parse_insns: outcome.parse_insns.ok_or_else(|| missing("instructions of the parse"))?,
            image_bytes: outcome.model_bytes.ok_or_else(|| missing("size of the image"))?,
            arena_bytes: outcome.arena_bytes.ok_or_else(|| missing("size of the arena"))?,
            stack_run_bytes: outcome.stack_run_bytes.ok_or_else(|| missing("stack of a run"))?,
            stack_parse_bytes: outcome.stack_parse_bytes.ok_or_else(|| missing("stack of the parse"))?,
        })
    }
}

fn failed(item: &str, machine: &Machine) -> impl FnOnce(EmulateError) -> BenchError {
    let (item, machine) = (item.to_owned(), machine.name.clone());
    move |source| BenchError::Emulate { item, machine, source: Box::new(source) }
}
