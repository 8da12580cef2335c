//! `leafgate completions`: for the shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::output::Done;

const EXAMPLES: &str = "\
Examples:
  leafgate completions bash > ~/.local/share/bash-completion/completions/leafgate
  leafgate completions zsh > ~/.zfunc/_leafgate
  leafgate completions fish > ~/.config/fish/completions/leafgate.fish";

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

/// Runs the verb. A script is a script in every format.
pub fn run(arguments: &Arguments) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "leafgate", &mut script);
    Done { text: String::from_utf8_lossy(&script).into_owned(), failure: None }
}
