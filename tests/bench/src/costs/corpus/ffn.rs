//! FFN in every way.

use leafgate_image::*;
use leafgate_tests_laws::layout::NO_FFN;

use super::Corpus;

impl Corpus {
    fn range(&mut self, is_whole: bool, cols: u32, rows: u32) -> RangeRecord {
        let n = if self.one_in(8) { 0 } else { 1 + self.below(16) };
        let is_each = self.one_in(2);
        let scale = if self.one_in(3) { ((1 << 30) + self.below(1 << 20), 28 + self.below(9) as u8) } else { (0, 0) };
        let has_keys = n > 0 && !self.one_in(8);
        RangeRecord {
            neurons: n,
            keys: if has_keys { self.some_weights(n * cols) } else { NONE },
            key_bias: if n > 0 && !self.one_in(4) { self.some_biases(n) } else { NONE },
            key_rq: if n > 0 { self.some_records(if is_each { n } else { 1 }) } else { NONE },
            ups: NONE,
            values: if n > 0 { self.some_weights(n * rows) } else { NONE },
            value_bias: if self.one_in(4) { NONE } else { self.some_biases(rows) },
            scale_m: scale.0,
            scale_s: scale.1,
            flags: if is_whole { range_flag::OUTPUT_MAJOR } else { 0 }
                | if is_each && n > 0 { range_flag::RQ_PER_NEURON } else { 0 },
            ..RangeRecord::default()
        }
    }

    /// FFN over one to four ranges, of all of them or of those that a route names.
    pub(super) fn ffn(&mut self, is_whole: bool) {
        let (cols, rows) = (self.cols(), self.rows());
        let first_range = self.at.ranges.len() as u32;
        let range_count = 1 + self.below(4);
        for _ in 0..range_count {
            let is_whole = is_whole || self.one_in(5);
            let range = self.range(is_whole, cols, rows);
            self.at.ranges.push(range);
        }
        let ranges = self.at.ranges[first_range as usize..].to_vec();
        let list = if self.one_in(4) {
            NO_TENSOR
        } else {
            let list = self.list();
            self.route(list, false, range_count + 1);
            if self.one_in(2) {
                self.route(list, true, range_count + 1);
            }
            list
        };
        let is_major = |range: &RangeRecord| range.flags & range_flag::OUTPUT_MAJOR != 0;
        let hidden = ranges.iter().filter(|range| is_major(range)).map(|range| range.neurons.max(1)).max();
        let has_partial = ranges.iter().any(|range| !is_major(range) && (range.scale_m != 0 || list != NO_TENSOR));
        self.ffn_op(FfnRecord { list, first_range, range_count, cols, rows, ..NO_FFN }, hidden, has_partial);
    }

    fn ffn_op(&mut self, record: FfnRecord, hidden: Option<u32>, has_partial: bool) {
        let FfnRecord { rows, cols, .. } = record;
        let kind =
            *self.at.draw.choose(&[activation::IDENTITY, activation::RELU, activation::RELU, activation::LUT256]);
        let is_i8 = self.one_in(2);
        let is_each = self.one_in(2);
        let words = |is_there: bool| is_there.then_some((dtype::I32, 1, rows));
        let hidden = hidden.map(|cols| (dtype::I8, 1, cols));
        let output = is_i8.then_some((dtype::I8, 1, rows));
        let [acc, output, hidden, partial] = self.tensors([words(true), output, hidden, words(has_partial)]);
        let mut flags = record.flags;
        flags |= if is_i8 && is_each { ffn_flag::RQ_PER_ROW } else { 0 };
        flags |= if self.one_in(3) { ffn_flag::KEEP_POSITIVE } else { 0 };
        let starts = self.one_in(5);
        flags |= if starts { ffn_flag::START_ACC } else { 0 };
        let record = FfnRecord {
            kind,
            flags,
            input: self.input(1, cols),
            output: if is_i8 { output } else { acc },
            hidden,
            acc,
            partial,
            shared_bias: if starts || self.one_in(2) { NONE } else { self.some_biases(rows) },
            rq: if is_i8 { self.some_records(if is_each { rows } else { 1 }) } else { NONE },
            lut: if kind == activation::LUT256 { self.some_weights(256) } else { NONE },
            ..record
        };
        self.at.op(&record);
    }

    /// FFN whose entries name neurons of one range.
    pub(super) fn neurons(&mut self) {
        let (cols, rows) = (self.cols(), self.rows());
        let depth = 1 + self.below(3);
        let n = (1 << depth) - 1;
        let is_handed = self.one_in(2);
        let first_range = self.at.ranges.len() as u32;
        let range = RangeRecord {
            neurons: n,
            keys: if is_handed { NONE } else { self.some_weights(n * cols) },
            value_bias: NONE,
            key_rq: self.some_records(n),
            key_bias: self.some_biases(n),
            values: self.some_weights(n * rows),
            flags: range_flag::RQ_PER_NEURON,
            ..self.range(false, cols, rows)
        };
        self.at.ranges.push(range);
        let list = self.list();
        let flags = route_flag::PATH | if is_handed { route_flag::HAND_Z } else { 0 };
        self.tree(list, flags, 1, depth);
        let flags = ffn_flag::NEURONS | if is_handed { ffn_flag::HANDED_Z } else { 0 };
        self.ffn_op(FfnRecord { flags, list, first_range, cols, rows, ..NO_FFN }, None, true);
    }
}
