//! ROUTE: which ranges an FFN evaluates.

use leafgate_image::{ListEntry, RouteRecord, route, route_flag};
use zerocopy::transmute_ref;

use crate::frame::{Frame, List, Requants, Rows, bias, cast, words, words_of};
use crate::ops::next_best;
use crate::output::Values;

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &RouteRecord) -> Option<()> {
    let Frame { view, x, parts: [list, scores, ..], .. } = frame;
    let (x, scores) = (cast::<i8>(x), words_of(scores));
    let mut list = List::new(list);
    if record.flags & route_flag::APPEND == 0 {
        list.clear();
    }
    let mut push = |range: u32, weight, z| {
        list.push(ListEntry { range: record.first.wrapping_add(range) as u16, weight, z });
    };
    // Fixed ranges are trees without nodes; only a router has scores.
    let depth = if cfg!(feature = "fff") { record.depth } else { 0 };
    let nodes = if scores.is_empty() { 1u32.wrapping_shl(depth).wrapping_sub(1) } else { 1 };
    let mut rows = Rows::new(view, (record.weights, record.bias), record.count.wrapping_mul(nodes), record.cols);

    if cfg!(feature = "sparse") {
        for (e, score) in scores.iter_mut().enumerate() {
            *score = rows.next(e, x);
        }
    }
    if cfg!(feature = "sparse") && record.kind == route::LINEAR {
        let gate_rq = Requants::new(view, record.gate_rq, false, 1);
        let table: Option<&[i32; 128]> = words(view, record.gate_table, 128).first_chunk();
        let mut last = i64::MAX;
        for _ in 0..record.depth {
            last = next_best(Values::I32(scores), last);
            let (e, score) = (i32::MAX ^ last as i32, (last >> 32) as i32);
            let weight = table.map_or(record.weight, |table| {
                let table: &[u16; 256] = transmute_ref!(table);
                table[(i32::from(gate_rq.apply(0, score)) + 128) as usize & 255]
            });
            push(e as u32, weight, 0);
        }
        return Some(());
    }
    for tree in 0..record.count {
        // Each tree from its root: `i = 2i + 1 + [s >= 0]`.
        let root = tree.wrapping_mul(nodes);
        let mut i = 0u32;
        for _ in 0..depth {
            let node = root.wrapping_add(i);
            let sum = rows.sum(node as usize, x);
            if record.flags & route_flag::PATH != 0 {
                // What is handed on has no bias in it.
                let product = sum.wrapping_sub(bias(rows.biases, node as usize));
                push(node, record.weight, if record.flags & route_flag::HAND_Z != 0 { product } else { 0 });
            }
            i = i.wrapping_mul(2).wrapping_add(1).wrapping_add((sum >= 0).into());
        }
        if record.flags & route_flag::PATH == 0 {
            // Each tree has one leaf more than nodes.
            push(root.wrapping_add(tree).wrapping_add(i).wrapping_sub(nodes), record.weight, 0);
        }
    }
    Some(())
}
