//! Constants: elements of a known type and shape, with a scale if they are quantised.

use std::rc::Rc;

use super::shape::{self, Shape};

/// Element types that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F32,
    F16,
    Bf16,
    F64,
    I8,
    U8,
    I32,
    I64,
    Bool,
    /// Another, by its number.
    Other(i32),
}

impl Element {
    /// By its number in the format.
    pub(super) fn of(number: i32) -> Self {
        match number {
            1 => Self::F32,
            2 => Self::U8,
            3 => Self::I8,
            6 => Self::I32,
            7 => Self::I64,
            9 => Self::Bool,
            10 => Self::F16,
            11 => Self::F64,
            16 => Self::Bf16,
            other => Self::Other(other),
        }
    }

    /// Bytes of one, where it is known.
    pub(super) fn bytes(self) -> Option<usize> {
        match self {
            Self::F64 | Self::I64 => Some(8),
            Self::F32 | Self::I32 => Some(4),
            Self::F16 | Self::Bf16 => Some(2),
            Self::I8 | Self::U8 | Self::Bool => Some(1),
            Self::Other(_) => None,
        }
    }

    pub(super) fn is_real(self) -> bool {
        matches!(self, Self::F32 | Self::F16 | Self::Bf16 | Self::F64)
    }
}

impl std::fmt::Display for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::F64 => "f64",
            Self::I8 => "i8",
            Self::U8 => "u8",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::Bool => "bool",
            Self::Other(number) => return write!(f, "type {number}"),
        };
        f.write_str(name)
    }
}

/// Elements in row-major order. Real numbers of every width are taken as `f32`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Data {
    Reals(Vec<f32>),
    I8(Vec<i8>),
    /// Booleans as well.
    U8(Vec<u8>),
    I32(Vec<i32>),
    I64(Vec<i64>),
}

/// `$body` with the vector of whichever kind as `$list`, and its constructor as `$make`.
macro_rules! each {
    ($data:expr, $list:ident, $make:ident => $body:expr) => {
        match $data {
            Data::Reals($list) => {
                let $make = Data::Reals;
                $body
            }
            Data::I8($list) => {
                let $make = Data::I8;
                $body
            }
            Data::U8($list) => {
                let $make = Data::U8;
                $body
            }
            Data::I32($list) => {
                let $make = Data::I32;
                $body
            }
            Data::I64($list) => {
                let $make = Data::I64;
                $body
            }
        }
    };
}

impl Data {
    pub(super) fn len(&self) -> usize {
        each!(self, list, _make => list.len())
    }

    /// Bytes that the elements take.
    pub(super) fn bytes(&self) -> usize {
        each!(self, list, _make => std::mem::size_of_val(&list[..]))
    }

    /// The elements at `indices`, which must be below their number.
    fn pick(&self, indices: impl Iterator<Item = usize>) -> Self {
        each!(self, list, make => make(indices.map(|i| list[i]).collect()))
    }

    /// Element `i` as an integer, if it is one.
    fn int(&self, i: usize) -> Option<i64> {
        match self {
            Self::Reals(_) => None,
            Self::I8(list) => list.get(i).map(|&q| q.into()),
            Self::U8(list) => list.get(i).map(|&q| q.into()),
            Self::I32(list) => list.get(i).map(|&q| q.into()),
            Self::I64(list) => list.get(i).copied(),
        }
    }
}

/// What an integer means: `scale * (q - zero)`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Quantisation {
    /// One, or one for each slice of `axis`.
    pub(super) scales: Vec<f32>,
    /// As many as scales.
    pub(super) zeros: Vec<i32>,
    pub(super) axis: usize,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Constant {
    pub(super) shape: Shape,
    /// As many as the shape has.
    pub(super) data: Data,
    /// Of integers that stand for real numbers.
    pub(super) quantisation: Option<Quantisation>,
}

impl std::fmt::Display for Constant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let element = match self.data {
            Data::Reals(_) => "f32",
            Data::I8(_) => "i8",
            Data::U8(_) => "u8",
            Data::I32(_) => "i32",
            Data::I64(_) => "i64",
        };
        write!(f, "{element}{}", shape::show(&self.shape))
    }
}

impl Constant {
    pub(super) fn new(shape: Shape, data: Data) -> Self {
        Self { shape, data, quantisation: None }
    }

    /// A list of integers, one-dimensional.
    pub(super) fn list(list: Vec<i64>) -> Self {
        Self::new(vec![list.len()], Data::I64(list))
    }

    pub(super) fn len(&self) -> usize {
        self.data.len()
    }

    /// Its elements as integers, if they are plain ones and at most `most`.
    pub(super) fn ints(&self, most: usize) -> Option<Vec<i64>> {
        if self.quantisation.is_some() || self.len() > most {
            return None;
        }
        (0..self.len()).map(|i| self.data.int(i)).collect()
    }

    /// The one element as an integer.
    pub(super) fn int(&self) -> Option<i64> {
        self.ints(1)?.first().copied()
    }

    /// Its elements as real numbers.
    pub(super) fn reals(&self) -> Vec<f32> {
        let Some(Quantisation { scales, zeros, axis }) = &self.quantisation else {
            return match &self.data {
                Data::Reals(list) => list.clone(),
                Data::I8(list) => list.iter().map(|&q| q.into()).collect(),
                Data::U8(list) => list.iter().map(|&q| q.into()).collect(),
                Data::I32(list) => list.iter().map(|&q| q as f32).collect(),
                Data::I64(list) => list.iter().map(|&q| q as f32).collect(),
            };
        };
        let slice: usize = self.shape.get(axis + 1..).unwrap_or(&[]).iter().product();
        let of = |i: usize| if scales.len() == 1 { 0 } else { i / slice.max(1) % scales.len() };
        let real = |(i, q): (usize, f64)| (f64::from(scales[of(i)]) * (q - f64::from(zeros[of(i)]))) as f32;
        each!(&self.data, list, _make => list.iter().map(|&q| q as f64).enumerate().map(real).collect())
    }

    /// The one element as a real number.
    pub(super) fn real(&self) -> Option<f32> {
        if self.len() == 1 { self.reals().first().copied() } else { None }
    }

    /// The same elements in another shape of as many.
    pub(super) fn reshaped(&self, shape: Shape) -> Option<Self> {
        let quantisation = match &self.quantisation {
            Some(q) if q.scales.len() > 1 => {
                // The slices must still lie along one dimension.
                let (count, before) = (q.scales.len(), self.shape.get(..q.axis)?.iter().product::<usize>());
                let axis =
                    (0..shape.len()).find(|&a| shape[a] == count && shape[..a].iter().product::<usize>() == before)?;
                Some(Quantisation { axis, ..q.clone() })
            }
            other => other.clone(),
        };
        Some(Self { shape, data: self.data.clone(), quantisation })
    }

    /// Dimension `i` of the result is dimension `order[i]`, a permutation.
    pub(super) fn transposed(&self, order: &[usize]) -> Self {
        let strides = shape::strides(&self.shape);
        let to: Shape = order.iter().map(|&d| self.shape[d]).collect();
        let steps: Vec<usize> = order.iter().map(|&d| strides[d]).collect();
        let data = self.data.pick(shape::offsets(&to, &steps));
        let axis = |axis| order.iter().position(|&d| d == axis).unwrap_or(0);
        let quantisation = self.quantisation.as_ref().map(|q| Quantisation { axis: axis(q.axis), ..q.clone() });
        Self { shape: to, data, quantisation }
    }

    /// Slices `indices` of the first dimension.
    pub(super) fn rows(&self, indices: &[usize], shape: Shape) -> Self {
        let slice: usize = self.shape.get(1..).unwrap_or(&[]).iter().product();
        let data = self.data.pick(indices.iter().flat_map(|&row| row * slice..(row + 1) * slice));
        Self { shape, data, quantisation: self.quantisation.clone() }
    }

    /// One after the other, one-dimensional; all of one type.
    pub(super) fn joined(parts: &[Rc<Self>]) -> Option<Self> {
        let mut lists = Vec::new();
        for part in parts {
            lists.extend(part.ints(shape::MAX_RANK)?);
        }
        (lists.len() <= shape::MAX_RANK).then(|| Self::list(lists))
    }
}

#[cfg(test)]
mod tests {
    use super::{Constant, Data, Quantisation};

    #[test]
    fn a_transposed_constant_means_the_same() {
        let quantisation = Some(Quantisation { scales: vec![0.5, 2.0], zeros: vec![1, 0], axis: 0 });
        let matrix = Constant { shape: vec![2, 3], data: Data::I8(vec![1, 2, 3, 4, 5, 6]), quantisation };
        assert_eq!(matrix.reals(), [0.0, 0.5, 1.0, 8.0, 10.0, 12.0]);
        let turned = matrix.transposed(&[1, 0]);
        assert_eq!((&turned.shape[..], turned.reals()), (&[3, 2][..], vec![0.0, 8.0, 0.5, 10.0, 1.0, 12.0]));
        let lifted = turned.reshaped(vec![1, 3, 2]).unwrap();
        assert_eq!(lifted.reals(), turned.reals());
        assert_eq!(matrix.reshaped(vec![3, 2]), None);
    }
}
