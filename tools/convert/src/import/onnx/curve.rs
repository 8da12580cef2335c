//! Curves that exporters write in pieces: GELU as `x * (1 + erf(x / sqrt(2))) / 2`, SiLU as `x * sigmoid(x)`, hard swish as
//! `x * hard_sigmoid(x)`.
//!
//! The order of the factors and of the constants differs from exporter to exporter, so the pieces are not matched one by one: where both
//! factors of a product are functions of one vector, number by number, their product is computed at many points and compared with the
//! known curves.

use super::chain::{Chain, Kind};
use crate::ir::Activation;

/// Pieces of a factor.
const MAX_PIECES: usize = 8;

/// `gain * activation(x)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Curve {
    pub(super) activation: Activation,
    pub(super) gain: f32,
    /// The vector that it is of.
    pub(super) input: usize,
}

/// The curve that the product of vectors `a` and `b` is, if it is one.
pub(super) fn of_product(chain: &Chain, a: usize, b: usize) -> Option<Curve> {
    let (of_a, of_b) = (ancestors(chain, a), ancestors(chain, b));
    let input = *of_a.iter().find(|id| of_b.contains(id))?;
    let points: Vec<(f32, f64)> = (-64..=64)
        .map(|i| {
            let x = i as f32 / 8.0;
            (x, value(chain, a, input, x) * value(chain, b, input, x))
        })
        .collect();
    [Activation::Gelu, Activation::Silu, Activation::HardSwish].into_iter().find_map(|activation| {
        // At 8 all three are 8 or nearly so; exporters' gains are halves and ones.
        let gain = (points.last()?.1 / f64::from(activation.of(8.0)) * 1024.0).round() / 1024.0;
        let is_near = |&(x, y): &(f32, f64)| (y - gain * f64::from(activation.of(x))).abs() <= 1e-5 * gain.abs();
        (gain.is_normal() && points.iter().all(is_near)).then_some(Curve { activation, gain: gain as f32, input })
    })
}

/// `id` and the vectors that it is a function of, number by number, from the nearest on.
fn ancestors(chain: &Chain, id: usize) -> Vec<usize> {
    let mut ids = vec![id];
    while let Some(step) = ids.last().and_then(|&id| chain.writer(id))
        && ids.len() <= MAX_PIECES
        && is_pointwise(&step.kind)
    {
        ids.push(step.input);
    }
    ids
}

fn is_pointwise(kind: &Kind) -> bool {
    match kind {
        Kind::Map(_) => true,
        Kind::Affine { gain, bias } => gain.len() == 1 && bias.len() == 1,
        _ => false,
    }
}

/// The number of vector `id` where that of `input`, one of its ancestors, is `x`.
fn value(chain: &Chain, id: usize, input: usize, x: f32) -> f64 {
    let mut pieces = Vec::new();
    let mut at = id;
    while at != input
        && let Some(step) = chain.writer(at)
    {
        pieces.push(&step.kind);
        at = step.input;
    }
    pieces.iter().rev().fold(f64::from(x), |x, piece| match piece {
        Kind::Map(function) => function.of(x as f32).into(),
        Kind::Affine { gain, bias } => f64::from(gain[0]) * x + f64::from(bias[0]),
        _ => x,
    })
}
