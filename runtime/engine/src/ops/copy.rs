//! MOVE: a part of a tensor to a part of another.

use leafgate_image::{MoveRecord, dtype};

use crate::frame::{Frame, cast, cast_mut, words_of};

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &MoveRecord) -> Option<()> {
    let Frame { view, x, parts: [y, ..], .. } = frame;
    if view.tensor(record.output)?.dtype == dtype::I8 {
        copy::<i8>(cast(x), cast_mut(y), record)
    } else {
        copy::<i32>(cast(x), words_of(y), record)
    }
}

#[inline(never)]
fn copy<T: Copy>(x: &[T], y: &mut [T], record: &MoveRecord) -> Option<()> {
    let &MoveRecord { rows, cols, from, from_row, from_col, to, to_row, .. } = record;
    let (mut from, mut to) = (from as usize, to as usize);
    for _ in 0..rows {
        let y = y.get_mut(to..)?.get_mut(..cols as usize)?;
        if from_col == 1 {
            for (y, x) in y.iter_mut().zip(x.get(from..)?) {
                *y = *x;
            }
        } else {
            let mut at = from;
            for y in y {
                *y = *x.get(at)?;
                at = at.wrapping_add(from_col as usize);
            }
        }
        (from, to) = (from.wrapping_add(from_row as usize), to.wrapping_add(to_row as usize));
    }
    Some(())
}
