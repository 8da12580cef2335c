//! The worst-case cost of a run, as the document defines it: from the records alone.

use super::image::{Range, Tensor};
use super::ops::{Ffn, MapKind, Op, RouteKind, Wiring};

/// Figures of a run at worst, each cut to 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Worst {
    pub macs: u32,
    pub gates: u32,
    pub steps: u32,
}

/// The sums over the ops.
pub(super) fn worst(ops: &[Op], tensors: &[Tensor], ranges: &[Range]) -> Worst {
    let (mut macs, mut gates, mut others) = (0u128, 0u128, 0u128);
    for op in ops {
        match op {
            Op::Linear(op) => {
                let input = &tensors[op.input];
                let samples = if op.transposed { input.cols } else { input.rows };
                macs += product(&[samples, op.rows, op.cols]);
            }
            Op::Ffn(op) => {
                let entries = op.list.map_or(op.range_count, |list| tensors[list].cols);
                macs += ffn(op, entries, ranges);
                others += product(&[entries, op.rows]);
            }
            Op::Route(op) => match op.kind {
                RouteKind::Static { count } => others += count as u128,
                RouteKind::Tree { rows, trees, depth, .. } => macs += product(&[trees, depth as usize, rows.cols]),
                RouteKind::Linear { rows, top, .. } => {
                    macs += product(&[rows.count, rows.cols]);
                    others += product(&[rows.count, top]);
                }
            },
            Op::Gates(op) => {
                gates += op.count() as u128;
                if let Wiring::Netlist { series, .. } = op.wiring {
                    others += (series.count() / 2 + 32 * tensors[op.input].row_words()) as u128;
                }
            }
            Op::GroupSum(op) => {
                let cols = tensors[op.input].cols;
                others += (if op.signals { 4 * cols } else { cols } + op.groups) as u128;
            }
            Op::Map(op) => {
                let input = &tensors[op.input];
                let elements = product(&[input.rows, input.cols]);
                match op.kind {
                    MapKind::Affine { .. } => macs += elements,
                    MapKind::Bits(_) => others += tensors[op.output].cols as u128,
                    MapKind::Lut(_) | MapKind::Add { .. } | MapKind::Mul { .. } | MapKind::Clamp { .. } => {
                        others += elements;
                    }
                }
            }
            Op::Move(op) => others += product(&[op.rows, op.cols]),
            Op::Readout(op) => others += product(&[op.k, tensors[op.input].cols]),
        }
    }
    let cut = |figure: u128| u32::try_from(figure).unwrap_or(u32::MAX);
    Worst { macs: cut(macs), gates: cut(gates), steps: cut(macs + gates + others) }
}

fn ffn(op: &Ffn, entries: usize, ranges: &[Range]) -> u128 {
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
