//! `leafgate boards`: what images can be made for.

use clap::Args;
use leafgate_emulate::table::{Place, Region};
use leafgate_emulate::{Machine, machines};
use serde::Serialize;

use crate::board;
use crate::error::Failure;
use crate::output::{Done, Lines, Talk, grouped, table};

const EXAMPLES: &str = "\
Examples:
  leafgate boards
  leafgate boards microbit
  leafgate boards --format json";

/// Arguments of `boards`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Show all of one board
    name: Option<String>,
}

#[derive(Serialize)]
struct Report<'b> {
    boards: Vec<Board<'b>>,
}

#[derive(Serialize)]
struct Board<'b> {
    name: &'b str,
    core: &'b str,
    target: &'b str,
    target_cpu: Option<&'b str>,
    flash: Part,
    ram: Part,
    model_partition: Part,
    samples_partition: Part,
    stack_bytes: u32,
    arena_bytes: u32,
    flash_budget_bytes: u32,
    ram_budget_bytes: u32,
    stack_budget_bytes: u32,
    instruction_budget: Option<u64>,
    /// Where the kernels run: `flash` or `ram`.
    kernels_in: &'static str,
    package: &'b str,
    emulator: &'b str,
    emulator_package: &'b str,
}

#[derive(Serialize)]
struct Part {
    origin: u32,
    bytes: u32,
}

impl From<Region> for Part {
    fn from(Region { origin, bytes }: Region) -> Self {
        Self { origin, bytes }
    }
}

impl<'b> From<&'b Machine> for Board<'b> {
    fn from(machine: &'b Machine) -> Self {
        Self {
            name: &machine.name,
            core: &machine.core,
            target: &machine.target,
            target_cpu: machine.target_cpu.as_deref(),
            flash: machine.flash.into(),
            ram: machine.ram.into(),
            model_partition: machine.model.into(),
            samples_partition: machine.samples.into(),
            stack_bytes: machine.stack_bytes,
            arena_bytes: machine.arena_bytes,
            flash_budget_bytes: machine.budgets.flash_bytes,
            ram_budget_bytes: machine.budgets.ram_bytes,
            stack_budget_bytes: machine.budgets.stack_bytes,
            instruction_budget: machine.budgets.instructions,
            kernels_in: match machine.place {
                Place::Flash => "flash",
                Place::Ram => "ram",
            },
            package: &machine.package,
            emulator: &machine.emulator,
            emulator_package: &machine.emulator_package,
        }
    }
}

/// Runs the verb.
pub fn run(arguments: &Arguments, talk: Talk) -> Result<Done, Failure> {
    let boards = match &arguments.name {
        Some(name) => vec![board::find(name)?.into()],
        None => machines().iter().map(Board::from).collect(),
    };
    let report = Report { boards };
    Ok(talk.done("leafgate.boards/1", &report, || match (&arguments.name, report.boards.as_slice()) {
        (Some(_), [board]) => details(board),
        (_, boards) => overview(boards),
    }))
}

fn overview(boards: &[Board<'_>]) -> String {
    let kib = |bytes: u32| format!("{} KiB", grouped(bytes / 1024));
    let rows = boards.iter().map(|board| {
        let names = [board.name, board.core, board.target].map(str::to_owned);
        let sizes = [board.flash.bytes, board.ram.bytes, board.model_partition.bytes, board.arena_bytes].map(kib);
        [names.as_slice(), sizes.as_slice()].concat()
    });
    table(&["board", "core", "target", ">flash", ">RAM", ">model", ">arena"], rows)
}

fn details(board: &Board<'_>) -> String {
    let mut lines = Lines::default();
    lines.add("board", board.name);
    lines.add("core", board.core);
    let cpu = board.target_cpu.map(|cpu| format!(", -Ctarget-cpu={cpu}")).unwrap_or_default();
    lines.add("target", format!("{}{cpu}", board.target));
    for (name, part) in [
        ("flash", &board.flash),
        ("RAM", &board.ram),
        ("model partition", &board.model_partition),
        ("samples partition", &board.samples_partition),
    ] {
        lines.add(name, format!("{} B at {:#010x}", grouped(part.bytes), part.origin));
    }
    lines.add("stack", format!("{} B", grouped(board.stack_bytes)));
    lines.add("arena", format!("{} B", grouped(board.arena_bytes)));
    lines.add(
        "budgets",
        format!(
            "flash {} B, RAM {} B, stack of a run {} B, {}",
            grouped(board.flash_budget_bytes),
            grouped(board.ram_budget_bytes),
            grouped(board.stack_budget_bytes),
            board.instruction_budget.map_or_else(
                || "any number of instructions".into(),
                |limit| format!("{} instructions of a run", grouped(limit))
            )
        ),
    );
    lines.add("kernels run in", if board.kernels_in == "ram" { "RAM, copied at the start" } else { "flash" });
    lines.add("firmware", format!("package {}, binary {}", board.package, board.name));
    lines.add("emulator", format!("{} (Debian package {})", board.emulator, board.emulator_package));
    lines.add("next", format!("leafgate emulate IMAGE --machine {}", board.name));
    lines.render()
}
