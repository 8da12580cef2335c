//! GATES: 32 two-input gates a word.

use leafgate_image::{GatesRecord, GatheredGates, WordGates, wiring};
use leafgate_kernels::{gates_gathered, gates_word};

use zerocopy::transmute_ref;

use crate::frame::{Frame, cast, words, words_of};

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &GatesRecord) -> Option<()> {
    let (view, input) = (frame.view, frame.input);
    let [y, x] = frame.split([record.output, record.input]);
    let x = cast::<u32>(Frame::source(input, x));
    let y = words_of(y);
    if record.kind == wiring::WORD {
        let (table, _) = words(view, record.table, record.words.wrapping_mul(5)).as_chunks::<5>();
        for (out, gates) in y.iter_mut().zip(table) {
            let gates: &WordGates = transmute_ref!(gates);
            *out = gates_word(&gates.masks, rotated(x, gates.a()), rotated(x, gates.b())) as i32;
        }
    } else {
        let (table, _) = words(view, record.table, record.words.wrapping_mul(36)).as_chunks::<36>();
        for (out, gates) in y.iter_mut().zip(table) {
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
