//! Bounds of LINEAR, GROUPSUM and MAP, and what MOVE makes known.

use super::super::eval::Sum;
use super::super::image::{Array, Constants, Dtype, Image};
use super::super::ops::{Gates, GroupSum, Linear, Map, MapKind, Move, Readout, Weights, Wiring};
use super::super::pairs;
use super::ledger::Ledger;
use super::state::{Interval, Known, State};

/// What is said of a sum that may overflow; no bound of one that may not is as large.
const ANYTHING: u128 = 1 << 31;

/// `|bias| + sum |w| * most` of one row.
pub(super) fn row(
    constants: &Constants,
    weights: Array<i8>,
    bias: Option<Array<i32>>,
    (row, cols): (usize, usize),
    most: u128,
) -> u128 {
    let weights: u128 = constants.part(weights, row * cols, cols).map(|w| u128::from(w.unsigned_abs())).sum();
    weights * most + size(constants.bias(bias, row))
}

/// The absolute value.
pub(super) fn size(number: i64) -> u128 {
    number.unsigned_abs().into()
}

pub(super) fn linear(op: &Linear, image: &Image, state: &mut State<'_>, ledger: &mut Ledger) {
    let constants = &image.constants;
    let most = state.interval(op.input).most();
    let before = op.accumulate.then(|| state.columns(op.output));
    let mut columns = Vec::with_capacity(op.rows);
    for r in 0..op.rows {
        let before = before.as_ref().map_or(0, |before| before[r]);
        // Of pairs, the accumulator holds 256 times the sum.
        let (within, own) = match op.weights {
            Weights::Rows(weights) => (0, row(constants, weights, op.bias, (r, op.cols), most)),
            Weights::Pairs { matrix, .. } => {
                let row = pairs::row(constants, matrix, r, op.cols);
                let weights: u128 = row.weights.iter().map(|&w| size(w)).sum();
                let within = size(row.start) + 256 * weights * most;
                (within, within.div_ceil(256) + size(constants.bias(op.bias, r)))
            }
            Weights::LowBit(matrix) => {
                let weights: u128 = matrix.row(constants, r, op.cols).into_iter().map(size).sum();
                (0, weights * most + size(constants.bias(op.bias, r)))
            }
        };
        let entered = ledger.enter(Sum::Row { row: r }, within.max(before + own));
        columns.push(if entered == ANYTHING { ANYTHING } else { before + own });
    }
    if let Some(prepared) = op.weights.prepared() {
        state.write(prepared, Known::Nothing);
    }
    let known = match op.rq {
        Some(rq) => Known::I8(Interval::of_records(constants, rq)),
        None => Known::I32(columns.into()),
    };
    state.write(op.output, known);
}

/// Of a netlist it is known which signals are written; one that is read before is reported.
pub(super) fn gates(op: &Gates, image: &Image, state: &mut State<'_>, ledger: &mut Ledger) {
    let Wiring::Netlist { wires, series } = op.wiring else { return state.write(op.output, Known::Bits) };
    let mut written = vec![false; 4 * image.tensors[op.output].cols];
    written[..32 * image.tensors[op.input].row_words()].fill(true);
    let (mut begin, mut is_sound) = (0, true);
    for s in 0..series.count() / 2 {
        let [end, first] = [0, 1].map(|i| image.constants.get(series, 2 * s + i));
        let end = (end & 0x0FFF_FFFF) as usize;
        for (wire, to) in image.constants.part(wires, begin, end - begin).zip(first as usize..written.len()) {
            is_sound &= written[(wire & 0xFFFF) as usize] && written[(wire >> 16) as usize];
            written[to] = true;
        }
        begin = end;
    }
    if !is_sound {
        ledger.unwritten(op.output);
    }
    state.write(op.output, Known::Signals(written.into()));
}

pub(super) fn group_sum(op: &GroupSum, image: &Image, state: &mut State<'_>, ledger: &mut Ledger) {
    let constants = &image.constants;
    let group = |k: usize| {
        let [from, to] = [k, k + 1].map(|i| u128::from(constants.get(op.bounds, i)));
        to - from + size(constants.bias(op.bias, k))
    };
    let columns: Vec<u128> = (0..op.groups).map(|k| ledger.enter(Sum::Row { row: k }, group(k))).collect();
    state.write(op.output, Known::I32(columns.into()));
}

pub(super) fn map(op: &Map, image: &Image, state: &mut State<'_>, ledger: &mut Ledger) {
    let constants = &image.constants;
    let x = state.interval(op.input);
    let y = match op.kind {
        MapKind::Lut(table) => x.through(constants, table),
        MapKind::Affine { table, bias, rq } => {
            for c in 0..table.count() {
                ledger.enter(Sum::Row { row: c }, row(constants, table, bias, (c, 1), x.most()));
            }
            Interval::of_records(constants, rq)
        }
        // Add is exact in 64 bits: 2 * 255 * 2^31 + 2^61 < 2^63. So is Mul: 255 * 255 * 2^31 + 2^61.
        MapKind::Add { lo, hi, .. } | MapKind::Mul { lo, hi, .. } => Interval::new(lo, hi),
        MapKind::Clamp { lo, hi } => Interval::new(x.least.clamp(lo, hi), x.greatest.clamp(lo, hi)),
        MapKind::Bits(_) => return state.write(op.output, Known::Bits),
    };
    state.write(op.output, Known::I8(y));
}

pub(super) fn copy(op: &Move, state: &mut State<'_>) {
    state.write_part(op.output, op.input, op.pairs().map(|(_, to)| to));
}

pub(super) fn readout(op: &Readout, image: &Image, state: &mut State<'_>) {
    if let Some(output) = op.output {
        debug_assert_eq!(image.tensors[output].dtype, Dtype::I32);
        let most = image.tensors[op.input].cols as u128 - 1;
        state.write(output, Known::I32(vec![most; op.k].into()));
    }
}
