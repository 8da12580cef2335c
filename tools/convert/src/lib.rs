//! Converts trained networks to Leafgate flash images.
//!
//! Data flows one way: `import` reads a file into the float graph of `ir`; `pass` simplifies it; `quantize` turns it into
//! an integer graph; `kernels` chooses the layout of its matrices; `plan` lays out the arena; `pack` writes the image; `emit` writes it as a Rust module instead. `reference` is the independent judge: it reads
//! the image's bytes by the format document alone; `cost` says of what it has read how many instructions a run takes.

pub mod accuracy;
pub mod check;
pub mod convert;
pub mod cost;
pub mod data;
pub mod emit;
pub mod error;
pub mod export;
pub mod host;
pub mod import;
pub mod ir;
pub mod kernels;
pub mod layer_error;
pub mod pack;
pub mod pass;
pub mod plan;
pub mod progress;
pub mod quantize;
pub mod reference;

pub use convert::{Conversion, Options, Ranges, convert, convert_quantized_with, convert_with};
pub use error::ConvertError;
pub use kernels::Kernels;
pub use progress::{Progress, Stage};
