//! The FFN record, and the rules that join it with the ranges that it uses.

use super::super::image::{Dtype, Range};
use super::super::ops::{Activation, Ffn};
use super::constants::no_const;
use super::error::{At, ReadError, Want};
use super::op::Context;
use super::record::{between, check};
use super::tensor::no_tensor;
use super::{NO_CONST, NO_TENSOR};

const KEEP_POSITIVE: u16 = 1;
const NEURONS: u16 = 2;
const HANDED_Z: u16 = 4;
const START_ACC: u16 = 8;
const RQ_PER_ROW: u16 = 16;

pub(super) fn read(context: &mut Context<'_>) -> Result<Ffn, ReadError> {
    let (at, tensors, pool) = (context.at, context.tensors, context.pool);
    context.kinds(2)?;
    context.flags_within(31)?;
    let [keep_positive, neurons, handed_z, start_acc, per_row] =
        [KEEP_POSITIVE, NEURONS, HANDED_Z, START_ACC, RQ_PER_ROW].map(|flag| context.flag(flag));
    if handed_z && !neurons {
        let want = Want::Words("handed_z only with neurons");
        return Err(ReadError::Value { at, what: "flags", want, have: context.flags.into() });
    }
    let record = &mut context.record;
    let [input, output, list, hidden, acc, partial] = [4, 6, 8, 10, 12, 14].map(|field| record.u16(field));
    let [first, count, cols, rows, shared_bias, rq, lut] = [16, 20, 24, 28, 32, 36, 40].map(|field| record.u32(field));
    record.exactly(44, "weight_format", 1)?;
    let (cols, rows) = (u64::from(cols), u64::from(rows));

    let input = tensors.shaped(at, "input", input, Dtype::I8, (1, cols))?;
    let acc_field = acc;
    let acc = tensors.shaped(at, "acc", acc, Dtype::I32, (1, rows))?;
    let output = if output == acc_field {
        no_const(at, "rq with acc as the output", rq)?;
        if per_row {
            context.flags_within(31 & !RQ_PER_ROW)?;
        }
        None
    } else {
        let tensor = tensors.shaped(at, "output", output, Dtype::I8, (1, rows))?;
        Some((tensor, pool.need_rq(at, "rq", rq, if per_row { rows } else { 1 })?))
    };
    let list = if list == NO_TENSOR {
        // An entry of the neurons kind names a neuron, which "every range once" does not.
        if neurons {
            return Err(ReadError::Missing { at, what: "list with neurons" });
        }
        None
    } else {
        Some(tensors.typed(at, "list", list, Dtype::List)?.0)
    };
    if start_acc {
        no_const(at, "shared_bias with start_acc", shared_bias)?;
    }
    let activation = match context.kind {
        2 => Activation::Lut(pool.need(at, "lut", lut, 256)?),
        kind => {
            no_const(at, "lut", lut)?;
            if kind == 1 { Activation::Relu } else { Activation::Identity }
        }
    };
    let ranges = used(context, first, count, neurons)?;
    for (i, range) in ranges.iter().enumerate() {
        let at = At::RangeOfOp { op: context.index, range: first as usize + i };
        arrays(context, at, range, cols, rows)?;
        if neurons {
            as_neurons(at, range, handed_z)?;
        }
    }
    let hidden = scratch_hidden(context, ranges, hidden)?;
    let needed = ranges.iter().any(|range| !range.output_major && (range.scale.is_some() || list.is_some()));
    let partial = if needed {
        Some(tensors.shaped(at, "partial", partial, Dtype::I32, (1, rows))?)
    } else {
        no_tensor(at, "partial", partial)?;
        None
    };
    Ok(Ffn {
        input,
        output,
        list,
        hidden,
        acc,
        partial,
        first_range: first as usize,
        range_count: count as usize,
        cols: cols as usize,
        rows: rows as usize,
        shared_bias: pool.maybe(at, "shared_bias", shared_bias, rows)?,
        activation,
        keep_positive,
        neurons,
        handed_z,
        start_acc,
    })
}

/// The ranges that the op may use.
fn used<'a>(context: &Context<'a>, first: u32, count: u32, neurons: bool) -> Result<&'a [Range], ReadError> {
    let (at, all) = (context.at, context.ranges);
    if all.is_empty() {
        return Err(ReadError::Missing { at, what: "RANGES" });
    }
    between(at, "first_range", 0, all.len() as i128 - 1, first)?;
    between(at, "range_count", 1, all.len() as i128 - i128::from(first), count)?;
    if neurons {
        check(at, "range_count with neurons", Want::Exactly(1), count)?;
    }
    Ok(&all[first as usize..][..count as usize])
}

/// The arrays of a range whose ends this op determines.
fn arrays(context: &Context<'_>, at: At, range: &Range, cols: u64, rows: u64) -> Result<(), ReadError> {
    let pool = context.pool;
    let offset = |at: Option<usize>| at.map_or(NO_CONST, |at| at as u32);
    let n = range.neurons as u64;
    pool.maybe::<i8>(at, "keys", offset(range.keys_at), n * cols)?;
    pool.maybe::<i8>(at, "values", offset(range.values_at), n * rows)?;
    pool.maybe::<i32>(at, "value_bias", offset(range.value_bias_at), rows)?;
    Ok(())
}

/// What the neurons flag asks of its range.
fn as_neurons(at: At, range: &Range, handed_z: bool) -> Result<(), ReadError> {
    if let Some(have) = range.value_bias_at {
        return Err(ReadError::Unwanted { at, what: "value_bias with neurons", have: have as u32 });
    }
    check(at, "output-major values with neurons", Want::Exactly(0), u8::from(range.output_major))?;
    match range.keys_at {
        Some(have) if handed_z => Err(ReadError::Unwanted { at, what: "keys with handed_z", have: have as u32 }),
        _ => Ok(()),
    }
}

/// The scratch of the output-major ranges: wide enough for the widest, and absent only if there are none.
fn scratch_hidden(context: &Context<'_>, ranges: &[Range], hidden: u16) -> Result<Option<usize>, ReadError> {
    let at = context.at;
    let widest = ranges.iter().filter(|range| range.output_major).map(|range| range.neurons).max();
    if hidden == NO_TENSOR && widest.is_none() {
        return Ok(None);
    }
    let (index, tensor) = context.tensors.typed(at, "hidden", hidden, Dtype::I8)?;
    check(at, "rows of hidden", Want::Exactly(1), tensor.rows as i128)?;
    between(at, "cols of hidden", widest.unwrap_or(0) as i128, u32::MAX, tensor.cols as i128)?;
    Ok(Some(index))
}
