//! TensorFlow Lite files: small ones that `tests/interop/tflite.py` made, with what LiteRT gave for them, and damaged ones.

mod places;

use std::path::{Path, PathBuf};

use leafgate_convert::data::{default_offset, load_idx};
use leafgate_convert::host::{HostEngine, input_bytes};
use leafgate_convert::import::{self, ImportOptions, Imported};
use leafgate_convert::ir::eval::evaluate;
use leafgate_convert::quantize::integer::IntOp;
use leafgate_convert::{Conversion, ConvertError, Kernels, Options, Ranges, convert_quantized_with};
use serde::Deserialize;

/// Inputs as the image takes them, and the outputs of LiteRT: integers, or real numbers.
#[derive(Deserialize)]
struct Expected {
    inputs: Vec<Vec<i8>>,
    outputs: Vec<Vec<f32>>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tflite")
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name).with_extension("tflite")).unwrap()
}

fn import(name: &str) -> Imported {
    import::parse(&file(name), Path::new(name), &ImportOptions::default()).unwrap()
}

fn expected(name: &str) -> Expected {
    serde_json::from_slice(&std::fs::read(folder().join(name).with_extension("json")).unwrap()).unwrap()
}

fn convert(imported: &Imported) -> Conversion {
    let integer = imported.integer.clone().expect("the file is quantised");
    convert_quantized_with(imported.graph.clone(), integer, &Options::default(), &mut |_, _, _| ()).unwrap()
}

/// The share of outputs that equal LiteRT's, and the largest difference.
fn compare(name: &str) -> (f64, i32) {
    let Expected { inputs, outputs } = expected(name);
    let conversion = convert(&import(name));
    let mut engine = HostEngine::new(&conversion.image).unwrap();
    let (mut equal, mut all, mut largest) = (0, 0, 0);
    for (input, want) in inputs.iter().zip(&outputs) {
        let have = engine.run_one(input_bytes(input)).unwrap().values;
        assert_eq!(have.len(), want.len(), "{name}");
        for (&have, &want) in have.iter().zip(want) {
            let difference = (have - want as i32).abs();
            (equal, all, largest) = (equal + i32::from(difference == 0), all + 1, largest.max(difference));
        }
    }
    (f64::from(equal) / f64::from(all), largest)
}

#[test]
fn dense_networks_give_the_very_integers_of_litert() {
    let activations = ["none", "relu", "relu6", "relu_n1_to_1"];
    let dense = activations.iter().flat_map(|name| ["tensor", "rows"].map(|scales| format!("dense_{name}_{scales}")));
    for name in dense.chain(["deep", "classifier", "logistic", "joined"].map(str::to_owned)) {
        assert_eq!(compare(&name), (1.0, 0), "{name}");
    }
}

#[test]
fn sums_products_and_curves_are_within_one() {
    let sums = ["add", "add_relu", "add_constant", "double"];
    let products = ["mul", "mul_relu6", "mul_constant", "square"];
    for name in sums.iter().chain(&products).chain(&["tanh", "requantise", "hard_swish"]) {
        let (equal, largest) = compare(name);
        println!("{name}: {:.2} % equal, the largest difference is {largest}", 100.0 * equal);
        assert!(largest <= 1, "{name}: {largest}");
    }
}

#[test]
fn real_numbers_are_those_of_litert() {
    for name in ["real", "gated"] {
        let Expected { inputs, outputs } = expected(name);
        let imported = import(name);
        assert!(imported.integer.is_none());
        for (input, want) in inputs.iter().zip(&outputs) {
            for (have, want) in evaluate(&imported.graph, input).scores.iter().zip(want) {
                assert!((have - want).abs() <= 1e-5, "{name}: {have} {want}");
            }
        }
    }
}

/// A network of branches in real numbers, calibrated on what it is run on: within some steps of its scores.
#[test]
fn branches_in_real_numbers_are_quantised() {
    let Expected { inputs, outputs } = expected("gated");
    let conversion =
        leafgate_convert::convert(import("gated").graph, Ranges::Samples(&inputs), &Options::default()).unwrap();
    let mut engine = HostEngine::new(&conversion.image).unwrap();
    let scale = match conversion.integer.ops.last() {
        Some((_, IntOp::Readout { input, .. })) => conversion.integer.tensor(*input).scale,
        other => panic!("{other:?}"),
    };
    let mut largest = 0f64;
    for (input, want) in inputs.iter().zip(&outputs) {
        for (have, want) in engine.run_one(input_bytes(input)).unwrap().values.iter().zip(want) {
            largest = largest.max((f64::from(*have) * scale - f64::from(*want)).abs());
        }
    }
    println!("the largest difference is {largest:.4}");
    assert!(largest < 0.05, "{largest}");
}

#[test]
fn what_is_left_out_is_said() {
    let imported = import("classifier");
    let want = [
        "the input is given quantised: QUANTIZE at the start is left out",
        "SOFTMAX at the end is left out: scores stay as they are, and the class is read out",
    ];
    assert_eq!(imported.assumptions, want);
    assert_eq!(imported.listing.len(), 6);
    assert_eq!(imported.listing[2], "FULLY_CONNECTED i8[1,16] i8[24,16] i32[24] -> i8[1,24]");
}

/// Every truncation, and every byte changed in some ways: an error or a network, never a panic.
#[test]
fn damaged_files_are_refused() {
    for name in ["dense_relu6_rows", "classifier", "add_constant", "joined", "gated"] {
        let good = file(name);
        let parse = |bytes: &[u8]| import::parse(bytes, Path::new(name), &ImportOptions::default());
        for len in 0..good.len() {
            if let Err(error) = parse(&good[..len]) {
                assert!(error.code().starts_with("E01") || error.code().starts_with("E02"), "{error}");
            }
        }
        let mut refused = 0;
        for at in 0..good.len() {
            for value in [0x00, 0x01, 0x7f, 0x80, 0xff] {
                let mut bytes = good.clone();
                bytes[at] = value;
                refused += usize::from(parse(&bytes).is_err());
            }
        }
        assert!(refused > good.len() / 4, "{name}: only {refused} of {} changes are noticed", 5 * good.len());
    }
}

/// Real models, where the data is: what cannot be imported is listed whole.
#[test]
fn convolutions_are_listed_all_at_once() {
    let Some(data) = places::data("mlperf_tiny", "convolutions_are_listed_all_at_once") else { return };
    for (name, want) in [("mlperf_tiny/kws_ref_model.tflite", 10), ("tflm/micro_speech_quantized.tflite", 1)] {
        let path = data.join(name);
        let error = import::open(&path, &ImportOptions::default()).unwrap_err();
        let ConvertError::Unsupported { operators } = error else { panic!("{error}") };
        assert_eq!(operators.len(), want, "{operators:?}");
    }
}

/// The network of another runtime's tutorial, quantised by its authors, on the digits that they measured it with.
#[test]
fn a_published_network_keeps_its_accuracy() {
    let Some(data) = places::data("mnist_models", "a_published_network_keeps_its_accuracy") else { return };
    let path = data.join("mnist_models/tinyengine_ptq_mnist_lenet-300-100.tflite");
    let imported = import::open(&path, &ImportOptions::default()).unwrap();
    let conversion = convert(&imported);
    let (images, labels) = (data.join("mnist/t10k-images-idx3-ubyte.gz"), data.join("mnist/t10k-labels-idx1-ubyte.gz"));
    let offset = default_offset(&imported.graph.input);
    let samples = load_idx(&images, Some(&labels), &imported.graph.input, offset).unwrap();
    let mut engine = HostEngine::new(&conversion.image).unwrap();
    let labels = &samples.labels.unwrap()[..2000];
    let right = samples
        .inputs
        .iter()
        .zip(labels)
        .filter(|(input, label)| engine.run_one(input_bytes(input)).unwrap().classes == [**label as i32]);
    let percent = right.count() as f64 / 20.0;
    println!("{percent} % of the first 2,000 digits");
    assert!((percent - 97.55).abs() <= 0.1, "{percent}");
}

/// Ten dense layers of an anomaly detector: its working memory stays small.
#[test]
fn the_anomaly_detector_fits_its_arena() {
    let Some(data) = places::data("mlperf_tiny", "the_anomaly_detector_fits_its_arena") else { return };
    let imported = import::open(&data.join("mlperf_tiny/ad01_int8.tflite"), &ImportOptions::default()).unwrap();
    let integer = imported.integer.unwrap();
    let options = Options { kernels: Kernels::Dsp, ..Options::default() };
    let conversion = convert_quantized_with(imported.graph, integer, &options, &mut |_, _, _| ()).unwrap();
    assert_eq!(conversion.packing.plain, []);
    println!("arena {} B", conversion.plan.arena_bytes);
    assert!(conversion.plan.arena_bytes <= 2048, "{}", conversion.plan.arena_bytes);
}
