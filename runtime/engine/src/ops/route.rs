//! ROUTE: which ranges an FFN evaluates.

use leafgate_image::{ListEntry, RouteRecord, route, route_flag};

#[cfg(feature = "fff")]
use crate::frame::bias;
use crate::frame::{Frame, List, Rows, cast};
#[cfg(feature = "sparse")]
use crate::frame::{Requants, words_of};
#[cfg(feature = "sparse")]
use crate::ops::next_best;
#[cfg(feature = "sparse")]
use crate::output::Values;

pub(crate) fn is_supported(kind: u8) -> bool {
    kind == route::STATIC
        || cfg!(feature = "fff") && kind == route::TREE
        || cfg!(feature = "sparse") && kind != route::TREE
}

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &RouteRecord) -> Option<()> {
    let (view, input) = (frame.view, frame.input);
    let [list, scores, x] = frame.split([record.list, record.scores, record.input]);
    let x = cast::<i8>(Frame::source(input, x));
    let weights = (record.weights, record.bias);
    let mut list = List::new(list)?;
    if record.flags & route_flag::APPEND == 0 {
        list.clear();
    }
    match record.kind {
        route::STATIC => {
            for i in 0..record.count {
                list.push(entry(record, i, 0));
            }
            Some(())
        }
        #[cfg(feature = "fff")]
        route::TREE => {
            let nodes = 1u32.wrapping_shl(record.depth).wrapping_sub(1);
            let rows = Rows::new(view, weights, record.count.wrapping_mul(nodes), record.cols);
            descend(record, &rows, x, &mut list);
            Some(())
        }
        #[cfg(feature = "sparse")]
        _ => {
            let rows = Rows::new(view, weights, record.count, record.cols);
            let scores = words_of(scores);
            for (e, score) in scores.iter_mut().enumerate() {
                *score = rows.sum(e, x);
            }
            let gate_rq = Requants::new(view, record.gate_rq, false, 1);
            let table = view.constants::<u16>(record.gate_table, 256).unwrap_or(&[]);
            let mut last = None;
            for _ in 0..record.depth {
                last = next_best(Values::I32(scores), last);
                let (e, score) = last?;
                let mut entry = entry(record, e as u32, 0);
                if !gate_rq.is_empty() {
                    let gate = (i32::from(gate_rq.apply(0, score)) + 128) as usize;
                    entry.weight = table.get(gate).copied().unwrap_or(0);
                }
                list.push(entry);
            }
            Some(())
        }
        #[cfg(not(feature = "sparse"))]
        _ => {
            let _ = (scores, x);
            None
        }
    }
}

fn entry(record: &RouteRecord, range: u32, z: i32) -> ListEntry {
    ListEntry { range: record.first.wrapping_add(range) as u16, weight: record.weight, z }
}

/// Each tree from its root: `i = 2i + 1 + [s >= 0]`.
#[cfg(feature = "fff")]
fn descend(record: &RouteRecord, rows: &Rows<'_>, x: &[i8], list: &mut List<'_>) {
    let &RouteRecord { depth, flags, .. } = record;
    let nodes = 1u32.wrapping_shl(depth).wrapping_sub(1);
    let leaves = nodes.wrapping_add(1);
    for tree in 0..record.count {
        let first = tree.wrapping_mul(nodes);
        let mut i = 0u32;
        for _ in 0..depth {
            let node = first.wrapping_add(i) as usize;
            let sum = rows.dot(node, x);
            if flags & route_flag::PATH != 0 {
                let z = if flags & route_flag::HAND_Z != 0 { sum } else { 0 };
                list.push(entry(record, node as u32, z));
            }
            let right = sum.wrapping_add(bias(rows.biases, node)) >= 0;
            i = i.wrapping_mul(2).wrapping_add(1).wrapping_add(right.into());
        }
        if flags & route_flag::PATH == 0 {
            list.push(entry(record, tree.wrapping_mul(leaves).wrapping_add(i).wrapping_sub(nodes), 0));
        }
    }
}
