//! LINEAR.

use super::low_bit;
use super::work::Work;
use crate::reference::{Image, Linear, OpTrace, Weights};

/// The work of a LINEAR.
pub(super) fn linear(op: &Linear, image: &Image, seen: Option<&OpTrace>) -> Work {
    let mut work = Work::default();
    let times = image.tensors[op.output].rows;
    let name = match &op.weights {
        Weights::Rows(_) if op.transposed && times > 1 => "strided",
        Weights::Rows(_) => "rows",
        Weights::Pairs { .. } => "pairs",
        Weights::LowBit(weights) => return low_bit::linear(op, weights, image, seen),
    };
    work.add(name, 1);
    if name == "pairs" {
        work.line("pairs.prepare", op.cols, times);
    }
    let kind = records(op);
    work.add(format!("{name}.{kind}.input"), times);
    let Some(rq) = op.rq else {
        rows(&mut work, &format!("{name}.plain"), 0..op.rows, op, times);
        work.add(format!("{name}.{kind}"), times * op.rows);
        return work;
    };
    // Kernels that do bias and requantisation as well take whole fours, up to a record that they do not know.
    let constants = &image.constants;
    let fours = op.rows / 4 * 4;
    let odd = (0..op.rows).find(|&row| constants.rq(rq, row).s < 33);
    let fast = odd.map_or(fours, |row| (row / 4 * 4).min(fours));
    if odd.is_some() && kind == "each" {
        // The four in which it is met may be begun, and then be taken again.
        work.add(format!("{name}.again"), times);
        work.add(format!("{name}.again.quad"), times * op.cols.div_ceil(4));
    }
    let mut counts = [0; 2];
    for (part, range) in [("fast", 0..fast), ("slow", fast..fours), ("rest", fours..op.rows)] {
        // A kernel may take the last four rows once more, of which some are done, instead of single ones.
        let is_left = part == "rest" && kind == "each" && name == "rows" && odd.is_none() && fours > 0;
        let part = match part {
            _ if is_left => "left",
            "rest" if fast > 0 => "after",
            part => part,
        };
        if is_left && !range.is_empty() {
            work.line("rows.left.once", op.cols, times);
            work.line("rows.left.one", op.cols, times * range.len());
        } else {
            let family = if part == "fast" && kind == "each" { "fused" } else { "plain" };
            rows(&mut work, &format!("{name}.{family}"), range.clone(), op, times);
        }
        let name = format!("{name}.{kind}.{part}");
        work.add(format!("{name}.four"), times * range.len().div_ceil(4));
        work.add(format!("{name}.any"), if range.is_empty() { 0 } else { times });
        let [upper, whole] = work.requantise(&name, (constants, rq), range, times);
        counts = [counts[0] + upper, counts[1] + whole];
    }
    work.ends(name, counts, seen.map(|seen| &seen.seen.outputs));
    work
}

/// Whether there is a bias, and records: none, one for all, or one of each row.
pub(super) fn records(op: &Linear) -> &'static str {
    match (op.rq.map(|rq| rq.count()), op.bias, op.accumulate) {
        (Some(1), Some(_), _) => "shared",
        (Some(1), None, _) => "shared.plain",
        (Some(_), Some(_), _) => "each",
        (Some(_), None, _) => "each.plain",
        (None, Some(_), false) => "sum",
        (None, None, false) => "sum.plain",
        (None, Some(_), true) => "add",
        (None, None, true) => "add.plain",
    }
}

/// Products of rows. In pairs the last rows are a group as the others.
fn rows(work: &mut Work, name: &str, rows: std::ops::Range<usize>, op: &Linear, times: usize) {
    if op.transposed && times > 1 {
        work.add("strided.row", times * rows.len());
        work.add("strided.column", times * rows.len() * op.cols);
    } else if matches!(op.weights, Weights::Pairs { .. }) {
        // Eight quads at once, or fewer.
        work.line_by(&format!("{name}.group"), op.cols.div_ceil(4), 8, times * rows.len().div_ceil(4));
        work.add(format!("{name}.row"), times * rows.len());
    } else {
        work.dot(name, rows.len(), op.cols, times, op.bias.is_some());
    }
}
