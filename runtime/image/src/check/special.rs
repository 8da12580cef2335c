//! What ops need before and after their tables: derived figures, and rules about constants, indices and several records.

use zerocopy::transmute_ref;

use super::Checker;
use super::rules::number;
use super::tables::*;
use crate::error::{Check, Defect, Place, Refused};
use crate::record::*;
use crate::*;

impl Checker<'_, '_> {
    /// Derives what the rules of this op count with, and which cases it is.
    #[inline(always)]
    pub(super) fn prepare(&mut self, record: &OpRecord) -> Result<u8, Refused> {
        let flags = record.flags;
        let is_per_row = |flag: u16, rows: u32| if flags & flag == 0 { 1 } else { rows };
        let mut cases = 1 << record.kind;
        match record.op {
            op::LINEAR => {
                let record: &LinearRecord = transmute_ref!(record);
                self.set(number::RQ, is_per_row(linear_flag::RQ_PER_ROW, record.rows));
                if flags & linear_flag::TRANSPOSED != 0 {
                    self.numbers.swap(usize::from(number::X_ROWS), usize::from(number::X_COLS));
                }
                let is_i8 = self.view.tensor(record.output).is_some_and(|y| y.dtype == dtype::I8);
                cases = if is_i8 { linear_case::I8 } else { linear_case::I32 };
            }
            op::FFN => {
                let record: &FfnRecord = transmute_ref!(record);
                self.set(number::RQ, is_per_row(ffn_flag::RQ_PER_ROW, record.rows));
                cases = self.prepare_ffn(record)?;
            }
            op::ROUTE => {
                let record: &RouteRecord = transmute_ref!(record);
                let nodes = (1u64 << record.depth.min(MAX_LEVELS)) - 1;
                let rows = u64::from(record.count) * if record.kind == route::TREE { nodes } else { 1 };
                self.set(number::COUNT, rows.min(u64::from(u32::MAX)) as u32);
                cases |= if record.gate_rq == NONE { route_case::NOT_GATED } else { route_case::GATED };
                if flags & route_flag::PATH == 0 {
                    cases |= route_case::LEAVES;
                }
            }
            op::GATES => self.set(number::WIDTH, self.number(number::Y_COLS).div_ceil(32)),
            // The output has as many elements of 4 bytes, so where it is right one more does not wrap.
            op::GROUPSUM => self.set(number::COUNT, self.number(2).wrapping_add(1)),
            op::MAP => self.set(number::RQ, is_per_row(MAP_RQ_PER_COL, self.number(number::X_COLS))),
            _ => {}
        }
        Ok(cases)
    }

    fn prepare_ffn(&mut self, record: &FfnRecord) -> Result<u8, Refused> {
        use ffn_case::*;
        let &FfnRecord { flags, rows, cols, first_range: first, range_count: count, .. } = record;
        let have = self.view.ranges().len() as u32;
        let end = first.saturating_add(count);
        self.report.ensure(count >= 1 && end <= have, Defect::Index, 16, have, end)?;
        // Bounds the work of the checks that follow.
        self.cost.ranges = self.cost.ranges.saturating_add(count);
        self.report.ensure(self.cost.ranges <= 65535, Defect::Count, 20, 65535, self.cost.ranges)?;
        let entries = self.view.tensor(record.list).map_or(count, |list| list.cols);
        let has = |flag: u16| flags & flag != 0;
        let mut neurons = 1;
        if !has(ffn_flag::NEURONS) {
            neurons = self.window(record).iter().map(|range| range.neurons).max().unwrap_or(0);
        }
        let width = if has(ffn_flag::HANDED_Z) { rows } else { rows.saturating_add(cols) };
        self.set(number::ENTRIES, entries);
        self.set(number::COUNT, neurons);
        self.set(number::WIDTH, width);
        let output = if record.output == record.acc { RAW } else { I8 };
        let start = if has(ffn_flag::START_ACC) { START_ACC } else { FRESH };
        let lut = if record.kind == activation::LUT256 { LUT } else { NO_LUT };
        Ok(output | start | lut | if has(ffn_flag::NEURONS) { NEURONS } else { RANGES })
    }

    fn window(&self, record: &FfnRecord) -> &[RangeRecord] {
        let from = self.view.ranges().get(record.first_range as usize..).unwrap_or(&[]);
        from.get(..record.range_count as usize).unwrap_or(&[])
    }

    /// What is left when the fields are right.
    #[inline(always)]
    pub(super) fn finish(&mut self, record: &OpRecord) -> Check {
        match record.op {
            op::FFN => self.ranges_of(transmute_ref!(record)),
            op::ROUTE => self.route(transmute_ref!(record)),
            op::GATES => self.gates(transmute_ref!(record)),
            op::GROUPSUM => self.bounds(),
            op::MAP => self.map(transmute_ref!(record)),
            op::READOUT => self.readout(transmute_ref!(record)),
            _ => Ok(()),
        }
    }

    #[inline(never)]
    fn ranges_of(&mut self, record: &FfnRecord) -> Check {
        let mut cases = 0;
        if record.flags & ffn_flag::NEURONS != 0 {
            cases |= range_case::NEURONS;
        }
        if record.flags & ffn_flag::HANDED_Z != 0 {
            cases |= range_case::HANDED_Z;
        }
        let view = self.view;
        let hidden = view.tensor(record.hidden).map(|hidden| hidden.cols);
        let mut needs_partial = false;
        let op = self.report.place();
        for i in 0..record.range_count {
            let i = record.first_range.wrapping_add(i);
            self.report.enter(Place::Range(i as u16));
            let Some(range) = view.ranges().get(i as usize) else { break };
            let own = self.take_range(range);
            self.set(number::ROWS, record.rows);
            self.set(number::COLS, record.cols);
            self.keep(&FFN_RANGE, own | cases)?;
            if range.flags & range_flag::OUTPUT_MAJOR == 0 {
                needs_partial |= range.scale_m != 0 || record.list != NO_TENSOR;
            } else {
                let n = range.neurons;
                // Even a range without neurons needs one.
                let defect = if hidden.is_none() { Defect::Tensor } else { Defect::Shape };
                self.report.ensure(hidden >= Some(n), defect, 33, n, hidden.unwrap_or(0))?;
            }
        }
        self.report.enter(op);
        let have = record.partial != NO_TENSOR;
        self.report.equal(Defect::Tensor, 14, needs_partial.into(), have.into())
    }

    fn route(&mut self, record: &RouteRecord) -> Check {
        // How many ranges can be named: experts, static ranges, the nodes of all trees, or one leaf more than nodes of each.
        let rows = self.number(number::COUNT);
        let is_leaf = record.kind == route::TREE && record.flags & route_flag::PATH == 0;
        let named = rows.saturating_add(if is_leaf { record.count } else { 0 });
        let end = named.saturating_add(record.first);
        self.report.ensure(end <= 65535, Defect::Index, 8, 65535, end)?;
        if record.gate_rq == NONE {
            return Ok(());
        }
        self.table(record.gate_table, 40, 2, 256, 1)?;
        for &weight in self.view.constants::<u16>(record.gate_table, 256).unwrap_or(&[]) {
            self.report.ensure(weight <= ONE_Q15, Defect::Index, 40, ONE_Q15.into(), weight.into())?;
        }
        Ok(())
    }

    fn gates(&mut self, record: &GatesRecord) -> Check {
        let &GatesRecord { words, table, .. } = record;
        let gates = words.saturating_mul(32);
        self.cost.gates = self.cost.gates.saturating_add(gates);
        self.cost.steps = self.cost.steps.saturating_add(gates);
        let cols = self.number(number::X_COLS);
        let is_word = record.kind == wiring::WORD;
        // A descriptor has five words, of which the first is indices, or 36, of which the last 32 are.
        let (size, lanes, limit) = if is_word { (5, 0..1, cols.div_ceil(32)) } else { (36, 4..36, cols) };
        self.table(table, 12, 4, words, size)?;
        let all = self.view.constants::<u32>(table, (words as usize).wrapping_mul(size as usize)).unwrap_or(&[]);
        for gates in all.chunks_exact(size as usize) {
            for &lane in gates.get(lanes.clone()).unwrap_or(&[]) {
                let (a, b) = (lane & 0xFFFF, lane >> 16);
                // Above the word's index stands its rotation.
                let index = if is_word { (a & 0x7FF).max(b & 0x7FF) } else { a.max(b) };
                self.report.ensure(index < limit, Defect::Index, 12, limit, index)?;
            }
        }
        Ok(())
    }

    fn bounds(&mut self) -> Check {
        let (count, limit) = (self.number(number::COUNT), self.number(number::X_COLS));
        self.table(self.number(3), 12, 4, count, 1)?;
        let mut from = 0;
        for &to in self.view.constants::<u32>(self.number(3), count as usize).unwrap_or(&[]) {
            self.report.ensure(to >= from && to <= limit, Defect::Index, 12, limit, to)?;
            from = to;
        }
        Ok(())
    }

    fn map(&mut self, record: &MapRecord) -> Check {
        // Where bounds have no meaning both are 0.
        let &MapRecord { lo, hi, .. } = record;
        self.report.ensure(lo <= hi, Defect::Requantise, 34, i32::from(hi) as u32, i32::from(lo) as u32)?;
        if record.kind != map::BITS {
            return Ok(());
        }
        let (count, limit) = (self.number(number::Y_COLS), self.number(number::X_COLS));
        self.table(record.table, 12, 4, count, 1)?;
        for &entry in self.view.constants::<u32>(record.table, count as usize).unwrap_or(&[]) {
            let feature = entry & 0xFFFF;
            self.report.ensure(feature < limit, Defect::Index, 12, limit, feature)?;
            self.report.equal(Defect::Reserved, 12, 0, entry >> 24)?;
        }
        Ok(())
    }

    fn readout(&mut self, record: &ReadoutRecord) -> Check {
        let (view, report) = (self.view, self.report);
        let header = view.header();
        report.equal(Defect::Tensor, 4, header.output.into(), record.input.into())?;
        let is_scores = |scores: &TensorRecord| {
            scores.place == place::ARENA && (scores.dtype == dtype::I8 || scores.dtype == dtype::I32)
        };
        report.ensure(
            view.output().is_some_and(is_scores),
            Defect::Tensor,
            4,
            dtype::I32.into(),
            record.input.into(),
        )?;
        let is_input = |tensor: &TensorRecord| tensor.place == place::INPUT;
        report.ensure(
            view.input().is_some_and(is_input),
            Defect::Tensor,
            0,
            place::INPUT.into(),
            header.input.into(),
        )?;
        let inputs = view.tensors().iter().filter(|tensor| is_input(tensor)).count();
        report.equal(Defect::Tensor, 0, 1, inputs as u32)
    }
}
