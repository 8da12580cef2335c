//! LINEAR.

use super::work::Work;
use crate::reference::{Image, Linear, OpTrace, Weights};

/// The work of a LINEAR, and what it is called; none for weights whose kernels have not been measured.
pub(super) fn linear(op: &Linear, image: &Image, seen: Option<&OpTrace>) -> Option<Work> {
    let mut work = Work::default();
    let times = image.tensors[op.output].rows;
    let name = if let Weights::Rows(_) = op.weights {
        if op.transposed && times > 1 { "strided" } else { "rows" }
    } else if let Weights::Pairs { .. } = op.weights {
        "pairs"
    } else {
        return None;
    };
    work.add(name, 1);
    if name == "pairs" {
        work.line("pairs.prepare", op.cols, times);
    }
    let Some(rq) = op.rq else {
        let kind = match (op.accumulate, op.bias) {
            (false, Some(_)) => "sum",
            (false, None) => "sum.plain",
            (true, Some(_)) => "add",
            (true, None) => "add.plain",
        };
        work.add(format!("{name}.{kind}.input"), times);
        rows(&mut work, &format!("{name}.plain"), 0..op.rows, op, times);
        work.add(format!("{name}.{kind}"), times * op.rows);
        return Some(work);
    };
    // Kernels that do bias and requantisation as well take whole fours, up to a record that they do not know.
    let constants = &image.constants;
    let fours = op.rows / 4 * 4;
    let odd = (0..op.rows).find(|&row| constants.rq(rq, row).s < 33);
    let fast = odd.map_or(fours, |row| (row / 4 * 4).min(fours));
    let each = match (rq.count(), op.bias) {
        (1, Some(_)) => "shared",
        (1, None) => "shared.plain",
        (_, Some(_)) => "each",
        (_, None) => "each.plain",
    };
    work.add(format!("{name}.{each}.input"), times);
    if odd.is_some() && each == "each" {
        // The four in which it is met may be begun, and then be taken again.
        work.add(format!("{name}.again"), times);
        work.add(format!("{name}.again.quad"), times * op.cols.div_ceil(4));
    }
    let mut counts = [0; 2];
    for (part, range) in [("fast", 0..fast), ("slow", fast..fours), ("rest", fours..op.rows)] {
        // A kernel may take the last four rows once more, of which some are done, instead of single ones.
        let is_left = part == "rest" && each == "each" && name == "rows" && odd.is_none() && fours > 0;
        let part = match part {
            _ if is_left => "left",
            "rest" if fast > 0 => "after",
            part => part,
        };
        if is_left && !range.is_empty() {
            work.line("rows.left.once", op.cols, times);
            work.line("rows.left.one", op.cols, times * range.len());
        } else {
            let family = if part == "fast" && each == "each" { "fused" } else { "plain" };
            rows(&mut work, &format!("{name}.{family}"), range.clone(), op, times);
        }
        let name = format!("{name}.{each}.{part}");
        work.add(format!("{name}.four"), times * range.len().div_ceil(4));
        work.add(format!("{name}.any"), if range.is_empty() { 0 } else { times });
        let [upper, whole] = work.requantise(&name, (constants, rq), range, times);
        counts = [counts[0] + upper, counts[1] + whole];
    }
    work.ends(name, counts, seen.map(|seen| &seen.seen.outputs));
    Some(work)
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
