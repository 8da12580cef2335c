//! The ROUTE record.

use super::super::image::{Dtype, ONE};
use super::super::ops::{Emit, Route, RouteKind, Rows};
use super::NO_CONST;
use super::constants::no_const;
use super::error::{ReadError, Want};
use super::op::Context;
use super::record::{between, check};
use super::tensor::no_tensor;

const APPEND: u16 = 1;
const PATH: u16 = 2;
const HAND_Z: u16 = 4;

/// Most that an entry may name.
const MOST_NUMBER: i128 = 65534;

pub(super) fn read(context: &mut Context<'_>) -> Result<Route, ReadError> {
    let (at, tensors, pool) = (context.at, context.tensors, context.pool);
    context.kinds(2)?;
    context.flags_within(if context.kind == 1 { APPEND | PATH | HAND_Z } else { APPEND })?;
    let (append, path, hand_z) = (context.flag(APPEND), context.flag(PATH), context.flag(HAND_Z));
    if hand_z && !path {
        let want = Want::Words("hand_z only with path");
        return Err(ReadError::Value { at, what: "flags", want, have: context.flags.into() });
    }
    let record = &mut context.record;
    let [input, list, scores, weight] = [4, 6, 32, 34].map(|field| record.u16(field));
    let [first, count, depth, cols] = [8, 12, 16, 20].map(|field| record.u32(field));
    let [weights, bias, gate_rq, gate_table] = [24, 28, 36, 40].map(|field| record.u32(field));
    record.exactly(44, "weight_format", u8::from(context.kind != 0))?;
    let list = tensors.typed(at, "list", list, Dtype::List)?.0;
    between(at, "count", 1, u32::MAX, count)?;
    between(at, "weight", 0, ONE, weight)?;
    if context.kind != 2 {
        no_tensor(at, "scores", scores)?;
        no_const(at, "gate_rq", gate_rq)?;
        no_const(at, "gate_table", gate_table)?;
    }
    let (least_depth, most_depth) = match context.kind {
        0 => (0, 0),
        1 => (1, 16),
        _ => (1, count),
    };
    between(at, "depth", least_depth, most_depth, depth)?;

    // What is appended is numbered first .. first + numbers.
    let (row_count, numbers) = match context.kind {
        0 => (0, u64::from(count)),
        1 => {
            let nodes = u64::from(count) * ((1 << depth) - 1);
            (nodes, if path { nodes } else { u64::from(count) << depth })
        }
        _ => (u64::from(count), u64::from(count)),
    };
    let last = i128::from(first) + i128::from(numbers) - 1;
    between(at, "last range number", 0, MOST_NUMBER, last)?;

    if context.kind == 0 {
        no_tensor(at, "input", input)?;
        check(at, "cols", Want::Exactly(0), cols)?;
        no_const(at, "weights", weights)?;
        no_const(at, "bias", bias)?;
        let kind = RouteKind::Static { count: count as usize };
        return Ok(Route { list, first: first as usize, weight, append, kind });
    }
    let rows = Rows {
        input: tensors.shaped(at, "input", input, Dtype::I8, (1, cols.into()))?,
        count: row_count as usize,
        cols: cols as usize,
        weights: pool.need(at, "weights", weights, row_count * u64::from(cols))?,
        bias: pool.maybe(at, "bias", bias, row_count)?,
    };
    let kind = if context.kind == 1 {
        let emit = if path { Emit::Path { hand_z } } else { Emit::Leaf };
        RouteKind::Tree { rows, trees: count as usize, depth, emit }
    } else {
        let scores = tensors.shaped(at, "scores", scores, Dtype::I32, (1, count.into()))?;
        let gate = if gate_rq == NO_CONST {
            no_const(at, "gate_table without gate_rq", gate_table)?;
            None
        } else {
            Some((pool.need_rq(at, "gate_rq", gate_rq, 1)?, pool.need_gate_table(at, gate_table)?))
        };
        RouteKind::Linear { rows, top: depth as usize, scores, gate }
    };
    Ok(Route { list, first: first as usize, weight, append, kind })
}
