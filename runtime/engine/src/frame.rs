//! What an op works on: the image and the bytes of its tensors.

#[cfg(any(feature = "fff", feature = "sparse"))]
use leafgate_image::ListEntry;
use leafgate_image::{OpRecord, RequantRecord, TensorRecord, View, op, place};
use leafgate_kernels::{Requant, dot_strided, requantize};
#[cfg(feature = "speed")]
use leafgate_kernels::{dot4, rows_i8};
#[cfg(any(feature = "fff", feature = "sparse"))]
use zerocopy::transmute;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, transmute_ref};

use crate::ops::is_packed;

/// What an op works on. A tensor that is absent is empty.
pub(crate) struct Frame<'r, 'a> {
    pub(crate) view: &'r View<'a>,
    /// The network's input.
    pub(crate) input: &'r [u8],
    /// The op's input.
    pub(crate) x: &'r [u8],
    /// The op's output, and what else it names.
    pub(crate) parts: [&'r mut [u8]; 5],
}

/// A power of two above the op numbers of this build.
const OPS: usize = if cfg!(feature = "structure") { 16 } else { 8 };

/// By op, the halfwords of a record that name tensors: the input, the output, then others.
static FIELDS: [&[u8]; OPS] = {
    let mut fields: [&[u8]; OPS] = [&[2, 3]; OPS];
    fields[op::FFN as usize] = &[2, 3, 4, 5, 6, 7];
    fields[op::ROUTE as usize] = &[2, 3, 16];
    fields[op::MAP as usize] = &[2, 3, 4];
    // A LINEAR with packed weights stands in the place of no op.
    fields[0] = &[2, 3, 15];
    fields
};

impl<'r, 'a> Frame<'r, 'a> {
    /// Takes the tensors of `record`, from the start of the arena to its end, the nearest each time. The check has shown that they do
    /// not overlap, but that the output of an FFN may be its accumulator: of two at one place the later is taken.
    #[inline(never)]
    pub(crate) fn new(view: &'r View<'a>, arena: &'r mut [u8], input: &'r [u8], record: &OpRecord) -> Self {
        let words: &[u16; 32] = transmute_ref!(record);
        // Masks, here and below, say that no index is out of bounds.
        let can_be_packed = cfg!(any(feature = "packed", feature = "low-bit"));
        let is_packed = can_be_packed && record.op == op::LINEAR && is_packed(record);
        let fields = FIELDS[usize::from(if is_packed { 0 } else { record.op & (OPS as u8 - 1) })];
        let mut parts: [&mut [u8]; 6] = Default::default();
        let (mut rest, mut end) = (arena, 0);
        for _ in fields {
            let mut nearest: Option<(&TensorRecord, usize)> = None;
            for (i, &field) in fields.iter().enumerate() {
                let Some(tensor) = view.tensor(words[usize::from(field & 31)]) else { continue };
                let is_ahead = tensor.place == place::ARENA && tensor.offset >= end;
                if is_ahead && nearest.is_none_or(|(best, _)| tensor.offset <= best.offset) {
                    nearest = Some((tensor, i));
                }
            }
            let Some((tensor, i)) = nearest else { break };
            let size = tensor.bytes().unwrap_or(0);
            let Some((_, tail)) = rest.split_at_mut_checked(tensor.offset.wrapping_sub(end) as usize) else { break };
            let Some((bytes, tail)) = tail.split_at_mut_checked(size as usize) else { break };
            let Some(part) = parts.get_mut(i) else { break };
            (*part, rest, end) = (bytes, tail, tensor.offset.wrapping_add(size));
        }
        let [x, parts @ ..] = parts;
        Self { view, input, x: if x.is_empty() { input } else { x }, parts }
    }
}

/// Bytes of the arena or the input as elements.
pub(crate) fn cast<T: FromBytes + KnownLayout + Immutable>(bytes: &[u8]) -> &[T] {
    <[T]>::ref_from_bytes(bytes).unwrap_or(&[])
}

/// As [`cast`], to write.
pub(crate) fn cast_mut<T: FromBytes + IntoBytes + KnownLayout + Immutable>(bytes: &mut [u8]) -> &mut [T] {
    <[T]>::mut_from_bytes(bytes).unwrap_or(&mut [])
}

/// As [`cast_mut`] for the type that most ops write. Not inlined.
#[inline(never)]
pub(crate) fn words_of(bytes: &mut [u8]) -> &mut [i32] {
    cast_mut(bytes)
}

/// A list tensor: its length, a reserved word, then entries of two words.
#[cfg(any(feature = "fff", feature = "sparse"))]
pub(crate) struct List<'s>(&'s mut [i32]);

#[cfg(any(feature = "fff", feature = "sparse"))]
impl<'s> List<'s> {
    pub(crate) fn new(bytes: &'s mut [u8]) -> Self {
        Self(words_of(bytes))
    }

    pub(crate) fn clear(&mut self) {
        if let [len, reserved, ..] = self.0 {
            (*len, *reserved) = (0, 0);
        }
    }

    /// Without effect on a full list.
    #[inline(never)]
    pub(crate) fn push(&mut self, entry: ListEntry) {
        let [len, _, entries @ ..] = &mut *self.0 else { return };
        let (entries, _) = entries.as_chunks_mut::<2>();
        if let Some(slot) = entries.get_mut(*len as usize) {
            *slot = transmute!(entry);
            *len = len.wrapping_add(1);
        }
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &ListEntry> {
        let (len, entries) = if let [len, _, entries @ ..] = &*self.0 { (*len, entries) } else { (0, &[][..]) };
        let (entries, _) = entries.as_chunks::<2>();
        entries.iter().take(len as usize).map(|entry| transmute_ref!(entry))
    }
}

/// `count` constants of one byte, or an empty slice if there are none.
#[inline(never)]
pub(crate) fn bytes<'a>(view: &View<'a>, at: u32, count: u32) -> &'a [i8] {
    view.constants(at, count as usize).unwrap_or(&[])
}

/// As [`bytes`], words of four.
#[inline(never)]
pub(crate) fn words<'a>(view: &View<'a>, at: u32, count: u32) -> &'a [i32] {
    view.constants(at, count as usize).unwrap_or(&[])
}

/// Requantise records: one of each row, or one for all.
pub(crate) struct Requants<'a>(pub(crate) &'a [[i32; 2]]);

impl<'a> Requants<'a> {
    #[inline(never)]
    pub(crate) fn new(view: &View<'a>, at: u32, is_per_row: bool, rows: u32) -> Self {
        let count = if is_per_row { rows } else { 1 };
        let (records, _) = words(view, at, count.wrapping_mul(2)).as_chunks();
        Self(records)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `rq_i(a)`. There is always a record `i` where the check has asked for some.
    #[inline(never)]
    pub(crate) fn apply(&self, i: usize, a: i32) -> i8 {
        let i = if self.0.len() == 1 { 0 } else { i };
        let Some(record) = self.0.get(i) else { return 0 };
        if cfg!(feature = "speed") {
            return requantize(*record, a);
        }
        let &RequantRecord { m, s, zero_point, lo, hi } = transmute_ref!(record);
        Requant { m, s, zero_point, lo, hi }.apply(a)
    }
}

/// Rows of `cols` weights, each with a bias.
pub(crate) struct Rows<'a> {
    pub(crate) cols: usize,
    /// From an element of what a row is multiplied with to the next.
    pub(crate) stride: usize,
    pub(crate) weights: &'a [i8],
    pub(crate) biases: &'a [i32],
    /// Sums of four rows, and how many of them [`next`](Self::next) is yet to give.
    #[cfg(feature = "speed")]
    four: ([i32; 4], usize),
}

impl<'a> Rows<'a> {
    #[inline(never)]
    pub(crate) fn new(view: &View<'a>, (weights, bias): (u32, u32), rows: u32, cols: u32) -> Self {
        let weights = bytes(view, weights, rows.wrapping_mul(cols));
        Self {
            cols: cols as usize,
            stride: 1,
            weights,
            biases: words(view, bias, rows),
            #[cfg(feature = "speed")]
            four: ([0; 4], 0),
        }
    }

    /// Row `r` and those that follow it, or nothing if there are no weights. A kernel takes as much as its other operand has.
    pub(crate) fn starting(&self, r: usize) -> &'a [i8] {
        self.weights.get(r.wrapping_mul(self.cols)..).unwrap_or(&[])
    }

    /// Row `r` times `x`, and its bias. Not inlined: every family is made of these.
    #[inline(never)]
    pub(crate) fn sum(&self, r: usize, x: &[i8]) -> i32 {
        let rows = self.starting(r);
        let row = rows.get(..self.cols).unwrap_or(rows);
        dot_strided(row, x, self.stride).wrapping_add(bias(self.biases, r))
    }

    /// As [`sum`](Self::sum), of rows in order from any to the last: while there are as many, four are taken in one pass over `x`.
    #[cfg(feature = "speed")]
    #[inline(always)]
    pub(crate) fn next(&mut self, r: usize, x: &[i8]) -> i32 {
        let (four, left) = &mut self.four;
        if *left == 0 {
            return self.refill(r, x);
        }
        *left = left.wrapping_sub(1);
        four[!*left & 3]
    }

    /// Row `r`, and if there are as many the three that follow it, which [`next`](Self::next) gives.
    #[cfg(feature = "speed")]
    #[inline(never)]
    fn refill(&mut self, r: usize, x: &[i8]) -> i32 {
        let rows = self.starting(r);
        if rows.is_empty() {
            return bias(self.biases, r);
        }
        let (four, left) = &mut self.four;
        if self.stride != 1 || !dot4(rows, self.cols, x, four) {
            return self.sum(r, x);
        }
        for (sum, &bias) in four.iter_mut().zip(self.biases.get(r..).unwrap_or(&[])) {
            *sum = sum.wrapping_add(bias);
        }
        *left = 3;
        four[0]
    }

    /// The first rows times `x`, with their biases, requantised to `y`: as many as the kernel takes. Gives their number.
    #[cfg(feature = "speed")]
    #[inline(never)]
    pub(crate) fn requantized(&self, records: &Requants<'_>, x: &[i8], y: &mut [i8]) -> usize {
        rows_i8(self.weights, self.cols, x, self.biases, records.0, y)
    }

    /// As [`sum`](Self::sum).
    #[cfg(not(feature = "speed"))]
    pub(crate) fn next(&mut self, r: usize, x: &[i8]) -> i32 {
        self.sum(r, x)
    }
}

/// Element `i` of a bias vector, 0 where there is no vector.
pub(crate) fn bias(biases: &[i32], i: usize) -> i32 {
    biases.get(i).copied().unwrap_or(0)
}
