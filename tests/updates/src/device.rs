//! A device: what an application does with a store, and what must hold after each boot.

use crate::flash::Flash;
use leafgate::Arena;
use leafgate_store::{Config, Refusal, Slot, Status, Store, Update, UpdateError};

/// What is to happen to an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// It is tried and confirmed.
    Confirm,
    /// It is tried and not confirmed, so that the device falls back.
    Ignore,
    /// It fails its golden vectors, so that the device falls back.
    Fail,
}

/// What was installed and what may run.
#[derive(Clone, Debug)]
struct Facts {
    /// The model that was confirmed last.
    stable: usize,
    /// One that may run besides: it is due for a trial, or the record that confirms it may be cut short.
    candidate: Option<usize>,
    /// Whether the trial that is to be ignored was seen.
    is_ignored: bool,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The power was cut.
    Cut,
    /// The application resets.
    Reset,
    /// The step is done.
    Done,
}

/// A device.
pub struct Device<'i, const PAGE: usize, const WORD: usize, const ERASED: u8> {
    /// Its flash.
    pub flash: Flash<PAGE, WORD, ERASED>,
    config: Config,
    images: &'i [Vec<u8>],
    chunk_bytes: usize,
    facts: Facts,
    /// Power cuts so far.
    pub cuts: u64,
}

impl<'i, const PAGE: usize, const WORD: usize, const ERASED: u8> Device<'i, PAGE, WORD, ERASED> {
    /// A device that was flashed with the first of these models. Chunks of an update have `chunk_bytes`.
    #[must_use]
    pub fn new(flash: Flash<PAGE, WORD, ERASED>, config: Config, images: &'i [Vec<u8>], chunk_bytes: usize) -> Self {
        let mut flash = flash;
        flash.put(config.layout.start(Slot::A) as usize, &images[0]);
        let facts = Facts { stable: 0, candidate: None, is_ignored: false };
        Self { flash, config, images, chunk_bytes, facts, cuts: 0 }
    }

    /// Carries out the steps, each the number of a model and what is to happen to it; with power for the units of `powers`, each of which ends in a cut, and
    /// then for ever. What is cut short is begun again.
    ///
    /// # Panics
    /// If the device does not do what it must.
    pub fn run(&mut self, steps: &[(usize, Plan)], powers: &[u64]) {
        let mut powers = powers.iter().copied();
        self.flash.power_on(powers.next());
        for &(image, plan) in steps {
            self.facts.is_ignored = false;
            // The most sessions that a step takes: two to be cut, and receive, trial, end after that, once more if all was lost.
            for session in 0.. {
                assert!(session < 16, "the update does not end: {:?}", self.facts);
                match self.session(image, plan) {
                    End::Cut => {
                        self.cuts += 1;
                        self.flash.power_on(powers.next());
                    }
                    End::Reset => self.flash.reset(),
                    End::Done => break,
                }
            }
        }
    }

    /// From one boot to the next.
    fn session(&mut self, image: usize, plan: Plan) -> End {
        let (images, config) = (self.images, self.config);
        let mut arena = Arena::<256>::new();
        let mut store = Store::open(&mut self.flash, config, arena.as_mut_slice()).expect("the layout fits");
        let status = store.status();
        let running = images.iter().position(|image| store.bytes().starts_with(image));
        let facts = &mut self.facts;
        let may_run = |i| i == facts.stable || facts.candidate == Some(i);
        assert!(running.is_some_and(may_run), "{status:?}: model {running:?} runs, {facts:?}");
        if store.flash().is_dead {
            return End::Cut;
        }
        if status == Status::OnTrial {
            assert_eq!(running, facts.candidate);
            if plan == Plan::Ignore {
                facts.is_ignored = true;
                return End::Reset;
            }
            return match store.confirm() {
                Ok(()) => {
                    (facts.stable, facts.candidate) = (running.unwrap(), None);
                    End::Done
                }
                Err(error) => {
                    assert!(store.flash().is_dead, "{error}");
                    End::Cut
                }
            };
        }
        let has_failed = matches!(status, Status::FellBack(Refusal::SelfTest(_)) | Status::Unconfirmed);
        if running == Some(image) && plan == Plan::Confirm {
            // The record that confirms was cut short, and reads as if it were not. The next one settles it.
            return End::Done;
        }
        if plan == Plan::Fail && has_failed || facts.is_ignored && status == Status::Unconfirmed {
            assert_eq!(running, Some(facts.stable));
            return End::Done;
        }
        let bytes = &images[image];
        let begun = store.begin(Update::of(bytes), false).map(|_| {
            // What runs is what the device goes on from, whatever the record before may read as later.
            (facts.stable, facts.candidate) = (running.unwrap(), None);
        });
        // From the last step on it may be tried.
        let finished = begun.and_then(|()| {
            receive(&mut store, bytes, self.chunk_bytes, || facts.candidate = (plan != Plan::Fail).then_some(image))
        });
        match finished {
            Ok(()) => End::Reset,
            Err(error) => {
                assert!(store.flash().is_dead, "{error}");
                End::Cut
            }
        }
    }
}

/// Receives an update. `before_finish` is called when all of it is there.
///
/// # Errors
/// Those of the store.
pub fn receive<F: leafgate_store::MappedFlash>(
    store: &mut Store<F>,
    bytes: &[u8],
    chunk_bytes: usize,
    before_finish: impl FnOnce(),
) -> Result<(), UpdateError> {
    let mut at = store.begin(Update::of(bytes), false)? as usize;
    while at < bytes.len() {
        let end = bytes.len().min(at + chunk_bytes);
        at = store.write(at as u32, &bytes[at..end])? as usize;
    }
    before_finish();
    store.finish()
}
