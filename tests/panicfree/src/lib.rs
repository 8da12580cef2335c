//! Links the engine only if no panic is reachable, and measures the ELF that comes out.
//!
//! A panic in a device is a dead device, and a proof by reading does not last. So the firmware in `bin/every-call.rs` makes every call
//! of the engine's interface with arguments that the optimiser knows nothing of, and its panic handler calls a symbol that does not
//! exist. After link-time optimisation the handler is gone, or the linker refuses. The optimiser must be at work for that, so the
//! firmware is built in the profile of all device code.
//!
//! The same ELF files give the two figures that a device is planned with: the text of the runtime, and the largest stack of each call,
//! which is exact because nothing recurses and nothing is called through a pointer.
//!
//! Rejected: counting calls of `panic` in disassembly (it says nothing of what is reachable), and cargo-call-stack (it needs a nightly
//! compiler and no longer builds).
#![cfg_attr(target_os = "none", no_std)]

#[cfg(not(target_os = "none"))]
pub mod elf;
#[cfg(not(target_os = "none"))]
pub mod figures;
#[cfg(not(target_os = "none"))]
pub mod link;
#[cfg(not(target_os = "none"))]
pub mod stack;
#[cfg(not(target_os = "none"))]
pub mod thumb;

/// Targets that the firmware must link for.
pub const TARGETS: [&str; 5] = [
    "thumbv6m-none-eabi",
    "thumbv7m-none-eabi",
    "thumbv7em-none-eabihf",
    "thumbv8m.main-none-eabihf",
    "riscv32imac-unknown-none-elf",
];

/// The target whose text and stack are measured.
pub const MEASURED: &str = "thumbv7em-none-eabihf";

/// The firmware that makes every call of the engine.
pub const CALLS: &str = "every-call";

/// Feature sets with the names they are reported by.
pub const FAMILIES: [(&str, &str); 7] = [
    ("fff", "fff"),
    ("gates", "gates"),
    ("sparse", "sparse"),
    ("all", "fff,gates,sparse"),
    ("all, fast", "fff,gates,sparse,speed"),
    ("all, packed", "fff,gates,sparse,packed,speed"),
    ("all, low bit", "fff,gates,sparse,packed,speed,low-bit"),
];

/// The features of a firmware that runs networks of gates on many samples at once.
pub const BATCH: &str = "gates,batch";
