//! A graph of ANDs and XORs whose edges may be inverted, in which no two nodes are the same.
//!
//! A node is simplified as it is made: constants, equal and opposite operands, and what two nodes together show, as in Brummayer and
//! Biere, "Local Two-Level And-Inverter Graph Minimization without Blowup" (2006), and the same for XOR. No rule makes more nodes
//! than it takes. On networks of random wiring a logic synthesiser finds no more than these find.

use std::collections::HashMap;

/// A node, or its inversion: twice the node's index, plus 1 if it is inverted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Literal(u32);

impl Literal {
    pub(super) const FALSE: Self = Self(0);
    pub(super) const TRUE: Self = Self(1);

    pub(super) fn node(self) -> usize {
        (self.0 >> 1) as usize
    }

    pub(super) fn is_inverted(self) -> bool {
        self.0 & 1 == 1
    }

    /// Inverted if `by` is set.
    pub(super) fn inverted(self, by: bool) -> Self {
        Self(self.0 ^ u32::from(by))
    }

    fn plain(self) -> Self {
        Self(self.0 & !1)
    }
}

impl std::ops::Not for Literal {
    type Output = Self;

    fn not(self) -> Self {
        self.inverted(true)
    }
}

/// A node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    /// Always 0: node 0.
    False,
    /// An input: those that follow.
    Input,
    /// Both.
    And(Literal, Literal),
    /// One of both; neither is inverted.
    Xor(Literal, Literal),
}

/// The graph. Operands come before what is made of them.
#[derive(Clone, Debug)]
pub(super) struct Xag {
    pub(super) nodes: Vec<Node>,
    known: HashMap<Node, Literal>,
}

impl Xag {
    pub(super) fn new(inputs: usize) -> Self {
        let mut nodes = vec![Node::False];
        nodes.resize(1 + inputs, Node::Input);
        Self { nodes, known: HashMap::new() }
    }

    pub(super) fn input(&self, i: usize) -> Literal {
        Literal(2 * (i as u32 + 1))
    }

    /// A gate of `docs/graph-format.md`.
    pub(super) fn gate(&mut self, function: u8, a: Literal, b: Literal) -> Literal {
        // The upper half of the table is the complement of a function in the lower half.
        let is_inverted = function > 7;
        let literal = match if is_inverted { 15 - function } else { function } {
            0 => Literal::FALSE,
            1 => self.and(a, b),
            2 => self.and(a, !b),
            3 => a,
            4 => self.and(!a, b),
            5 => b,
            6 => self.xor(a, b),
            _ => !self.and(!a, !b),
        };
        literal.inverted(is_inverted)
    }

    pub(super) fn and(&mut self, a: Literal, b: Literal) -> Literal {
        let (a, b) = (a.min(b), a.max(b));
        match (a, b) {
            (Literal::FALSE, _) => return Literal::FALSE,
            (Literal::TRUE, _) => return b,
            _ if a == b => return a,
            _ if a == !b => return Literal::FALSE,
            _ => {}
        }
        for (x, y) in [(a, b), (b, a)] {
            match (self.nodes[y.node()], y.is_inverted()) {
                (Node::And(p, q), false) => {
                    if x == p || x == q {
                        return y;
                    }
                    if x == !p || x == !q {
                        return Literal::FALSE;
                    }
                    if let (Node::And(r, s), is_inverted) = (self.nodes[x.node()], x.is_inverted())
                        && (p == !r || p == !s || q == !r || q == !s)
                    {
                        return if is_inverted { y } else { Literal::FALSE };
                    }
                }
                (Node::And(p, q), true) => {
                    if x == !p || x == !q {
                        return x;
                    }
                    if x == p {
                        return self.and(x, !q);
                    }
                    if x == q {
                        return self.and(x, !p);
                    }
                    if let (Node::And(r, s), true) = (self.nodes[x.node()], x.is_inverted())
                        && ((r == !p && s == !q) || (r == !q && s == !p))
                    {
                        return self.xor(p, q);
                    }
                }
                (Node::Xor(p, q), is_inverted) => {
                    // Of x and (p ^ q) one operand is known.
                    if x.plain() == p {
                        return self.and(x, q.inverted(!x.is_inverted()).inverted(is_inverted));
                    }
                    if x.plain() == q {
                        return self.and(x, p.inverted(!x.is_inverted()).inverted(is_inverted));
                    }
                }
                _ => {}
            }
        }
        self.find(Node::And(a, b))
    }

    pub(super) fn xor(&mut self, a: Literal, b: Literal) -> Literal {
        let is_inverted = a.is_inverted() != b.is_inverted();
        let (a, b) = (a.plain().min(b.plain()), a.plain().max(b.plain()));
        if a == b {
            return Literal::FALSE.inverted(is_inverted);
        }
        if a == Literal::FALSE {
            return b.inverted(is_inverted);
        }
        for (x, y) in [(a, b), (b, a)] {
            match self.nodes[y.node()] {
                Node::Xor(p, q) if x == p => return q.inverted(is_inverted),
                Node::Xor(p, q) if x == q => return p.inverted(is_inverted),
                // x ^ (x & q) is x & !q; x ^ (!x & q) is x | q.
                Node::And(p, q) | Node::And(q, p) if x == p => return self.and(x, !q).inverted(is_inverted),
                Node::And(p, q) | Node::And(q, p) if x == !p => return self.and(!x, !q).inverted(!is_inverted),
                _ => {}
            }
        }
        self.find(Node::Xor(a, b)).inverted(is_inverted)
    }

    /// The node, which is made if there is none like it.
    fn find(&mut self, node: Node) -> Literal {
        let next = Literal(2 * self.nodes.len() as u32);
        *self.known.entry(node).or_insert_with(|| {
            self.nodes.push(node);
            next
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of each node over four inputs, 16 bits; those of earlier nodes are known.
    fn extend(tables: &mut Vec<u16>, xag: &Xag) {
        const INPUTS: [u16; 4] = [0xAAAA, 0xCCCC, 0xF0F0, 0xFF00];
        for i in tables.len()..xag.nodes.len() {
            tables.push(match xag.nodes[i] {
                Node::False => 0,
                Node::Input => INPUTS[i - 1],
                Node::And(a, b) => of(tables, a) & of(tables, b),
                Node::Xor(a, b) => of(tables, a) ^ of(tables, b),
            });
        }
    }

    fn of(tables: &[u16], literal: Literal) -> u16 {
        tables[literal.node()] ^ if literal.is_inverted() { u16::MAX } else { 0 }
    }

    /// All gates of all pairs of what gates make of four inputs, twice over, then a random part of the third time: each rule, in each
    /// of its forms.
    #[test]
    fn every_rule_keeps_the_function() {
        let mut xag = Xag::new(4);
        let mut literals: Vec<Literal> = (0..4).map(|i| xag.input(i)).collect();
        literals.push(Literal::FALSE);
        let mut tables = Vec::new();
        extend(&mut tables, &xag);
        let mut check = |xag: &mut Xag, function: u8, a: Literal, b: Literal| {
            let made = xag.gate(function, a, b);
            extend(&mut tables, xag);
            let rows = [(3, !of(&tables, a) & !of(&tables, b)), (2, !of(&tables, a) & of(&tables, b))];
            let rows =
                rows.into_iter().chain([(1, of(&tables, a) & !of(&tables, b)), (0, of(&tables, a) & of(&tables, b))]);
            let want = rows.filter(|(bit, _)| function >> bit & 1 == 1).fold(0, |want, (_, row)| want | row);
            assert_eq!(of(&tables, made), want, "{function} of {a:?} and {b:?}");
            made
        };
        for _ in 0..2 {
            let before = literals.clone();
            for (i, &a) in before.iter().enumerate() {
                for &b in &before[i..] {
                    literals.extend((0..16).map(|function| check(&mut xag, function, a, b)));
                }
            }
            literals.sort_unstable();
            literals.dedup();
        }
        assert!(literals.len() > 1000);
        let mut state = 1u64;
        for _ in 0..200_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let [a, b] = [state >> 42, state >> 20 & 0x3F_FFFF].map(|n| literals[n as usize % literals.len()]);
            check(&mut xag, (state >> 60) as u8, a, b);
        }
    }

    #[test]
    fn an_exclusive_or_made_of_ands_is_one_node() {
        let mut xag = Xag::new(2);
        let (a, b) = (xag.input(0), xag.input(1));
        let (both, neither) = (xag.and(a, b), xag.and(!a, !b));
        let xor = xag.and(!both, !neither);
        assert_eq!(xag.nodes[xor.node()], Node::Xor(a, b));
        assert_eq!(xag.xor(!b, a), !xor);
    }
}
