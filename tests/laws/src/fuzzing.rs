//! What the fuzz targets of `tests/fuzz` do with a byte string. It stands here so that a plain test can replay their corpus.
//!
//! A fuzzer never guesses a checksum, so each target tries the bytes as they are and with the checksum put right, and the two that run
//! with the header's figures put right as well.

use std::path::Path;

use leafgate::Model;
use leafgate_convert::host::AlignedBytes;
use leafgate_convert::import::{self, ImportOptions};
use leafgate_convert::ir::eval::evaluate;
use leafgate_convert::{ConvertError, Options, convert_quantized_with};

use crate::agree::compare;
use crate::draw::Draw;
use crate::parts::{repair_in_place, seal};
use crate::trial::Bench;

/// Parses.
pub fn parse(bytes: &[u8]) {
    let mut image = AlignedBytes::copy_of(bytes);
    let _ = Model::parse(image.as_slice()).map(|model| model.arena_bytes());
    seal(image.as_mut_slice());
    let _ = Model::parse(image.as_slice()).map(|model| model.arena_bytes());
}

/// Parses, and runs between canaries what is accepted.
///
/// # Panics
/// If a law of [`crate::trial`] is broken.
pub fn parse_run(bench: &mut Bench, bytes: &[u8]) {
    each_repair(bytes, |bytes| {
        bench.attempt(bytes, &mut Draw::new(1));
    });
}

/// Imports as a model file, and evaluates what is accepted, if its input is of a size that a device has.
pub fn graph(bytes: &[u8]) {
    let Ok(imported) = import::parse(bytes, Path::new("fuzz"), &ImportOptions::default()) else { return };
    let input = &imported.graph.input;
    if input.len <= 1 << 16 {
        evaluate(&imported.graph, &vec![input.max; input.len]);
    }
}

/// Compares engine and reference.
///
/// # Panics
/// If they disagree.
pub fn differential(bytes: &[u8]) {
    each_repair(bytes, |bytes| {
        let verdict = compare(bytes, 1, &mut Draw::new(1));
        assert!(verdict.is_agreement() || verdict.excuse().is_some(), "{verdict:?}");
    });
}

/// Imports as an ONNX file, and computes what is imported and small: its graph must hold together.
///
/// # Panics
/// If the importer does, or what it has made cannot be computed or is converted to an image that is none.
pub fn onnx(bytes: &[u8]) {
    let Ok(imported) = import::parse(bytes, Path::new("fuzz.onnx"), &ImportOptions::default()) else { return };
    if imported.graph.values.iter().map(|value| value.len).sum::<usize>() > 10_000 {
        return;
    }
    evaluate(&imported.graph, &vec![1; imported.graph.input.len]);
    if let Some(integer) = imported.integer {
        let options = Options { golden_vectors: 1, ..Options::default() };
        let converted = convert_quantized_with(imported.graph, integer, &options, &mut |_, _, _| ());
        assert!(!matches!(converted, Err(ConvertError::Check { .. })), "{:?}", converted.err());
    }
}

fn each_repair(bytes: &[u8], mut each: impl FnMut(&[u8])) {
    each(bytes);
    let mut repaired = bytes.to_vec();
    seal(&mut repaired);
    each(&repaired);
    repair_in_place(&mut repaired);
    each(&repaired);
}
