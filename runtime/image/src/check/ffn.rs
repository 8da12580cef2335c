//! What the tables do not say of FFN and ROUTE: it takes several records.

use zerocopy::transmute_ref;

use super::Checker;
use super::rules::number;
use super::tables::{FFN_COST, FFN_RANGE, range_case};
use crate::error::{Check, Defect, Place};
use crate::record::*;
use crate::*;

impl Checker<'_> {
    /// Derives how many rows of weights a ROUTE has, and how many more ranges it can name: one leaf more than nodes of each tree.
    #[inline(always)]
    pub(super) fn prepare_route(&mut self, record: &RouteRecord) {
        let &RouteRecord { kind, flags, count, depth, .. } = record;
        let is_tree = kind == route::TREE;
        let nodes = if is_tree { (1 << depth.min(MAX_LEVELS)) - 1 } else { 1 };
        // So many are too many already, and 2^16 times 2^16 - 1 fits.
        let rows = count.min(1 << 16) * nodes;
        self.set(number::COUNT, rows);
        self.set(number::WIDTH, if is_tree && flags & route_flag::PATH == 0 { count } else { 0 });
    }

    /// The ranges of an FFN fit the op.
    #[inline(never)]
    pub(super) fn ranges_of(&mut self, record: &FfnRecord) -> Check {
        let hidden = self.view.tensor(record.hidden);
        let mut cases = range_case::EACH;
        if record.flags & ffn_flag::NEURONS != 0 {
            cases |= range_case::NEURONS;
        }
        if record.flags & ffn_flag::HANDED_Z != 0 {
            cases |= range_case::HANDED_Z;
        }
        if hidden.is_none() {
            cases |= range_case::NO_HIDDEN;
        }
        self.set(number::HIDDEN, hidden.map_or(0, |hidden| hidden.cols));
        self.set(number::ROWS, record.rows);
        self.set(number::COLS, record.cols);
        let (mut needs_partial, mut widest) = (false, 0);
        let op = self.error.place;
        for i in 0..record.range_count {
            let i = record.first_range.wrapping_add(i);
            let Some(range) = self.view.ranges().get(i as usize) else { break };
            self.error.place = Place::Range(i as u16);
            let words: &[u32; 12] = transmute_ref!(range);
            self.keep(words, &FFN_RANGE, cases)?;
            widest = widest.max(range.neurons);
            let is_rescaled = range.scale_m != 0 || record.list != NO_TENSOR;
            needs_partial |= is_rescaled && range.flags & range_flag::OUTPUT_MAJOR == 0;
        }
        self.error.place = op;
        let entries = self.view.tensor(record.list).map_or(record.range_count, |list| list.cols);
        self.set(number::ENTRIES, entries);
        self.set(number::COUNT, if record.flags & ffn_flag::NEURONS == 0 { widest } else { 1 });
        let words: &[u32; 16] = transmute_ref!(record);
        self.keep(words, &FFN_COST, range_case::EACH)?;
        self.equal(Defect::Tensor, 14, needs_partial.into(), (record.partial != NO_TENSOR).into())
    }
}
