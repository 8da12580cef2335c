//! Properties that hold for every image and every input.
//!
//! 1. **Total.** Any byte string is refused with a typed error, or runs to its end inside its arena in bounded time. [`trial`] is one
//!    such attempt, with canaries on both sides of the arena and two paints; [`mutate`] makes byte strings that are almost images.
//! 2. **Two readers, one document.** Engine and independent reference accept the same images and give the same integers:
//!    [`agree`]. Where they differ, `docs/image-format.md` is the judge.
//! 3. **Whatever the converter makes runs as the reference says**, for random graphs of every family: [`draw`].
//! 4. **A run takes no more than the image states.** `worst_steps` bounds what images made for the purpose visit: [`hostile`].
//! 5. **Any bytes are a model file or an error**, in bounded memory: [`importers`].
//! 6. **An error of one bit in the engine is found** by `check`: `tests/planted.rs`.
//!
//! Images come from the zoo (`models/zoo/*/*.leaf`), from random graphs and from records laid out by hand for what the converter
//! does not emit: [`samples`].
//!
//! # How long the tests look
//! What runs without further ado takes a few minutes on two cores. These variables make it look longer:
//!
//! | variable | meaning | without it |
//! |---|---|---|
//! | `LEAFGATE_MUTATIONS` | random mutations tried by `million` | 1,000,000 |
//! | `LEAFGATE_AGREEMENT` | random mutations given to both readers by `agreement` | 100,000 |
//! | `LEAFGATE_TRIAL` | `name:number`: repeats one random mutation and nothing else | all |
//!
//! Seeds are fixed: a failure names its trial, which `LEAFGATE_TRIAL` repeats, and leaves the bytes in the target folder.

pub mod agree;
pub mod dense;
pub mod draw;
pub mod figures;
pub mod fuzzing;
pub mod gates;
pub mod hostile;
pub mod importers;
pub mod layout;
pub mod low_bit;
pub mod mutate;
pub mod parts;
pub mod samples;
pub mod structure;
pub mod trial;
pub mod workers;
