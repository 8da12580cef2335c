//! GATES, GROUPSUM, MAP, MOVE and READOUT.

use super::netlist;
use super::work::Work;
use crate::reference::{Dtype, Gates, GroupSum, Image, Map, MapKind, Move, OpTrace, Readout, Wiring};

pub(super) fn gates(op: &Gates, image: &Image) -> Work {
    let (words, table) = match op.wiring {
        Wiring::Words { words, table } => (words, table),
        Wiring::Netlist { wires, series } => {
            let (words, signals) = (image.tensors[op.input].row_words(), 4 * image.tensors[op.output].cols);
            return netlist::gates(words, signals, wires.count(), series, &image.constants);
        }
    };
    let mut work = Work::default();
    work.add("gates.word.op", 1);
    work.line("gates.word", words, 1);
    // The table's length is divided, on some cores by a routine whose steps depend on it.
    work.add("gates.word.power", usize::from(words.is_power_of_two()));
    work.add("gates.word.bits", words.checked_ilog2().unwrap_or(0) as usize);
    // A core without rotations may pass over those by 0; the converter makes most of A's so.
    let wires = image.constants.all(table).step_by(5);
    let [a, b] =
        wires.fold([0; 2], |[a, b], wire| [a + usize::from(wire >> 11 & 31 == 0), b + usize::from(wire >> 27 == 0)]);
    work.add("gates.word.plain_a", a);
    work.add("gates.word.plain_b", b);
    work
}

pub(super) fn group_sum(op: &GroupSum, image: &Image) -> Work {
    let mut work = Work::default();
    work.add(if op.signals { "sum.netlist" } else { "sum" }, 1);
    let bounds: Vec<usize> = image.constants.all(op.bounds).map(|bound| bound as usize).collect();
    for pair in bounds.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        if op.signals {
            netlist::count(&mut work, from, to);
        } else if from == to {
            work.add("sum.empty", 1);
        } else if from / 32 == (to - 1) / 32 {
            work.add("sum.word", 1);
        } else {
            // The words between the first and the last, which may be there in part.
            work.line_by("sum.words", (to - 1) / 32 - from / 32 - 1, 8, 1);
        }
    }
    work.add(if op.bias.is_some() { "sum.bias" } else { "sum.plain" }, op.groups);
    work
}

pub(super) fn map(op: &Map, image: &Image, seen: Option<&OpTrace>) -> Work {
    let mut work = Work::default();
    let output = &image.tensors[op.output];
    let (cols, elements) = (output.cols, output.elements());
    let seen = seen.map(|seen| &seen.seen.outputs);
    match op.kind {
        MapKind::Lut(_) => {
            work.add("map.table", 1);
            work.add("map.table.each", elements);
        }
        MapKind::Affine { bias, rq, .. } => {
            let each = if rq.count() == 1 { "map.affine.shared" } else { "map.affine.each" };
            work.add("map.affine", 1);
            // An index past the first row is divided by the columns.
            work.add("map.affine.first", cols);
            work.add("map.affine.later", elements - cols);
            work.add("map.affine.bias", if bias.is_some() { elements } else { 0 });
            let counts = work.requantise(each, (&image.constants, rq), 0..cols, elements / cols);
            work.ends("map.affine", counts, seen);
        }
        MapKind::Add { shift, .. } | MapKind::Mul { shift, .. } => {
            let name = if matches!(op.kind, MapKind::Add { .. }) { "map.add" } else { "map.mul" };
            work.add(name, 1);
            let counts = if shift >= 33 { [elements, 0] } else { [0, elements] };
            work.add(format!("{name}.each.upper"), counts[0]);
            work.add(format!("{name}.each.whole"), counts[1]);
            work.ends(name, counts, seen);
        }
        MapKind::Bits(_) => {
            work.add("map.bits", 1);
            work.add("map.bits.word", cols / 32);
            work.add("map.bits.bit", cols % 32);
            work.add("map.bits.part", usize::from(cols % 32 > 0));
        }
        MapKind::Clamp { .. } => {
            work.add("map.clamp", 1);
            work.add("map.clamp.each", elements);
            work.ends("map.clamp", [elements, 0], seen);
        }
    }
    work
}

pub(super) fn copy(op: &Move, image: &Image) -> Work {
    let mut work = Work::default();
    let width = if image.tensors[op.output].dtype == Dtype::I8 { "bytes" } else { "words" };
    work.add(format!("move.{width}"), 1);
    if op.from_col == 1 {
        // A block of memory, which is copied several words at a time.
        work.line_by(&format!("move.{width}.row"), op.cols, 16, op.rows);
    } else {
        work.add("move.strided", op.rows);
        work.add(format!("move.{width}.each"), op.rows * op.cols);
    }
    work
}

pub(super) fn readout(op: &Readout, image: &Image, seen: Option<&OpTrace>) -> Work {
    let mut work = Work::default();
    let input = &image.tensors[op.input];
    let (name, search) =
        if input.dtype == Dtype::I8 { ("readout.i8", "readout.best.i8") } else { ("readout.i32", "readout.best.i32") };
    work.add(name, 1);
    if op.k > 0 {
        work.add("readout.classes", 1);
        work.search(search, input.cols, op.k, seen.map(|seen| &seen.seen.largest));
    }
    work
}
