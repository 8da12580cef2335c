//! An FFN in general: ranges of one neuron table, and the routes that name them.

use super::ffn::{Block, MAX_ENTRIES, MAX_LEVELS, MAX_NEURONS, gate_weight};
use super::graph_file::{RouteKeys, Table};
use super::layers::range;
use super::tensors::{Dim, Tensors};
use crate::error::ConvertError;
use crate::ir::{Emit, Matrix, Range, Route};

pub(super) fn table(tensors: &mut Tensors<'_>, layer: &Table, cols: usize, at: &str) -> Result<Block, ConvertError> {
    let p = &layer.prefix;
    let count = layer.ranges.len();
    if !(1..=MAX_ENTRIES).contains(&count) {
        return Err(range(at, "the number of ranges", &format!("1 to {MAX_ENTRIES}"), &count.to_string()));
    }
    if let Some(neurons) = layer.ranges.iter().find(|&&neurons| neurons > MAX_NEURONS) {
        return Err(range(at, "the neurons of a range", &format!("0 to {MAX_NEURONS}"), &neurons.to_string()));
    }
    let all: usize = layer.ranges.iter().sum();
    let (shape, value_bias) = tensors.floats(&format!("{p}value_bias"), &[Dim::Is("G", count), Dim::Any("R")])?;
    let outputs = shape[1];
    // A tensor without elements is not written.
    let (keys, key_bias, values) = if all == 0 {
        Default::default()
    } else {
        let n = Dim::Is("N", all);
        let (_, keys) = tensors.floats(&format!("{p}keys"), &[n, Dim::Is("C", cols)])?;
        let key_bias = tensors.floats_or_zeros(&format!("{p}key_bias"), "N", all)?;
        let (_, values) = tensors.floats(&format!("{p}values"), &[n, Dim::Is("R", outputs)])?;
        (keys, key_bias, values)
    };
    let (mut ranges, mut first) = (Vec::with_capacity(count), 0);
    for (g, &n) in layer.ranges.iter().enumerate() {
        let rows = first..first + n;
        let cut = |data: &[f32], width: usize| data[rows.start * width..rows.end * width].to_vec();
        ranges.push(Range {
            name: format!("range {g}"),
            keys: Matrix::new(n, cols, cut(&keys, cols)),
            key_bias: cut(&key_bias, 1),
            values: Matrix::new(n, outputs, cut(&values, outputs)),
            value_bias: value_bias[g * outputs..(g + 1) * outputs].to_vec(),
        });
        first += n;
    }
    if layer.routes.is_empty() {
        return Err(range(at, "the number of routes", "1 or more", "0"));
    }
    let mut routes = Vec::new();
    for (i, route) in layer.routes.iter().enumerate() {
        let route = read_route(tensors, &format!("{p}route.{i}."), route, (cols, count), at)?;
        let (first, reached) = route.span();
        if reached == 0 || first.checked_add(reached).is_none_or(|end| end > count) {
            let have = format!("{first} to {}", first.saturating_add(reached));
            return Err(range(at, &format!("the ranges of route {i}"), &format!("0 to {count}, one or more"), &have));
        }
        routes.push(route);
    }
    Ok(Block { routes, ranges, outputs })
}

fn read_route(
    tensors: &mut Tensors<'_>,
    p: &str,
    route: &RouteKeys,
    (cols, ranges): (usize, usize),
    at: &str,
) -> Result<Route, ConvertError> {
    let (weight, bias) = (format!("{p}weight"), format!("{p}bias"));
    Ok(match *route {
        RouteKeys::Static { first, count } => Route::Static { first, count },
        RouteKeys::Tree { trees, depth: levels, strict, first } => {
            if !(1..=MAX_LEVELS).contains(&levels) {
                return Err(range(at, "depth", &format!("1 to {MAX_LEVELS}"), &levels.to_string()));
            }
            let most = ranges >> levels;
            if !(1..=most).contains(&trees) {
                return Err(range(
                    at,
                    "trees",
                    &format!("1 to {most}, for which there are leaves"),
                    &trees.to_string(),
                ));
            }
            let rows = Dim::Is("K*(2^d-1)", trees * ((1 << levels) - 1));
            let (shape, data) = tensors.floats(&weight, &[rows, Dim::Is("C", cols)])?;
            let (_, bias) = tensors.floats(&bias, &[rows])?;
            let weight = Matrix::new(shape[0], cols, data);
            Route::Tree { trees, levels, weight, bias, strict, emit: Emit::Leaf, first }
        }
        RouteKeys::TopK { k, ref gate, first } => {
            let (shape, data) = tensors.floats(&weight, &[Dim::Any("E"), Dim::Is("C", cols)])?;
            let (_, bias) = tensors.floats(&bias, &[Dim::Is("E", shape[0])])?;
            if !(1..=shape[0]).contains(&k) {
                return Err(range(at, "k", &format!("1 to {}, the number of experts", shape[0]), &k.to_string()));
            }
            Route::TopK { weight: Matrix::new(shape[0], cols, data), bias, k, gate: gate_weight(gate, at)?, first }
        }
    })
}
