//! Whether an image fits a board, with figures.

use leafgate_convert::Kernels;
use leafgate_emulate::{Machine, table};
use serde::Serialize;

use crate::error::Failure;
use crate::exit::Exit;
use crate::output::grouped;

/// An image on a board.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fit {
    /// The board.
    pub board: String,
    /// Bytes of the image.
    pub image_bytes: usize,
    /// Bytes of the model partition.
    pub model_partition_bytes: u32,
    /// Bytes of arena wanted.
    pub arena_bytes: usize,
    /// Bytes of arena that the board's application reserves.
    pub arena_reserved_bytes: u32,
}

impl Fit {
    /// Measures an image against a board.
    pub fn of(machine: &Machine, image_bytes: usize, arena_bytes: usize) -> Self {
        Self {
            board: machine.name.clone(),
            image_bytes,
            model_partition_bytes: machine.model.bytes,
            arena_bytes,
            arena_reserved_bytes: machine.arena_bytes,
        }
    }

    /// Refuses an image that does not fit.
    pub fn check(self) -> Result<Self, Failure> {
        let figures = [
            ("flash", "the model partition has", self.image_bytes, self.model_partition_bytes),
            ("arena", "the application reserves", self.arena_bytes, self.arena_reserved_bytes),
        ];
        let over = figures.map(|(_, _, need, have)| need.saturating_sub(have as usize));
        if over == [0, 0] {
            return Ok(self);
        }
        let mut failure =
            Failure::new("E0501", Exit::DoesNotFit, format!("the model does not fit board `{}`", self.board));
        for ((what, where_, need, have), over) in figures.into_iter().zip(over) {
            let verdict = if over > 0 { format!("{} B over", grouped(over)) } else { "fits".into() };
            failure =
                failure.fact(format!("{what}: needs {} B, {where_} {} B -> {verdict}", grouped(need), grouped(have)));
        }
        Err(failure
            .hint("make the model smaller: fewer or narrower leaves, experts or gates; `leafgate inspect` shows what takes the room")
            .hint("`leafgate boards` lists boards with more room"))
    }

    /// In a line.
    pub fn describe(&self) -> String {
        let share = |need: usize, have: u32| 100.0 * need as f64 / f64::from(have.max(1));
        format!(
            "{}: {} of {} B of the model partition ({:.0} %), {} of {} B of the arena ({:.0} %)",
            self.board,
            grouped(self.image_bytes),
            grouped(self.model_partition_bytes),
            share(self.image_bytes, self.model_partition_bytes),
            grouped(self.arena_bytes),
            grouped(self.arena_reserved_bytes),
            share(self.arena_bytes, self.arena_reserved_bytes),
        )
    }
}

/// The kernels of a board's core.
pub fn kernels(machine: &Machine) -> Kernels {
    match machine.kernels {
        table::Kernels::Portable => Kernels::Portable,
        table::Kernels::Dsp => Kernels::Dsp,
        table::Kernels::Swar => Kernels::Swar,
        table::Kernels::Mve => Kernels::Mve,
    }
}

/// The board of a name.
pub fn find(name: &str) -> Result<&'static Machine, Failure> {
    Machine::by_name(name).map_err(Failure::from)
}
