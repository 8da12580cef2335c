//! The journal: two pages, of which a session writes only to one that it has erased itself.
//!
//! After a cut a record, or a page that was being erased, may read as anything between what was and what should be, and as something else
//! the next time. Three rules keep that harmless:
//!
//! - A session (the time from one reset to the next) begins with the page that is not current: it erases it and writes there. So nothing is ever written to
//!   a place where a write was cut short before, however erased that may look.
//! - The first record of a page is written twice. Who can read the second knows that the first was written to its end: such a page is *proven*. A proven page
//!   is preferred to one that is not; among equals the one of the higher generation counts. So the current page is never given up for one
//!   whose only record may fade.
//! - Only the last record of a session can have been cut short. The state before it and the state in it are both safe to go on from, because
//!   what destroys something (erasing a page of a slot) is done only after a record of the same session that was written to its end.

use crate::error::UpdateError;
use crate::layout::{Layout, MappedFlash};
use crate::record::{RECORD_BYTES, State};

/// Where the journal goes on.
#[derive(Debug)]
pub(crate) struct Journal {
    /// The current page, 0 or 1.
    page: u8,
    generation: u32,
    /// Place of the next record in the current page; 0 if this session has not written there.
    next: u32,
}

/// What a page is worth, and where its state is.
#[derive(Clone, Copy)]
struct Content {
    /// 2 if it is proven, 1 if it has a record at all, 0 if it has none.
    rank: u8,
    generation: u32,
    /// Place of the last record.
    last: u32,
}

impl Content {
    #[inline(never)]
    fn read(flash: &[u8], start: u32, page_bytes: u32) -> Self {
        let mut content = Self { rank: 0, generation: 0, last: start };
        let mut at = start;
        while at - start < page_bytes {
            if let Some((generation, _)) = State::read(flash, at) {
                let rank = if content.rank > 0 && content.generation == generation { 2 } else { 1 };
                content = Self { rank, generation, last: at };
            }
            at += RECORD_BYTES;
        }
        content
    }

    /// Whether this page counts and not the other.
    fn beats(&self, other: &Self) -> bool {
        if self.rank != other.rank {
            return self.rank > other.rank;
        }
        // Generations are compared as they lie on a circle.
        self.generation.wrapping_sub(other.generation) as i32 > 0
    }
}

impl Journal {
    /// Reads the journal: where it goes on, and the state, if there is one.
    pub fn open(layout: &Layout, flash: &[u8], page_bytes: u32) -> (Self, Option<State>) {
        let first = Content::read(flash, layout.page(0), page_bytes);
        let second = Content::read(flash, layout.page(1), page_bytes);
        let page = second.beats(&first) as u8;
        let content = if page == 1 { second } else { first };
        let state = State::read(flash, content.last).map(|(_, state)| state);
        (Self { page, generation: content.generation, next: 0 }, state)
    }

    /// Writes a record. When it returns without an error the record is there for good.
    pub fn append<F: MappedFlash>(&mut self, flash: &mut F, layout: &Layout, state: State) -> Result<(), UpdateError> {
        let is_new = self.next == 0 || self.next >= F::ERASE_SIZE as u32 / RECORD_BYTES;
        if is_new {
            // Until both records are there the other page stays the current one.
            self.next = 0;
            erase(flash, layout.page(self.page ^ 1))?;
        }
        let (page, generation) =
            if is_new { (self.page ^ 1, self.generation.wrapping_add(1)) } else { (self.page, self.generation) };
        let record = state.to_bytes(generation);
        // If a write fails, its place is spent, and the page with it: the next record begins the other one.
        let mut next = core::mem::take(&mut self.next);
        let end = if is_new { 2 } else { next + 1 };
        while next < end {
            write(flash, layout.page(page) + next * RECORD_BYTES, &record)?;
            next += 1;
        }
        *self = Self { page, generation, next };
        Ok(())
    }
}

impl Layout {
    const fn page(&self, page: u8) -> u32 {
        match page {
            0 => self.journal[0],
            _ => self.journal[1],
        }
    }
}

/// Erases a page.
#[inline(never)]
pub(crate) fn erase<F: MappedFlash>(flash: &mut F, at: u32) -> Result<(), UpdateError> {
    flash.erase(at, at.saturating_add(F::ERASE_SIZE as u32)).map_err(|_| UpdateError::Flash { at })
}

/// Writes, and reads back: a flash at the end of its life does not take what it is given.
#[inline(never)]
pub(crate) fn write<F: MappedFlash>(flash: &mut F, at: u32, bytes: &[u8]) -> Result<(), UpdateError> {
    flash.write(at, bytes).map_err(|_| UpdateError::Flash { at })?;
    let start = at as usize;
    if flash.bytes().get(start..start.saturating_add(bytes.len())) != Some(bytes) {
        return Err(UpdateError::NotWritten { at });
    }
    Ok(())
}
