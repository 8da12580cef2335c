//! GATES: 32 two-input gates a word.

use leafgate_image::{GatesRecord, GatheredGates, WordGates, wiring};
use leafgate_kernels::{gates_gathered, gates_word};
use zerocopy::transmute_ref;

use crate::frame::{Frame, cast, words, words_of};

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &GatesRecord) -> Option<()> {
    let Frame { view, x, parts: [y, ..], .. } = frame;
    let x = cast::<u32>(x);
    let y = words_of(y);
    let is_word = record.kind == wiring::WORD;
    let table = words(view, record.table, record.words.wrapping_mul(if is_word { 5 } else { 36 }));
    if is_word {
        for (out, gates) in y.iter_mut().zip(table.as_chunks::<5>().0) {
            let gates: &WordGates = transmute_ref!(gates);
            *out = gates_word(&gates.masks, rotated(x, gates.a()), rotated(x, gates.b())) as i32;
        }
    } else {
        for (out, gates) in y.iter_mut().zip(table.as_chunks::<36>().0) {
            let gates: &GatheredGates = transmute_ref!(gates);
            *out = gates_gathered(&gates.masks, &gates.lanes, x) as i32;
        }
    }
    Some(())
}

#[inline]
fn rotated(x: &[u32], (word, rotation): (u32, u32)) -> u32 {
    x.get(word as usize).map_or(0, |word| word.rotate_right(rotation))
}
