//! `worst_steps` bounds what a run does, also of images that are made to run long.

use std::time::{Duration, Instant};

use leafgate::{Model, Session};
use leafgate_convert::host::AlignedBytes;
use leafgate_convert::reference::{self, Crc};
use leafgate_tests_laws::agree::{Verdict, compare};
use leafgate_tests_laws::draw::Draw;
use leafgate_tests_laws::hostile::{Hostile, all};
use leafgate_tests_laws::parts::{Parts, seal};
use leafgate_tests_laws::samples;
use leafgate_tests_laws::trial::{Bench, Outcome, STEP_TIME};

/// Steps are never less than what is visited, and not much more.
#[test]
fn steps_bound_what_is_visited() {
    let mut bench = Bench::default();
    for Hostile { name, image, visited, counted } in all() {
        let aligned = AlignedBytes::copy_of(&image);
        let model = Model::parse(aligned.as_slice()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let judge = reference::read(&image, Crc::Check).unwrap_or_else(|error| panic!("{name}: {error}"));
        let steps = model.worst_steps();
        assert_eq!(judge.header.worst_steps, steps);
        let known = u64::from(model.worst_macs()) + u64::from(model.worst_gates());
        assert_eq!(known, counted, "{name}");
        assert!(u64::from(steps) >= visited, "{name}: {steps} steps, {visited} visited");
        assert!(u64::from(steps) <= 2 * visited, "{name}: {steps} steps, {visited} visited");
        assert_eq!(bench.attempt(&image, &mut Draw::new(1)), Outcome::Ran, "{name}");

        let mut arena = AlignedBytes::filled(model.arena_bytes(), 0);
        let input = AlignedBytes::filled(model.input_bytes(), 1);
        let mut session = Session::new(&model, arena.as_mut_slice()).expect("the arena fits");
        let begin = Instant::now();
        session.run(model.input(input.as_slice()).expect("the input fits")).expect("the input fits");
        let time = begin.elapsed();
        let each = time.as_secs_f64() * 1e9 / f64::from(steps);
        println!(
            "{name:<26} {:>7} B {steps:>8} steps, {counted:>8} MACs and gates, {each:>5.1} ns a step",
            image.len()
        );
        assert!(time <= STEP_TIME * steps + Duration::from_millis(20), "{name}: {steps} steps took {time:?}");
    }
}

/// Nor are they less than what the reference counts while it runs a network: products, gates, entries.
#[test]
fn steps_bound_what_networks_do() {
    for samples::Sample { name, image } in samples::all() {
        let judge = reference::read(&image, Crc::Check).expect("a sample is accepted");
        let mut input = vec![0; judge.tensors[judge.header.input].bytes()];
        let mut draw = Draw::new(1);
        for _ in 0..8 {
            draw.fill(&mut input);
            let ops = reference::run_bytes(&judge, &input).expect("the input fits").trace;
            let done: u64 = ops.iter().map(|op| op.macs + op.gates + op.entries.len() as u64 + op.dropped).sum();
            assert!(done <= judge.header.worst_steps.into(), "{name}: {done} done");
        }
    }
}

/// Both readers refuse a figure that is too low, and one that is too high.
#[test]
fn other_figures_are_refused() {
    for Hostile { name, image, .. } in all() {
        let steps = Parts::of(&image).header.worst_steps;
        for wrong in [0, steps - 1, steps + 1] {
            let mut image = image.clone();
            image[56..60].copy_from_slice(&wrong.to_le_bytes());
            seal(&mut image);
            assert!(matches!(compare(&image, 0, &mut Draw::new(1)), Verdict::Refused), "{name}: {wrong} for {steps}");
        }
    }
}
