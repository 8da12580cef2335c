//! The emulator as a child process: its arguments, its output as it comes, its end, and never longer than its time.

use crate::{EmulateError, Machine};
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The arguments that run a firmware with files loaded at addresses.
pub(crate) fn arguments(machine: &Machine, firmware: &Path, files: &[(&Path, u32)]) -> Vec<OsString> {
    let shift = format!("shift={},sleep=off", machine.clock.icount_shift);
    let mut arguments: Vec<OsString> = ["-M", &machine.qemu_machine, "-display", "none", "-serial", "none"]
        .into_iter()
        .chain(["-monitor", "none", "-nodefaults", "-icount", &shift])
        .chain(["-semihosting-config", "enable=on,target=native"])
        .chain(machine.qemu_args.iter().map(String::as_str))
        .map(OsString::from)
        .collect();
    for (file, address) in files {
        let mut device = OsString::from("loader,file=");
        device.push(escaped(file.as_os_str()));
        device.push(format!(",addr={address:#x},force-raw=on"));
        arguments.extend(["-device".into(), device]);
    }
    arguments.extend(["-kernel".into(), firmware.into()]);
    arguments
}

/// The arguments that load the plugin.
pub(crate) fn plugin_arguments(plugin: &Path, map: &Path, out: &Path) -> [OsString; 2] {
    let mut option = escaped(plugin.as_os_str());
    for (key, path) in [("map", map), ("out", out)] {
        option.push(format!(",{key}="));
        option.push(escaped(path.as_os_str()));
    }
    ["-plugin".into(), option]
}

/// A path within an option: QEMU splits at commas unless they are doubled.
pub(crate) fn escaped(path: &OsStr) -> OsString {
    match path.to_str() {
        Some(text) => text.replace(',', ",,").into(),
        None => path.into(),
    }
}

/// A running emulator. Dropping it ends it.
pub(crate) struct Qemu {
    child: Child,
    output: Receiver<Vec<u8>>,
    stderr: Option<JoinHandle<String>>,
    limit: Duration,
    deadline: Instant,
}

impl Qemu {
    pub(crate) fn start(machine: &Machine, arguments: &[OsString], limit: Duration) -> Result<Self, EmulateError> {
        let mut child = Command::new(&machine.emulator)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => EmulateError::EmulatorMissing {
                    program: machine.emulator.clone(),
                    package: machine.emulator_package.clone(),
                },
                _ => EmulateError::Io { what: format!("starting {}", machine.emulator), source: error },
            })?;
        let (sender, output) = channel();
        if let Some(mut pipe) = child.stdout.take() {
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(bytes @ 1..) = pipe.read(&mut buffer)
                    && sender.send(buffer[..bytes].to_vec()).is_ok()
                {}
            });
        }
        let stderr = child.stderr.take().map(|mut pipe| {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                let _ = pipe.read_to_end(&mut text);
                String::from_utf8_lossy(&text).trim().to_owned()
            })
        });
        Ok(Self { child, output, stderr, limit, deadline: Instant::now() + limit })
    }

    /// The next bytes of output; `None` at its end.
    pub(crate) fn read(&mut self) -> Result<Option<Vec<u8>>, TimeIsOver> {
        self.read_until(self.deadline)
    }

    /// The same, but for no longer than until then.
    pub(crate) fn read_until(&mut self, time: Instant) -> Result<Option<Vec<u8>>, TimeIsOver> {
        match self.output.recv_timeout(time.min(self.deadline).saturating_duration_since(Instant::now())) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(TimeIsOver(self.limit)),
        }
    }

    /// Waits for its end, and gives its status and what it said on standard error.
    pub(crate) fn finish(mut self) -> Result<(ExitStatus, String), FinishError> {
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    let stderr = self.stderr.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
                    return Ok((status, stderr));
                }
                Ok(None) if Instant::now() >= self.deadline => return Err(FinishError::Time(TimeIsOver(self.limit))),
                Ok(None) => std::thread::sleep(Duration::from_millis(2)),
                Err(error) => return Err(FinishError::Io(error)),
            }
        }
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The emulator was given this long, and it has passed.
pub(crate) struct TimeIsOver(pub(crate) Duration);

/// Why there is no exit status.
pub(crate) enum FinishError {
    /// It ran for too long.
    Time(TimeIsOver),
    /// It could not be waited for.
    Io(std::io::Error),
}

#[cfg(test)]
mod tests {
    use super::{arguments, plugin_arguments};
    use crate::Machine;
    use std::path::Path;

    #[test]
    fn files_are_loaded_at_their_addresses() {
        let machine = Machine::by_name("microbit").unwrap();
        let files = [(Path::new("a,b.leaf"), machine.model.origin)];
        let arguments = arguments(machine, Path::new("fw"), &files);
        let text = arguments.join(" ".as_ref()).into_string().unwrap();
        assert!(text.starts_with("-M microbit "), "{text}");
        assert!(text.contains("-icount shift=8,sleep=off"), "{text}");
        assert!(text.ends_with("-device loader,file=a,,b.leaf,addr=0x30000,force-raw=on -kernel fw"), "{text}");
    }

    #[test]
    fn the_plugin_has_its_files() {
        let arguments = plugin_arguments(Path::new("/a,b/p.so"), Path::new("m"), Path::new("o"));
        assert_eq!(arguments, ["-plugin", "/a,,b/p.so,map=m,out=o"]);
    }
}
