//! What the header of an image must say of its records, computed a third time from `docs/image-format.md`, and how many steps a run
//! can take.

use leafgate_image::*;
use zerocopy::transmute_ref;

/// Figures of a header, and more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Bits of the ops that occur.
    pub features: u32,
    /// Largest end of an arena tensor.
    pub arena_bytes: u32,
    /// Worst-case multiply-accumulates.
    pub macs: u32,
    /// Gates.
    pub gates: u32,
    /// All that a run can do, in steps of some instructions: what the figures above leave out as well (passes over scores, copies,
    /// list entries). A run that is not slow does not take longer than so many steps.
    pub steps: u64,
}

impl Figures {
    /// Of any records: sums saturate, and what is not there counts as nothing.
    pub fn of(ops: &[OpRecord], tensors: &[TensorRecord], ranges: &[RangeRecord]) -> Self {
        let arena = tensors.iter().filter(|tensor| tensor.place == place::ARENA);
        let ends = arena.map(|tensor| tensor.offset.saturating_add(tensor.bytes().unwrap_or(0)));
        let mut figures = Self { arena_bytes: ends.max().unwrap_or(0), ..Self::default() };
        let (mut macs, mut gates) = (0u64, 0u64);
        for record in ops {
            let cost = Cost::of(record, tensors, ranges);
            figures.features |= 1u32.checked_shl(record.op.into()).unwrap_or(0);
            macs = macs.saturating_add(cost.macs);
            gates = gates.saturating_add(cost.gates);
            figures.steps =
                figures.steps.saturating_add(cost.macs).saturating_add(cost.gates).saturating_add(cost.more);
        }
        figures.macs = macs.min(u32::MAX.into()) as u32;
        figures.gates = gates.min(u32::MAX.into()) as u32;
        figures
    }

    /// Puts them into a header.
    pub fn write(&self, header: &mut Header) {
        header.features = self.features;
        header.arena_bytes = self.arena_bytes;
        header.worst_macs = self.macs;
        header.worst_gates = self.gates;
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
                let steps = if linear.flags & linear_flag::TRANSPOSED == 0 { x.rows } else { x.cols };
                cost.macs = product(&[steps.into(), linear.rows.into(), linear.cols.into()]);
                cost.more = product(&[8, steps.into(), linear.rows.into()]);
            }
            op::FFN => {
                let ffn: &FfnRecord = transmute_ref!(record);
                let entries = if ffn.list == NO_TENSOR { ffn.range_count } else { tensor(ffn.list).cols };
                let window = ranges.iter().skip(ffn.first_range as usize).take(ffn.range_count as usize);
                let widest = window.map(|range| range.neurons).max().unwrap_or(0);
                let neurons = if ffn.flags & ffn_flag::NEURONS == 0 { widest } else { 1 };
                let cols = if ffn.flags & ffn_flag::HANDED_Z == 0 { ffn.cols } else { 0 };
                cost.macs = product(&[entries.into(), neurons.into(), u64::from(cols) + u64::from(ffn.rows)]);
                cost.more = product(&[4, u64::from(entries) + 2, u64::from(ffn.rows) + 8 * u64::from(neurons) + 8]);
            }
            op::ROUTE => {
                let route: &RouteRecord = transmute_ref!(record);
                let (count, depth) = (u64::from(route.count), u64::from(route.depth));
                cost.macs = match route.kind {
                    route::TREE => product(&[count, depth, route.cols.into()]),
                    route::LINEAR => product(&[count, route.cols.into()]),
                    _ => 0,
                };
                cost.more = product(&[8, count.saturating_add(1), depth.saturating_add(1)]);
            }
            op::GATES => {
                let gates: &GatesRecord = transmute_ref!(record);
                cost.gates = product(&[32, gates.words.into()]);
                cost.more = product(&[8, gates.words.into()]);
            }
            op::GROUPSUM => {
                let sum: &GroupSumRecord = transmute_ref!(record);
                cost.more = u64::from(tensor(sum.input).cols) + product(&[16, sum.groups.into()]);
            }
            op::MAP => {
                let map: &MapRecord = transmute_ref!(record);
                let x = tensor(map.input);
                if map.kind == map::AFFINE {
                    cost.macs = product(&[x.rows.into(), x.cols.into()]);
                }
                let y = tensor(map.output);
                cost.more = product(&[8, y.rows.into(), y.cols.into()]);
            }
            op::READOUT => {
                let readout: &ReadoutRecord = transmute_ref!(record);
                cost.more = product(&[2, readout.k.into(), tensor(readout.input).cols.into()]);
            }
            _ => {}
        }
        cost
    }
}
