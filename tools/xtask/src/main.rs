//! The repository's chores: `cargo xtask demo` shows what Leafgate does, `cargo xtask test` runs every test.
//!
//! Each chore says every thing it does before it does it, and installs or names what is missing. What needs the project's own
//! crates is done by the `leafgate` command, so that a reader can repeat each step by hand.

mod bench;
mod demo;
mod interop;
mod setup;
mod shell;
mod test;
mod zoo;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The repository's chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Converts the three networks of the zoo, boots each on an emulated Cortex-M4 and classifies 1,797 digits there.
    Demo,
    /// Runs every test: formatting, lints, documentation, host, emulated machines, packaging.
    Test,
    /// Installs what the others need: Rust targets and QEMU.
    Setup,
    /// Measures every op and network on every machine, and writes `docs/bench`.
    Bench(bench::Arguments),
    /// Compares importers with the packages that models come from, in a Python environment that it makes.
    Interop(interop::Arguments),
    /// Makes the images of the zoo from their weights again.
    Zoo(zoo::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().chore {
        Chore::Demo => setup::run().and_then(|()| demo::run()),
        Chore::Test => setup::run().and_then(|()| test::run()),
        Chore::Setup => setup::run(),
        Chore::Bench(arguments) => setup::run().and_then(|()| bench::run(&arguments)),
        Chore::Interop(arguments) => interop::run(&arguments),
        Chore::Zoo(arguments) => zoo::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.code)
        }
    }
}
