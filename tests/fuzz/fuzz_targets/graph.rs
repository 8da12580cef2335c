//! Any bytes are a network or refused with a typed error, as a model file.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| leafgate_tests_laws::fuzzing::graph(bytes));
