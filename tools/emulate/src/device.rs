//! A machine that takes updates: it runs until it is told to end, its serial port is a socket, and its flash a file.

use crate::firmware::machine_of;
use crate::log::Strings;
use crate::qemu::{Qemu, arguments};
use crate::samples::samples_region;
use crate::{EmulateError, Machine};
use std::ffi::OsString;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a device runs at most.
const LIFE: Duration = Duration::from_secs(600);

/// The flash of a device: a file that outlives the emulator, however that ends.
#[derive(Clone, Debug)]
pub struct FlashFile {
    path: PathBuf,
}

impl FlashFile {
    /// A new one, erased, with an image in its first slot.
    ///
    /// # Errors
    /// If the machine takes no updates, or the file cannot be written.
    pub fn create(machine: &Machine, path: &Path, image: &[u8]) -> Result<Self, EmulateError> {
        let update = machine.update.ok_or_else(|| EmulateError::NoUpdates { machine: machine.name.clone() })?;
        let io = EmulateError::io(format!("writing {}", path.display()));
        let offset = u64::from(update.flash.origin - update.memory.origin);
        let write = || -> std::io::Result<()> {
            let mut file = File::create(path)?;
            file.set_len(update.memory.bytes.into())?;
            file.seek(SeekFrom::Start(offset))?;
            file.write_all(&vec![0xFF; update.flash.bytes as usize])?;
            file.seek(SeekFrom::Start(offset))?;
            file.write_all(image)
        };
        write().map_err(io)?;
        Ok(Self { path: path.to_owned() })
    }
}

/// A running device. Dropping it ends it at once, wherever it is.
pub struct Device {
    qemu: Qemu,
    strings: Strings,
    bytes: Vec<u8>,
    seen: usize,
    _folder: tempfile::TempDir,
    port: PathBuf,
}

impl Device {
    /// Starts a firmware, as the binaries `<machine>-update` are, on this flash, with inputs to serve at every boot.
    ///
    /// # Errors
    /// If the machine takes no updates, or the emulator does not start.
    pub fn start(
        machine: &Machine,
        firmware: &Path,
        flash: &FlashFile,
        samples: &[Vec<u8>],
    ) -> Result<Self, EmulateError> {
        let update = machine.update.ok_or_else(|| EmulateError::NoUpdates { machine: machine.name.clone() })?;
        machine_of(firmware)?;
        let elf = std::fs::read(firmware).map_err(EmulateError::io(format!("reading {}", firmware.display())))?;
        let strings = Strings::of_elf(firmware, &elf)?;
        let folder = tempfile::tempdir().map_err(EmulateError::io("making a temporary folder"))?;
        let (port, region) = (folder.path().join("port"), folder.path().join("samples"));
        std::fs::write(&region, samples_region(samples)?).map_err(EmulateError::io("writing samples"))?;
        let mut all = arguments(machine, firmware, &[(&region, machine.samples.origin)]);
        if let Some(none) = all.iter_mut().skip_while(|argument| *argument != "-serial").nth(1) {
            *none = "chardev:port".into();
        }
        let mut push = |option: &str, head: &str, path: &Path, tail: String| {
            let mut value = OsString::from(head);
            value.push(crate::qemu::escaped(path.as_os_str()));
            value.push(tail);
            all.extend([option.into(), value]);
        };
        push("-chardev", "socket,id=port,path=", &port, ",server=on,wait=off".into());
        let memory = format!(",share=on,size={}", update.memory.bytes);
        push("-object", "memory-backend-file,id=memory,mem-path=", &flash.path, memory);
        all.extend(["-machine".into(), "memory-backend=memory".into()]);
        all.extend(["-m".into(), format!("{}M", update.memory.bytes >> 20).into()]);
        let qemu = Qemu::start(machine, &all, LIFE)?;
        Ok(Self { qemu, strings, bytes: Vec::new(), seen: 0, _folder: folder, port })
    }

    /// The socket of the serial port.
    #[must_use]
    pub fn port(&self) -> &Path {
        &self.port
    }

    /// Waits until the device has logged a line that contains `what`, after those that were waited for before. Gives the lines up to it.
    ///
    /// # Errors
    /// If it ends before, or does not in this time; the error has the last line.
    pub fn wait_for(&mut self, what: &str, time: Duration) -> Result<Vec<String>, EmulateError> {
        let deadline = std::time::Instant::now() + time;
        loop {
            // A reset in the middle of a frame would leave a torn one; the firmware logs nothing then.
            let lines = self.strings.decoder().push(&self.bytes)?;
            let new = lines.get(self.seen..).unwrap_or(&[]);
            if let Some(at) = new.iter().position(|line| line.contains(what)) {
                let lines = new[..=at].to_vec();
                self.seen += at + 1;
                return Ok(lines);
            }
            let last_line = lines.last().map_or("(none)", String::as_str).to_owned();
            match self.qemu.read_until(deadline) {
                Ok(Some(bytes)) => self.bytes.extend(bytes),
                Ok(None) => return Err(EmulateError::Emulator { stderr: format!("it has ended after: {last_line}") }),
                Err(_) => return Err(EmulateError::Timeout { limit: time, last_line }),
            }
        }
    }
}
