//! The checked view: parsing, and accessors that cannot fail.

use zerocopy::FromBytes;

use crate::check::{Checker, Cost, check_golden};
use crate::error::{Check, Defect, ParseError, Place, Refused, Report};
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

/// By kind, the size of a section's records; 0 for a blob.
const RECORD_BYTES: [u8; 9] = [UNKNOWN, 64, 32, 48, 0, UNKNOWN, 0, 0, 0];
/// No kind of section that format 1 knows.
const UNKNOWN: u8 = 0xFF;

impl<'a> View<'a> {
    /// Checks `bytes`, which must start at a multiple of 16 bytes and may be longer than the image (a whole partition).
    ///
    /// # Errors
    /// The first defect found, with its place and figures. Total: no input panics, and the work is bounded by a constant
    /// times the size of the image.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let report = Report::new();
        let mut view = Self {
            header: &Header::EMPTY,
            bytes: &[],
            ops: &[],
            tensors: &[],
            ranges: &[],
            constants: &[],
            labels: &[],
            golden: &[],
            provenance: &[],
        };
        match view.read(bytes, &report) {
            Ok(()) => Ok(view),
            Err(Refused) => Err(report.error()),
        }
    }

    fn read(&mut self, bytes: &'a [u8], report: &Report) -> Check {
        self.read_sections(bytes, report)?;
        let cost = self.check_records(report)?;
        report.enter(Place::Header);
        report.equal(Defect::Features, 16, cost.features, self.header.features)?;
        report.equal(Defect::Arena, 24, self.arena_end(), self.header.arena_bytes)?;
        report.equal(Defect::Cost, 40, cost.macs, self.header.worst_macs)?;
        report.equal(Defect::Cost, 44, cost.gates, self.header.worst_gates)?;
        report.equal(Defect::Cost, 56, cost.steps, self.header.worst_steps)?;
        if !self.golden.is_empty() {
            report.enter(Place::Section(section::GOLDEN));
            check_golden(self, report)?;
        }
        if !self.labels.is_empty() {
            report.enter(Place::Section(section::LABELS));
            report.ensure(self.labels().all_present(), Defect::Size, 0, 0, 0)?;
        }
        Ok(())
    }

    #[inline(never)]
    fn read_sections(&mut self, bytes: &'a [u8], report: &Report) -> Check {
        let have = bytes.len().min(u32::MAX as usize) as u32;
        let misalignment = bytes.as_ptr() as usize % ALIGN;
        report.equal(Defect::Misaligned, 0, 0, misalignment as u32)?;
        let Ok((head, _)) = Header::ref_from_prefix(bytes) else {
            return report.ensure(false, Defect::Truncated, 0, 64, have);
        };
        report.equal(Defect::Magic, 0, u32::from_le_bytes(MAGIC), u32::from_le_bytes(head.magic))?;
        Checker::new(self, report).header(head)?;
        let total = head.total_bytes;
        report.ensure(total <= have, Defect::Truncated, 8, total, have)?;
        report.ensure(total >= 64 && total.is_multiple_of(ALIGN as u32), Defect::Size, 8, 64, total)?;
        self.header = head;
        // The header's total is within `bytes`, so this cannot come out empty.
        self.bytes = bytes.get(..head.total_bytes as usize).unwrap_or(&[]);
        report.equal(Defect::Checksum, 12, image_crc32(self.bytes), head.crc32)?;

        let rest = self.bytes.get(size_of::<Header>()..).unwrap_or(&[]);
        let count = usize::from(head.section_count);
        let Ok((table, _)) = <[SectionRecord]>::ref_from_prefix_with_elems(rest, count) else {
            return report.ensure(false, Defect::Truncated, 36, count as u32, have);
        };
        let mut end = (size_of::<Header>() + size_of_val(table)) as u32;
        let (mut previous, mut after) = (0, 0);
        let mut found: [&'a [u8]; RECORD_BYTES.len()] = [&[]; _];
        for record in table {
            let &SectionRecord { kind, offset, count, .. } = record;
            report.enter(Place::Section(kind));
            report.ensure(kind > previous, Defect::Section, 0, u32::from(previous), kind.into())?;
            previous = kind;
            report.ensure(offset > after, Defect::Section, 4, after, offset)?;
            after = offset;
            let data = self.section(report, record, end)?;
            // The section is inside the image, so the sum fits.
            end = offset.wrapping_add(record.bytes);
            let known = RECORD_BYTES.get(usize::from(kind)).copied().unwrap_or(UNKNOWN);
            if known == UNKNOWN {
                report.ensure(kind >= section::OPTIONAL, Defect::Section, 0, section::OPTIONAL.into(), kind.into())?;
                continue;
            }
            report.equal(Defect::Section, 2, known.into(), record.record_bytes.into())?;
            if let Some(slot) = found.get_mut(usize::from(kind)) {
                *slot = data;
            }
            let max = if kind == section::RANGES { 65535 } else { MAX_RECORDS };
            report.ensure(known == 0 || count.wrapping_sub(1) < max, Defect::Count, 12, max, count)?;
            // What these two hold is looked at if there is any; both begin with a count.
            let has_count = kind == section::LABELS || kind == section::GOLDEN;
            report.ensure(!(has_count && data.is_empty()), Defect::Section, 8, 4, 0)?;
        }
        report.enter(Place::Header);
        self.zeros(report, 0, end, self.bytes.len() as u32)?;
        let [_, ops, tensors, ranges, constants, _, labels, golden, provenance] = found;
        for (kind, data) in [(section::OPS, ops), (section::TENSORS, tensors)] {
            report.enter(Place::Section(kind));
            report.ensure(!data.is_empty(), Defect::Count, 12, MAX_RECORDS, 0)?;
        }
        (self.ops, self.tensors, self.ranges) = (records(ops), records(tensors), records(ranges));
        (self.constants, self.labels, self.golden, self.provenance) = (constants, labels, golden, provenance);
        Ok(())
    }

    /// The bytes of a section that begins at or after `end`.
    #[inline(always)]
    fn section(&self, report: &Report, record: &SectionRecord, end: u32) -> Result<&'a [u8], Refused> {
        let &SectionRecord { offset, bytes, .. } = record;
        let aligned = offset.is_multiple_of(ALIGN as u32);
        report.ensure(aligned && offset >= end, Defect::Section, 4, end, offset)?;
        self.zeros(report, 4, end, offset)?;
        let size = u32::from(record.record_bytes);
        if size == 0 {
            report.equal(Defect::Count, 12, 0, record.count)?;
        } else {
            report.equal(Defect::Section, 8, size.checked_mul(record.count).unwrap_or(0), bytes)?;
        }
        let last = offset.saturating_add(bytes);
        report.ensure(last as usize <= self.bytes.len(), Defect::Section, 8, self.bytes.len() as u32, last)?;
        Ok(self.bytes.get(offset as usize..last as usize).unwrap_or(&[]))
    }

    /// The bytes `from .. to`, which belong to no section, are zero.
    #[inline(never)]
    fn zeros(&self, report: &Report, at: u8, from: u32, to: u32) -> Check {
        let gap = self.bytes.get(from as usize..to as usize).unwrap_or(&[]);
        report.ensure(gap.iter().all(|&byte| byte == 0), Defect::Reserved, at, 0, from)
    }

    #[inline(never)]
    fn check_records(&self, report: &Report) -> Result<Cost, Refused> {
        let mut checker = Checker::new(self, report);
        for (i, tensor) in self.tensors.iter().enumerate() {
            report.enter(Place::Tensor(i as u16));
            checker.tensor_record(tensor)?;
        }
        for (i, range) in self.ranges.iter().enumerate() {
            report.enter(Place::Range(i as u16));
            checker.range(range)?;
        }
        for (i, record) in self.ops.iter().enumerate() {
            report.enter(Place::Op(i as u16));
            // READOUT ends the list and stands nowhere else.
            let is_last = i + 1 == self.ops.len();
            let is_readout = record.op == op::READOUT;
            report.ensure(is_readout == is_last, Defect::Op, 0, op::READOUT.into(), record.op.into())?;
            checker.op(record)?;
        }
        Ok(checker.cost)
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
    fn all_present(mut self) -> bool {
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
