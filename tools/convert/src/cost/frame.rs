//! What a run does around its ops: it takes the tensors of each from the arena.

use super::work::Work;
use crate::reference::{Dtype, Image, MapKind, Op, Place, RouteKind, Weights};

/// The work before an op.
pub(super) fn frame(op: &Op, image: &Image) -> Work {
    let mut work = Work::default();
    let name = frame_name(op);
    work.add(format!("frame.{name}"), 1);
    // Ops name two tensors, three, or six.
    let class = match name {
        "ffn" => "frame.six",
        "packed" | "route" | "map" => "frame.three",
        _ => "frame.two",
    };
    // Of two tensors the input hardly ever lies behind the output; it costs what it costs with three.
    let turned = if name == "ffn" { "frame.six.turned" } else { "frame.three.turned" };
    let mut arena: Vec<usize> = Vec::new();
    let mut pattern = String::new();
    for tensor in tensors(op) {
        match tensor.map(|tensor| &image.tensors[tensor]) {
            None => pattern.push('-'),
            Some(tensor) if tensor.place == Place::Input => pattern.push('i'),
            Some(tensor) => {
                let dtype = match tensor.dtype {
                    Dtype::I8 => "i8",
                    Dtype::I32 => "i32",
                    Dtype::Bits => "bits",
                    Dtype::List => "list",
                };
                pattern.push('a');
                work.add(format!("frame.{dtype}"), 1);
                // Pairs out of order are compared twice.
                work.add(turned, arena.iter().filter(|&&other| other > tensor.offset as usize).count());
                arena.push(tensor.offset as usize);
            }
        }
    }
    if name == "ffn" {
        work.add(format!("{class}.arena{}", arena.len()), 1);
        work.add(format!("{class}.input"), usize::from(pattern.starts_with('i')));
    } else {
        // Which of the three are in the arena, with the caller, or nowhere.
        work.add(format!("{class}.{pattern}"), 1);
    }
    work
}

/// The same for an op that takes its tensors itself, in pieces of its own.
pub(super) fn inner(op: &Op, image: &Image) -> Work {
    let frame = frame(op, image);
    Work { pieces: frame.pieces.into_iter().map(|(piece, count)| (format!("own.{piece}"), count)).collect(), ..frame }
}

fn frame_name(op: &Op) -> &'static str {
    match op {
        Op::Linear(op) if matches!(op.weights, Weights::Rows(_)) => "linear",
        Op::Linear(_) => "packed",
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
            let prepared = if let Weights::Pairs { prepared, .. } = op.weights { Some(prepared) } else { None };
            vec![Some(op.input), Some(op.output), prepared]
        }
        Op::Ffn(op) => {
            let output = op.output.map(|(output, _)| output);
            vec![Some(op.input), output, op.list, op.hidden, Some(op.acc), op.partial]
        }
        Op::Route(op) => {
            let scores = if let RouteKind::Linear { scores, .. } = op.kind { Some(scores) } else { None };
            vec![op.input(), Some(op.list), scores]
        }
        Op::Gates(op) => vec![Some(op.input), Some(op.output), None],
        Op::GroupSum(op) => vec![Some(op.input), Some(op.output), None],
        Op::Map(op) => {
            let second = match op.kind {
                MapKind::Add { second, .. } | MapKind::Mul { second, .. } => Some(second),
                _ => None,
            };
            vec![Some(op.input), Some(op.output), second]
        }
        Op::Move(op) => vec![Some(op.input), Some(op.output), None],
        // Its input is the network's output.
        Op::Readout(op) => vec![Some(op.input), op.output, None],
    }
}
