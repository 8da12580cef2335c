//! Runs a firmware in QEMU and prints its log: by hand, or as cargo's runner.

use clap::Parser;
use leafgate_emulate::{EmulateError, Emulation, Machine, machine_of, machines};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Run a firmware in QEMU, print its decoded log and pass its exit code on.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The firmware, an ELF file
    #[arg(required_unless_present = "list")]
    firmware: Option<PathBuf>,
    /// The machine to run it on; without it, the one that the firmware was linked for
    #[arg(long)]
    machine: Option<String>,
    /// An image for the model partition
    #[arg(long)]
    image: Option<PathBuf>,
    /// A samples region for the samples partition
    #[arg(long)]
    samples: Option<PathBuf>,
    /// End it after this many seconds
    #[arg(long, default_value_t = 60)]
    timeout: u64,
    /// List the machines
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}\n  hint: {}", error.hint());
            ExitCode::from(exit_code(&error))
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, EmulateError> {
    let Some(firmware) = arguments.firmware.as_ref().filter(|_| !arguments.list) else {
        list();
        return Ok(ExitCode::SUCCESS);
    };
    let machine = match &arguments.machine {
        Some(name) => Machine::by_name(name)?,
        None => machine_of(firmware)?,
    };
    let mut emulation = Emulation::new(machine, firmware).timeout(Duration::from_secs(arguments.timeout));
    if let Some(image) = &arguments.image {
        emulation = emulation.image(image);
    }
    if let Some(samples) = &arguments.samples {
        emulation = emulation.samples_file(samples);
    }
    let outcome = emulation.on_line(|line| println!("{line}")).run()?;
    if !outcome.exit.is_success() {
        eprintln!("{}: {}", machine.name, outcome.exit);
    }
    Ok(ExitCode::from(outcome.exit.code().clamp(0, 255) as u8))
}

fn list() {
    for machine in machines() {
        println!("{:14} {:11} {}", machine.name, machine.core, machine.target);
    }
}

/// The project's codes for what is wrong before a firmware has an opinion; its own begin at 10.
fn exit_code(error: &EmulateError) -> u8 {
    match error {
        EmulateError::UnknownMachine { .. } => 2,
        EmulateError::TooLarge { .. } => 4,
        EmulateError::EmulatorMissing { .. } => 6,
        EmulateError::Timeout { .. } | EmulateError::Emulator { .. } | EmulateError::ClockOff { .. } => 7,
        EmulateError::Undecodable { .. } | EmulateError::Unexpected { .. } | EmulateError::Profile { .. } => 70,
        _ => 3,
    }
}
