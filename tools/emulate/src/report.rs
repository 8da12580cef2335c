//! Reads the figures in the application's log. `leafgate_app` has the wording.

use crate::{EmulateError, Machine, Outcome, SampleReport};

/// Notes what a line says. Lines that are not the application's reports pass unread.
pub(crate) fn read_line(outcome: &mut Outcome, machine: &Machine, line: &str) -> Result<(), EmulateError> {
    let (topic, rest) = line.split_once(": ").unwrap_or((line, ""));
    let is_sample = topic.strip_prefix("sample ").is_some_and(|index| index.bytes().all(|byte| byte.is_ascii_digit()));
    let understood = match topic {
        _ if is_sample => read_sample(outcome, machine, line),
        "clock" => read_clock(outcome, machine, rest),
        "model" => read_model(outcome, rest),
        "parse" => read_parse(outcome, machine, rest),
        "self-test" => read_self_test(outcome, rest),
        "run" => read_run(outcome, rest),
        _ => Some(()),
    };
    understood.ok_or_else(|| EmulateError::Unexpected { line: line.to_owned() })
}

/// The numbers of a line, in order: every word that is one, a comma after it disregarded.
fn numbers<const N: usize>(text: &str) -> Option<[u32; N]> {
    let words = text.split(' ').map(|word| word.trim_end_matches([',', ':']));
    let numbers: Vec<u32> = words
        .filter_map(|word| match word.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => word.parse().ok(),
        })
        .collect();
    numbers.try_into().ok()
}

fn read_clock(outcome: &mut Outcome, machine: &Machine, text: &str) -> Option<()> {
    let [_empty, ticks, insns] = numbers(text)?;
    outcome.clock_insns = Some((machine.clock.insns(ticks), u64::from(insns)));
    Some(())
}

fn read_model(outcome: &mut Outcome, text: &str) -> Option<()> {
    let [model, input, arena, reserved] = numbers(text)?.map(Some);
    (outcome.model_bytes, outcome.input_bytes) = (model, input);
    (outcome.arena_bytes, outcome.arena_reserved_bytes) = (arena, reserved);
    Some(())
}

fn read_parse(outcome: &mut Outcome, machine: &Machine, text: &str) -> Option<()> {
    let [ticks, stack_bytes] = numbers(text)?;
    outcome.parse_insns = Some(machine.clock.insns(ticks));
    outcome.stack_parse_bytes = Some(stack_bytes);
    Some(())
}

fn read_self_test(outcome: &mut Outcome, text: &str) -> Option<()> {
    let [vectors, _paints] = numbers(text)?;
    outcome.vectors = Some(vectors);
    Some(())
}

fn read_run(outcome: &mut Outcome, text: &str) -> Option<()> {
    let [stack_bytes, arena_bytes] = numbers(text)?.map(Some);
    (outcome.stack_run_bytes, outcome.arena_used_bytes) = (stack_bytes, arena_bytes);
    Some(())
}

fn read_sample(outcome: &mut Outcome, machine: &Machine, line: &str) -> Option<()> {
    // A class of -1 is no number here.
    let (numbers, class) = match numbers::<4>(line) {
        Some([index, class, crc32, ticks]) => ([index, crc32, ticks], Some(class as usize)),
        None if line.contains("class -1,") => (numbers::<3>(line)?, None),
        None => return None,
    };
    let [index, crc32, ticks] = numbers;
    if index as usize != outcome.samples.len() {
        return None;
    }
    outcome.samples.push(SampleReport { index: index as usize, class, crc32, insns: machine.clock.insns(ticks) });
    Some(())
}

#[cfg(test)]
mod tests {
    use super::read_line;
    use crate::{Machine, Outcome, SampleReport};

    fn outcome(lines: &[&str]) -> Result<Outcome, String> {
        let mut outcome = Outcome::new();
        let machine = Machine::by_name("virt").unwrap();
        for line in lines {
            read_line(&mut outcome, machine, line).map_err(|error| error.to_string())?;
        }
        Ok(outcome)
    }

    #[test]
    fn the_documented_log_is_understood() {
        let outcome = outcome(&[
            "leafgate-app 0.1.0 on virt (RV32IMAC)",
            "clock: 41 ticks empty, 100000 ticks in 100000 insns",
            "model: 7360 bytes, 64 input bytes, arena 1216 of 10240 bytes",
            "parse: 20311 ticks, 296 stack bytes",
            "self-test: 8 vectors, 2 paints",
            "samples: 2 of 64 bytes",
            "sample 0: class 7, crc32 0x1c291ca3, 9612 ticks",
            "sample 1: class -1, crc32 0x00000001, 9613 ticks",
            "run: 208 stack bytes, 1204 arena bytes",
            "done: 2 samples",
        ])
        .unwrap();
        assert_eq!(outcome.clock_insns, Some((100_000, 100_000)));
        assert_eq!((outcome.model_bytes, outcome.input_bytes), (Some(7360), Some(64)));
        assert_eq!((outcome.arena_bytes, outcome.arena_reserved_bytes), (Some(1216), Some(10240)));
        assert_eq!((outcome.parse_insns, outcome.stack_parse_bytes), (Some(20311), Some(296)));
        assert_eq!(outcome.vectors, Some(8));
        assert_eq!((outcome.stack_run_bytes, outcome.arena_used_bytes), (Some(208), Some(1204)));
        let first = SampleReport { index: 0, class: Some(7), crc32: 0x1C29_1CA3, insns: 9612 };
        let second = SampleReport { index: 1, class: None, crc32: 1, insns: 9613 };
        assert_eq!(outcome.samples, [first, second]);
        assert_eq!(outcome.worst_run_insns(), Some(9613));
    }

    #[test]
    fn complaints_pass_unread() {
        let lines =
            ["image refused: ParseError { .. }", "self-test failed: 1 2 3", "sample 3 refused: whatever", "hello"];
        assert_eq!(outcome(&lines).unwrap(), Outcome::new());
    }

    #[test]
    fn a_malformed_report_is_an_error() {
        assert!(outcome(&["parse: many ticks"]).unwrap_err().contains("parse: many ticks"));
        assert!(outcome(&["sample 1: class 7, crc32 0x1c291ca3, 9612 ticks"]).is_err());
    }
}
