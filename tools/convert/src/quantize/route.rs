//! Routes: trees whose comparisons are exact, routers whose scores share one scale.

use leafgate_image::ONE_Q15;

use super::integer::{Dtype, IntOp, IntSelector, TensorId};
use super::number::{bias_i32, peak, requant, weight_scale, weights_i8};
use super::{Quantizer, folded_bias, real_bias};
use crate::ConvertError;
use crate::ir::{Activation, Emit, GateWeight, Matrix, Node, Route};

impl Quantizer<'_> {
    /// Emits the ROUTE ops of an FFN; no list if a single static route takes every range.
    pub(super) fn routes(
        &mut self,
        node: &Node,
        input: TensorId,
        routes: &[Route],
        ranges: usize,
    ) -> Result<Option<TensorId>, ConvertError> {
        if let [Route::Static { first: 0, count }] = routes
            && *count == ranges
        {
            return Ok(None);
        }
        let capacity = routes.iter().map(entries).sum();
        let list = self.scratch(format!("{} list", node.name), Dtype::List, capacity);
        for (i, route) in routes.iter().enumerate() {
            let (selector, scores) = self.selector(node, input, route)?;
            let input = if matches!(selector, IntSelector::Static { .. }) { None } else { Some(input) };
            self.push(node, IntOp::Route { input, list, append: i > 0, selector, scores });
        }
        Ok(Some(list))
    }

    fn selector(
        &mut self,
        node: &Node,
        input: TensorId,
        route: &Route,
    ) -> Result<(IntSelector, Option<TensorId>), ConvertError> {
        let x = self.out.tensor(input).clone();
        match route {
            Route::Static { first, count } => Ok((IntSelector::Static { first: *first, count: *count }, None)),
            Route::Tree { trees, levels, weight, bias, strict, emit, first } => {
                let place = format!("layer `{}`, tree", node.name);
                let (weights, bias) = tree_rows(&place, weight, bias, *strict, x.scale, x.zero_point)?;
                let path = *emit == Emit::Path;
                let (trees, levels, first) = (*trees, *levels, *first);
                Ok((IntSelector::Tree { trees, levels, weights, bias, path, first }, None))
            }
            Route::TopK { weight, bias, k, gate, first } => {
                let place = format!("layer `{}`, router", node.name);
                let widest = bias.iter().fold(0.0, |widest: f64, b| widest.max(f64::from(b.abs())));
                let scale = weight_scale(peak(&weight.data), widest, x.scale);
                let weights: Vec<i8> = weights_i8(&weight.data, scale).collect();
                let bias = folded_bias(&place, &weights, bias, |_| scale * x.scale, x.zero_point)?;
                let gate = match gate {
                    GateWeight::One => None,
                    GateWeight::Sigmoid => {
                        let seen = self.interval(&self.calibration.scores, &node.name)?;
                        // Steps of at least 1/127, so that scores near zero do not ask for an absurd factor.
                        let step = seen.magnitude().max(1.0) / 127.0;
                        let table = (-128..=127).map(|q| {
                            let weight = Activation::Sigmoid.of((f64::from(q) * step) as f32);
                            (f64::from(weight) * f64::from(ONE_Q15)).round() as u16
                        });
                        Some((requant(&place, scale * x.scale / step, 0.0, -128, 127)?, table.collect()))
                    }
                };
                let name = format!("{} scores", node.name);
                let scores = self.new_i32(name, weight.rows, scale * x.scale);
                Ok((IntSelector::TopK { weights, bias, k: *k, gate, first: *first }, Some(scores)))
            }
        }
    }
}

/// Entries that a route appends.
fn entries(route: &Route) -> usize {
    match route {
        Route::Static { count, .. } => *count,
        Route::Tree { trees, emit: Emit::Leaf, .. } => *trees,
        Route::Tree { trees, levels, .. } => trees * levels,
        Route::TopK { k, .. } => *k,
    }
}

/// Node rows and biases. With integer sums S, `S + B >= 0` is `S + floor(B) >= 0`, and `S + B > 0` is `S + ceil(B) - 1 >= 0`: the
/// comparison loses nothing to the rounding of the bias.
fn tree_rows(
    place: &str,
    weight: &Matrix,
    bias: &[f32],
    strict: bool,
    input_scale: f64,
    zero_point: f64,
) -> Result<(Vec<i8>, Vec<i32>), ConvertError> {
    let scales: Vec<f64> =
        (0..weight.rows).map(|r| weight_scale(peak(weight.row(r)), bias[r].into(), input_scale)).collect();
    let weights: Vec<i8> = (0..weight.rows).flat_map(|r| weights_i8(weight.row(r), scales[r])).collect();
    let exact: Vec<f64> = real_bias(&weights, bias, |r| scales[r] * input_scale, zero_point).collect();
    let whole = |b: f64| if strict { b.ceil() - 1.0 } else { b.floor() };
    let biases = exact.into_iter().enumerate().map(|(r, b)| bias_i32(place, r, whole(b)));
    Ok((weights, biases.collect::<Result<_, _>>()?))
}
