//! What an op works on: the image, the arena, the input.

use core::ops::Range;

#[cfg(any(feature = "fff", feature = "sparse"))]
use leafgate_image::ListEntry;
use leafgate_image::{RequantRecord, TensorRecord, View, place};
use leafgate_kernels::{Requant, dot};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

pub(crate) struct Frame<'r, 'a> {
    pub(crate) view: &'r View<'a>,
    pub(crate) arena: &'r mut [u8],
    pub(crate) input: &'r [u8],
}

impl<'r> Frame<'r, '_> {
    /// The bytes of several tensors at once. A tensor that is absent, or is the network's input, comes out empty. The check has shown
    /// that they do not overlap; one that begins inside another would come out empty as well.
    pub(crate) fn split<const N: usize>(&mut self, tensors: [u16; N]) -> [&mut [u8]; N] {
        let mut parts = [(); N].map(|()| &mut [] as &mut [u8]);
        self.split_into(&tensors, &mut parts);
        parts
    }

    /// From the start of the arena to its end, the nearest tensor each time. Not inlined: one text for any number of tensors.
    #[inline(never)]
    fn split_into<'s>(&'s mut self, tensors: &[u16], parts: &mut [&'s mut [u8]]) {
        let view = self.view;
        let (mut rest, mut end) = (&mut *self.arena, 0);
        loop {
            let mut nearest: Option<(Range<usize>, &mut &'s mut [u8])> = None;
            for (&tensor, part) in tensors.iter().zip(parts.iter_mut()) {
                let range = view.tensor(tensor).filter(|tensor| tensor.place == place::ARENA).map_or(0..0, bytes_of);
                let is_ahead = !range.is_empty() && range.start >= end;
                if is_ahead && nearest.as_ref().is_none_or(|(best, _)| range.start < best.start) {
                    nearest = Some((range, part));
                }
            }
            let Some((range, part)) = nearest else { return };
            let Some((_, tail)) = rest.split_at_mut_checked(range.start.wrapping_sub(end)) else { return };
            let Some((bytes, tail)) = tail.split_at_mut_checked(range.len()) else { return };
            (*part, rest, end) = (bytes, tail, range.end);
        }
    }

    /// The input of an op: what [`Self::split`] gave, or the network's input where that came out empty.
    pub(crate) fn source<'s>(input: &'s [u8], part: &'s [u8]) -> &'s [u8] {
        if part.is_empty() { input } else { part }
    }
}

/// Where a tensor lies in the arena.
pub(crate) fn bytes_of(tensor: &TensorRecord) -> Range<usize> {
    let start = tensor.offset as usize;
    start..start.wrapping_add(tensor.bytes().unwrap_or(0) as usize)
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

/// A list tensor.
#[cfg(any(feature = "fff", feature = "sparse"))]
pub(crate) struct List<'s> {
    len: &'s mut u32,
    reserved: &'s mut u32,
    entries: &'s mut [ListEntry],
}

#[cfg(any(feature = "fff", feature = "sparse"))]
impl<'s> List<'s> {
    #[inline(never)]
    pub(crate) fn new(bytes: &'s mut [u8]) -> Option<Self> {
        let (len, rest) = u32::mut_from_prefix(bytes).ok()?;
        let (reserved, rest) = u32::mut_from_prefix(rest).ok()?;
        Some(Self { len, reserved, entries: cast_mut(rest) })
    }

    pub(crate) fn clear(&mut self) {
        (*self.len, *self.reserved) = (0, 0);
    }

    /// Without effect on a full list.
    #[inline(never)]
    pub(crate) fn push(&mut self, entry: ListEntry) {
        if let Some(slot) = self.entries.get_mut(*self.len as usize) {
            *slot = entry;
            *self.len = self.len.wrapping_add(1);
        }
    }

    pub(crate) fn entries(&self) -> &[ListEntry] {
        self.entries.get(..*self.len as usize).unwrap_or(self.entries)
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
#[derive(Clone, Copy)]
pub(crate) struct Requants<'a>(&'a [RequantRecord]);

impl<'a> Requants<'a> {
    #[inline(never)]
    pub(crate) fn new(view: &View<'a>, at: u32, is_per_row: bool, rows: u32) -> Self {
        let count = if is_per_row { rows as usize } else { 1 };
        Self(view.constants(at, count).unwrap_or(&[]))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `rq_i(a)`. There is always a record `i` where the check has asked for some.
    #[inline(never)]
    pub(crate) fn apply(&self, i: usize, a: i32) -> i8 {
        let i = if self.0.len() == 1 { 0 } else { i };
        let Some(&RequantRecord { m, s, zero_point, lo, hi }) = self.0.get(i) else { return 0 };
        Requant { m, s, zero_point, lo, hi }.apply(a)
    }
}

/// Rows of weights, each with a bias.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) weights: &'a [i8],
    pub(crate) biases: &'a [i32],
}

impl<'a> Rows<'a> {
    /// `rows` rows with `cols` weights.
    #[inline(never)]
    pub(crate) fn new(view: &View<'a>, (weights, bias): (u32, u32), rows: u32, cols: u32) -> Self {
        Self { weights: bytes(view, weights, rows.wrapping_mul(cols)), biases: words(view, bias, rows) }
    }

    /// Row `r`, or an empty one if there are no weights.
    pub(crate) fn row(&self, r: usize, cols: usize) -> &'a [i8] {
        self.weights.get(r.wrapping_mul(cols)..).and_then(|rest| rest.get(..cols)).unwrap_or(&[])
    }

    /// The dot product of row `r`, without its bias. Not inlined: every family is made of these.
    #[inline(never)]
    pub(crate) fn dot(&self, r: usize, x: &[i8]) -> i32 {
        dot(self.row(r, x.len()), x)
    }

    /// With its bias.
    #[cfg(any(feature = "fff", feature = "sparse"))]
    pub(crate) fn sum(&self, r: usize, x: &[i8]) -> i32 {
        self.dot(r, x).wrapping_add(bias(self.biases, r))
    }
}

/// Element `i` of a bias vector, 0 where there is no vector.
pub(crate) fn bias(biases: &[i32], i: usize) -> i32 {
    biases.get(i).copied().unwrap_or(0)
}
