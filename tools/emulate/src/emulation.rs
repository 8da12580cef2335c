//! One run of a firmware on a machine.

use crate::firmware::{PLUGIN_ARGUMENTS, build_command, machine_of_elf};
use crate::log::Strings;
use crate::profile::{Functions, Profile};
use crate::qemu::{FinishError, Qemu, TimeIsOver, arguments, plugin_arguments};
use crate::samples::samples_region;
use crate::{EmulateError, Exit, ExitCode, Machine, Outcome, SampleReport, report};
use leafgate_board_support::table::Region;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

/// How far a measurement of the clock may be from the truth.
const CLOCK_TOLERANCE_INSNS: u64 = 2;

/// What a firmware is to be run with. Made by [`Emulation::new`], run once by [`Emulation::run`].
pub struct Emulation<'a> {
    machine: &'a Machine,
    firmware: PathBuf,
    image: Option<Payload>,
    samples: Option<Payload>,
    timeout: Duration,
    plugin: Option<PathBuf>,
    on_line: Box<dyn FnMut(&str) + 'a>,
    on_sample: Box<dyn FnMut(&SampleReport) + 'a>,
}

/// The content of a partition.
enum Payload {
    File(PathBuf),
    Bytes(Vec<u8>),
    Samples(Vec<Vec<u8>>),
}

impl<'a> Emulation<'a> {
    /// Runs this firmware on this machine, with empty partitions, for at most a minute.
    #[must_use]
    pub fn new(machine: &'a Machine, firmware: impl Into<PathBuf>) -> Self {
        Self {
            machine,
            firmware: firmware.into(),
            image: None,
            samples: None,
            timeout: Duration::from_secs(60),
            plugin: None,
            on_line: Box::new(|_| ()),
            on_sample: Box::new(|_| ()),
        }
    }

    /// An image file for the model partition.
    #[must_use]
    pub fn image(mut self, path: impl Into<PathBuf>) -> Self {
        self.image = Some(Payload::File(path.into()));
        self
    }

    /// Bytes for the model partition.
    #[must_use]
    pub fn image_bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.image = Some(Payload::Bytes(bytes.into()));
        self
    }

    /// Inputs to serve.
    #[must_use]
    pub fn samples(mut self, samples: impl Into<Vec<Vec<u8>>>) -> Self {
        self.samples = Some(Payload::Samples(samples.into()));
        self
    }

    /// A file for the samples partition, as [`write_samples`](crate::write_samples) makes it.
    #[must_use]
    pub fn samples_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.samples = Some(Payload::File(path.into()));
        self
    }

    /// Bytes for the samples partition, whatever they are.
    #[must_use]
    pub fn samples_bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.samples = Some(Payload::Bytes(bytes.into()));
        self
    }

    /// How long it may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Counts every instruction of the runs with this plugin, as [`build_plugin`](crate::build_plugin) makes it, for
    /// [`Outcome::profile`]. The firmware must be the application.
    #[must_use]
    pub fn profile(mut self, plugin: impl Into<PathBuf>) -> Self {
        self.plugin = Some(plugin.into());
        self
    }

    /// Called with every line of log as it comes.
    #[must_use]
    pub fn on_line(mut self, callback: impl FnMut(&str) + 'a) -> Self {
        self.on_line = Box::new(callback);
        self
    }

    /// Called with every sample as it is served.
    #[must_use]
    pub fn on_sample(mut self, callback: impl FnMut(&SampleReport) + 'a) -> Self {
        self.on_sample = Box::new(callback);
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// If the emulator or the firmware is missing, a file does not fit its partition, the time is over, the log cannot be
    /// read, or the clock is off. A firmware that complains is no error: its exit code is in the outcome.
    pub fn run(mut self) -> Result<Outcome, EmulateError> {
        let elf = self.read_firmware()?;
        let strings = Strings::of_elf(&self.firmware, &elf)?;
        let folder = tempfile::tempdir().map_err(EmulateError::io("making a temporary folder"))?;
        let partitions =
            [("model", self.image.take(), self.machine.model), ("samples", self.samples.take(), self.machine.samples)];
        let mut files = Vec::new();
        for (what, payload, region) in partitions {
            if let Some(payload) = payload {
                files.push((self.file_of(what, payload, region, folder.path())?, region.origin));
            }
        }
        let files: Vec<_> = files.iter().map(|(path, address)| (path.as_path(), *address)).collect();
        let mut arguments = arguments(self.machine, &self.firmware, &files);
        let functions = match &self.plugin {
            Some(plugin) => Some(self.prepare_profile(plugin, &elf, folder.path(), &mut arguments)?),
            None => None,
        };
        let qemu = Qemu::start(self.machine, &arguments, self.timeout)?;
        let mut outcome = self.follow(qemu, &strings)?;
        self.check_clock(&outcome)?;
        if let Some((functions, out)) = functions.filter(|_| outcome.exit.is_success()) {
            let text = std::fs::read_to_string(&out).map_err(EmulateError::io(format!("reading {}", out.display())))?;
            outcome.profile = Some(Profile::read(&functions, &text, outcome.samples.len())?);
        }
        Ok(outcome)
    }

    /// Adds the plugin to the arguments. Returns the firmware's functions, and the file that their counts will be in.
    fn prepare_profile(
        &self,
        plugin: &Path,
        elf: &[u8],
        folder: &Path,
        arguments: &mut Vec<OsString>,
    ) -> Result<(Functions, PathBuf), EmulateError> {
        // An absolute path: the loader would look for a bare file name in the system's folders.
        let plugin = plugin.canonicalize().map_err(|_| EmulateError::PluginMissing {
            path: plugin.to_owned(),
            command: format!("cargo {}", PLUGIN_ARGUMENTS.join(" ")),
        })?;
        let functions = Functions::of_elf(&self.firmware, elf)?;
        let (map, out) = (folder.join("map"), folder.join("profile"));
        std::fs::write(&map, functions.map()).map_err(EmulateError::io(format!("writing {}", map.display())))?;
        arguments.extend(plugin_arguments(&plugin, &map, &out));
        Ok((functions, out))
    }

    fn read_firmware(&self) -> Result<Vec<u8>, EmulateError> {
        let path = &self.firmware;
        if !path.is_file() {
            let binary = path.file_name().and_then(|name| name.to_str()).unwrap_or(&self.machine.name);
            let command = build_command(self.machine, ["--bin", binary]);
            return Err(EmulateError::FirmwareMissing { path: path.clone(), command });
        }
        let elf = std::fs::read(path).map_err(EmulateError::io(format!("reading {}", path.display())))?;
        let built_for = machine_of_elf(path, &elf)?;
        if built_for.name != self.machine.name {
            let (built_for, machine) = (built_for.name.clone(), self.machine.name.clone());
            return Err(EmulateError::WrongMachine { path: path.clone(), built_for, machine });
        }
        Ok(elf)
    }

    /// The file to load into a partition; bytes become one in `folder`.
    fn file_of(
        &self,
        what: &'static str,
        payload: Payload,
        region: Region,
        folder: &Path,
    ) -> Result<PathBuf, EmulateError> {
        let bytes = match payload {
            Payload::File(path) => {
                let metadata = std::fs::metadata(&path);
                let have = metadata.map_err(EmulateError::io(format!("reading {}", path.display())))?.len();
                self.check_size(what, region, have)?;
                return Ok(path);
            }
            Payload::Bytes(bytes) => bytes,
            Payload::Samples(samples) => samples_region(&samples)?,
        };
        self.check_size(what, region, bytes.len() as u64)?;
        let path = folder.join(what);
        std::fs::write(&path, bytes).map_err(EmulateError::io(format!("writing {}", path.display())))?;
        Ok(path)
    }

    fn check_size(&self, what: &'static str, region: Region, have: u64) -> Result<(), EmulateError> {
        let (machine, want) = (self.machine.name.clone(), u64::from(region.bytes));
        if have <= want { Ok(()) } else { Err(EmulateError::TooLarge { what, machine, want, have }) }
    }

    /// Reads the log until the emulator ends.
    fn follow(&mut self, mut qemu: Qemu, strings: &Strings) -> Result<Outcome, EmulateError> {
        let mut decoder = strings.decoder();
        let mut outcome = Outcome::new();
        while let Some(bytes) = qemu.read().map_err(|limit| timeout(limit, &outcome))? {
            for line in decoder.push(&bytes)? {
                (self.on_line)(&line);
                let served = outcome.samples.len();
                report::read_line(&mut outcome, self.machine, &line)?;
                outcome.samples.get(served).into_iter().for_each(&mut self.on_sample);
                outcome.lines.push(line);
            }
        }
        let (status, stderr) = match qemu.finish() {
            Ok(end) => end,
            Err(FinishError::Time(limit)) => return Err(timeout(limit, &outcome)),
            Err(FinishError::Io(source)) => return Err(EmulateError::Io { what: "waiting for QEMU".into(), source }),
        };
        outcome.exit = exit(status, &stderr)?;
        if decoder.is_incomplete() && outcome.exit != Exit::Lockup {
            let lines = outcome.lines.len();
            return Err(EmulateError::Undecodable { lines, reason: "it ends within a frame".into() });
        }
        Ok(outcome)
    }

    fn check_clock(&self, outcome: &Outcome) -> Result<(), EmulateError> {
        match outcome.clock_insns {
            Some((have, want)) if have.abs_diff(want) > CLOCK_TOLERANCE_INSNS => {
                Err(EmulateError::ClockOff { machine: self.machine.name.clone(), want, have })
            }
            _ => Ok(()),
        }
    }
}

fn timeout(TimeIsOver(limit): TimeIsOver, outcome: &Outcome) -> EmulateError {
    let last_line = outcome.lines.last().map_or("(none)", String::as_str).to_owned();
    EmulateError::Timeout { limit, last_line }
}

/// How the firmware ended, from how the emulator did.
fn exit(status: ExitStatus, stderr: &str) -> Result<Exit, EmulateError> {
    match status.code() {
        // 1 is what QEMU gives when it does not start; no firmware of ours uses it.
        Some(1) if !stderr.is_empty() => Err(EmulateError::Emulator { stderr: stderr.to_owned() }),
        Some(code) => Ok(ExitCode::from_code(code).map_or(Exit::Other(code), Exit::Code)),
        None if stderr.contains("Lockup") => Ok(Exit::Lockup),
        None => Err(EmulateError::Emulator { stderr: format!("{status}: {stderr}") }),
    }
}
