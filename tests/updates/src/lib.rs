//! Updates under power cuts, faults and attackers.
//!
//! [`flash`] is a NOR flash that can lose its power at any byte and is as nasty afterwards as flash may be. [`device`] is a device with it:
//! it boots, receives, tries and confirms as an application does, and checks after each boot that a whole model runs, and one that may.
//!
//! `tests/power_cuts.rs` cuts at every byte that an update writes and throughout every erasure; `tests/faults.rs` has wrong content, wrong
//! senders and wrong signatures; `tests/frames.rs` has lines that lose and damage bytes.
//!
//! # How long the tests look
//!
//! | variable | meaning | without it |
//! |---|---|---|
//! | `LEAFGATE_CUTS` | every how manyth cut point is tried; 1: all of them | 61 |

pub mod device;
pub mod flash;
pub mod images;
