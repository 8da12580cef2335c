//! One attempt at an image: refused, or run to its end inside its arena in the time that its figures allow.

use std::time::{Duration, Instant};

use leafgate::{Input, InputShape, Model, ParseError, Session, Values};
use leafgate_convert::host::AlignedBytes;

use crate::draw::Draw;

/// Bytes on each side of the arena that must stay as they are.
const CANARY_BYTES: usize = 64;
/// Arenas and inputs beyond this are not tried.
const MOST_BYTES: usize = 1 << 20;
/// Nor are runs of more steps than this.
const MOST_STEPS: u32 = 4_000_000;
/// A step takes some nanoseconds; this is far more, for machines that have other things to do.
pub const STEP_TIME: Duration = Duration::from_nanos(500);
/// What a run of no steps may take.
const LEAST_TIME: Duration = Duration::from_secs(2);

/// What became of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The engine refused it.
    Refused(ParseError),
    /// Its own checked figures say that it is too large or slow to be tried.
    TooCostly,
    /// It ran, under both paints.
    Ran,
}

/// Memory for trials, used again and again.
#[derive(Debug)]
pub struct Bench {
    image: AlignedBytes,
    memory: AlignedBytes,
    input: AlignedBytes,
}

impl Default for Bench {
    fn default() -> Self {
        Self {
            image: AlignedBytes::filled(0, 0),
            memory: AlignedBytes::filled(MOST_BYTES + 2 * CANARY_BYTES, 0),
            input: AlignedBytes::filled(MOST_BYTES, 0),
        }
    }
}

impl Bench {
    /// Tries the image in `bytes` on a random input.
    ///
    /// # Panics
    /// If one of the laws is broken.
    pub fn attempt(&mut self, bytes: &[u8], draw: &mut Draw) -> Outcome {
        let Self { image, memory, input } = self;
        let model = match load(image, bytes) {
            Ok(model) => model,
            Err(error) => {
                // The error can be shown.
                assert!(!error.to_string().is_empty() && !error.defect.hint().is_empty());
                return Outcome::Refused(error);
            }
        };
        let Some(steps) = affordable(&model) else { return Outcome::TooCostly };
        let input = &mut input.as_mut_slice()[..model.input_bytes()];
        draw.fill(input);
        for paint in [0xA5, 0x5A] {
            let want = model.arena_bytes();
            let memory = &mut memory.as_mut_slice()[..want + 2 * CANARY_BYTES];
            memory.fill(paint);
            let (before, rest) = memory.split_at_mut(CANARY_BYTES);
            let (arena, after) = rest.split_at_mut(want);
            let begin = Instant::now();
            run(&model, arena, input);
            let (limit, have) = (LEAST_TIME + STEP_TIME * steps, begin.elapsed());
            assert!(have <= limit, "{steps} steps took {have:?}, more than {limit:?}");
            let untouched = before.iter().chain(after.iter()).all(|&byte| byte == paint);
            assert!(untouched, "a byte outside the arena of {want} was written");
        }
        Outcome::Ran
    }
}

/// Parses `bytes` in memory that is aligned for it.
fn load<'m>(memory: &'m mut AlignedBytes, bytes: &[u8]) -> Result<Model<'m>, ParseError> {
    if memory.as_slice().len() < bytes.len() {
        *memory = AlignedBytes::filled(2 * bytes.len(), 0);
    }
    let image = &mut memory.as_mut_slice()[..bytes.len()];
    image.copy_from_slice(bytes);
    Model::parse(image)
}

/// Worst-case steps of a run, unless the figures say that it is not worth waiting for.
pub fn affordable(model: &Model<'_>) -> Option<u32> {
    let steps = model.worst_steps();
    let fits = model.arena_bytes() <= MOST_BYTES && model.input_bytes() <= MOST_BYTES;
    (fits && steps <= MOST_STEPS).then_some(steps)
}

/// Makes every call of a device, and looks at everything that can be looked at.
fn run(model: &Model<'_>, arena: &mut [u8], input: &[u8]) {
    let mut session = Session::new(model, arena).expect("the arena is as large and as aligned as the model says");
    // A wrong input is refused and nothing has run.
    let wrong = match model.input_shape() {
        InputShape::Bits(_) => Input::I8(&[1]),
        _ => Input::Bits(&[1]),
    };
    assert!(session.run(wrong).is_err());
    let input = model.input(input).expect("the input is as long and as aligned as the model says");
    let output = session.run(input).expect("an input of the right shape is never refused");
    let tensor = model.view().output().expect("a model has an output");
    assert_eq!(output.len(), tensor.cols as usize);
    assert_eq!(output.iter().count(), output.len());
    assert_eq!(output.get(output.len()), None);
    assert!(matches!(output.values(), Values::I8(_)) == (tensor.dtype == leafgate_image::dtype::I8));
    assert!(output.classes().iter().all(|&class| (class as usize) < output.len()), "a class that there is not");
    let _ = (output.crc32(), output.class(), output.real(0));
    // A label that is not there is none; those that are can be read.
    assert!(model.view().labels().take(1000).all(|label| label.len() <= 255));
    assert!(model.view().provenance().len() <= model.total_bytes());
    // Mutations may have changed a golden vector or a weight; then a difference is what there should be.
    let few = model.view().golden().count() <= 16;
    if few && let Err(difference) = session.self_test() {
        assert_ne!(difference.want, difference.have);
    }
}
