//! Records of the image: header, section table, tensors, ranges, requantise records. Layouts are those of
//! `docs/image-format.md`; every bit pattern is a valid value of every type here, and the checked view decides what is admitted.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// First bytes of an image.
pub const MAGIC: [u8; 4] = *b"LEAF";
/// Format number that this crate reads and writes.
pub const FORMAT: u16 = 1;
/// Sections and images start at multiples of this many bytes.
pub const ALIGN: usize = 16;
/// A constant offset that stands for "there is none".
pub const NONE: u32 = 0xFFFF_FFFF;
/// A tensor index that stands for "there is none".
pub const NO_TENSOR: u16 = 0xFFFF;
/// A route weight of one, Q15.
pub const ONE_Q15: u16 = 1 << 15;
/// The largest tensor and arena, in bytes.
pub const MAX_BYTES: u32 = 1 << 30;
/// The largest number of op and of tensor records.
pub const MAX_RECORDS: u32 = 4096;
/// The largest number of neurons of a range.
pub const MAX_NEURONS: u32 = 1 << 20;
/// The largest number of levels of a tree.
pub const MAX_LEVELS: u32 = 16;
/// Kernel packing: plain row-major matrices, and nothing else.
pub const PACKING_PORTABLE: u32 = 0;
/// Kernel packing for Arm cores with the DSP extension: some matrix is [`WEIGHT_W8_PAIRS`].
pub const PACKING_DSP: u32 = 1;
/// Kernel packing for cores that multiply words alone: some matrix has a word for each column, and none a higher packing.
pub const PACKING_SWAR: u32 = 2;
/// Kernel packing for Arm cores with the vector extension.
pub const PACKING_MVE: u32 = 3;
/// Feature bit: some matrix is [`WEIGHT_W8_PAIRS`].
pub const FEATURE_PAIRS: u32 = 1 << 16;
/// Feature bit: some matrix has weights of four bits.
pub const FEATURE_W4: u32 = 1 << 17;
/// Feature bit: some matrix has weights of two bits.
pub const FEATURE_T2: u32 = 1 << 18;
/// Weight format: one signed byte per weight, row-major.
pub const WEIGHT_W8: u8 = 1;
/// Weight format: the same weights in pairs, four rows interleaved. LINEAR only.
pub const WEIGHT_W8_PAIRS: u8 = 2;
/// Weight format: four bits, for kernels that multiply halves of a word. LINEAR only, as those that follow.
pub const WEIGHT_W4_ROWS: u8 = 3;
/// Weight format: four bits, for kernels that multiply words.
pub const WEIGHT_W4_COLUMNS: u8 = 4;
/// Weight format: two bits, for kernels that multiply halves of a word.
pub const WEIGHT_T2_ROWS: u8 = 5;
/// Weight format: two bits, for kernels that multiply words.
pub const WEIGHT_T2_COLUMNS: u8 = 6;
/// Weight format: two bits, for kernels that multiply vectors of bytes.
pub const WEIGHT_T2_BYTES: u8 = 7;
/// Columns that share a scale in weight formats of few bits, where a row is not one group.
pub const GROUP_COLS: u32 = 32;

/// The image header, 64 bytes at offset 0.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: [u8; 4],
    /// [`FORMAT`].
    pub format: u16,
    /// Size of this record.
    pub header_bytes: u16,
    /// Size of the image, a multiple of [`ALIGN`].
    pub total_bytes: u32,
    /// [`crate::image_crc32`].
    pub crc32: u32,
    /// Bit `n` is set exactly if op `n` occurs, beside [`FEATURE_PAIRS`], [`FEATURE_W4`] and [`FEATURE_T2`].
    pub features: u32,
    /// [`PACKING_PORTABLE`], [`PACKING_DSP`], [`PACKING_SWAR`] or [`PACKING_MVE`].
    pub packing: u32,
    /// Working memory of a run.
    pub arena_bytes: u32,
    /// State kept between runs; 0 in format 1.
    pub persistent_bytes: u32,
    /// Index of the input tensor.
    pub input: u16,
    /// Index of the output tensor.
    pub output: u16,
    /// Entries of the section table.
    pub section_count: u16,
    /// 0.
    pub reserved0: u16,
    /// Worst-case multiply-accumulates of a run.
    pub worst_macs: u32,
    /// Worst-case gates of a run.
    pub worst_gates: u32,
    /// Worst-case image bytes read by a run; informative.
    pub worst_bytes: u32,
    /// Chosen by the user; informative.
    pub model_version: u32,
    /// Worst-case steps of a run: multiply-accumulates, gates, and whatever else it does element by element.
    pub worst_steps: u32,
    /// 0.
    pub reserved1: u32,
}

impl Header {
    /// All zeros, which no image is.
    pub(crate) const EMPTY: Self = zerocopy::transmute!([0u8; 64]);
}

/// Kinds of sections.
pub mod section {
    /// [`super::super::OpRecord`]s.
    pub const OPS: u16 = 1;
    /// [`super::TensorRecord`]s.
    pub const TENSORS: u16 = 2;
    /// [`super::RangeRecord`]s.
    pub const RANGES: u16 = 3;
    /// Weights, biases, tables and requantise records.
    pub const CONSTANTS: u16 = 4;
    /// Names of the outputs.
    pub const LABELS: u16 = 6;
    /// Inputs with expected outputs.
    pub const GOLDEN: u16 = 7;
    /// Where the image comes from.
    pub const PROVENANCE: u16 = 8;
    /// Kinds from here on are skipped by a reader that does not know them.
    pub const OPTIONAL: u16 = 0x8000;
}

/// An entry of the section table, 16 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct SectionRecord {
    /// One of [`section`].
    pub kind: u16,
    /// Size of a record; 0 for a blob.
    pub record_bytes: u16,
    /// From the start of the image, a multiple of [`ALIGN`].
    pub offset: u32,
    /// Size of the section.
    pub bytes: u32,
    /// Number of records; 0 for a blob.
    pub count: u32,
}

/// Element types of tensors.
pub mod dtype {
    /// Signed bytes.
    pub const I8: u8 = 1;
    /// Signed 32-bit integers: scores, accumulators, class indices.
    pub const I32: u8 = 2;
    /// Bits in u32 words.
    pub const BITS: u8 = 3;
    /// Routed ranges, [`super::ListEntry`].
    pub const LIST: u8 = 4;
}

/// Places of tensors.
pub mod place {
    /// Borrowed from the caller.
    pub const INPUT: u8 = 0;
    /// In the arena.
    pub const ARENA: u8 = 1;
}

/// A tensor, 32 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct TensorRecord {
    /// One of [`dtype`].
    pub dtype: u8,
    /// One of [`place`].
    pub place: u8,
    /// 0.
    pub reserved0: u16,
    /// Bytes from the start of the arena.
    pub offset: u32,
    /// 1 or more.
    pub rows: u32,
    /// 1 or more; bits of a row, capacity of a list.
    pub cols: u32,
    /// Real value of one step.
    pub scale: f32,
    /// `real = scale * (q - zero_point)`.
    pub zero_point: f32,
    /// 0.
    pub reserved1: [u32; 2],
}

impl TensorRecord {
    /// Size in bytes, or `None` for an unknown element type or a size beyond [`MAX_BYTES`].
    pub fn bytes(&self) -> Option<u32> {
        // Elements of a row as they lie, and their size.
        let (cols, size) = match self.dtype {
            dtype::I8 => (self.cols, 1),
            dtype::I32 => (self.cols, 4),
            dtype::BITS => (self.cols.div_ceil(32), 4),
            dtype::LIST => (self.cols.saturating_add(1), 8),
            _ => return None,
        };
        // Most tensors are a row, and smaller cores call a routine for a product of 64 bits.
        let elements = if self.rows == 1 { cols.into() } else { u64::from(self.rows) * u64::from(cols) };
        if elements <= u64::from(MAX_BYTES / size) { Some(elements as u32 * size) } else { None }
    }
}

/// An entry of a list tensor, 8 bytes; the list begins with its length and a reserved word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct ListEntry {
    /// Range of the FFN op that reads the list.
    pub range: u16,
    /// Q15, [`ONE_Q15`] is one.
    pub weight: u16,
    /// What a path hands on: the node's dot product.
    pub z: i32,
}

/// Flags of [`RangeRecord`].
pub mod range_flag {
    /// Values are stored output-major, `(R, n)`.
    pub const OUTPUT_MAJOR: u8 = 1;
    /// One requantise record per neuron.
    pub const RQ_PER_NEURON: u8 = 2;
}

/// A contiguous run of neurons: a leaf, an expert, a master leaf. 48 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct RangeRecord {
    /// n; 0 is a constant expert.
    pub neurons: u32,
    /// `(n, C)` i8, or [`NONE`]: bias neurons.
    pub keys: u32,
    /// n i32, or [`NONE`].
    pub key_bias: u32,
    /// 1 or n [`RequantRecord`]s.
    pub key_rq: u32,
    /// [`NONE`] in format 1.
    pub ups: u32,
    /// `(n, R)` i8, or `(R, n)`.
    pub values: u32,
    /// R i32, or [`NONE`].
    pub value_bias: u32,
    /// m of the partial sum's rescaling, or 0: the scales agree.
    pub scale_m: u32,
    /// s of the partial sum's rescaling.
    pub scale_s: u8,
    /// [`range_flag`].
    pub flags: u8,
    /// 0.
    pub reserved0: u16,
    /// 0.
    pub reserved1: [u32; 3],
}

/// The requantise record, 8 bytes: `rq(a) = clamp(((a * m + 2^(s-1)) >> s) + zero_point, lo, hi)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct RequantRecord {
    /// `2^30 <= m < 2^31`.
    pub m: u32,
    /// `1 <= s <= 62`.
    pub s: u8,
    /// Added after the shift.
    pub zero_point: i8,
    /// Lower clamp bound.
    pub lo: i8,
    /// Upper clamp bound.
    pub hi: i8,
}

impl RequantRecord {
    /// Whether every field is within its bounds.
    pub fn is_valid(&self) -> bool {
        is_multiplier(self.m, self.s) && self.lo <= self.hi
    }
}

/// Whether `m` and `s` are within the bounds of a multiplier and its shift.
pub(crate) fn is_multiplier(m: u32, s: u8) -> bool {
    m >> 30 == 1 && (1..=62).contains(&s)
}

/// An entry of MAP.Bits, 4 bytes: `x[feature] > threshold`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct ThresholdRecord {
    /// Element of the input.
    pub feature: u16,
    /// Compared with it.
    pub threshold: i8,
    /// 0.
    pub reserved: u8,
}

/// One output word of word wiring, 20 bytes: 32 gates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct WordGates {
    /// Bits 0..11 A's word, 11..16 its rotation, 16..27 B's word, 27..32 its rotation.
    pub wiring: u32,
    /// c0 to c3: `c0 ^ (c1 & A) ^ (B & (c2 ^ (c3 & A)))`.
    pub masks: [u32; 4],
}

impl WordGates {
    /// Input words that a descriptor can name.
    pub const MAX_WORDS: u32 = 1 << 11;

    /// Word index and right rotation of operand A.
    pub fn a(&self) -> (u32, u32) {
        (self.wiring & 0x7FF, self.wiring >> 11 & 31)
    }

    /// Word index and right rotation of operand B.
    pub fn b(&self) -> (u32, u32) {
        (self.wiring >> 16 & 0x7FF, self.wiring >> 27)
    }
}

/// Gates of a netlist that follow each other and compute the same function, 8 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct SeriesRecord {
    /// Bits 0..28: gates of the netlist up to the end of this series; 28..32 the function, its truth table `8*f(0,0) + 4*f(0,1) +
    /// 2*f(1,0) + f(1,1)`.
    pub end: u32,
    /// The signal that its first gate writes; the others write those that follow.
    pub first: u32,
}

/// Head of the section GOLDEN, 16 bytes.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
#[repr(C)]
pub struct GoldenHeader {
    /// Number of vectors.
    pub count: u32,
    /// Size of the input tensor.
    pub input_bytes: u32,
    /// Elements of the output tensor.
    pub outputs: u32,
    /// Size of a vector: the input padded to a multiple of 4, then `4 * outputs`.
    pub stride: u32,
}
