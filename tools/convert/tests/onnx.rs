//! ONNX files: small ones that `tests/interop/onnx_graphs.py` made, with what onnxruntime gave for them, and damaged ones.

mod places;

use std::path::{Path, PathBuf};

use leafgate_convert::data::{default_offset, load_idx};
use leafgate_convert::host::{HostEngine, input_bytes};
use leafgate_convert::import::{self, ImportOptions, Imported};
use leafgate_convert::ir::eval::evaluate;
use leafgate_convert::ir::{GateWeight, InputSpec, Op, Readout, Route};
use leafgate_convert::quantize::integer::{Dtype, IntOp};
use leafgate_convert::{Conversion, ConvertError, Options, Ranges, convert, convert_quantized_with};
use serde::Deserialize;

/// Inputs as the image takes them, and the outputs of onnxruntime: integers, or real numbers.
#[derive(Deserialize)]
struct Expected {
    inputs: Vec<Vec<i8>>,
    outputs: Vec<Vec<f32>>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/onnx")
}

fn path(name: &str) -> PathBuf {
    folder().join(format!("{name}.onnx"))
}

fn import(name: &str) -> Imported {
    import::open(&path(name), &ImportOptions::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn refused(name: &str) -> ConvertError {
    import::open(&folder().join("bad").join(format!("{name}.onnx")), &ImportOptions::default()).expect_err(name)
}

fn expected(name: &str) -> Expected {
    serde_json::from_slice(&std::fs::read(folder().join(format!("{name}.json"))).unwrap()).unwrap()
}

fn convert_own(imported: &Imported) -> Conversion {
    let integer = imported.integer.clone().expect("the file is quantised");
    convert_quantized_with(imported.graph.clone(), integer, &Options::default(), &mut |_, _, _| ()).unwrap()
}

/// The largest difference of the float graph's scores from onnxruntime's.
fn float_difference(name: &str, imported: &Imported) -> f32 {
    let Expected { inputs, outputs } = expected(name);
    let mut largest: f32 = 0.0;
    for (input, want) in inputs.iter().zip(&outputs) {
        let have = evaluate(&imported.graph, input).scores;
        assert_eq!(have.len(), want.len(), "{name}");
        largest = have.iter().zip(want).fold(largest, |largest, (have, want)| largest.max((have - want).abs()));
    }
    largest
}

#[test]
fn real_numbers_are_those_of_onnxruntime() {
    let plain = ["gemm", "batch_normalization", "matmul_column", "constants", "residual", "views", "views_attributes"];
    let curves = ["relu", "sigmoid", "tanh", "hardswish", "hardsigmoid", "gelu", "clip_attributes", "clip"];
    let pieces = ["gelu_pieces_0", "gelu_pieces_1", "gelu_pieces_2", "silu_and_hard_swish_pieces"];
    let several = [
        "gated",
        "concat",
        "cut",
        "turned",
        "weights_of_constants",
        "double",
        "pixels",
        "softmax",
        "logsoftmax",
        "external",
    ];
    let experts = ["experts_einsum", "experts_matmul", "experts_one"];
    for name in plain.iter().chain(&curves).chain(&pieces).chain(&several).chain(&experts) {
        let imported = import(name);
        assert!(imported.integer.is_none(), "{name}");
        let largest = float_difference(name, &imported);
        assert!(largest <= 1e-5, "{name}: {largest}");
    }
}

/// Networks in pieces become as few ops as they are.
#[test]
fn pieces_of_curves_become_one_activation() {
    for (name, layers) in
        [("gelu_pieces_0", 3), ("gelu_pieces_1", 3), ("gelu_pieces_2", 3), ("silu_and_hard_swish_pieces", 7)]
    {
        let graph = import(name).graph;
        let ops: Vec<_> =
            graph.nodes.iter().map(|node| format!("{} {:?}", node.name, std::mem::discriminant(&node.op))).collect();
        assert_eq!(graph.nodes.len(), layers, "{name}: {ops:?}");
    }
}

#[test]
fn classes_are_those_of_onnxruntime() {
    for (name, readout) in [("argmax", Readout::Argmax), ("topk", Readout::TopK(3))] {
        let Expected { inputs, outputs } = expected(name);
        let graph = import(name).graph;
        assert_eq!(graph.readout, readout);
        for (input, want) in inputs.iter().zip(&outputs) {
            let have: Vec<f32> = evaluate(&graph, input).classes.iter().map(|&class| class as f32).collect();
            assert_eq!(&have, want, "{name}");
        }
    }
}

#[test]
fn experts_keep_their_routes() {
    for (name, k, gate) in [
        ("experts_einsum", 2, GateWeight::Sigmoid),
        ("experts_matmul", 3, GateWeight::One),
        ("experts_one", 1, GateWeight::Sigmoid),
    ] {
        let graph = import(name).graph;
        let ffn = graph
            .nodes
            .iter()
            .find_map(|node| if let Op::Ffn { routes, ranges, .. } = &node.op { Some((routes, ranges)) } else { None });
        let (routes, ranges) = ffn.unwrap();
        assert!(matches!(&routes[..], [Route::TopK { k: have, gate: g, .. }] if (*have, *g) == (k, gate)), "{name}");
        assert_eq!(ranges.len(), 6);
    }
}

/// From outputs of a quantised network in steps of the image's output: how many are equal, of how many, and the largest difference.
fn integer_difference(name: &str, imported: &Imported) -> (usize, usize, f32) {
    let Expected { inputs, outputs } = expected(name);
    let conversion = convert_own(imported);
    let Some(IntOp::Readout { input, .. }) = conversion.integer.ops.last().map(|(_, op)| op) else {
        panic!("{name} ends in no readout")
    };
    let tensor = conversion.integer.tensor(*input);
    let is_bytes = name == "integer_operators";
    let mut engine = HostEngine::new(&conversion.image).unwrap();
    let (mut equal, mut all, mut largest): (usize, usize, f32) = (0, 0, 0.0);
    for (input, want) in inputs.iter().zip(&outputs) {
        let have = engine.run_one(input_bytes(input)).unwrap().values;
        assert_eq!(have.len(), want.len(), "{name}");
        for (&have, &want) in have.iter().zip(want) {
            let want =
                if is_bytes { want - 128.0 } else { (f64::from(want) / tensor.scale + tensor.zero_point) as f32 };
            // Accumulators of 32 bits are compared as real numbers, which have 24.
            let off = (have as f32 - want).abs();
            let off = if tensor.dtype == Dtype::I32 { off / (1.0 + want.abs() * 1e-4) } else { off.round() };
            (equal, all, largest) = (equal + usize::from(off == 0.0), all + 1, largest.max(off));
        }
    }
    (equal, all, largest)
}

#[test]
fn quantised_networks_keep_their_integers() {
    let dense = [
        "qdq_u8",
        "qdq_i8_rows",
        "qdq_u8_weights_u8",
        "qdq_scores",
        "static_u8",
        "static_i8_rows",
        "integer_operators",
    ];
    for name in dense.iter().chain(&["qdq_sigmoid", "qdq_add", "qdq_mul"]) {
        let imported = import(name);
        assert!(imported.integer.is_some(), "{name}: {:?}", imported.assumptions);
        let (equal, all, largest) = integer_difference(name, &imported);
        println!("{name}: {equal} of {all} equal, the largest difference is {largest}");
        assert!(largest <= 1.0, "{name}: {largest}");
    }
}

#[test]
fn what_is_quantised_in_part_is_quantised_anew() {
    let imported = import("quantised_in_part");
    assert!(imported.integer.is_none());
    let said = imported.assumptions.join("; ");
    assert!(said.contains("quantised in part (gemm_14 is followed by"), "{said}");
    // Of what was quantised only the rounding of activations is missing.
    assert!(float_difference("quantised_in_part", &imported) <= 0.1);
}

#[test]
fn what_is_left_out_is_said() {
    let imported = import("qdq_scores");
    let want = [
        "Softmax at the end is left out: scores stay as they are, and the class is read out",
        "the input is given quantised: QuantizeLinear at the start is left out",
    ];
    assert_eq!(imported.assumptions, want);
    assert_eq!(imported.listing[0], "QuantizeLinear f32[1,12] f32[] i8[] -> i8[1,12]");
    assert!(
        imported.listing.contains(&"Gemm f32[1,9] i8[9,5] f32[5] -> f32[1,5]".to_owned()),
        "{:?}",
        imported.listing
    );

    let imported = import("views");
    assert_eq!(
        imported.assumptions[0],
        "the dimension `batch` of the input is taken to be 1: an image computes one sample at a time"
    );
    assert_eq!(imported.listing[0], "Shape f32[1,2,4] -> i64[3]");
    let imported = import("pixels");
    assert_eq!(imported.assumptions, ["the input is signed bytes, each 128 less than the file's"]);
    assert_eq!((imported.graph.input.scale, imported.graph.input.zero_point), (1.0, -128.0));
}

/// A file that says what its bytes mean takes no other meaning.
#[test]
fn a_stated_input_refuses_another() {
    let input = InputSpec { len: 8, scale: 0.5, zero_point: 0.0, min: 0, max: 16 };
    let options = ImportOptions { input: Some(input.clone()), ..ImportOptions::default() };
    assert_eq!(import::open(&path("pixels"), &options).unwrap_err().code(), "E0108");
    assert_eq!(import::open(&path("gemm"), &options).unwrap().graph.input, input);
    let options = ImportOptions { input: Some(InputSpec { len: 9, ..input }), ..ImportOptions::default() };
    assert_eq!(import::open(&path("gemm"), &options).unwrap_err().code(), "E0108");
}

#[test]
fn every_operator_that_cannot_be_imported_is_listed() {
    let ConvertError::Unsupported { operators } = refused("unsupported") else { panic!("another error") };
    let names: Vec<&str> = operators.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(names, ["Conv", "LayerNormalization", "LeakyRelu"], "{operators:?}");
}

#[test]
fn what_no_network_should_hold_is_an_error() {
    let cases = [
        ("cyclic", "E0110", "is read before it is written"),
        ("written_twice", "E0110", "is written twice"),
        ("duplicate_constant", "E0102", "two tensors are called `c1`"),
        ("absurd_dimensions", "E0102", "is more than 67108864 elements"),
        ("zero_dimension", "E0102", "[0,8] has no elements"),
        ("negative_dimension", "E0102", "is below 0"),
        ("short_constant", "E0102", "125 bytes, wanted 128"),
        ("nan_weights", "E0106", "NaN at index 0"),
        ("nan_scale", "E0110", "a scale of NaN"),
        ("zero_scale", "E0110", "a scale of 0"),
        ("negative_scale", "E0110", "a scale of -1"),
        ("two_inputs", "E0108", "the number of inputs is 2 (`x`, `second`), wanted 1"),
        ("two_outputs", "E0108", "the number of outputs is 2 (`t3`, `t4`), wanted 1"),
        ("open_dimension", "E0108", "dimension 1 (`features`) is left open"),
        ("batch_of_three", "E0110", "its input has 3 rows, wanted 1"),
        ("opset_8", "E0108", "is 8, wanted 9 to 21"),
        ("opset_22", "E0108", "is 22, wanted 9 to 21"),
        ("erf_alone", "E0110", "only as part of GELU"),
        ("experts_by_softmax", "E0110", "Softmax (node 7): over the chosen experts"),
        ("outside", "E0102", "which is outside of the model's folder"),
        ("absolute", "E0102", "which is outside of the model's folder"),
        ("missing", "E0102", "`nowhere.bin`, which cannot be read"),
    ];
    let files = std::fs::read_dir(folder().join("bad")).unwrap().count();
    assert_eq!(files, cases.len() + 1, "a file of the folder is in no test");
    for (name, code, want) in cases {
        let error = refused(name);
        assert_eq!(error.code(), code, "{name}: {error}");
        assert!(error.to_string().contains(want), "{name}: {error}");
    }
}

/// A link is followed before it is judged, and bytes without a place have no other files.
#[test]
fn weights_of_other_files_stay_in_the_folder() {
    let place = tempfile::tempdir().unwrap();
    let (model, weights) = (place.path().join("inner/model.onnx"), place.path().join("inner/weights.bin"));
    std::fs::create_dir(place.path().join("inner")).unwrap();
    std::fs::copy(path("external"), &model).unwrap();
    let open = || import::open(&model, &ImportOptions::default());
    assert!(open().unwrap_err().to_string().contains("cannot be read"));
    std::fs::copy(folder().join("weights.bin"), &weights).unwrap();
    let whole = open().unwrap().graph;
    assert_eq!(whole.nodes, import("external").graph.nodes);
    // What stands outside is part of the source.
    let mut content = std::fs::read(&weights).unwrap();
    content[20] ^= 1;
    std::fs::write(&weights, &content).unwrap();
    assert_ne!(open().unwrap().graph.source_sha256, whole.source_sha256);
    std::fs::write(&weights, &content[..content.len() - 1]).unwrap();
    assert!(open().unwrap_err().to_string().contains("128 bytes from byte 16 of `weights.bin`, which has 143"));
    #[cfg(unix)]
    {
        std::fs::remove_file(&weights).unwrap();
        std::os::unix::fs::symlink(folder().join("weights.bin"), &weights).unwrap();
        assert!(open().unwrap_err().to_string().contains("outside of the model's folder"));
    }
    let bytes = std::fs::read(&model).unwrap();
    let error = import::parse(&bytes, &model, &ImportOptions::default()).unwrap_err();
    assert!(error.to_string().contains("give the model by its path"), "{error}");
}

/// Every truncation, and every byte changed in some ways: an error or a network, never a panic.
#[test]
fn damaged_files_are_refused() {
    for name in ["batch_normalization", "experts_matmul", "qdq_u8", "views", "integer_operators"] {
        let good = std::fs::read(path(name)).unwrap();
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

/// A network of another project's tests, as PyTorch exported it: the accuracy stays.
#[test]
fn a_published_network_keeps_its_accuracy() {
    let Some(data) = places::data("mnist_models", "a_published_network_keeps_its_accuracy") else { return };
    let input = InputSpec { len: 784, scale: 1.0 / 255.0, zero_point: -128.0, min: -128, max: 127 };
    let options = ImportOptions { input: Some(input), ..ImportOptions::default() };
    let graph = import::open(&data.join("mnist_models/onnx2c_mnist_pytorch.onnx"), &options).unwrap().graph;
    let load = |part: &str| {
        let (images, labels) = (
            data.join(format!("mnist/{part}-images-idx3-ubyte.gz")),
            data.join(format!("mnist/{part}-labels-idx1-ubyte.gz")),
        );
        load_idx(&images, Some(&labels), &graph.input, default_offset(&graph.input)).unwrap()
    };
    let (train, test) = (load("train"), load("t10k"));
    let conversion = convert(graph, Ranges::Samples(&train.inputs[..1000]), &Options::default()).unwrap();
    let labels = test.labels.unwrap();
    let mut engine = HostEngine::new(&conversion.image).unwrap();
    // What onnxruntime 1.32.0 gives for the first digit, and how many of 2,000 it has right.
    let want = [
        1.279_142_9,
        -2.179_941,
        0.593_351_66,
        3.901_79,
        -1.765_638_7,
        -1.268_940_8,
        -4.082_635,
        9.575_455,
        -4.004_209,
        2.030_846_6,
    ];
    let have = evaluate(&conversion.graph, &test.inputs[0]).scores;
    assert!(have.iter().zip(&want).all(|(have, want): (&f32, &f32)| (have - want).abs() <= 1e-4), "{have:?}");
    let best = |scores: &[f32]| leafgate_convert::ir::eval::class_of(scores);
    let (mut float, mut integer) = (0, 0);
    for (input, &label) in test.inputs.iter().zip(&labels).take(2000) {
        float += usize::from(best(&evaluate(&conversion.graph, input).scores) == label as usize);
        let scores: Vec<f32> =
            engine.run_one(input_bytes(input)).unwrap().values.iter().map(|&score| score as f32).collect();
        integer += usize::from(best(&scores) == label as usize);
    }
    println!("of the first 2,000 digits {float} are right in real numbers, {integer} in integers");
    assert_eq!(float, 1791);
    assert!(float.abs_diff(integer) <= 10, "{integer}");
}
