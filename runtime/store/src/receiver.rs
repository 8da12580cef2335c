//! The device's side of an update: frames in, frames out, whatever carries them.

use crate::error::UpdateError;
use crate::frame::{Decoder, Frame, encode_body};
use crate::layout::MappedFlash;
use crate::message::{Answer, REPORT_BYTES, Request};
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

/// The longest answer: a report of escaped bytes.
const ANSWER_BYTES: usize = 2 * (2 + REPORT_BYTES + 4) + 2;

/// Finds requests among bytes and does what they ask.
#[derive(Debug)]
pub struct Receiver {
    decoder: Decoder,
    answer: [u8; ANSWER_BYTES],
    len: usize,
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}

impl Receiver {
    /// One that has seen nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { decoder: Decoder::new(), answer: [0; ANSWER_BYTES], len: 0 }
    }

    /// Takes a byte. With the last one of a request it is done, the application learns what has happened, and [`Receiver::answer`] is to be sent.
    pub fn push<F: MappedFlash>(&mut self, store: &mut Store<F>, byte: u8) -> Option<Event> {
        let Frame { kind, sequence, payload } = self.decoder.push(byte)?;
        let (answer, event) = handle(store, Request::read(kind, payload));
        let mut body = [0; 2 + REPORT_BYTES + 4];
        let mut len = 2;
        if let Some((head, payload)) = body.split_first_chunk_mut::<2>() {
            *head = [answer.kind(kind), sequence];
            len += payload.first_chunk_mut().map_or(0, |payload| answer.payload(payload).len());
        }
        let mut room = self.answer.iter_mut();
        encode_body(&mut body, len, |byte| {
            if let Some(place) = room.next() {
                *place = byte;
            }
        });
        self.len = ANSWER_BYTES - room.len();
        Some(event)
    }

    /// The answer to the last request, for the line.
    pub fn answer(&self) -> &[u8] {
        self.answer.get(..self.len).unwrap_or(&[])
    }
}

/// Does what is asked.
#[inline(never)]
fn handle<F: MappedFlash>(store: &mut Store<F>, request: Option<Request<'_>>) -> (Answer, Event) {
    let done = match request {
        None => Err(UpdateError::Frame),
        Some(Request::Report) => return (Answer::Report(store.report()), Event::Asked),
        Some(Request::Restart) => return (Answer::Done(0), Event::Restart),
        Some(Request::Begin { update, replace }) => store.begin(update, replace),
        // Two senders do not write into each other's update.
        Some(Request::Write { update, .. } | Request::Finish { update }) if !store.is_receiving(update) => {
            Err(UpdateError::NotBegun)
        }
        Some(Request::Write { offset, chunk, .. }) => store.write(offset, chunk),
        Some(Request::Finish { .. }) => match store.finish() {
            Ok(()) => return (Answer::Done(store.report().received), Event::Finished),
            Err(error) => Err(error),
        },
    };
    match done {
        Ok(received) => (Answer::Done(received), Event::Received(received)),
        Err(error) => (Answer::Refused(error), Event::Refused(error)),
    }
}
