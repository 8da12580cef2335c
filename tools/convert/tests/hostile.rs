//! Files that are wrong: each refusal names what is wrong, and no bytes, however damaged, make the importer panic.

mod files;

use files::{Tensor, f32s, i32s, i64s, pickle, safetensors, tiny_fff, torch, torch_with, u8s};
use leafgate_convert::ConvertError;
use leafgate_convert::import::{self, ImportOptions};
use leafgate_convert::ir::eval::evaluate;
use leafgate_convert::ir::{Graph, InputSpec};
use std::path::Path;

fn parse(bytes: &[u8]) -> Result<Graph, ConvertError> {
    import::parse(bytes, Path::new("tiny.model"), &ImportOptions::default()).map(|imported| imported.graph)
}

fn refusal(bytes: &[u8]) -> String {
    let error = parse(bytes).unwrap_err();
    assert!(error.code().starts_with("E01") || error.code() == "E0202", "{error}");
    error.to_string()
}

fn described(tensors: &[Tensor], layers: &str) -> String {
    let text = format!(
        r#"{{"format": "leafgate.graph/1", "input": {{"len": 3, "scale": 0.25, "zero_point": 0.0}}, "layers": [{layers}]}}"#
    );
    refusal(&safetensors(tensors, Some(&text)))
}

/// The tiny network with one tensor replaced, or removed.
fn tiny_but(name: &str, other: Option<Tensor>) -> Vec<Tensor> {
    let mut tensors = tiny_fff("");
    tensors.retain(|tensor| tensor.name != name);
    tensors.extend(other);
    tensors
}

const FFF: &str = r#"{"op": "fff", "activation": "relu"}"#;

#[test]
fn tensors_that_do_not_fit_are_named() {
    let mut nan = [0.0; 8];
    nan[5] = f32::NAN;
    let cases = [
        (tiny_but("b1s", None), "tensor `b1s` of layer 0 (fff) is missing from the file"),
        (tiny_but("", Some(f32s("w3s", &[1], &[0.0]))), "tensors that no layer uses: w3s"),
        (
            tiny_but("b1s", Some(f32s("b1s", &[4, 2], &nan))),
            "tensor `b1s` of layer 0 (fff) holds NaN at index 5, wanted finite numbers",
        ),
        (
            tiny_but("w2s", Some(f32s("w2s", &[4, 3, 2], &[0.0; 24]))),
            "tensor `w2s` of layer 0 (fff) has shape [4, 3, 2], wanted (2^d = 4, l = 2, O)",
        ),
        (
            tiny_but("w1s", Some(f32s("w1s", &[3, 3, 2], &[0.0; 18]))),
            "tensor `w1s` of layer 0 (fff) has shape [3, 3, 2], wanted 2^d leaves",
        ),
        (
            tiny_but("w1s", Some(f32s("w1s", &[4, 3, 0], &[]))),
            "tensor `w1s` of layer 0 (fff) has shape [4, 3, 0], wanted (2^d = 4, I = 3, l)",
        ),
        (
            tiny_but("depth", Some(i64s("depth", &[], &[3]))),
            "tensor `depth` of layer 0 (fff): the depth is 3, wanted 2, as there are 4 leaves",
        ),
        (tiny_but("depth", Some(i64s("depth", &[], &[-1]))), "the depth at index 0 is -1"),
        (
            tiny_but("b2s", Some(i32s("b2s", &[4, 2], &[0; 8]))),
            "tensor `b2s` of layer 0 (fff): its element type is I32, wanted F32, F16, BF16 or F64",
        ),
        (tiny_but("", Some(f32s("k", &[], &[0.0]))), "tensor `magic_w1` of layer 0 (fff) is missing"),
    ];
    for (tensors, want) in cases {
        let have = described(&tensors, FFF);
        assert!(have.contains(want), "{have}\nwanted {want}");
    }
    // A state dict has no description; its one block is known all the same.
    let have = refusal(&safetensors(&tiny_but("b1s", None), None));
    assert_eq!(have, "tensor `b1s` of layer `fff` is missing from the file");
    let mut wide = f32s("b1s", &[4, 2], &[0.0; 8]);
    wide.dtype = ::safetensors::Dtype::F64;
    wide.bytes = 1e300f64.to_le_bytes().repeat(8);
    let have = described(&tiny_but("b1s", Some(wide)), FFF);
    assert!(have.contains("holds inf at index 0"), "{have}");
}

#[test]
fn words_and_figures_that_do_not_fit_are_named() {
    let bits = [i32s("feature", &[2], &[0, 2]), f32s("threshold", &[2], &[0.0; 2])];
    let gates = |id: u8, a: i32| {
        [&bits[..], &[u8s("g.gate", &[id]), i32s("g.a", &[1], &[a]), i32s("g.b", &[1], &[0])]].concat()
    };
    let word = |w: i32, rot: i32| {
        let [a, b] =
            ["a", "b"].map(|x| [i32s(&format!("g.{x}_word"), &[1], &[w]), i32s(&format!("g.{x}_rot"), &[1], &[rot])]);
        [&bits[..], &a, &b, &[u8s("g.gate", &[0; 32])]].concat()
    };
    let thermometer = r#"{"op": "thermometer"}"#;
    let gathered = r#"{"op": "thermometer"}, {"op": "gates", "prefix": "g.", "wiring": "gathered"}"#;
    let worded = r#"{"op": "thermometer"}, {"op": "gates", "prefix": "g.", "wiring": "word"}"#;
    let moe = r#"{"op": "moe", "activation": "relu", "top_k": 3, "gate": "one"}"#;
    let router = || vec![f32s("router.weight", &[2, 3], &[0.0; 6]), f32s("router.bias", &[2], &[0.0; 2])];
    let ultrafast = |trees: &str, depth: &str| {
        format!(r#"{{"op": "ultrafast", "activation": "gelu", "trees": {trees}, "depth": {depth}}}"#)
    };
    let none = Vec::new;
    let cases: Vec<(Vec<Tensor>, String, &str)> = vec![
        (none(), r#"{"op": "conv2d"}"#.into(), "layer `0`: unknown op `conv2d`, wanted one of: linear, fff,"),
        (
            none(),
            r#"{"op": "fff", "activation": "swish"}"#.into(),
            "unknown activation `swish`, wanted one of: none, relu",
        ),
        (
            none(),
            r#"{"op": "fff", "activation": "relu", "depht": 2}"#.into(),
            "unknown key `depht`, wanted one of: op, id, input, prefix",
        ),
        (none(), r#"{"op": "argmax", "k": 2}"#.into(), "layer 0 (argmax): unknown key `k`"),
        (none(), r#"{"op": "fff"}"#.into(), "layer 0 (fff): missing field `activation`"),
        (none(), r#"{"prefix": "a"}"#.into(), "layer 0 names no `op`"),
        (none(), r#"{"op": "argmax"}, {"op": "clamp", "min": 0, "max": 1}"#.into(), "its place is an earlier one"),
        (none(), r#"{"op": "argmax"}"#.into(), "the number of layers that compute is 0"),
        (none(), r#"{"op": "clamp", "min": 1, "max": 0}"#.into(), "clamp_0: min and max is 1 and 0"),
        (none(), r#"{"op": "clamp", "min": 0, "max": 1e39}"#.into(), "min and max"),
        (
            none(),
            r#"{"op": "group_sum", "groups": 1, "tau": 1}"#.into(),
            "its input is numbers, from `input`, wanted bits",
        ),
        (none(), moe.replace("one", "softmax"), "unknown gate `softmax`, wanted one of: one, sigmoid"),
        (router(), moe.into(), "top_k is 3, wanted 1 to 2"),
        (none(), ultrafast("1", "16"), "depth is 16, wanted 0 to 15"),
        (none(), ultrafast("0", "3"), "trees is 0, wanted 1 to 4369"),
        (none(), ultrafast("18446744073709551615", "3"), "trees is 18446744073709551615"),
        (vec![i32s("feature", &[1], &[3])], thermometer.into(), "the feature at index 0 is 3, wanted 0 to 2"),
        (vec![i32s("feature", &[1], &[-1])], thermometer.into(), "the feature at index 0 is -1"),
        (bits.to_vec(), thermometer.into(), "the output is bits, wanted numbers"),
        (gates(16, 0), gathered.into(), "the gate id at index 0 is 16, wanted 0 to 15"),
        (gates(1, 2), gathered.into(), "the input bit at index 0 is 2, wanted 0 to 1"),
        (gates(1, 0), worded.into(), "the number of gates in word wiring is 1, wanted a multiple of 32"),
        (gates(1, 0), gathered.replace("gathered", "random"), "unknown wiring `random`, wanted one of: word, gathered"),
        (word(1, 0), worded.into(), "the input word at index 0 is 1, wanted 0 to 0"),
        (
            word(0, 32),
            worded.into(),
            "tensor `g.a_rot` of layer 1 (gates): the rotation at index 0 is 32, wanted 0 to 31",
        ),
        (bits.to_vec(), format!(r#"{thermometer}, {{"op": "group_sum", "groups": 0, "tau": 1}}"#), "groups is 0"),
        (bits.to_vec(), format!(r#"{thermometer}, {{"op": "group_sum", "groups": 2, "tau": 0}}"#), "tau is 0"),
        (
            vec![f32s("weight", &[2, 3], &[0.0; 6])],
            r#"{"op": "linear", "activation": "none", "residual": true}"#.into(),
            "the width of a residual layer's output is 2, wanted 3",
        ),
    ];
    for (tensors, layers, want) in cases {
        let have = described(&tensors, &layers);
        assert!(have.contains(want), "{have}\nwanted {want}");
    }
}

#[test]
fn descriptions_that_do_not_read_are_refused() {
    let description = |text: &str| refusal(&safetensors(&[], Some(text)));
    let input = |input: &str| {
        description(&format!(
            r#"{{"format": "leafgate.graph/1", "input": {input}, "layers": [{{"op": "clamp", "min": 0, "max": 1}}]}}"#
        ))
    };
    let many = vec![r#"{"op":"argmax"}"#; 4097].join(",");
    let many = format!(
        r#"{{"format": "leafgate.graph/1", "input": {{"len": 1, "scale": 1, "zero_point": 0}}, "layers": [{many}]}}"#
    );
    assert!(description(&many).contains("its number of layers is 4097, the limit is 4096"));
    assert!(description("{").contains("its graph description does not read"));
    assert!(description(r#"{"format": "leafgate.graph/2"}"#).contains("unknown format `leafgate.graph/2`"));
    assert!(description(r#"{"format": "leafgate.graph/1", "extra": 1}"#).contains("unknown field `extra`"));
    assert!(input(r#"{"len": 0, "scale": 1, "zero_point": 0}"#).contains("len is 0"));
    assert!(input(r#"{"len": 18446744073709551615, "scale": 1, "zero_point": 0}"#).contains("wanted 1 to 2^30"));
    assert!(input(r#"{"len": 1, "scale": 0, "zero_point": 0}"#).contains("scale is 0"));
    assert!(input(r#"{"len": 1, "scale": -1, "zero_point": 0}"#).contains("scale is -1"));
    assert!(input(r#"{"len": 1, "scale": 1, "zero_point": 1e300}"#).contains("zero_point"));
    assert!(input(r#"{"len": 1, "scale": 1, "zero_point": 0, "min": 3, "max": 2}"#).contains("min is 3 with max 2"));
    assert!(input(r#"{"len": 1, "scale": 1, "zero_point": 0, "max": 200}"#).contains("does not read"));
}

#[test]
fn files_of_other_kinds_are_refused_by_name() {
    let mut npz = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    npz.start_file(
        "a.npy",
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored),
    )
    .unwrap();
    let npz = npz.finish().unwrap().into_inner();
    let cases: [(&[u8], &str); 5] = [
        (b"\x08\x08\x12\x07pytorch\x1a", "damaged ONNX file: it ends within a record"),
        (b"\x89HDF\r\n\x1a\n\0", "an HDF5 file (Keras .h5) cannot be imported"),
        (b"\x1c\0\0\0TFL3", "damaged TensorFlow Lite file"),
        (b"", "an empty file cannot be imported"),
        (&npz, "a NumPy .npz archive"),
    ];
    for (bytes, want) in cases {
        let have = refusal(bytes);
        assert!(have.contains(want), "{have}\nwanted {want}");
    }
    let dict = [f32s("fc1.weight", &[1, 1], &[0.0])];
    let have = refusal(&torch(&dict));
    assert!(have.contains("a state dict without the `w1s`"), "{have}");
    let both = [tiny_fff("a."), tiny_fff("b.")].concat();
    let have = refusal(&safetensors(&both, None));
    assert!(have.contains("a state dict of 2 fast feedforward blocks that do not follow each other: `b`"), "{have}");
    assert!(matches!(
        import::import(Path::new("no such file"), &ImportOptions::default()),
        Err(ConvertError::Io { .. })
    ));
    assert!(
        import::import(Path::new("."), &ImportOptions::default())
            .unwrap_err()
            .to_string()
            .contains("not a regular file")
    );
}

#[test]
fn a_graph_file_refuses_options_that_it_answers_itself() {
    let text = r#"{"format": "leafgate.graph/1", "input": {"len": 3, "scale": 1, "zero_point": 0}, "layers": [{"op": "fff", "activation": "relu"}]}"#;
    let file = safetensors(&tiny_fff(""), Some(text));
    let input = Some(InputSpec { len: 3, scale: 1.0, zero_point: 0.0, min: 0, max: 1 });
    let error = import::parse(&file, Path::new("m"), &ImportOptions { input, ..ImportOptions::default() }).unwrap_err();
    assert!(error.to_string().contains("import options: input is given, wanted nothing"), "{error}");
}

#[test]
fn a_pickle_with_code_in_it_is_refused_and_not_run() {
    let tensors = tiny_fff("");
    let dir = tempfile::tempdir().unwrap();
    let mark = dir.path().join("ran");
    // cposix system ('touch ...') R, then the honest dict.
    let command = format!("touch {}", mark.display());
    let mut code = b"\x80\x02".to_vec();
    code.extend(b"cposix\nsystem\n(X");
    code.extend((command.len() as u32).to_le_bytes());
    code.extend(command.bytes());
    code.extend(b"tR");
    code.extend(&pickle(&tensors)[2..]);
    let have = refusal(&torch_with(&tensors, &code));
    assert!(have.contains("wants to call `posix.system`") && have.contains("nothing of it was run"), "{have}");
    assert!(!mark.exists());
    // A whole model rather than its state dict names its classes.
    let have = refusal(&torch_with(&tensors, b"\x80\x02c__main__\nNet\n)\x81."));
    assert!(have.contains("wants to call `__main__.Net`"), "{have}");
    // Instructions of other protocols, INST for one, reach no reader.
    let have = refusal(&torch_with(&tensors, b"(S'true'\nios\nsystem\n."));
    assert!(have.contains("uses instruction 0x53"), "{have}");
}

#[test]
fn a_pickle_that_grows_is_refused() {
    let tensors = tiny_fff("");
    let nested = [b"\x80\x02N".to_vec(), vec![0x85; 500_000], b".".to_vec()].concat();
    assert!(refusal(&torch_with(&tensors, &nested)).contains("a damaged PyTorch file"));
    // Each step puts a pair of the last pair: 2^200 objects.
    let doubling = [b"\x80\x02Nq\0".to_vec(), b"h\0h\0\x86q\0".repeat(200), b".".to_vec()].concat();
    assert!(refusal(&torch_with(&tensors, &doubling)).contains("a damaged PyTorch file"));
    let long = [b"\x80\x02".to_vec(), b"N0".repeat(1 << 20), b".".to_vec()].concat();
    assert!(refusal(&torch_with(&tensors, &long)).contains("more than a state dict"));
    // One number seen as a billion: strides of zero.
    let one = [f32s("w1s", &[1], &[0.0])];
    let expanded = pickle(&[f32s("w1s", &[1], &[0.0])]);
    let from = [b"(J".to_vec(), 1i32.to_le_bytes().to_vec(), b"t(J".to_vec(), 1i32.to_le_bytes().to_vec()].concat();
    let to = [b"(J".to_vec(), 1_000_000_000i32.to_le_bytes().to_vec(), b"t(J".to_vec(), 0i32.to_le_bytes().to_vec()]
        .concat();
    let at = expanded.windows(from.len()).position(|window| window == from).unwrap();
    let expanded = [&expanded[..at], &to, &expanded[at + from.len()..]].concat();
    assert!(refusal(&torch_with(&one, &expanded)).contains("claim more bytes than it has"));
}

/// One bit low, middle, high; all.
const FLIPS: [u8; 4] = [0x01, 0x10, 0x80, 0xff];

/// Every truncation, and every byte flipped in some ways: an error or a graph that can be evaluated, never a panic.
fn survives(bytes: &[u8], flips: &[u8]) -> (usize, usize) {
    let (mut refused, mut taken) = (0, 0);
    let mut try_one = |bytes: &[u8]| match parse(bytes) {
        Err(_) => refused += 1,
        Ok(graph) => {
            taken += 1;
            if graph.input.len < 1 << 16 {
                evaluate(&graph, &vec![graph.input.max; graph.input.len]);
            }
        }
    };
    for len in 0..bytes.len() {
        try_one(&bytes[..len]);
    }
    let mut damaged = bytes.to_vec();
    for at in 0..bytes.len() {
        for flip in flips {
            damaged[at] = bytes[at] ^ flip;
            try_one(&damaged);
        }
        damaged[at] = bytes[at];
    }
    (refused, taken)
}

#[test]
fn damaged_graph_files_never_panic() {
    let text = r#"{"format":"leafgate.graph/1","input":{"len":3,"scale":1,"zero_point":0},"labels":["a","b"],"layers":[{"op":"fff","activation":"relu"},{"op":"clamp","min":0,"max":1},{"op":"argmax"}]}"#;
    let (refused, taken) = survives(&safetensors(&tiny_fff(""), Some(text)), &FLIPS);
    println!("{refused} refused, {taken} taken");
    assert!(refused > 1000 && taken > 100, "{refused} refused, {taken} taken");
}

#[test]
fn damaged_gate_files_never_panic() {
    let bits = [i32s("feature", &[32], &[2; 32]), f32s("threshold", &[32], &[0.0; 32])];
    let [a, b] =
        ["a", "b"].map(|x| [i32s(&format!("g.{x}_word"), &[1], &[0]), i32s(&format!("g.{x}_rot"), &[1], &[31])]);
    let tensors = [&bits[..], &a, &b, &[u8s("g.gate", &[15; 32])]].concat();
    let text = r#"{"format":"leafgate.graph/1","input":{"len":3,"scale":1,"zero_point":0},"layers":[{"op":"thermometer"},{"op":"gates","prefix":"g.","wiring":"word"},{"op":"group_sum","groups":2,"tau":1}]}"#;
    let (refused, taken) = survives(&safetensors(&tensors, Some(text)), &FLIPS);
    assert!(refused > 1000 && taken > 100, "{refused} refused, {taken} taken");
}

#[test]
fn damaged_state_dicts_never_panic() {
    let (refused, taken) = survives(&torch(&tiny_fff("")), &FLIPS);
    assert!(refused > 1000, "{refused} refused, {taken} taken");
    let (refused, taken) = survives(&safetensors(&tiny_fff(""), None), &FLIPS);
    assert!(refused > 500 && taken > 100, "{refused} refused, {taken} taken");
}

#[test]
fn damaged_pickles_in_sound_archives_never_panic() {
    let tensors = tiny_fff("");
    let sound = pickle(&tensors);
    let mut taken = 0;
    for len in 0..sound.len() {
        assert!(parse(&torch_with(&tensors, &sound[..len])).is_err(), "cut at {len}");
    }
    for at in 0..sound.len() {
        for flip in FLIPS {
            let mut damaged = sound.clone();
            damaged[at] ^= flip;
            if let Ok(graph) = parse(&torch_with(&tensors, &damaged)) {
                taken += 1;
                evaluate(&graph, &vec![graph.input.max; graph.input.len]);
            }
        }
    }
    // A flag, a stride of an axis of one, the name of a device: some bytes do not matter.
    assert!((1..sound.len()).contains(&taken), "{taken} of {} flips taken", 4 * sound.len());
}
