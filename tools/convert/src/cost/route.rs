//! ROUTE.

use super::lists::appended;
use super::work::Work;
use crate::reference::{Emit, Image, OpTrace, Route, RouteKind};

/// The work of a ROUTE whose list has `room` for that many entries, if that is known.
pub(super) fn route(op: &Route, image: &Image, room: Option<usize>, seen: Option<&OpTrace>) -> Result<Work, String> {
    let mut work = Work::default();
    work.add(if op.append { "route.append" } else { "route.empty" }, 1);
    let wanted = appended(op);
    let pushed = match seen {
        Some(seen) => seen.entries.len(),
        None => room.ok_or("a list that is not known to be emptied first")?.min(wanted),
    };
    work.add("route.push", pushed);
    work.add("route.full", wanted - pushed);
    match op.kind {
        RouteKind::Static { count } => {
            work.add("route.static", 1);
            work.add("route.static.range", count);
        }
        RouteKind::Tree { rows, trees, depth, emit } => {
            work.add("route.tree", 1);
            work.add("route.tree.root", trees);
            let visits = trees * depth as usize;
            work.line("route.node", rows.cols, visits);
            work.add("route.node.plain", if rows.bias.is_none() { visits } else { 0 });
            match emit {
                Emit::Leaf => work.add("route.leaf", trees),
                Emit::Path { hand_z } => work.add(if hand_z { "route.hand" } else { "route.path" }, visits),
            }
            match seen {
                Some(seen) => work.add("route.right", seen.seen.rights as usize),
                None => work.choose_piece(visits, &["route.right".into()]),
            }
        }
        RouteKind::Linear { rows, top, gate, .. } => {
            work.add("route.linear", 1);
            work.dot("route.score", rows.count, rows.cols, 1, rows.bias.is_some());
            work.add("route.score", rows.count);
            work.search("route.best", rows.count, top, seen.map(|seen| &seen.seen.largest));
            match gate {
                Some((rq, _)) => {
                    // The weight of an entry that the list has no room for is looked up as well.
                    let counts = work.requantise("route.gate", (&image.constants, rq), 0..1, top);
                    work.ends("route.gate", counts, seen.map(|seen| &seen.seen.outputs));
                }
                None => work.add("route.plain", top),
            }
        }
    }
    Ok(work)
}
