//! Inference of networks that skip work, on microcontrollers.
//!
//! 1. **No heap, no float, no panic.** Working memory is one arena whose size is a constant of the image.
//! 2. **Check once, then run.** [`Model::parse`] refuses an image or proves it safe; after it, the only error of
//!    [`Session::run`] is an input of the wrong length.
//! 3. **The same integers everywhere.** The host tools run this very crate; so does the chip.
//! 4. **Pay for what you use.** Each family of networks is a cargo feature (`fff`, `gates`, `sparse`, all on by default); so are
//!    matrices that the converter packs for the kernels of a core (`packed`), weights of four and of two bits (`low-bit`), networks with
//!    branches (`structure`), code that is larger and faster (`speed`), and networks of gates on many samples at once (`batch`).
//!
//! ```
//! use leafgate::{Arena, Model, Session};
//!
//! fn classify(image: &[u8], pixels: &[i8; 64]) -> Option<usize> {
//!     let model = Model::parse(image).ok()?;
//!     let mut arena = Arena::<1024>::new();
//!     let mut session = Session::new(&model, arena.as_mut_slice()).ok()?;
//!     session.run(pixels).ok()?.class()
//! }
//! # assert_eq!(classify(&[], &[0; 64]), None);
//! ```
//!
//! In firmware the image comes from [`include_leaf!`] and the arena is exactly as large as it must be: [`arena_bytes`] is a `const fn`, and
//! what is no image does not compile.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "batch")]
pub mod batch;
mod frame;
mod input;
mod memory;
mod model;
mod ops;
mod output;
mod session;

pub use input::{Input, InputError, InputShape};
pub use leafgate_image as image;
pub use leafgate_image::{Defect, ParseError, Place, arena_bytes};
pub use memory::{Aligned, Arena};
pub use model::Model;
pub use output::{Output, Values};
pub use session::{ArenaError, SelfTestError, Session};
