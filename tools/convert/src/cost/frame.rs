//! What a run does around its ops: it takes the tensors of each from the arena.

use super::work::Work;
use crate::reference::{Dtype, Image, MapKind, Op, Place, RouteKind, Tensor, Weights};

/// The work before an op.
pub(super) fn frame(op: &Op, image: &Image) -> Work {
    let mut work = Work::default();
    let tensors: Vec<Option<&Tensor>> =
        tensors(op).into_iter().map(|tensor| tensor.map(|tensor| &image.tensors[tensor])).collect();
    work.add(format!("frame.{}", frame_name(op)), 1);
    // Which of a few tensors are in the arena, with the caller, or nowhere.
    if tensors.len() < 4 {
        let place = |tensor: &Option<&Tensor>| match tensor.map(|tensor| tensor.place) {
            None => '-',
            Some(Place::Input) => 'i',
            Some(Place::Arena) => 'a',
        };
        work.add(format!("frame.{}", tensors.iter().map(place).collect::<String>()), 1);
    }
    looks(&mut work, &tensors);
    work
}

/// The looks at tensors: those in the arena are taken in the order in which they lie, the nearest each time, of two at one place the later.
fn looks(work: &mut Work, tensors: &[Option<&Tensor>]) {
    let mut end = 0;
    for _ in tensors {
        let mut nearest: Option<&Tensor> = None;
        for tensor in tensors {
            let way = match (tensor, nearest) {
                (None, _) => "absent",
                (Some(tensor), _) if tensor.place == Place::Input => "caller",
                (Some(tensor), _) if (tensor.offset as usize) < end => "behind",
                (_, None) => "first",
                (Some(tensor), Some(best)) if tensor.offset <= best.offset => "nearer",
                _ => "farther",
            };
            work.add(format!("frame.look.{way}"), 1);
            nearest = if matches!(way, "first" | "nearer") { *tensor } else { nearest };
        }
        let Some(tensor) = nearest else { break };
        let dtype = match tensor.dtype {
            Dtype::I8 => "i8",
            Dtype::I32 => "i32",
            Dtype::Bits => "bits",
            Dtype::List => "list",
        };
        work.add(format!("frame.{dtype}"), 1);
        // The bytes of more than a row take a product.
        work.add("frame.rows", usize::from(tensor.rows > 1));
        end = tensor.offset as usize + tensor.bytes();
    }
}

/// The same for an op that takes its tensors itself, in pieces of its own.
pub(super) fn inner(op: &Op, image: &Image) -> Work {
    let frame = frame(op, image);
    Work { pieces: frame.pieces.into_iter().map(|(piece, count)| (format!("own.{piece}"), count)).collect(), ..frame }
}

fn frame_name(op: &Op) -> &'static str {
    match op {
        Op::Linear(op) if matches!(op.weights, Weights::Rows(_)) => "linear",
        Op::Linear(op) if matches!(op.weights, Weights::Pairs { .. }) => "pairs",
        Op::Linear(_) => "low",
        Op::Ffn(_) => "ffn",
        Op::Route(_) => "route",
        Op::Gates(_) => "gates",
        Op::GroupSum(_) => "groupsum",
        Op::Map(_) => "map",
        Op::Move(_) => "move",
        Op::Readout(_) => "readout",
    }
}

/// The tensors that an op names, in the order of its record.
fn tensors(op: &Op) -> Vec<Option<usize>> {
    match *op {
        Op::Linear(op) => {
            let prepared = op.weights.prepared();
            [Some(op.input), Some(op.output)].into_iter().chain(prepared.map(Some)).collect()
        }
        Op::Ffn(op) => {
            // The output without requantising is the accumulator.
            let output = op.output.map_or(op.acc, |(output, _)| output);
            vec![Some(op.input), Some(output), op.list, op.hidden, Some(op.acc), op.partial]
        }
        Op::Route(op) => {
            let scores = if let RouteKind::Linear { scores, .. } = op.kind { Some(scores) } else { None };
            vec![op.input(), Some(op.list), scores]
        }
        Op::Gates(op) => vec![Some(op.input), Some(op.output)],
        Op::GroupSum(op) => vec![Some(op.input), Some(op.output)],
        Op::Map(op) => {
            let second = match op.kind {
                MapKind::Add { second, .. } | MapKind::Mul { second, .. } => Some(second),
                _ => None,
            };
            vec![Some(op.input), Some(op.output), second]
        }
        Op::Move(op) => vec![Some(op.input), Some(op.output)],
        // Its input is the network's output.
        Op::Readout(op) => vec![Some(op.input), op.output],
    }
}
