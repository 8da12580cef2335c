//! What is accepted runs to its end inside its arena.
#![no_main]

use std::sync::{LazyLock, Mutex};

use leafgate_tests_laws::trial::Bench;

static BENCH: LazyLock<Mutex<Bench>> = LazyLock::new(Mutex::default);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut bench = BENCH.lock().expect("a panic ends the process");
    leafgate_tests_laws::fuzzing::parse_run(&mut bench, bytes);
});
