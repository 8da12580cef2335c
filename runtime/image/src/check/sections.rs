//! Header and section table.

use zerocopy::{FromBytes, transmute_ref};

use super::Checker;
use super::rules::{ALWAYS, number};
use super::tables::{HEADER, KINDS, SECTION, UNKNOWN_KIND};
use crate::error::{Check, Defect, Place};
use crate::record::*;
use crate::*;

impl<'a> Checker<'a> {
    /// Checks header and section table of `bytes`; after it the view has all but the records' meaning.
    #[inline(never)]
    pub(super) fn sections(&mut self, bytes: &'a [u8]) -> Check {
        let have = bytes.len().min(u32::MAX as usize) as u32;
        self.equal(Defect::Misaligned, 0, 0, (bytes.as_ptr() as usize % ALIGN) as u32)?;
        let Ok((header, _)) = Header::ref_from_prefix(bytes) else {
            return self.ensure(false, Defect::Truncated, 0, 64, have);
        };
        let total = header.total_bytes;
        let words: &[u32; 16] = transmute_ref!(header);
        self.keep(words, HEADER, ALWAYS)?;
        self.ensure(total <= have, Defect::Truncated, 8, total, have)?;
        // The header's total is within `bytes`, so this cannot come out empty.
        let image = bytes.get(..total as usize).unwrap_or(&[]);
        (self.view.header, self.view.bytes) = (header, image);
        self.equal(Defect::Checksum, 12, image_crc32(image), header.crc32)?;
        self.set(number::TOTAL, total);
        self.set(number::MAX_LOOKED_AT, 16 * total.min(1 << 27));
        self.set(number::MAX_ARENA, header.arena_bytes);

        let table = self.view.section_table();
        let mut end = (size_of::<Header>() + size_of::<SectionRecord>() * usize::from(header.section_count)) as u32;
        self.ensure(!table.is_empty(), Defect::Truncated, 36, end, total)?;
        // Kinds and offsets ascend.
        let (mut kind_from, mut offset_from) = (1, end);
        for record in table {
            let &SectionRecord { kind, offset, bytes, .. } = record;
            self.error.place = Place::Section(kind);
            let &(size, cases) = KINDS.get(usize::from(kind)).unwrap_or(&UNKNOWN_KIND);
            let last = offset.saturating_add(bytes);
            self.set(number::X, kind_from);
            self.set(number::END, offset_from);
            self.set(number::WIDTH, size.into());
            self.set(number::ROWS, 0);
            self.set(number::COLS, last);
            let words: &[u32; 4] = transmute_ref!(record);
            self.keep(words, &SECTION, cases)?;
            self.zeros(4, end, offset)?;
            // The section is inside the image, so nothing overflows.
            (kind_from, offset_from, end) = (u32::from(kind) + 1, last.max(offset + 1), last);
        }
        self.error.place = Place::Header;
        self.zeros(0, end, total)
    }

    /// The bytes `from .. to`, which belong to no section, are zero.
    #[inline(never)]
    fn zeros(&mut self, at: u8, from: u32, to: u32) -> Check {
        let gap = self.view.bytes.get(from as usize..to as usize).unwrap_or(&[]);
        self.ensure(gap.iter().all(|&byte| byte == 0), Defect::Reserved, at, 0, from)
    }
}
