//! What a run costs on a core, in instructions, without running it.
//!
//! An op is a sum of pieces: so many rows of so many columns, requantisations, list entries. Their numbers follow from the records of the image,
//! and where values decide (which leaf a tree ends in, which neurons are skipped, whether a result is clamped) from a run of the reference, or
//! are left open. What a piece costs on a core has been measured: `cargo xtask bench --costs` runs many small ops in the emulator and
//! solves for the pieces. `docs/cost.md` has the argument why the largest of the figures is a bound.
//!
//! Rejected: an instruction-set simulator here (the emulator is one, and need not be installed where a model is converted); a count of
//! multiply-accumulates with a factor for each core (off by a third for small layers); formulas read off the kernels' listings (they
//! change with every compiler).

mod dense;
mod ffn;
mod frame;
mod lists;
mod low_bit;
mod netlist;
mod pieces;
mod predict;
mod route;
mod simple;
mod table;
mod work;

pub use predict::{Figures, Outlook, Prediction};
pub use table::{Core, Fit, GRAIN, LIMIT, Table, table};
pub use work::{Choice, Pick, Work};

use crate::reference::{Gates, Image, MapKind, Op, OpTrace, RouteKind, Weights, Wiring};
use lists::Lists;

/// An op as work.
#[derive(Clone, Debug)]
pub struct OpWork {
    /// The kind of op, for which costs are fitted together.
    pub kind: &'static str,
    /// Taking its tensors from the arena.
    pub frame: Work,
    /// The op itself, or why its pieces are not known.
    pub op: Result<Work, String>,
}

impl OpWork {
    /// Adds another run's.
    pub fn merge(&mut self, other: Self) {
        self.frame.merge(other.frame, 1);
        match (&mut self.op, other.op) {
            (Ok(op), Ok(more)) => op.merge(more, 1),
            (op, Err(why)) => *op = Err(why),
            _ => {}
        }
    }
}

/// A run besides its ops.
pub fn run_work() -> Work {
    let mut work = Work::default();
    work.add("run", 1);
    work
}

/// The kinds that costs are fitted for: those of ops, and what is around them.
pub const FRAME: &str = "frame";

/// The ops of an image as work: for a run that was traced, or for any.
pub fn ops(image: &Image, traces: Option<&[OpTrace]>) -> Vec<OpWork> {
    let mut lists = Lists::default();
    let mut works = Vec::with_capacity(image.ops.len());
    for (i, op) in image.ops.iter().enumerate() {
        let seen = traces.and_then(|traces| traces.get(i));
        let work = match op {
            Op::Linear(op) => Ok(dense::linear(op, image, seen)),
            Op::Ffn(ffn) => ffn::ffn(ffn, image, &lists, seen).map(|mut work| {
                // Which are many, and may be taken within the op.
                work.merge(frame::inner(op, image), 1);
                work
            }),
            Op::Route(op) => {
                let len = if op.append { lists.len(op.list) } else { Some(0) };
                let room = len.map(|len| image.tensors[op.list].cols.saturating_sub(len));
                route::route(op, image, room, seen)
            }
            Op::Gates(op) => Ok(simple::gates(op, image)),
            Op::GroupSum(op) => Ok(simple::group_sum(op, image)),
            Op::Map(op) => Ok(simple::map(op, image, seen)),
            Op::Move(op) => Ok(simple::copy(op, image)),
            Op::Readout(op) => Ok(simple::readout(op, image, seen)),
        };
        lists.pass(op, image);
        works.push(OpWork { kind: kind(op, image), frame: frame::frame(op, image), op: work });
    }
    works
}

/// An op by the code that runs it.
fn kind(op: &Op, image: &Image) -> &'static str {
    match op {
        Op::Linear(op) if op.rq.is_some_and(|rq| image.constants.all(rq).any(|rq| rq.s < 33)) => {
            "LINEAR by short shifts"
        }
        Op::Linear(op) if op.transposed && image.tensors[op.output].rows > 1 => "LINEAR transposed",
        Op::Linear(op) if matches!(op.weights, Weights::Pairs { .. }) => "LINEAR in pairs",
        Op::Linear(op) if matches!(op.weights, Weights::LowBit(_)) => "LINEAR of few bits",
        Op::Ffn(op) if op.neurons => "FFN of neurons",
        Op::Ffn(op) if image.ranges[op.first_range..][..op.range_count].iter().any(|range| !range.output_major) => {
            "FFN that skips"
        }
        Op::Route(op) => match op.kind {
            RouteKind::Static { .. } => "ROUTE static",
            RouteKind::Tree { .. } => "ROUTE tree",
            RouteKind::Linear { .. } => "ROUTE linear",
        },
        Op::Gates(Gates { wiring: Wiring::Netlist { .. }, .. }) => "GATES netlist",
        Op::GroupSum(op) if op.signals => "GROUPSUM of signals",
        Op::Map(op) => match op.kind {
            MapKind::Lut(_) => "MAP table",
            MapKind::Affine { .. } => "MAP affine",
            MapKind::Add { .. } => "MAP add",
            MapKind::Mul { .. } => "MAP mul",
            MapKind::Bits(_) => "MAP bits",
            MapKind::Clamp { .. } => "MAP clamp",
        },
        _ => op.name(),
    }
}
