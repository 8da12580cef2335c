//! Bounds of every value over all admissible inputs, element by element: interval arithmetic in `f64`. What is not worth bounding (an
//! FFN) is unbounded.

use crate::ir::{Activation, Graph, Matrix, Op};

/// Lowest and highest number of an element.
pub(super) type Interval = (f64, f64);

const UNBOUNDED: Interval = (f64::NEG_INFINITY, f64::INFINITY);

/// Elements, over all values, above which nothing is bounded: they would take more than 256 MiB.
const MAX_ELEMENTS: usize = 1 << 24;

/// The bounds of each value, indexed as [`Graph::values`]; `None` if there are too many elements.
pub(super) fn bounds(graph: &Graph) -> Option<Vec<Vec<Interval>>> {
    let elements = graph.values.iter().fold(0usize, |sum, value| sum.saturating_add(value.len));
    if elements > MAX_ELEMENTS {
        return None;
    }
    let mut all: Vec<Vec<Interval>> = graph.values.iter().map(|value| vec![UNBOUNDED; value.len]).collect();
    let (low, high) = (graph.input.real(graph.input.min), graph.input.real(graph.input.max));
    all[Graph::INPUT.0].fill((f64::from(low), f64::from(high)));
    for node in &graph.nodes {
        let x = &all[node.input.0];
        let y = match &node.op {
            Op::Linear { weight, bias, activation } => linear(weight, bias, *activation, x),
            Op::Affine { gain, bias } => {
                let one = |((x, gain), bias): ((&Interval, &f32), &f32)| {
                    plus(times(*x, *gain), (f64::from(*bias), f64::from(*bias)))
                };
                x.iter().zip(gain).zip(bias).map(one).collect()
            }
            Op::Add { second } => x.iter().zip(&all[second.0]).map(|(a, b)| plus(*a, *b)).collect(),
            Op::Mul { second } => x.iter().zip(&all[second.0]).map(|(a, b)| product(*a, *b)).collect(),
            Op::Concat { others } => {
                let parts = others.iter().map(|other| &all[other.0]);
                [x].into_iter().chain(parts).flatten().copied().collect()
            }
            Op::Slice { start, len } => x[*start..start + len].to_vec(),
            Op::Transpose { rows, cols } => (0..rows * cols).map(|i| x[i % rows * cols + i / rows]).collect(),
            Op::Activation(activation) => x.iter().map(|&x| image_of(x, *activation)).collect(),
            Op::Clamp { min, max } => {
                let clamp = |v: f64| v.max(f64::from(*min)).min(f64::from(*max));
                x.iter().map(|(low, high)| (clamp(*low), clamp(*high))).collect()
            }
            Op::Bits { .. } | Op::Gates { .. } | Op::Netlist(_) => vec![(0.0, 1.0); all[node.output.0].len()],
            Op::Ffn { .. } | Op::GroupSum { .. } => continue,
        };
        all[node.output.0] = y;
    }
    Some(all)
}

fn linear(weight: &Matrix, bias: &[f32], activation: Activation, x: &[Interval]) -> Vec<Interval> {
    let row = |(r, bias): (usize, &f32)| {
        let start = (f64::from(*bias), f64::from(*bias));
        let sum = weight.row(r).iter().zip(x).fold(start, |sum, (w, x)| plus(sum, times(*x, *w)));
        image_of(sum, activation)
    };
    bias.iter().enumerate().map(row).collect()
}

/// What an activation makes of an interval.
fn image_of(x: Interval, activation: Activation) -> Interval {
    match activation {
        Activation::None => x,
        Activation::Relu => (x.0.max(0.0), x.1.max(0.0)),
        Activation::Sigmoid => (0.0, 1.0),
        Activation::Tanh => (-1.0, 1.0),
        // Each dips below zero by less than 0.4 and stays below the identity above it.
        Activation::Gelu | Activation::Silu | Activation::HardSwish => (-0.4, x.1.max(0.0)),
    }
}

/// Zero times an unbounded element is zero.
fn times((low, high): Interval, by: f32) -> Interval {
    let by = f64::from(by);
    if by == 0.0 {
        (0.0, 0.0)
    } else if by > 0.0 {
        (low * by, high * by)
    } else {
        (high * by, low * by)
    }
}

/// The products of any two numbers.
fn product(a: Interval, b: Interval) -> Interval {
    // Zero times an unbounded element is zero.
    let times = |x: f64, y: f64| if x == 0.0 || y == 0.0 { 0.0 } else { x * y };
    let ends = [times(a.0, b.0), times(a.0, b.1), times(a.1, b.0), times(a.1, b.1)];
    (ends.into_iter().fold(f64::INFINITY, f64::min), ends.into_iter().fold(f64::NEG_INFINITY, f64::max))
}

fn plus(a: Interval, b: Interval) -> Interval {
    (a.0 + b.0, a.1 + b.1)
}
