//! Layers of gates forward and backward in one loop, for 32 samples at a time.
//!
//! ```text
//! A = sum_j s_j x[a_j]        B = sum_j t_j x[b_j]        y = k0 + k1 A + k2 B + k3 A B
//! ```
//!
//! Written with tensors of a framework this takes a dozen passes over arrays of (gates, batch), which do not fit any cache:
//! reading memory is all the time there is. Here a block of 32 samples goes through all layers, and back, on one core: a
//! bit of all samples is one array of 32 floats, which the compiler keeps in vector registers, and the bits of a layer of
//! 8000 gates are 1 MB. Blocks run on all cores. Every block sums its gradients on its own and the blocks are added in
//! order, so that the result does not depend on how many cores there are.

use rayon::prelude::*;

/// Samples of a block.
pub(super) const LANES: usize = 32;

/// A bit of the samples of a block.
pub(super) type Bit = [f32; LANES];

/// What a layer computes, as plain numbers.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    /// `(gates)`: `k0` to `k3`.
    pub(super) coefficients: Vec<[f32; 4]>,
    pub(super) a: Reading,
    pub(super) b: Reading,
    /// Gates that choose their operands together.
    pub(super) lanes: usize,
}

/// How a layer reads one operand.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    /// `(gates, candidates)`: bits of the layer before.
    pub(super) bits: std::sync::Arc<Vec<u32>>,
    pub(super) candidates: usize,
    /// `(groups, candidates)`: how much of each; empty where there is one candidate.
    pub(super) shares: Vec<f32>,
}

/// Gradients of a [`Layer`].
#[derive(Debug, Clone)]
pub(super) struct Gradients {
    /// `(gates)`.
    pub(super) coefficients: Vec<[f32; 4]>,
    /// As [`Reading::shares`].
    pub(super) a: Vec<f32>,
    pub(super) b: Vec<f32>,
}

/// The bits of a block, layer by layer; the first are the input.
#[derive(Debug)]
pub(super) struct Block(Vec<Vec<Bit>>);

/// The blocks of the inputs that `bits` makes; `bits(block)` are the input bits of the samples `32 * block` and on.
pub(super) fn forward(layers: &[Layer], blocks: usize, bits: impl Fn(usize) -> Vec<Bit> + Sync) -> Vec<Block> {
    let through = |block| {
        let mut all = vec![bits(block)];
        for layer in layers {
            let next = layer.forward(&all[all.len() - 1]);
            all.push(next);
        }
        Block(all)
    };
    (0..blocks).into_par_iter().map(through).collect()
}

/// The gradients of every layer, given for each block those of the last layer's bits.
pub(super) fn backward(layers: &[Layer], blocks: &[Block], last: impl Fn(usize) -> Vec<Bit> + Sync) -> Vec<Gradients> {
    let through = |(index, block): (usize, &Block)| {
        let mut above = last(index);
        let mut gradients = Vec::with_capacity(layers.len());
        for (depth, layer) in layers.iter().enumerate().rev() {
            let (below, gradient) = layer.backward(&block.0[depth], &above, depth > 0);
            gradients.push(gradient);
            above = below;
        }
        gradients.reverse();
        gradients
    };
    let parts: Vec<Vec<Gradients>> = blocks.par_iter().enumerate().map(through).collect();
    let mut parts = parts.into_iter();
    let mut sum = parts.next().unwrap_or_default();
    for part in parts {
        sum.par_iter_mut().zip(part).for_each(|(sum, part)| sum.add(&part));
    }
    sum
}

impl Block {
    /// The bits of the last layer.
    pub(super) fn last(&self) -> &[Bit] {
        &self.0[self.0.len() - 1]
    }
}

impl Layer {
    fn forward(&self, x: &[Bit]) -> Vec<Bit> {
        let gate = |(gate, k): (usize, &[f32; 4])| {
            let (a, b) = (self.a.read(x, gate, self.lanes), self.b.read(x, gate, self.lanes));
            std::array::from_fn(|i| b[i] * (a[i] * k[3] + k[2]) + (a[i] * k[1] + k[0]))
        };
        self.coefficients.iter().enumerate().map(gate).collect()
    }

    /// The gradients of `x`, where they are asked for, and of the layer.
    fn backward(&self, x: &[Bit], above: &[Bit], below: bool) -> (Vec<Bit>, Gradients) {
        let mut dx = vec![[0.0; LANES]; if below { x.len() } else { 0 }];
        let mut gradients = Gradients {
            coefficients: Vec::with_capacity(self.coefficients.len()),
            a: vec![0.0; self.a.shares.len()],
            b: vec![0.0; self.b.shares.len()],
        };
        for (gate, (k, dy)) in self.coefficients.iter().zip(above).enumerate() {
            let (a, b) = (self.a.read(x, gate, self.lanes), self.b.read(x, gate, self.lanes));
            let dy_a: Bit = std::array::from_fn(|i| dy[i] * a[i]);
            gradients.coefficients.push([sum(dy), sum(&dy_a), dot(dy, &b), dot(&dy_a, &b)]);
            if below || self.a.candidates > 1 {
                let da: Bit = std::array::from_fn(|i| dy[i] * (b[i] * k[3] + k[1]));
                let db: Bit = std::array::from_fn(|i| dy[i] * (a[i] * k[3] + k[2]));
                self.a.scatter(x, &mut dx, gate, self.lanes, &da, &mut gradients.a);
                self.b.scatter(x, &mut dx, gate, self.lanes, &db, &mut gradients.b);
            }
        }
        (dx, gradients)
    }
}

impl Reading {
    /// The candidates of `gate` and where their shares are.
    fn of(&self, gate: usize, lanes: usize) -> (&[u32], std::ops::Range<usize>) {
        let group = gate / lanes * self.candidates;
        (&self.bits[gate * self.candidates..][..self.candidates], group..group + self.candidates)
    }

    fn read(&self, x: &[Bit], gate: usize, lanes: usize) -> Bit {
        if self.candidates == 1 {
            return x[self.bits[gate] as usize];
        }
        let (bits, group) = self.of(gate, lanes);
        let mut mixed = [0.0; LANES];
        for (&bit, &share) in bits.iter().zip(&self.shares[group]) {
            if share != 0.0 {
                add(&mut mixed, &x[bit as usize], share);
            }
        }
        mixed
    }

    /// Hands the gradient of the operand on to the bits read, where `dx` is not empty, and to the shares.
    fn scatter(&self, x: &[Bit], dx: &mut [Bit], gate: usize, lanes: usize, gradient: &Bit, shares: &mut [f32]) {
        if self.candidates == 1 {
            return add(&mut dx[self.bits[gate] as usize], gradient, 1.0);
        }
        let (bits, group) = self.of(gate, lanes);
        for ((&bit, &share), total) in bits.iter().zip(&self.shares[group.clone()]).zip(&mut shares[group]) {
            *total += dot(gradient, &x[bit as usize]);
            if share != 0.0 && !dx.is_empty() {
                add(&mut dx[bit as usize], gradient, share);
            }
        }
    }
}

impl Gradients {
    fn add(&mut self, other: &Self) {
        let rows = self.coefficients.iter_mut().zip(&other.coefficients);
        rows.for_each(|(sum, part)| sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part));
        for (sum, part) in [(&mut self.a, &other.a), (&mut self.b, &other.b)] {
            sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
    }
}

fn add(sum: &mut Bit, part: &Bit, share: f32) {
    sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += share * part);
}

/// Sums in eight columns: in one, each addition would wait for the one before.
fn dot(a: &Bit, b: &Bit) -> f32 {
    let mut columns = [0.0f32; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        columns.iter_mut().zip(a.iter().zip(b)).for_each(|(column, (a, b))| *column += a * b);
    }
    fold(columns)
}

fn sum(a: &Bit) -> f32 {
    let mut columns = [0.0f32; 8];
    for a in a.chunks_exact(8) {
        columns.iter_mut().zip(a).for_each(|(column, a)| *column += a);
    }
    fold(columns)
}

fn fold(columns: [f32; 8]) -> f32 {
    let [a, b, c, d, e, f, g, h] = columns;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}
