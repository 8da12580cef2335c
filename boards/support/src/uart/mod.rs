//! Serial ports: one file per peripheral. They are asked, not interrupted: whoever sends waits for an answer.

mod cmsdk;
mod ns16550;

pub use cmsdk::Cmsdk;
pub use ns16550::Ns16550;

use core::convert::Infallible;

/// A serial port that moves single bytes.
pub trait Uart {
    /// Sets it up.
    fn new() -> Self;

    /// The byte that has come in, if one has.
    fn take(&mut self) -> Option<u8>;

    /// Sends a byte, if there is room.
    fn give(&mut self, byte: u8) -> bool;
}

/// A [`Uart`] as a stream.
pub struct Port<U>(pub U);

impl<U> embedded_io::ErrorType for Port<U> {
    type Error = Infallible;
}

impl<U: Uart> embedded_io::Read for Port<U> {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Infallible> {
        let Some(first) = bytes.first_mut() else { return Ok(0) };
        loop {
            if let Some(byte) = self.0.take() {
                *first = byte;
                return Ok(1);
            }
        }
    }
}

impl<U: Uart> embedded_io::Write for Port<U> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        let Some(&first) = bytes.first() else { return Ok(0) };
        while !self.0.give(first) {}
        Ok(1)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
