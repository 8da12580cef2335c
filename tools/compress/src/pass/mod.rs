//! The passes, one file each.

mod cut;
mod factor;
mod fuse;
mod moefy;
mod order;
mod prune;
mod residual;
mod smooth;

use leafgate_convert::ir::Graph;

use crate::random::Random;
use crate::{CompressError, Pass};

/// A graph after a pass.
pub struct Done {
    pub graph: Graph,
    /// What was done, in a sentence.
    pub what: String,
}

/// Applies one pass. The same seed gives the same graph.
pub fn apply(pass: &Pass, graph: &Graph, inputs: &[Vec<i8>], seed: u64) -> Result<Done, CompressError> {
    let mut after = graph.clone();
    let random = &mut Random::new(seed);
    let what = match pass {
        Pass::PruneChannels { layer, keep, score, refit } => {
            prune::channels(&mut after, inputs, layer, *keep, (*score, *refit), random)
        }
        Pass::Factor { layer, rank, method } => factor::run(&mut after, inputs, layer, *rank, *method, random),
        Pass::Moefy { layer, experts, active, shared, split, router, centre } => {
            let shape = moefy::Shape { experts: *experts, active: *active, shared: *shared };
            let choices = moefy::Choices { split: *split, router: *router, centre: *centre };
            moefy::run(&mut after, inputs, layer, &shape, &choices, random)
        }
        Pass::Order { layer } => order::run(&mut after, inputs, layer),
        Pass::Smooth { layer, strength } => smooth::run(&mut after, inputs, layer, *strength),
        Pass::Cut { blocks, random: at_random } => cut::run(&mut after, inputs, *blocks, at_random.then_some(random)),
        Pass::Fuse { layers } => fuse::run(&mut after, layers),
    };
    Ok(Done { what: what?, graph: after })
}

/// Refuses a figure outside its bounds.
fn bounded(what: &'static str, have: usize, least: usize, most: usize) -> Result<(), CompressError> {
    if (least..=most).contains(&have) {
        return Ok(());
    }
    Err(CompressError::Figure { what, want: format!("{least} to {most}"), have: have.to_string() })
}
