//! The ops on planes.

use leafgate_image::{GatesRecord, GroupSumRecord, MapRecord, View, op, wiring};
use leafgate_kernels::batch::{
    Plane, count_ones, gates_series, gates_sorted, gates_words, is_greater, signals_of, transpose,
};
use zerocopy::transmute_ref;

use super::{Plan, memory, tensors, word};
use crate::frame::{bias, words};

/// The bytes of each sample: of sample `32 * c + r` in `[r][c]`.
type Rows<'i, const N: usize> = [[&'i [u8]; N]; 32];

/// Runs all ops but the READOUT.
#[inline(always)]
pub(super) fn run<const N: usize>(
    view: &View<'_>,
    planes: &mut [Plane<N>],
    mut plan: Option<Plan<'_>>,
    input: &Rows<'_, N>,
) {
    for (i, to) in memory::input(view, planes).as_chunks_mut::<32>().0.iter_mut().enumerate() {
        load(input, i, to);
    }
    for record in view.ops() {
        let (x, y) = memory::operands(view, planes, tensors(record));
        match record.op {
            op::MAP => bits(view, transmute_ref!(record), input, y),
            op::GATES => gates(view, transmute_ref!(record), plan.as_mut(), x, y),
            op::GROUPSUM => group_sum(view, transmute_ref!(record), x, y),
            _ => {}
        }
    }
}

/// Word `i` of all samples, as 32 planes.
#[inline(always)]
fn load<const N: usize>(input: &Rows<'_, N>, i: usize, planes: &mut [Plane<N>; 32]) {
    for (row, inputs) in planes.iter_mut().zip(input) {
        for (to, bytes) in row.iter_mut().zip(inputs) {
            *to = word(bytes, i);
        }
    }
    transpose(planes);
}

/// MAP.Bits. A word of four features is transposed when the table comes to one of them, which for a table in order of features is once.
#[inline(always)]
fn bits<const N: usize>(view: &View<'_>, record: &MapRecord, input: &Rows<'_, N>, y: &mut [Plane<N>]) {
    let table = words(view, record.table, view.tensor(record.output).map_or(0, |tensor| tensor.cols));
    let (mut loaded, mut planes) = (usize::MAX, [[0; N]; 32]);
    let (compared, padding) = y.split_at_mut(y.len().min(table.len()));
    for (y, &entry) in compared.iter_mut().zip(table) {
        let feature = (entry & 0xFFFF) as usize;
        if feature / 4 != loaded {
            loaded = feature / 4;
            load(input, loaded, &mut planes);
        }
        if let Some(x) = planes.as_chunks().0.get(feature % 4) {
            *y = is_greater(x, (entry >> 16) as i8);
        }
    }
    padding.fill([0; N]);
}

#[inline(always)]
fn gates<const N: usize>(
    view: &View<'_>,
    record: &GatesRecord,
    plan: Option<&mut Plan<'_>>,
    x: &[Plane<N>],
    y: &mut [Plane<N>],
) {
    if record.kind == wiring::NETLIST {
        netlist(view, record, x, y);
        return;
    }
    if let Some((counts, gates)) = plan.and_then(|plan| plan.next(record.count)) {
        gates_sorted(counts, gates, x, y);
        return;
    }
    let table = words(view, record.table, record.count.wrapping_mul(5));
    gates_words(transmute_ref!(table.as_chunks::<5>().0), x, y);
}

/// A netlist. Its output has a byte for each signal and so eight planes, of which it takes one: signal `i` is plane `i`.
#[inline(always)]
fn netlist<const N: usize>(view: &View<'_>, record: &GatesRecord, x: &[Plane<N>], y: &mut [Plane<N>]) {
    let count = y.len() / 8;
    let Some(signals) = y.get_mut(..count) else { return };
    signals_of(x, signals);
    let wires = words(view, record.table, record.count);
    let mut begin = 0;
    for &[end, first] in words(view, record.series, record.series_count.wrapping_mul(2)).as_chunks::<2>().0 {
        let (function, end) = (end as u32 >> 28, end as usize & 0x0FFF_FFFF);
        let Some(wires) = wires.get(begin..end) else { return };
        gates_series(function, wires, first as usize, signals);
        begin = end;
    }
}

/// GROUPSUM. The planes of an output of K scores hold K words for each sample, sample after sample.
#[inline(always)]
fn group_sum<const N: usize>(view: &View<'_>, record: &GroupSumRecord, x: &[Plane<N>], y: &mut [Plane<N>]) {
    let groups = record.groups as usize;
    let bounds = words(view, record.bounds, record.groups.wrapping_add(1));
    let biases = words(view, record.bias, record.groups);
    let scores = y.as_flattened_mut();
    let mut counts = [[0; N]; 32];
    for (k, &[from, to]) in bounds.array_windows().enumerate() {
        count_ones(x.get(from as usize..to as usize).unwrap_or(&[]), &mut counts);
        let bias = bias(biases, k) as u32;
        for (r, row) in counts.iter().enumerate() {
            for (c, &count) in row.iter().enumerate() {
                if let Some(score) = scores.get_mut((32 * c + r) * groups + k) {
                    *score = count.wrapping_add(bias);
                }
            }
        }
    }
}
