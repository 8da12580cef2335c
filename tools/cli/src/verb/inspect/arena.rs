//! Where tensors lie in the arena, and from which op to which they live.

use leafgate_convert::reference::{Image, Place};
use serde::Serialize;

use super::dtype_name;
use crate::output::{grouped, table};

/// A tensor.
#[derive(Debug, Serialize)]
pub struct Slot {
    index: usize,
    /// What it is to the network, if it is more than a step between ops.
    role: &'static str,
    dtype: &'static str,
    rows: usize,
    cols: usize,
    scale: f32,
    zero_point: f32,
    /// In the arena; the input lies with the caller.
    pub offset: Option<usize>,
    /// Size.
    pub bytes: usize,
    /// Ops that first and last touch it.
    ops: Option<[usize; 2]>,
}

/// The tensors of an image.
pub fn slots(image: &Image) -> Vec<Slot> {
    let touches = |tensor: usize| {
        let touched = image.ops.iter().enumerate();
        let mut at = touched.filter(|(_, op)| op.reads().contains(&tensor) || op.writes().contains(&tensor));
        let first = at.next()?.0;
        Some([first, at.next_back().map_or(first, |(i, _)| i)])
    };
    let slot = |(index, tensor): (usize, &leafgate_convert::reference::Tensor)| Slot {
        index,
        role: if index == image.header.input {
            "input"
        } else if index == image.header.output {
            "output"
        } else {
            ""
        },
        dtype: dtype_name(tensor.dtype),
        rows: tensor.rows,
        cols: tensor.cols,
        scale: tensor.scale,
        zero_point: tensor.zero_point,
        offset: (tensor.place == Place::Arena).then_some(tensor.offset as usize),
        bytes: tensor.bytes(),
        ops: touches(index),
    };
    image.tensors.iter().enumerate().map(slot).collect()
}

/// Columns of the picture of the arena.
const WIDTH: usize = 40;

/// The tensors as a table with a picture: a column of `#` per part of the arena that a tensor lies in.
pub fn render(slots: &[Slot]) -> String {
    let arena = slots.iter().filter_map(|slot| Some(slot.offset? + slot.bytes)).max().unwrap_or(0).max(1);
    let rows = slots.iter().map(|slot| {
        let picture = slot.offset.map_or_else(String::new, |offset| {
            let from = offset * WIDTH / arena;
            let to = ((offset + slot.bytes) * WIDTH).div_ceil(arena).max(from + 1);
            format!("|{}{}{}|", ".".repeat(from), "#".repeat(to - from), ".".repeat(WIDTH.saturating_sub(to)))
        });
        let ops = match slot.ops {
            None => "unused".into(),
            Some([from, to]) if from == to => format!("op {from}"),
            Some([from, to]) => format!("ops {from} to {to}"),
        };
        vec![
            slot.index.to_string(),
            slot.role.to_owned(),
            slot.dtype.to_owned(),
            format!("({}, {})", slot.rows, slot.cols),
            format!("{:.4e}", slot.scale),
            slot.zero_point.to_string(),
            slot.offset.map_or_else(|| "caller".into(), grouped),
            grouped(slot.bytes),
            ops,
            picture,
        ]
    });
    table(&[">", "", "type", ">shape", ">scale", ">zero", ">offset", ">bytes", "alive", ""], rows)
}
