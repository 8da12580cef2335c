//! Main programs: a binary of a board package is one line.

/// The main program of a machine: the application, with an arena of the size the board table says.
#[macro_export]
macro_rules! application {
    ($machine:path) => {
        $crate::main_program!($machine, $crate::main);
    };
}

/// A main program that does on request what must not happen in the application.
#[macro_export]
macro_rules! trials {
    ($machine:path) => {
        $crate::main_program!($machine, $crate::trials::run);
    };
}

/// The main program of a machine that takes updates over its serial port.
#[macro_export]
macro_rules! updates {
    ($machine:path) => {
        $crate::main_program!($machine, $crate::update::run);
    };
}

/// A main program for a machine; on the host one that says so.
#[doc(hidden)]
#[macro_export]
macro_rules! main_program {
    ($machine:path, $($run:tt)+) => {
        #[cfg(target_os = "none")]
        #[$crate::support::rt::entry]
        fn main() -> ! {
            use $machine as Machine;
            static ARENA: $crate::support::ArenaCell<{ Machine::ARENA_BYTES }> = $crate::support::ArenaCell::new();
            $($run)+::<Machine>(ARENA.take())
        }

        #[cfg(not(target_os = "none"))]
        fn main() {
            eprintln!("this program runs on the machine, not on the host: see `leafgate-emulate --help`");
        }
    };
}
