//! The CMSDK APB timer of Arm's FPGA images: 32 bits, counts down at the system clock.

use super::Clock;
use crate::registers::{read, write};

const CTRL: usize = 0x0;
const VALUE: usize = 0x4;
const RELOAD: usize = 0x8;
const INTSTATUS: usize = 0xC;
/// Enabled, and wraps set the status bit (no interrupt is enabled in the processor).
const CTRL_ENABLE_STATUS: u32 = 0b1001;

/// The CMSDK APB timer at `BASE`.
pub struct Cmsdk<const BASE: usize>;

impl<const BASE: usize> Clock for Cmsdk<BASE> {
    fn init() {
        // SAFETY: BASE is this timer's by the board table; nothing else uses the timer.
        unsafe {
            write(BASE + RELOAD, u32::MAX);
            write(BASE + CTRL, CTRL_ENABLE_STATUS);
        }
    }

    #[inline(always)]
    fn start() {
        // SAFETY: as in `init`.
        unsafe {
            write(BASE + INTSTATUS, 1);
            write(BASE + VALUE, u32::MAX);
        }
    }

    #[inline(always)]
    fn elapsed() -> Option<u32> {
        // SAFETY: as in `init`.
        let (value, wrapped) = unsafe { (read(BASE + VALUE), read(BASE + INTSTATUS)) };
        if wrapped & 1 == 0 { Some(u32::MAX - value) } else { None }
    }
}
