//! A batch of samples gives what sessions give, sample by sample, and refuses what it cannot do.

use leafgate::batch::{Batch, BatchError, Plan, words};
use leafgate::{Input, InputError, InputShape, Model, Session};
use leafgate_convert::host::AlignedBytes;
use leafgate_convert::{Options, Ranges, convert};
use leafgate_tests_laws::draw::{Draw, graph};
use leafgate_tests_laws::layout;
use leafgate_tests_laws::samples::zoo;
use proptest::prelude::*;

/// Random inputs of a model, as bytes that words of bits can be read from.
fn draw_inputs(model: &Model<'_>, count: usize, seed: u64) -> Vec<AlignedBytes> {
    let mut draw = Draw::new(seed);
    let mut inputs = vec![AlignedBytes::filled(model.input_bytes(), 0); count];
    inputs.iter_mut().for_each(|input| draw.fill(input.as_mut_slice()));
    inputs
}

/// Values and classes of every input, one by one.
fn one_by_one(model: &Model<'_>, inputs: &[Input<'_>]) -> Vec<(Vec<i32>, Vec<i32>, u32)> {
    let mut arena = AlignedBytes::filled(model.arena_bytes(), 0);
    let mut session = Session::new(model, arena.as_mut_slice()).unwrap();
    let mut run = |&input: &Input<'_>| {
        let output = session.run(input).unwrap();
        (output.iter().collect(), output.classes().to_vec(), output.crc32())
    };
    inputs.iter().map(&mut run).collect()
}

/// Runs as many inputs as fit, then a few, with and without a plan, in memory that holds `paint`.
fn compare<const N: usize>(name: &str, image: &[u8], seed: u64, paint: u32) {
    let bytes = AlignedBytes::copy_of(image);
    let model = Model::parse(bytes.as_slice()).unwrap();
    let inputs = draw_inputs(&model, Batch::<N>::SAMPLES, seed);
    let inputs: Vec<Input<'_>> = inputs.iter().map(|input| model.input(input.as_slice()).unwrap()).collect();
    let want = one_by_one(&model, &inputs);
    assert_eq!(Batch::<N>::words(&model), words(image, N), "{name}");
    let mut planned = vec![paint; Plan::words(&model)];
    let plan = Plan::new(&model, &mut planned).unwrap();
    for is_planned in [false, true] {
        let mut memory = vec![paint; words(image, N) + 8];
        let mut batch = Batch::<N>::new(&model, &mut memory).unwrap();
        if is_planned {
            batch = batch.with_plan(&plan).unwrap();
        }
        for count in [inputs.len(), 1, 0, 31] {
            let outputs = batch.run(&inputs[..count]).unwrap();
            assert_eq!(outputs.is_empty(), count == 0);
            let have: Vec<_> = outputs
                .iter()
                .map(|output| (output.iter().collect::<Vec<i32>>(), output.classes().to_vec(), output.crc32()))
                .collect();
            assert_eq!(have, want[..count], "{name}: {N} words, {count} samples, plan: {is_planned}");
            assert_eq!((outputs.len(), outputs.get(count).is_none()), (count, true));
        }
        assert_eq!(memory[words(image, N)..], [paint; 8], "{name}: written beyond the memory");
    }
}

/// As [`compare`], for samples in one word and in several.
fn compare_all(name: &str, image: &[u8], seed: u64) {
    compare::<1>(name, image, seed, 0xA5A5_A5A5);
    compare::<2>(name, image, seed, 0x5A5A_5A5A);
    compare::<16>(name, image, seed, 0);
}

#[test]
fn the_zoo_and_images_laid_out_by_hand() {
    let digits =
        zoo().into_iter().find(|sample| sample.name == "digits-gates").expect("the zoo has a network of gates");
    compare_all("digits-gates", &digits.image, 1);
    let laid_out: Vec<_> = layout::all().into_iter().filter(|(name, _)| ["bits", "wide"].contains(name)).collect();
    assert_eq!(laid_out.len(), 2);
    for (name, image) in laid_out {
        compare_all(name, &image, 2);
    }
}

#[test]
fn groups_with_any_bounds() {
    for (seed, bounds) in
        [&[0u32, 1, 1, 2, 9, 40, 333][..], &[5, 5], &[0, 333], &[31, 33, 96, 97, 320], &[7, 14, 21, 28, 36, 325]]
            .into_iter()
            .enumerate()
    {
        compare_all("groups", &layout::counted(333, bounds), seed as u64);
    }
    compare_all("many", &layout::counted(8000, &[3, 801, 7999]), 9);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_networks(is_word: bool, seed: u64) {
        let family = if is_word { "gates-word" } else { "gates-gathered" };
        let options = Options { golden_vectors: 0, ..Options::default() };
        let image = convert(graph(family, seed), Ranges::Random, &options).unwrap().image;
        compare_all(family, &image, seed);
    }
}

#[test]
fn what_cannot_be_done_is_refused() {
    let samples = zoo();
    let find = |name: &str| AlignedBytes::copy_of(&samples.iter().find(|sample| sample.name == name).unwrap().image);
    let (gates, experts) = (find("digits-gates"), find("digits-moe"));
    let model = Model::parse(gates.as_slice()).unwrap();
    let want = Batch::<1>::words(&model);
    let mut memory = vec![0; want];

    let other = Model::parse(experts.as_slice()).unwrap();
    let first = other.view().ops()[0];
    let refused = Batch::<1>::new(&other, &mut memory).unwrap_err();
    assert_eq!(refused, BatchError::NotGates { at: 0, op: first.op, kind: first.kind });
    assert!(refused.to_string().starts_with("op 0, "), "{refused}");
    let refused = Batch::<1>::new(&model, &mut memory[1..]).unwrap_err();
    assert_eq!(refused, BatchError::TooSmall { want, have: want - 1 });

    let mut short = vec![0; Plan::words(&model) - 1];
    let have = short.len();
    assert_eq!(Plan::new(&model, &mut short).unwrap_err(), BatchError::TooSmall { want: have + 1, have });
    let mut none = [];
    let plan = Plan::new(&other, &mut none).unwrap();
    let refused = Batch::<1>::new(&model, &mut memory).unwrap().with_plan(&plan).unwrap_err();
    assert_eq!(refused, BatchError::OtherPlan);

    let mut batch = Batch::<1>::new(&model, &mut memory).unwrap();
    assert_eq!(batch.run(&[&[0i8; 64]; 33]).unwrap_err(), BatchError::TooMany { want: 32, have: 33 });
    let (want, have) = (InputShape::I8(64), InputShape::I8(63));
    let error = InputError { want, have };
    assert_eq!(batch.run(&[&[0i8; 64][..], &[0; 63]]).unwrap_err(), BatchError::Input { at: 1, error });
    let have = InputShape::Bits(16);
    assert_eq!(batch.run(&[&[0u32; 16]]).unwrap_err(), BatchError::Input { at: 0, error: InputError { want, have } });
}

/// Bits are counted, and then the counts are read as bits: in planes they lie elsewhere.
#[test]
fn an_op_reads_what_another_has_written() {
    let image = AlignedBytes::copy_of(&layout::recounted());
    let model = Model::parse(image.as_slice()).unwrap();
    let mut memory = vec![0; Batch::<1>::words(&model)];
    assert_eq!(Batch::<1>::new(&model, &mut memory).unwrap_err(), BatchError::ReadsUnwritten { at: 1 });
}
