//! The proof that no accumulator of the integer graph can overflow, whatever the input.
//!
//! Per row: `sum |w| * max|x| + |bias|`, which bounds every partial sum in every order. For an FFN's accumulator: the worst list that
//! its routes can make.

use super::integer::{IntGraph, IntMap, IntOp, IntRange, IntSelector, IntTensor, LowBit};
use super::low_bit::effective;
use crate::ConvertError;
use crate::ir::{Emit, Route};

/// What was proven.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proof {
    /// Rows whose bound was computed.
    pub rows: usize,
    /// The largest bound met.
    pub largest: i64,
    /// Where.
    pub place: String,
}

impl Proof {
    /// Takes the bound of a row, or refuses it.
    fn bound(&mut self, place: &str, row: usize, bound: i128) -> Result<(), ConvertError> {
        self.rows += 1;
        if bound > i128::from(i32::MAX) {
            return Err(ConvertError::Overflow { place: place.into(), row, want: i32::MAX.into(), have: bound });
        }
        if bound > i128::from(self.largest) {
            self.largest = bound as i64;
            self.place = format!("{place}, row {row}");
        }
        Ok(())
    }

    fn rows(&mut self, place: &str, weights: &[i8], bias: &[i32], x: i128) -> Result<(), ConvertError> {
        let cols = weights.len().checked_div(bias.len()).unwrap_or(0).max(1);
        for (r, (row, &bias)) in weights.chunks(cols).zip(bias).enumerate() {
            self.bound(place, r, magnitude(row) * x + i128::from(bias.unsigned_abs()))?;
        }
        Ok(())
    }
}

fn magnitude(weights: &[i8]) -> i128 {
    weights.iter().map(|w| i128::from(w.unsigned_abs())).sum()
}

fn widest(tensor: &IntTensor) -> i128 {
    i128::from(tensor.lo.unsigned_abs().max(tensor.hi.unsigned_abs()))
}

/// A selector as the bound of a list sees it.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    Static { first: usize, count: usize },
    OneOfEach { trees: usize, leaves: usize, first: usize },
    Some { k: usize, of: usize, first: usize },
    Path { visited: usize },
}

impl From<&Route> for Shape {
    fn from(route: &Route) -> Self {
        match route {
            Route::Static { first, count } => Self::Static { first: *first, count: *count },
            Route::Tree { trees, levels, emit: Emit::Path, .. } => Self::Path { visited: trees * levels },
            Route::Tree { trees, levels, first, .. } => {
                Self::OneOfEach { trees: *trees, leaves: 1 << levels, first: *first }
            }
            Route::TopK { weight, k, first, .. } => Self::Some { k: *k, of: weight.rows, first: *first },
        }
    }
}

impl From<&IntSelector> for Shape {
    fn from(selector: &IntSelector) -> Self {
        match selector {
            IntSelector::Static { first, count } => Self::Static { first: *first, count: *count },
            IntSelector::Tree { trees, levels, path: true, .. } => Self::Path { visited: trees * levels },
            IntSelector::Tree { trees, levels, first, .. } => {
                Self::OneOfEach { trees: *trees, leaves: 1 << levels, first: *first }
            }
            IntSelector::TopK { bias, k, first, .. } => Self::Some { k: *k, of: bias.len(), first: *first },
        }
    }
}

/// The worst sum of `bound(range)` over the entries that a route can append.
pub(crate) fn worst_of_route(route: Shape, ranges: usize, bound: &dyn Fn(usize) -> f64) -> f64 {
    let window = |first: usize, count: usize| (first..first + count).filter(move |&g| g < ranges).map(bound);
    match route {
        Shape::Static { first, count } => window(first, count).sum(),
        Shape::OneOfEach { trees, leaves, first } => {
            (0..trees).map(|t| window(first + t * leaves, leaves).fold(0.0, f64::max)).sum()
        }
        Shape::Some { k, of, first } => {
            let mut bounds: Vec<f64> = window(first, of).collect();
            bounds.sort_by(|a, b| b.total_cmp(a));
            bounds.iter().take(k).sum()
        }
        // Every neuron of a path counts as much as the heaviest.
        Shape::Path { visited } => visited as f64 * bound(0),
    }
}

/// Bound of a range's partial sum (of one neuron's, where the range has no output bias and is entered by neurons), with a hidden
/// neuron of up to 128.
pub(crate) fn partial_bound(range: &IntRange) -> i64 {
    let outputs = range.values.len().checked_div(range.neurons).unwrap_or(range.value_bias.len());
    let bias = |r: usize| range.value_bias.get(r).map_or(0, |b| i64::from(b.unsigned_abs()));
    if range.keys.is_none() {
        return range.values.iter().map(|v| i64::from(v.unsigned_abs()) * 128).max().unwrap_or(0);
    }
    let weight = |r: usize, j: usize| {
        let at = if range.output_major { r * range.neurons + j } else { j * outputs + r };
        i64::from(range.values[at].unsigned_abs())
    };
    let row = |r: usize| (0..range.neurons).map(|j| weight(r, j) * 128).sum::<i64>() + bias(r);
    (0..outputs).map(row).max().unwrap_or(0)
}

/// Proves every row of `graph`.
///
/// # Errors
/// The first row that could leave 32 bits, with its bound.
pub fn prove(graph: &IntGraph) -> Result<Proof, ConvertError> {
    let mut proof = Proof::default();
    let mut routes: Vec<&IntSelector> = Vec::new();
    for (name, op) in &graph.ops {
        match op {
            IntOp::Linear { input, weights, bias, low_bit: None, .. } => {
                proof.rows(&format!("layer `{name}`"), weights, bias, widest(graph.tensor(*input)))?;
            }
            IntOp::Linear { input, weights, bias, low_bit: Some(LowBit { scales, .. }), .. } => {
                let x = graph.tensor(*input);
                let weights = effective(weights, x.cols, scales);
                for (r, (row, bias)) in weights.chunks(x.cols.max(1)).zip(bias).enumerate() {
                    let sum: i128 = row.iter().map(|w| i128::from(w.unsigned_abs())).sum();
                    proof.bound(&format!("layer `{name}`"), r, sum * widest(x) + i128::from(bias.unsigned_abs()))?;
                }
            }
            IntOp::Route { input, append, selector, .. } => {
                if !append {
                    routes.clear();
                }
                routes.push(selector);
                if let (
                    Some(input),
                    IntSelector::Tree { weights, bias, .. } | IntSelector::TopK { weights, bias, .. },
                ) = (input, selector)
                {
                    proof.rows(&format!("layer `{name}`, route"), weights, bias, widest(graph.tensor(*input)))?;
                }
            }
            IntOp::Ffn { input, list, ranges, .. } => {
                let x = widest(graph.tensor(*input));
                let every = IntSelector::Static { first: 0, count: ranges.len() };
                let routes = if list.is_some() { std::mem::take(&mut routes) } else { vec![&every] };
                ffn(&mut proof, name, ranges, &routes, x)?;
            }
            IntOp::Map { input, map: IntMap::Affine { gain, bias, .. }, .. } => {
                proof.rows(&format!("layer `{name}`"), gain, bias, widest(graph.tensor(*input)))?;
            }
            IntOp::GroupSum { bounds, bias, .. } => {
                for (k, pair) in bounds.windows(2).enumerate() {
                    let bias = bias.get(k).map_or(0, |b| i128::from(b.unsigned_abs()));
                    proof.bound(&format!("layer `{name}`"), k, i128::from(pair[1] - pair[0]) + bias)?;
                }
            }
            IntOp::Gates { .. } | IntOp::Map { .. } | IntOp::Move { .. } | IntOp::Readout { .. } => {}
        }
    }
    Ok(proof)
}

fn ffn(
    proof: &mut Proof,
    name: &str,
    ranges: &[IntRange],
    routes: &[&IntSelector],
    x: i128,
) -> Result<(), ConvertError> {
    for range in ranges {
        let place = format!("layer `{name}`, {}", range.name);
        match &range.keys {
            Some(keys) => proof.rows(&place, keys, &range.key_bias, x)?,
            None => {
                // The dot product is the route's; its bound was proven there, with the route's own bias in place of this one.
                let path = routes.iter().find_map(|route| match route {
                    IntSelector::Tree { weights, path: true, .. } => Some(weights.as_slice()),
                    _ => None,
                });
                proof.rows(&place, path.unwrap_or(&[]), &range.key_bias, x)?;
            }
        }
        proof.bound(&format!("{place}, values"), 0, partial_bound(range).into())?;
    }
    // A rescaled sum is rounded up, and one more covers the half that is added before the shift.
    let bound = |g: usize| {
        let partial = partial_bound(&ranges[g]) as f64;
        let factor = ranges[g].rescale.map_or(1.0, |(m, s)| f64::from(m) / 2f64.powi(s.into()));
        (partial * factor).ceil() + 1.0
    };
    for range in ranges {
        if let Some((m, s)) = range.rescale {
            let scaled = partial_bound(range) as f64 * f64::from(m) / 2f64.powi(s.into());
            proof.bound(&format!("layer `{name}`, {}, rescaled", range.name), 0, scaled.ceil() as i128)?;
        }
    }
    let worst: f64 = routes.iter().map(|route| worst_of_route((*route).into(), ranges.len(), &bound)).sum();
    proof.bound(&format!("layer `{name}`, accumulator"), 0, worst.ceil() as i128)
}
