//! The command line.

use clap::{ColorChoice, Parser, Subcommand};

use crate::exit;
use crate::output::Format;
use crate::verb::{
    boards, check, completions, compress, convert, emit, emulate, inspect, keygen, run, sign, train, update, verify,
};

const EXAMPLES: &str = "\
Examples:
  leafgate convert weights.safetensors -o digits.leaf --calib train.csv.gz --board microbit
  leafgate inspect digits.leaf --ops
  leafgate run digits.leaf --input test.csv.gz --limit 10
  leafgate emulate digits.leaf --machine microbit --samples test.csv.gz --limit 100";

/// Neural networks that skip work, on microcontrollers: train, convert, check, inspect, run and emulate them.
#[derive(Debug, Parser)]
#[command(name = "leafgate", version, max_term_width = 110)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", exit::HELP))]
pub struct Cli {
    /// How results and errors are written
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// No notes and no progress, only results, warnings and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// When to use colours; NO_COLOR is respected
    #[arg(long, global = true, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Train the network of a recipe
    Train(train::Arguments),
    /// Convert a trained network to an image
    Convert(Box<convert::Arguments>),
    /// Make a trained network smaller or let it skip work, by a pipeline of passes
    Compress(compress::Arguments),
    /// Prove an image: engine against reference, no overflow, fits the board
    Check(check::Arguments),
    /// Show what is in an image and what it costs
    Inspect(inspect::Arguments),
    /// Run an image on this computer
    Run(run::Arguments),
    /// Write an image as a Rust module that needs no runtime
    Emit(emit::Arguments),
    /// Run an image on an emulated microcontroller and compare, bit by bit
    Emulate(emulate::Arguments),
    /// Make a pair of keys to sign images with
    Keygen(keygen::Arguments),
    /// Sign an image, for devices that ask for it
    Sign(sign::Arguments),
    /// Verify the signature of an image
    Verify(verify::Arguments),
    /// Send an image to a device, which tries it and keeps it or falls back
    Update(update::Arguments),
    /// List the boards
    Boards(boards::Arguments),
    /// Print a completion script for a shell
    Completions(completions::Arguments),
}
