//! The system counter of Arm's SSE-300 subsystem: 64 bits at the system clock. Its control frame lets it be set to zero only
//! while stopped, so a measurement stops, clears and restarts it.

use super::Clock;
use crate::registers::{read, write};

const CNTCR: usize = 0x0;
const CNTCV_LO: usize = 0x8;
const CNTCV_HI: usize = 0xC;

/// The system counter whose control frame is at `BASE`.
pub struct Sse<const BASE: usize>;

impl<const BASE: usize> Clock for Sse<BASE> {
    fn init() {
        // SAFETY: BASE is the counter's control frame by the board table; nothing else uses the counter.
        unsafe { write(BASE + CNTCR, 1) }
    }

    #[inline(always)]
    fn start() {
        // SAFETY: as in `init`.
        unsafe {
            write(BASE + CNTCR, 0);
            write(BASE + CNTCV_HI, 0);
            write(BASE + CNTCV_LO, 0);
            write(BASE + CNTCR, 1);
        }
    }

    #[inline(always)]
    fn elapsed() -> Option<u32> {
        // SAFETY: as in `init`. The low word is read first: if it wraps in between, the high word tells.
        let (low, high) = unsafe { (read(BASE + CNTCV_LO), read(BASE + CNTCV_HI)) };
        if high == 0 { Some(low) } else { None }
    }
}
