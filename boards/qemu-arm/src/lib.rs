//! The application on emulated Arm machines.
//!
//! Everything a machine is stands in `board.toml`; the build script turns it into one type per machine (a
//! `leafgate_app::Board`) and a linker script per binary. A binary is a line: `application!(Microbit);`, or for
//! tests of the machine itself `trials!(Microbit);`.
#![cfg_attr(target_os = "none", no_std)]

#[cfg(target_os = "none")]
mod machine {
    use leafgate_app::Board;
    use leafgate_board_support::clock::{Cmsdk, Nrf51, Sse, Stm32};
    use leafgate_board_support::{ExitCode, partition};

    include!(concat!(env!("OUT_DIR"), "/machines.rs"));
}

#[cfg(target_os = "none")]
pub use {leafgate_app as app, leafgate_board_support as support, machine::*};

/// The main program of a machine: the application, with an arena of the size the board table says.
#[macro_export]
macro_rules! application {
    ($machine:ident) => {
        $crate::main_program!($machine, $crate::app::run);
    };
}

/// A main program that does on request what must not happen in the application.
#[macro_export]
macro_rules! trials {
    ($machine:ident) => {
        $crate::main_program!($machine, $crate::app::trials::run);
    };
}

/// A main program for a machine; on the host one that says so.
#[doc(hidden)]
#[macro_export]
macro_rules! main_program {
    ($machine:ident, $($run:tt)+) => {
        #[cfg(target_os = "none")]
        #[$crate::support::rt::entry]
        fn main() -> ! {
            static ARENA: $crate::support::ArenaCell<{ $crate::$machine::ARENA_BYTES }> =
                $crate::support::ArenaCell::new();
            $($run)+::<$crate::$machine>(ARENA.take())
        }

        #[cfg(not(target_os = "none"))]
        fn main() {
            eprintln!("this program runs on the machine, not on the host: see `leafgate-emulate --help`");
        }
    };
}
