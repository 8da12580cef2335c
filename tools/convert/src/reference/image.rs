//! The image as plain data: what [`read`](super::read()) returns, with every rule of the format already checked.
//!
//! Arrays of constants stay where the image has them and are named by an [`Array`]: many ranges may share one array, so
//! copying each out would let a small file ask for a huge amount of memory.

use std::marker::PhantomData;

use super::ops::Op;

/// The weight One of a list entry, in Q15.
pub const ONE: u16 = 32768;

/// A decoded image. Indices in it are inside the vectors they index, and arrays are inside `constants`.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// The 64 bytes at the start.
    pub header: Header,
    /// The section table, in order.
    pub sections: Vec<Section>,
    /// The tensors, by index.
    pub tensors: Vec<Tensor>,
    /// The ops in the order in which they run; the last, and no other, is [`Op::Readout`].
    pub ops: Vec<Op>,
    /// The ranges of neurons, by index; empty without the section.
    pub ranges: Vec<Range>,
    /// The constants; empty without the section.
    pub constants: Constants,
    /// Label `i` names output `i`; `None` without the section.
    pub labels: Option<Vec<String>>,
    /// Inputs with the outputs they must give; `None` without the section.
    pub golden: Option<Vec<Golden>>,
    /// Lines `key=value` in order; `None` without the section.
    pub provenance: Option<Vec<(String, String)>>,
}

/// The fields of the header, but for those with one admissible value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Length of the image.
    pub total_bytes: u32,
    /// The CRC-32 that the header states, whether or not it was checked.
    pub crc32: u32,
    /// Bit `n` is set if an op with number `n` occurs, bits 16 to 18 if a matrix is in pairs, of four bits, of two.
    pub features: u32,
    /// Bytes of arena that a run needs.
    pub arena_bytes: u32,
    /// Index of the input tensor.
    pub input: usize,
    /// Index of the output tensor.
    pub output: usize,
    /// Worst-case multiply-accumulates of a run.
    pub worst_macs: u32,
    /// Gates of a run.
    pub worst_gates: u32,
    /// Stated worst-case image bytes read by a run.
    pub worst_bytes: u32,
    /// The user's number of the model.
    pub model_version: u32,
    /// Worst-case steps of a run.
    pub worst_steps: u32,
}

/// An entry of the section table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// What it holds; `0x8000` and more are unknown to this reader.
    pub kind: u16,
    /// Size of a record, 0 for a blob.
    pub record_bytes: u16,
    /// From the start of the image.
    pub offset: u32,
    /// Its length.
    pub bytes: u32,
    /// Records, 0 for a blob.
    pub count: u32,
}

/// What the elements of a tensor are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    /// One signed byte per element.
    I8,
    /// One 32-bit word per element.
    I32,
    /// One bit per element, each row from a new 32-bit word.
    Bits,
    /// A list of ranges with their weights.
    List,
}

/// Where a tensor lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the caller's memory, read only.
    Input,
    /// In the arena.
    Arena,
}

/// A tensor of shape (rows, cols).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tensor {
    /// Element type.
    pub dtype: Dtype,
    /// Arena, or the caller's input.
    pub place: Place,
    /// Byte offset in the arena.
    pub offset: u32,
    /// Rows, 1 or more.
    pub rows: usize,
    /// Columns, 1 or more; the capacity of a list.
    pub cols: usize,
    /// Real value of one step; informative.
    pub scale: f32,
    /// `real = scale * (q - zero_point)`; informative.
    pub zero_point: f32,
}

impl Tensor {
    /// 32-bit words of one row of bits.
    pub fn row_words(&self) -> usize {
        self.cols.div_ceil(32)
    }

    /// Elements, rows times columns.
    pub fn elements(&self) -> usize {
        self.rows * self.cols
    }

    /// Length in bytes, at most 2^30.
    pub fn bytes(&self) -> usize {
        match self.dtype {
            Dtype::I8 => self.elements(),
            Dtype::I32 => 4 * self.elements(),
            Dtype::Bits => 4 * self.rows * self.row_words(),
            Dtype::List => 8 + 8 * self.cols,
        }
    }

    /// Whether the two share a byte of the arena.
    pub fn overlaps(&self, other: &Self) -> bool {
        let (a, b) = (self.offset as usize, other.offset as usize);
        self.place == Place::Arena && other.place == Place::Arena && a < b + other.bytes() && b < a + self.bytes()
    }
}

/// A requantise record: `clamp(((a * m + 2^(s-1)) >> s) + zero_point, lo, hi)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rq {
    /// Multiplier, 2^30 to 2^31 - 1.
    pub m: u32,
    /// Shift, 1 to 62.
    pub s: u8,
    /// Added after the shift.
    pub zero_point: i8,
    /// Least result.
    pub lo: i8,
    /// Greatest result.
    pub hi: i8,
}

impl Rq {
    /// The one rounding rule of the format, half up.
    pub fn apply(&self, a: i32) -> i8 {
        let rounded = (i128::from(a) * i128::from(self.m) + (1i128 << (self.s - 1))) >> self.s;
        (rounded + i128::from(self.zero_point)).clamp(i128::from(self.lo), i128::from(self.hi)) as i8
    }
}

/// The rescaling of a range's partial sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// Multiplier, 2^30 to 2^31 - 1.
    pub m: u32,
    /// Shift, 1 to 62.
    pub s: u8,
}

/// A contiguous run of neurons. How long its arrays are depends on the op that uses it, hence the methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Neurons n.
    pub neurons: usize,
    /// Byte offset of the keys; `None`: `z = key_bias`.
    pub keys_at: Option<usize>,
    /// n biases; `None`: zeros.
    pub key_bias: Option<Array<i32>>,
    /// 1 record or n; `None` if there are no neurons.
    pub key_rq: Option<Array<Rq>>,
    /// Byte offset of the values; `None` if there are no neurons.
    pub values_at: Option<usize>,
    /// Byte offset of the output biases; `None`: zeros.
    pub value_bias_at: Option<usize>,
    /// Rescaling of the partial sum; `None`: it has the accumulator's scale.
    pub scale: Option<Scale>,
    /// Values are (R, n); otherwise (n, R).
    pub output_major: bool,
}

impl Range {
    /// The keys, (n, cols).
    pub fn keys(&self, cols: usize) -> Option<Array<i8>> {
        self.keys_at.map(|at| Array::new(at, self.neurons * cols))
    }

    /// The values, (n, rows) or (rows, n); `None` if there are no neurons.
    pub fn values(&self, rows: usize) -> Option<Array<i8>> {
        self.values_at.map(|at| Array::new(at, self.neurons * rows))
    }

    /// The output biases, (rows).
    pub fn value_bias(&self, rows: usize) -> Option<Array<i32>> {
        self.value_bias_at.map(|at| Array::new(at, rows))
    }

    /// Index of the weight from neuron `j` to output `r` in [`Range::values`].
    pub fn value_index(&self, rows: usize, j: usize, r: usize) -> usize {
        if self.output_major { r * self.neurons + j } else { j * rows + r }
    }
}

/// A golden vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Golden {
    /// The bytes of the input tensor.
    pub input: Vec<u8>,
    /// The output values that it must give.
    pub outputs: Vec<i32>,
}

/// An entry of the table of MAP's kind Bits: the bit is `x[feature] > threshold`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BitTest {
    /// Column of the input.
    pub feature: u16,
    /// What it must exceed.
    pub threshold: i8,
}

/// What an [`Array`] may hold.
pub trait Element: Copy {
    /// Size of an element.
    const BYTES: usize;
    /// The element in these [`Element::BYTES`] bytes.
    fn decode(bytes: &[u8]) -> Self;
}

impl Element for i8 {
    const BYTES: usize = 1;
    fn decode(bytes: &[u8]) -> Self {
        bytes[0] as i8
    }
}

impl Element for u16 {
    const BYTES: usize = 2;
    fn decode(bytes: &[u8]) -> Self {
        Self::from_le_bytes([bytes[0], bytes[1]])
    }
}

impl Element for u32 {
    const BYTES: usize = 4;
    fn decode(bytes: &[u8]) -> Self {
        Self::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }
}

impl Element for i32 {
    const BYTES: usize = 4;
    fn decode(bytes: &[u8]) -> Self {
        u32::decode(bytes) as Self
    }
}

impl Element for Rq {
    const BYTES: usize = 8;
    fn decode(bytes: &[u8]) -> Self {
        Self { m: u32::decode(bytes), s: bytes[4], zero_point: bytes[5] as i8, lo: bytes[6] as i8, hi: bytes[7] as i8 }
    }
}

impl Element for BitTest {
    const BYTES: usize = 4;
    fn decode(bytes: &[u8]) -> Self {
        Self { feature: u16::decode(bytes), threshold: bytes[2] as i8 }
    }
}

/// The name of an array in the constants of an image: where it begins and how many elements it has. It is only valid
/// with the [`Constants`] of the image that it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Array<T> {
    at: usize,
    count: usize,
    element: PhantomData<T>,
}

impl<T> Array<T> {
    pub(super) fn new(at: usize, count: usize) -> Self {
        Self { at, count, element: PhantomData }
    }

    /// Byte offset in the constants.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Elements.
    pub fn count(&self) -> usize {
        self.count
    }
}

/// The bytes of the CONSTANTS section.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Constants(pub Vec<u8>);

impl Constants {
    /// Element `i` of the array.
    ///
    /// # Panics
    /// If `i` is not less than its count.
    pub fn get<T: Element>(&self, array: Array<T>, i: usize) -> T {
        assert!(i < array.count, "element {i} of an array of {}", array.count);
        T::decode(&self.0[array.at + i * T::BYTES..][..T::BYTES])
    }

    /// Element `i`, or 0 where the format says "or NONE: zeros".
    pub fn bias(&self, array: Option<Array<i32>>, i: usize) -> i64 {
        array.map_or(0, |array| i64::from(self.get(array, i)))
    }

    /// Record `i` of an array of one record for all or one for each.
    pub fn rq(&self, array: Array<Rq>, i: usize) -> Rq {
        self.get(array, if array.count == 1 { 0 } else { i })
    }

    /// The elements `first .. first + count`.
    ///
    /// # Panics
    /// If they are not inside the array.
    pub fn part<T: Element>(&self, array: Array<T>, first: usize, count: usize) -> impl Iterator<Item = T> {
        assert!(first + count <= array.count, "elements {first} to {} of {}", first + count, array.count);
        self.0[array.at + first * T::BYTES..][..count * T::BYTES].chunks_exact(T::BYTES).map(T::decode)
    }

    /// All elements of the array.
    pub fn all<T: Element>(&self, array: Array<T>) -> impl Iterator<Item = T> {
        self.part(array, 0, array.count)
    }
}
