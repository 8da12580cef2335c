//! The ops, one file each. An op reads its record, takes its tensors from the frame and calls kernels.

#[cfg(feature = "structure")]
mod copy;
#[cfg(any(feature = "fff", feature = "sparse"))]
mod ffn;
#[cfg(feature = "gates")]
mod gates;
#[cfg(feature = "gates")]
mod groupsum;
mod linear;
#[cfg(feature = "low-bit")]
mod low_bit;
mod map;
#[cfg(feature = "packed")]
mod pairs;
mod readout;
#[cfg(feature = "batch")]
pub(crate) use readout::rank;
#[cfg(any(feature = "fff", feature = "sparse"))]
mod route;

#[cfg(feature = "packed")]
use leafgate_image::WEIGHT_W8_PAIRS;
use leafgate_image::{LinearRecord, OpRecord, WEIGHT_W8, map as map_kind, op, route as route_kind};
use zerocopy::transmute_ref;

use crate::frame::Frame;
use crate::output::{Output, Values};

/// Whether this build has the code of an op. The check has refused what is no op at all.
pub(crate) fn is_supported(record: &OpRecord) -> bool {
    let (gates, sparse, fff) = (cfg!(feature = "gates"), cfg!(feature = "sparse"), cfg!(feature = "fff"));
    match (record.op, record.kind) {
        (op::FFN, _) | (op::ROUTE, route_kind::STATIC) => fff || sparse,
        (op::ROUTE, route_kind::TREE) => fff,
        (op::ROUTE, _) => sparse,
        (op::GATES | op::GROUPSUM, _) | (op::MAP, map_kind::BITS) => gates,
        _ => true,
    }
}

/// How the weights of a LINEAR lie.
pub(crate) fn weight_format(record: &OpRecord) -> u8 {
    let record: &LinearRecord = transmute_ref!(record);
    record.weight_format
}

/// Whether they are packed, so that there is a prepared input.
pub(crate) fn is_packed(record: &OpRecord) -> bool {
    weight_format(record) != WEIGHT_W8
}

/// Runs one op, except READOUT. `None` only for a record that the check refuses.
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &OpRecord) -> Option<()> {
    match record.op {
        #[cfg(feature = "packed")]
        op::LINEAR if weight_format(record) == WEIGHT_W8_PAIRS => pairs::run(frame, transmute_ref!(record)),
        #[cfg(feature = "low-bit")]
        op::LINEAR if is_packed(record) => low_bit::run(frame, transmute_ref!(record)),
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
        #[cfg(feature = "structure")]
        op::MOVE => copy::run(frame, transmute_ref!(record)),
        _ => None,
    }
}

/// Runs the last op, which is READOUT.
pub(crate) fn readout<'s>(frame: Frame<'s, '_>, record: &OpRecord) -> Output<'s> {
    readout::run(frame, transmute_ref!(record))
}

/// The largest of the scores that come after `previous` in descending order, ties in ascending order of the index; all come after
/// `i64::MAX`. Score and index are one number, the score in its upper half and `i32::MAX ^ index` below. So nothing needs to be marked
/// or moved: one pass over the scores for each, no memory.
#[inline(never)]
fn next_best(scores: Values<'_>, previous: i64) -> i64 {
    let mut best = i64::MIN;
    let mut i = 0;
    while let Some(score) = scores.get(i as usize) {
        let key = i64::from(score) << 32 | i64::from((i32::MAX ^ i) as u32);
        if key < previous && key > best {
            best = key;
        }
        i += 1;
    }
    best
}
