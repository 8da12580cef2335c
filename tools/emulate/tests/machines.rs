//! The application on every machine: boots, proves itself, serves, reports.

mod tiny;

use leafgate_emulate::{Emulation, Exit, ExitCode, Machine, SampleReport, Sizes, build_firmware, workspace_root};

const SAMPLES: [[i8; 4]; 3] = [[0, 1, 2, 3], [127, -128, 4, 4], [-1, -1, -1, -2]];

fn serves(name: &str) {
    let machine = Machine::by_name(name).unwrap();
    let firmware =
        build_firmware(&workspace_root().unwrap(), machine).unwrap_or_else(|error| panic!("{error}\n{}", error.hint()));
    let mut seen = Vec::new();
    let emulation = Emulation::new(machine, &firmware)
        .image_bytes(tiny::image())
        .samples(SAMPLES.map(tiny::bytes))
        .on_sample(|sample| seen.push(sample.index));
    let outcome = emulation.run().unwrap_or_else(|error| panic!("{error}\n{}", error.hint()));
    let log = outcome.lines.join("\n");
    println!("{log}");

    assert_eq!(outcome.exit, Exit::Code(ExitCode::Success), "{log}");
    assert_eq!(outcome.vectors, Some(2));
    assert_eq!((outcome.arena_bytes, outcome.arena_used_bytes), (Some(8), Some(8)));
    assert_eq!(outcome.arena_reserved_bytes, Some(machine.arena_bytes));
    let (insns, loop_insns) = outcome.clock_insns.expect("the clock is probed");
    assert!(insns.abs_diff(loop_insns) <= 2, "{insns} instructions counted in a loop of {loop_insns}");

    assert_eq!(seen, [0, 1, 2]);
    for (index, (input, report)) in SAMPLES.into_iter().zip(&outcome.samples).enumerate() {
        let (class, crc32) = (Some(tiny::class(input)), tiny::crc32(input));
        assert_eq!(*report, SampleReport { index, class, crc32, insns: report.insns });
        assert!((50..2500).contains(&report.insns), "{} instructions for four numbers", report.insns);
    }

    let sizes = Sizes::of(&firmware).unwrap();
    let budgets = machine.budgets;
    println!("{name}: {sizes:?}");
    let stacks = [outcome.stack_parse_bytes, outcome.stack_run_bytes].map(|bytes| u64::from(bytes.unwrap()));
    for (what, have, want) in [
        ("flash", sizes.flash_bytes, budgets.flash_bytes),
        ("RAM", sizes.ram_bytes, budgets.ram_bytes),
        ("stack of parse", stacks[0], budgets.stack_bytes),
        ("stack of run", stacks[1], budgets.stack_bytes),
    ] {
        assert!(have > 0 && have <= u64::from(want), "{name}: {what} is {have} bytes, its budget {want}");
    }
}

macro_rules! machines {
    ($($test:ident: $name:literal,)*) => {
        $(
            #[test]
            fn $test() {
                serves($name);
            }
        )*

        #[test]
        fn none_is_left_out() {
            let tested = [$($name),*];
            let table: Vec<_> = leafgate_emulate::machines().iter().map(|machine| machine.name.as_str()).collect();
            assert_eq!(table, tested);
        }
    };
}

machines! {
    mps2_an385: "mps2-an385",
    mps2_an386: "mps2-an386",
    mps2_an500: "mps2-an500",
    mps2_an505: "mps2-an505",
    mps3_an547: "mps3-an547",
    microbit: "microbit",
    netduinoplus2: "netduinoplus2",
    virt: "virt",
}
