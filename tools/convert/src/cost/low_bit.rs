//! LINEAR on weights of few bits.
//!
//! A core reads the layouts made for it block by block, the others row by row; the pieces are of both ways, and what a core does not do costs it
//! nothing.

use super::dense::records;
use super::work::Work;
use crate::reference::{GROUP, Image, Layout, Linear, LowBit, OpTrace};

/// The work of a LINEAR on `weights`.
pub(super) fn linear(op: &Linear, weights: &LowBit, image: &Image, seen: Option<&OpTrace>) -> Work {
    let mut work = Work::default();
    let (times, cols) = (image.tensors[op.output].rows, op.cols);
    let name = &format!("low.{}{}", layout_name(weights.layout), if weights.grouped { ".groups" } else { "" });
    let groups = if weights.grouped { cols.div_ceil(GROUP) } else { 1 };
    work.add(name.as_str(), 1);
    // The prepared input.
    if matches!(weights.layout, Layout::W4Rows | Layout::T2Rows) {
        work.line("low.halves", cols, times);
    }
    let sum = if weights.grouped { "low.sum.groups" } else { "low.sum" };
    work.line(sum, cols, times);
    work.add(sum, times * groups);
    // Blocks of rows; within one, sums are taken apart before they leave their bits.
    let (block_rows, most) = match weights.layout {
        Layout::W4Rows => (4, 480),
        Layout::T2Rows => (4, 992),
        Layout::T2Bytes => (4, 1 << 16),
        Layout::W4Columns => (8, 16),
        Layout::T2Columns => (16, 128),
    };
    let blocks = times * op.rows.div_ceil(block_rows);
    let block = &format!("{name}.block");
    match weights.layout {
        // Eight columns at once, four times if there are as many.
        Layout::W4Rows | Layout::T2Rows => work.line_by(block, cols.div_ceil(8), 4, blocks),
        Layout::T2Bytes => work.line_by(block, cols.div_ceil(16), 2, blocks),
        Layout::W4Columns | Layout::T2Columns => work.line(block, cols, blocks),
    }
    work.add(format!("{block}.partial"), if cols.is_multiple_of(GROUP) { 0 } else { blocks });
    work.add(format!("{block}.more"), blocks * (cols.div_ceil(most) - 1));
    // Rows one by one.
    let rows = times * op.rows;
    let is_signed = |row: &usize| match weights.layout {
        Layout::W4Columns | Layout::T2Columns => false,
        Layout::T2Rows => row % 2 == 1,
        Layout::W4Rows | Layout::T2Bytes => row % 4 == 3,
    };
    work.add(format!("{name}.row"), rows);
    work.add(format!("{name}.row.group"), rows * groups);
    work.add(format!("{name}.row.signed"), times * groups * (0..op.rows).filter(is_signed).count());
    work.add(format!("{name}.row.column"), rows * cols);
    let kind = format!("low.{}.{}", blocks_name(weights.layout), records(op));
    work.add(format!("{kind}.input"), times);
    let Some(rq) = op.rq else {
        work.add(kind, rows);
        return work;
    };
    // Rows of a whole block that have records of their own are requantised together.
    let whole = op.rows / block_rows * block_rows;
    let mut counts = [0; 2];
    for (part, range) in [("whole", 0..whole), ("part", whole..op.rows)] {
        let name = format!("{kind}.{part}");
        work.add(format!("{name}.any"), if range.is_empty() { 0 } else { times });
        let [upper, shorter] = work.requantise(&name, (&image.constants, rq), range, times);
        counts = [counts[0] + upper, counts[1] + shorter];
    }
    work.ends("low", counts, seen.map(|seen| &seen.seen.outputs));
    work
}

fn layout_name(layout: Layout) -> &'static str {
    match layout {
        Layout::W4Rows => "w4.rows",
        Layout::W4Columns => "w4.columns",
        Layout::T2Rows => "t2.rows",
        Layout::T2Columns => "t2.columns",
        Layout::T2Bytes => "t2.bytes",
    }
}

/// Layouts whose blocks have as many rows, and which are read block by block on the same cores.
fn blocks_name(layout: Layout) -> &'static str {
    match layout {
        Layout::W4Rows | Layout::T2Rows => "rows",
        Layout::T2Bytes => "bytes",
        Layout::W4Columns => "eights",
        Layout::T2Columns => "sixteens",
    }
}
