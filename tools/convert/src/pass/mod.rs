//! Passes over the float graph: fewer nodes, the same function.
//!
//! Each pass is a function of the graph that leaves [`crate::ir::eval::evaluate`] as it was, up to the rounding of
//! `f32`. They run in rounds until none finds anything. [`fold`] merges a node into its neighbour; [`dead_code`] drops what
//! nobody reads.
//!
//! [`gates`] makes one simplified netlist of layers of gates in arbitrary wiring.

pub mod dead_code;
pub mod fold;
pub mod gates;
mod interval;

use crate::ir::{Graph, Node, ValueId};
use std::fmt;

/// Something a pass did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The pass.
    pub pass: &'static str,
    /// The node it did it to.
    pub node: String,
    /// What, in words.
    pub what: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}` {}", self.pass, self.node, self.what)
    }
}

/// Everything the passes did, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassReport {
    /// Empty if the graph was as simple as it gets.
    pub changes: Vec<Change>,
    /// What became of gates in arbitrary wiring.
    pub gates: Vec<gates::GateReport>,
}

/// Runs every pass until none changes the graph.
pub fn run(graph: &mut Graph) -> PassReport {
    let mut report = PassReport::default();
    // Each change removes a node or a range, so this ends.
    loop {
        let before = report.changes.len();
        report.changes.extend(fold::run(graph));
        report.changes.extend(dead_code::run(graph));
        if report.changes.len() == before {
            break;
        }
    }
    report.gates = gates::run(graph);
    if !report.gates.is_empty() {
        // The layers that are now a netlist.
        dead_code::run(graph);
    }
    report
}

/// How many nodes read `value`; the graph's output counts as one more.
fn readers(graph: &Graph, value: ValueId) -> usize {
    let reads = graph.nodes.iter().flat_map(Node::reads).filter(|&read| read == value);
    reads.count() + usize::from(graph.output == value)
}

/// The node that writes `value`; none writes the input.
fn writer(graph: &Graph, value: ValueId) -> Option<usize> {
    graph.nodes.iter().position(|node| node.output == value)
}

/// Makes every reader of `from` read `to`.
fn redirect(graph: &mut Graph, from: ValueId, to: ValueId) {
    let swap = |id: &mut ValueId| {
        if *id == from {
            *id = to;
        }
    };
    for node in &mut graph.nodes {
        swap(&mut node.input);
        node.op.others_mut().iter_mut().for_each(swap);
    }
    swap(&mut graph.output);
}
