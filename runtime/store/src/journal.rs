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

/// What a page holds.
#[derive(Clone, Copy)]
struct Content {
    is_proven: bool,
    generation: u32,
    state: State,
}

impl Content {
    #[inline(never)]
    fn read(page: &[u8]) -> Option<Self> {
        let mut content: Option<Self> = None;
        for record in page.as_chunks::<{ RECORD_BYTES as usize }>().0 {
            let Some((generation, state)) = State::of_bytes(record) else { continue };
            let is_proven = content.is_some_and(|content| content.generation == generation);
            content = Some(Self { is_proven, generation, state });
        }
        content
    }

    /// Whether this page counts and not the other.
    fn beats(&self, other: &Self) -> bool {
        if self.is_proven != other.is_proven {
            return self.is_proven;
        }
        // Generations are compared as they lie on a circle.
        self.generation.wrapping_sub(other.generation) as i32 > 0
    }
}

impl Journal {
    /// Reads the journal: where it goes on, and the state, if there is one.
    pub fn open(layout: &Layout, flash: &[u8], page_bytes: u32) -> (Self, Option<State>) {
        let [first, second] = layout.journal.map(|start| {
            let start = start as usize;
            Content::read(flash.get(start..start.saturating_add(page_bytes as usize)).unwrap_or(&[]))
        });
        let (page, content) = match (first, second) {
            (Some(first), Some(second)) if second.beats(&first) => (1, Some(second)),
            (None, Some(second)) => (1, Some(second)),
            (first, _) => (0, first),
        };
        let generation = content.map_or(0, |content| content.generation);
        (Self { page, generation, next: 0 }, content.map(|content| content.state))
    }

    /// Writes a record. When it returns without an error the record is there for good.
    pub fn append<F: MappedFlash>(&mut self, flash: &mut F, layout: &Layout, state: State) -> Result<(), UpdateError> {
        let page_bytes = F::ERASE_SIZE as u32;
        if self.next != 0 && self.next < page_bytes / RECORD_BYTES {
            let (at, record) = (layout.page(self.page) + self.next * RECORD_BYTES, state.to_bytes(self.generation));
            // If the write fails, the place is spent, and so is the page: the next record begins the other one.
            self.next = write(flash, at, &record).map(|()| self.next + 1).inspect_err(|_| self.next = 0)?;
            return Ok(());
        }
        self.next = 0;
        let (page, generation) = (self.page ^ 1, self.generation.wrapping_add(1));
        let (at, record) = (layout.page(page), state.to_bytes(generation));
        erase(flash, at)?;
        write(flash, at, &record)?;
        write(flash, at + RECORD_BYTES, &record)?;
        *self = Self { page, generation, next: 2 };
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
