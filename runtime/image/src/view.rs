//! The checked view: parsing, and accessors that cannot fail.

use zerocopy::FromBytes;

use crate::check::{Cost, check_golden, check_op, check_tensor};
use crate::error::{Defect, Fault, ParseError, Place, ensure, equal};
use crate::record::*;
use crate::{OpRecord, image_crc32, op};

/// An image that has been checked from its first byte to its last.
///
/// Having one tells you that every record is in bounds, every index points at a record of the right type and shape, no op writes
/// a tensor it also reads, and all loops are bounded. It tells you nothing about the weights: that no accumulator overflows is what
/// the converter proves.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    header: &'a Header,
    bytes: &'a [u8],
    ops: &'a [OpRecord],
    tensors: &'a [TensorRecord],
    ranges: &'a [RangeRecord],
    constants: &'a [u8],
    labels: &'a [u8],
    golden: &'a [u8],
    provenance: &'a [u8],
}

/// Entries of the section table that format 1 can hold.
const MAX_SECTIONS: u16 = 16;

impl<'a> View<'a> {
    /// Checks `bytes`, which must start at a multiple of 16 bytes and may be longer than the image (a whole partition).
    ///
    /// # Errors
    /// The first defect found, with its place and figures. Total: no input panics, and the work is bounded by the size of
    /// the image times its number of ops.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let view = Self::parse_sections(bytes)?;
        for (i, tensor) in view.tensors.iter().enumerate() {
            check_tensor(tensor, view.header.arena_bytes).map_err(|fault| fault.at(Place::Tensor(i as u16)))?;
        }
        let cost = view.check_ops()?;
        let header = |fault: Fault| fault.at(Place::Header);
        equal(Defect::Features, 16, cost.features, view.header.features).map_err(header)?;
        equal(Defect::Arena, 24, view.arena_end(), view.header.arena_bytes).map_err(header)?;
        equal(Defect::Cost, 40, saturate(cost.macs), view.header.worst_macs).map_err(header)?;
        equal(Defect::Cost, 44, saturate(cost.gates), view.header.worst_gates).map_err(header)?;
        if !view.golden.is_empty() {
            check_golden(&view).map_err(|fault| fault.at(Place::Section(section::GOLDEN)))?;
        }
        if !view.labels.is_empty() {
            let fits = view.labels().all_present();
            ensure(fits, Defect::Size, 0, 0, 0).map_err(|fault| fault.at(Place::Section(section::LABELS)))?;
        }
        Ok(view)
    }

    fn parse_sections(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let header = |fault: Fault| fault.at(Place::Header);
        let have = bytes.len().min(u32::MAX as usize) as u32;
        let misalignment = bytes.as_ptr() as usize % ALIGN;
        equal(Defect::Misaligned, 0, 0, misalignment as u32).map_err(header)?;
        let Ok((head, _)) = Header::ref_from_prefix(bytes) else {
            return Err(Fault { defect: Defect::Truncated, at: 0, want: 64, have }.at(Place::Header));
        };
        check_header(head, have).map_err(header)?;
        // The header's total is within `bytes`, so this cannot come out empty.
        let bytes = bytes.get(..head.total_bytes as usize).unwrap_or(&[]);
        equal(Defect::Checksum, 12, image_crc32(bytes), head.crc32).map_err(header)?;

        let rest = bytes.get(size_of::<Header>()..).unwrap_or(&[]);
        let count = usize::from(head.section_count);
        let Ok((table, _)) = <[SectionRecord]>::ref_from_prefix_with_elems(rest, count) else {
            return Err(Fault { defect: Defect::Truncated, at: 36, want: count as u32, have }.at(Place::Header));
        };
        let mut view = Self {
            header: head,
            bytes,
            ops: &[],
            tensors: &[],
            ranges: &[],
            constants: &[],
            labels: &[],
            golden: &[],
            provenance: &[],
        };
        let mut end = (size_of::<Header>() + size_of_val(table)) as u32;
        let mut previous = 0;
        for record in table {
            let place = |fault: Fault| fault.at(Place::Section(record.kind));
            ensure(record.kind > previous, Defect::Section, 0, u32::from(previous), record.kind.into())
                .map_err(place)?;
            previous = record.kind;
            end = view.add_section(record, end).map_err(place)?;
        }
        let tail = bytes.get(end as usize..).unwrap_or(&[]);
        ensure(is_zero(tail), Defect::Reserved, 0, 0, end).map_err(header)?;
        for (kind, count) in [(section::OPS, view.ops.len()), (section::TENSORS, view.tensors.len())] {
            let (count, max) = (count as u32, MAX_RECORDS);
            ensure(count >= 1 && count <= max, Defect::Count, 12, max, count)
                .map_err(|f| f.at(Place::Section(kind)))?;
        }
        Ok(view)
    }

    /// Takes a section that begins at or after `end`; returns its own end.
    fn add_section(&mut self, record: &SectionRecord, end: u32) -> Result<u32, Fault> {
        let offset = record.offset;
        let aligned = offset.is_multiple_of(ALIGN as u32);
        ensure(aligned && offset >= end, Defect::Section, 4, end, offset)?;
        let gap = self.bytes.get(end as usize..offset as usize).unwrap_or(&[]);
        ensure(is_zero(gap), Defect::Reserved, 4, 0, end)?;
        let size = u32::from(record.record_bytes);
        if size == 0 {
            equal(Defect::Count, 12, 0, record.count)?;
        } else {
            equal(Defect::Section, 8, size.checked_mul(record.count).unwrap_or(0), record.bytes)?;
        }
        let last = offset.saturating_add(record.bytes);
        let Some(data) = self.bytes.get(offset as usize..last as usize) else {
            return Err(Fault { defect: Defect::Section, at: 8, want: self.bytes.len() as u32, have: last });
        };
        let want = match record.kind {
            section::OPS => {
                self.ops = records(data);
                64
            }
            section::TENSORS => {
                self.tensors = records(data);
                32
            }
            section::RANGES => {
                self.ranges = records(data);
                48
            }
            section::CONSTANTS => {
                self.constants = data;
                0
            }
            section::LABELS => {
                self.labels = data;
                0
            }
            section::GOLDEN => {
                self.golden = data;
                0
            }
            section::PROVENANCE => {
                self.provenance = data;
                0
            }
            kind => {
                ensure(kind >= section::OPTIONAL, Defect::Section, 0, section::OPTIONAL.into(), kind.into())?;
                size
            }
        };
        equal(Defect::Section, 2, want, size)?;
        if record.kind == section::RANGES {
            ensure((1..=65535).contains(&record.count), Defect::Count, 12, 65535, record.count)?;
        }
        Ok(last)
    }

    fn check_ops(&self) -> Result<Cost, ParseError> {
        let mut cost = Cost::default();
        let last = self.ops.len() - 1;
        for (i, record) in self.ops.iter().enumerate() {
            let place = |fault: Fault| fault.at(Place::Op(i as u16));
            // READOUT ends the list and stands nowhere else.
            let is_readout = record.op == op::READOUT;
            ensure(is_readout == (i == last), Defect::Op, 0, op::READOUT.into(), record.op.into()).map_err(place)?;
            check_op(self, record, &mut cost).map_err(|(fault, range)| match range {
                Some(range) => fault.at(Place::Range(range)),
                None => place(fault),
            })?;
        }
        Ok(cost)
    }

    fn arena_end(&self) -> u32 {
        let ends = self.tensors.iter().filter(|tensor| tensor.place == place::ARENA);
        ends.map(|tensor| tensor.offset + tensor.bytes().unwrap_or(0)).max().unwrap_or(0)
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
        let from = self.constants.get(at as usize..)?;
        <[T]>::ref_from_prefix_with_elems(from, count).ok().map(|(slice, _)| slice)
    }

    /// Names of the outputs.
    pub fn labels(&self) -> Labels<'a> {
        Labels::new(self.labels)
    }

    /// The golden vectors.
    pub fn golden(&self) -> Golden<'a> {
        Golden::new(self.golden)
    }

    /// The section GOLDEN as it stands.
    pub(crate) fn golden_bytes(&self) -> &'a [u8] {
        self.golden
    }

    /// Where the image comes from: UTF-8 lines `key=value`.
    pub fn provenance(&self) -> &'a [u8] {
        self.provenance
    }
}

fn check_header(head: &Header, have: u32) -> Result<(), Fault> {
    equal(Defect::Magic, 0, u32::from_le_bytes(MAGIC), u32::from_le_bytes(head.magic))?;
    equal(Defect::Format, 4, FORMAT.into(), head.format.into())?;
    equal(Defect::Size, 6, 64, head.header_bytes.into())?;
    let total = head.total_bytes;
    ensure(total <= have, Defect::Truncated, 8, total, have)?;
    ensure(total >= 64 && total.is_multiple_of(ALIGN as u32), Defect::Size, 8, 64, total)?;
    equal(Defect::Unsupported, 20, PACKING_PORTABLE, head.packing)?;
    ensure(head.arena_bytes <= MAX_BYTES, Defect::Size, 24, MAX_BYTES, head.arena_bytes)?;
    equal(Defect::Unsupported, 28, 0, head.persistent_bytes)?;
    let sections = head.section_count;
    ensure((1..=MAX_SECTIONS).contains(&sections), Defect::Count, 36, MAX_SECTIONS.into(), sections.into())?;
    equal(Defect::Reserved, 38, 0, head.reserved0.into())?;
    equal(Defect::Reserved, 56, 0, head.reserved1[0] | head.reserved1[1])
}

fn records<T>(data: &[u8]) -> &[T]
where
    T: FromBytes + zerocopy::KnownLayout + zerocopy::Immutable,
{
    // A size that does not divide leaves nothing, and the record size is compared right after.
    <[T]>::ref_from_bytes(data).unwrap_or(&[])
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}

fn saturate(figure: u64) -> u32 {
    figure.min(u64::from(u32::MAX)) as u32
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
            None => Self { left: 0, bytes: &[] },
        }
    }

    /// Whether as many labels follow as are counted.
    fn all_present(mut self) -> bool {
        while self.left > 0 {
            if self.next_bytes().is_none() {
                return false;
            }
        }
        true
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
