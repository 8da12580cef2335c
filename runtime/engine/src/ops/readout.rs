//! READOUT: the classes of the largest scores.

use leafgate_image::{ReadoutRecord, dtype, readout};

use crate::frame::{Frame, cast, cast_mut};
use crate::ops::top_k;

#[inline(never)]
pub(crate) fn run(frame: &mut Frame<'_, '_>, record: &ReadoutRecord) -> Option<()> {
    if record.kind == readout::NONE {
        return Some(());
    }
    let is_i8 = frame.view.tensor(record.input)?.dtype == dtype::I8;
    let [classes, scores] = frame.split([record.output, record.input]);
    let mut classes = cast_mut::<i32>(classes).iter_mut();
    let write = |class: u32, _| {
        if let Some(slot) = classes.next() {
            *slot = class as i32;
        }
    };
    if is_i8 {
        top_k(cast::<i8>(scores), record.k, write);
    } else {
        top_k(cast::<i32>(scores), record.k, write);
    }
    Some(())
}
