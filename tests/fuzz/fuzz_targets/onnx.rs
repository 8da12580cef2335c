//! Any bytes are refused as an ONNX file with a typed error or imported; nothing panics.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| leafgate_tests_laws::fuzzing::onnx(bytes));
