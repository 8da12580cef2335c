//! An image taken apart into its sections, and put together again.

use leafgate_image::{Header, OpRecord, RangeRecord, SectionRecord, TensorRecord, image_crc32, section};
use zerocopy::{FromBytes, IntoBytes};

use crate::figures::Figures;

/// Sections with their kinds and the size of their records, and a header whose figures may be anything.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The 64 bytes at the start.
    pub header: Header,
    /// In the order of the table.
    pub sections: Vec<Section>,
}

/// A section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What it holds.
    pub kind: u16,
    /// Size of a record; 0 for a blob.
    pub record_bytes: u16,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The entries of the section table, as far as it lies in the image.
pub fn table(image: &[u8]) -> Vec<SectionRecord> {
    let Ok((header, rest)) = Header::read_from_prefix(image) else { return Vec::new() };
    let entries = rest.chunks_exact(size_of::<SectionRecord>()).take(header.section_count.into());
    entries.filter_map(|entry| SectionRecord::read_from_bytes(entry).ok()).collect()
}

/// Where a section lies, cut to the image.
pub fn place(image: &[u8], record: &SectionRecord) -> std::ops::Range<usize> {
    let from = (record.offset as usize).min(image.len());
    from..(from + record.bytes as usize).min(image.len())
}

impl Parts {
    /// Takes an image apart whose section table is sound.
    ///
    /// # Panics
    /// If there is not even a header.
    pub fn of(image: &[u8]) -> Self {
        let (header, _) = Header::read_from_prefix(image).expect("an image has a header");
        let section = |record: &SectionRecord| Section {
            kind: record.kind,
            record_bytes: record.record_bytes,
            bytes: image[place(image, record)].to_vec(),
        };
        Self { header, sections: table(image).iter().map(section).collect() }
    }

    /// The bytes of a section; empty if there is none.
    pub fn bytes(&self, kind: u16) -> &[u8] {
        self.sections.iter().find(|section| section.kind == kind).map_or(&[], |section| &section.bytes)
    }

    /// The bytes of a section, to change.
    pub fn bytes_mut(&mut self, kind: u16) -> Option<&mut Vec<u8>> {
        self.sections.iter_mut().find(|section| section.kind == kind).map(|section| &mut section.bytes)
    }

    /// The figures that the header must hold for these records.
    pub fn figures(&self) -> Figures {
        let ops: Vec<OpRecord> = records(self.bytes(section::OPS));
        let tensors: Vec<TensorRecord> = records(self.bytes(section::TENSORS));
        let ranges: Vec<RangeRecord> = records(self.bytes(section::RANGES));
        Figures::of(&ops, &tensors, &ranges)
    }

    /// Makes the header's figures those of the records.
    pub fn repair_figures(&mut self) {
        self.figures().write(&mut self.header);
    }

    /// The image: sections one after the other, with length, section table and checksum as they must be.
    pub fn assemble(&self) -> Vec<u8> {
        let mut header = self.header;
        let mut end = size_of::<Header>() + size_of::<SectionRecord>() * self.sections.len();
        let mut table = Vec::new();
        let mut body = Vec::new();
        for Section { kind, record_bytes, bytes } in &self.sections {
            let offset = end.next_multiple_of(16);
            body.resize(body.len() + offset - end, 0);
            body.extend_from_slice(bytes);
            end = offset + bytes.len();
            let count = bytes.len().checked_div((*record_bytes).into()).unwrap_or(0) as u32;
            let (kind, record_bytes) = (*kind, *record_bytes);
            table.push(SectionRecord { kind, record_bytes, offset: offset as u32, bytes: bytes.len() as u32, count });
        }
        header.total_bytes = end.next_multiple_of(16) as u32;
        header.section_count = self.sections.len() as u16;
        let mut image = header.as_bytes().to_vec();
        for record in &table {
            image.extend_from_slice(record.as_bytes());
        }
        image.extend_from_slice(&body);
        image.resize(header.total_bytes as usize, 0);
        seal(&mut image);
        image
    }
}

/// The records in `bytes`; what is left over is dropped.
pub fn records<T: FromBytes>(bytes: &[u8]) -> Vec<T> {
    bytes.chunks_exact(size_of::<T>()).filter_map(|record| T::read_from_bytes(record).ok()).collect()
}

/// Makes the checksum that of the bytes.
pub fn seal(image: &mut [u8]) {
    if image.len() >= 16 {
        let crc = image_crc32(image);
        image[12..16].copy_from_slice(&crc.to_le_bytes());
    }
}

/// Makes the header's features, arena and cost those of the records, wherever they are, and seals.
pub fn repair_in_place(image: &mut [u8]) {
    if image.len() >= size_of::<Header>() {
        let mut parts = Parts::of(image);
        parts.repair_figures();
        image[..size_of::<Header>()].copy_from_slice(parts.header.as_bytes());
        seal(image);
    }
}

/// Makes what is left of a cut image consistent: length, section table, checksum.
pub fn repair_cut(image: &mut Vec<u8>) {
    image.truncate(image.len() / 16 * 16);
    let len = image.len();
    let entries = table(image);
    for (i, mut record) in entries.into_iter().enumerate() {
        let kept = place(image, &record).len() as u32;
        if u32::from(record.record_bytes) != 0 {
            record.count = kept / u32::from(record.record_bytes);
            record.bytes = record.count * u32::from(record.record_bytes);
        } else {
            record.bytes = kept;
        }
        record.offset = record.offset.min(len as u32);
        let at = size_of::<Header>() + i * size_of::<SectionRecord>();
        image[at..at + size_of::<SectionRecord>()].copy_from_slice(record.as_bytes());
    }
    if len >= 12 {
        image[8..12].copy_from_slice(&(len as u32).to_le_bytes());
    }
    seal(image);
}
