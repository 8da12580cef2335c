//! boot
use crate::Board;
use leafgate_board_support::clock::{self, Clock as _, LOOP_INSNS};
use leafgate_board_support::{ExitCode, GuardedArena};

/// Runs the application to its end.
pub fn run<B: Board>(_arena: GuardedArena) -> ! {
    defmt::info!("leafgate-app {=str} on {=str} ({=str})", env!("CARGO_PKG_VERSION"), B::NAME, B::CORE);
    B::Clock::init();
    match clock::probe::<B::Clock>() {
        Some(p) => defmt::info!("clock: empty region {=u32} ticks, {=u32} insns {=u32} ticks", p.empty_ticks, LOOP_INSNS, p.loop_ticks),
        None => B::exit(ExitCode::ClockFailed),
    }
    B::exit(ExitCode::Success)
}
