//! Inference of networks that skip work, on microcontrollers.
//!
//! 1. **No heap, no float, no panic.** Working memory is one arena whose size is a constant of the image.
//! 2. **Check once, then run.** [`Model::parse`] refuses an image or proves it safe; after it, the only error of
//!    [`Session::run`] is an input of the wrong length.
//! 3. **The same integers everywhere.** The host tools run this very crate; so does the chip.
//! 4. **Pay for what you use.** Each family of networks is a cargo feature (`fff`, `gates`, `sparse`, all on by default).
//!
//! ```ignore
//! static IMAGE: &Aligned<[u8]> = leafgate::include_leaf!("digits-fff.leaf");
//! const ARENA: usize = leafgate::arena_bytes(&IMAGE.0);   // bytes that are no image: a compile error
//!
//! let model = Model::parse(&IMAGE.0)?;
//! let mut arena = Arena::<ARENA>::new();
//! let mut session = Session::new(&model, arena.as_mut_slice())?;
//! let output = session.run(&pixels)?;
//! output.class()
//! ```
#![no_std]
#![forbid(unsafe_code)]

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
