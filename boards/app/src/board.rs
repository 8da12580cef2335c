//! What the application needs of a board.

use core::ops::Range;
use leafgate_board_support::ExitCode;
use leafgate_board_support::clock::Clock;

/// A board. Its log is defmt's global logger, which the board's crate links.
pub trait Board {
    /// Name of the machine.
    const NAME: &'static str;
    /// Its processor core.
    const CORE: &'static str;
    /// The tick counter that measurements use.
    type Clock: Clock;

    /// The model partition, 16-aligned.
    fn model() -> &'static [u8];
    /// The samples partition, 16-aligned.
    fn samples() -> &'static [u8];
    /// The stack region: its lowest address, and the one above its highest.
    fn stack() -> Range<usize>;
    /// Ends the program.
    fn exit(code: ExitCode) -> !;
}
