//! Gates decoded and sorted by kind, once for many runs.

use leafgate_image::{GatesRecord, View, op, wiring};
use leafgate_kernels::batch::{GATE_KINDS, gate_kind};
use zerocopy::transmute_ref;

use super::BatchError;
use crate::frame::words;
use crate::model::Model;

/// The gates of a model, layer by layer sorted by kind, in memory that the caller gives: two words a gate and 16 a layer. Where there is room,
/// runs do no more than load, operate and store: see [`gates_sorted`](leafgate_kernels::batch::gates_sorted). Several batches can share a plan.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'p> {
    words: &'p [u32],
    /// Of the image.
    crc32: u32,
}

impl<'p> Plan<'p> {
    /// Words of memory that the plan of a model needs.
    pub fn words(model: &Model<'_>) -> usize {
        let layer = |record: &GatesRecord| GATE_KINDS.saturating_add((record.count as usize).saturating_mul(64));
        layers(model.view()).fold(0, |all, record| all.saturating_add(layer(record)))
    }

    /// Sorts the gates of a model.
    ///
    /// # Errors
    /// If the memory has less than [`Plan::words`].
    pub fn new(model: &Model<'_>, memory: &'p mut [u32]) -> Result<Self, BatchError> {
        let (want, have) = (Self::words(model), memory.len());
        let memory = memory.get_mut(..want).ok_or(BatchError::TooSmall { want, have })?;
        let mut rest = &mut *memory;
        for record in layers(model.view()) {
            // There is room for all, as has just been seen.
            let Some((counts, others)) = rest.split_first_chunk_mut::<GATE_KINDS>() else { break };
            let Some((gates, others)) = others.split_at_mut_checked((record.count as usize).wrapping_mul(64)) else {
                break;
            };
            sort(model.view(), record, counts, gates.as_chunks_mut().0);
            rest = others;
        }
        Ok(Self { words: memory, crc32: model.view().header().crc32 })
    }

    /// Whether the plan is of this model.
    pub(super) fn is_of(&self, model: &Model<'_>) -> bool {
        self.crc32 == model.view().header().crc32
    }

    /// The next layer, of so many words of gates: how many gates there are of each kind, and the gates.
    #[inline(always)]
    pub(super) fn next(&mut self, words: u32) -> Option<(&'p [u32; GATE_KINDS], &'p [[u32; 2]])> {
        let (counts, rest) = self.words.split_first_chunk()?;
        let (gates, rest) = rest.split_at_checked((words as usize).wrapping_mul(64))?;
        self.words = rest;
        Some((counts, gates.as_chunks().0))
    }
}

/// The records of all GATES ops in word wiring; a netlist is sorted as it is.
fn layers<'v>(view: &View<'v>) -> impl Iterator<Item = &'v GatesRecord> {
    view.ops()
        .iter()
        .filter(|record| record.op == op::GATES && record.kind == wiring::WORD)
        .map(|record| transmute_ref!(record))
}

/// Counts the gates of each kind, and puts each at its place.
fn sort(view: &View<'_>, record: &GatesRecord, counts: &mut [u32; GATE_KINDS], gates: &mut [[u32; 2]]) {
    *counts = [0; GATE_KINDS];
    each_gate(view, record, |kind, _| {
        if let Some(count) = counts.get_mut(kind as usize) {
            *count = count.wrapping_add(1);
        }
    });
    let (mut ends, mut from) = ([0u32; GATE_KINDS], 0u32);
    for (end, &count) in ends.iter_mut().zip(&*counts) {
        *end = from;
        from = from.wrapping_add(count);
    }
    each_gate(view, record, |kind, gate| {
        let Some(end) = ends.get_mut(kind as usize) else { return };
        if let Some(place) = gates.get_mut(*end as usize) {
            *place = gate;
        }
        *end = end.wrapping_add(1);
    });
}

/// Calls `each` with the kind of every gate, and with the planes of its operands and of its output as in a plan.
fn each_gate(view: &View<'_>, record: &GatesRecord, mut each: impl FnMut(u32, [u32; 2])) {
    let table = words(view, record.table, record.count.wrapping_mul(5));
    let mut to = 0u32;
    for &[wiring, c0, c1, c2, c3] in transmute_ref!(table.as_chunks::<5>().0) as &[[u32; 5]] {
        // A word's number in bits 0..11 and its rotation in 11..16: what is read for lane `j` is bit `j + rotation` of the word.
        let operand = |at: u32, j: u32| (at & 0x7FF) << 5 | (at >> 11).wrapping_add(j) & 31;
        for j in 0..32 {
            each(gate_kind([c0, c1, c2, c3], j), [operand(wiring, j) | operand(wiring >> 16, j) << 16, to]);
            to = to.wrapping_add(1);
        }
    }
}
