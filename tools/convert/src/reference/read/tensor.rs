//! The tensor records, and the rules on how an op uses them.

use super::super::image::{Dtype, Place, Tensor};
use super::super::ops::Op;
use super::NO_TENSOR;
use super::error::{At, ReadError, Want};
use super::record::{Record, between, check};

/// No tensor is larger, and no arena.
const MOST_BYTES: i128 = 1 << 30;

/// The checked tensors.
pub(super) struct Tensors(Vec<Tensor>);

impl Tensors {
    pub fn read<'a>(records: impl Iterator<Item = &'a [u8]>) -> Result<Self, ReadError> {
        records
            .enumerate()
            .map(|(index, record)| tensor(record, At::Tensor { index }))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The largest end of an arena tensor.
    pub fn arena_bytes(&self) -> u64 {
        let arena = self.0.iter().filter(|tensor| tensor.place == Place::Arena);
        arena.map(|tensor| u64::from(tensor.offset) + tensor.bytes() as u64).max().unwrap_or(0)
    }

    /// The header's input is the one tensor whose place is Input, and is I8 or Bits.
    pub fn only_input(&self, input: usize) -> Result<(), ReadError> {
        between(At::Header, "input", 0, self.0.len() as i128 - 1, input as i128)?;
        for (index, tensor) in self.0.iter().enumerate() {
            let want = u8::from(index != input);
            let have = u8::from(tensor.place == Place::Arena);
            check(At::Tensor { index }, "place", Want::Exactly(want.into()), have)?;
        }
        let tensor = &self.0[input];
        if !matches!(tensor.dtype, Dtype::I8 | Dtype::Bits) {
            return Err(wrong_dtype(At::Header, "input", "1 (I8) or 3 (Bits)", tensor));
        }
        Ok(())
    }

    /// The tensor that a field names.
    pub fn get(&self, at: At, what: &'static str, index: u16) -> Result<(usize, &Tensor), ReadError> {
        if index == NO_TENSOR {
            return Err(ReadError::Missing { at, what });
        }
        let index = usize::from(index);
        match self.0.get(index) {
            Some(tensor) => Ok((index, tensor)),
            None => Err(ReadError::Value {
                at,
                what,
                want: Want::Between(0, self.0.len() as i128 - 1),
                have: index as i128,
            }),
        }
    }

    /// The tensor that a field names, of this type.
    pub fn typed(&self, at: At, what: &'static str, index: u16, dtype: Dtype) -> Result<(usize, &Tensor), ReadError> {
        let (index, tensor) = self.get(at, what, index)?;
        if tensor.dtype != dtype {
            return Err(wrong_dtype(at, what, dtype_name(dtype), tensor));
        }
        Ok((index, tensor))
    }

    /// The index of the tensor that a field names, of this type and shape.
    pub fn shaped(
        &self,
        at: At,
        what: &'static str,
        index: u16,
        dtype: Dtype,
        (rows, cols): (u64, u64),
    ) -> Result<usize, ReadError> {
        let (index, tensor) = self.typed(at, what, index, dtype)?;
        shape(at, what, tensor, (rows, cols))?;
        Ok(index)
    }

    /// What an op writes is in the arena; its tensors there overlap nowhere, and none is named twice.
    pub fn disjoint(&self, at: At, op: &Op) -> Result<(), ReadError> {
        let writes = op.writes();
        // A tensor that is added to is both read and written, in one role. Its type is that of no other tensor read.
        let added_to = match op {
            Op::Linear(op) if op.accumulate => Some(op.output),
            Op::Ffn(op) if op.start_acc => Some(op.acc),
            Op::Route(op) if op.append => Some(op.list),
            _ => None,
        };
        for &written in &writes {
            if self.0[written].place == Place::Input {
                return Err(ReadError::Value {
                    at,
                    what: "place of a written tensor",
                    want: Want::Exactly(1),
                    have: 0,
                });
            }
        }
        let reads = op.reads().into_iter().filter(|&read| Some(read) != added_to);
        let all: Vec<usize> = writes.into_iter().chain(reads).collect();
        for (i, &written) in all.iter().enumerate() {
            for &other in &all[i + 1..] {
                if self.0[written].overlaps(&self.0[other]) {
                    return Err(ReadError::Overlap { at, written, other });
                }
            }
        }
        Ok(())
    }

    pub fn into_vec(self) -> Vec<Tensor> {
        self.0
    }
}

/// The tensor is of this shape.
pub(super) fn shape(at: At, what: &'static str, tensor: &Tensor, (rows, cols): (u64, u64)) -> Result<(), ReadError> {
    let wrong =
        |want: u64, have: usize| ReadError::Value { at, what, want: Want::Exactly(want.into()), have: have as i128 };
    if tensor.rows as u64 != rows {
        return Err(wrong(rows, tensor.rows));
    }
    if tensor.cols as u64 != cols {
        return Err(wrong(cols, tensor.cols));
    }
    Ok(())
}

/// A tensor index must be NONE.
pub(super) fn no_tensor(at: At, what: &'static str, index: u16) -> Result<(), ReadError> {
    if index == NO_TENSOR { Ok(()) } else { Err(ReadError::Unwanted { at, what, have: index.into() }) }
}

/// A tensor is of another type than the words say.
pub(super) fn wrong_dtype(at: At, what: &'static str, want: &'static str, have: &Tensor) -> ReadError {
    let have = match have.dtype {
        Dtype::I8 => 1,
        Dtype::I32 => 2,
        Dtype::Bits => 3,
        Dtype::List => 4,
    };
    ReadError::Value { at, what, want: Want::Words(want), have }
}

fn dtype_name(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::I8 => "dtype 1 (I8)",
        Dtype::I32 => "dtype 2 (I32)",
        Dtype::Bits => "dtype 3 (Bits)",
        Dtype::List => "dtype 4 (List)",
    }
}

fn tensor(bytes: &[u8], at: At) -> Result<Tensor, ReadError> {
    let mut record = Record::new(bytes, at);
    let dtype = record.u8(0);
    between(at, "dtype", 1, 4, dtype)?;
    let dtype = match dtype {
        1 => Dtype::I8,
        2 => Dtype::I32,
        3 => Dtype::Bits,
        _ => Dtype::List,
    };
    let place = record.u8(1);
    between(at, "place", 0, 1, place)?;
    let place = if place == 0 { Place::Input } else { Place::Arena };
    let (offset, rows, cols) = (record.u32(4), record.u32(8), record.u32(12));
    let scale = record.f32(16, "scale")?;
    let zero_point = record.f32(20, "zero_point")?;
    record.finish()?;

    if place == Place::Input {
        check(at, "offset of the input", Want::Exactly(0), offset)?;
    }
    if dtype != Dtype::I8 {
        check(at, "offset", Want::Multiple(4), offset)?;
    }
    between(at, "rows", 1, u32::MAX, rows)?;
    between(at, "cols", 1, u32::MAX, cols)?;
    let (wide_rows, wide_cols) = (i128::from(rows), i128::from(cols));
    let bytes = match dtype {
        Dtype::I8 => wide_rows * wide_cols,
        Dtype::I32 => 4 * wide_rows * wide_cols,
        Dtype::Bits => 4 * wide_rows * ((wide_cols + 31) / 32),
        Dtype::List => {
            check(at, "rows of a list", Want::Exactly(1), rows)?;
            8 + 8 * wide_cols
        }
    };
    between(at, "bytes", 0, MOST_BYTES, bytes)?;
    Ok(Tensor { dtype, place, offset, rows: rows as usize, cols: cols as usize, scale, zero_point })
}
