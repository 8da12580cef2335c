//! The rules of `docs/image-format.md` for header, tensors, ops, ranges and golden vectors.
//!
//! Most are about single fields and stand in `tables`; what they have in common is done by `rules`. Here is what needs a loop or
//! more than a field. Every figure is a u32 from the image; sums and products are checked or taken in 64 bits.

mod rules;
mod special;
mod tables;

use zerocopy::{FromBytes, transmute_ref};

use crate::error::{Check, Defect, Report};
use crate::record::{self, *};
use crate::view::View;
use crate::*;
use rules::{ALWAYS, NUMBERS, Numbers, number};
use tables::*;

/// What the ops of an image add up to; no figure exceeds 2^32 - 1.
#[derive(Default)]
pub(crate) struct Cost {
    pub(crate) features: u32,
    pub(crate) macs: u32,
    pub(crate) gates: u32,
    pub(crate) steps: u32,
    ranges: u32,
    /// Bytes of the tables that are looked at entry by entry, counted each time that one is named.
    tables: u64,
}

/// Checks records one after another.
pub(crate) struct Checker<'v, 'a> {
    view: &'v View<'a>,
    report: &'v Report,
    numbers: Numbers,
    pub(crate) cost: Cost,
}

impl<'v, 'a> Checker<'v, 'a> {
    /// A checker of the records of `view`.
    #[inline(never)]
    pub(crate) fn new(view: &'v View<'a>, report: &'v Report) -> Self {
        Self { view, report, numbers: NUMBERS, cost: Cost::default() }
    }

    /// The words of the record that rules are about.
    #[inline(always)]
    fn take(&mut self, words: &[u32]) {
        for (to, &word) in self.numbers.iter_mut().zip(words) {
            *to = word;
        }
    }

    #[inline(always)]
    fn set(&mut self, number: u8, value: u32) {
        self.numbers[usize::from(number & 31)] = value;
    }

    /// Checks the fields of the header that have but one value or a constant bound.
    pub(crate) fn header(&mut self, header: &Header) -> Check {
        let words: &[u32; 16] = transmute_ref!(header);
        self.take(words);
        self.keep(&HEADER, ALWAYS)
    }

    /// Checks a tensor.
    #[inline(never)]
    pub(crate) fn tensor_record(&mut self, tensor: &TensorRecord) -> Check {
        let Some(bytes) = tensor.bytes() else {
            return self.report.ensure(false, Defect::Tensor, 0, MAX_BYTES, tensor.dtype.into());
        };
        let words: &[u32; 8] = transmute_ref!(tensor);
        self.take(words);
        let input = if tensor.place == place::INPUT { INPUT_CASE } else { OTHER_CASE };
        let list = if tensor.dtype == dtype::LIST { LIST_CASE } else { OTHER_CASE };
        self.keep(&TENSOR, input | list)?;
        // Not a number and infinity are refused by their exponent, so that no float instruction is needed.
        for at in [16, 20] {
            let bits = self.number(at / 4);
            self.report.ensure(bits >> 23 & 0xFF != 0xFF, Defect::Tensor, at, 0, bits)?;
        }
        let is_bytes = tensor.dtype == dtype::I8;
        if tensor.place == place::INPUT {
            let ok = is_bytes || tensor.dtype == dtype::BITS;
            return self.report.ensure(ok, Defect::Tensor, 0, dtype::I8.into(), tensor.dtype.into());
        }
        self.report.equal(Defect::Tensor, 1, place::ARENA.into(), tensor.place.into())?;
        let arena = self.view.header().arena_bytes;
        let end = tensor.offset.saturating_add(bytes);
        self.report.ensure(is_bytes || tensor.offset & 3 == 0, Defect::Arena, 4, 4, tensor.offset)?;
        self.report.ensure(end <= arena, Defect::Arena, 4, arena, end)
    }

    /// Checks what holds of every range, whether or not an op uses it.
    #[inline(never)]
    pub(crate) fn range(&mut self, range: &RangeRecord) -> Check {
        let cases = self.take_range(range);
        self.set(number::RQ, if range.flags & range_flag::RQ_PER_NEURON == 0 { 1 } else { range.neurons });
        self.keep(&RANGE, cases)?;
        let ok = range.scale_m == 0 || record::is_multiplier(range.scale_m, range.scale_s);
        self.report.ensure(ok, Defect::Requantise, 28, 1 << 30, range.scale_m)
    }

    /// Takes a range, and says which cases it is.
    fn take_range(&mut self, range: &RangeRecord) -> u8 {
        let words: &[u32; 12] = transmute_ref!(range);
        self.take(words);
        let scaled = if range.scale_m == 0 { range_case::UNSCALED } else { 0 };
        scaled | if range.neurons == 0 { range_case::EMPTY } else { range_case::SOME }
    }

    /// Checks an op.
    #[inline(never)]
    pub(crate) fn op(&mut self, record: &OpRecord) -> Check {
        let Some(rules) = OPS.get(usize::from(record.op).wrapping_sub(1)) else {
            return self.report.ensure(false, Defect::Op, 0, op::READOUT.into(), record.op.into());
        };
        let bytes: &[u8; 64] = transmute_ref!(record);
        let OpRules { used, kinds, flags, .. } = *rules;
        for (i, &byte) in bytes.iter().enumerate() {
            self.report.ensure(i < used.into() || byte == 0, Defect::Reserved, i as u8, 0, byte.into())?;
        }
        self.report.ensure(record.kind < kinds, Defect::Op, 1, kinds.into(), record.kind.into())?;
        self.report.ensure(record.flags & !u16::from(flags) == 0, Defect::Op, 2, flags.into(), record.flags.into())?;
        self.cost.features |= 1 << record.op;

        let words: &[u32; 16] = transmute_ref!(record);
        self.take(words);
        // Every op has its input at 4 and its output at 6. Where there is none, the rules refuse or do not look at the shape.
        let [x, y] = [self.number(1) as u16, (self.number(1) >> 16) as u16].map(|i| self.view.tensor(i));
        let shape = |tensor: Option<&TensorRecord>| tensor.map_or((0, 0), |tensor| (tensor.rows, tensor.cols));
        let ((x_rows, x_cols), (_, y_cols)) = (shape(x), shape(y));
        self.set(number::X_ROWS, x_rows);
        self.set(number::X_COLS, x_cols);
        self.set(number::Y_COLS, y_cols);
        let cases = self.prepare(record)?;
        self.keep(rules.rules, cases)?;
        // The output of an FFN without requantising is its accumulator.
        let alias = if record.op == op::FFN && cases & ffn_case::RAW != 0 { 0b10 } else { 0 };
        self.disjoint(rules.named & !alias, rules.written)?;
        self.finish(record)
    }

    /// The tensors `named` are pairwise disjoint in the arena, and those `written`, as far as they exist, lie there.
    #[inline(never)]
    fn disjoint(&self, named: u8, written: u8) -> Check {
        for (p, a) in self.named(named) {
            let Some(one) = self.view.tensor(a) else { continue };
            if one.place != place::ARENA {
                self.report.ensure(written >> p & 1 == 0, Defect::Tensor, 4, place::ARENA.into(), one.place.into())?;
                continue;
            }
            let end = one.offset + one.bytes().unwrap_or(0);
            for (q, b) in self.named(named) {
                let Some(other) = self.view.tensor(b) else { continue };
                // Each pair is looked at from both sides: one of the two begins inside the other.
                let apart = p == q || one.offset > other.offset || other.offset >= end;
                self.report.ensure(apart || other.place != place::ARENA, Defect::Alias, 4, a.into(), b.into())?;
            }
        }
        Ok(())
    }

    /// Positions and indices of the tensors whose bits are set.
    fn named(&self, bits: u8) -> impl Iterator<Item = (u8, u16)> {
        (0..7u8).filter(move |p| bits >> p & 1 == 1).map(|p| {
            let at = if p == 6 { 32 } else { 4 + 2 * p };
            (p, (self.number(at / 4) >> (at % 4 * 8)) as u16)
        })
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
