//! Why bytes are refused.

use std::fmt;

/// The place in an image that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The image as a whole.
    Image,
    /// The header.
    Header,
    /// Entry `index` of the section table.
    Section {
        /// Index in the table.
        index: usize,
    },
    /// A tensor record.
    Tensor {
        /// Its index.
        index: usize,
    },
    /// A range record.
    Range {
        /// Its index.
        index: usize,
    },
    /// An op record.
    Op {
        /// Its index.
        index: usize,
        /// The number of the op.
        number: u8,
    },
    /// A range as an FFN uses it.
    RangeOfOp {
        /// Index of the op.
        op: usize,
        /// Index of the range.
        range: usize,
    },
    /// A label.
    Label {
        /// Its index.
        index: usize,
    },
    /// The golden vectors.
    Golden,
    /// The provenance.
    Provenance,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image => write!(f, "image"),
            Self::Header => write!(f, "header"),
            Self::Section { index } => write!(f, "section entry {index}"),
            Self::Tensor { index } => write!(f, "tensor {index}"),
            Self::Range { index } => write!(f, "range {index}"),
            Self::Op { index, number } => write!(f, "op {index} (number {number})"),
            Self::RangeOfOp { op, range } => write!(f, "range {range} of op {op}"),
            Self::Label { index } => write!(f, "label {index}"),
            Self::Golden => write!(f, "golden vectors"),
            Self::Provenance => write!(f, "provenance"),
        }
    }
}

/// The figures that a rule admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// This one.
    Exactly(i128),
    /// From the first to the second, both admitted.
    Between(i128, i128),
    /// Any multiple.
    Multiple(i128),
    /// What the words say.
    Words(&'static str),
}

impl Want {
    pub(super) fn admits(&self, have: i128) -> bool {
        match *self {
            Self::Exactly(want) => have == want,
            Self::Between(least, greatest) => least <= have && have <= greatest,
            Self::Multiple(of) => have % of == 0,
            Self::Words(_) => false,
        }
    }
}

impl fmt::Display for Want {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(want) => write!(f, "{want}"),
            Self::Between(least, greatest) => write!(f, "{least} to {greatest}"),
            Self::Multiple(of) => write!(f, "a multiple of {of}"),
            Self::Words(words) => f.write_str(words),
        }
    }
}

/// Why bytes are no image of format 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A field or a figure made of fields is not admitted.
    #[error("{at}: {what}: want {want}, have {have}")]
    Value {
        /// Where.
        at: At,
        /// Which figure.
        what: &'static str,
        /// What is admitted.
        want: Want,
        /// What is there.
        have: i128,
    },
    /// The bytes end too early.
    #[error("{at}: {what}: want {want} bytes, have {have}")]
    Truncated {
        /// Where.
        at: At,
        /// What is cut off.
        what: &'static str,
        /// Bytes needed.
        want: u64,
        /// Bytes there.
        have: u64,
    },
    /// A field that must name something is NONE, or a section that is needed is absent.
    #[error("{at}: {what}: want it present, have none")]
    Missing {
        /// Where.
        at: At,
        /// What is missing.
        what: &'static str,
    },
    /// A field that must be NONE names something.
    #[error("{at}: {what}: want NONE, have {have}")]
    Unwanted {
        /// Where.
        at: At,
        /// Which field.
        what: &'static str,
        /// What it holds.
        have: u32,
    },
    /// A reserved byte, or one between sections, is not zero.
    #[error("{at}: reserved byte {byte}: want 0, have {have}")]
    Reserved {
        /// Where.
        at: At,
        /// Offset of the byte in the record, or in the image for [`At::Image`].
        byte: usize,
        /// What it holds.
        have: u8,
    },
    /// A tensor that an op writes shares bytes with another tensor of that op.
    #[error("{at}: written tensor {written} overlaps tensor {other}: want them disjoint")]
    Overlap {
        /// The op.
        at: At,
        /// The tensor written.
        written: usize,
        /// The other.
        other: usize,
    },
    /// A scale or zero point is not finite.
    #[error("{at}: {what}: want a finite number, have bits {have:#010x}")]
    NotFinite {
        /// The tensor.
        at: At,
        /// Which field.
        what: &'static str,
        /// Its bits.
        have: u32,
    },
    /// Text is not UTF-8 or not of its form.
    #[error("{at}: want {want}")]
    Text {
        /// Where.
        at: At,
        /// Its form.
        want: &'static str,
    },
    /// The checksum does not match.
    #[error("CRC-32: want {want:#010x} as the header states, have {have:#010x}")]
    Crc {
        /// What the header states.
        want: u32,
        /// What the bytes give.
        have: u32,
    },
}
