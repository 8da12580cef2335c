//! A general-purpose 32-bit timer of the STM32 (TIM2 or TIM5), counting up.
//!
//! The emulator clocks it at 1 GHz, hence the prescaler as a parameter: the counter advances once in `PRESCALER` clocks.

use super::Clock;
use crate::registers::{read, write};

const CR1: usize = 0x00;
const DIER: usize = 0x0C;
const SR: usize = 0x10;
const EGR: usize = 0x14;
const CNT: usize = 0x24;
const PSC: usize = 0x28;
const ARR: usize = 0x2C;
/// APB1 peripheral clock enable register of the F4 reset and clock controller.
const RCC_APB1ENR: usize = 0x4002_3840;

/// The timer TIM2 at `BASE`, with a prescaler of `PRESCALER`.
pub struct Stm32<const BASE: usize, const PRESCALER: u32>;

impl<const BASE: usize, const PRESCALER: u32> Clock for Stm32<BASE, PRESCALER> {
    fn init() {
        // SAFETY: BASE is this timer's by the board table and RCC_APB1ENR is the F4's; nothing else uses them.
        unsafe {
            write(RCC_APB1ENR, 1);
            write(BASE + PSC, PRESCALER - 1);
            write(BASE + ARR, u32::MAX);
            write(BASE + EGR, 1);
            write(BASE + DIER, 1);
            write(BASE + CR1, 1);
        }
    }

    #[inline(always)]
    fn start() {
        // SAFETY: as in `init`.
        unsafe {
            write(BASE + SR, 0);
            write(BASE + CNT, 0);
        }
    }

    #[inline(always)]
    fn elapsed() -> Option<u32> {
        // SAFETY: as in `init`.
        let (value, wrapped) = unsafe { (read(BASE + CNT), read(BASE + SR)) };
        if wrapped & 1 == 0 { Some(value) } else { None }
    }
}
