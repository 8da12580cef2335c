//! Do ticks become instructions? Loops of known length on one machine of each kind of timer.

mod tiny;

use leafgate_emulate::{Emulation, Exit, ExitCode, Machine, Outcome, build_binary, workspace_root};
use std::time::Duration;

fn trial(name: &str, number: u8) -> Outcome {
    let machine = Machine::by_name(name).unwrap();
    let firmware = build_binary(&workspace_root().unwrap(), machine, &format!("{name}-trials"))
        .unwrap_or_else(|error| panic!("{error}\n{}", error.hint()));
    let request = [b'L', b'G', b'T', b'R', number, 0, 0, 0];
    Emulation::new(machine, firmware)
        .samples_bytes(request)
        .timeout(Duration::from_secs(120))
        .run()
        .unwrap_or_else(|error| panic!("{error}\n{}", error.hint()))
}

#[test]
fn loops_of_known_length_are_counted_within_two_instructions() {
    for name in ["mps2-an385", "mps2-an505", "mps3-an547", "microbit", "netduinoplus2", "virt"] {
        let outcome = trial(name, 6);
        assert_eq!(outcome.exit, Exit::Code(ExitCode::Success), "{name}: {:#?}", outcome.lines);
        let clock = &Machine::by_name(name).unwrap().clock;
        let mut loops = 0;
        for line in &outcome.lines {
            let words: Vec<_> = line.split(' ').collect();
            let ["loop", "of", insns, "insns", "took", ticks, "ticks"] = words[..] else { continue };
            let (want, have) = (insns.parse::<u64>().unwrap(), clock.insns(ticks.parse().unwrap()));
            println!("{name}: {want} instructions counted as {have}");
            assert!(want.abs_diff(have) <= 2, "{name}: {line}, which is {have}");
            loops += 1;
        }
        assert_eq!(loops, 6, "{name}: {:#?}", outcome.lines);
    }
}

#[test]
fn a_run_that_outlasts_the_counter_is_an_error_and_not_a_figure() {
    for name in ["mps2-an385", "mps3-an547", "microbit", "netduinoplus2"] {
        let outcome = trial(name, 7);
        assert_eq!(outcome.exit, Exit::Code(ExitCode::ClockFailed), "{name}: {:#?}", outcome.lines);
    }
}
