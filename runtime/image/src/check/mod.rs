//! The rules of `docs/image-format.md` for tensors, ops, ranges and golden vectors.
//!
//! Every figure is a u32 from the image; sums and products are checked or taken in 64 bits. Each rule is a call of `ensure` or
//! `equal`, which carry the field's offset, so that an error names the very byte.

mod ffn;
mod route;

use zerocopy::{FromBytes, transmute_ref};

use crate::error::{Check, Defect, Place, Refused, Report};
use crate::record::*;
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
        let align = if size == 1 { 1 } else { 4 };
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
