//! Residual feed-forward blocks that follow each other as one wide block: `x + F1(x) + F2(x)` for `y + F2(y)`, `y = x + F1(x)` (FFN Fusion,
//! arXiv 2503.18908). On one core it saves the requantisations between them and nothing else.

use leafgate_convert::ir::{Activation, Graph, Op, Route, ValueId};

use super::residual::{Block, blocks, remove};
use crate::CompressError;
use crate::neurons::{Neurons, find};

pub fn run(graph: &mut Graph, layers: &[String]) -> Result<String, CompressError> {
    if layers.len() < 2 {
        let have = layers.len().to_string();
        return Err(CompressError::Figure { what: "the number of layers", want: "2 or more".into(), have });
    }
    let mut found: Vec<(Block, Neurons)> = Vec::new();
    for layer in layers {
        let first = find(graph, layer)?;
        let all = blocks(graph);
        let block = all.into_iter().find(|block| block.chain.len() == 2 && block.chain[0] == first);
        let block =
            block.ok_or_else(|| CompressError::unfit(layer, "does not begin a residual block of two dense layers"))?;
        let neurons = Neurons::of(graph, layer)?;
        if let Op::Linear { activation, .. } = graph.nodes[block.chain[1]].op
            && activation != Activation::None
        {
            return Err(CompressError::unfit(layer, "is in a block whose output has an activation"));
        }
        if let Some((before, other)) = found.last() {
            if block.x != graph.nodes[before.sum].output {
                return Err(CompressError::unfit(layer, "is in a block that does not follow the one before"));
            }
            if neurons.activation != other.activation {
                return Err(CompressError::unfit(layer, "has another activation than the block before"));
            }
        }
        found.push((block, neurons));
    }
    let all = |neurons: &Neurons| (0..neurons.count()).collect::<Vec<_>>();
    let mut ranges: Vec<_> = Vec::new();
    for (layer, (_, neurons)) in layers.iter().zip(&found) {
        let mut range = neurons.range(layer.clone(), &all(neurons));
        range.value_bias = neurons.value_bias.iter().map(|&bias| bias as f32).collect();
        ranges.push(range);
    }
    let count = ranges.len();
    let routes = vec![Route::Static { first: 0, count }];
    let sums: Vec<ValueId> = found.iter().map(|(block, _)| graph.nodes[block.sum].output).collect();
    // From the last: what goes leaves the indices before it as they are.
    for i in (1..found.len()).rev() {
        let block = &found[i].0;
        let mut nodes = block.chain.clone();
        nodes.push(block.sum);
        remove(graph, &nodes, sums[i], sums[i - 1]);
    }
    let (_, neurons) = found.swap_remove(0);
    neurons.into_ffn(graph, routes, ranges);
    Ok(format!("{} are one block of {count} ranges", layers.join(", ")))
}
