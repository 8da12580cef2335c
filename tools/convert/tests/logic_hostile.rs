//! Wrong files of logic-gate networks: state dicts and graph files that do not fit each other, indices out of range, absurd sizes. Each
//! refusal names what is wrong, and no bytes make the importer panic.
//!
//! `LEAFGATE_BLESS=1` writes the networks of this file into the corpus of the fuzz target `graph` where they are not there yet.

mod files;

use std::path::Path;

use files::{Tensor, f32s, i32s, i64s, safetensors, tiny_fff, torch};
use leafgate_convert::ConvertError;
use leafgate_convert::import::{self, GraphFile, ImportOptions};
use leafgate_convert::ir::Graph;
use leafgate_convert::ir::eval::evaluate;

/// 16 pixels, two thresholds, a convolution of one kernel at four positions, pooling, six gates, two sums.
fn tensors() -> Vec<Tensor> {
    let mut places = Vec::new();
    for side in 0..2i64 {
        for (y, x) in [(0, 0), (0, 3), (3, 0), (3, 3)] {
            for leaf in 0..2 {
                places.extend([y + leaf, x + 2 * side, side]);
            }
        }
    }
    let weights: Vec<f32> = (0..96).map(|i| (i * 37 % 61) as f32).collect();
    vec![
        f32s("0.thresholds", &[2], &[0.5, 1.5]),
        f32s("1.tree_weights.0", &[2, 1, 4], &[-1.0, 1.0, 1.0, 1.0, 1.0, -1.0, -1.0, 1.0]),
        f32s("1.tree_weights.1", &[1, 1, 4], &[-1.0, 1.0, 1.0, -1.0]),
        i64s("1.connections._indices_L0", &[2, 1, 4, 2, 3], &places),
        i64s("1.connections._indices_L1", &[2, 1], &[0, 1]),
        f32s("4.weights", &[6, 16], &weights),
        i64s("4.a", &[6], &[0, 1, 2, 3, 4, 5]),
        i64s("4.b", &[6], &[3, 8, 7, 6, 5, 0]),
    ]
}

const LAYERS: [&str; 5] = [
    r#"{"op": "binarization", "prefix": "0.", "shape": [1, 4, 4], "order": "channel"}"#,
    r#"{"op": "logic_conv2d", "prefix": "1.", "parametrization": "light", "shape": [2, 4, 4], "padding": 1}"#,
    r#"{"op": "or_pool2d", "shape": [1, 2, 2], "kernel": 2, "stride": 1, "padding": 1}"#,
    r#"{"op": "logic_dense", "prefix": "4."}"#,
    r#"{"op": "group_sum", "groups": 2, "tau": 1.0, "beta": 2.0}"#,
];

fn text(layers: &[&str]) -> String {
    let layers = layers.join(", ");
    format!(
        r#"{{"format": "leafgate.graph/1", "input": {{"len": 16, "scale": 1.0, "zero_point": 0.0, "min": 0, "max": 3}}, "layers": [{layers}]}}"#
    )
}

fn parse(bytes: &[u8], graph: Option<&[u8]>) -> Result<Graph, ConvertError> {
    let graph = graph.map(|bytes| GraphFile::new(Path::new("side.json"), bytes.to_vec()));
    let options = ImportOptions { graph, ..ImportOptions::default() };
    import::parse(bytes, Path::new("model"), &options).map(|imported| imported.graph)
}

/// The network but for these tensors.
fn but(others: &[Tensor]) -> Vec<Tensor> {
    let mut tensors = tensors();
    tensors.retain(|tensor| others.iter().all(|other| other.name != tensor.name));
    tensors.extend(others.to_vec());
    tensors
}

/// The network but for this layer.
fn layers(index: usize, layer: &'static str) -> String {
    let mut layers = LAYERS;
    layers[index] = layer;
    text(&layers)
}

#[test]
fn the_network_is_sound() {
    let described = parse(&safetensors(&tensors(), Some(&text(&LAYERS))), None).unwrap();
    let beside = parse(&torch(&tensors()), Some(text(&LAYERS).as_bytes())).unwrap();
    for seed in 0..200usize {
        let q: Vec<i8> = (0..16).map(|i| ((seed * 7919) >> (i % 11) & 3) as i8).collect();
        let scores = evaluate(&described, &q).scores;
        assert_eq!(scores, evaluate(&beside, &q).scores);
        assert!(scores.iter().all(|score| (2.0..=5.0).contains(score)), "{scores:?}");
    }
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    let mut nan = vec![0.0; 96];
    nan[17] = f32::NAN;
    let far = {
        let mut places = vec![0i64; 48];
        places[30] = 6;
        places
    };
    let cases = [
        (
            f32s("4.weights", &[6, 16], &nan),
            "E0106",
            "tensor `4.weights` of layer 3 (logic_dense) holds NaN at index 17",
        ),
        (f32s("4.weights", &[6, 15], &[0.0; 90]), "E0105", "has shape [6, 15], wanted (n, weights of a gate = 16)"),
        (i64s("4.a", &[5], &[0; 5]), "E0105", "tensor `4.a` of layer 3 (logic_dense) has shape [5], wanted (n = 6)"),
        (i64s("4.a", &[6], &[0, 0, 9, 0, 0, 0]), "E0108", "the input bit at index 2 is 9, wanted 0 to 8"),
        (i64s("4.b", &[6], &[0, 0, 0, 0, 0, -1]), "E0108", "the input bit at index 5 is -1, wanted 0 to 8"),
        (f32s("4.a", &[6], &[0.0; 6]), "E0108", "its element type is F32, wanted I32 or another integer type"),
        (i64s("4.connections.indices", &[2, 6], &[0; 12]), "E0104", "tensors that no layer uses: 4.a, 4.b"),
        (f32s("0.thresholds", &[2], &[0.5, f32::INFINITY]), "E0106", "holds inf at index 1"),
        (
            f32s("0.thresholds", &[3], &[0.5; 3]),
            "E0108",
            "input is [2, 4, 4], wanted channels, height and width whose product is 48",
        ),
        (f32s("0.thresholds", &[2, 2], &[0.5; 4]), "E0105", "has shape [2, 2], wanted (channels = 1, thresholds)"),
        (f32s("0.thresholds", &[], &[0.5]), "E0105", "has shape [], wanted"),
        (
            f32s("1.tree_weights.0", &[3, 1, 4], &[0.0; 12]),
            "E0105",
            "has shape [3, 1, 4], wanted (nodes of the level = 2,",
        ),
        (
            f32s("1.tree_weights.2", &[1, 1, 4], &[0.0; 4]),
            "E0105",
            "has shape [2, 1, 4], wanted (nodes of the level = 4,",
        ),
        (
            i64s("1.connections._indices_L1", &[2, 1], &[0, 2]),
            "E0108",
            "the node of the level below at index 1 is 2, wanted 0 to 1",
        ),
        (
            i64s("1.connections._indices_L0", &[2, 1, 4, 2], &[0; 16]),
            "E0105",
            "wanted (2, kernels, positions, leaves, 3)",
        ),
        (
            i64s("1.connections._indices_L0", &[2, 1, 4, 2, 3], &far),
            "E0108",
            "the row, column or channel at index 30 is 6",
        ),
        (
            i64s("1.connections._indices_L0", &[2, 1, 4, 2, 3], &[2; 48]),
            "E0108",
            "the channel at index 0 is 2, wanted 0 to 1",
        ),
        (
            i64s("1.connections._indices_L0", &[0, 1 << 31, 1 << 31, 2, 3], &[]),
            "E0202",
            "gates of the network up to here, unrolled is 13835058055282163712",
        ),
        (f32s("0.raw_diffs", &[2], &[0.5, 1.0]), "E0104", "tensors that no layer uses: 0.raw_diffs"),
    ];
    for (tensor, code, want) in cases {
        let error = parse(&safetensors(&but(&[tensor]), Some(&text(&LAYERS))), None).unwrap_err();
        assert!(error.to_string().contains(want), "{error}\nwanted {want}");
        assert_eq!(error.code(), code, "{error}");
    }
}

#[test]
fn layers_that_do_not_fit_are_named() {
    let cases = [
        (
            0,
            r#"{"op": "binarization", "prefix": "0.", "shape": [4, 5]}"#,
            "shape is [4, 5], wanted sides whose product is 16",
        ),
        (0, r#"{"op": "binarization", "prefix": "0.", "shape": []}"#, "shape is [], wanted"),
        (
            0,
            r#"{"op": "binarization", "prefix": "0.", "shape": [0, 18446744073709551615]}"#,
            "shape is [0, 18446744073709551615]",
        ),
        (
            0,
            r#"{"op": "binarization", "prefix": "0.", "order": "bit"}"#,
            "unknown order `bit`, wanted one of: element, channel, threshold",
        ),
        (
            0,
            r#"{"op": "binarization", "prefix": "0.", "thresholds": [0.5, 1.5]}"#,
            "the thresholds is given by `thresholds` of the description and by tensor `0.thresholds`",
        ),
        (0, r#"{"op": "binarization", "thresholds": []}"#, "thresholds is [], wanted 1 or more"),
        (0, r#"{"op": "binarization", "thresholds": [1e99]}"#, "wanted 1 or more finite numbers"),
        (
            1,
            r#"{"op": "logic_conv2d", "prefix": "1.", "parametrization": "heavy", "shape": [2, 4, 4]}"#,
            "unknown parametrization `heavy`, wanted one of: raw, light, warp",
        ),
        (
            1,
            r#"{"op": "logic_conv2d", "prefix": "1.", "shape": [2, 4, 4], "padding": 1}"#,
            "wanted (nodes of the level = 2, kernels = 1, weights of a gate = 16)",
        ),
        (
            1,
            r#"{"op": "logic_conv2d", "prefix": "1.", "parametrization": "light", "shape": [2, 4, 5]}"#,
            "input is [2, 4, 5], wanted",
        ),
        (
            1,
            r#"{"op": "logic_conv2d", "prefix": "1.", "parametrization": "light", "shape": [2, 4, 4]}"#,
            "the row, column or channel at index",
        ),
        (
            1,
            r#"{"op": "logic_conv2d", "prefix": "1.", "parametrization": "light", "shape": [2, 4, 4], "padding": 9223372036854775808}"#,
            "padding is 9223372036854775808, wanted 0 to",
        ),
        (
            1,
            r#"{"op": "logic_conv2d", "prefix": "x.", "shape": [2, 4, 4]}"#,
            "tensor `x.connections._indices_L0` of layer 1 (logic_conv2d) is missing",
        ),
        (1, r#"{"op": "logic_dense", "prefix": "1."}"#, "tensor `1.weight` of layer 1 (logic_dense) is missing"),
        (
            2,
            r#"{"op": "or_pool2d", "shape": [1, 2, 2], "kernel": 0, "stride": 1}"#,
            "kernel is 0 with padding 0, wanted 1 or more",
        ),
        (
            2,
            r#"{"op": "or_pool2d", "shape": [1, 2, 2], "kernel": 3, "stride": 1}"#,
            "kernel is 3 with padding 0, wanted",
        ),
        (
            2,
            r#"{"op": "or_pool2d", "shape": [1, 2, 2], "kernel": 2, "stride": 1, "padding": 2}"#,
            "kernel is 2 with padding 2",
        ),
        (
            2,
            r#"{"op": "or_pool2d", "shape": [1, 2, 2], "kernel": 2, "stride": 1, "padding": 18446744073709551615}"#,
            "with padding 18446744073709551615",
        ),
        (
            2,
            r#"{"op": "or_pool2d", "shape": [1, 2, 2], "kernel": 18446744073709551615, "stride": 1, "padding": 9223372036854775807}"#,
            "kernel is 18446744073709551615",
        ),
        (
            2,
            r#"{"op": "or_pool2d", "shape": [1, 2, 2], "kernel": 2, "stride": 0, "padding": 1}"#,
            "stride is 0, wanted 1 or more",
        ),
        (
            2,
            r#"{"op": "or_pool2d", "shape": [1, 2, 2], "kernel": 2000000, "stride": 1, "padding": 1000000}"#,
            "gates of the network up to here, unrolled is",
        ),
        (
            2,
            r#"{"op": "or_pool2d", "shape": [4294967296, 4294967296, 4294967296], "kernel": 2, "stride": 1}"#,
            "input is [4294967296,",
        ),
        (
            3,
            r#"{"op": "logic_dense", "prefix": "4.", "a": [0], "b": [0]}"#,
            "the wiring is given by `a` and `b` of the description and by tensor `4.a`",
        ),
        (3, r#"{"op": "logic_dense", "prefix": "4.", "a": [0]}"#, "the wiring is one of them, wanted both"),
        (
            3,
            r#"{"op": "logic_dense", "prefix": "4.", "parametrization": "warp"}"#,
            "has shape [6, 16], wanted (n, weights of a gate = 4)",
        ),
        (
            3,
            r#"{"op": "logic_dense", "prefix": "4.", "indices": []}"#,
            "unknown key `indices`, wanted one of: op, prefix, parametrization, a, b",
        ),
        (4, r#"{"op": "group_sum", "groups": 2, "tau": 1.0, "beta": 1e99}"#, "beta is 1"),
        (4, r#"{"op": "binarization", "thresholds": [1]}"#, "its input is bits, from `4`, wanted numbers"),
    ];
    for (index, layer, want) in cases {
        let error = parse(&safetensors(&tensors(), Some(&layers(index, layer))), None).unwrap_err();
        assert!(error.to_string().contains(want), "{layer}: {error}\nwanted {want}");
        assert!(error.code().starts_with("E01") || error.code() == "E0202", "{error}");
    }
}

#[test]
fn wiring_of_the_description_is_checked() {
    let mut tensors = tensors();
    tensors.retain(|tensor| !["4.a", "4.b"].contains(&tensor.name.as_str()));
    let cases = [
        (r#"{"op": "logic_dense", "prefix": "4."}"#, "E0151", "nothing says which bits its gates read"),
        (
            r#"{"op": "logic_dense", "prefix": "4.", "a": [0, 1], "b": [0, 1]}"#,
            "E0108",
            "the length of `a` is 2, wanted 6",
        ),
        (
            r#"{"op": "logic_dense", "prefix": "4.", "a": [0,0,0,0,0,0], "b": [0,0,0,0,9,0]}"#,
            "E0108",
            "the input bit at index 4 of `b` is 9, wanted 0 to 8",
        ),
        (r#"{"op": "logic_dense", "prefix": "4.", "a": [0,0,0,0,0,-1], "b": [0,0,0,0,0,0]}"#, "E0102", "does not read"),
    ];
    for (layer, code, want) in cases {
        let error = parse(&safetensors(&tensors, None), Some(layers(3, layer).as_bytes())).unwrap_err();
        assert!(error.to_string().contains(want), "{error}\nwanted {want}");
        assert_eq!(error.code(), code, "{error}");
    }
    let good = r#"{"op": "logic_dense", "prefix": "4.", "a": [0,1,2,3,4,5], "b": [3,8,7,6,5,0]}"#;
    assert!(parse(&safetensors(&tensors, None), Some(layers(3, good).as_bytes())).is_ok());
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let graph = text(&LAYERS);
    let model = safetensors(&tensors(), None);
    let side = |tensors: &[Tensor]| safetensors(tensors, Some(&graph));
    let cases: [(&[u8], Option<&[u8]>, _, _); 8] = [
        (&model, None, "E0150", "a state dict of logic gates (`1.tree_weights.0`, `1.tree_weights.1`, `4.weights`)"),
        (&model, Some(b""), "E0102", "neither a JSON text nor a safetensors file"),
        (&model, Some(b"{"), "E0102", "its graph description does not read"),
        (&model, Some(&model), "E0102", "without a `leafgate.graph` description"),
        (
            &model,
            Some(&side(&[i32s("4.a", &[6], &[0; 6])])),
            "E0152",
            "both the state dict and the graph file have: 4.a",
        ),
        (&model, Some(&side(&[i32s("4.c", &[6], &[0; 6])])), "E0104", "tensors that no layer uses: 4.c"),
        (&side(&tensors()), Some(graph.as_bytes()), "E0108", "graph is given, wanted nothing"),
        (&safetensors(&tiny_fff(""), None), Some(graph.as_bytes()), "E0103", "tensor `0.thresholds` of layer 0"),
    ];
    for (model, graph, code, want) in cases {
        let error = parse(model, graph).unwrap_err();
        assert!(error.to_string().contains(want), "{error}\nwanted {want}");
        assert_eq!(error.code(), code, "{error}");
    }
}

/// Every truncation and every byte changed in four ways, of the model and of the graph file.
#[test]
fn damaged_files_never_panic() {
    let graph = text(&LAYERS);
    let (described, dict) = (safetensors(&tensors(), Some(&graph)), safetensors(&tensors(), None));
    let mut counts = [0, 0];
    let mut attempt = |model: &[u8], graph: Option<&[u8]>| match parse(model, graph) {
        Ok(graph) if graph.input.len <= 1 << 16 => {
            evaluate(&graph, &vec![graph.input.max; graph.input.len]);
            counts[0] += 1;
        }
        _ => counts[1] += 1,
    };
    for len in 0..described.len() {
        attempt(&described[..len], None);
    }
    for len in 0..graph.len() {
        attempt(&dict, Some(&graph.as_bytes()[..len]));
    }
    for flip in [0x01, 0x10, 0x80, 0xff] {
        for at in 0..described.len() {
            let mut damaged = described.clone();
            damaged[at] ^= flip;
            attempt(&damaged, None);
        }
        for at in 0..graph.len() {
            let mut damaged = graph.clone().into_bytes();
            damaged[at] ^= flip;
            attempt(&dict, Some(&damaged));
        }
    }
    let [taken, refused] = counts;
    assert!(taken > 500 && refused > 5000, "{taken} taken, {refused} refused");
}

#[test]
fn the_corpus_of_the_fuzz_target_has_these_networks() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus-graph");
    let fff = text(&[r#"{"op": "fff", "activation": "relu"}"#]).replace("16", "3");
    let networks = [
        ("logic.safetensors", safetensors(&tensors(), Some(&text(&LAYERS)))),
        ("fff.safetensors", safetensors(&tiny_fff(""), Some(&fff))),
        ("state-dict.pt", torch(&tiny_fff(""))),
    ];
    for (name, bytes) in networks {
        let path = folder.join(name);
        if std::env::var_os("LEAFGATE_BLESS").is_some() && !path.exists() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        assert!(parse(&std::fs::read(&path).unwrap(), None).is_ok(), "{name}");
    }
}
