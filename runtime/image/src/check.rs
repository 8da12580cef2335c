//! The rules of `docs/image-format.md` for tensors, ops, ranges and golden vectors.
//!
//! Every figure is a u32 from the image; sums and products are checked or taken in 64 bits. Each rule is a call of `ensure` or
//! `equal`, which carry the field's offset, so that an error names the very byte.

use zerocopy::{FromBytes, transmute_ref};

use crate::error::{Check, Defect, Place, Refused, Report};
use crate::record::{range_flag as rf, *};
use crate::view::View;
use crate::*;

/// What the ops of an image add up to.
#[derive(Default)]
pub(crate) struct Cost {
    pub(crate) features: u32,
    pub(crate) macs: u64,
    pub(crate) gates: u64,
    ranges: u32,
}

impl Cost {
    #[inline(never)]
    fn add_macs(&mut self, a: u32, b: u32, c: u32) {
        let product = (u64::from(a) * u64::from(b)).saturating_mul(u64::from(c));
        self.macs = self.macs.saturating_add(product);
    }
}

#[inline(never)]
pub(crate) fn check_tensor(report: &Report, tensor: &TensorRecord, arena_bytes: u32) -> Check {
    let Some(bytes) = tensor.bytes() else {
        return report.ensure(false, Defect::Tensor, 0, MAX_BYTES, tensor.dtype.into());
    };
    report.ensure(tensor.rows >= 1, Defect::Shape, 8, 1, tensor.rows)?;
    report.ensure(tensor.cols >= 1, Defect::Shape, 12, 1, tensor.cols)?;
    report.equal(Defect::Reserved, 2, 0, tensor.reserved0.into())?;
    report.equal(Defect::Reserved, 24, 0, tensor.reserved1[0] | tensor.reserved1[1])?;
    // Not a number and infinity are refused by their exponent, so that no float instruction is needed.
    for (at, number) in [(16, tensor.scale), (20, tensor.zero_point)] {
        report.ensure(number.to_bits() >> 23 & 0xFF != 0xFF, Defect::Tensor, at, 0, number.to_bits())?;
    }
    if tensor.dtype == dtype::LIST {
        report.equal(Defect::Shape, 8, 1, tensor.rows)?;
    }
    match tensor.place {
        place::INPUT => {
            let ok = tensor.dtype == dtype::I8 || tensor.dtype == dtype::BITS;
            report.ensure(ok, Defect::Tensor, 0, dtype::I8.into(), tensor.dtype.into())?;
            report.equal(Defect::Tensor, 4, 0, tensor.offset)
        }
        place::ARENA => {
            let aligned = tensor.dtype == dtype::I8 || tensor.offset.is_multiple_of(4);
            report.ensure(aligned, Defect::Arena, 4, 4, tensor.offset)?;
            let end = tensor.offset.saturating_add(bytes);
            report.ensure(end <= arena_bytes, Defect::Arena, 4, arena_bytes, end)
        }
        other => report.equal(Defect::Tensor, 1, place::ARENA.into(), other.into()),
    }
}

/// For each op number, the bytes of the record that have a meaning; all others are reserved.
const USED_BYTES: [u64; 8] = {
    const fn bytes(to: u32) -> u64 {
        (1 << to) - 1
    }
    [0, bytes(29), bytes(45), bytes(45), bytes(16), bytes(20), bytes(38) & !(0b11 << 10), bytes(12)]
};

/// Checks what holds of every range, whether or not an op uses it.
pub(crate) fn check_ranges(view: &View<'_>, report: &Report) -> Check {
    let checker = Checker { view, report };
    for (i, range) in view.ranges().iter().enumerate() {
        report.enter(Place::Range(i as u16));
        checker.any_range(range)?;
    }
    Ok(())
}

/// Checks one op.
pub(crate) fn check_op(view: &View<'_>, report: &Report, record: &OpRecord, cost: &mut Cost) -> Check {
    Checker { view, report }.op(record, cost)
}

struct Checker<'v, 'a> {
    view: &'v View<'a>,
    report: &'v Report,
}

impl Checker<'_, '_> {
    fn op(&self, record: &OpRecord, cost: &mut Cost) -> Check {
        let used = USED_BYTES.get(usize::from(record.op)).copied().unwrap_or(0);
        self.report.ensure(used != 0, Defect::Op, 0, op::READOUT.into(), record.op.into())?;
        let bytes: &[u8; 64] = transmute_ref!(record);
        for (i, &byte) in bytes.iter().enumerate() {
            self.report.ensure(used >> i & 1 == 1 || byte == 0, Defect::Reserved, i as u8, 0, byte.into())?;
        }
        cost.features |= 1 << record.op;
        match record.op {
            op::LINEAR => self.linear(transmute_ref!(record), cost),
            op::FFN => self.ffn(transmute_ref!(record), cost),
            op::ROUTE => self.route(transmute_ref!(record), cost),
            op::GATES => self.gates(transmute_ref!(record), cost),
            op::GROUPSUM => self.group_sum(transmute_ref!(record)),
            op::MAP => self.map(transmute_ref!(record), cost),
            _ => self.readout(transmute_ref!(record)),
        }
    }

    fn kind(&self, kind: u8, kinds: u8, flags: u16, known: u16) -> Check {
        self.report.ensure(kind < kinds, Defect::Op, 1, kinds.into(), kind.into())?;
        self.report.ensure(flags & !known == 0, Defect::Op, 2, known.into(), flags.into())
    }

    /// The tensor `i`, which must be of type `want` (0: any).
    #[inline(never)]
    fn tensor(&self, i: u16, at: u8, want: u8) -> Result<&TensorRecord, Refused> {
        let Some(tensor) = self.view.tensor(i) else {
            self.report.ensure(false, Defect::Tensor, at, self.view.tensors().len() as u32, i.into())?;
            return Err(Refused);
        };
        self.report.ensure(want == 0 || tensor.dtype == want, Defect::Tensor, at, want.into(), tensor.dtype.into())?;
        Ok(tensor)
    }

    /// The tensor `i` of type `want` and shape `(rows, cols)`.
    #[inline(never)]
    fn shaped(&self, i: u16, at: u8, want: u8, rows: u32, cols: u32) -> Result<&TensorRecord, Refused> {
        let tensor = self.tensor(i, at, want)?;
        self.report.equal(Defect::Shape, at, rows, tensor.rows)?;
        self.report.equal(Defect::Shape, at, cols, tensor.cols)?;
        Ok(tensor)
    }

    /// `tensors` are pairwise disjoint in the arena, and the first `writes` of them, as far as they exist, lie there.
    #[inline(never)]
    fn disjoint(&self, tensors: &[u16], writes: usize) -> Check {
        for (i, &a) in tensors.iter().enumerate() {
            let Some(one) = self.view.tensor(a) else { continue };
            if one.place != place::ARENA {
                self.report.ensure(i >= writes, Defect::Tensor, 4, place::ARENA.into(), one.place.into())?;
                continue;
            }
            let end = one.offset + one.bytes().unwrap_or(0);
            for &b in tensors.iter().skip(i + 1) {
                let Some(other) = self.view.tensor(b) else { continue };
                let apart = other.offset >= end || one.offset >= other.offset + other.bytes().unwrap_or(0);
                self.report.ensure(apart || other.place != place::ARENA, Defect::Alias, 4, a.into(), b.into())?;
            }
        }
        Ok(())
    }

    /// `a * b` constants of `size` bytes lie at `offset`.
    #[inline(never)]
    fn constant(&self, offset: u32, at: u8, size: u32, a: u32, b: u32) -> Check {
        let align = if size == 1 { 1 } else { size.min(4) };
        self.report.ensure(offset.is_multiple_of(align), Defect::Constant, at, align, offset)?;
        let bytes = (u64::from(a) * u64::from(b)).saturating_mul(u64::from(size));
        let end = bytes.saturating_add(u64::from(offset)).min(u64::from(u32::MAX)) as u32;
        let have = self.view.constants::<u8>(0, end as usize).is_some();
        self.report.ensure(have, Defect::Constant, at, end, offset)
    }

    /// As [`Self::constant`] for a vector, or none.
    #[inline(never)]
    fn optional(&self, offset: u32, at: u8, size: u32, count: u32) -> Check {
        if offset == NONE { Ok(()) } else { self.constant(offset, at, size, count, 1) }
    }

    /// `count` valid requantise records lie at `offset`.
    #[inline(never)]
    fn requantise(&self, offset: u32, at: u8, count: u32) -> Check {
        self.constant(offset, at, 8, count, 1)?;
        let records = self.view.constants::<RequantRecord>(offset, count as usize).unwrap_or(&[]);
        for (i, record) in records.iter().enumerate() {
            self.report.ensure(record.is_valid(), Defect::Requantise, at, i as u32, record.m)?;
        }
        Ok(())
    }

    #[inline(never)]
    fn linear(&self, record: &LinearRecord, cost: &mut Cost) -> Check {
        use linear_flag::*;
        let &LinearRecord { flags, rows, cols, input, output, .. } = record;
        self.kind(record.kind, 1, flags, RQ_PER_ROW | ACCUMULATE | TRANSPOSED)?;
        let x = self.tensor(input, 4, dtype::I8)?;
        let (steps, width) = if flags & TRANSPOSED == 0 { (x.rows, x.cols) } else { (x.cols, x.rows) };
        self.report.equal(Defect::Shape, 12, width, cols)?;
        let y = self.shaped(output, 6, 0, steps, rows)?;
        self.disjoint(&[output, input], 1)?;
        self.constant(record.weights, 16, 1, rows, cols)?;
        self.optional(record.bias, 20, 4, rows)?;
        self.report.equal(Defect::Unsupported, 28, WEIGHT_W8.into(), record.weight_format.into())?;
        cost.add_macs(steps, rows, cols);
        match y.dtype {
            dtype::I8 => {
                self.report.equal(Defect::Op, 2, 0, (flags & ACCUMULATE).into())?;
                self.requantise(record.rq, 24, if flags & RQ_PER_ROW == 0 { 1 } else { rows })
            }
            other => {
                self.report.equal(Defect::Tensor, 6, dtype::I32.into(), other.into())?;
                self.report.equal(Defect::Op, 2, 0, (flags & RQ_PER_ROW).into())?;
                self.report.equal(Defect::Constant, 24, NONE, record.rq)
            }
        }
    }

    #[inline(never)]
    fn ffn(&self, record: &FfnRecord, cost: &mut Cost) -> Check {
        use ffn_flag::*;
        let &FfnRecord { flags, rows, cols, input, output, acc, partial, hidden, list, .. } = record;
        self.kind(record.kind, 3, flags, KEEP_POSITIVE | NEURONS | HANDED_Z | START_ACC | RQ_PER_ROW)?;
        self.shaped(input, 4, dtype::I8, 1, cols)?;
        self.shaped(acc, 12, dtype::I32, 1, rows)?;
        let mut entries = record.range_count;
        if list != NO_TENSOR {
            entries = self.tensor(list, 8, dtype::LIST)?.cols;
        }
        if hidden != NO_TENSOR {
            let hidden = self.tensor(hidden, 10, dtype::I8)?;
            self.report.equal(Defect::Shape, 10, 1, hidden.rows)?;
        }
        if partial != NO_TENSOR {
            self.shaped(partial, 14, dtype::I32, 1, rows)?;
        }
        if output == acc {
            self.report.equal(Defect::Constant, 36, NONE, record.rq)?;
            self.report.equal(Defect::Op, 2, 0, (flags & RQ_PER_ROW).into())?;
            self.disjoint(&[acc, partial, hidden, input, list], 3)?;
        } else {
            self.shaped(output, 6, dtype::I8, 1, rows)?;
            self.requantise(record.rq, 36, if flags & RQ_PER_ROW == 0 { 1 } else { rows })?;
            self.disjoint(&[acc, partial, hidden, output, input, list], 4)?;
        }
        if flags & START_ACC == 0 {
            self.optional(record.shared_bias, 32, 4, rows)?;
        } else {
            self.report.equal(Defect::Constant, 32, NONE, record.shared_bias)?;
        }
        if record.kind == activation::LUT256 {
            self.constant(record.lut, 40, 1, 256, 1)?;
        } else {
            self.report.equal(Defect::Constant, 40, NONE, record.lut)?;
        }
        self.report.equal(Defect::Unsupported, 44, WEIGHT_W8.into(), record.weight_format.into())?;

        let (first, count) = (record.first_range, record.range_count);
        let have = self.view.ranges().len() as u32;
        let end = first.saturating_add(count);
        self.report.ensure(count >= 1 && end <= have, Defect::Index, 16, have, end)?;
        // Bounds the work of the checks that follow.
        cost.ranges = cost.ranges.saturating_add(count);
        self.report.ensure(cost.ranges <= 65535, Defect::Count, 20, 65535, cost.ranges)?;
        let mut neurons = self.range_window(record).iter().map(|range| range.neurons).max().unwrap_or(0);
        if flags & NEURONS != 0 {
            self.report.equal(Defect::Count, 20, 1, count)?;
            self.report.ensure(list != NO_TENSOR, Defect::Tensor, 8, 0, list.into())?;
            neurons = 1;
        }
        let mut width = u64::from(rows) + u64::from(cols);
        if flags & HANDED_Z != 0 {
            self.report.ensure(flags & NEURONS != 0, Defect::Op, 2, NEURONS.into(), flags.into())?;
            width = rows.into();
        }
        cost.add_macs(entries, neurons, width.min(u64::from(u32::MAX)) as u32);
        self.ffn_ranges(record)
    }

    fn range_window(&self, record: &FfnRecord) -> &[RangeRecord] {
        let from = self.view.ranges().get(record.first_range as usize..).unwrap_or(&[]);
        from.get(..record.range_count as usize).unwrap_or(&[])
    }

    #[inline(never)]
    fn ffn_ranges(&self, record: &FfnRecord) -> Check {
        let mut needs_partial = false;
        let op = self.report.place();
        for (i, range) in self.range_window(record).iter().enumerate() {
            self.report.enter(Place::Range((record.first_range as usize + i) as u16));
            self.range(record, range)?;
            let neuron_major = range.flags & rf::OUTPUT_MAJOR == 0;
            needs_partial |= neuron_major && (range.scale_m != 0 || record.list != NO_TENSOR);
        }
        self.report.enter(op);
        let have = record.partial != NO_TENSOR;
        self.report.equal(Defect::Tensor, 14, needs_partial.into(), have.into())
    }

    /// What holds of a range whatever op uses it.
    fn any_range(&self, range: &RangeRecord) -> Check {
        let &RangeRecord { neurons, flags, .. } = range;
        self.report.ensure(neurons <= MAX_NEURONS, Defect::Count, 0, MAX_NEURONS, neurons)?;
        let known = rf::OUTPUT_MAJOR | rf::RQ_PER_NEURON;
        self.report.ensure(flags & !known == 0, Defect::Op, 33, known.into(), flags.into())?;
        self.report.equal(Defect::Unsupported, 16, NONE, range.ups)?;
        let reserved = range.reserved1.iter().fold(range.reserved0.into(), |all, word| all | word);
        self.report.equal(Defect::Reserved, 34, 0, reserved)?;
        if range.scale_m == 0 {
            self.report.equal(Defect::Requantise, 32, 0, range.scale_s.into())?;
        } else {
            let ok = record::is_multiplier(range.scale_m, range.scale_s);
            self.report.ensure(ok, Defect::Requantise, 28, 1 << 30, range.scale_m)?;
        }
        // How long keys, values and value_bias are depends on the op; that they begin inside is checked of every range.
        self.optional(range.value_bias, 24, 4, 1)?;
        if neurons == 0 {
            let all = range.keys & range.key_bias & range.key_rq & range.values;
            return self.report.equal(Defect::Constant, 4, NONE, all);
        }
        self.optional(range.keys, 4, 1, neurons)?;
        self.constant(range.values, 20, 1, neurons, 1)?;
        self.optional(range.key_bias, 8, 4, neurons)?;
        self.requantise(range.key_rq, 12, if flags & rf::RQ_PER_NEURON == 0 { 1 } else { neurons })
    }

    /// What holds of a range of this op.
    #[inline(never)]
    fn range(&self, record: &FfnRecord, range: &RangeRecord) -> Check {
        let &RangeRecord { neurons, flags, keys, .. } = range;
        let (rows, cols) = (record.rows, record.cols);
        self.optional(range.value_bias, 24, 4, rows)?;
        if record.flags & ffn_flag::NEURONS != 0 {
            self.report.equal(Defect::Constant, 24, NONE, range.value_bias)?;
            self.report.equal(Defect::Op, 33, 0, (flags & rf::OUTPUT_MAJOR).into())?;
            if record.flags & ffn_flag::HANDED_Z != 0 {
                self.report.equal(Defect::Constant, 4, NONE, keys)?;
            }
        }
        if neurons == 0 {
            return Ok(());
        }
        if keys != NONE {
            self.constant(keys, 4, 1, neurons, cols)?;
        }
        self.constant(range.values, 20, 1, neurons, rows)?;
        if flags & rf::OUTPUT_MAJOR != 0 {
            let hidden = self.tensor(record.hidden, 33, dtype::I8)?;
            self.report.ensure(hidden.cols >= neurons, Defect::Shape, 33, neurons, hidden.cols)?;
        }
        Ok(())
    }

    #[inline(never)]
    fn route(&self, record: &RouteRecord, cost: &mut Cost) -> Check {
        use route_flag::*;
        let &RouteRecord { kind, flags, input, list, first, count, depth, cols, scores, .. } = record;
        let known = if kind == route::TREE { APPEND | PATH | HAND_Z } else { APPEND };
        self.kind(kind, 3, flags, known)?;
        self.report.ensure(flags & (PATH | HAND_Z) != HAND_Z, Defect::Op, 2, PATH.into(), flags.into())?;
        self.tensor(list, 6, dtype::LIST)?;
        self.report.ensure(count >= 1, Defect::Count, 12, 1, count)?;
        self.report.ensure(record.weight <= ONE_Q15, Defect::Index, 34, ONE_Q15.into(), record.weight.into())?;
        // How many ranges can be named, and rows of weights.
        let (named, rows) = match kind {
            route::STATIC => {
                self.report.equal(Defect::Count, 16, 0, depth)?;
                (u64::from(count), 0)
            }
            route::TREE => {
                self.report.ensure((1..=MAX_LEVELS).contains(&depth), Defect::Count, 16, MAX_LEVELS, depth)?;
                let nodes = u64::from(count) * ((1 << depth) - 1);
                (if flags & PATH == 0 { u64::from(count) << depth } else { nodes }, nodes)
            }
            _ => {
                self.report.ensure(depth >= 1 && depth <= count, Defect::Count, 16, count, depth)?;
                (u64::from(count), u64::from(count))
            }
        };
        let end = named + u64::from(first);
        self.report.ensure(end <= 65535, Defect::Index, 8, 65535, end.min(u64::from(u32::MAX)) as u32)?;
        let rows = rows as u32;
        if kind == route::STATIC {
            self.report.equal(Defect::Tensor, 4, NO_TENSOR.into(), input.into())?;
            self.report.equal(Defect::Shape, 20, 0, cols)?;
            self.report.equal(Defect::Constant, 24, NONE, record.weights & record.bias)?;
            self.report.equal(Defect::Unsupported, 44, 0, record.weight_format.into())?;
        } else {
            self.shaped(input, 4, dtype::I8, 1, cols)?;
            self.constant(record.weights, 24, 1, rows, cols)?;
            self.optional(record.bias, 28, 4, rows)?;
            self.report.equal(Defect::Unsupported, 44, WEIGHT_W8.into(), record.weight_format.into())?;
        }
        if kind == route::LINEAR {
            self.shaped(scores, 32, dtype::I32, 1, count)?;
            cost.add_macs(count, 1, cols);
        } else {
            self.report.equal(Defect::Tensor, 32, NO_TENSOR.into(), scores.into())?;
            self.report.equal(Defect::Constant, 36, NONE, record.gate_rq)?;
            if kind == route::TREE {
                cost.add_macs(count, depth, cols);
            }
        }
        self.disjoint(&[list, scores, input], 2)?;
        let has_gate = record.gate_rq != NONE;
        self.report.equal(Defect::Constant, 40, has_gate.into(), (record.gate_table != NONE).into())?;
        if has_gate {
            self.requantise(record.gate_rq, 36, 1)?;
            self.constant(record.gate_table, 40, 2, 256, 1)?;
            let table = self.view.constants::<u16>(record.gate_table, 256).unwrap_or(&[]);
            for &weight in table {
                self.report.ensure(weight <= ONE_Q15, Defect::Index, 40, ONE_Q15.into(), weight.into())?;
            }
        }
        Ok(())
    }

    #[inline(never)]
    fn gates(&self, record: &GatesRecord, cost: &mut Cost) -> Check {
        let &GatesRecord { kind, input, output, words, table, .. } = record;
        self.kind(kind, 2, record.flags, 0)?;
        let x = self.tensor(input, 4, dtype::BITS)?;
        self.report.equal(Defect::Shape, 4, 1, x.rows)?;
        let y = self.tensor(output, 6, dtype::BITS)?;
        self.report.equal(Defect::Shape, 6, 1, y.rows)?;
        self.report.equal(Defect::Shape, 8, y.cols.div_ceil(32), words)?;
        self.disjoint(&[output, input], 1)?;
        cost.gates = cost.gates.saturating_add(u64::from(words) * 32);
        if kind == wiring::WORD {
            self.constant(table, 12, 20, words, 1)?;
            let limit = x.cols.div_ceil(32);
            for gates in self.view.constants::<WordGates>(table, words as usize).unwrap_or(&[]) {
                let word = gates.a().0.max(gates.b().0);
                self.report.ensure(word < limit, Defect::Index, 12, limit, word)?;
            }
        } else {
            self.constant(table, 12, 144, words, 1)?;
            for gates in self.view.constants::<GatheredGates>(table, words as usize).unwrap_or(&[]) {
                for lane in gates.lanes {
                    let bit = (lane & 0xFFFF).max(lane >> 16);
                    self.report.ensure(bit < x.cols, Defect::Index, 12, x.cols, bit)?;
                }
            }
        }
        Ok(())
    }

    #[inline(never)]
    fn group_sum(&self, record: &GroupSumRecord) -> Check {
        let &GroupSumRecord { input, output, groups, .. } = record;
        self.kind(record.kind, 1, record.flags, 0)?;
        let x = self.tensor(input, 4, dtype::BITS)?;
        self.report.equal(Defect::Shape, 4, 1, x.rows)?;
        self.shaped(output, 6, dtype::I32, 1, groups)?;
        self.disjoint(&[output, input], 1)?;
        self.optional(record.bias, 16, 4, groups)?;
        // The output has `groups` elements of 4 bytes, so one more does not overflow.
        self.constant(record.bounds, 12, 4, groups + 1, 1)?;
        let mut from = 0;
        for &to in self.view.constants::<u32>(record.bounds, groups as usize + 1).unwrap_or(&[]) {
            self.report.ensure(to >= from && to <= x.cols, Defect::Index, 12, x.cols, to)?;
            from = to;
        }
        Ok(())
    }

    #[inline(never)]
    fn map(&self, record: &MapRecord, cost: &mut Cost) -> Check {
        let &MapRecord { kind, input, output, second, lo, hi, shift, .. } = record;
        self.kind(kind, 5, record.flags, if kind == map::AFFINE { MAP_RQ_PER_COL } else { 0 })?;
        let x = self.tensor(input, 4, dtype::I8)?;
        self.disjoint(&[output, input, second], 1)?;
        if kind == map::BITS {
            self.report.equal(Defect::Shape, 4, 1, x.rows)?;
            let y = self.tensor(output, 6, dtype::BITS)?;
            self.report.equal(Defect::Shape, 6, 1, y.rows)?;
            self.constant(record.table, 12, 4, y.cols, 1)?;
            for entry in self.view.constants::<ThresholdRecord>(record.table, y.cols as usize).unwrap_or(&[]) {
                self.report.ensure(
                    u32::from(entry.feature) < x.cols,
                    Defect::Index,
                    12,
                    x.cols,
                    entry.feature.into(),
                )?;
                self.report.equal(Defect::Reserved, 12, 0, entry.reserved.into())?;
            }
        } else {
            self.shaped(output, 6, dtype::I8, x.rows, x.cols)?;
        }
        if kind == map::LUT256 {
            self.constant(record.table, 12, 1, 256, 1)?;
        }
        if kind == map::AFFINE {
            self.constant(record.table, 12, 1, x.cols, 1)?;
            self.optional(record.bias, 16, 4, x.cols)?;
            self.requantise(record.rq, 20, if record.flags & MAP_RQ_PER_COL == 0 { 1 } else { x.cols })?;
            cost.add_macs(x.rows, x.cols, 1);
        } else {
            self.report.equal(Defect::Constant, 16, NONE, record.bias & record.rq)?;
        }
        if kind == map::ADD || kind == map::CLAMP {
            self.report.equal(Defect::Constant, 12, NONE, record.table)?;
            self.report.ensure(lo <= hi, Defect::Requantise, 34, i32::from(hi) as u32, i32::from(lo) as u32)?;
        } else {
            self.report.equal(Defect::Reserved, 34, 0, u32::from(lo != 0 || hi != 0))?;
        }
        if kind == map::ADD {
            self.shaped(second, 8, dtype::I8, x.rows, x.cols)?;
            self.report.ensure((1..=62).contains(&shift), Defect::Requantise, 32, 62, shift.into())
        } else {
            self.report.equal(Defect::Tensor, 8, NO_TENSOR.into(), second.into())?;
            let rest =
                [record.m1, record.m2, shift.into(), record.zero_point.into(), record.z1.into(), record.z2.into()];
            self.report.equal(Defect::Reserved, 24, 0, rest.iter().fold(0, |all, number| all | number) as u32)
        }
    }

    #[inline(never)]
    fn readout(&self, record: &ReadoutRecord) -> Check {
        let &ReadoutRecord { kind, input, output, k, .. } = record;
        self.kind(kind, 3, record.flags, 0)?;
        let header = self.view.header();
        self.report.equal(Defect::Tensor, 4, header.output.into(), input.into())?;
        let scores = self.tensor(input, 4, 0)?;
        let ok = scores.place == place::ARENA && matches!(scores.dtype, dtype::I8 | dtype::I32);
        self.report.ensure(ok, Defect::Tensor, 4, dtype::I32.into(), scores.dtype.into())?;
        self.report.equal(Defect::Shape, 4, 1, scores.rows)?;
        self.disjoint(&[output, input], 1)?;
        let net_input = self.tensor(header.input, 0, 0)?;
        self.report.equal(Defect::Tensor, 0, place::INPUT.into(), net_input.place.into())?;
        let inputs = self.view.tensors().iter().filter(|tensor| tensor.place == place::INPUT).count();
        self.report.equal(Defect::Tensor, 0, 1, inputs as u32)?;
        let want = match kind {
            readout::NONE => 0..=0,
            readout::ARGMAX => 1..=1,
            _ => 1..=scores.cols,
        };
        self.report.ensure(want.contains(&k), Defect::Count, 8, *want.end(), k)?;
        if kind == readout::NONE {
            return self.report.equal(Defect::Tensor, 6, NO_TENSOR.into(), output.into());
        }
        self.shaped(output, 6, dtype::I32, 1, k).map(|_| ())
    }
}

#[inline(never)]
pub(crate) fn check_golden(view: &View<'_>, report: &Report) -> Check {
    let bytes = view.golden_bytes();
    let size = bytes.len() as u32;
    let Ok((head, _)) = GoldenHeader::ref_from_prefix(bytes) else {
        return report.ensure(false, Defect::Golden, 0, 16, size);
    };
    let input_bytes = view.input().and_then(TensorRecord::bytes).unwrap_or(0);
    let outputs = view.output().map_or(0, |tensor| tensor.cols);
    report.equal(Defect::Golden, 4, input_bytes, head.input_bytes)?;
    report.equal(Defect::Golden, 8, outputs, head.outputs)?;
    // Both are at most 2^30 bytes, so the sum fits.
    report.equal(Defect::Golden, 12, input_bytes.next_multiple_of(4) + 4 * outputs, head.stride)?;
    let want = u64::from(head.count) * u64::from(head.stride) + 16;
    report.equal(Defect::Golden, 0, want.min(u64::from(u32::MAX)) as u32, size)?;
    let (from, to) = (input_bytes as usize, input_bytes.next_multiple_of(4) as usize);
    let padding = |vector: &[u8]| vector.get(from..to).is_some_and(|padding| padding.iter().all(|&byte| byte == 0));
    let vectors = bytes.get(16..).unwrap_or(&[]).chunks_exact(head.stride.max(1) as usize);
    let padded = vectors.into_iter().all(padding);
    report.ensure(padded, Defect::Reserved, 16, 0, 1)
}
