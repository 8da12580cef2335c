//! The `leafgate` command.
fn main() {}
