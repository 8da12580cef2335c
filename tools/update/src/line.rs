//! What a device is reached by.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long a read waits before it gives what there is: nothing.
const READ_TIMEOUT: Duration = Duration::from_millis(50);

/// A stream of bytes in both directions whose reads do not wait for ever.
trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

/// A line to a device.
pub struct Line(Box<dyn Stream>);

impl Line {
    /// Opens `tcp:HOST:PORT`, `unix:PATH` (such as an emulator's serial port) or a serial port of the system, at this rate of bits.
    ///
    /// # Errors
    /// If there is no such thing, or it may not be used.
    pub fn open(name: &str, baud: u32) -> io::Result<Self> {
        if let Some(address) = name.strip_prefix("tcp:") {
            let stream = TcpStream::connect(address)?;
            stream.set_read_timeout(Some(READ_TIMEOUT))?;
            stream.set_nodelay(true)?;
            return Ok(Self(Box::new(stream)));
        }
        if let Some(path) = name.strip_prefix("unix:") {
            #[cfg(unix)]
            {
                let stream = std::os::unix::net::UnixStream::connect(path)?;
                stream.set_read_timeout(Some(READ_TIMEOUT))?;
                return Ok(Self(Box::new(stream)));
            }
            #[cfg(not(unix))]
            return Err(io::Error::new(io::ErrorKind::Unsupported, format!("no such sockets here: {path}")));
        }
        let port = serialport::new(name, baud).timeout(READ_TIMEOUT).open()?;
        Ok(Self(Box::new(port)))
    }

    /// Names of the system's serial ports.
    #[must_use]
    pub fn ports() -> Vec<String> {
        serialport::available_ports().unwrap_or_default().into_iter().map(|port| port.port_name).collect()
    }
}

impl Read for Line {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
