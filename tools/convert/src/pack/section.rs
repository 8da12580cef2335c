//! Sections, their table, and the file they make.

use leafgate_image::{ALIGN, Header, SectionRecord};
use zerocopy::IntoBytes;

use super::fit;
use crate::ConvertError;

/// Sections in the order of their kinds. Empty ones are left out.
#[derive(Default)]
pub(super) struct Sections {
    list: Vec<(SectionRecord, Vec<u8>)>,
}

impl Sections {
    /// Adds records of `size` bytes each.
    pub(super) fn records(&mut self, kind: u16, size: u16, data: &[u8]) -> Result<(), ConvertError> {
        let count = fit("section table", "records", data.len() / usize::from(size))?;
        self.push(SectionRecord { kind, record_bytes: size, count, ..SectionRecord::default() }, data)
    }

    /// Adds bytes.
    pub(super) fn blob(&mut self, kind: u16, data: &[u8]) -> Result<(), ConvertError> {
        self.push(SectionRecord { kind, ..SectionRecord::default() }, data)
    }

    fn push(&mut self, mut record: SectionRecord, data: &[u8]) -> Result<(), ConvertError> {
        if !data.is_empty() {
            record.bytes = fit("section table", "bytes", data.len())?;
            self.list.push((record, data.to_vec()));
        }
        Ok(())
    }

    /// The image, its checksum still zero.
    pub(super) fn assemble(mut self, mut header: Header) -> Result<Vec<u8>, ConvertError> {
        let table_end = size_of::<Header>() + self.list.len() * size_of::<SectionRecord>();
        let mut end = table_end;
        for (record, data) in &mut self.list {
            let offset = end.next_multiple_of(ALIGN);
            record.offset = fit("section table", "offset", offset)?;
            end = offset + data.len();
        }
        let total = end.next_multiple_of(ALIGN);
        header.total_bytes = fit("image", "bytes", total)?;
        header.section_count = self.list.len() as u16;
        let mut image = header.as_bytes().to_vec();
        for (record, _) in &self.list {
            image.extend_from_slice(record.as_bytes());
        }
        for (record, data) in &self.list {
            image.resize(record.offset as usize, 0);
            image.extend_from_slice(data);
        }
        image.resize(total, 0);
        Ok(image)
    }
}
