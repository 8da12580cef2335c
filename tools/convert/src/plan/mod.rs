//! The arena plan: which bytes each tensor has, and when.
//!
//! A tensor lives from the op that first writes it to the op that last reads it; scratch lives for its op; outputs live to the
//! end. Tensors are placed from the largest to the smallest at the lowest offset where no tensor that lives at the same time is: greedy by size,
//! as in Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference" (arXiv 2001.03288). Optimal packing is NP-hard,
//! and for chains of layers the greedy one meets the lower bound.

use crate::ConvertError;
use crate::quantize::integer::{Dtype, IntGraph, IntTensor, TensorId};

/// Tensors begin at multiples of this many bytes: words and kernels want it.
const ALIGN: usize = 4;

/// Where a tensor lies, and from which op to which it lives (inclusive).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Bytes from the start of the arena.
    pub offset: usize,
    /// Size.
    pub bytes: usize,
    /// Op that first touches it.
    pub from: usize,
    /// Op that last touches it.
    pub to: usize,
}

/// The layout of the arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// One per tensor; none for the network's input and for tensors that no op touches.
    pub slots: Vec<Option<Slot>>,
    /// The largest `offset + bytes`.
    pub arena_bytes: usize,
    /// Most bytes alive at once: no layout can be smaller.
    pub lower_bound: usize,
}

/// Bytes of a tensor.
pub fn bytes(tensor: &IntTensor) -> usize {
    match tensor.dtype {
        Dtype::I8 => tensor.cols,
        Dtype::I32 => 4 * tensor.cols,
        Dtype::Bits => 4 * tensor.cols.div_ceil(32),
        Dtype::List => 8 + 8 * tensor.cols,
    }
}

/// Lays out the arena of `graph`.
///
/// # Errors
/// If it would exceed 2^30 bytes.
pub fn plan(graph: &IntGraph) -> Result<Plan, ConvertError> {
    let mut slots = lifetimes(graph);
    let mut order: Vec<usize> = (0..slots.len()).filter(|&i| slots[i].is_some()).collect();
    // Ties by index: the same graph has the same layout, always.
    order.sort_by_key(|&i| (std::cmp::Reverse(slots[i].map_or(0, |slot| slot.bytes)), i));
    let mut placed: Vec<Slot> = Vec::new();
    for i in order {
        let Some(slot) = &mut slots[i] else { continue };
        let mut busy: Vec<(usize, usize)> = placed
            .iter()
            .filter(|other| other.from <= slot.to && slot.from <= other.to)
            .map(|other| (other.offset, other.offset + other.bytes))
            .collect();
        busy.sort_unstable();
        for (start, end) in busy {
            if slot.offset + slot.bytes <= start {
                break;
            }
            slot.offset = slot.offset.max(end.next_multiple_of(ALIGN));
        }
        placed.push(*slot);
    }
    let arena_bytes = placed.iter().map(|slot| slot.offset + slot.bytes).max().unwrap_or(0);
    if arena_bytes > leafgate_image::MAX_BYTES as usize {
        return Err(ConvertError::TooLarge {
            place: "arena".into(),
            what: "size in bytes".into(),
            want: leafgate_image::MAX_BYTES.into(),
            have: arena_bytes as u64,
        });
    }
    let alive = |op: usize| placed.iter().filter(|slot| slot.from <= op && op <= slot.to).map(|slot| slot.bytes).sum();
    let lower_bound = (0..graph.ops.len()).map(alive).max().unwrap_or(0);
    Ok(Plan { slots, arena_bytes, lower_bound })
}

/// Every tensor's lifetime, at offset 0.
fn lifetimes(graph: &IntGraph) -> Vec<Option<Slot>> {
    let mut slots: Vec<Option<Slot>> = vec![None; graph.tensors.len()];
    let last = graph.ops.len().saturating_sub(1);
    for (at, (_, op)) in graph.ops.iter().enumerate() {
        let (reads, writes) = op.operands();
        let is_last = at == last;
        for &TensorId(i) in reads.iter().chain(&writes).filter(|&&id| id != IntGraph::INPUT) {
            let bytes = bytes(&graph.tensors[i]);
            let slot = slots[i].get_or_insert(Slot { offset: 0, bytes, from: at, to: at });
            // What the last op, READOUT, touches is what the caller reads afterwards.
            slot.to = if is_last { last } else { at };
        }
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantize::integer::{IntMap, IntOp};

    fn chain(sizes: &[usize]) -> IntGraph {
        let mut graph = IntGraph::default();
        for &cols in sizes {
            let name = String::new();
            graph.add(IntTensor { name, dtype: Dtype::I8, cols, scale: 1.0, zero_point: 0.0, lo: -128, hi: 127 });
        }
        for i in 1..sizes.len() {
            let op = IntOp::Map { input: TensorId(i - 1), output: TensorId(i), map: IntMap::Clamp { lo: 0, hi: 1 } };
            graph.ops.push((String::new(), op));
        }
        graph
    }

    #[test]
    fn a_chain_needs_its_widest_neighbours() {
        let plan = plan(&chain(&[1000, 64, 128, 32, 16, 100])).unwrap();
        assert_eq!(plan.arena_bytes, 192);
        assert_eq!(plan.arena_bytes, plan.lower_bound);
        assert_eq!(plan.slots[0], None, "the input is borrowed");
    }

    #[test]
    fn tensors_alive_together_never_overlap() {
        let sizes: Vec<usize> = (0..60).map(|i| 1 + (i * 7919) % 97).collect();
        let plan = plan(&chain(&sizes)).unwrap();
        let slots: Vec<Slot> = plan.slots.iter().flatten().copied().collect();
        for (i, a) in slots.iter().enumerate() {
            assert_eq!(a.offset % ALIGN, 0);
            for b in &slots[i + 1..] {
                let together = a.from <= b.to && b.from <= a.to;
                let apart = a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset;
                assert!(!together || apart, "{a:?} {b:?}");
            }
        }
    }
}
