//! Why an image was refused: what, where, and the figures.
//!
//! One small struct instead of an enum with a payload per case: on a device the checks are most of the text, and this keeps
//! each of them at a compare and a constant.

use core::fmt;

macro_rules! defects {
    ($($name:ident = $text:literal, $hint:literal;)*) => {
        /// What is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Defect {
            $(#[doc = $text] $name,)*
        }

        impl Defect {
            /// What is wrong, in words.
            pub fn describe(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The defect of this number, as `as u8` gives it: for those who are told of it from afar. An unknown one is [`Defect::Truncated`].
            #[must_use]
            pub fn of(number: u8) -> Self {
                [$(Self::$name,)*].get(usize::from(number)).copied().unwrap_or(Self::Truncated)
            }

            /// What to do about it.
            pub fn hint(self) -> &'static str {
                match self { $(Self::$name => $hint,)* }
            }
        }
    };
}

defects! {
    Truncated = "the image is shorter than its header says", "flash the whole file; compare its size with total_bytes";
    Misaligned = "the image does not start at a multiple of 16 bytes", "place it with include_leaf!, Aligned or a 16-aligned partition";
    Magic = "the bytes do not begin with LEAF", "this is no Leafgate image, or the partition is empty";
    Format = "the format number is not one that this version reads", "update the firmware, or convert the model with an older version";
    Size = "a size is wrong", "the image is damaged or was not written by leafgate";
    Checksum = "the checksum does not match", "the image is damaged: flash it again";
    Features = "the feature bits do not agree with the ops", "update the firmware, or convert the model again";
    Unsupported = "the image needs an ability that this build does not have", "enable the cargo feature of its family, or update the firmware";
    Reserved = "a reserved field is not zero", "the image is damaged or was written by a newer version";
    Section = "a section is missing, misplaced, overlapping or unknown", "the image is damaged or was written by a newer version";
    Count = "a number of records is out of bounds", "the image is damaged or was not written by leafgate";
    Op = "an op is out of place, or its flags are unknown", "the image is damaged or was written by a newer version";
    Tensor = "a tensor index, type or place is wrong", "the image is damaged or was not written by leafgate";
    Shape = "a shape does not fit", "the image is damaged or was not written by leafgate";
    Arena = "a tensor lies outside the arena", "the image is damaged or was not written by leafgate";
    Alias = "two tensors of one op overlap", "the image is damaged or was not written by leafgate";
    Constant = "a constant lies outside its section or is misaligned", "the image is damaged or was not written by leafgate";
    Requantise = "a requantise record is out of bounds", "the image is damaged or was not written by leafgate";
    Index = "an index in a table is out of bounds", "the image is damaged or was not written by leafgate";
    Cost = "the worst-case cost in the header is not that of the ops", "the image is damaged or was not written by leafgate";
    Weight = "a weight of two bits is none of -1, 0 and 1", "the image is damaged or was not written by leafgate";
    Golden = "the golden vectors do not fit the network", "the image is damaged or was not written by leafgate";
}

/// Where in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Place {
    /// The header or the section table.
    Header,
    /// The section of this kind.
    Section(u16),
    /// The op record of this index.
    Op(u16),
    /// The tensor record of this index.
    Tensor(u16),
    /// The range record of this index.
    Range(u16),
}

/// An image was refused. It has not run and will not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ParseError {
    /// What is wrong.
    pub defect: Defect,
    /// In which record.
    pub place: Place,
    /// Byte offset of the field in that record.
    pub at: u8,
    /// The figure wanted, or the limit.
    pub want: u32,
    /// The figure found.
    pub have: u32,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { defect, place, at, want, have } = self;
        write!(f, "{} (", defect.describe())?;
        match place {
            Place::Header => write!(f, "header")?,
            Place::Section(kind) => write!(f, "section of kind {kind}")?,
            Place::Op(i) => write!(f, "op {i}")?,
            Place::Tensor(i) => write!(f, "tensor {i}")?,
            Place::Range(i) => write!(f, "range {i}")?,
        }
        write!(f, ", byte {at}: want {want}, have {have})")
    }
}

impl core::error::Error for ParseError {}

/// A rule was broken; which one stands in the checker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused;

/// What a check gives: on a device one register, however much there is to say.
pub(crate) type Check<T = ()> = Result<T, Refused>;
