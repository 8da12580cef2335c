//! `leafgate update`: a model into a device, over a serial port.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use leafgate_store::Slot;
use leafgate_update::{Line, SendError, Sender};
use serde::Serialize;

use crate::error::Failure;
use crate::exit::Exit;
use crate::network::{Network, read_file};
use crate::output::{Done, Lines, Talk, grouped};

const EXAMPLES: &str = "\
Examples:
  leafgate update digits.leaf --port /dev/ttyACM0
  leafgate update digits.signed.leaf --port /dev/ttyUSB0 --baud 921600
  leafgate update digits.leaf --port tcp:127.0.0.1:5555      # the serial port of an emulator

An update that was interrupted goes on where it was when the same command is given again.";

/// Arguments of `update`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The image, signed if the device asks for signatures
    image: PathBuf,
    /// The serial port, or `tcp:HOST:PORT`, or `unix:PATH`
    #[arg(long, value_name = "PORT")]
    port: String,
    /// Bits a second of a serial port
    #[arg(long, value_name = "RATE", default_value_t = 115_200)]
    baud: u32,
    /// Drop another update that is under way
    #[arg(long)]
    replace: bool,
    /// Do not reset the device: the new model is tried at its next boot
    #[arg(long)]
    no_restart: bool,
    /// Longest time to wait for the device to come back with the new model
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
}

#[derive(Serialize)]
struct Report {
    image: PathBuf,
    port: String,
    bytes: usize,
    /// Bytes that an earlier attempt had brought there.
    resumed_at: u32,
    /// Whether the device ran this model already.
    was_installed: bool,
    /// The slot that it runs from; none if the device was not reset.
    slot: Option<&'static str>,
    seconds: f64,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, talk: Talk) -> Result<Done, Failure> {
    // What no device could run is not sent.
    let network = Network::read(&arguments.image)?;
    let bytes = read_file(&arguments.image)?;
    let crc32 = network.image.get(12..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let failed = |error: SendError| failure(&arguments.port, error);
    let line = Line::open(&arguments.port, arguments.baud).map_err(|error| no_port(&arguments.port, &error))?;
    let mut sender = Sender::new(line);
    let device = sender.report().map_err(failed)?;
    if bytes.len() > device.slot_bytes as usize {
        return Err(Failure::new("E0501", Exit::DoesNotFit, "the image does not fit the device")
            .at(&arguments.image)
            .fact(format!("{} B, a slot has {} B", grouped(bytes.len()), grouped(device.slot_bytes)))
            .hint("`leafgate convert --weights w4` makes dense layers smaller"));
    }
    let start = Instant::now();
    let bar = talk.bar("sending", bytes.len() as u64);
    let delivery = sender.send(&bytes, arguments.replace, |at| bar.set_position(at.into()));
    bar.finish_and_clear();
    let delivery = delivery.map_err(failed)?;
    let mut slot = None;
    if !arguments.no_restart {
        if !delivery.was_installed {
            sender.restart().map_err(failed)?;
        }
        let spinner = talk.spinner("waiting for the device to confirm it");
        let device = sender.wait_for(crc32, Duration::from_secs(arguments.timeout));
        spinner.finish_and_clear();
        slot = device.map_err(failed)?.slot.map(|slot| if slot == Slot::A { "A" } else { "B" });
    }
    let report = Report {
        image: arguments.image.clone(),
        port: arguments.port.clone(),
        bytes: bytes.len(),
        resumed_at: delivery.resumed_at,
        was_installed: delivery.was_installed,
        slot,
        seconds: start.elapsed().as_secs_f64(),
    };
    Ok(talk.done("leafgate.update/1", &report, || human(&network, &report)))
}

fn human(network: &Network, report: &Report) -> String {
    let mut lines = Lines::default();
    lines.add("image", format!("{}: {} ({} B)", report.image.display(), network.name, grouped(report.bytes)));
    let sent = report.bytes - (report.resumed_at as usize).min(report.bytes);
    lines.add(
        "sent",
        match (report.was_installed, report.resumed_at) {
            (true, _) => "nothing: the device runs this model already".into(),
            (false, 0) => format!("{} B in {:.1} s", grouped(sent), report.seconds),
            (false, at) => {
                format!("{} B in {:.1} s; {} B were there already", grouped(sent), report.seconds, grouped(at))
            }
        },
    );
    lines.add(
        "device",
        match report.slot {
            Some(slot) => format!("runs it from slot {slot}"),
            None => "tries it at its next boot".into(),
        },
    );
    lines.render()
}

fn no_port(port: &str, error: &std::io::Error) -> Failure {
    let ports = Line::ports();
    let known = if ports.is_empty() {
        "no serial port was found; is the cable one for data?".into()
    } else {
        format!("ports found: {}", ports.join(", "))
    };
    Failure::new("E0315", Exit::Input, format!("cannot open the port `{port}`: {error}"))
        .hint(known)
        .hint("on Linux the user must be in the group that owns the port, often `dialout`")
}

fn failure(port: &str, error: SendError) -> Failure {
    let again = "give the same command again: the update goes on where it was; the device runs its old model meanwhile";
    let (code, hint) = match &error {
        SendError::Refused(_) => ("E0317", "the device runs what it ran before"),
        SendError::FellBack => {
            ("E0318", "the log of the device says why; `leafgate check` tells whether the image is at fault")
        }
        SendError::Silent { .. } | SendError::Confused => (
            "E0316",
            "check port, --baud and that the firmware receives updates; if it had begun, give the same command again",
        ),
        _ => ("E0316", again),
    };
    Failure::new(code, Exit::Device, error.to_string()).fact(format!("port {port}")).hint(hint)
}
