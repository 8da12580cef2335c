//! From the graph of ANDs and XORs to gates that take one instruction.
//!
//! A signal may be stored inverted. AND, OR, AND-NOT, OR-NOT and XOR then suffice for everything: of an AND with one inverted operand
//! either form may be stored, of any other the operands decide. Only an output must be stored as it is; there the complement of a
//! function is taken where it must be (one instruction more). A signal that is an output and is read by gates as well, or is an output
//! twice, is copied: so outputs of one function follow each other, whatever level they come from, and a gate takes seven instructions where
//! a series of its own would take fifty.

use super::xag::{Literal, Node, Xag};
use crate::ir::netlist::{Gate, Netlist};

/// Functions, as in `docs/graph-format.md`.
pub(super) mod function {
    pub const AND: u8 = 1;
    pub const AND_NOT: u8 = 2;
    pub const XOR: u8 = 6;
    pub const OR: u8 = 7;
    pub const NOR: u8 = 8;
    pub const OR_NOT: u8 = 11;
    /// The complement of any function.
    pub const ALL: u8 = 15;
}

/// The gates that `outputs` need, none of them constant. The inputs `used` are those that are read, in order; the netlist's are these.
pub(super) fn netlist(xag: &Xag, outputs: &[Literal]) -> (Netlist, Vec<usize>) {
    let mut is_needed = vec![false; xag.nodes.len()];
    let mut is_read = vec![false; xag.nodes.len()];
    // What an output wants of the node that it is.
    let mut wanted: Vec<Option<bool>> = vec![None; xag.nodes.len()];
    for output in outputs {
        // Of an output twice, both are copies.
        is_read[output.node()] |= is_needed[output.node()];
        is_needed[output.node()] = true;
        wanted[output.node()].get_or_insert(output.is_inverted());
    }
    for node in (0..xag.nodes.len()).rev() {
        if is_needed[node]
            && let Node::And(a, b) | Node::Xor(a, b) = xag.nodes[node]
        {
            for operand in [a.node(), b.node()] {
                (is_needed[operand], is_read[operand]) = (true, true);
            }
        }
    }
    let is_input = |node: usize| xag.nodes[node] == Node::Input;
    let used: Vec<usize> = (0..xag.nodes.len()).filter(|&node| is_needed[node] && is_input(node)).collect();
    let mut emitter = Emitter { netlist: Netlist { inputs: used.len(), ..Netlist::default() }, stored: Vec::new() };
    emitter.stored.resize(xag.nodes.len(), (0, false));
    for (signal, &node) in used.iter().enumerate() {
        emitter.stored[node] = (signal as u32, false);
    }
    for (node, &wanted) in wanted.iter().enumerate() {
        if is_needed[node] && !is_input(node) {
            emitter.emit(node, xag.nodes[node], wanted.filter(|_| !is_read[node]));
        }
    }
    for &output in outputs {
        let (signal, is_inverted) = emitter.stored[output.node()];
        let signal = if is_input(output.node()) || is_read[output.node()] {
            let function = if is_inverted == output.is_inverted() { function::OR } else { function::NOR };
            emitter.push(Gate { function, a: signal, b: signal })
        } else {
            signal
        };
        emitter.netlist.outputs.push(signal);
    }
    (emitter.netlist, used.into_iter().map(|node| node - 1).collect())
}

struct Emitter {
    netlist: Netlist,
    /// By node: its signal, and whether that is inverted.
    stored: Vec<(u32, bool)>,
}

impl Emitter {
    fn push(&mut self, gate: Gate) -> u32 {
        self.netlist.gates.push(gate);
        (self.netlist.inputs + self.netlist.gates.len() - 1) as u32
    }

    /// The gate of a node; it is stored inverted if that is wanted, or else as it takes one instruction.
    fn emit(&mut self, node: usize, what: Node, wanted: Option<bool>) {
        let (Node::And(l, r) | Node::Xor(l, r)) = what else { return };
        let [(a, not_a), (b, not_b)] = [l, r].map(|operand| {
            let (signal, is_inverted) = self.stored[operand.node()];
            (signal, is_inverted != operand.is_inverted())
        });
        let is_and = matches!(what, Node::And(..));
        let (function, a, b, is_inverted) = match (is_and, not_a, not_b) {
            (false, ..) => (function::XOR, a, b, not_a != not_b),
            (true, false, false) => (function::AND, a, b, false),
            (true, true, true) => (function::OR, a, b, true),
            // a & !b, or its complement b | !a.
            (true, false, true) if wanted == Some(true) => (function::OR_NOT, b, a, true),
            (true, true, false) if wanted == Some(true) => (function::OR_NOT, a, b, true),
            (true, false, true) => (function::AND_NOT, a, b, false),
            (true, true, false) => (function::AND_NOT, b, a, false),
        };
        let is_other = wanted.is_some_and(|wanted| wanted != is_inverted);
        let function = if is_other { function::ALL - function } else { function };
        let signal = self.push(Gate { function, a, b });
        self.stored[node] = (signal, is_inverted != is_other);
    }
}
