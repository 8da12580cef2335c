//! GATES: two-input gates, 32 a word or one by one.

use leafgate_image::{GatesRecord, wiring};
use leafgate_kernels::{gates_series, gates_words, signals_of};
use zerocopy::transmute_ref;

use crate::frame::{Frame, cast, cast_mut, words, words_of};

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &GatesRecord) -> Option<()> {
    let Frame { view, x, parts: [y, ..], .. } = frame;
    let x = cast::<u32>(x);
    if record.kind == wiring::WORD {
        let table = words(view, record.table, record.count.wrapping_mul(5));
        gates_words(transmute_ref!(table.as_chunks::<5>().0), x, cast_mut(y));
        return Some(());
    }
    signals_of(x, words_of(y));
    let wires = words(view, record.table, record.count);
    let mut begin = 0;
    for &[end, first] in words(view, record.series, record.series_count.wrapping_mul(2)).as_chunks::<2>().0 {
        let (function, end) = (end as u32 >> 28, end as usize & 0x0FFF_FFFF);
        gates_series(function, wires.get(begin..end)?, first as usize, y);
        begin = end;
    }
    Some(())
}
