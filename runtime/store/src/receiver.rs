//! The device's side of an update: frames in, frames out, whatever carries them.

use crate::error::UpdateError;
use crate::frame::{Decoder, Frame, encode};
use crate::layout::MappedFlash;
use crate::message::{Answer, Request};
use crate::store::Store;

/// What a frame has led to, for the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event {
    /// Something was asked.
    Asked,
    /// The update has come this far.
    Received(u32),
    /// The new model is there and will be tried at the next boot.
    Finished,
    /// The sender wants a reset; the answer should get out before it.
    Restart,
    /// Something was refused; the sender knows.
    Refused(UpdateError),
}

/// Finds requests among bytes and does what they ask.
#[derive(Debug, Default)]
pub struct Receiver {
    decoder: Decoder,
}

impl Receiver {
    /// One that has seen nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { decoder: Decoder::new() }
    }

    /// Takes a byte. With the last one of a request it is done, the answer is written by `put`, and the application learns what has happened.
    pub fn push<F: MappedFlash>(&mut self, store: &mut Store<F>, byte: u8, put: impl FnMut(u8)) -> Option<Event> {
        let Frame { kind, sequence, payload } = self.decoder.push(byte)?;
        let (answer, event) = handle(store, Request::read(kind, payload));
        let mut buffer = [0; 32];
        encode(Frame { kind: answer.kind(kind), sequence, payload: answer.payload(&mut buffer) }, put);
        Some(event)
    }
}

/// Does what is asked.
fn handle<F: MappedFlash>(store: &mut Store<F>, request: Option<Request<'_>>) -> (Answer, Event) {
    let done = match request {
        None => Err(UpdateError::Frame),
        Some(Request::Report) => return (Answer::Report(store.report()), Event::Asked),
        Some(Request::Restart) => return (Answer::Done(0), Event::Restart),
        Some(Request::Begin { update, replace }) => {
            store.begin(update, replace).map(|received| (received, Event::Received(received)))
        }
        // Two senders do not write into each other's update.
        Some(Request::Write { update, .. } | Request::Finish { update }) if !store.is_receiving(update) => {
            Err(UpdateError::NotBegun)
        }
        Some(Request::Write { offset, chunk, .. }) => {
            store.write(offset, chunk).map(|received| (received, Event::Received(received)))
        }
        Some(Request::Finish { .. }) => store.finish().map(|()| (store.report().received, Event::Finished)),
    };
    match done {
        Ok((received, event)) => (Answer::Done(received), event),
        Err(error) => (Answer::Refused(error), Event::Refused(error)),
    }
}
