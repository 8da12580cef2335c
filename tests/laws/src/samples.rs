//! The images that the laws are tried on.

use std::path::{Path, PathBuf};

use leafgate_convert::quantize::ReluSkip;
use leafgate_convert::quantize::weights::{WeightChoice, WeightFormat};
use leafgate_convert::{Kernels, Options, Ranges, convert};

use crate::draw::{FAMILIES, graph};
use crate::layout;

/// An image with its name.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Unique.
    pub name: String,
    /// The image.
    pub image: Vec<u8>,
}

/// The repository's root.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The images of the zoo; none before they are made.
pub fn zoo() -> Vec<Sample> {
    let mut samples = Vec::new();
    for folder in std::fs::read_dir(workspace().join("models/zoo")).into_iter().flatten().flatten() {
        for file in std::fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            if file.path().extension().is_some_and(|extension| extension == "leaf")
                && let Ok(image) = std::fs::read(file.path())
            {
                let name = file.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
                samples.push(Sample { name, image });
            }
        }
    }
    samples.sort_by(|a, b| a.name.cmp(&b.name));
    samples
}

/// Small images: one graph of every family, some of them in the other packing or for other kernels, and the ones laid out by hand.
///
/// # Panics
/// If the converter refuses a graph drawn here.
pub fn small() -> Vec<Sample> {
    let mut samples = Vec::new();
    for (seed, family) in FAMILIES.into_iter().enumerate() {
        let variants = [
            ("", ReluSkip::Auto, Kernels::Portable, WeightFormat::W8),
            ("-skip", ReluSkip::Always, Kernels::Portable, WeightFormat::W8),
            ("-dsp", ReluSkip::Auto, Kernels::Dsp, WeightFormat::W8),
            ("-w4", ReluSkip::Auto, Kernels::Dsp, WeightFormat::W4),
            ("-w4g32", ReluSkip::Auto, Kernels::Swar, WeightFormat::W4Groups),
            ("-t2", ReluSkip::Auto, Kernels::Mve, WeightFormat::T2),
        ];
        // One family shows few bits: what they are is laid out by hand as well.
        let variants = &variants[..if family == "residual" { 6 } else { 3 }];
        let first = samples.len();
        for &(suffix, relu_skip, kernels, all) in variants {
            let weights = WeightChoice { all, ..WeightChoice::default() };
            let options = Options { relu_skip, kernels, weights, golden_vectors: 2, ..Options::default() };
            let graph = graph(family, seed as u64);
            let made = convert(graph, Ranges::Random, &options).unwrap_or_else(|error| panic!("{family}: {error}"));
            if samples[first..].iter().all(|other: &Sample| differs(&other.image, &made.image)) {
                samples.push(Sample { name: format!("{family}{suffix}"), image: made.image });
            }
        }
    }
    samples.extend(layout::all().into_iter().map(|(name, image)| Sample { name: name.into(), image }));
    samples
}

/// Whether two images hold different records; their provenance always differs.
fn differs(a: &[u8], b: &[u8]) -> bool {
    let records = |image: &[u8]| {
        let parts = crate::parts::Parts::of(image);
        [1, 3].map(|kind| parts.bytes(kind).to_vec())
    };
    records(a) != records(b)
}

/// All of them.
pub fn all() -> Vec<Sample> {
    let mut samples = small();
    samples.extend(zoo());
    samples
}
