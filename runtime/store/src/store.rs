//! The state machine: which slot runs, and what an update does.

use crate::check::{Accepted, Terms, self_test};
use crate::error::{Refusal, UpdateError};
use crate::journal::{Journal, erase, write};
use crate::layout::{ALIGN, Layout, LayoutError, MappedFlash, Slot};
use crate::message::{Phase, Report};
use crate::record::{State, checksum};

/// Parts of an update after each of which the journal says how far it has come: what is lost by a cut is at most one of them.
const STEPS: u32 = 8;

/// What a store is opened with.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Where slots and journal lie.
    pub layout: Layout,
    #[cfg(feature = "signed")]
    keys: &'static [[u8; 32]],
}

impl Config {
    /// A store that takes any image.
    #[must_use]
    pub const fn new(layout: Layout) -> Self {
        Self {
            layout,
            #[cfg(feature = "signed")]
            keys: &[],
        }
    }

    /// A store that takes images signed with one of these Ed25519 public keys, and none of a lower version than was confirmed before. What was flashed along with the
    /// firmware must be signed too.
    #[cfg(feature = "signed")]
    #[must_use]
    pub const fn signed_with(self, keys: &'static [[u8; 32]]) -> Self {
        Self { keys, ..self }
    }
}

/// What names an update: its size and its checksum, trailer included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Update {
    /// Bytes, a multiple of 16.
    pub bytes: u32,
    /// CRC-32/ISO-HDLC over all of them.
    pub crc32: u32,
}

impl Update {
    /// What names the update that consists of these bytes. More than 2^32 are none.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u32, crc32: checksum(bytes) }
    }
}

/// Why which slot runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Status {
    /// The confirmed model runs.
    Confirmed,
    /// A new model runs, for this one time unless [`Store::confirm`] is called.
    OnTrial,
    /// The trial of before was not confirmed: the confirmed model runs.
    Unconfirmed,
    /// The new model was not taken: the confirmed one runs.
    FellBack(Refusal),
    /// What began the trial could not be written: the confirmed model runs, and the trial is due at the next boot.
    Postponed(UpdateError),
    /// The confirmed model is damaged: the other slot's runs.
    Recovered(Refusal),
    /// Neither slot holds a model. An update can be received.
    Empty {
        /// What is wrong with slot A.
        a: Refusal,
        /// What is wrong with slot B.
        b: Refusal,
    },
}

/// Two slots and a journal.
#[derive(Debug)]
pub struct Store<F> {
    flash: F,
    layout: Layout,
    terms: Terms,
    journal: Journal,
    state: State,
    status: Status,
    /// Version of the model that runs.
    version: u32,
    /// Bytes of the update that have arrived, if one was begun in this session.
    received: Option<u32>,
}

impl<F: MappedFlash> Store<F> {
    /// Decides which slot runs: the one on trial if a trial is due, and otherwise the confirmed one; the other one if that is damaged. What runs
    /// has been checked and has passed its golden vectors in `arena`, whose size is the most that an update may want.
    ///
    /// # Errors
    /// If the layout does not fit the flash; nothing has been read or written then. Without a model the store opens: see [`Status::Empty`].
    pub fn open(flash: F, config: Config, arena: &mut [u8]) -> Result<Self, LayoutError> {
        let Config { layout, .. } = config;
        layout.check(
            F::ERASE_SIZE as u32,
            F::WRITE_SIZE as u32,
            u32::try_from(flash.capacity()).unwrap_or(u32::MAX),
        )?;
        let terms = Terms {
            arena_bytes: arena.len(),
            #[cfg(feature = "signed")]
            keys: config.keys,
            #[cfg(feature = "signed")]
            floor: 0,
        };
        let (journal, state) = Journal::open(&layout, flash.bytes(), F::ERASE_SIZE as u32);
        #[cfg(feature = "signed")]
        let known = state.is_some();
        let state = state.unwrap_or(State {
            phase: Phase::Idle,
            active: Slot::A,
            floor: 0,
            update: Update::default(),
            progress: 0,
        });
        let status = Status::Confirmed;
        let mut store = Self { flash, layout, terms, journal, state, status, version: 0, received: None };
        store.set_floor(state.floor);
        #[cfg(feature = "signed")]
        if !known {
            store.prefer_the_newer();
        }
        store.boot(arena);
        Ok(store)
    }

    /// The lowest version that is taken from now on.
    fn set_floor(&mut self, floor: u32) {
        self.state.floor = floor;
        #[cfg(feature = "signed")]
        {
            self.terms.floor = floor;
        }
    }

    /// Without a journal, the slot with the higher version; without versions it is slot A.
    #[cfg(feature = "signed")]
    fn prefer_the_newer(&mut self) {
        let version = |slot| self.check(slot, None).map_or(0, |accepted| accepted.version);
        let (a, b) = (version(Slot::A), version(Slot::B));
        if b > a {
            self.state.active = Slot::B;
        }
        self.set_floor(a.max(b));
    }

    #[inline(never)]
    fn check(&self, slot: Slot, update: Option<Update>) -> Result<Accepted<'_>, Refusal> {
        self.terms.check(self.layout.slot(slot, self.flash.bytes()), update)
    }

    /// Checks a slot and runs its golden vectors. Gives its version.
    #[inline(never)]
    fn prove(&self, slot: Slot, update: Option<Update>, arena: &mut [u8]) -> Result<u32, Refusal> {
        let Accepted { model, version } = self.check(slot, update)?;
        self_test(&model, arena)?;
        Ok(version)
    }

    #[inline(never)]
    fn boot(&mut self, arena: &mut [u8]) {
        let (active, target) = (self.state.active, self.state.active.other());
        let mut status = Status::Confirmed;
        match self.state.phase {
            Phase::Idle | Phase::Receiving => {}
            Phase::Started => status = Status::Unconfirmed,
            Phase::Pending => match self.append(State { phase: Phase::Started, ..self.state }) {
                Err(error) => status = Status::Postponed(error),
                Ok(()) => match self.prove(target, Some(self.state.update), arena) {
                    Ok(version) => return self.run(version, Status::OnTrial),
                    Err(refusal) => status = Status::FellBack(refusal),
                },
            },
        }
        match self.prove(active, None, arena) {
            Ok(version) => self.run(version, status),
            Err(refusal) => match self.prove(target, None, arena) {
                Ok(version) => {
                    // Not written down now: the next update does, and until then every boot finds the same.
                    self.state = State { active: target, phase: Phase::Idle, ..self.state };
                    self.run(version, Status::Recovered(refusal));
                }
                Err(other) => {
                    let (a, b) = if active == Slot::A { (refusal, other) } else { (other, refusal) };
                    self.run(0, Status::Empty { a, b });
                }
            },
        }
    }

    fn run(&mut self, version: u32, status: Status) {
        self.version = version;
        self.status = status;
    }

    /// Why which slot runs.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The slot that runs, if there is a model.
    pub fn slot(&self) -> Option<Slot> {
        match self.status {
            Status::OnTrial => Some(self.state.active.other()),
            Status::Empty { .. } => None,
            _ => Some(self.state.active),
        }
    }

    /// The bytes of the slot that runs, for `Model::parse`; none if there is no model.
    pub fn bytes(&self) -> &[u8] {
        self.slot().map_or(&[], |slot| self.layout.slot(slot, self.flash.bytes()))
    }

    /// Where the slot that runs begins in the flash, for boards that map flash themselves.
    pub fn start(&self) -> Option<u32> {
        self.slot().map(|slot| self.layout.start(slot))
    }

    /// The flash.
    pub fn flash(&self) -> &F {
        &self.flash
    }

    /// Gives the flash back.
    pub fn into_flash(self) -> F {
        self.flash
    }

    /// Writes a record of the journal; from then on it is the state.
    #[inline(never)]
    fn append(&mut self, state: State) -> Result<(), UpdateError> {
        self.journal.append(&mut self.flash, &self.layout, state)?;
        self.state = state;
        Ok(())
    }

    /// The new model is to stay: it is the confirmed one from now on, and no older version is taken any more.
    ///
    /// # Errors
    /// If no trial is under way, or the flash fails.
    pub fn confirm(&mut self) -> Result<(), UpdateError> {
        if self.status != Status::OnTrial {
            return Err(UpdateError::NoTrial);
        }
        let (active, floor) = (self.state.active.other(), self.state.floor.max(self.version));
        self.append(State { phase: Phase::Idle, active, floor, ..self.state })?;
        self.set_floor(floor);
        self.status = Status::Confirmed;
        Ok(())
    }

    /// Begins an update, or goes on with one. Gives the byte at which it goes on: what was received of it before a reset need not be sent again.
    /// Another update that was begun since the last reset is dropped only with `replace`.
    ///
    /// # Errors
    /// If it cannot be received now, or not at all. Nothing has been erased then.
    #[inline(never)]
    pub fn begin(&mut self, update: Update, replace: bool) -> Result<u32, UpdateError> {
        let Update { bytes, crc32: want } = update;
        if bytes == 0 || !bytes.is_multiple_of(ALIGN) || bytes > self.layout.slot_bytes {
            return Err(UpdateError::Size { want: self.layout.slot_bytes, have: bytes });
        }
        if self.bytes().get(..bytes as usize).is_some_and(|running| checksum(running) == want) {
            return Err(UpdateError::Installed);
        }
        if self.status == Status::OnTrial {
            return Err(UpdateError::OnTrial);
        }
        let is_same = self.state.update == update;
        match self.received {
            Some(received) if is_same => return Ok(received),
            Some(received) if !replace => {
                return Err(UpdateError::Busy { bytes: self.state.update.bytes, received });
            }
            _ => {}
        }
        let progress = match self.state.phase {
            Phase::Pending | Phase::Started if is_same => bytes,
            Phase::Receiving if is_same => self.state.progress,
            _ => 0,
        };
        // A journal may say anything. What it says of its own accord is whole pages, or all.
        let is_possible = progress == bytes || progress < bytes && progress.is_multiple_of(F::ERASE_SIZE as u32);
        let progress = if is_possible { progress } else { 0 };
        self.received = None;
        // What is erased from now on rests on this record, which is there for good.
        self.append(State { phase: Phase::Receiving, update, progress, ..self.state })?;
        self.received = Some(progress);
        Ok(progress)
    }

    /// Writes a chunk at `offset` of the update. A chunk that is there already is not written again. Gives the byte at which the update goes on.
    ///
    /// # Errors
    /// If it does not go on there, or the flash fails.
    #[inline(never)]
    pub fn write(&mut self, offset: u32, chunk: &[u8]) -> Result<u32, UpdateError> {
        let received = self.received.ok_or(UpdateError::NotBegun)?;
        let (bytes, have) = (self.state.update.bytes, u32::try_from(chunk.len()).unwrap_or(u32::MAX));
        if offset > bytes || have > bytes - offset || !have.is_multiple_of(ALIGN) || !offset.is_multiple_of(ALIGN) {
            return Err(UpdateError::Chunk { have });
        }
        if offset > received {
            return Err(UpdateError::Offset { want: received, have: offset });
        }
        let chunk = chunk.get((received - offset) as usize..).unwrap_or(&[]);
        // What fails below leaves a page half written, which only a new beginning erases again.
        self.received = None;
        let received = self.write_on(received, chunk)?;
        self.received = Some(received);
        Ok(received)
    }

    /// Writes what follows, page by page.
    fn write_on(&mut self, mut received: u32, mut chunk: &[u8]) -> Result<u32, UpdateError> {
        let (page_bytes, start) = (F::ERASE_SIZE as u32, self.layout.start(self.state.active.other()));
        let step = (self.state.update.bytes / STEPS).max(page_bytes);
        while !chunk.is_empty() {
            let in_page = received % page_bytes;
            if in_page == 0 {
                if received.wrapping_sub(self.state.progress) >= step {
                    self.append(State { progress: received, ..self.state })?;
                }
                erase(&mut self.flash, start + received)?;
            }
            let (now, later) = chunk.split_at_checked((page_bytes - in_page) as usize).unwrap_or((chunk, &[]));
            write(&mut self.flash, start + received, now)?;
            received += now.len() as u32;
            chunk = later;
        }
        Ok(received)
    }

    /// Ends the update: checks all of it, and marks it for a trial at the next boot. May be repeated.
    ///
    /// # Errors
    /// If something is missing, or the new model is not taken; then nothing of it is kept.
    #[inline(never)]
    pub fn finish(&mut self) -> Result<(), UpdateError> {
        let have = self.received.ok_or(UpdateError::NotBegun)?;
        let update = self.state.update;
        if have != update.bytes {
            return Err(UpdateError::Offset { want: have, have: update.bytes });
        }
        if self.state.phase == Phase::Pending {
            return Ok(());
        }
        match self.check(self.state.active.other(), Some(update)) {
            Ok(_) => self.append(State { phase: Phase::Pending, progress: have, ..self.state }),
            Err(refusal) => {
                self.received = None;
                self.append(State { phase: Phase::Idle, update: Update::default(), progress: 0, ..self.state })?;
                Err(refusal.into())
            }
        }
    }

    /// Whether the update with this checksum was begun since the last reset.
    pub fn is_receiving(&self, crc32: u32) -> bool {
        self.received.is_some() && self.state.update.crc32 == crc32
    }

    /// What a sender wants to know first.
    pub fn report(&self) -> Report {
        let running = self.bytes();
        let header = |at: usize| {
            running.get(at..).and_then(<[u8]>::first_chunk::<4>).map_or(0, |bytes| u32::from_le_bytes(*bytes))
        };
        Report {
            phase: self.state.phase,
            slot: self.slot(),
            on_trial: self.status == Status::OnTrial,
            slot_bytes: self.layout.slot_bytes,
            // The header's own figures: size and checksum.
            running: Update { bytes: header(8), crc32: header(12) },
            floor: self.state.floor,
            update: self.state.update,
            received: self.received.unwrap_or(self.state.progress),
        }
    }
}
