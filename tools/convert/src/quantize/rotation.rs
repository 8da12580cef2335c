//! Word wiring without rotations of operand A.
//!
//! A word computed from operands that are both rotated back by `r` is the word rotated back by `r`. So A's rotation can go to B, to the
//! masks, and to whoever reads the word. Cores without a rotation instruction, and every core a little, are faster for it.

use leafgate_image::WordGates;

use super::integer::{IntGates, IntGraph, IntOp, TensorId};

/// Makes the rotation of operand A zero wherever all readers of the words can absorb it: gates, and group sums over whole words.
pub(super) fn absorb(graph: &mut IntGraph) {
    // In the order of the run, as a layer's rotations change with those of the layer before.
    for i in 0..graph.ops.len() {
        let IntOp::Gates { output, .. } = graph.ops[i].1 else { continue };
        if graph.tensor(output).cols.is_multiple_of(32) && graph.ops.iter().all(|(_, op)| absorbs(op, output)) {
            let rotations = strip(&mut graph.ops[i].1);
            for (_, op) in &mut graph.ops {
                turn(op, output, &rotations);
            }
        }
    }
}

/// Whether `op` can read the words of `id` rotated, if it reads them at all.
fn absorbs(op: &IntOp, id: TensorId) -> bool {
    match op {
        IntOp::Gates { gates: IntGates::Word(_), .. } => true,
        IntOp::GroupSum { input, bounds, .. } => *input != id || bounds.iter().all(|bound| bound % 32 == 0),
        _ => !op.operands().0.contains(&id),
    }
}

/// Takes A's rotations away; returns by how much each word is now rotated to the left.
fn strip(op: &mut IntOp) -> Vec<u32> {
    let IntOp::Gates { gates: IntGates::Word(words), .. } = op else { return Vec::new() };
    let strip = |word: &mut WordGates| {
        let ((a, rotation), (b, b_rotation)) = (word.a(), word.b());
        word.wiring = descriptor((a, 0), (b, b_rotation.wrapping_sub(rotation)));
        word.masks = word.masks.map(|mask| mask.rotate_left(rotation));
        rotation
    };
    words.iter_mut().map(strip).collect()
}

/// Makes `op` read the words of `id` as they were before they were rotated.
fn turn(op: &mut IntOp, id: TensorId, rotations: &[u32]) {
    let of = |word: u32| rotations.get(word as usize).copied().unwrap_or(0);
    match op {
        IntOp::Gates { input, gates: IntGates::Word(words), .. } if *input == id => {
            for word in words {
                let [a, b] = [word.a(), word.b()].map(|(index, rotation)| (index, rotation + of(index)));
                word.wiring = descriptor(a, b);
            }
        }
        _ => {}
    }
}

/// Operands as word index and rotation to the right, of which the lowest five bits count.
fn descriptor((a, a_rotation): (u32, u32), (b, b_rotation): (u32, u32)) -> u32 {
    a | (a_rotation & 31) << 11 | b << 16 | b_rotation << 27
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantize::integer::{Dtype, IntTensor};

    /// 32 gates of `x`.
    fn word(gates: &WordGates, x: &[u32]) -> u32 {
        let ([c0, c1, c2, c3], (a, ra), (b, rb)) = (gates.masks, gates.a(), gates.b());
        let (a, b) = (x[a as usize].rotate_right(ra), x[b as usize].rotate_right(rb));
        c0 ^ (c1 & a) ^ (b & (c2 ^ (c3 & a)))
    }

    fn run(graph: &IntGraph, input: &[u32]) -> Vec<u32> {
        let mut x = input.to_vec();
        for (_, op) in &graph.ops {
            match op {
                IntOp::Gates { gates: IntGates::Word(words), .. } => x = words.iter().map(|w| word(w, &x)).collect(),
                IntOp::GroupSum { bounds, .. } => {
                    let ones = |from: u32, to: u32| (from..to).map(|i| x[(i / 32) as usize] >> (i % 32) & 1).sum();
                    x = bounds.windows(2).map(|pair| ones(pair[0], pair[1])).collect();
                }
                _ => {}
            }
        }
        x
    }

    fn numbers() -> impl FnMut() -> u32 {
        let mut state = 1u64;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) as u32
        }
    }

    /// Three layers of three words, then `last`.
    fn graph(last: IntOp, next: &mut impl FnMut() -> u32) -> IntGraph {
        let mut graph = IntGraph::default();
        for _ in 0..5 {
            let (name, dtype, zero_point) = (String::new(), Dtype::Bits, 0.0);
            graph.add(IntTensor { name, dtype, cols: 96, scale: 1.0, zero_point, lo: 0, hi: 1 });
        }
        for layer in 0..3 {
            let mut word = || WordGates {
                wiring: descriptor((next() % 3, next()), (next() % 3, next())),
                masks: [next(), next(), next(), next()],
            };
            let gates = IntGates::Word(vec![word(), word(), word()]);
            let op = IntOp::Gates { input: TensorId(layer), output: TensorId(layer + 1), gates };
            graph.ops.push((String::new(), op));
        }
        graph.ops.push((String::new(), last));
        graph
    }

    fn rotated(graph: &IntGraph, layer: usize) -> usize {
        let IntOp::Gates { gates: IntGates::Word(words), .. } = &graph.ops[layer].1 else { return 0 };
        words.iter().filter(|word| word.a().1 != 0).count()
    }

    #[test]
    fn the_same_function_without_rotations_of_a() {
        let mut next = numbers();
        let (input, output) = (TensorId(3), TensorId(4));
        let sum = |bounds: &[u32]| IntOp::GroupSum { input, output, bounds: bounds.to_vec(), bias: Vec::new() };
        for _ in 0..20 {
            for (last, is_whole) in [(sum(&[0, 32, 96]), true), (sum(&[0, 40, 96]), false)] {
                let before = graph(last, &mut next);
                let mut after = before.clone();
                absorb(&mut after);
                assert_eq!(rotated(&after, 0) + rotated(&after, 1), 0);
                assert!(!is_whole || rotated(&after, 2) == 0);
                for _ in 0..4 {
                    let x = [next(), next(), next()];
                    assert_eq!(run(&before, &x), run(&after, &x));
                }
            }
        }
    }
}
