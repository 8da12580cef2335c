//! What the header of an image must say of its records, computed a third time from `docs/image-format.md`.

use leafgate_image::*;
use zerocopy::transmute_ref;

/// Figures of a header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Bits of the ops that occur, and of packed matrices.
    pub features: u32,
    /// The kernels that these are for.
    pub packing: u32,
    /// Largest end of an arena tensor.
    pub arena_bytes: u32,
    /// Worst-case multiply-accumulates.
    pub macs: u32,
    /// Gates.
    pub gates: u32,
    /// Worst-case steps.
    pub steps: u32,
}

impl Figures {
    /// Of any records: sums saturate, and what is not there counts as nothing.
    pub fn of(ops: &[OpRecord], tensors: &[TensorRecord], ranges: &[RangeRecord]) -> Self {
        let arena = tensors.iter().filter(|tensor| tensor.place == place::ARENA);
        let ends = arena.map(|tensor| tensor.offset.saturating_add(tensor.bytes().unwrap_or(0)));
        let mut figures = Self { arena_bytes: ends.max().unwrap_or(0), ..Self::default() };
        let mut sum = Cost::default();
        for record in ops {
            let cost = Cost::of(record, tensors, ranges);
            figures.features |= 1u32.checked_shl(record.op.into()).unwrap_or(0);
            let linear: &LinearRecord = transmute_ref!(record);
            let (feature, packing) = match linear.weight_format {
                WEIGHT_W8_PAIRS => (FEATURE_PAIRS, PACKING_DSP),
                WEIGHT_W4_ROWS => (FEATURE_W4, PACKING_DSP),
                WEIGHT_W4_COLUMNS => (FEATURE_W4, PACKING_SWAR),
                WEIGHT_T2_ROWS => (FEATURE_T2, PACKING_DSP),
                WEIGHT_T2_COLUMNS => (FEATURE_T2, PACKING_SWAR),
                WEIGHT_T2_BYTES => (FEATURE_T2, PACKING_MVE),
                _ => (0, PACKING_PORTABLE),
            };
            if record.op == op::LINEAR {
                figures.features |= feature;
                figures.packing = figures.packing.max(packing);
            }
            sum.macs = sum.macs.saturating_add(cost.macs);
            sum.gates = sum.gates.saturating_add(cost.gates);
            sum.more = sum.more.saturating_add(cost.more);
        }
        let cut = |figure: u64| figure.min(u32::MAX.into()) as u32;
        (figures.macs, figures.gates) = (cut(sum.macs), cut(sum.gates));
        figures.steps = cut(sum.macs.saturating_add(sum.gates).saturating_add(sum.more));
        figures
    }

    /// Puts them into a header.
    pub fn write(&self, header: &mut Header) {
        header.features = self.features;
        header.packing = self.packing;
        header.arena_bytes = self.arena_bytes;
        header.worst_macs = self.macs;
        header.worst_gates = self.gates;
        header.worst_steps = self.steps;
    }
}

#[derive(Default)]
struct Cost {
    macs: u64,
    gates: u64,
    /// Steps that neither counts.
    more: u64,
}

fn product(factors: &[u64]) -> u64 {
    factors.iter().fold(1, |product, &factor| product.saturating_mul(factor))
}

impl Cost {
    fn of(record: &OpRecord, tensors: &[TensorRecord], ranges: &[RangeRecord]) -> Self {
        let tensor = |i: u16| tensors.get(usize::from(i)).copied().unwrap_or_default();
        let mut cost = Self::default();
        match record.op {
            op::LINEAR => {
                let linear: &LinearRecord = transmute_ref!(record);
                let x = tensor(linear.input);
                let samples = if linear.flags & linear_flag::TRANSPOSED == 0 { x.rows } else { x.cols };
                cost.macs = product(&[samples.into(), linear.rows.into(), linear.cols.into()]);
            }
            op::FFN => {
                let ffn: &FfnRecord = transmute_ref!(record);
                let entries = if ffn.list == NO_TENSOR { ffn.range_count } else { tensor(ffn.list).cols };
                let window = ranges.iter().skip(ffn.first_range as usize).take(ffn.range_count as usize);
                let widest = window.map(|range| range.neurons).max().unwrap_or(0);
                let neurons = if ffn.flags & ffn_flag::NEURONS == 0 { widest } else { 1 };
                let cols = if ffn.flags & ffn_flag::HANDED_Z == 0 { ffn.cols } else { 0 };
                cost.macs = product(&[entries.into(), neurons.into(), u64::from(cols) + u64::from(ffn.rows)]);
                cost.more = product(&[entries.into(), ffn.rows.into()]);
            }
            op::ROUTE => {
                let route: &RouteRecord = transmute_ref!(record);
                let (count, depth) = (u64::from(route.count), u64::from(route.depth));
                (cost.macs, cost.more) = match route.kind {
                    route::TREE => (product(&[count, depth, route.cols.into()]), 0),
                    route::LINEAR => (product(&[count, route.cols.into()]), product(&[count, depth])),
                    _ => (0, count),
                };
            }
            op::GATES => {
                let gates: &GatesRecord = transmute_ref!(record);
                if gates.kind == wiring::WORD {
                    cost.gates = product(&[32, gates.count.into()]);
                } else {
                    cost.gates = gates.count.into();
                    cost.more = 32 * u64::from(tensor(gates.input).cols.div_ceil(32)) + u64::from(gates.series_count);
                }
            }
            op::GROUPSUM => {
                let sum: &GroupSumRecord = transmute_ref!(record);
                let of_a_column = if sum.kind == group_sum::BITS { 1 } else { 4 };
                cost.more = of_a_column * u64::from(tensor(sum.input).cols) + u64::from(sum.groups);
            }
            op::MAP => {
                let map: &MapRecord = transmute_ref!(record);
                let x = tensor(map.input);
                let elements = product(&[x.rows.into(), x.cols.into()]);
                match map.kind {
                    map::AFFINE => cost.macs = elements,
                    map::BITS => cost.more = tensor(map.output).cols.into(),
                    _ => cost.more = elements,
                }
            }
            op::MOVE => {
                let copy: &MoveRecord = transmute_ref!(record);
                cost.more = product(&[copy.rows.into(), copy.cols.into()]);
            }
            op::READOUT => {
                let readout: &ReadoutRecord = transmute_ref!(record);
                cost.more = product(&[readout.k.into(), tensor(readout.input).cols.into()]);
            }
            _ => {}
        }
        cost
    }
}
