//! LINEAR with weights of four and of two bits: how long its arrays are, and that every weight of two bits is one.

use super::Checker;
use super::rules::number;
use super::tables::linear_case;
use crate::LinearRecord;
use crate::error::{Check, Defect};
use crate::record::*;

/// How a weight format lies.
struct Layout {
    feature: u32,
    packing: u32,
    /// Rows of a block.
    rows: u8,
    /// Words of so many columns of a block.
    words: u8,
    cols: u8,
    /// Whether the prepared input holds halves of words, 8 columns in 4 words, before its sums.
    has_halves: bool,
    /// Of fields of two bits the lower bits: of those that hold a weight and 1, and of those in two's complement.
    offset: u32,
    signed: u32,
}

/// From [`WEIGHT_W4_ROWS`] on.
static LAYOUTS: [Layout; 5] = {
    const W4: Layout = Layout {
        feature: FEATURE_W4,
        packing: PACKING_DSP,
        rows: 4,
        words: 4,
        cols: 8,
        has_halves: true,
        offset: 0,
        signed: 0,
    };
    const T2: Layout = Layout { feature: FEATURE_T2, words: 2, offset: 0x1111_1111, signed: 0x4444_4444, ..W4 };
    const COLUMNS: Layout = Layout { packing: PACKING_SWAR, words: 1, cols: 1, has_halves: false, ..W4 };
    [
        W4,
        Layout { rows: 8, ..COLUMNS },
        T2,
        Layout { feature: FEATURE_T2, rows: 16, offset: 0x5555_5555, ..COLUMNS },
        Layout {
            packing: PACKING_MVE,
            words: 1,
            cols: 4,
            has_halves: false,
            offset: 0x1515_1515,
            signed: 0x4040_4040,
            ..T2
        },
    ]
};

impl Layout {
    fn of(record: &LinearRecord) -> Option<&'static Self> {
        LAYOUTS.get(usize::from(record.weight_format).wrapping_sub(WEIGHT_W4_ROWS.into()))
    }

    /// Words of the scales of a group, and of its weights.
    fn group(&self, cols: u32) -> (u32, u32) {
        (u32::from(self.rows / 4), u32::from(self.words).saturating_mul(cols.div_ceil(self.cols.max(1).into())))
    }
}

impl Checker<'_> {
    /// What the rules of a LINEAR count with: END blocks of WIDTH words, ENTRIES of prepared input. Gives its case.
    #[inline(never)]
    pub(super) fn prepare_linear(&mut self, record: &LinearRecord) -> u8 {
        let &LinearRecord { rows, cols, weight_format, group, .. } = record;
        let (mut features, mut packing) = (0, PACKING_PORTABLE);
        let case = match Layout::of(record) {
            Some(layout) => {
                (features, packing) = (layout.feature, layout.packing);
                let groups = if group == 0 { 0 } else { cols.div_ceil(GROUP_COLS) };
                let (scales, weights) = layout.group(cols);
                let halves = if layout.has_halves { cols.div_ceil(8).saturating_mul(4) } else { 0 };
                self.set(number::END, rows.div_ceil(u32::from(layout.rows).max(1)));
                self.set(number::WIDTH, weights.saturating_add(scales.saturating_mul(groups)));
                self.set(number::ENTRIES, halves.saturating_add(groups.max(1)));
                linear_case::LOW_BIT
            }
            None if weight_format == WEIGHT_W8_PAIRS => {
                (features, packing) = (FEATURE_PAIRS, PACKING_DSP);
                linear_case::PAIRS
            }
            None => linear_case::PLAIN,
        };
        self.set(number::FEATURES, self.number(number::FEATURES) | features);
        self.set(number::PACKING, self.number(number::PACKING).max(packing));
        case
    }

    /// Every weight of two bits is -1, 0 or 1, in what fills up a block as well: kernels rely on it. That the words are there has been
    /// checked.
    #[inline(never)]
    pub(super) fn two_bits(&mut self, record: &LinearRecord) -> Check {
        let Some(layout) = Layout::of(record).filter(|layout| layout.offset != 0) else { return Ok(()) };
        let &LinearRecord { rows, cols, group, weights, .. } = record;
        let is_grouped = group != 0;
        let groups = if is_grouped { cols.div_ceil(GROUP_COLS) } else { 0 };
        let (scales, block) = layout.group(cols);
        let block = block.saturating_add(scales.saturating_mul(groups));
        let blocks = rows.div_ceil(u32::from(layout.rows).max(1));
        let words = self.table(weights, 16, u64::from(block) * u64::from(blocks))?;
        let (scales, group) = if is_grouped {
            let (scales, weights) = layout.group(GROUP_COLS);
            (scales, scales.saturating_add(weights))
        } else {
            (0, block)
        };
        for block in words.chunks((block as usize).max(1)) {
            for group in block.chunks((group as usize).max(1)) {
                for &word in group.get(scales as usize..).unwrap_or(&[]) {
                    let wrong = word & word >> 1 & layout.offset | word >> 1 & !word & layout.signed;
                    self.ensure(wrong == 0, Defect::Weight, 16, 0, word)?;
                }
            }
        }
        Ok(())
    }
}
