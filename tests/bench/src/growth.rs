//! How the cost of a run grows with depth, gates and experts, on one machine: `docs/bench/growth.csv`.
//!
//! Trees and experts are shown beside the same ranges evaluated all: what a dense layer of as many neurons would take.

use std::path::Path;

use leafgate_convert::ConvertError;
use leafgate_emulate::Machine;

use crate::items::{Entry, Item, Unit};
use crate::measure::Bench;
use crate::{BenchError, images};

/// The machine.
pub const MACHINE: &str = "mps2-an386";
/// Inputs of leaves and experts.
const COLS: usize = 64;
/// Neurons of a leaf.
const LEAF: usize = 8;
/// Neurons of an expert.
const EXPERT: usize = 16;
/// Experts evaluated.
const TOP: usize = 2;
/// Layers of gates.
const LAYERS: usize = 4;
/// Random inputs of each network: which leaf is reached makes no difference.
const INPUTS: usize = 2;

/// What grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Series {
    /// A tree with leaves, by depth.
    Tree,
    /// The leaves of that tree, all of them.
    EveryLeaf,
    /// Gates in word wiring, by their number.
    Gates,
    /// Routed experts, by their number.
    Experts,
    /// These experts, all of them.
    EveryExpert,
}

impl Series {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Tree, Self::EveryLeaf, Self::Gates, Self::Experts, Self::EveryExpert];

    /// As the table names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::EveryLeaf => "every-leaf",
            Self::Gates => "gates",
            Self::Experts => "experts",
            Self::EveryExpert => "every-expert",
        }
    }

    /// Where it is measured.
    fn sizes(self) -> Vec<usize> {
        match self {
            Self::Tree | Self::EveryLeaf => (1..=10).collect(),
            Self::Gates => (0..8).map(|doubling| 1024 << doubling).collect(),
            Self::Experts | Self::EveryExpert => (2..=6).map(|doubling| 1 << doubling).collect(),
        }
    }

    fn image(self, size: usize) -> (Result<Vec<u8>, ConvertError>, usize) {
        match self {
            Self::Tree => (images::fff(size, LEAF, COLS), COLS),
            Self::EveryLeaf => (images::all_ranges(1 << size, LEAF, COLS), COLS),
            Self::Gates => (images::word_gates(400, LAYERS, size / LAYERS), 52),
            Self::Experts => (images::experts(size, TOP, EXPERT, COLS), COLS),
            Self::EveryExpert => (images::all_ranges(size, EXPERT, COLS), COLS),
        }
    }
}

/// A point of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// What grows.
    pub series: Series,
    /// Depth, gates or experts.
    pub size: usize,
    /// Mean instructions of a run.
    pub insns: u64,
    /// Bytes of the image.
    pub image_bytes: u32,
}

/// Measures every series as far as its images fit the machine's flash; `told` hears of each point as it comes.
///
/// # Errors
/// If a point cannot be measured.
pub fn measure(root: &Path, mut told: impl FnMut(&Point)) -> Result<Vec<Point>, BenchError> {
    let no_machine = |source| {
        let source = Box::new(source);
        BenchError::Emulate { item: "growth".into(), machine: MACHINE.into(), source }
    };
    let bench = Bench::new(root, Machine::by_name(MACHINE).map_err(no_machine)?)?;
    let mut points = Vec::new();
    for series in Series::ALL {
        for size in series.sizes() {
            let (image, input_bytes) = series.image(size);
            let item = format!("{} {size}", series.name());
            let entry = Entry { what: item.clone(), item, unit: Unit::Run, work: 1 };
            let item = Item::random(entry, image, input_bytes, INPUTS)?;
            if !bench.fits(&item) {
                break;
            }
            let figures = bench.measure(&item)?;
            let point = Point { series, size, insns: figures.mean_insns, image_bytes: figures.image_bytes };
            told(&point);
            points.push(point);
        }
    }
    Ok(points)
}

/// The points as a table.
#[must_use]
pub fn csv(points: &[Point]) -> String {
    let mut text = String::from("series,size,instructions,image_bytes\n");
    for Point { series, size, insns, image_bytes } in points {
        text += &format!("{},{size},{insns},{image_bytes}\n", series.name());
    }
    text
}

/// Reads the table that [`csv`] writes; none if a line is something else.
#[must_use]
pub fn read_csv(text: &str) -> Option<Vec<Point>> {
    let point = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let [name, size, insns, image_bytes] = fields[..] else { return None };
        let series = Series::ALL.into_iter().find(|series| series.name() == name)?;
        Some(Point {
            series,
            size: size.parse().ok()?,
            insns: insns.parse().ok()?,
            image_bytes: image_bytes.parse().ok()?,
        })
    };
    text.lines().skip(1).map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::{Series, csv, read_csv};
    use crate::{plot, record::folder};
    use leafgate_emulate::workspace_root;

    #[test]
    fn the_picture_is_that_of_the_table() {
        let folder = folder(&workspace_root().unwrap());
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        let points = read_csv(&read("growth.csv")).unwrap();
        assert_eq!(csv(&points), read("growth.csv"));
        assert_eq!(points.len(), Series::ALL.iter().map(|series| series.sizes().len()).sum::<usize>());
        let is_same = plot::svg(&points).unwrap() == read("growth.svg");
        assert!(is_same, "docs/bench/growth.svg is out of date: cargo xtask bench --growth");
    }
}
