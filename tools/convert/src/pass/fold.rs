//! Merges a node into its neighbour, where the result is the same function:
//!
//! - `Affine` into the `Linear`, FFN or `Affine` that alone feeds it, or that alone reads it;
//! - `Activation` into the `Linear` that alone feeds it;
//! - `Clamp` from zero after a `Linear`, whose upper bound no admissible input reaches, becomes the `Linear`'s ReLU;
//! - `Clamp` that no admissible input reaches is dropped.
//!
//! An FFN takes a following gain in its value rows, and a following bias in an output bias that counts exactly once: a range
//! that always runs, or each leaf of one tree, or the experts of an unweighted top-k, `1/k` each. A path has none, so there the bias stays.

use super::interval::bounds;
use super::{Change, readers, redirect, writer};
use crate::ir::{Activation, Emit, GateWeight, Graph, Matrix, Op, Range, Route, ValueId};

/// Folds everything that can be; returns what it did.
pub fn run(graph: &mut Graph) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut index = 0;
    while index < graph.nodes.len() {
        match at(graph, index) {
            // The next node has moved here. What the node before may now do waits for the next round.
            Some(change) => changes.push(change),
            None => index += 1,
        }
    }
    changes
}

fn at(graph: &mut Graph, index: usize) -> Option<Change> {
    let what = match &graph.nodes[index].op {
        Op::Affine { .. } => into_writer(graph, index).or_else(|| into_reader(graph, index)),
        Op::Activation(_) => activation_into_writer(graph, index),
        Op::Clamp { min, max } => {
            let (min, max) = (*min, *max);
            drop_clamp(graph, index, min, max)
        }
        _ => None,
    };
    let (node, what) = what?;
    let pass = "fold";
    Some(Change { pass, node, what })
}

/// An affine into the node that feeds it and nothing else.
fn into_writer(graph: &mut Graph, index: usize) -> Option<(String, String)> {
    let node = &graph.nodes[index];
    let Op::Affine { gain, bias } = node.op.clone() else { return None };
    let before = writer(graph, node.input)?;
    if readers(graph, node.input) != 1 {
        return None;
    }
    let mut op = graph.nodes[before].op.clone();
    match &mut op {
        Op::Linear { weight, bias: b, activation: Activation::None } => {
            scale_rows(weight, &gain);
            after(b, &gain, &bias);
        }
        Op::Affine { gain: g, bias: b } => {
            g.iter_mut().zip(&gain).for_each(|(g, gain)| *g *= gain);
            after(b, &gain, &bias);
        }
        Op::Ffn { routes, ranges, .. } => {
            let share = if bias.iter().all(|b| *b == 0.0) { None } else { Some(carrier(routes, ranges.len())?) };
            for range in ranges.iter_mut() {
                scale_columns(&mut range.values, &gain);
                range.value_bias.iter_mut().zip(&gain).for_each(|(b, gain)| *b *= gain);
            }
            if let Some((first, count, share)) = share {
                for range in &mut ranges[first..first + count] {
                    range.value_bias.iter_mut().zip(&bias).for_each(|(b, bias)| *b += bias * share);
                }
            }
        }
        _ => return None,
    }
    let what = replace(graph, before, op)?;
    Some((remove(graph, index), what))
}

/// An activation into the dense layer that feeds it and nothing else.
fn activation_into_writer(graph: &mut Graph, index: usize) -> Option<(String, String)> {
    let node = &graph.nodes[index];
    let Op::Activation(function) = node.op else { return None };
    let before = writer(graph, node.input)?;
    if readers(graph, node.input) != 1 {
        return None;
    }
    let Op::Linear { activation: of @ Activation::None, .. } = &mut graph.nodes[before].op else { return None };
    *of = function;
    let what = format!("is now part of `{}`", graph.nodes[before].name);
    Some((remove(graph, index), what))
}

/// An affine into the one node that reads it.
fn into_reader(graph: &mut Graph, index: usize) -> Option<(String, String)> {
    let (input, output) = (graph.nodes[index].input, graph.nodes[index].output);
    let Op::Affine { gain, bias } = graph.nodes[index].op.clone() else { return None };
    if readers(graph, output) != 1 {
        return None;
    }
    let after = graph.nodes.iter().position(|node| node.input == output)?;
    let mut op = graph.nodes[after].op.clone();
    match &mut op {
        Op::Linear { weight, bias: b, .. } => before(weight, b, &gain, &bias),
        Op::Ffn { routes, ranges, .. } => {
            for Range { keys, key_bias, .. } in ranges {
                before(keys, key_bias, &gain, &bias);
            }
            for route in routes {
                match route {
                    Route::Tree { weight, bias: b, .. } | Route::TopK { weight, bias: b, .. } => {
                        before(weight, b, &gain, &bias);
                    }
                    Route::Static { .. } => {}
                }
            }
        }
        _ => return None,
    }
    let what = replace(graph, after, op)?;
    graph.nodes[after].input = input;
    Some((graph.nodes.remove(index).name, what))
}

/// Gives a node its folded op and says so, unless a product has left the range of `f32`.
fn replace(graph: &mut Graph, index: usize, op: Op) -> Option<String> {
    let finite = |numbers: &[f32]| numbers.iter().all(|number| number.is_finite());
    let sound = match &op {
        Op::Linear { weight, bias, .. } => finite(&weight.data) && finite(bias),
        Op::Affine { gain, bias } => finite(gain) && finite(bias),
        Op::Ffn { routes, ranges, .. } => {
            ranges.iter().all(|range| {
                finite(&range.keys.data)
                    && finite(&range.key_bias)
                    && finite(&range.values.data)
                    && finite(&range.value_bias)
            }) && routes.iter().all(|route| match route {
                Route::Static { .. } => true,
                Route::Tree { weight, bias, .. } | Route::TopK { weight, bias, .. } => {
                    finite(&weight.data) && finite(bias)
                }
            })
        }
        _ => true,
    };
    let node = &mut graph.nodes[index];
    sound.then(|| {
        node.op = op;
        format!("is now part of `{}`", node.name)
    })
}

/// A clamp that does nothing, or that is a ReLU.
fn drop_clamp(graph: &mut Graph, index: usize, min: f32, max: f32) -> Option<(String, String)> {
    let input = graph.nodes[index].input;
    let bounds = bounds(graph)?;
    let x = &bounds[input.0];
    let below = |high: f64| max == f32::MAX || high + margin(high) <= f64::from(max);
    let above = |low: f64| min == f32::MIN || low - margin(low) >= f64::from(min);
    if !x.iter().all(|(_, high)| below(*high)) {
        return None;
    }
    // A network without any node has no place to put its scores.
    let alone = input == Graph::INPUT && graph.output == graph.nodes[index].output;
    // A ReLU's zero is exactly zero: no margin.
    let floor = |low: f64| above(low) || (min <= 0.0 && low >= 0.0);
    if !alone && x.iter().all(|(low, _)| floor(*low)) {
        return Some((remove(graph, index), "never clamps an admissible input".into()));
    }
    let before = writer(graph, input)?;
    if min != 0.0 || readers(graph, input) != 1 {
        return None;
    }
    match &mut graph.nodes[before].op {
        Op::Linear { activation: activation @ Activation::None, .. } => *activation = Activation::Relu,
        _ => return None,
    }
    let what = format!("is now the relu of `{}`", graph.nodes[before].name);
    Some((remove(graph, index), what))
}

/// What `f32` sums may exceed their exact bound by.
fn margin(bound: f64) -> f64 {
    bound.abs() * 1e-5
}

/// Takes a node out; its readers read its input. Returns its name.
fn remove(graph: &mut Graph, index: usize) -> String {
    let node = graph.nodes.remove(index);
    let (from, to): (ValueId, ValueId) = (node.output, node.input);
    redirect(graph, from, to);
    node.name
}

/// Ranges whose output biases together count exactly once, and the share of each: `(first, count, share)`.
fn carrier(routes: &[Route], ranges: usize) -> Option<(usize, usize, f32)> {
    // A range that two routes can reach may count twice.
    let mut reached = vec![0u32; ranges];
    for route in routes {
        let (first, count) = route.span();
        reached[first..first + count].iter_mut().for_each(|times| *times += 1);
    }
    let once = |first: usize, count: usize| reached[first..first + count].iter().all(|times| *times == 1);
    routes.iter().find_map(|route| match route {
        Route::Static { first, count } if *count > 0 && once(*first, 1) => Some((*first, 1, 1.0)),
        Route::Tree { levels, emit: Emit::Leaf, first, .. } if once(*first, 1 << levels) => {
            Some((*first, 1 << levels, 1.0))
        }
        Route::TopK { bias, k, gate: GateWeight::One, first, .. } if once(*first, bias.len()) => {
            Some((*first, bias.len(), 1.0 / *k as f32))
        }
        _ => None,
    })
}

/// `b = gain * b + bias`.
fn after(b: &mut [f32], gain: &[f32], bias: &[f32]) {
    for ((b, gain), bias) in b.iter_mut().zip(gain).zip(bias) {
        *b = gain * *b + bias;
    }
}

/// `W (gain * x + bias) + b`: the columns of `W` take the gain, `b` takes `W bias`.
fn before(weight: &mut Matrix, b: &mut [f32], gain: &[f32], bias: &[f32]) {
    for (r, b) in b.iter_mut().enumerate() {
        let dot: f64 = weight.row(r).iter().zip(bias).map(|(w, bias)| f64::from(*w) * f64::from(*bias)).sum();
        *b = (f64::from(*b) + dot) as f32;
    }
    scale_columns(weight, gain);
}

fn scale_rows(weight: &mut Matrix, gain: &[f32]) {
    for (row, gain) in weight.data.chunks_exact_mut(weight.cols).zip(gain) {
        row.iter_mut().for_each(|w| *w *= gain);
    }
}

fn scale_columns(weight: &mut Matrix, gain: &[f32]) {
    for row in weight.data.chunks_exact_mut(weight.cols) {
        row.iter_mut().zip(gain).for_each(|(w, gain)| *w *= gain);
    }
}
