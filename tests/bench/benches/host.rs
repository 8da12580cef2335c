//! Samples a second on the host, of one core: 48,000 gates (6 x 8000 in word wiring) from 400 inputs.
//!
//! ```console
//! $ taskset -c 0 cargo bench -p leafgate-tests-bench --bench host
//! ```
//! `network` is transposition of packed bits and the gates; `whole` begins with signed bytes and thresholds, and ends with ten groups, their sums and the
//! class. Beside the blocks stand a session, which runs one sample at a time, and a plain loop over gates and bytes that hold
//! a bit each. `every_core` is what the tools call, with an output made for each sample.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use leafgate::batch::{Batch, Plan};
use leafgate::image::{GatesRecord, WordGates, op};
use leafgate::{Input, Model, Session};
use leafgate_convert::host::wide::{self, WideBatch, Words};
use leafgate_convert::host::{AlignedBytes, HostEngine};
use leafgate_tests_bench::images;
use leafgate_tests_laws::draw::Draw;
use leafgate_tests_laws::gates::{Reads, network};
use zerocopy::{FromBytes, IntoBytes};

const INPUTS: usize = 400;
const LAYERS: usize = 6;
const GATES: usize = 8000;

fn main() {
    divan::main();
}

/// From packed bits to the last layer's.
fn network_alone() -> Vec<u8> {
    images::word_gates(INPUTS, LAYERS, GATES).expect("the converter takes it")
}

/// From signed bytes to a class.
fn whole_network() -> Vec<u8> {
    network(Reads::Bytes, true, INPUTS, LAYERS, GATES).expect("the converter takes it")
}

/// Random inputs.
fn inputs(model: &Model<'_>, count: usize) -> Vec<AlignedBytes> {
    let mut draw = Draw::new(1);
    let mut inputs = vec![AlignedBytes::filled(model.input_bytes(), 0); count];
    inputs.iter_mut().for_each(|input| draw.fill(input.as_mut_slice()));
    inputs
}

/// Blocks of `32 * N` samples, compiled for what every machine has.
fn portable<const N: usize>(bencher: Bencher<'_, '_>, image: &[u8]) {
    let image = AlignedBytes::copy_of(image);
    let model = Model::parse(image.as_slice()).unwrap();
    let inputs = inputs(&model, 32 * N);
    let inputs: Vec<Input<'_>> = inputs.iter().map(|input| model.input(input.as_slice()).unwrap()).collect();
    let mut words = vec![0; Plan::words(&model)];
    let plan = Plan::new(&model, &mut words).unwrap();
    let mut memory = Words::new(Batch::<N>::words(&model));
    let mut batch = Batch::<N>::new(&model, memory.as_mut_slice()).unwrap().with_plan(&plan).unwrap();
    bencher.counter(ItemsCount::new(32 * N)).bench_local(|| {
        black_box(batch.run(black_box(&inputs)).unwrap());
    });
}

/// Blocks of 512, compiled for what the machine has.
fn blocks(bencher: Bencher<'_, '_>, image: &[u8], is_planned: bool) {
    let image = AlignedBytes::copy_of(image);
    let model = Model::parse(image.as_slice()).unwrap();
    let inputs = inputs(&model, wide::SAMPLES);
    let inputs: Vec<Input<'_>> = inputs.iter().map(|input| model.input(input.as_slice()).unwrap()).collect();
    let mut words = vec![0; Plan::words(&model)];
    let plan = Plan::new(&model, &mut words).unwrap();
    let mut memory = Words::new(WideBatch::words(&model));
    let mut batch = WideBatch::new(&model, memory.as_mut_slice()).unwrap();
    if is_planned {
        batch = batch.with_plan(&plan).unwrap();
    }
    bencher.counter(ItemsCount::new(wide::SAMPLES)).bench_local(|| {
        black_box(wide::run(&mut batch, black_box(&inputs)).unwrap());
    });
}

/// One sample at a time.
fn session(bencher: Bencher<'_, '_>, image: &[u8]) {
    let image = AlignedBytes::copy_of(image);
    let model = Model::parse(image.as_slice()).unwrap();
    let inputs = inputs(&model, 16);
    let inputs: Vec<Input<'_>> = inputs.iter().map(|input| model.input(input.as_slice()).unwrap()).collect();
    let mut arena = AlignedBytes::filled(model.arena_bytes(), 0);
    let mut session = Session::new(&model, arena.as_mut_slice()).unwrap();
    bencher.counter(ItemsCount::new(inputs.len())).bench_local(|| {
        for &input in &inputs {
            black_box(session.run(black_box(input)).unwrap());
        }
    });
}

/// Layers of gates as a plain program has them: a truth table and the indices of two operands.
fn decoded(model: &Model<'_>) -> Vec<Vec<(u8, u16, u16)>> {
    let layers = model.view().ops().iter().filter(|record| record.op == op::GATES);
    let layer = |record: &leafgate::image::OpRecord| {
        let record = GatesRecord::read_from_bytes(record.as_bytes()).unwrap();
        let table: &[WordGates] = model.view().constants(record.table, record.count as usize).unwrap();
        let word = |word: &WordGates| -> Vec<(u8, u16, u16)> {
            let gate = |j: u32| {
                let operand = |(word, rotation): (u32, u32)| (32 * word + (j + rotation) % 32) as u16;
                let [c0, c1, c2, c3] = word.masks.map(|mask| (mask >> j & 1) as u8);
                let truth = [c0, c0 ^ c1, c0 ^ c2, c0 ^ c1 ^ c2 ^ c3];
                (truth.iter().rev().fold(0, |all, bit| all << 1 | bit), operand(word.a()), operand(word.b()))
            };
            (0..32).map(gate).collect()
        };
        table.iter().flat_map(word).collect()
    };
    layers.map(layer).collect()
}

mod network {
    use super::*;

    #[divan::bench]
    fn blocks_of_512(bencher: Bencher<'_, '_>) {
        blocks(bencher, &network_alone(), true);
    }

    #[divan::bench]
    fn blocks_of_512_without_a_plan(bencher: Bencher<'_, '_>) {
        blocks(bencher, &network_alone(), false);
    }

    #[divan::bench(consts = [4, 8, 16, 32])]
    fn portable_of_32_times<const N: usize>(bencher: Bencher<'_, '_>) {
        portable::<N>(bencher, &network_alone());
    }

    #[divan::bench]
    fn sessions(bencher: Bencher<'_, '_>) {
        session(bencher, &network_alone());
    }

    #[divan::bench]
    fn plain_loop(bencher: Bencher<'_, '_>) {
        let image = AlignedBytes::copy_of(&network_alone());
        let model = Model::parse(image.as_slice()).unwrap();
        let layers = decoded(&model);
        let bits = inputs(&model, 1)[0].as_slice().iter().flat_map(|byte| (0..8).map(move |i| byte >> i & 1)).collect();
        let run = |mut bits: Vec<u8>| {
            for layer in &layers {
                bits = layer
                    .iter()
                    .map(|&(truth, a, b)| truth >> (bits[usize::from(a)] + 2 * bits[usize::from(b)]) & 1)
                    .collect();
            }
            bits
        };
        // It is the same network.
        let mut arena = AlignedBytes::filled(model.arena_bytes(), 0);
        let input = inputs(&model, 1);
        let mut session = Session::new(&model, arena.as_mut_slice()).unwrap();
        session.run(model.input(input[0].as_slice()).unwrap()).unwrap();
        let last = run(Vec::clone(&bits));
        let is_at =
            |at: usize| last.iter().enumerate().all(|(i, bit)| arena.as_slice()[at + i / 8] >> (i % 8) & 1 == *bit);
        assert!((0..=model.arena_bytes() - GATES / 8).step_by(4).any(is_at));
        bencher.counter(ItemsCount::new(1usize)).bench_local(|| black_box(run(black_box(&bits).clone())));
    }
}

mod whole {
    use super::*;

    #[divan::bench]
    fn blocks_of_512(bencher: Bencher<'_, '_>) {
        blocks(bencher, &whole_network(), true);
    }

    #[divan::bench(consts = [4, 8, 16, 32])]
    fn portable_of_32_times<const N: usize>(bencher: Bencher<'_, '_>) {
        portable::<N>(bencher, &whole_network());
    }

    #[divan::bench]
    fn sessions(bencher: Bencher<'_, '_>) {
        session(bencher, &whole_network());
    }

    #[divan::bench(sample_count = 10)]
    fn every_core(bencher: Bencher<'_, '_>) {
        let engine = HostEngine::new(&whole_network()).unwrap();
        let mut draw = Draw::new(2);
        let mut inputs = vec![vec![0u8; INPUTS]; 1 << 16];
        inputs.iter_mut().for_each(|input| draw.fill(input));
        bencher.counter(ItemsCount::new(inputs.len())).bench_local(|| {
            engine.run(&inputs, |_, output| drop(black_box(output))).unwrap();
        });
    }
}
