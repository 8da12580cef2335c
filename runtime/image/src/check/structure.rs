//! MOVE: its two tensors are of one type, and hold every element that is copied.

use super::Checker;
use super::rules::product;
use crate::error::{Check, Defect};
use crate::record::*;
use crate::*;

impl Checker<'_> {
    #[inline(never)]
    pub(super) fn holds_copied(&mut self, record: &MoveRecord) -> Check {
        let &MoveRecord { input, output, rows, cols, from, from_row, from_col, to, to_row, .. } = record;
        let types = [input, output].map(|i| self.view.tensor(i).map_or(0, |tensor| tensor.dtype));
        let [want, have] = types.map(u32::from);
        self.ensure(want != dtype::LIST.into(), Defect::Tensor, 4, dtype::BITS.into(), want)?;
        self.equal(Defect::Tensor, 6, want, have)?;
        // Both counts are 1 or more.
        let (below, beside) = (rows.wrapping_sub(1), cols.wrapping_sub(1));
        for (at, i, first, row, col) in [(4, input, from, from_row, from_col), (6, output, to, to_row, 1)] {
            let bytes = self.view.tensor(i).and_then(TensorRecord::bytes).unwrap_or(0);
            let elements = if want == dtype::I8.into() { bytes } else { bytes / 4 };
            let last = u64::from(first) + product(below, row) + product(beside, col);
            let have = u32::try_from(last).unwrap_or(u32::MAX);
            self.ensure(have < elements, Defect::Shape, at, elements, have)?;
        }
        Ok(())
    }
}
