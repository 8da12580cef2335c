//! The smallest firmware does what it says.

mod tiny;

use leafgate_emulate::{Emulation, build_example, machine_of, workspace_root};

#[test]
fn hello_sees_a_zero() {
    let machine = leafgate_emulate::Machine::by_name("mps2-an386").unwrap();
    let firmware = build_example(&workspace_root().unwrap(), machine, "hello")
        .unwrap_or_else(|error| panic!("{error}\n{}", error.hint()));
    assert_eq!(machine_of(&firmware).unwrap().name, machine.name);
    let outcome = Emulation::new(machine, firmware).run().unwrap_or_else(|error| panic!("{error}\n{}", error.hint()));
    assert!(outcome.exit.is_success(), "{:#?}", outcome.lines);
    assert_eq!(outcome.lines, ["hello, this is a Some(0)"]);
}
