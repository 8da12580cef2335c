//! The CMSDK APB UART of Arm's FPGA images.

use super::Uart;
use crate::registers::{read, write};

const DATA: usize = 0x0;
const STATE: usize = 0x4;
const CTRL: usize = 0x8;
const BAUDDIV: usize = 0x10;
const TX_FULL: u32 = 1;
const RX_FULL: u32 = 2;
/// Transmitter and receiver, no interrupts.
const CTRL_ENABLE: u32 = 0b11;
/// 25 MHz by 217 is 115,200 bits a second, within 0.01 %.
const DIVISOR: u32 = 217;

/// The CMSDK APB UART at `BASE`.
pub struct Cmsdk<const BASE: usize>;

impl<const BASE: usize> Uart for Cmsdk<BASE> {
    fn new() -> Self {
        // SAFETY: BASE is this port's by the board table; nothing else uses the port.
        unsafe {
            write(BASE + BAUDDIV, DIVISOR);
            write(BASE + CTRL, CTRL_ENABLE);
            // What came in before is for nobody; and the emulator offers more once something was taken.
            read(BASE + DATA);
        }
        Self
    }

    fn take(&mut self) -> Option<u8> {
        // SAFETY: as in `new`.
        unsafe { (read(BASE + STATE) & RX_FULL != 0).then(|| read(BASE + DATA) as u8) }
    }

    fn give(&mut self, byte: u8) -> bool {
        // SAFETY: as in `new`.
        unsafe {
            let has_room = read(BASE + STATE) & TX_FULL == 0;
            if has_room {
                write(BASE + DATA, byte.into());
            }
            has_room
        }
    }
}
