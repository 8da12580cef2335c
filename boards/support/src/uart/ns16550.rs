//! The 16550, with registers of a byte each.

use super::Uart;
use crate::registers::{read_byte, write_byte};

/// Received and sent bytes.
const DATA: usize = 0;
const FIFO_CONTROL: usize = 2;
const LINE_STATUS: usize = 5;
const DATA_READY: u8 = 1;
const HOLDING_EMPTY: u8 = 0x20;

/// The 16550 at `BASE`, at the rate that it has.
pub struct Ns16550<const BASE: usize>;

impl<const BASE: usize> Uart for Ns16550<BASE> {
    fn new() -> Self {
        // SAFETY: BASE is this port's by the board table; nothing else uses the port.
        unsafe {
            write_byte(BASE + FIFO_CONTROL, 1);
            // What came in before is for nobody; and the emulator offers more once something was taken.
            read_byte(BASE + DATA);
        }
        Self
    }

    fn take(&mut self) -> Option<u8> {
        // SAFETY: as in `new`.
        unsafe { (read_byte(BASE + LINE_STATUS) & DATA_READY != 0).then(|| read_byte(BASE + DATA)) }
    }

    fn give(&mut self, byte: u8) -> bool {
        // SAFETY: as in `new`.
        unsafe {
            let has_room = read_byte(BASE + LINE_STATUS) & HOLDING_EMPTY != 0;
            if has_room {
                write_byte(BASE + DATA, byte);
            }
            has_room
        }
    }
}
