//! The pickle of a PyTorch archive; the archive has checksums, which a fuzzer never guesses: refused with a typed error, or a network that can be evaluated.
#![no_main]

use leafgate_tests_laws::importers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(importers::import(&importers::archive(bytes))));
