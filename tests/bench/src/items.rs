//! The catalogue of what is measured.

use leafgate_convert::host::HostEngine;
use leafgate_convert::quantize::weights::WeightFormat;
use leafgate_convert::{ConvertError, Kernels};
use leafgate_tests_laws::draw::Draw;
use leafgate_tests_parity::{NETWORKS, as_bytes, digits, zoo_image};
use serde::{Deserialize, Serialize};

use crate::{BenchError, images};

/// Random inputs that an item of one op is given. Most ops take the same instructions for each.
const INPUTS: usize = 4;
/// Digits that a network classifies where time is short.
pub const FEW_DIGITS: usize = 100;

/// What the work of an item is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Multiply-accumulates.
    Mac,
    /// Two-input gates.
    Gate,
    /// Bits added up.
    Bit,
    /// Ops.
    Op,
    /// Networks.
    Run,
}

impl Unit {
    /// As a table names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mac => "MAC",
            Self::Gate => "gate",
            Self::Bit => "bit",
            Self::Op => "op",
            Self::Run => "run",
        }
    }
}

/// An item as records and tables name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Unique; the key of budgets and peers.
    pub item: String,
    /// What it is, in words.
    pub what: String,
    /// Unit of its work.
    pub unit: Unit,
    /// How much of it a run does.
    pub work: u64,
}

/// An image with inputs and the outputs that the host gives for them.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its names and its work.
    pub entry: Entry,
    /// The image.
    pub image: Vec<u8>,
    /// Bytes of arena.
    pub arena_bytes: u32,
    /// Inputs as bytes of the input tensor.
    pub inputs: Vec<Vec<u8>>,
    /// Of the outputs for each.
    pub crcs: Vec<u32>,
}

/// Which part of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it, every digit.
    All,
    /// What budgets are kept for, and some digits.
    Budgeted,
}

impl Item {
    /// An item with `inputs`, which the host's engine runs.
    ///
    /// # Errors
    /// If it refuses the image or an input.
    pub fn new(entry: Entry, image: Vec<u8>, inputs: Vec<Vec<u8>>) -> Result<Self, BenchError> {
        let host = |source| BenchError::Host { item: entry.item.clone(), source };
        let mut engine = HostEngine::new(&image).map_err(host)?;
        let run = |input: &Vec<u8>| engine.run_one(input).map(|output| output.crc32);
        let crcs = inputs.iter().map(run).collect::<Result<_, _>>().map_err(host)?;
        let arena_bytes = leafgate_tests_laws::parts::Parts::of(&image).header.arena_bytes;
        Ok(Self { entry, image, arena_bytes, inputs, crcs })
    }

    /// An item with random inputs.
    ///
    /// # Errors
    /// What the converter says of the image, and as [`Item::new`].
    pub fn random(
        entry: Entry,
        image: Result<Vec<u8>, ConvertError>,
        input_bytes: usize,
        inputs: usize,
    ) -> Result<Self, BenchError> {
        let image = image.map_err(|source| BenchError::Image { item: entry.item.clone(), source: Box::new(source) })?;
        let draw = &mut Draw::new(0);
        let mut input = || {
            let mut bytes = vec![0; input_bytes];
            draw.fill(&mut bytes);
            bytes
        };
        Self::new(entry, image, (0..inputs).map(|_| input()).collect())
    }
}

/// What is left of 4 x 1000 gates.
const NETLIST_GATES: usize = 3407;

/// How an item of one op is made.
struct Plan {
    item: &'static str,
    what: &'static str,
    unit: Unit,
    work: usize,
    input_bytes: usize,
    is_budgeted: bool,
    image: fn() -> Result<Vec<u8>, ConvertError>,
}

#[rustfmt::skip]
const PLANS: [Plan; 21] = [
    Plan { item: "linear-784x128", what: "LINEAR 784 x 128, i8 to i8", unit: Unit::Mac, work: 784 * 128, input_bytes: 784, is_budgeted: false,
        image: || images::linear(784, 128) },
    Plan { item: "linear-640x128", what: "LINEAR 640 x 128", unit: Unit::Mac, work: 640 * 128, input_bytes: 640, is_budgeted: false,
        image: || images::linear(640, 128) },
    Plan { item: "linear-128x128", what: "LINEAR 128 x 128", unit: Unit::Mac, work: 128 * 128, input_bytes: 128, is_budgeted: true,
        image: || images::linear(128, 128) },
    Plan { item: "linear-128x10", what: "LINEAR 128 x 10", unit: Unit::Mac, work: 128 * 10, input_bytes: 128, is_budgeted: true,
        image: || images::linear(128, 10) },
    Plan { item: "pairs-784x128", what: "LINEAR 784 x 128 in pairs (for DSP)", unit: Unit::Mac, work: 784 * 128, input_bytes: 784, is_budgeted: false,
        image: || images::dense(784, 128, Kernels::Dsp, WeightFormat::W8) },
    Plan { item: "pairs-128x128", what: "LINEAR 128 x 128 in pairs", unit: Unit::Mac, work: 128 * 128, input_bytes: 128, is_budgeted: true,
        image: || images::dense(128, 128, Kernels::Dsp, WeightFormat::W8) },
    Plan { item: "pairs-128x10", what: "LINEAR 128 x 10 in pairs", unit: Unit::Mac, work: 128 * 10, input_bytes: 128, is_budgeted: true,
        image: || images::dense(128, 10, Kernels::Dsp, WeightFormat::W8) },
    Plan { item: "w4-dsp-784x128", what: "LINEAR 784 x 128, 4 bits, for DSP", unit: Unit::Mac, work: 784 * 128, input_bytes: 784, is_budgeted: false,
        image: || images::dense(784, 128, Kernels::Dsp, WeightFormat::W4) },
    Plan { item: "w4-swar-784x128", what: "LINEAR 784 x 128, 4 bits, for word multipliers", unit: Unit::Mac, work: 784 * 128, input_bytes: 784, is_budgeted: false,
        image: || images::dense(784, 128, Kernels::Swar, WeightFormat::W4) },
    Plan { item: "t2-dsp-784x128", what: "LINEAR 784 x 128, -1 to 1, for DSP", unit: Unit::Mac, work: 784 * 128, input_bytes: 784, is_budgeted: false,
        image: || images::dense(784, 128, Kernels::Dsp, WeightFormat::T2) },
    Plan { item: "t2-swar-784x128", what: "LINEAR 784 x 128, -1 to 1, for word multipliers", unit: Unit::Mac, work: 784 * 128, input_bytes: 784, is_budgeted: false,
        image: || images::dense(784, 128, Kernels::Swar, WeightFormat::T2) },
    Plan { item: "t2-mve-784x128", what: "LINEAR 784 x 128, -1 to 1, for vectors", unit: Unit::Mac, work: 784 * 128, input_bytes: 784, is_budgeted: false,
        image: || images::dense(784, 128, Kernels::Mve, WeightFormat::T2) },
    Plan { item: "values-64x256", what: "FFN, 64 value rows of 256 outputs", unit: Unit::Mac, work: 64 * 256, input_bytes: 4, is_budgeted: false,
        image: || images::value_rows(64, 256) },
    Plan { item: "values-64x10", what: "FFN, 64 value rows of 10 outputs", unit: Unit::Mac, work: 64 * 10, input_bytes: 4, is_budgeted: false,
        image: || images::value_rows(64, 10) },
    Plan { item: "leaf-8", what: "FFN, leaf of 8 neurons, 64 inputs, 10 outputs", unit: Unit::Mac, work: 8 * 74, input_bytes: 64, is_budgeted: true,
        image: || images::all_ranges(1, 8, 64) },
    Plan { item: "leaf-16", what: "FFN, leaf of 16 neurons, 64 inputs, 10 outputs", unit: Unit::Mac, work: 16 * 74, input_bytes: 64, is_budgeted: false,
        image: || images::all_ranges(1, 16, 64) },
    Plan { item: "tree-4", what: "ROUTE, tree of depth 4, 64 inputs", unit: Unit::Mac, work: 4 * 64, input_bytes: 64, is_budgeted: false,
        image: || images::tree(4, 64) },
    Plan { item: "gates-6x8000", what: "GATES, word wiring, 6 x 8000 from 400 inputs", unit: Unit::Gate, work: 6 * 8000, input_bytes: 52, is_budgeted: false,
        image: || images::word_gates(400, 6, 8000) },
    Plan { item: "netlist-4x1000", what: "Gates of arbitrary wiring, 4 x 1000 from 400 thresholds, summed", unit: Unit::Gate, work: NETLIST_GATES,
        input_bytes: 400, is_budgeted: false, image: || images::netlist(400, 4, 1000) },
    Plan { item: "groupsum-8000", what: "GROUPSUM, 8000 bits in 10 groups", unit: Unit::Bit, work: 8000, input_bytes: 1000, is_budgeted: true,
        image: || images::group_sum(8000, 10) },
    Plan { item: "nothing", what: "GROUPSUM of no bits: what a run costs by itself", unit: Unit::Op, work: 1, input_bytes: 4, is_budgeted: true,
        image: images::nothing },
];

/// One layer of gates, for the budgets; the tables have the deeper network.
#[rustfmt::skip]
const GATES: Plan = Plan { item: "gates-1x8000", what: "GATES, word wiring, 8000 from 400 inputs", unit: Unit::Gate, work: 8000, input_bytes: 52,
    is_budgeted: true, image: || images::word_gates(400, 1, 8000) };

impl Plan {
    fn make(&self) -> Result<Item, BenchError> {
        let Self { item, what, unit, work, input_bytes, .. } = *self;
        let entry = Entry { item: item.into(), what: what.into(), unit, work: work as u64 };
        Item::random(entry, (self.image)(), input_bytes, INPUTS)
    }
}

/// Items of one op each.
///
/// # Errors
/// If an image cannot be made or run.
pub fn ops(extent: Extent) -> Result<Vec<Item>, BenchError> {
    let plans = PLANS.iter().chain([&GATES]);
    plans.filter(|plan| plan.is_budgeted || extent == Extent::All).map(Plan::make).collect()
}

/// The networks of the zoo with their digits.
///
/// # Errors
/// If one does not run.
pub fn networks(extent: Extent) -> Result<Vec<Item>, BenchError> {
    let mut digits = as_bytes(&digits());
    if extent == Extent::Budgeted {
        digits.truncate(FEW_DIGITS);
    }
    let item = |name: &str| {
        let what = format!("{name}, {} digits", digits.len());
        let entry = Entry { item: name.into(), what, unit: Unit::Run, work: 1 };
        Item::new(entry, zoo_image(name), digits.clone())
    };
    NETWORKS.into_iter().map(item).collect()
}

#[cfg(test)]
mod tests {
    use super::{Extent, ops};

    #[test]
    fn images_are_the_same_every_time() {
        let (first, second) = (ops(Extent::All).unwrap(), ops(Extent::All).unwrap());
        assert_eq!(first.len(), 22);
        for (first, second) in first.iter().zip(&second) {
            assert!(first.image == second.image && first.inputs == second.inputs, "{}", first.entry.item);
            assert_eq!(first.crcs, second.crcs);
        }
    }

    #[test]
    fn the_work_is_what_the_image_states() {
        for item in ops(Extent::All).unwrap() {
            let header = leafgate_tests_laws::parts::Parts::of(&item.image).header;
            let have = match item.entry.unit {
                super::Unit::Mac => u64::from(header.worst_macs),
                super::Unit::Gate => u64::from(header.worst_gates),
                super::Unit::Bit | super::Unit::Op | super::Unit::Run => continue,
            };
            // 1000 gates are whole words, and a neuron without keys counts its four inputs all the same.
            let work = item.entry.work;
            assert!((work..=work + 256).contains(&have), "{}: {have}, not {work}", item.entry.item);
        }
    }
}
