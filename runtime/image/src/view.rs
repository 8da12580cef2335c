//! The checked view: parsing, and accessors that cannot fail.

use zerocopy::FromBytes;

use crate::error::ParseError;
use crate::record::*;
use crate::{OpRecord, check};

/// An image that has been checked from its first byte to its last.
///
/// Having one tells you that every record is in bounds, every index points at a record of the right type and shape, no op writes
/// a tensor it also reads, and all loops are bounded. It tells you nothing about the weights: that no accumulator overflows is what
/// the converter proves.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub(crate) header: &'a Header,
    pub(crate) bytes: &'a [u8],
    ops: &'a [OpRecord],
    tensors: &'a [TensorRecord],
    ranges: &'a [RangeRecord],
    constants: &'a [u8],
}

impl<'a> View<'a> {
    /// What no image is.
    pub(crate) const EMPTY: Self =
        Self { header: &Header::EMPTY, bytes: &[], ops: &[], tensors: &[], ranges: &[], constants: &[] };

    /// Checks `bytes`, which must start at a multiple of 16 bytes and may be longer than the image (a whole partition).
    ///
    /// # Errors
    /// The first defect found, with its place and figures. Total: no input panics, and the work is bounded by the size of
    /// the image.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        check::parse(bytes)
    }

    /// The entries of the section table; none if they are not all there.
    #[inline(never)]
    pub(crate) fn section_table(&self) -> &'a [SectionRecord] {
        let rest = self.bytes.get(size_of::<Header>()..).unwrap_or(&[]);
        let table = <[SectionRecord]>::ref_from_prefix_with_elems(rest, self.header.section_count.into());
        table.map_or(&[], |(table, _)| table)
    }

    /// The bytes of the section of this kind; none if there is no such section.
    #[inline(never)]
    pub(crate) fn section(&self, kind: u16) -> &'a [u8] {
        let Some(record) = self.section_table().iter().find(|record| record.kind == kind) else { return &[] };
        let bytes = self.bytes.get(record.offset as usize..).unwrap_or(&[]);
        bytes.get(..record.bytes as usize).unwrap_or(&[])
    }

    /// Looks up the sections that a run needs, once the table is known to be right.
    #[inline(never)]
    pub(crate) fn find_records(&mut self) {
        self.ops = records(self.section(section::OPS));
        self.tensors = records(self.section(section::TENSORS));
        self.ranges = records(self.section(section::RANGES));
        self.constants = self.section(section::CONSTANTS);
    }

    /// The header.
    pub fn header(&self) -> &'a Header {
        self.header
    }

    /// The image's bytes, without what follows it in a partition.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The op records, in the order they run.
    pub fn ops(&self) -> &'a [OpRecord] {
        self.ops
    }

    /// The tensor records.
    pub fn tensors(&self) -> &'a [TensorRecord] {
        self.tensors
    }

    /// The tensor of index `i`.
    pub fn tensor(&self, i: u16) -> Option<&'a TensorRecord> {
        self.tensors.get(usize::from(i))
    }

    /// The input tensor.
    pub fn input(&self) -> Option<&'a TensorRecord> {
        self.tensor(self.header.input)
    }

    /// The output tensor.
    pub fn output(&self) -> Option<&'a TensorRecord> {
        self.tensor(self.header.output)
    }

    /// The range records.
    pub fn ranges(&self) -> &'a [RangeRecord] {
        self.ranges
    }

    /// Working memory of a run, in bytes.
    pub fn arena_bytes(&self) -> usize {
        self.header.arena_bytes as usize
    }

    /// `count` constants at byte offset `at`; `None` if there are none or they are not all inside the section.
    #[inline]
    pub fn constants<T>(&self, at: u32, count: usize) -> Option<&'a [T]>
    where
        T: FromBytes + zerocopy::KnownLayout + zerocopy::Immutable,
    {
        <[T]>::ref_from_bytes(self.constant_bytes(at, count.checked_mul(size_of::<T>())?)?).ok()
    }

    /// Size of the section CONSTANTS.
    pub(crate) fn constants_len(&self) -> usize {
        self.constants.len()
    }

    // Not inlined: the bounds check is the same for every type.
    #[inline(never)]
    fn constant_bytes(&self, at: u32, bytes: usize) -> Option<&'a [u8]> {
        self.constants.get(at as usize..)?.get(..bytes)
    }

    /// Names of the outputs.
    pub fn labels(&self) -> Labels<'a> {
        Labels::new(self.section(section::LABELS))
    }

    /// The golden vectors.
    pub fn golden(&self) -> Golden<'a> {
        Golden::new(self.section(section::GOLDEN))
    }

    /// Where the image comes from: UTF-8 lines `key=value`.
    pub fn provenance(&self) -> &'a [u8] {
        self.section(section::PROVENANCE)
    }
}

fn records<T>(data: &[u8]) -> &[T]
where
    T: FromBytes + zerocopy::KnownLayout + zerocopy::Immutable,
{
    // A size that does not divide leaves nothing, and the record size is compared right after.
    <[T]>::ref_from_bytes(data).unwrap_or(&[])
}

/// The names of the outputs, in order.
#[derive(Clone, Debug)]
pub struct Labels<'a> {
    left: u32,
    bytes: &'a [u8],
}

impl<'a> Labels<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        match bytes.split_first_chunk::<4>() {
            Some((count, bytes)) => Self { left: u32::from_le_bytes(*count), bytes },
            None => Self { left: 0, bytes },
        }
    }

    /// Whether as many labels follow as are counted, and nothing else.
    pub(crate) fn all_present(mut self) -> bool {
        while self.left > 0 {
            if self.next_bytes().is_none() {
                return false;
            }
        }
        self.bytes.is_empty()
    }

    fn next_bytes(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        let (&length, rest) = self.bytes.split_first()?;
        let (label, rest) = rest.split_at_checked(usize::from(length))?;
        self.bytes = rest;
        Some(label)
    }
}

impl<'a> Iterator for Labels<'a> {
    type Item = &'a str;

    /// The next name; a name that is not UTF-8 reads as `?`.
    fn next(&mut self) -> Option<&'a str> {
        let label = self.next_bytes()?;
        Some(core::str::from_utf8(label).unwrap_or("?"))
    }
}

/// The golden vectors: inputs with expected outputs.
#[derive(Clone, Debug)]
pub struct Golden<'a> {
    input_bytes: usize,
    stride: usize,
    bytes: &'a [u8],
}

impl<'a> Golden<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        match GoldenHeader::ref_from_prefix(bytes) {
            Ok((head, rest)) => {
                Self { input_bytes: head.input_bytes as usize, stride: head.stride as usize, bytes: rest }
            }
            Err(_) => Self { input_bytes: 0, stride: 0, bytes: &[] },
        }
    }

    /// Number of vectors left.
    pub fn count(&self) -> usize {
        self.bytes.len().checked_div(self.stride).unwrap_or(0)
    }
}

impl<'a> Iterator for Golden<'a> {
    type Item = (&'a [u8], &'a [i32]);

    /// The next input, as the bytes of the input tensor, and the output values wanted.
    fn next(&mut self) -> Option<(&'a [u8], &'a [i32])> {
        if self.stride == 0 {
            return None;
        }
        let (vector, rest) = self.bytes.split_at_checked(self.stride)?;
        self.bytes = rest;
        let (input, _) = vector.split_at_checked(self.input_bytes)?;
        let outputs = vector.get(self.input_bytes.next_multiple_of(4)..)?;
        Some((input, <[i32]>::ref_from_bytes(outputs).ok()?))
    }
}
