//! The ops, one file each. An op reads its record, takes its tensors from the frame and calls kernels.

#[cfg(any(feature = "fff", feature = "sparse"))]
mod ffn;
#[cfg(feature = "gates")]
mod gates;
#[cfg(feature = "gates")]
mod groupsum;
mod linear;
mod map;
mod readout;
#[cfg(any(feature = "fff", feature = "sparse"))]
mod route;

use leafgate_image::{OpRecord, op};
use zerocopy::transmute_ref;

use crate::frame::Frame;
use crate::output::Values;

/// Whether this build has the code of an op.
pub(crate) fn is_supported(record: &OpRecord) -> bool {
    match record.op {
        op::LINEAR | op::READOUT => true,
        op::MAP => map::is_supported(record.kind),
        #[cfg(any(feature = "fff", feature = "sparse"))]
        op::FFN => true,
        #[cfg(any(feature = "fff", feature = "sparse"))]
        op::ROUTE => route::is_supported(record.kind),
        #[cfg(feature = "gates")]
        op::GATES | op::GROUPSUM => true,
        _ => false,
    }
}

/// Runs one op. `None` only for a record that the check refuses.
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &OpRecord) -> Option<()> {
    match record.op {
        op::LINEAR => linear::run(frame, transmute_ref!(record)),
        #[cfg(any(feature = "fff", feature = "sparse"))]
        op::FFN => ffn::run(frame, transmute_ref!(record)),
        #[cfg(any(feature = "fff", feature = "sparse"))]
        op::ROUTE => route::run(frame, transmute_ref!(record)),
        #[cfg(feature = "gates")]
        op::GATES => gates::run(frame, transmute_ref!(record)),
        #[cfg(feature = "gates")]
        op::GROUPSUM => groupsum::run(frame, transmute_ref!(record)),
        op::MAP => map::run(frame, transmute_ref!(record)),
        op::READOUT => readout::run(frame, transmute_ref!(record)),
        _ => None,
    }
}

/// The largest score, with its index, of those that come after `previous` in descending order, ties in ascending order of the index.
/// So nothing needs to be marked or moved: one pass over the scores for each, no memory.
#[inline(never)]
fn next_best(scores: Values<'_>, previous: Option<(usize, i32)>) -> Option<(usize, i32)> {
    let mut best: Option<(usize, i32)> = None;
    let mut i = 0;
    while let Some(score) = scores.get(i) {
        let open = previous.is_none_or(|(at, limit)| score < limit || (score == limit && i > at));
        if open && best.is_none_or(|(_, top)| score > top) {
            best = Some((i, score));
        }
        i += 1;
    }
    best
}
