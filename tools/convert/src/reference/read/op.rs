//! The op records: LINEAR, GATES, GROUPSUM, MAP, READOUT and MOVE. FFN and ROUTE have files of their own.

use super::super::image::{BitTest, Dtype, Range};
use super::super::low_bit::{GROUP, Layout, LowBit};
use super::super::ops::{Gates, GroupSum, Linear, Map, MapKind, Move, Op, Readout, Weights, Wiring};
use super::super::pairs;
use super::constants::{Pool, no_const};
use super::error::{At, ReadError, Want};
use super::record::{Record, between, check};
use super::tensor::{Tensors, no_tensor, shape, wrong_dtype};
use super::{ffn, route};

/// An op record and everything that its fields may name.
pub(super) struct Context<'a> {
    pub at: At,
    pub index: usize,
    pub kind: u8,
    pub flags: u16,
    pub record: Record<'a>,
    pub tensors: &'a Tensors,
    pub ranges: &'a [Range],
    pub pool: &'a Pool<'a>,
}

pub(super) fn read<'a>(
    records: impl Iterator<Item = &'a [u8]>,
    tensors: &Tensors,
    ranges: &[Range],
    pool: &Pool<'_>,
) -> Result<Vec<Op>, ReadError> {
    records.enumerate().map(|(index, bytes)| op(index, bytes, tensors, ranges, pool)).collect()
}

fn op(index: usize, bytes: &[u8], tensors: &Tensors, ranges: &[Range], pool: &Pool<'_>) -> Result<Op, ReadError> {
    let at = At::Op { index, number: bytes[0] };
    let mut record = Record::new(bytes, at);
    let number = record.u8(0);
    let (kind, flags) = (record.u8(1), record.u16(2));
    let mut context = Context { at, index, kind, flags, record, tensors, ranges, pool };
    let op = match number {
        1 => Op::Linear(linear(&mut context)?),
        2 => Op::Ffn(ffn::read(&mut context)?),
        3 => Op::Route(route::read(&mut context)?),
        4 => Op::Gates(gates(&mut context)?),
        5 => Op::GroupSum(group_sum(&mut context)?),
        6 => Op::Map(map(&mut context)?),
        7 => Op::Readout(readout(&mut context)?),
        8 => Op::Move(copy(&mut context)?),
        have => {
            return Err(ReadError::Value { at, what: "op", want: Want::Between(1, 8), have: have.into() });
        }
    };
    context.record.finish()?;
    tensors.disjoint(at, &op)?;
    Ok(op)
}

impl Context<'_> {
    /// The kind is at most this.
    pub fn kinds(&self, greatest: u8) -> Result<(), ReadError> {
        between(self.at, "kind", 0, greatest, self.kind)
    }

    /// No flag but these is set.
    pub fn flags_within(&self, known: u16) -> Result<(), ReadError> {
        if self.flags & !known == 0 {
            return Ok(());
        }
        let want = Want::Words("only flags that this op and kind give a meaning");
        Err(ReadError::Value { at: self.at, what: "flags", want, have: self.flags.into() })
    }

    pub fn flag(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }
}

fn linear(context: &mut Context<'_>) -> Result<Linear, ReadError> {
    let (at, tensors, pool) = (context.at, context.tensors, context.pool);
    context.kinds(0)?;
    context.flags_within(7)?;
    let record = &mut context.record;
    let [input, output] = [4, 6].map(|field| record.u16(field));
    let [rows, cols, weights, bias, rq] = [8, 12, 16, 20, 24].map(|field| record.u32(field));
    let weight_format = record.u8(28);
    between(at, "weight_format", 1, 7, weight_format)?;
    let prepared = if weight_format == 1 { None } else { Some(record.u16(30)) };
    let group = if weight_format > 2 { record.u8(29) } else { 0 };
    let (rows, cols) = (u64::from(rows), u64::from(cols));
    let (per_row, accumulate, transposed) = (context.flag(1), context.flag(2), context.flag(4));

    let (output, output_tensor) = tensors.get(at, "output", output)?;
    let samples = output_tensor.rows as u64;
    shape(at, "output", output_tensor, (samples, rows))?;
    let input_shape = if transposed { (cols, samples) } else { (samples, cols) };
    let input = tensors.shaped(at, "input", input, Dtype::I8, input_shape)?;
    let rq = match output_tensor.dtype {
        Dtype::I8 => {
            context.flags_within(1 | 4)?;
            Some(pool.need_rq(at, "rq", rq, if per_row { rows } else { 1 })?)
        }
        Dtype::I32 => {
            context.flags_within(2 | 4)?;
            no_const(at, "rq with an I32 output", rq)?;
            None
        }
        _ => return Err(wrong_dtype(at, "output", "dtype 1 (I8) or 2 (I32)", output_tensor)),
    };
    if prepared.is_some() && transposed {
        context.flags_within(1 | 2)?;
    }
    let weights = match (prepared, Layout::of(weight_format)) {
        (None, _) => Weights::Rows(pool.need(at, "weights", weights, rows * cols)?),
        (Some(prepared), Some(layout)) => {
            Weights::LowBit(low_bit(context, layout, (weights, group, prepared), (rows, cols))?)
        }
        (Some(prepared), None) => {
            let prepared = tensors.shaped(at, "prepared", prepared, Dtype::I32, (1, 2 * cols.div_ceil(4)))?;
            Weights::Pairs { matrix: pool.need(at, "weights", weights, pairs::words(rows, cols))?, prepared }
        }
    };
    Ok(Linear {
        input,
        output,
        rows: rows as usize,
        cols: cols as usize,
        weights,
        bias: pool.maybe(at, "bias", bias, rows)?,
        rq,
        accumulate,
        transposed,
    })
}

fn low_bit(
    context: &Context<'_>,
    layout: Layout,
    (weights, group, prepared): (u32, u8, u16),
    (rows, cols): (u64, u64),
) -> Result<LowBit, ReadError> {
    let (at, tensors, pool) = (context.at, context.tensors, context.pool);
    let grouped = group != 0;
    if grouped {
        check(at, "group", Want::Exactly(GROUP as i128), group)?;
    }
    let prepared = tensors.shaped(at, "prepared", prepared, Dtype::I32, (1, layout.prepared_cols(cols, grouped)))?;
    let words = layout.matrix_words(rows, cols, grouped);
    let two_bits = layout.bits() == 2;
    let matrix = if two_bits {
        pool.need_table(at, "weights", weights, words)?
    } else {
        pool.need(at, "weights", weights, words)?
    };
    let low_bit = LowBit { layout, grouped, matrix, prepared };
    if two_bits {
        let words: Vec<u32> = pool.all(matrix).collect();
        if let Some(have) = low_bit.misfit(&words, rows as usize, cols as usize) {
            let want = Want::Words("weights that are -1, 0 or 1");
            return Err(ReadError::Value { at, what: "word of weights", want, have: have.into() });
        }
    }
    Ok(low_bit)
}

fn gates(context: &mut Context<'_>) -> Result<Gates, ReadError> {
    let (at, tensors, pool) = (context.at, context.tensors, context.pool);
    context.kinds(1)?;
    context.flags_within(0)?;
    let is_netlist = context.kind == 1;
    let record = &mut context.record;
    let [input, output] = [4, 6].map(|field| record.u16(field));
    let [count, table] = [8, 12].map(|field| record.u32(field));
    let (input, input_tensor) = tensors.typed(at, "input", input, Dtype::Bits)?;
    shape(at, "input", input_tensor, (1, input_tensor.cols as u64))?;
    let (output, output_tensor) =
        tensors.typed(at, "output", output, if is_netlist { Dtype::I32 } else { Dtype::Bits })?;
    shape(at, "output", output_tensor, (1, output_tensor.cols as u64))?;
    let input_words = input_tensor.row_words() as i128;
    let wiring = if is_netlist {
        let [series, series_count] = [16, 20].map(|field| record.u32(field));
        let signals = 4 * output_tensor.cols as i128;
        check(at, "signals, among which are the input's", Want::Between(32 * input_words, i128::MAX), signals as u64)?;
        let wires = pool.need_table::<u32>(at, "table", table, count.into())?;
        for wires in pool.all(wires) {
            between(at, "signal of A", 0, signals - 1, wires & 0xFFFF)?;
            between(at, "signal of B", 0, signals - 1, wires >> 16)?;
        }
        let series = pool.need_table::<u32>(at, "series", series, 2 * u64::from(series_count))?;
        let mut least = 0;
        for end in pool.all(series).step_by(2) {
            between(at, "end of a series, not descending and at most the gates", least, count, end & 0x0FFF_FFFF)?;
            least = end & 0x0FFF_FFFF;
        }
        Wiring::Netlist { wires, series }
    } else {
        check(at, "words", Want::Exactly(output_tensor.row_words() as i128), count)?;
        let table = pool.need_table::<u32>(at, "table", table, u64::from(count) * 5)?;
        for wiring in pool.all(table).step_by(5) {
            between(at, "input word of A", 0, input_words - 1, wiring & 0x7FF)?;
            between(at, "input word of B", 0, input_words - 1, wiring >> 16 & 0x7FF)?;
        }
        Wiring::Words { words: count as usize, table }
    };
    Ok(Gates { input, output, wiring })
}

fn group_sum(context: &mut Context<'_>) -> Result<GroupSum, ReadError> {
    let (at, tensors, pool) = (context.at, context.tensors, context.pool);
    context.kinds(1)?;
    context.flags_within(0)?;
    let signals = context.kind == 1;
    let record = &mut context.record;
    let [input, output] = [4, 6].map(|field| record.u16(field));
    let [groups, bounds, bias] = [8, 12, 16].map(|field| record.u32(field));
    let (input, input_tensor) = tensors.typed(at, "input", input, if signals { Dtype::I32 } else { Dtype::Bits })?;
    shape(at, "input", input_tensor, (1, input_tensor.cols as u64))?;
    if signals {
        between(at, "words of signals", 0, 1 << 20, input_tensor.cols as u64)?;
    }
    let groups = u64::from(groups);
    let output = tensors.shaped(at, "output", output, Dtype::I32, (1, groups))?;
    let bounds = pool.need_table::<u32>(at, "bounds", bounds, groups + 1)?;
    let most = input_tensor.cols as i128 * if signals { 4 } else { 1 };
    let mut least = 0;
    for bound in pool.all(bounds) {
        between(at, "bounds, not descending and inside the input", least, most, bound)?;
        least = bound;
    }
    let (groups, bias) = (groups as usize, pool.maybe(at, "bias", bias, groups)?);
    Ok(GroupSum { input, signals, output, groups, bounds, bias })
}

fn map(context: &mut Context<'_>) -> Result<Map, ReadError> {
    let (at, tensors, pool) = (context.at, context.tensors, context.pool);
    context.kinds(5)?;
    context.flags_within(if context.kind == 1 { 1 } else { 0 })?;
    let per_col = context.flag(1);
    let record = &mut context.record;
    let [input, output, second] = [4, 6, 8].map(|field| record.u16(field));
    let [table, bias, rq] = [12, 16, 20].map(|field| record.u32(field));
    if !matches!(context.kind, 2 | 5) {
        no_tensor(at, "second", second)?;
    }
    if matches!(context.kind, 2 | 4 | 5) {
        no_const(at, "table", table)?;
    }
    if context.kind != 1 {
        no_const(at, "bias", bias)?;
        no_const(at, "rq", rq)?;
    }
    let (input, input_tensor) = tensors.typed(at, "input", input, Dtype::I8)?;
    let shape_in = (input_tensor.rows as u64, input_tensor.cols as u64);
    let cols = shape_in.1;
    if context.kind == 3 {
        shape(at, "input", input_tensor, (1, cols))?;
        let (output, output_tensor) = tensors.typed(at, "output", output, Dtype::Bits)?;
        let tests = output_tensor.cols as u64;
        shape(at, "output", output_tensor, (1, tests))?;
        let kind = MapKind::Bits(bit_tests(at, pool, table, tests, cols)?);
        return Ok(Map { input, output, kind });
    }
    let output = tensors.shaped(at, "output", output, Dtype::I8, shape_in)?;
    let kind = match context.kind {
        0 => MapKind::Lut(pool.need(at, "table", table, 256)?),
        1 => MapKind::Affine {
            table: pool.need(at, "table", table, cols)?,
            bias: pool.maybe(at, "bias", bias, cols)?,
            rq: pool.need_rq(at, "rq", rq, if per_col { cols } else { 1 })?,
        },
        2 | 5 => {
            let second = tensors.shaped(at, "second", second, Dtype::I8, shape_in)?;
            let m1 = record.i32(24);
            let m2 = if context.kind == 2 { record.i32(28) } else { 0 };
            let shift = record.u8(32);
            between(at, "shift", 1, 62, shift)?;
            let [zero_point, z1, z2] = [33, 36, 37].map(|field| record.i8(field));
            let (lo, hi) = clamp(record)?;
            if context.kind == 2 {
                MapKind::Add { second, m1, m2, shift, zero_point, lo, hi, z1, z2 }
            } else {
                MapKind::Mul { second, m1, shift, zero_point, lo, hi, z1, z2 }
            }
        }
        _ => {
            let (lo, hi) = clamp(record)?;
            MapKind::Clamp { lo, hi }
        }
    };
    Ok(Map { input, output, kind })
}

fn clamp(record: &mut Record<'_>) -> Result<(i8, i8), ReadError> {
    let (lo, hi) = (record.i8(34), record.i8(35));
    between(record.at, "lo", -128, hi, lo)?;
    Ok((lo, hi))
}

fn bit_tests(
    at: At,
    pool: &Pool<'_>,
    table: u32,
    tests: u64,
    cols: u64,
) -> Result<super::super::image::Array<BitTest>, ReadError> {
    let table = pool.need_table::<BitTest>(at, "table", table, tests)?;
    for test in pool.all(table) {
        between(at, "feature in table", 0, i128::from(cols) - 1, test.feature)?;
    }
    for (byte, entry) in pool.raw(table).iter().enumerate().skip(3).step_by(4) {
        if *entry != 0 {
            return Err(ReadError::Reserved { at, byte, have: *entry });
        }
    }
    Ok(table)
}

fn copy(context: &mut Context<'_>) -> Result<Move, ReadError> {
    let (at, tensors) = (context.at, context.tensors);
    context.kinds(0)?;
    context.flags_within(0)?;
    let record = &mut context.record;
    let [input, output] = [4, 6].map(|field| record.u16(field));
    let [rows, cols, from, from_row, from_col, to, to_row] =
        [8, 12, 16, 20, 24, 28, 32].map(|field| u128::from(record.u32(field)));
    between(at, "rows", 1, u32::MAX, rows as u64)?;
    between(at, "cols", 1, u32::MAX, cols as u64)?;
    check(at, "to_row", Want::Between(cols as i128, u32::MAX.into()), to_row as u64)?;
    let (input, input_tensor) = tensors.get(at, "input", input)?;
    if input_tensor.dtype == Dtype::List {
        return Err(wrong_dtype(at, "input", "dtype 1 (I8), 2 (I32) or 3 (Bits)", input_tensor));
    }
    let (output, output_tensor) = tensors.typed(at, "output", output, input_tensor.dtype)?;
    let (down, right) = (rows - 1, cols - 1);
    let last_read = from + down * from_row + right * from_col;
    let last_written = to + down * to_row + right;
    for (what, tensor, last) in
        [("last element read", input_tensor, last_read), ("last element written", output_tensor, last_written)]
    {
        let elements = tensor.bytes() as i128 / if tensor.dtype == Dtype::I8 { 1 } else { 4 };
        if last as i128 >= elements {
            return Err(ReadError::Value { at, what, want: Want::Between(0, elements - 1), have: last as i128 });
        }
    }
    let [rows, cols, from, from_row, from_col, to, to_row] =
        [rows, cols, from, from_row, from_col, to, to_row].map(|figure| figure as usize);
    Ok(Move { input, output, rows, cols, from, from_row, from_col, to, to_row })
}

fn readout(context: &mut Context<'_>) -> Result<Readout, ReadError> {
    let (at, tensors) = (context.at, context.tensors);
    context.kinds(2)?;
    context.flags_within(0)?;
    let record = &mut context.record;
    let [input, output] = [4, 6].map(|field| record.u16(field));
    let k = record.u32(8);
    let (input, input_tensor) = tensors.get(at, "input", input)?;
    if !matches!(input_tensor.dtype, Dtype::I8 | Dtype::I32) {
        return Err(wrong_dtype(at, "input", "dtype 1 (I8) or 2 (I32)", input_tensor));
    }
    let classes = input_tensor.cols as u64;
    shape(at, "input", input_tensor, (1, classes))?;
    let (least, greatest) = match context.kind {
        0 => (0, 0),
        1 => (1, 1),
        _ => (1, classes),
    };
    between(at, "k", least, greatest, k)?;
    let output = if context.kind == 0 {
        no_tensor(at, "output", output)?;
        None
    } else {
        Some(tensors.shaped(at, "output", output, Dtype::I32, (1, k.into()))?)
    };
    Ok(Readout { input, output, k: k as usize })
}
