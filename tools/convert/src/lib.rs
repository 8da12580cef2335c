//! Converts trained networks to Leafgate flash images.
//!
//! Data flows one way: `import` reads a file into the float graph of `ir`; `pass` simplifies it; `quantize` turns it into
//! an integer graph; `plan` lays out the arena; `pack` writes the image. `reference` is the independent judge: it reads
//! the image's bytes by the format document alone.

pub mod data;
pub mod error;
pub mod import;
pub mod ir;
pub mod pass;
pub mod reference;

pub use error::ConvertError;
