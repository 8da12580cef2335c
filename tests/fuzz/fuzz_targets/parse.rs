//! Any bytes are refused with a typed error or accepted; nothing panics.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| leafgate_tests_laws::fuzzing::parse(bytes));
