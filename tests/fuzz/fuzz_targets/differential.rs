//! Engine and reference accept the same images and give the same integers.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| leafgate_tests_laws::fuzzing::differential(bytes));
