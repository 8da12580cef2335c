//! Residual blocks taken out whole, one after the other, whichever changes the distribution of classes least (FinerCut, arXiv 2405.18218:
//! greedy, by the Jensen-Shannon divergence of the output).

use leafgate_convert::ir::Graph;
use leafgate_convert::ir::eval::Evaluator;

use super::residual::{Block, blocks, remove};
use crate::CompressError;
use crate::random::Random;

pub fn run(
    graph: &mut Graph,
    inputs: &[Vec<i8>],
    count: usize,
    mut random: Option<&mut Random>,
) -> Result<String, CompressError> {
    let have = removable(graph).len();
    if count == 0 || count > have {
        return Err(CompressError::Blocks { want: count.max(1), have });
    }
    let original = distributions(graph, inputs);
    let mut names = Vec::new();
    for _ in 0..count {
        let candidates = removable(graph);
        let without = |block: &Block| {
            let mut graph = graph.clone();
            take_out(&mut graph, block);
            graph
        };
        let block = match &mut random {
            Some(random) => candidates.get(random.below(candidates.len())).cloned(),
            None => {
                let divergence = |block: &Block| {
                    let now = distributions(&without(block), inputs);
                    original.iter().zip(&now).map(|(p, q)| jensen_shannon(p, q)).sum::<f64>()
                };
                let scored = candidates.iter().map(|block| (divergence(block), block));
                scored.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, block)| block.clone())
            }
        };
        // As many as there were: taking one out leaves the others.
        let Some(block) = block else { return Err(CompressError::Blocks { want: count, have }) };
        names.push(format!("`{}`", graph.nodes[block.chain[0]].name));
        take_out(graph, &block);
    }
    Ok(format!("{} taken out", names.join(", ")))
}

/// Blocks whose removal leaves a network: an input cannot be the output.
fn removable(graph: &Graph) -> Vec<Block> {
    let whole = |block: &Block| !(block.x == Graph::INPUT && graph.output == graph.nodes[block.sum].output);
    blocks(graph).into_iter().filter(whole).collect()
}

fn take_out(graph: &mut Graph, block: &Block) {
    let from = graph.nodes[block.sum].output;
    let mut nodes = block.chain.clone();
    nodes.push(block.sum);
    remove(graph, &nodes, from, block.x);
}

/// The softmax of the output on each input.
fn distributions(graph: &Graph, inputs: &[Vec<i8>]) -> Vec<Vec<f64>> {
    let mut evaluator = Evaluator::new(graph);
    let softmax = |scores: &[f32]| {
        let peak = scores.iter().copied().fold(f32::MIN, f32::max);
        let shares: Vec<f64> = scores.iter().map(|&score| f64::from(score - peak).exp()).collect();
        let sum: f64 = shares.iter().sum();
        shares.into_iter().map(|share| share / sum).collect()
    };
    inputs.iter().map(|input| softmax(evaluator.run(input, &mut ()))).collect()
}

fn jensen_shannon(p: &[f64], q: &[f64]) -> f64 {
    let towards_middle = |a: f64, b: f64| if a > 0.0 { a * (2.0 * a / (a + b)).ln() } else { 0.0 };
    p.iter().zip(q).map(|(&p, &q)| (towards_middle(p, q) + towards_middle(q, p)) / 2.0).sum()
}
