//! The receiver on a serial port, or on any other stream of `embedded-io`.

use embedded_io::{Read, Write};

use crate::layout::MappedFlash;
use crate::receiver::{Event, Receiver};
use crate::store::Store;

/// Bytes that are taken from the port at once.
const READ_BYTES: usize = 16;

/// Takes what has come in, waiting for at least a byte, and answers. Gives the last thing that has happened, if anything has: after
/// [`Event::Restart`] the application resets. To do something else while nothing comes in, ask the port beforehand (`embedded_io::ReadReady`).
///
/// # Errors
/// Those of the port. What has come in by then is not lost, and the sender repeats what was not answered.
pub fn serve<F: MappedFlash, P: Read + Write>(
    receiver: &mut Receiver,
    store: &mut Store<F>,
    port: &mut P,
) -> Result<Option<Event>, P::Error> {
    let mut bytes = [0; READ_BYTES];
    let count = port.read(&mut bytes)?;
    let mut last = None;
    for &byte in bytes.get(..count).unwrap_or(&[]) {
        if let Some(event) = receiver.push(store, byte) {
            port.write_all(receiver.answer())?;
            port.flush()?;
            last = Some(event);
        }
    }
    Ok(last)
}
