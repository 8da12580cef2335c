//! LINEAR on weights of few bits.

use leafgate_image::*;
use leafgate_tests_laws::low_bit::record;

use super::{Corpus, LONG_INPUT};

const FORMATS: [u8; 5] = [WEIGHT_W4_ROWS, WEIGHT_W4_COLUMNS, WEIGHT_T2_ROWS, WEIGHT_T2_COLUMNS, WEIGHT_T2_BYTES];

impl Corpus {
    /// A layer; `number` says its format and how many columns are left over, so that each of the latter occurs with each of the former.
    pub(super) fn low_bit(&mut self, number: u32) {
        let (format, group) = (FORMATS[number as usize % 5], number / 5 % 2 * GROUP_COLS);
        let times = if self.one_in(4) { 2 + self.below(2) } else { 1 };
        // Long rows are few.
        let is_long = times == 1 && self.one_in(8);
        let (most, periods) = match (is_long, self.one_in(4)) {
            (true, _) => (9, 60),
            (false, true) => (40, 6),
            (false, false) => (20, 6),
        };
        let rows = 1 + self.below(most);
        let cols = (self.below(periods) * 16 + number / 10 % 16).clamp(1, LONG_INPUT / times);
        let is_i8 = !self.one_in(4);
        let is_each = !self.one_in(3);
        let has_bias = !self.one_in(5);
        let input = self.input(times, cols);
        let output = self.at.tensor(if is_i8 { dtype::I8 } else { dtype::I32 }, times, rows);
        let mut flags = 0;
        let rq = if is_i8 {
            flags |= if is_each { linear_flag::RQ_PER_ROW } else { 0 };
            self.some_records(if is_each { rows } else { 1 })
        } else {
            flags |= if self.one_in(3) { linear_flag::ACCUMULATE } else { 0 };
            NONE
        };
        let layer = record(&mut self.at, format, group as u8, (rows, cols));
        let bias = if has_bias { layer.bias } else { NONE };
        self.at.op(&LinearRecord { flags, input, output, bias, rq, ..layer });
    }
}
