//! The sender's side of an update.

use leafgate_store::{Answer, CHUNK_BYTES, Decoder, Frame, Refusal, Report, Request, Update, UpdateError, encode};
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};
use thiserror::Error;

/// How often a request is sent before the device counts as silent.
const ATTEMPTS: u32 = 5;
/// How long an answer takes at most: a page may have to be erased.
const ANSWER_TIME: Duration = Duration::from_millis(1500);
/// The same where all of a model is checked, which may take its signature some seconds on a small core.
const CHECK_TIME: Duration = Duration::from_secs(20);
/// How often an update is begun again because the device has forgotten it: it was reset meanwhile.
const BEGINNINGS: u32 = 20;

/// Why an update was not delivered. What the device runs is what it ran.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The device does not answer.
    #[error("the device does not answer ({attempts} attempts)")]
    Silent {
        /// How often it was asked.
        attempts: u32,
    },
    /// The line has failed.
    #[error("the line has failed: {0}")]
    Line(#[from] std::io::Error),
    /// The device says no.
    #[error("the device refuses: {0}")]
    Refused(UpdateError),
    /// It answers something that does not belong there.
    #[error("the device answers something else than was asked")]
    Confused,
    /// It was reset again and again.
    #[error("the device was reset {resets} times while the update was sent")]
    Resets {
        /// How often.
        resets: u32,
    },
    /// It runs something else after the restart.
    #[error("after the restart the device runs the old model: the new one was not confirmed")]
    FellBack,
}

/// What became of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Bytes of it that were there already.
    pub resumed_at: u32,
    /// Whether the device ran this very model before.
    pub was_installed: bool,
}

/// Speaks with a device.
pub struct Sender<L> {
    line: L,
    decoder: Decoder,
    sequence: u8,
}

impl<L: Read + Write> Sender<L> {
    /// On this line, whose reads must not wait for ever: they time out or give nothing.
    pub fn new(line: L) -> Self {
        Self { line, decoder: Decoder::new(), sequence: 0 }
    }

    /// What the device says of itself.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn report(&mut self) -> Result<Report, SendError> {
        match self.ask(Request::Report, ANSWER_TIME)? {
            Answer::Report(report) => Ok(report),
            Answer::Refused(error) => Err(SendError::Refused(error)),
            Answer::Done(_) => Err(SendError::Confused),
        }
    }

    /// Sends an update, from where an earlier attempt has ended. With `replace` one of another sender is dropped. `progress` is called with the bytes
    /// that are there.
    ///
    /// # Errors
    /// If the device refuses it, or is gone.
    pub fn send(&mut self, bytes: &[u8], replace: bool, mut progress: impl FnMut(u32)) -> Result<Delivery, SendError> {
        let update = Update::of(bytes);
        let mut resumed_at = None;
        let mut is_second_try = false;
        'begin: for _ in 0..BEGINNINGS {
            let mut at = match self.done(Request::Begin { update, replace }, ANSWER_TIME) {
                Err(SendError::Refused(UpdateError::Installed)) => {
                    return Ok(Delivery { resumed_at: update.bytes, was_installed: true });
                }
                begun => begun?,
            };
            resumed_at.get_or_insert(at);
            while at < update.bytes {
                progress(at);
                let chunk = &bytes[at as usize..bytes.len().min(at as usize + CHUNK_BYTES)];
                at = match self.done(Request::Write { update: update.crc32, offset: at, chunk }, ANSWER_TIME) {
                    Err(SendError::Refused(UpdateError::NotBegun)) => continue 'begin,
                    Err(SendError::Refused(UpdateError::Offset { want, .. })) => want,
                    written => written?,
                };
            }
            progress(at);
            match self.done(Request::Finish { update: update.crc32 }, CHECK_TIME) {
                Ok(_) => {
                    let resumed_at = resumed_at.unwrap_or(0);
                    return Ok(Delivery { resumed_at, was_installed: false });
                }
                Err(SendError::Refused(UpdateError::NotBegun)) => {}
                // What was there of an earlier attempt was not what it should be; now all of it is sent.
                Err(SendError::Refused(UpdateError::Refused(Refusal::Checksum { .. }))) if !is_second_try => {
                    is_second_try = true;
                }
                Err(error) => return Err(error),
            }
        }
        Err(SendError::Resets { resets: BEGINNINGS })
    }

    /// Resets the device.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn restart(&mut self) -> Result<(), SendError> {
        self.done(Request::Restart, ANSWER_TIME).map(|_| ())
    }

    /// Waits until the device runs the image with this checksum in its header, for good.
    ///
    /// # Errors
    /// If it falls back, or does not answer in this time.
    pub fn wait_for(&mut self, image_crc32: u32, time: Duration) -> Result<Report, SendError> {
        let deadline = Instant::now() + time;
        loop {
            match self.report() {
                Ok(report) if report.running.crc32 == image_crc32 && !report.on_trial => return Ok(report),
                // On trial: it is not decided yet.
                Ok(report) if report.on_trial && Instant::now() < deadline => {}
                Ok(_) => return Err(SendError::FellBack),
                Err(SendError::Silent { .. } | SendError::Confused) if Instant::now() < deadline => {}
                Err(error) => return Err(error),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn done(&mut self, request: Request<'_>, time: Duration) -> Result<u32, SendError> {
        match self.ask(request, time)? {
            Answer::Done(at) => Ok(at),
            Answer::Refused(error) => Err(SendError::Refused(error)),
            Answer::Report(_) => Err(SendError::Confused),
        }
    }

    /// Sends a request until it is answered.
    fn ask(&mut self, request: Request<'_>, time: Duration) -> Result<Answer, SendError> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut buffer = [0; 8 + CHUNK_BYTES];
        let (kind, payload) = request.kind_and_payload(&mut buffer);
        let mut bytes = Vec::new();
        encode(Frame { kind, sequence: self.sequence, payload }, |byte| bytes.push(byte));
        for _ in 0..ATTEMPTS {
            self.line.write_all(&bytes)?;
            self.line.flush()?;
            if let Some(answer) = self.listen(kind, Instant::now() + time)? {
                return Ok(answer);
            }
        }
        Err(SendError::Silent { attempts: ATTEMPTS })
    }

    /// Waits for the answer to the last request; answers to earlier ones, and what a device says besides, are passed over.
    fn listen(&mut self, kind: u8, deadline: Instant) -> Result<Option<Answer>, SendError> {
        let mut bytes = [0; 256];
        let mut answer = None;
        while Instant::now() < deadline {
            let count = match self.line.read(&mut bytes) {
                Ok(0) => return Err(std::io::Error::from(ErrorKind::UnexpectedEof).into()),
                Ok(count) => count,
                Err(error)
                    if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
                {
                    0
                }
                Err(error) => return Err(error.into()),
            };
            for &byte in &bytes[..count] {
                if let Some(frame) = self.decoder.push(byte)
                    && frame.sequence == self.sequence
                {
                    answer = answer.or(Answer::read(kind, frame.kind, frame.payload));
                }
            }
            if answer.is_some() {
                return Ok(answer);
            }
        }
        Ok(None)
    }
}
