//! The application on the emulated RISC-V machine.
//!
//! Everything a machine is stands in `board.toml`; the build script turns it into one type per machine (a
//! `leafgate_app::Board`) and a linker script per binary. A binary is a line:
//! `leafgate_app::application!(leafgate_qemu_riscv::Virt);`, or `trials!` for tests of the machine itself.
#![cfg_attr(target_os = "none", no_std)]

#[cfg(target_os = "none")]
mod machine {
    use leafgate_app::Board;
    use leafgate_board_support::clock::Minstret;
    use leafgate_board_support::{ExitCode, partition};

    include!(concat!(env!("OUT_DIR"), "/machines.rs"));
}

#[cfg(target_os = "none")]
pub use machine::*;
