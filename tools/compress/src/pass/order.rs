//! Hidden neurons by falling importance. The order of neurons is free, so the integers stay the same; the first `m` of them are then
//! the best narrow network that a prefix can be (nested widths, MatFormer, arXiv 2310.07707).

use leafgate_convert::ir::Graph;

use crate::CompressError;
use crate::algebra::descending;
use crate::neurons::Neurons;

pub fn run(graph: &mut Graph, inputs: &[Vec<i8>], layer: &str) -> Result<String, CompressError> {
    let mut neurons = Neurons::of(graph, layer)?;
    let hidden = neurons.hidden(graph, inputs);
    let order = descending(&neurons.contributions(&hidden));
    neurons.select(&order);
    let moved = order.iter().enumerate().filter(|(i, j)| i != *j).count();
    neurons.into_layers(graph);
    Ok(format!("{moved} of {} neurons of `{layer}` moved", order.len()))
}
