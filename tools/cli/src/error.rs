//! Errors as people and scripts read them: a code that never changes its meaning, what is wrong, where, the figures, and what
//! to do about it.
//!
//! ```text
//! error[E0105]: tensor `fff.w1s` of layer 0 (fff) has shape [8, 64, 3], wanted (2^d = 8, I = 64, l = 4)
//!   --> weights.safetensors
//!    = hint: check the layer's sizes; docs/graph-format.md lists the shape of every tensor
//! ```
//! The libraries below have one error type each; this is where they become one.

use std::path::Path;

use anstyle::{AnsiColor, Style};
use leafgate::{Defect, ParseError, Place};
use leafgate_convert::ConvertError;
use leafgate_convert::check::CheckError;
use leafgate_convert::error::layer_named;
use leafgate_convert::host::HostError;
use leafgate_emulate::EmulateError;
use leafgate_update::signing::SignError;
use serde::Serialize;

use crate::exit::Exit;

/// Why a command did not succeed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failure {
    /// Stable: `E` and four digits.
    pub code: &'static str,
    /// The process exit code.
    #[serde(serialize_with = "exit_number")]
    pub exit: Exit,
    /// What is wrong.
    pub message: String,
    /// File, and what within it.
    pub place: Option<String>,
    /// Figures, one a line.
    pub facts: Vec<String>,
    /// What to do.
    pub hints: Vec<String>,
}

fn exit_number<S: serde::Serializer>(exit: &Exit, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(*exit as u8)
}

impl Failure {
    /// An error without place, facts or hints.
    pub fn new(code: &'static str, exit: Exit, message: impl Into<String>) -> Self {
        Self { code, exit, message: message.into(), place: None, facts: Vec::new(), hints: Vec::new() }
    }

    /// A command line that makes no sense.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new("E0001", Exit::Usage, message)
    }

    /// A file that cannot be read.
    pub fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self::new("E0101", Exit::Input, format!("cannot read the file: {error}"))
            .at(path)
            .hint("check the path and its permissions")
    }

    /// Says where. The innermost place is named last: `file, layer`.
    #[must_use]
    pub fn at(mut self, path: &Path) -> Self {
        let path = path.display().to_string();
        self.place = Some(match self.place.take() {
            Some(place) if place.starts_with(&path) => place,
            Some(place) => format!("{path}, {place}"),
            None => path,
        });
        self
    }

    fn within(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Adds a figure.
    #[must_use]
    pub fn fact(mut self, fact: impl Into<String>) -> Self {
        self.facts.push(fact.into());
        self
    }

    /// Adds advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// As text, with colours; a stream that cannot show them strips them.
    pub fn render(&self) -> String {
        let red = Style::new().fg_color(Some(AnsiColor::Red.into())).bold();
        let blue = Style::new().fg_color(Some(AnsiColor::Blue.into())).bold();
        let bold = Style::new().bold();
        let mut text = format!("{red}error[{}]{red:#}{bold}: {}{bold:#}\n", self.code, self.message);
        if let Some(place) = &self.place {
            text += &format!("  {blue}-->{blue:#} {place}\n");
        }
        for fact in &self.facts {
            text += &format!("   {blue}={blue:#} {fact}\n");
        }
        for hint in &self.hints {
            let hint = hint.trim_end().replace('\n', "\n     ");
            text += &format!("   {blue}={blue:#} {bold}hint{bold:#}: {hint}\n");
        }
        text
    }
}

impl From<ConvertError> for Failure {
    fn from(error: ConvertError) -> Self {
        let exit = match &error {
            ConvertError::Overflow { .. } | ConvertError::TooLarge { .. } => Exit::DoesNotFit,
            ConvertError::Check { .. } => Exit::Internal,
            _ => Exit::Input,
        };
        let (code, hint) = (error.code(), error.hint());
        let new = |message: String| Self::new(code, exit, message).hint(hint);
        // Where the place is known it goes on its own line instead of into the sentence.
        match &error {
            ConvertError::Io { path, source } => Self::unreadable(path, source),
            ConvertError::Unreadable { path, why } => new(why.clone()).at(path),
            ConvertError::Unknown { layer, what, have, want } => {
                new(format!("unknown {what} `{have}`, wanted one of: {want}")).within(layer_named(layer))
            }
            ConvertError::Range { place, what, want, have } => {
                new(format!("{what} is {have}, wanted {want}")).within(place.clone())
            }
            ConvertError::Unsaid { place, what, want } => {
                new(format!("{what} must be given, wanted {want}")).within(place.clone())
            }
            ConvertError::Overflow { place, row, want, have } => {
                new(format!("the accumulator of row {row} could reach {have}, wanted at most {want}"))
                    .within(place.clone())
            }
            ConvertError::TooLarge { place, what, want, have } => {
                new(format!("{what} is {have}, the limit is {want}")).within(place.clone())
            }
            other => new(other.to_string()),
        }
    }
}

impl From<ParseError> for Failure {
    fn from(error: ParseError) -> Self {
        let ParseError { defect, place, at, want, have } = error;
        let place = match place {
            Place::Header => "header".into(),
            Place::Section(kind) => format!("section of kind {kind}"),
            Place::Op(i) => format!("op {i}"),
            Place::Tensor(i) => format!("tensor {i}"),
            Place::Range(i) => format!("range {i}"),
            _ => "image".into(),
        };
        let figures = match defect {
            Defect::Magic | Defect::Checksum | Defect::Features => format!("want {want:#010x}, have {have:#010x}"),
            _ => format!("want {want}, have {have}"),
        };
        Self::new("E0301", Exit::Malformed, defect.describe())
            .within(format!("{place}, byte {at}"))
            .fact(figures)
            .hint(defect.hint())
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Parse(error) => error.into(),
            HostError::Input(error) => Self::new("E0304", Exit::Input, error.to_string())
                .hint("`leafgate inspect` shows what the network reads"),
            other => Self::new("E0901", Exit::Internal, other.to_string()),
        }
    }
}

impl From<CheckError> for Failure {
    fn from(error: CheckError) -> Self {
        let (code, hint) = (error.code(), error.hint());
        match error {
            CheckError::Engine(error) => error.into(),
            CheckError::Reference(_) => Self::new(code, Exit::Malformed, error.to_string()).hint(hint),
            CheckError::Sample { .. } => Self::new(code, Exit::Input, error.to_string()).hint(hint),
            CheckError::Difference { what, output, want, have } => {
                Self::new(code, Exit::Differs, "the engine gives another value than wanted")
                    .within(format!("{what}, output {output}"))
                    .fact(format!("want {want}, have {have}"))
                    .hint(hint)
            }
            _ => Self::new(code, Exit::Differs, error.to_string()).hint(hint),
        }
    }
}

impl From<EmulateError> for Failure {
    fn from(error: EmulateError) -> Self {
        let (code, exit) = match &error {
            EmulateError::UnknownMachine { .. } => ("E0002", Exit::Usage),
            EmulateError::EmulatorMissing { .. } => ("E0601", Exit::ToolMissing),
            EmulateError::Build { .. } => ("E0602", Exit::ToolMissing),
            EmulateError::FirmwareMissing { .. } | EmulateError::PluginMissing { .. } | EmulateError::NoWorkspace => {
                ("E0603", Exit::Input)
            }
            EmulateError::NoFirmware { .. } => ("E0604", Exit::Input),
            EmulateError::WrongMachine { .. } => ("E0605", Exit::Usage),
            EmulateError::UnequalSamples { .. } => ("E0304", Exit::Input),
            EmulateError::TooLarge { .. } => ("E0501", Exit::DoesNotFit),
            EmulateError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                ("E0606", Exit::ToolMissing)
            }
            EmulateError::Io { .. } => ("E0101", Exit::Input),
            EmulateError::Timeout { .. } => ("E0701", Exit::Device),
            _ => ("E0702", Exit::Device),
        };
        // What cargo says of the crates that did compile is of no help.
        let is_progress = |line: &&str| {
            ["Compiling ", "Downloading ", "Downloaded ", "Locking ", "Updating ", "Blocking "]
                .iter()
                .any(|word| line.trim_start().starts_with(word))
        };
        let hint: Vec<String> = error.hint().lines().filter(|line| !is_progress(line)).map(str::to_owned).collect();
        Self::new(code, exit, error.to_string()).hint(hint.join("\n"))
    }
}

impl From<SignError> for Failure {
    fn from(error: SignError) -> Self {
        let (code, exit, hint) = match &error {
            SignError::NoKey { .. } => (
                "E0311",
                Exit::Input,
                "`leafgate keygen NAME` writes NAME.key, to sign with, and NAME.pub, to verify with",
            ),
            SignError::Unsigned => {
                ("E0312", Exit::Malformed, "sign it: `leafgate sign IMAGE --key NAME.key --model-version N -o FILE`")
            }
            SignError::Random(_) => ("E0901", Exit::Internal, "keys need the system's random numbers"),
            _ => ("E0313", Exit::Malformed, "do not use the image: it is not what the owner of the key has signed"),
        };
        Self::new(code, exit, error.to_string()).hint(hint)
    }
}
