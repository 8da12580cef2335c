//! GATES: 32 two-input gates a word.

use leafgate_image::{GatesRecord, GatheredGates, WordGates, wiring};
use leafgate_kernels::{gates_gathered, gates_word};

use crate::frame::{Frame, cast, cast_mut, constants};

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &GatesRecord) -> Option<()> {
    let (view, input) = (frame.view, frame.input);
    let [y, x] = frame.split([record.output, record.input]);
    let x = cast::<u32>(Frame::source(input, x));
    let y = cast_mut::<u32>(y);
    if record.kind == wiring::WORD {
        for (out, gates) in y.iter_mut().zip(constants::<WordGates>(view, record.table, record.words)) {
            *out = gates_word(&gates.masks, rotated(x, gates.a()), rotated(x, gates.b()));
        }
    } else {
        for (out, gates) in y.iter_mut().zip(constants::<GatheredGates>(view, record.table, record.words)) {
            *out = gates_gathered(&gates.masks, &gates.lanes, x);
        }
    }
    Some(())
}

#[inline]
fn rotated(x: &[u32], (word, rotation): (u32, u32)) -> u32 {
    x.get(word as usize).map_or(0, |word| word.rotate_right(rotation))
}
