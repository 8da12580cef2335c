//! The `leafgate` command.
//!
//! One file per verb under `verb`; a verb computes a whole result or an error, and [`output`] writes it. Exit codes are in
//! [`exit`], the shape of errors in [`error`], output files in [`mod@file`].

mod board;
mod cli;
mod error;
mod exit;
mod file;
mod module;
mod network;
mod output;
mod samples;
mod section;
mod shortfall;
mod stages;
mod verb;

use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};

use clap::error::ErrorKind;
use clap::{ColorChoice, Parser};

use cli::{Cli, Verb};
use error::Failure;
use exit::Exit;
use output::{Done, Format, Talk};

fn main() -> ExitCode {
    file::finish_writes_on_interrupt();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse_command_line(&error).into(),
    };
    anstream::ColorChoice::write_global(match cli.color {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    });
    let talk = Talk::new(cli.format, cli.quiet);
    std::panic::set_hook(Box::new(|panic| *last_words() = panic.to_string()));
    let outcome = std::panic::catch_unwind(|| run(&cli.verb, talk));
    talk.finish(outcome.unwrap_or_else(|_| Err(internal(&last_words())))).into()
}

fn run(verb: &Verb, talk: Talk) -> Result<Done, Failure> {
    match verb {
        Verb::Train(arguments) => verb::train::run(arguments, talk),
        Verb::Convert(arguments) => verb::convert::run(arguments, talk),
        Verb::Compress(arguments) => verb::compress::run(arguments, talk),
        Verb::Check(arguments) => verb::check::run(arguments, talk),
        Verb::Inspect(arguments) => verb::inspect::run(arguments, talk),
        Verb::Run(arguments) => verb::run::run(arguments, talk),
        Verb::Emit(arguments) => verb::emit::run(arguments, talk),
        Verb::Emulate(arguments) => verb::emulate::run(arguments, talk),
        Verb::Keygen(arguments) => verb::keygen::run(arguments, talk),
        Verb::Sign(arguments) => verb::sign::run(arguments, talk),
        Verb::Verify(arguments) => verb::verify::run(arguments, talk),
        Verb::Update(arguments) => verb::update::run(arguments, talk),
        Verb::Boards(arguments) => verb::boards::run(arguments, talk),
        Verb::Completions(arguments) => Ok(verb::completions::run(arguments)),
    }
}

/// Help and version are no errors; what is one is said in the format asked for.
fn refuse_command_line(error: &clap::Error) -> Exit {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A closed standard output is no error.
        let _ = error.print();
        return Exit::Ok;
    }
    let words: Vec<String> = std::env::args().collect();
    let json =
        words.iter().any(|word| word == "--format=json") || words.windows(2).any(|two| two == ["--format", "json"]);
    if json {
        let text = error.render().to_string();
        let message = text.trim().trim_start_matches("error: ");
        Talk::new(Format::Json, true).fail(&Failure::usage(message));
    } else {
        let _ = error.print();
    }
    Exit::Usage
}

/// What the last panic said: kept instead of printed, so that it is part of the error in every format.
fn last_words() -> MutexGuard<'static, String> {
    static LAST_WORDS: Mutex<String> = Mutex::new(String::new());
    LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn internal(panic: &str) -> Failure {
    Failure::new("E0901", Exit::Internal, "leafgate has failed: this is a defect")
        .fact(panic.replace('\n', " "))
        .hint("please report this with the command line and its files")
}
