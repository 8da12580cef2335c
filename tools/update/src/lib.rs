//! Signs models, and sends them to devices.
//!
//! [`signing`] makes Ed25519 keys and puts a trailer behind an image; [`Line`] is a serial port or what stands for one; [`Sender`] speaks the
//! protocol of `leafgate-store` on it, whose messages are that crate's own types: there is one definition of them.

mod line;
mod sender;
pub mod signing;

pub use line::Line;
pub use sender::{Delivery, SendError, Sender};
