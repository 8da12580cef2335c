//! ROUTE: which ranges an FFN evaluates.

use leafgate_image::{ListEntry, RouteRecord, route, route_flag};
use leafgate_kernels::dot;

use crate::frame::{Frame, List, bias, cast, cast_mut, constants, requant};
#[cfg(feature = "sparse")]
use crate::ops::top_k;

pub(crate) fn is_supported(kind: u8) -> bool {
    match kind {
        route::STATIC => true,
        route::TREE => cfg!(feature = "fff"),
        _ => cfg!(feature = "sparse"),
    }
}

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &RouteRecord) -> Option<()> {
    let (view, input) = (frame.view, frame.input);
    let [list, scores, x] = frame.split([record.list, record.scores, record.input]);
    let x = cast::<i8>(Frame::source(input, x));
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
            let rows = record.count.wrapping_mul(nodes);
            let weights = constants::<i8>(view, record.weights, rows.wrapping_mul(record.cols));
            descend(record, weights, constants(view, record.bias, rows), x, &mut list)
        }
        #[cfg(feature = "sparse")]
        _ => {
            let weights = constants::<i8>(view, record.weights, record.count.wrapping_mul(record.cols));
            let scores = cast_mut::<i32>(scores);
            score(weights, constants(view, record.bias, record.count), x, scores)?;
            let gate_rq = constants(view, record.gate_rq, 1);
            let table = constants::<u16>(view, record.gate_table, 256);
            top_k(scores, record.depth, |e, score| {
                let mut entry = entry(record, e, 0);
                if let Some(rq) = requant(gate_rq, 0) {
                    entry.weight = table.get((i32::from(rq.apply(score)) + 128) as usize).copied().unwrap_or(0);
                }
                list.push(entry);
            });
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
fn descend(record: &RouteRecord, weights: &[i8], biases: &[i32], x: &[i8], list: &mut List<'_>) -> Option<()> {
    let &RouteRecord { depth, flags, .. } = record;
    let nodes = 1u32.wrapping_shl(depth).wrapping_sub(1);
    let leaves = nodes.wrapping_add(1);
    for tree in 0..record.count {
        let first = tree.wrapping_mul(nodes);
        let mut i = 0u32;
        for _ in 0..depth {
            let node = first.wrapping_add(i) as usize;
            let row = weights.get(node.wrapping_mul(x.len())..)?.get(..x.len())?;
            let sum = dot(row, x);
            if flags & route_flag::PATH != 0 {
                let z = if flags & route_flag::HAND_Z != 0 { sum } else { 0 };
                list.push(entry(record, node as u32, z));
            }
            let right = sum.wrapping_add(bias(biases, node)) >= 0;
            i = i.wrapping_mul(2).wrapping_add(1).wrapping_add(right.into());
        }
        if flags & route_flag::PATH == 0 {
            list.push(entry(record, tree.wrapping_mul(leaves).wrapping_add(i).wrapping_sub(nodes), 0));
        }
    }
    Some(())
}

#[cfg(feature = "sparse")]
fn score(weights: &[i8], biases: &[i32], x: &[i8], scores: &mut [i32]) -> Option<()> {
    let mut rest = weights;
    for (e, score) in scores.iter_mut().enumerate() {
        let (row, tail) = rest.split_at_checked(x.len())?;
        rest = tail;
        *score = dot(row, x).wrapping_add(bias(biases, e));
    }
    Some(())
}
