//! GATES: 32 two-input gates a word.

use leafgate_image::{GatesRecord, GatheredGates, wiring};
use leafgate_kernels::{gates_gathered, gates_words};
use zerocopy::transmute_ref;

use crate::frame::{Frame, cast, cast_mut, words};

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &GatesRecord) -> Option<()> {
    let Frame { view, x, parts: [y, ..], .. } = frame;
    let (x, y) = (cast::<u32>(x), cast_mut::<u32>(y));
    let is_word = record.kind == wiring::WORD;
    let table = words(view, record.table, record.words.wrapping_mul(if is_word { 5 } else { 36 }));
    if is_word {
        gates_words(transmute_ref!(table.as_chunks::<5>().0), x, y);
        return Some(());
    }
    for (out, gates) in y.iter_mut().zip(table.as_chunks::<36>().0) {
        let gates: &GatheredGates = transmute_ref!(gates);
        *out = gates_gathered(&gates.masks, &gates.lanes, x);
    }
    Some(())
}
