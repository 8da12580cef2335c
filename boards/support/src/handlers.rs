//! What happens when something goes wrong beneath the application: one line of log, then an exit code of its own.
//!
//! The panic message itself is not logged, only its place: formatting it would link `core::fmt` into every firmware.

use crate::{ExitCode, exit};
use core::sync::atomic::{AtomicBool, Ordering};

/// Set by the first handler that runs. A second one (a fault while logging a fault) exits without a word.
static HANDLING: AtomicBool = AtomicBool::new(false);

/// Whether this is the first trouble, so that logging may be tried.
fn first() -> bool {
    let first = !HANDLING.load(Ordering::Relaxed);
    HANDLING.store(true, Ordering::Relaxed);
    first
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    if first() {
        match info.location() {
            Some(at) => defmt::error!("panic at {=str}:{=u32}:{=u32}", at.file(), at.line(), at.column()),
            None => defmt::error!("panic at an unknown place"),
        }
    }
    exit(ExitCode::Panic)
}

#[cfg(target_arch = "arm")]
mod arm {
    use super::{ExitCode, exit, first};
    use cortex_m_rt::{ExceptionFrame, exception};

    // SAFETY: `exception` checks the signature; the handler only reads the frame the processor stacked and never returns.
    #[exception]
    unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
        if first() {
            defmt::error!(
                "fault: HardFault at pc {=u32:#010x}, lr {=u32:#010x}, xpsr {=u32:#010x}",
                frame.pc(),
                frame.lr(),
                frame.xpsr()
            );
        }
        exit(ExitCode::Fault)
    }

    // SAFETY: `exception` checks the signature; the handler never returns.
    #[exception]
    unsafe fn DefaultHandler(irqn: i16) -> ! {
        if first() {
            defmt::error!("fault: unhandled exception or interrupt {=i16}", irqn);
        }
        exit(ExitCode::Fault)
    }
}

#[cfg(target_arch = "riscv32")]
mod riscv {
    use super::{ExitCode, exit, first};
    use ::riscv::register::{mcause, mepc, mtval};

    /// Logs and exits; the runtime calls it for exceptions without a handler of their own.
    // SAFETY: the name is the one `riscv-rt` links for unhandled exceptions, and nothing else defines it.
    #[unsafe(export_name = "ExceptionHandler")]
    extern "C" fn exception(_frame: &riscv_rt::TrapFrame) -> ! {
        trap()
    }

    /// Logs and exits; the runtime calls it for interrupts without a handler of their own.
    // SAFETY: the name is the one `riscv-rt` links for unhandled interrupts, and nothing else defines it.
    #[unsafe(export_name = "DefaultHandler")]
    extern "C" fn interrupt() -> ! {
        trap()
    }

    fn trap() -> ! {
        if first() {
            defmt::error!(
                "fault: trap, mcause {=usize:#x} at pc {=usize:#010x}, mtval {=usize:#010x}",
                mcause::read().bits(),
                mepc::read(),
                mtval::read()
            );
        }
        exit(ExitCode::Fault)
    }
}
