//! Networks compiled ahead of time give the same integers as the engine: every op, kind and flag, the zoo, and random nets of gates.
//!
//! The modules are put into a package of their own in the target folder, with every warning an error, and run there; no panic is
//! reachable in what is linked for devices; and on machines the zoo runs compiled as well.

mod cases;
mod host;
mod links;
mod machines;
