//! The rules of `docs/image-format.md`, from the header to the golden vectors.
//!
//! Most are about single fields and stand in `tables`; what they have in common is done by `rules`. Here and in `sections` and `ffn`
//! is what needs a loop or several records. Every figure is a u32 from the image; sums and products are checked or taken in 64 bits.

mod ffn;
#[cfg(feature = "low-bit")]
mod low_bit;
mod rules;
mod sections;
#[cfg(feature = "structure")]
mod structure;
mod tables;

use zerocopy::{FromBytes, transmute_ref};

use crate::error::{Check, Defect, ParseError, Place, Refused};
use crate::record::*;
use crate::view::View;
use crate::*;
use rules::{ALWAYS, Numbers, number, type_of};
use tables::*;

/// Checks an image from its first byte to its last.
///
/// All that a check needs is in here, and what it gives is one register: that is what keeps some 150 of them small.
struct Checker<'a> {
    view: View<'a>,
    /// Where the checks are, and once one has refused, what it found.
    error: ParseError,
    numbers: Numbers,
}

/// See [`View::parse`].
#[inline(never)]
pub(crate) fn parse(bytes: &[u8]) -> Result<View<'_>, ParseError> {
    let error = ParseError { defect: Defect::Truncated, place: Place::Header, at: 0, want: 0, have: 0 };
    let mut checker = Checker { view: View::EMPTY, error, numbers: [0; _] };
    match checker.image(bytes) {
        Ok(()) => Ok(checker.view),
        Err(Refused) => Err(checker.error),
    }
}

impl<'a> Checker<'a> {
    #[inline(always)]
    fn image(&mut self, bytes: &'a [u8]) -> Check {
        self.sections(bytes)?;
        self.view.find_records();
        self.records()?;
        self.error.place = Place::Header;
        let words: &[u32; 16] = transmute_ref!(self.view.header);
        self.keep(words, TOTALS, ALWAYS)?;
        self.golden()?;
        self.error.place = Place::Section(section::LABELS);
        self.ensure(self.view.labels().all_present(), Defect::Size, 0, 0, 0)
    }

    /// Refuses unless `ok`; `want` and `have` are only looked at then.
    #[inline(always)]
    fn ensure(&mut self, ok: bool, defect: Defect, at: u8, want: u32, have: u32) -> Check {
        if ok { Ok(()) } else { self.refuse(u16::from_le_bytes([defect as u8, at]), want, have) }
    }

    /// Refuses unless `have == want`. Not inlined: its call is what a comparison costs.
    #[inline(always)]
    fn equal(&mut self, defect: Defect, at: u8, want: u32, have: u32) -> Check {
        self.compare(u16::from_le_bytes([defect as u8, at]), want, have)
    }

    #[inline(never)]
    fn compare(&mut self, rule: u16, want: u32, have: u32) -> Check {
        if want == have { Ok(()) } else { self.refuse(rule, want, have) }
    }

    /// `rule` is defect and offset in one register, so that no argument goes over the stack.
    #[cold]
    #[inline(never)]
    fn refuse(&mut self, rule: u16, want: u32, have: u32) -> Check {
        let [defect, at] = rule.to_le_bytes();
        self.error = ParseError { defect: Defect::of(defect), place: self.error.place, at, want, have };
        Err(Refused)
    }

    #[inline(always)]
    fn records(&mut self) -> Check {
        for (i, tensor) in self.view.tensors().iter().enumerate() {
            self.error.place = Place::Tensor(i as u16);
            self.tensor_record(i as u16, tensor)?;
        }
        let ranges = self.view.ranges();
        self.set(number::RANGES, ranges.len() as u32);
        for (i, range) in ranges.iter().enumerate() {
            self.error.place = Place::Range(i as u16);
            let words: &[u32; 12] = transmute_ref!(range);
            self.keep(words, &RANGE, range_case::EACH)?;
        }
        let mut left = self.view.ops().len();
        for (i, record) in self.view.ops().iter().enumerate() {
            self.error.place = Place::Op(i as u16);
            left -= 1;
            // READOUT ends the list and stands nowhere else.
            let in_place = (record.op == op::READOUT) == (left == 0);
            self.ensure(in_place, Defect::Op, 0, op::READOUT.into(), record.op.into())?;
            self.op(record)?;
        }
        Ok(())
    }

    #[inline(always)]
    fn tensor_record(&mut self, i: u16, tensor: &TensorRecord) -> Check {
        let Some(bytes) = tensor.bytes() else {
            return self.ensure(false, Defect::Tensor, 0, MAX_BYTES, tensor.dtype.into());
        };
        let is_input = i == self.view.header.input;
        let end = if is_input { 0 } else { tensor.offset.saturating_add(bytes) };
        self.set(number::END, end);
        let words: &[u32; 8] = transmute_ref!(tensor);
        self.keep(words, &TENSOR, if is_input { tensor_case::INPUT } else { tensor_case::ARENA })?;
        let arena = self.number(number::ARENA).max(end);
        self.set(number::ARENA, arena);
        Ok(())
    }

    #[inline(always)]
    fn op(&mut self, record: &OpRecord) -> Check {
        let Some(rules) = OPS.get(usize::from(record.op).wrapping_sub(1)) else {
            return self.ensure(false, Defect::Unsupported, 0, OPS.len() as u32, record.op.into());
        };
        let &OpRules { used, kinds, flags, named, written, rules } = rules;
        let bytes: &[u8; 64] = transmute_ref!(record);
        for (i, &byte) in bytes.iter().enumerate() {
            self.ensure(i < used.into() || byte == 0, Defect::Reserved, i as u8, 0, byte.into())?;
        }
        self.ensure(record.kind < kinds, Defect::Unsupported, 1, kinds.into(), record.kind.into())?;
        self.ensure(record.flags & !u16::from(flags) == 0, Defect::Op, 2, flags.into(), record.flags.into())?;
        let features = self.number(number::FEATURES) | 1 << (record.op & 31);
        self.set(number::FEATURES, features);

        // Every op has its input at 4 and its output at 6. Where there is none, the rules refuse or do not look at the shape.
        let halves: &[u16; 32] = transmute_ref!(record);
        let [_, _, x, y, _, _, acc, ..] = *halves;
        self.describe(number::X_ROWS, x);
        self.describe(number::Y_ROWS, y);
        self.set(number::X, x.into());
        self.set(number::RAW, (acc == y).into());
        match record.op {
            op::ROUTE => self.prepare_route(transmute_ref!(record)),
            op::MAP => {
                let &MapRecord { lo, hi, .. } = transmute_ref!(record);
                // Where bounds have no meaning both are 0.
                self.ensure(lo <= hi, Defect::Requantise, 34, i32::from(hi) as u32, i32::from(lo) as u32)?;
            }
            _ => {}
        }
        let words: &[u32; 16] = transmute_ref!(record);
        #[cfg(feature = "low-bit")]
        let case = if record.op == op::LINEAR { self.prepare_linear(transmute_ref!(record)) } else { 0 };
        #[cfg(not(feature = "low-bit"))]
        let case = 0;
        self.keep(words, rules, 1 << record.kind | case)?;
        #[cfg(feature = "low-bit")]
        if record.op == op::LINEAR {
            self.two_bits(transmute_ref!(record))?;
        }
        #[cfg(feature = "structure")]
        if record.op == op::MOVE {
            self.holds_copied(transmute_ref!(record))?;
        }
        let unnamed = match record.op {
            // The output of an FFN without requantising is its accumulator.
            op::FFN if acc == y => 0b10,
            // Only packed weights need a prepared input.
            op::LINEAR if bytes[28] == WEIGHT_W8 => 0b1000_0000,
            _ => 0,
        };
        self.disjoint(halves, named & !unnamed, written)?;
        if record.op == op::FFN { self.ranges_of(transmute_ref!(record)) } else { Ok(()) }
    }

    /// Sets the four numbers from `first` on to what tensor `i` is; to 0 if there is none.
    #[inline(never)]
    fn describe(&mut self, first: u8, i: u16) {
        let numbers = self.numbers.get_mut(usize::from(first)..).and_then(|numbers| numbers.first_chunk_mut::<4>());
        if let Some(numbers) = numbers {
            *numbers = self.view.tensor(i).map_or([0; 4], |tensor| {
                let &TensorRecord { dtype, place, rows, cols, .. } = tensor;
                [rows, cols, cols.div_ceil(32), type_of(dtype, place)]
            });
        }
    }

    /// The tensors `named` are pairwise disjoint in the arena, and those `written`, as far as they exist, lie there. Bit `p` is the
    /// field at `4 + 2 * p`, but bits 6 and 7 those at 32 and 30.
    #[inline(never)]
    fn disjoint(&mut self, halves: &[u16; 32], named: u8, written: u8) -> Check {
        let mut spans = [(0, 0); 8];
        for p in 0..8 {
            let Some(&i) = halves.get(if p >= 6 { 22 - p } else { p + 2 }) else { continue };
            let Some(tensor) = self.view.tensor(i).filter(|_| named >> p & 1 == 1) else { continue };
            if tensor.place != place::ARENA {
                self.ensure(written >> p & 1 == 0, Defect::Tensor, 4, place::ARENA.into(), tensor.place.into())?;
                continue;
            }
            let (start, end) = (tensor.offset, tensor.offset.saturating_add(tensor.bytes().unwrap_or(0)));
            for &(from, to) in &spans {
                self.ensure(end <= from || start >= to, Defect::Alias, 4, from, start)?;
            }
            if let Some(span) = spans.get_mut(p) {
                *span = (start, end);
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn golden(&mut self) -> Check {
        let bytes = self.view.section(section::GOLDEN);
        if bytes.is_empty() {
            return Ok(());
        }
        self.error.place = Place::Section(section::GOLDEN);
        let size = bytes.len() as u32;
        let Ok((head, _)) = GoldenHeader::ref_from_prefix(bytes) else {
            return self.ensure(false, Defect::Golden, 0, 16, size);
        };
        let input_bytes = self.view.input().and_then(TensorRecord::bytes).unwrap_or(0);
        let outputs = self.view.output().map_or(0, |tensor| tensor.cols);
        let padded = input_bytes.next_multiple_of(4);
        // Input and output are at most 2^30 bytes, so the sum fits.
        let stride = padded + 4 * outputs;
        self.set(number::COUNT, input_bytes);
        self.set(number::WIDTH, outputs);
        self.set(number::END, stride);
        self.set(number::ROWS, 16);
        self.set(number::COLS, size);
        let words: &[u32; 4] = transmute_ref!(head);
        self.keep(words, &GOLDEN, ALWAYS)?;
        let mut at = 16;
        while at < size {
            let padding = bytes.get((at + input_bytes) as usize..(at + padded) as usize).unwrap_or(&[]);
            self.ensure(padding.iter().all(|&byte| byte == 0), Defect::Reserved, 16, 0, at)?;
            at = at.saturating_add(stride);
        }
        Ok(())
    }
}
