//! FFN ops and the ranges they use.

use super::{Checker, Cost};
use crate::error::{Check, Defect, Place};
use crate::record::{self, range_flag as rf, *};
use crate::*;

impl Checker<'_, '_> {
    #[inline(never)]
    pub(super) fn ffn(&self, record: &FfnRecord, cost: &mut Cost) -> Check {
        use ffn_flag::*;
        let &FfnRecord { flags, rows, cols, input, output, acc, partial, hidden, list, .. } = record;
        self.kind(record.kind, 3, flags, KEEP_POSITIVE | NEURONS | HANDED_Z | START_ACC | RQ_PER_ROW)?;
        self.shaped(input, 4, dtype::I8, 1, cols)?;
        self.shaped(acc, 12, dtype::I32, 1, rows)?;
        let mut entries = record.range_count;
        if list != NO_TENSOR {
            entries = self.tensor(list, 8, dtype::LIST)?.cols;
        }
        if hidden != NO_TENSOR {
            let hidden = self.tensor(hidden, 10, dtype::I8)?;
            self.report.equal(Defect::Shape, 10, 1, hidden.rows)?;
        }
        if partial != NO_TENSOR {
            self.shaped(partial, 14, dtype::I32, 1, rows)?;
        }
        if output == acc {
            self.report.equal(Defect::Constant, 36, NONE, record.rq)?;
            self.report.equal(Defect::Op, 2, 0, (flags & RQ_PER_ROW).into())?;
            self.disjoint(&[acc, partial, hidden, input, list], 3)?;
        } else {
            self.shaped(output, 6, dtype::I8, 1, rows)?;
            self.requantise(record.rq, 36, if flags & RQ_PER_ROW == 0 { 1 } else { rows })?;
            self.disjoint(&[acc, partial, hidden, output, input, list], 4)?;
        }
        if flags & START_ACC == 0 {
            self.optional(record.shared_bias, 32, 4, rows)?;
        } else {
            self.report.equal(Defect::Constant, 32, NONE, record.shared_bias)?;
        }
        if record.kind == activation::LUT256 {
            self.constant(record.lut, 40, 1, 256, 1)?;
        } else {
            self.report.equal(Defect::Constant, 40, NONE, record.lut)?;
        }
        self.report.equal(Defect::Unsupported, 44, WEIGHT_W8.into(), record.weight_format.into())?;

        let (first, count) = (record.first_range, record.range_count);
        let have = self.view.ranges().len() as u32;
        let end = first.saturating_add(count);
        self.report.ensure(count >= 1 && end <= have, Defect::Index, 16, have, end)?;
        // Bounds the work of the checks that follow.
        cost.ranges = cost.ranges.saturating_add(count);
        self.report.ensure(cost.ranges <= 65535, Defect::Count, 20, 65535, cost.ranges)?;
        let mut neurons = self.range_window(record).iter().map(|range| range.neurons).max().unwrap_or(0);
        if flags & NEURONS != 0 {
            self.report.equal(Defect::Count, 20, 1, count)?;
            self.report.ensure(list != NO_TENSOR, Defect::Tensor, 8, 0, list.into())?;
            neurons = 1;
        }
        let mut width = u64::from(rows) + u64::from(cols);
        if flags & HANDED_Z != 0 {
            self.report.ensure(flags & NEURONS != 0, Defect::Op, 2, NEURONS.into(), flags.into())?;
            width = rows.into();
        }
        cost.add_macs(entries, neurons, width.min(u64::from(u32::MAX)) as u32);
        self.ffn_ranges(record)
    }

    fn range_window(&self, record: &FfnRecord) -> &[RangeRecord] {
        let from = self.view.ranges().get(record.first_range as usize..).unwrap_or(&[]);
        from.get(..record.range_count as usize).unwrap_or(&[])
    }

    #[inline(never)]
    fn ffn_ranges(&self, record: &FfnRecord) -> Check {
        let mut needs_partial = false;
        let op = self.report.place();
        for (i, range) in self.range_window(record).iter().enumerate() {
            self.report.enter(Place::Range((record.first_range as usize + i) as u16));
            self.range(record, range)?;
            let neuron_major = range.flags & rf::OUTPUT_MAJOR == 0;
            needs_partial |= neuron_major && (range.scale_m != 0 || record.list != NO_TENSOR);
        }
        self.report.enter(op);
        let have = record.partial != NO_TENSOR;
        self.report.equal(Defect::Tensor, 14, needs_partial.into(), have.into())
    }

    /// What holds of a range whatever op uses it.
    pub(super) fn any_range(&self, range: &RangeRecord) -> Check {
        let &RangeRecord { neurons, flags, .. } = range;
        self.report.ensure(neurons <= MAX_NEURONS, Defect::Count, 0, MAX_NEURONS, neurons)?;
        let known = rf::OUTPUT_MAJOR | rf::RQ_PER_NEURON;
        self.report.ensure(flags & !known == 0, Defect::Op, 33, known.into(), flags.into())?;
        self.report.equal(Defect::Unsupported, 16, NONE, range.ups)?;
        let reserved = range.reserved1.iter().fold(range.reserved0.into(), |all, word| all | word);
        self.report.equal(Defect::Reserved, 34, 0, reserved)?;
        if range.scale_m == 0 {
            self.report.equal(Defect::Requantise, 32, 0, range.scale_s.into())?;
        } else {
            let ok = record::is_multiplier(range.scale_m, range.scale_s);
            self.report.ensure(ok, Defect::Requantise, 28, 1 << 30, range.scale_m)?;
        }
        // How long keys, values and value_bias are depends on the op; that they begin inside is checked of every range.
        self.optional(range.value_bias, 24, 4, 1)?;
        if neurons == 0 {
            let all = range.keys & range.key_bias & range.key_rq & range.values;
            return self.report.equal(Defect::Constant, 4, NONE, all);
        }
        self.optional(range.keys, 4, 1, neurons)?;
        self.constant(range.values, 20, 1, neurons, 1)?;
        self.optional(range.key_bias, 8, 4, neurons)?;
        self.requantise(range.key_rq, 12, if flags & rf::RQ_PER_NEURON == 0 { 1 } else { neurons })
    }

    /// What holds of a range of this op.
    #[inline(never)]
    fn range(&self, record: &FfnRecord, range: &RangeRecord) -> Check {
        let &RangeRecord { neurons, flags, keys, .. } = range;
        let (rows, cols) = (record.rows, record.cols);
        self.optional(range.value_bias, 24, 4, rows)?;
        if record.flags & ffn_flag::NEURONS != 0 {
            self.report.equal(Defect::Constant, 24, NONE, range.value_bias)?;
            self.report.equal(Defect::Op, 33, 0, (flags & rf::OUTPUT_MAJOR).into())?;
            if record.flags & ffn_flag::HANDED_Z != 0 {
                self.report.equal(Defect::Constant, 4, NONE, keys)?;
            }
        }
        if flags & rf::OUTPUT_MAJOR != 0 {
            let hidden = self.tensor(record.hidden, 33, dtype::I8)?;
            self.report.ensure(hidden.cols >= neurons, Defect::Shape, 33, neurons, hidden.cols)?;
        }
        if neurons == 0 {
            return Ok(());
        }
        if keys != NONE {
            self.constant(keys, 4, 1, neurons, cols)?;
        }
        self.constant(range.values, 20, 1, neurons, rows)?;
        Ok(())
    }
}
