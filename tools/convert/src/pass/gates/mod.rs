//! Simplifies gates of arbitrary wiring: all layers from the thresholds to the group sum become one netlist.
//!
//! Constants, wires, inverters, duplicates and gates that nothing reads are gone from it; so are thresholds that no admissible input
//! crosses, that are the same as another, or that nothing reads. A group sum counts a multiset: constants, and signals beside their own
//! inversion, become part of the group's bias; of a signal that counts twice the second is a copy. Word wiring keeps its words, in
//! which a gate costs a tenth; where both meet, the words become single gates.

mod emit;
mod xag;

use std::collections::HashMap;

use super::{interval, writer};
use crate::ir::netlist::Netlist;
use crate::ir::{Graph, Node, Op, Value, ValueId, ValueKind, Wiring};
use emit::function;
use xag::{Literal, Xag};

/// What became of the gates between thresholds and a group sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateReport {
    /// The last layer of gates.
    pub layer: String,
    /// Layers of gates before, and gates on the longest way now.
    pub layers: [usize; 2],
    /// Gates before and now.
    pub gates: [usize; 2],
    /// Of those before: constants, wires and inverters.
    pub idle: [usize; 3],
    /// Of those now: AND, AND-NOT, OR, OR-NOT, XOR, complements of these, and copies of signals that are outputs and more.
    pub kinds: [usize; 7],
    /// Input bits before and now.
    pub inputs: [usize; 2],
    /// Bits summed before and now.
    pub outputs: [usize; 2],
}

/// Simplifies every chain of gates that is not in word wiring throughout.
pub(super) fn run(graph: &mut Graph) -> Vec<GateReport> {
    let mut reports = Vec::new();
    let mut index = 0;
    while index < graph.nodes.len() {
        if let Some(Simplified { nodes, values, report }) = simplify(graph, index) {
            index += nodes.len() - 1;
            graph.values.extend(values);
            let at = graph.nodes.len().min(index + 1 - nodes.len());
            graph.nodes.splice(at..=at, nodes);
            reports.push(report);
        }
        index += 1;
    }
    reports
}

struct Simplified {
    /// Thresholds, netlist and group sum, in the place of the group sum.
    nodes: Vec<Node>,
    /// What the first two write.
    values: Vec<Value>,
    report: GateReport,
}

/// The group sum at `index` and what leads to it, if gates of arbitrary wiring do.
fn simplify(graph: &Graph, index: usize) -> Option<Simplified> {
    let sum = &graph.nodes[index];
    let Op::GroupSum { bounds, bias, tau } = &sum.op else { return None };
    let (bits, layers) = chain(graph, sum.input)?;
    let Op::Bits { feature, threshold } = &bits.op else { return None };
    let last = layers.last()?;

    let mut xag = Xag::new(feature.len());
    let thresholds = inputs(graph, bits, feature, threshold, &xag);
    let mut values = thresholds.clone();
    let mut report = GateReport { layer: last.name.clone(), layers: [layers.len(), 0], ..GateReport::default() };
    for layer in &layers {
        let Op::Gates { wiring, gate } = &layer.op else { return None };
        values = apply(&mut xag, wiring, gate, &values);
        report.gates[0] += gate.len();
        for (count, ids) in report.idle.iter_mut().zip([[0, 15], [3, 5], [10, 12]]) {
            *count += gate.iter().filter(|id| ids.contains(id)).count();
        }
    }
    let (mut outputs, mut sums, mut new_bounds) = (Vec::new(), bias.clone(), vec![0]);
    for (k, bias) in sums.iter_mut().enumerate() {
        let (counted, constant) = count(&values[bounds[k] as usize..bounds[k + 1] as usize]);
        outputs.extend(counted);
        *bias += constant as f32;
        new_bounds.push(outputs.len() as u32);
    }
    report.outputs = [values.len(), outputs.len()];
    let (mut netlist, mut used) = emit::netlist(&xag, &outputs);
    if used.is_empty() {
        // A vector of bits has at least one.
        (netlist.inputs, used) = (1, vec![0]);
    }
    order_outputs(&mut netlist, &new_bounds);
    report.inputs = [feature.len(), used.len()];
    report.gates[1] = netlist.gates.len();
    report.layers[1] = netlist.levels().into_iter().max().unwrap_or(0) as usize;
    for gate in &netlist.gates {
        let plain = [function::AND, function::AND_NOT, function::OR, function::OR_NOT, function::XOR];
        let kind = plain.into_iter().position(|function| function == gate.function).unwrap_or(5);
        report.kinds[if gate.a == gate.b { 6 } else { kind }] += 1;
    }

    let [read, made] = [graph.values.len(), graph.values.len() + 1].map(ValueId);
    let value = |id: ValueId, len| Value { name: graph.value(id).name.clone(), len, kind: ValueKind::Bits };
    let values = vec![value(bits.output, used.len()), value(last.output, netlist.outputs.len())];
    let thresholds = Op::Bits {
        feature: used.iter().map(|&i| feature[i]).collect(),
        threshold: used.iter().map(|&i| threshold[i]).collect(),
    };
    let node = |name: &str, op, input, output| Node { name: name.to_owned(), op, input, output };
    let nodes = vec![
        node(&bits.name, thresholds, bits.input, read),
        node(&last.name, Op::Netlist(netlist), read, made),
        node(&sum.name, Op::GroupSum { bounds: new_bounds, bias: sums, tau: *tau }, made, sum.output),
    ];
    Some(Simplified { nodes, values, report })
}

/// The thresholds and the layers of gates that make `value`, if not all of these are in word wiring.
fn chain(graph: &Graph, mut value: ValueId) -> Option<(&Node, Vec<&Node>)> {
    let mut layers = Vec::new();
    let bits = loop {
        let node = &graph.nodes[writer(graph, value)?];
        match &node.op {
            Op::Gates { .. } => layers.push(node),
            Op::Bits { .. } => break node,
            _ => return None,
        }
        value = node.input;
    };
    layers.reverse();
    let is_free = |node: &&Node| matches!(node.op, Op::Gates { wiring: Wiring::Gathered { .. }, .. });
    layers.iter().any(is_free).then_some((bits, layers))
}

/// A literal for each threshold: equal ones are one, and those that no admissible input crosses are constant.
fn inputs(graph: &Graph, bits: &Node, feature: &[u32], threshold: &[f32], xag: &Xag) -> Vec<Literal> {
    let bounds = interval::bounds(graph);
    let mut known = HashMap::new();
    let one = |(i, (&feature, &threshold)): (usize, (&u32, &f32))| {
        if let Some(bounds) = &bounds {
            let (low, high) = bounds[bits.input.0][feature as usize];
            // Bounds of the network's input are exact; others are bounds of sums that round.
            if bits.input == Graph::INPUT && high <= f64::from(threshold) {
                return Literal::FALSE;
            }
            if bits.input == Graph::INPUT && low > f64::from(threshold) {
                return Literal::TRUE;
            }
        }
        // Plus 0 makes one of both zeros.
        *known.entry((feature, (threshold + 0.0).to_bits())).or_insert_with(|| xag.input(i))
    };
    feature.iter().zip(threshold).enumerate().map(one).collect()
}

/// A layer of gates on `x`. Lanes past the end of the input read 0.
fn apply(xag: &mut Xag, wiring: &Wiring, gate: &[u8], x: &[Literal]) -> Vec<Literal> {
    let read = |index: usize| x.get(index).copied().unwrap_or(Literal::FALSE);
    let operands = |i: usize| match wiring {
        Wiring::Word { a_word, a_rot, b_word, b_rot } => {
            let (word, lane) = (i / 32, i % 32);
            [(a_word, a_rot), (b_word, b_rot)]
                .map(|(of, by)| read(32 * of[word] as usize + (lane + by[word] as usize) % 32))
        }
        Wiring::Gathered { a, b } => [a[i], b[i]].map(|index| read(index as usize)),
    };
    gate.iter()
        .enumerate()
        .map(|(i, &function)| {
            let [a, b] = operands(i);
            xag.gate(function, a, b)
        })
        .collect()
}

/// What is left to count of a group, and the ones among the constants: a signal and its inversion are one together.
fn count(group: &[Literal]) -> (Vec<Literal>, usize) {
    let mut left: Vec<Literal> = Vec::new();
    let mut ones = 0;
    let mut sorted = group.to_vec();
    // An inversion follows its node.
    sorted.sort_unstable();
    for literal in sorted {
        if literal == Literal::TRUE {
            ones += 1;
        } else if literal != Literal::FALSE {
            if literal.is_inverted() && left.last() == Some(&!literal) {
                left.pop();
                ones += 1;
            } else {
                left.push(literal);
            }
        }
    }
    (left, ones)
}

/// Outputs of a group in the order in which gates of one function follow each other; the last function of a group is the first of the
/// next.
fn order_outputs(netlist: &mut Netlist, bounds: &[u32]) {
    let mut outputs = std::mem::take(&mut netlist.outputs);
    for (k, group) in bounds.windows(2).enumerate() {
        outputs[group[0] as usize..group[1] as usize].sort_by_key(|&signal| {
            let function = netlist.gates[signal as usize - netlist.inputs].function;
            (if k % 2 == 0 { function } else { u8::MAX - function }, signal)
        });
    }
    netlist.outputs = outputs;
}
