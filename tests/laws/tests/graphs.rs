//! Whatever the converter makes of a random graph is an image that engine and reference accept and run alike.

use leafgate::{Model, Session};
use leafgate_convert::host::AlignedBytes;
use leafgate_convert::quantize::ReluSkip;
use leafgate_convert::quantize::weights::{WeightChoice, WeightFormat};
use leafgate_convert::reference::{self, Crc};
use leafgate_convert::{ConvertError, Kernels, Options, Ranges, convert};
use leafgate_tests_laws::agree::{Verdict, compare};
use leafgate_tests_laws::draw::{Draw, FAMILIES, graph};
use leafgate_tests_laws::parts::{Parts, table};
use proptest::prelude::*;

fn options() -> impl Strategy<Value = Options> {
    let skip = prop_oneof![Just(ReluSkip::Auto), Just(ReluSkip::Always), Just(ReluSkip::Never)];
    let kernels = proptest::sample::select(Kernels::NAMES.map(|(_, kernels)| kernels).to_vec());
    let formats = proptest::sample::select(WeightFormat::NAMES.map(|(_, format)| format).to_vec());
    (skip, kernels, formats, 0usize..4, any::<u64>(), any::<u32>()).prop_map(
        |(relu_skip, kernels, all, golden_vectors, seed, model_version)| Options {
            relu_skip,
            kernels,
            weights: WeightChoice { all, ..WeightChoice::default() },
            golden_vectors,
            seed,
            model_version,
        },
    )
}

/// The image of a random graph, or none if calibration has found a layer that is the same for every input (a dead ReLU): its
/// scale is then next to nothing, and the converter refuses by name.
fn image(family: usize, seed: u64, options: &Options) -> Option<Vec<u8>> {
    match convert(graph(FAMILIES[family], seed), Ranges::Random, options) {
        Ok(conversion) => Some(conversion.image),
        Err(ConvertError::Range { what, .. }) if what == "rescaling factor" => None,
        Err(error) => panic!("{error}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    /// Engine and reference give the same integers, no accumulator overflows, the golden vectors hold, and the same graph gives the
    /// same bytes.
    #[test]
    fn a_converted_graph_runs_as_the_reference_says(family in 0..FAMILIES.len(), seed: u64, options in options()) {
        let first = image(family, seed, &options);
        prop_assert_eq!(&first, &image(family, seed, &options));
        prop_assume!(first.is_some());
        let first = first.unwrap_or_default();
        let verdict = compare(&first, 24, &mut Draw::new(seed));
        prop_assert!(matches!(verdict, Verdict::Agreed { ran: true }), "{:?}", verdict);
        prop_assert!(reference::prove(&reference::read(&first, Crc::Check).unwrap(), None).is_ok());
        let image = AlignedBytes::copy_of(&first);
        let model = Model::parse(image.as_slice()).unwrap();
        let mut arena = AlignedBytes::filled(model.arena_bytes(), 0xEE);
        prop_assert_eq!(Session::new(&model, arena.as_mut_slice()).unwrap().self_test(), Ok(options.golden_vectors));
        prop_assert_eq!(model.view().header().model_version, options.model_version);
    }

    /// The arena figure is the largest end of a tensor, to the byte: one byte less is refused, and none beyond is touched, whatever
    /// the arena held before. The output does not depend on that.
    #[test]
    fn the_arena_is_as_large_as_its_tensors(family in 0..FAMILIES.len(), seed: u64, paint: u8, options in options()) {
        let image = image(family, seed, &options);
        prop_assume!(image.is_some());
        let image = image.unwrap_or_default();
        let image = AlignedBytes::copy_of(&image);
        let model = Model::parse(image.as_slice()).unwrap();
        let ends = model.view().tensors().iter().filter(|tensor| tensor.place == leafgate_image::place::ARENA);
        let end = ends.map(|tensor| tensor.offset + tensor.bytes().unwrap()).max().unwrap() as usize;
        prop_assert_eq!(model.arena_bytes(), end);
        let mut outputs = Vec::new();
        for paint in [paint, !paint] {
            let mut memory = AlignedBytes::filled(end + 48, paint);
            let (arena, after) = memory.as_mut_slice().split_at_mut(end);
            prop_assert!(Session::new(&model, &mut arena[..end - 1]).is_err());
            let mut input = AlignedBytes::filled(model.input_bytes(), 0);
            Draw::new(seed).fill(input.as_mut_slice());
            let mut session = Session::new(&model, arena).unwrap();
            let output = session.run(model.input(input.as_slice()).unwrap()).unwrap();
            outputs.push((output.iter().collect::<Vec<i32>>(), output.classes().to_vec()));
            prop_assert!(after.iter().all(|&byte| byte == paint));
        }
        prop_assert_eq!(&outputs[0], &outputs[1]);
    }

    /// Taking an image apart and putting it together gives the same bytes: sections lie where the table says, one after the other,
    /// aligned, with zeros between; the header's figures are those of the records.
    #[test]
    fn packing_is_canonical(family in 0..FAMILIES.len(), seed: u64, options in options()) {
        let image = image(family, seed, &options);
        prop_assume!(image.is_some());
        let image = image.unwrap_or_default();
        let mut parts = Parts::of(&image);
        prop_assert_eq!(&parts.assemble(), &image);
        parts.repair_figures();
        prop_assert_eq!(&parts.assemble(), &image);
        let table = table(&image);
        for pair in table.windows(2) {
            prop_assert!(pair[0].kind < pair[1].kind && pair[0].offset + pair[0].bytes <= pair[1].offset);
        }
        prop_assert!(table.iter().all(|section| section.offset % 16 == 0 && section.bytes > 0));
    }
}
