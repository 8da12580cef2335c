//! Tests on images that are written byte by byte, against figures worked out by hand.

mod eval;
mod images;
mod proof;
mod read;
mod total;
mod writer;
