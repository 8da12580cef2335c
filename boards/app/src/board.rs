//! What the application needs of a board.

use core::ops::Range;
use leafgate_board_support::ExitCode;
use leafgate_board_support::clock::Clock;
use leafgate_board_support::flash::MemoryFlash;
use leafgate_board_support::uart::Uart;
use leafgate_store::MappedFlash;

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

/// A board that takes updates.
pub trait UpdatedBoard: Board {
    /// Where slots and journal are, from offset 0 on.
    type Flash: MappedFlash + New;
    /// Where updates come in.
    type Port: Uart;
}

/// What there is one of.
pub trait New {
    /// Takes it.
    fn new() -> Self;
}

impl<const BASE: usize, const BYTES: usize> New for MemoryFlash<BASE, BYTES> {
    fn new() -> Self {
        MemoryFlash::new()
    }
}
