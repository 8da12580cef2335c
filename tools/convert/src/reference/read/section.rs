//! The section table.

use super::super::image::Section;
use super::error::{At, ReadError, Want};
use super::record::{Record, between, check};

pub(super) const OPS: u16 = 1;
pub(super) const TENSORS: u16 = 2;
pub(super) const RANGES: u16 = 3;
pub(super) const CONSTANTS: u16 = 4;
pub(super) const LABELS: u16 = 6;
pub(super) const GOLDEN: u16 = 7;
pub(super) const PROVENANCE: u16 = 8;

const HEADER_BYTES: u64 = 64;
const ENTRY_BYTES: u64 = 16;

/// The checked table.
pub(super) struct Sections(Vec<Section>);

impl Sections {
    /// Reads `count` entries; `image` is the image without what follows it, at least a header long.
    pub fn read(image: &[u8], count: usize) -> Result<Self, ReadError> {
        let end = HEADER_BYTES + ENTRY_BYTES * count as u64;
        let have = image.len() as u64;
        let table = image.get(HEADER_BYTES as usize..end as usize).ok_or(ReadError::Truncated {
            at: At::Header,
            what: "section table",
            want: end,
            have,
        })?;
        let mut sections = Vec::with_capacity(count);
        let mut free = end;
        let mut least_kind = 0;
        let mut least_offset = 0;
        for (index, entry) in table.chunks_exact(ENTRY_BYTES as usize).enumerate() {
            let at = At::Section { index };
            let section = entry_of(entry, at)?;
            between(at, "kind, ascending", least_kind, u16::MAX, section.kind)?;
            between(at, "offset, ascending", least_offset, u32::MAX, section.offset)?;
            between(at, "offset, disjoint", free, have, section.offset)?;
            let room = have - u64::from(section.offset);
            between(at, "bytes inside the image", 0, room, section.bytes)?;
            zeros(image, free as usize, section.offset as usize)?;
            free = u64::from(section.offset) + u64::from(section.bytes);
            least_kind = u32::from(section.kind) + 1;
            least_offset = u64::from(section.offset) + 1;
            sections.push(section);
        }
        zeros(image, free as usize, image.len())?;
        Ok(Self(sections))
    }

    fn find(&self, kind: u16) -> Option<&Section> {
        self.0.iter().find(|section| section.kind == kind)
    }

    /// The bytes of a section.
    pub fn blob<'a>(&self, image: &'a [u8], kind: u16) -> Option<&'a [u8]> {
        self.find(kind).map(|section| &image[section.offset as usize..][..section.bytes as usize])
    }

    /// The records of a section that must be there.
    pub fn records<'a>(
        &self,
        image: &'a [u8],
        kind: u16,
        what: &'static str,
    ) -> Result<std::slice::ChunksExact<'a, u8>, ReadError> {
        if self.find(kind).is_none() {
            return Err(ReadError::Missing { at: At::Image, what });
        }
        Ok(self.records_if_present(image, kind))
    }

    /// The records of a section, none if it is absent.
    pub fn records_if_present<'a>(&self, image: &'a [u8], kind: u16) -> std::slice::ChunksExact<'a, u8> {
        let record_bytes = self.find(kind).map_or(1, |section| section.record_bytes.into());
        self.blob(image, kind).unwrap_or_default().chunks_exact(record_bytes)
    }

    pub fn into_vec(self) -> Vec<Section> {
        self.0
    }
}

/// One entry, by the rules that need no other.
fn entry_of(entry: &[u8], at: At) -> Result<Section, ReadError> {
    let mut record = Record::new(entry, at);
    let section = Section {
        kind: record.u16(0),
        record_bytes: record.u16(2),
        offset: record.u32(4),
        bytes: record.u32(8),
        count: record.u32(12),
    };
    check(at, "offset", Want::Multiple(16), section.offset)?;
    // Size of a record, most records.
    let (record_bytes, most) = match section.kind {
        OPS => (64, 4096),
        TENSORS => (32, 4096),
        RANGES => (48, 65535),
        CONSTANTS | LABELS | GOLDEN | PROVENANCE => (0, 0),
        0x8000.. => (section.record_bytes, u32::MAX),
        have => {
            let want = Want::Words("1 to 4, 6 to 8, or 0x8000 and more");
            return Err(ReadError::Value { at, what: "kind", want, have: have.into() });
        }
    };
    check(at, "record_bytes", Want::Exactly(record_bytes.into()), section.record_bytes)?;
    if record_bytes == 0 {
        check(at, "count", Want::Exactly(0), section.count)?;
    } else {
        let least = u32::from(section.kind < 0x8000);
        between(at, "count", least, most, section.count)?;
        let bytes = u64::from(section.count) * u64::from(record_bytes);
        check(at, "bytes", Want::Exactly(bytes.into()), section.bytes)?;
    }
    Ok(section)
}

/// The bytes `from .. to` of the image belong to no section.
fn zeros(image: &[u8], from: usize, to: usize) -> Result<(), ReadError> {
    match image[from..to].iter().position(|&byte| byte != 0) {
        Some(i) => Err(ReadError::Reserved { at: At::Image, byte: from + i, have: image[from + i] }),
        None => Ok(()),
    }
}
