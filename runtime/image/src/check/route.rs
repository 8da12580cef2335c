//! ROUTE ops.

use super::{Checker, Cost};
use crate::error::{Check, Defect};
use crate::record::*;
use crate::*;

impl Checker<'_, '_> {
    #[inline(never)]
    pub(super) fn route(&self, record: &RouteRecord, cost: &mut Cost) -> Check {
        use route_flag::*;
        let &RouteRecord { kind, flags, input, list, first, count, depth, cols, scores, .. } = record;
        let known = if kind == route::TREE { APPEND | PATH | HAND_Z } else { APPEND };
        self.kind(kind, 3, flags, known)?;
        self.report.ensure(flags & (PATH | HAND_Z) != HAND_Z, Defect::Op, 2, PATH.into(), flags.into())?;
        self.tensor(list, 6, dtype::LIST)?;
        self.report.ensure(count >= 1, Defect::Count, 12, 1, count)?;
        self.report.ensure(record.weight <= ONE_Q15, Defect::Index, 34, ONE_Q15.into(), record.weight.into())?;
        // How many ranges can be named, and rows of weights.
        let (named, rows) = match kind {
            route::STATIC => {
                self.report.equal(Defect::Count, 16, 0, depth)?;
                (u64::from(count), 0)
            }
            route::TREE => {
                self.report.ensure((1..=MAX_LEVELS).contains(&depth), Defect::Count, 16, MAX_LEVELS, depth)?;
                let nodes = u64::from(count) * ((1 << depth) - 1);
                (if flags & PATH == 0 { u64::from(count) << depth } else { nodes }, nodes)
            }
            _ => {
                self.report.ensure(depth >= 1 && depth <= count, Defect::Count, 16, count, depth)?;
                (u64::from(count), u64::from(count))
            }
        };
        let end = named + u64::from(first);
        self.report.ensure(end <= 65535, Defect::Index, 8, 65535, end.min(u64::from(u32::MAX)) as u32)?;
        let rows = rows as u32;
        if kind == route::STATIC {
            self.report.equal(Defect::Tensor, 4, NO_TENSOR.into(), input.into())?;
            self.report.equal(Defect::Shape, 20, 0, cols)?;
            self.report.equal(Defect::Constant, 24, NONE, record.weights & record.bias)?;
            self.report.equal(Defect::Unsupported, 44, 0, record.weight_format.into())?;
        } else {
            self.shaped(input, 4, dtype::I8, 1, cols)?;
            self.constant(record.weights, 24, 1, rows, cols)?;
            self.optional(record.bias, 28, 4, rows)?;
            self.report.equal(Defect::Unsupported, 44, WEIGHT_W8.into(), record.weight_format.into())?;
        }
        if kind == route::LINEAR {
            self.shaped(scores, 32, dtype::I32, 1, count)?;
            cost.add_macs(count, 1, cols);
        } else {
            self.report.equal(Defect::Tensor, 32, NO_TENSOR.into(), scores.into())?;
            self.report.equal(Defect::Constant, 36, NONE, record.gate_rq)?;
            if kind == route::TREE {
                cost.add_macs(count, depth, cols);
            }
        }
        self.disjoint(&[list, scores, input], 2)?;
        let has_gate = record.gate_rq != NONE;
        self.report.equal(Defect::Constant, 40, has_gate.into(), (record.gate_table != NONE).into())?;
        if has_gate {
            self.requantise(record.gate_rq, 36, 1)?;
            self.constant(record.gate_table, 40, 2, 256, 1)?;
            let table = self.view.constants::<u16>(record.gate_table, 256).unwrap_or(&[]);
            for &weight in table {
                self.report.ensure(weight <= ONE_Q15, Defect::Index, 40, ONE_Q15.into(), weight.into())?;
            }
        }
        Ok(())
    }
}
