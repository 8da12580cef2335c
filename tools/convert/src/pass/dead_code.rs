//! Drops what nobody reads: nodes, values, and the ranges of an FFN that no route can reach. Which leaf a tree reaches depends on the
//! input, so every leaf of a tree counts as reached.

use super::{Change, readers};
use crate::ir::{Graph, Op, Range, Route, Value, ValueId};

/// Drops everything dead; returns what it did.
pub fn run(graph: &mut Graph) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut change = |node: &str, what: String| {
        let (pass, node) = ("dead code", node.to_owned());
        changes.push(Change { pass, node, what });
    };
    // Backwards: a node may be read only by dead ones after it.
    for index in (0..graph.nodes.len()).rev() {
        if readers(graph, graph.nodes[index].output) == 0 {
            let node = graph.nodes.remove(index);
            change(&node.name, "was read by nobody".into());
        }
    }
    for node in &mut graph.nodes {
        if let Op::Ffn { routes, ranges, .. } = &mut node.op {
            let dead = unreachable_ranges(routes, ranges);
            if !dead.is_empty() {
                change(&node.name, format!("had ranges that no route reaches: {}", dead.join(", ")));
            }
        }
    }
    compact_values(graph);
    changes
}

/// Removes the ranges that no route reaches and renumbers the others; returns their names.
fn unreachable_ranges(routes: &mut [Route], ranges: &mut Vec<Range>) -> Vec<String> {
    let mut reached = vec![false; ranges.len()];
    for route in &*routes {
        let (first, count) = route.span();
        reached[first..first + count].fill(true);
    }
    // A route's ranges are contiguous and all reached, so they stay contiguous.
    let renumbered = |first: usize| reached[..first].iter().filter(|reached| **reached).count();
    for route in routes {
        match route {
            Route::Static { first, .. } | Route::Tree { first, .. } | Route::TopK { first, .. } => {
                *first = renumbered(*first)
            }
        }
    }
    let mut index = 0;
    let mut dead = Vec::new();
    ranges.retain(|range| {
        let keep = reached[index];
        index += 1;
        if !keep {
            dead.push(range.name.clone());
        }
        keep
    });
    dead
}

/// Removes the values that no node writes, except the input, and renumbers the others.
fn compact_values(graph: &mut Graph) {
    let mut number: Vec<Option<ValueId>> = vec![None; graph.values.len()];
    let mut kept: Vec<Value> = Vec::new();
    for (id, value) in std::mem::take(&mut graph.values).into_iter().enumerate() {
        let written = graph.nodes.iter().any(|node| node.output == ValueId(id));
        if written || ValueId(id) == Graph::INPUT {
            number[id] = Some(ValueId(kept.len()));
            kept.push(value);
        }
    }
    graph.values = kept;
    let renumber = |id: &mut ValueId| {
        if let Some(new) = number[id.0] {
            *id = new;
        }
    };
    for node in &mut graph.nodes {
        renumber(&mut node.input);
        renumber(&mut node.output);
        node.op.others_mut().iter_mut().for_each(renumber);
    }
    renumber(&mut graph.output);
}
