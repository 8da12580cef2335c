//! A QEMU plugin that counts the instructions that a firmware executes, exactly and for every function.
//!
//! `leafgate-emulate` builds it, starts QEMU with `-plugin FILE,map=MAP,out=OUT` and reads OUT; the two files are the whole
//! interface.
//!
//! # MAP
//! One function a line, in ascending order without overlap: `START END MARK`, both addresses hexadecimal, END excluded. MARK
//! is `run` for the function whose calls are told apart, `op` for one that is a part of it, and `-` for all others. A
//! function's number is that of its line, from 0; the number after the last is code that belongs to none.
//!
//! # OUT
//! ```text
//! leafgate-profile 1
//! run
//! 14 1 85
//! op 17
//! 17 1 312
//! 22 10 4100
//! on
//! 14 0 31
//! out
//! 3 1 51212
//! end
//! ```
//! `run` begins a call of the run function, `op N` a call of op function N within it, `on` what follows the op's return; `out`
//! is everything outside of runs, added up. Lines of numbers say for a function how often it was entered and how many
//! instructions it executed. A file without `end` is not whole.
//!
//! # How it counts
//! Every instruction adds one to its function's counter, inline in the translated code: also instructions of a block that
//! is left early count right. A callback at the start of each block follows calls and returns with a stack of return
//! addresses, and so knows when a run or an op begins and ends.

mod isa;
mod map;
mod trace;

// A test program is not loaded by QEMU, and has nothing to link the interface against.
#[cfg(all(target_os = "linux", not(test)))]
mod install;
#[cfg(all(target_os = "linux", not(test)))]
mod qemu;
