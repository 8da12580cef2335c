//! What takes most of what an image has too little of, and what would make it fit.

use leafgate_convert::cost::{Outlook, Prediction};
use leafgate_convert::reference::Image;
use leafgate_emulate::{Machine, machines};

use crate::error::Failure;
use crate::output::{grouped, percent};
use crate::verb::inspect::cost::{OpCost, ops};
use crate::verb::inspect::prediction::of_board;

/// Lines about what takes most.
const LISTED: usize = 4;

/// Section number of the golden vectors.
const GOLDEN: u16 = 6;

/// `parts` by size, as facts; those that take next to nothing are left out.
fn largest(mut failure: Failure, what: &str, unit: &str, mut parts: Vec<(String, u64)>) -> Failure {
    let total: u64 = parts.iter().map(|(_, size)| size).sum();
    parts.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    for (part, size) in parts.into_iter().take(LISTED).filter(|(_, size)| 50 * size > total) {
        let share = percent(size as f64 / total.max(1) as f64);
        failure = failure.fact(format!("{what}: {part} takes {} {unit} ({share})", grouped(size)));
    }
    failure
}

fn name(op: &OpCost) -> String {
    format!("op {} ({}, {}, {})", op.index, op.op, op.kind, op.shapes)
}

/// Boards that would do.
fn others(mut failure: Failure, machine: &Machine, does: impl Fn(&Machine) -> bool) -> Failure {
    let names: Vec<&str> = machines()
        .iter()
        .filter(|other| other.name != machine.name && does(other))
        .map(|other| other.name.as_str())
        .collect();
    if !names.is_empty() {
        failure = failure.hint(format!("it would fit {}", names.join(", ")));
    }
    failure
}

/// Bytes of flash by what they are for.
pub fn flash(mut failure: Failure, machine: &Machine, image: &Image, over: usize) -> Failure {
    let ops = ops(image);
    let mut parts: Vec<(String, u64)> = ops.iter().map(|op| (name(op), op.constant_bytes as u64)).collect();
    let sections = image.sections.iter().filter(|section| section.count > 0 || section.kind == GOLDEN);
    parts.extend(
        sections.map(|section| (format!("section {}", crate::section::name(section.kind)), section.bytes.into())),
    );
    failure = largest(failure, "flash", "B", parts);
    if let Some(golden) = image.sections.iter().find(|section| section.kind == GOLDEN)
        && golden.bytes as usize >= over
    {
        failure = failure
            .hint("fewer golden vectors would make it fit: --golden 0, without which a device cannot test itself");
    }
    let bytes = image.header.total_bytes;
    others(failure, machine, |other| bytes <= other.model.bytes && image.header.arena_bytes <= other.arena_bytes)
}

/// Bytes of the arena by tensor.
pub fn arena(failure: Failure, image: &Image) -> Failure {
    let tensor = |(i, tensor): (usize, &leafgate_convert::reference::Tensor)| {
        let is_in_arena = tensor.place == leafgate_convert::reference::Place::Arena;
        is_in_arena.then(|| (format!("tensor {i} ({} x {})", tensor.rows, tensor.cols), tensor.bytes() as u64))
    };
    largest(failure, "arena", "B", image.tensors.iter().enumerate().filter_map(tensor).collect())
}

/// Instructions by op.
pub fn run(
    failure: Failure,
    machine: &Machine,
    image: &Image,
    outlook: &Outlook,
    run: &Prediction,
    limit: u64,
) -> Failure {
    let ops = ops(image);
    let insns = || run.ops.iter().map(|op| op.max_insns);
    let mut failure = largest(failure, "run", "instructions", ops.iter().map(name).zip(insns()).collect());
    let over = run.run.max_insns.saturating_sub(limit);
    if let Some((op, insns)) = ops.iter().zip(insns()).max_by_key(|(_, insns)| *insns)
        && insns > over
        && op.macs > 0
    {
        let macs = (over as f64 * op.macs as f64 / insns as f64).ceil() as u64;
        failure = failure.hint(format!(
            "{} of the {} multiply-accumulates of op {} fewer would do, at {:.2} instructions each",
            grouped(macs),
            grouped(op.macs),
            op.index,
            insns as f64 / op.macs as f64
        ));
    }
    others(failure, machine, |other| of_board(outlook, other).is_ok_and(|other| other.run.max_insns <= limit))
}
