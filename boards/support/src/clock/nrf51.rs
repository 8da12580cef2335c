//! A TIMER of the nRF51: 32 bits at 16 MHz. A compare event at half its range marks an overrun: the emulator does not raise
//! one at the highest value.

use super::Clock;
use crate::registers::{read, write};

const TASKS_START: usize = 0x000;
const TASKS_CLEAR: usize = 0x00C;
const TASKS_CAPTURE_0: usize = 0x040;
const EVENTS_COMPARE_1: usize = 0x144;
const BITMODE: usize = 0x508;
const PRESCALER: usize = 0x510;
const CC_0: usize = 0x540;
const CC_1: usize = 0x544;
const BITMODE_32: u32 = 3;
const LIMIT: u32 = 1 << 31;

/// The nRF51 TIMER at `BASE`.
pub struct Nrf51<const BASE: usize>;

impl<const BASE: usize> Clock for Nrf51<BASE> {
    fn init() {
        // SAFETY: BASE is this timer's by the board table; nothing else uses the timer.
        unsafe {
            write(BASE + BITMODE, BITMODE_32);
            write(BASE + PRESCALER, 0);
            write(BASE + CC_1, LIMIT);
            write(BASE + TASKS_START, 1);
        }
    }

    #[inline(always)]
    fn start() {
        // SAFETY: as in `init`.
        unsafe {
            write(BASE + EVENTS_COMPARE_1, 0);
            write(BASE + TASKS_CLEAR, 1);
        }
    }

    #[inline(always)]
    fn elapsed() -> Option<u32> {
        // SAFETY: as in `init`.
        let (value, wrapped) = unsafe {
            write(BASE + TASKS_CAPTURE_0, 1);
            (read(BASE + CC_0), read(BASE + EVENTS_COMPARE_1))
        };
        if wrapped == 0 { Some(value) } else { None }
    }
}
