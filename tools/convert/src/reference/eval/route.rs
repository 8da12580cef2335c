//! ROUTE.

use super::super::image::Image;
use super::super::ops::{Emit, Route, RouteKind, Rows};
use super::largest;
use super::memory::Memory;
use super::watch::{Entry, Running, Sum, Watch};

pub(super) fn run(op: &Route, image: &Image, memory: &mut Memory<'_>, watch: &mut Watch) {
    if !op.append {
        memory.empty(op.list);
    }
    let entries = match op.kind {
        RouteKind::Static { count } => (0..count).map(|i| entry(op, i, op.weight, 0)).collect(),
        RouteKind::Tree { rows, trees, depth, emit } => tree(op, &rows, trees, depth, emit, image, memory, watch),
        RouteKind::Linear { rows, top, scores, gate } => {
            let x = memory.numbers(rows.input);
            let all: Vec<i32> = (0..rows.count).map(|e| score(&rows, e, image, &x, watch).1).collect();
            memory.set_i32s(scores, all.iter().copied());
            let wide: Vec<i64> = all.iter().map(|&score| score.into()).collect();
            watch.trace.seen.largest.search(&wide, top);
            let mut weight = |e: usize| match gate {
                Some((rq, table)) => {
                    let index = i64::from(watch.output(image.constants.get(rq, 0), all[e])) + 128;
                    image.constants.get(table, index as usize)
                }
                None => op.weight,
            };
            largest(&wide, top).into_iter().map(|e| entry(op, e, weight(e), 0)).collect::<Vec<_>>()
        }
    };
    for entry in entries {
        if memory.append(op.list, entry) {
            watch.trace.entries.push(entry);
        } else {
            watch.trace.dropped += 1;
        }
    }
}

/// The entry for choice `i`. The reader has seen that the number is at most 65534.
fn entry(op: &Route, i: usize, weight: u16, z: i32) -> Entry {
    Entry { range: (op.first + i) as u16, weight, z }
}

/// `dot(w, x)` of a row, without and with its bias.
fn score(rows: &Rows, row: usize, image: &Image, x: &[i64], watch: &mut Watch) -> (i32, i32) {
    let mut dot = Running::from(0);
    for (w, &x) in image.constants.part(rows.weights, row * rows.cols, rows.cols).zip(x) {
        dot.add(i64::from(w) * x);
    }
    watch.trace.macs += rows.cols as u64;
    let dot = watch.close(dot, Sum::Row { row });
    let mut biased = Running::from(dot.into());
    biased.add(image.constants.bias(rows.bias, row));
    (dot, watch.close(biased, Sum::Row { row }))
}

#[expect(clippy::too_many_arguments, reason = "the fields of one variant, and what every op is given")]
fn tree(
    op: &Route,
    rows: &Rows,
    trees: usize,
    depth: u32,
    emit: Emit,
    image: &Image,
    memory: &Memory<'_>,
    watch: &mut Watch,
) -> Vec<Entry> {
    let x = memory.numbers(rows.input);
    let (nodes, leaves) = ((1usize << depth) - 1, 1usize << depth);
    let mut entries = Vec::new();
    for t in 0..trees {
        let mut i = 0;
        for _ in 0..depth {
            let (dot, biased) = score(rows, t * nodes + i, image, &x, watch);
            if let Emit::Path { hand_z } = emit {
                entries.push(entry(op, t * nodes + i, op.weight, if hand_z { dot } else { 0 }));
            }
            watch.trace.seen.rights += u64::from(biased >= 0);
            i = 2 * i + 1 + usize::from(biased >= 0);
        }
        if emit == Emit::Leaf {
            entries.push(entry(op, t * leaves + i - nodes, op.weight, 0));
        }
    }
    entries
}
