//! Model updates that survive power cuts.
//!
//! 1. **Two slots, one of which is always whole.** An update is written to the slot that does not run. What runs is never touched.
//! 2. **Tried before it counts.** A new model is checked, then tried at the next boot: it must pass its golden vectors, and the application must
//!    [confirm](Store::confirm) it. A trial that was not confirmed falls back at the next boot, without a write.
//! 3. **Every write may be the last.** After a cut the last word written, or the page being erased, may read as anything, and as something
//!    else later. So no decision that destroys something rests on a record that was not written to its end.
//! 4. **Nothing is trusted.** Slots and journal may hold any bytes. Whatever arrives is refused with a typed error, or is a model that runs.
//!
//! ```text
//! Store::open  --> status(): which slot runs, and why
//!   begin(update) --> write(offset, chunk) ... --> finish() --> reset --> Store::open: on trial --> confirm()
//! ```
//! `docs/update.md` has the states, the journal, and the frames that [`Receiver`] understands. The flash must be mapped into memory, because
//! models run in place ([`MappedFlash`]).
//!
//! Rejected: swapping two images (writes everything twice, and needs a state for every page), and a log of sectors such as a key-value store
//! (a model is larger than what those move, and must lie in one piece).
#![no_std]
#![forbid(unsafe_code)]

mod check;
mod error;
mod frame;
mod journal;
mod layout;
mod message;
mod receiver;
mod record;
pub mod serial;
mod store;
mod trailer;

pub use error::{Refusal, UpdateError};
pub use frame::{Decoder, FRAME_BYTES, Frame, encode};
pub use layout::{Layout, LayoutError, MappedFlash, Slot};
pub use message::{Answer, CHUNK_BYTES, PROTOCOL, Phase, Report, Request};
pub use receiver::{Event, Receiver};
pub use store::{Config, Status, Store, Update};
pub use trailer::{TRAILER_BYTES, TRAILER_HEAD_BYTES, Trailer};
