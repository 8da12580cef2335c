//! A network as a Rust module: written, and if asked for, built for a board and counted beside the interpreter.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use leafgate_convert::emit::{EmitError, EmitOptions, Emitted, Rows, emit};
use leafgate_convert::host::{HostEngine, HostOutput};
use leafgate_emulate::{
    CrateSizes, Emulation, Machine, Outcome, Sizes, build_compiled, build_firmware_for, workspace_root,
};
use serde::Serialize;

use crate::error::Failure;
use crate::exit::Exit;
use crate::file::Target;
use crate::output::{Lines, Talk, grouped};
use crate::section;

/// What a module is made with.
#[derive(Clone, Copy, Debug, Args)]
pub struct ModuleArguments {
    /// Bytes that straight-line code of gates may take in a Rust module; the rest are tables
    #[arg(long, value_name = "BYTES", default_value_t = EmitOptions::default().unroll_bytes)]
    pub unroll_bytes: usize,
    /// Build the Rust module for the board, run it in QEMU beside the interpreter, and compare outputs, instructions and bytes
    #[arg(long, requires = "board")]
    pub measure: bool,
}

/// What the report says of a module.
#[derive(Debug, Serialize)]
pub struct ModuleReport {
    module: String,
    source_bytes: usize,
    /// Weights and tables, golden vectors not included.
    constant_bytes: usize,
    state_bytes: usize,
    /// Words of 32 gates or thresholds, and those of them in straight-line code.
    words: usize,
    unrolled_words: usize,
    measured: Option<Measured>,
}

/// The two forms on a board.
#[derive(Debug, Serialize)]
struct Measured {
    board: String,
    /// Inputs, on which the two and the host agree.
    inputs: usize,
    compiled: Form,
    interpreted: Form,
}

/// A form on a board. What the compiler's own routines take is in neither.
#[derive(Debug, Serialize)]
struct Form {
    /// Functions of the module, or of the runtime.
    text_bytes: u64,
    /// Constants of the module with its golden vectors, or the image.
    constant_bytes: u64,
    /// Arena, or state.
    memory_bytes: usize,
    /// Of a run.
    stack_bytes: Option<u32>,
    insns: Insns,
}

#[derive(Debug, Serialize)]
struct Insns {
    min: u64,
    mean: f64,
    max: u64,
}

/// An image as a module.
pub struct Module {
    image: Vec<u8>,
    arena_bytes: usize,
    emitted: Emitted,
}

impl Module {
    /// Compiles an image, for a board if one is named.
    pub fn of(image: &[u8], arguments: ModuleArguments, board: Option<&Machine>) -> Result<Self, Failure> {
        let decoded = section::decode(image)?;
        let rows = board.map_or(Rows::Four, rows);
        let options = EmitOptions { unroll_bytes: arguments.unroll_bytes, rows };
        let arena_bytes = decoded.header.arena_bytes as usize;
        Ok(Self { image: image.to_vec(), arena_bytes, emitted: emit(&decoded, &options)? })
    }

    /// Measures it on a board if that is asked for, writes the file, and reports.
    pub fn finish(
        self,
        target: &Target,
        path: &Path,
        inputs: &[Vec<u8>],
        measured_on: Option<&Machine>,
        talk: Talk,
    ) -> Result<ModuleReport, Failure> {
        let measured = measured_on.map(|machine| self.measure(machine, inputs, talk)).transpose()?;
        let Emitted { source, constant_bytes, state_bytes, words, unrolled_words, .. } = &self.emitted;
        target.write(source.as_bytes())?;
        Ok(ModuleReport {
            module: path.display().to_string(),
            source_bytes: source.len(),
            constant_bytes: *constant_bytes,
            state_bytes: *state_bytes,
            words: *words,
            unrolled_words: *unrolled_words,
            measured,
        })
    }

    fn measure(&self, machine: &Machine, inputs: &[Vec<u8>], talk: Talk) -> Result<Measured, Failure> {
        if inputs.is_empty() {
            return Err(Failure::usage("there is nothing to measure: no golden vectors").hint("give samples"));
        }
        let root = workspace_root()?;
        let spinner = talk.spinner(&format!("building both forms for {}", machine.name));
        let built = self.build(&root, machine);
        spinner.finish_and_clear();
        let (compiled, interpreter) = built?;
        let mut host = Vec::with_capacity(inputs.len());
        HostEngine::new(&self.image)?.run(inputs, |_, output| host.push(output))?;
        let spinner = talk.spinner(&format!("running both forms on {}", machine.name));
        let run = |firmware: &Path, image: Option<&[u8]>| {
            let emulation =
                Emulation::new(machine, firmware).samples(inputs.to_vec()).timeout(Duration::from_secs(300));
            let emulation = image.iter().fold(emulation, |emulation, image| emulation.image_bytes(image.to_vec()));
            agreed(machine, emulation.run()?, &host)
        };
        let outcomes = run(&compiled, None).and_then(|first| Ok((first, run(&interpreter, Some(&self.image))?)));
        spinner.finish_and_clear();
        let (first, second) = outcomes?;
        let sizes = CrateSizes::of(&compiled, "leafgate_compiled")?;
        let runtime = Sizes::of(&interpreter)?.runtime_text_bytes;
        Ok(Measured {
            board: machine.name.clone(),
            inputs: inputs.len(),
            compiled: form(&first, sizes.text_bytes, sizes.constant_bytes, self.emitted.state_bytes),
            interpreted: form(&second, runtime, self.image.len() as u64, self.arena_bytes),
        })
    }

    /// The firmware with the module, and the one that interprets.
    fn build(&self, root: &Path, machine: &Machine) -> Result<(PathBuf, PathBuf), Failure> {
        let file = tempfile::Builder::new().suffix(".rs").tempfile();
        let io = |error: std::io::Error| Failure::unreadable(&std::env::temp_dir(), &error);
        let file = file.map_err(io)?;
        std::fs::write(file.path(), &self.emitted.source).map_err(io)?;
        Ok((build_compiled(root, machine, file.path())?, build_firmware_for(root, machine, &self.image)?))
    }
}

/// Rows at a time, for the compiler of a board's core: the loop over one row becomes vectors where there are any.
fn rows(machine: &Machine) -> Rows {
    if machine.has_vectors() { Rows::One } else { Rows::Four }
}

/// The outcome, if its outputs are the host's.
fn agreed(machine: &Machine, outcome: Outcome, host: &[HostOutput]) -> Result<Outcome, Failure> {
    if !outcome.exit.is_success() {
        let words = outcome.lines.last().cloned().unwrap_or_default();
        let message = format!("{}: the device ended with {}", machine.name, outcome.exit);
        let hint = "the board may have too little room for the network; `leafgate boards` lists others";
        return Err(Failure::new("E0703", Exit::Device, message).fact(format!("its last words: {words}")).hint(hint));
    }
    let equal = outcome.samples.len() == host.len()
        && outcome.samples.iter().zip(host).all(|(have, want)| have.crc32 == want.crc32 && have.class == want.class());
    if equal {
        return Ok(outcome);
    }
    Err(Failure::new("E0309", Exit::Differs, format!("{}: the device gives other outputs than the host", machine.name))
        .hint("do not use this module; report it with the model: the emitter is at fault"))
}

fn form(outcome: &Outcome, text_bytes: u64, constant_bytes: u64, memory_bytes: usize) -> Form {
    let insns = outcome.samples.iter().map(|sample| sample.insns);
    let (min, max) = (insns.clone().min().unwrap_or(0), insns.clone().max().unwrap_or(0));
    let mean = insns.sum::<u64>() as f64 / outcome.samples.len().max(1) as f64;
    let insns = Insns { min, mean, max };
    Form { text_bytes, constant_bytes, memory_bytes, stack_bytes: outcome.stack_run_bytes, insns }
}

impl ModuleReport {
    /// Adds what people want to know.
    pub fn describe(&self, lines: &mut Lines) {
        lines.add("module", format!("{} ({} B of source)", self.module, grouped(self.source_bytes)));
        let mut compiled = format!(
            "{} B of constants and {} B of state, before the compiler",
            grouped(self.constant_bytes),
            grouped(self.state_bytes)
        );
        if self.words > 0 {
            let (unrolled, words) = (grouped(self.unrolled_words), grouped(self.words));
            compiled += &format!("\n{unrolled} of {words} words of gates and thresholds are straight-line code");
        }
        lines.add("compiled", compiled);
        if let Some(Measured { board, inputs, compiled, interpreted }) = &self.measured {
            let text = format!(
                "{board}, {} inputs, outputs equal\ncompiled:    {}\ninterpreted: {}",
                grouped(*inputs),
                compiled.describe(),
                interpreted.describe()
            );
            lines.add("measured", text);
        }
    }

    /// The path of the module.
    pub fn path(&self) -> &str {
        &self.module
    }
}

impl Form {
    fn describe(&self) -> String {
        let Self { text_bytes, constant_bytes, memory_bytes, stack_bytes, insns } = self;
        let mean = grouped(insns.mean.round() as u64);
        let insns = format!("{} to {} instructions, {mean} on average", grouped(insns.min), grouped(insns.max));
        let stack = stack_bytes.map_or_else(|| "?".into(), grouped);
        format!(
            "{insns}; {} B text, {} B constants; {} B memory, {stack} B stack",
            grouped(*text_bytes),
            grouped(*constant_bytes),
            grouped(*memory_bytes)
        )
    }
}

impl From<EmitError> for Failure {
    fn from(error: EmitError) -> Self {
        Self::new(error.code(), Exit::DoesNotFit, error.to_string()).hint(error.hint())
    }
}
