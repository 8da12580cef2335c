//! The worst-case cost of a run, as the document defines it: from the records alone.

use super::image::{Range, Tensor};
use super::ops::{Ffn, MapKind, Op, RouteKind};

/// Multiply-accumulates and gates, each cut to 32 bits.
pub(super) fn worst(ops: &[Op], tensors: &[Tensor], ranges: &[Range]) -> (u32, u32) {
    let (mut macs, mut gates) = (0u128, 0u128);
    for op in ops {
        match op {
            Op::Linear(op) => {
                let input = &tensors[op.input];
                let steps = if op.transposed { input.cols } else { input.rows };
                macs += product(&[steps, op.rows, op.cols]);
            }
            Op::Ffn(op) => macs += ffn(op, tensors, ranges),
            Op::Route(op) => match op.kind {
                RouteKind::Static { .. } => {}
                RouteKind::Tree { rows, trees, depth, .. } => macs += product(&[trees, depth as usize, rows.cols]),
                RouteKind::Linear { rows, .. } => macs += product(&[rows.count, rows.cols]),
            },
            Op::Gates(op) => gates += product(&[op.words, 32]),
            Op::Map(op) => {
                if let MapKind::Affine { .. } = op.kind {
                    let input = &tensors[op.input];
                    macs += product(&[input.rows, input.cols]);
                }
            }
            Op::GroupSum(_) | Op::Readout(_) => {}
        }
    }
    let cut = |figure: u128| u32::try_from(figure).unwrap_or(u32::MAX);
    (cut(macs), cut(gates))
}

fn ffn(op: &Ffn, tensors: &[Tensor], ranges: &[Range]) -> u128 {
    let entries = op.list.map_or(op.range_count, |list| tensors[list].cols);
    let window = &ranges[op.first_range..op.first_range + op.range_count];
    let most = window.iter().map(|range| range.neurons).max().unwrap_or(0);
    let neurons = if op.neurons { 1 } else { most };
    let width = if op.handed_z { op.rows } else { op.cols + op.rows };
    product(&[entries, neurons, width])
}

/// Three factors of 32 bits fit.
fn product(factors: &[usize]) -> u128 {
    factors.iter().map(|&factor| factor as u128).product()
}
