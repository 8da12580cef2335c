//! Residual blocks: `y = x + F(x)`, `F` being a chain of nodes.

use leafgate_convert::ir::{Graph, Node, Op, ValueId};

/// A block by its nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What it reads.
    pub x: ValueId,
    /// The nodes of `F`, in order.
    pub chain: Vec<usize>,
    /// The addition.
    pub sum: usize,
}

/// The residual blocks of a graph, in order.
pub fn blocks(graph: &Graph) -> Vec<Block> {
    let find = |(sum, node): (usize, &Node)| {
        let Op::Add { second } = node.op else { return None };
        // Either summand may be the one that goes past.
        chain(graph, sum, node.input, second)
            .map(|chain| Block { x: second, chain, sum })
            .or_else(|| chain(graph, sum, second, node.input).map(|chain| Block { x: node.input, chain, sum }))
    };
    graph.nodes.iter().enumerate().filter_map(find).collect()
}

/// The nodes from `x` to `end`, each read by the next alone.
fn chain(graph: &Graph, sum: usize, end: ValueId, x: ValueId) -> Option<Vec<usize>> {
    let mut nodes = Vec::new();
    let (mut value, mut reader) = (end, sum);
    while value != x {
        let index = graph.nodes.iter().position(|node| node.output == value)?;
        let alone =
            graph.nodes.iter().enumerate().all(|(i, node)| i == reader || !node.reads().any(|read| read == value));
        if !alone || graph.output == value || !graph.nodes[index].op.others().is_empty() {
            return None;
        }
        nodes.push(index);
        (value, reader) = (graph.nodes[index].input, index);
    }
    nodes.reverse();
    (!nodes.is_empty()).then_some(nodes)
}

/// Takes the nodes out; what read `from` reads `to`.
pub fn remove(graph: &mut Graph, nodes: &[usize], from: ValueId, to: ValueId) {
    let mut index = 0;
    graph.nodes.retain(|_| {
        index += 1;
        !nodes.contains(&(index - 1))
    });
    for node in &mut graph.nodes {
        if node.input == from {
            node.input = to;
        }
        for other in node.op.others_mut() {
            if *other == from {
                *other = to;
            }
        }
    }
    if graph.output == from {
        graph.output = to;
    }
}
