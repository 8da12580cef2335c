//! Hidden neurons taken out whole.
//!
//! The score is what a neuron contributes, as Wanda (arXiv 2306.11695) judges weights and LoRAP (arXiv 2404.09695) channels: activation
//! times weight. What the neurons that go gave on average goes into the output bias; with `refit` the values of those that stay are fitted
//! to the old output by least squares.

use leafgate_convert::ir::Graph;

use super::bounded;
use crate::algebra::{descending, least_squares, means, with_ones};
use crate::neurons::Neurons;
use crate::random::Random;
use crate::{ChannelScore, CompressError};

pub fn channels(
    graph: &mut Graph,
    inputs: &[Vec<i8>],
    layer: &str,
    keep: usize,
    (score, refit): (ChannelScore, bool),
    random: &mut Random,
) -> Result<String, CompressError> {
    let mut neurons = Neurons::of(graph, layer)?;
    let count = neurons.count();
    bounded("keep", keep, 1, count)?;
    let hidden = neurons.hidden(graph, inputs);
    let order = match score {
        ChannelScore::Contribution => descending(&neurons.contributions(&hidden)),
        ChannelScore::Magnitude => {
            let norms = |j: usize| neurons.keys.row(j).norm() * neurons.values.row(j).norm();
            descending(&(0..count).map(norms).collect::<Vec<_>>())
        }
        ChannelScore::Random => random.order(count),
    };
    // In their old order, so that the same neurons give the same network.
    let mut stay = order[..keep].to_vec();
    stay.sort_unstable();
    let output = &hidden * &neurons.values;
    let averages = means(&hidden);
    for &j in &order[keep..] {
        for (r, bias) in neurons.value_bias.iter_mut().enumerate() {
            *bias += averages[j] * neurons.values[(j, r)];
        }
    }
    let old_bias = Neurons::of(graph, layer)?.value_bias;
    neurons.select(&stay);
    if refit && let Some(fitted) = least_squares(&with_ones(&hidden.select_columns(&stay)), &output) {
        neurons.values = fitted.rows(0, keep).into_owned();
        neurons.value_bias = old_bias.iter().zip(fitted.row(keep).iter()).map(|(old, more)| old + more).collect();
    }
    neurons.into_layers(graph);
    Ok(format!("{} of {count} neurons of `{layer}` taken out", count - keep))
}
