//! What a run of a batch gives.

use leafgate_image::{ReadoutRecord, TensorRecord, View};
use leafgate_kernels::batch::Plane;
use zerocopy::{FromBytes, IntoBytes, transmute_ref};

use super::{memory, tensors};
use crate::ops::rank;
use crate::output::{Output, Values};

/// The results of a run, one for each input in order, borrowed from the batch until the next run.
#[derive(Clone, Copy, Debug)]
pub struct Outputs<'b> {
    /// Of sample after sample, and how many each has.
    scores: (&'b [i32], usize),
    /// As the scores.
    classes: (&'b [i32], usize),
    tensor: Option<&'b TensorRecord>,
    count: usize,
}

impl<'b> Outputs<'b> {
    /// Finds the classes of so many samples' largest scores, if the image asks for them.
    #[inline(always)]
    pub(super) fn new<const N: usize>(view: &View<'b>, planes: &'b mut [Plane<N>], count: usize) -> Self {
        let Some(record) = view.ops().last() else {
            return Self { scores: (&[], 0), classes: (&[], 0), tensor: None, count: 0 };
        };
        let (scores, classes) = memory::operands(view, planes, tensors(record));
        let record: &ReadoutRecord = transmute_ref!(record);
        let tensor = view.tensor(record.input);
        let (width, ranks) = (tensor.map_or(0, |tensor| tensor.cols as usize), record.k as usize);
        let scores = <[i32]>::ref_from_bytes(scores.as_bytes()).unwrap_or(&[]);
        let classes = <[i32]>::mut_from_bytes(classes.as_mut_bytes()).unwrap_or_default();
        // Both are at least one where there is something to take apart.
        let samples = scores.chunks_exact(width.max(1)).zip(classes.chunks_exact_mut(ranks.max(1)));
        for (scores, classes) in samples.take(count) {
            rank(Values::I32(scores), classes);
        }
        Self { scores: (scores, width), classes: (classes, ranks), tensor, count }
    }

    /// As many as there were inputs.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there were no inputs.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The result for input `i`.
    #[inline]
    pub fn get(&self, i: usize) -> Option<Output<'b>> {
        if i >= self.count {
            return None;
        }
        let of = |(all, width): (&'b [i32], usize)| {
            all.get(i.wrapping_mul(width)..).and_then(|rest| rest.get(..width)).unwrap_or(&[])
        };
        Some(Output { values: Values::I32(of(self.scores)), classes: of(self.classes), tensor: self.tensor })
    }

    /// All results in order.
    pub fn iter(&self) -> impl Iterator<Item = Output<'b>> + use<'b> {
        let all = *self;
        (0..self.count).map_while(move |i| all.get(i))
    }
}
