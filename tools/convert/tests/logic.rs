//! Networks of difflogic and torchlogix that `tests/interop/{difflogic,torchlogix}_networks.py` made: state dicts beside a graph file, and
//! files of the export script. 10,000 inputs of each are exact, in the trained network as in the image.

use std::path::{Path, PathBuf};

use leafgate_convert::host::{HostEngine, input_bytes};
use leafgate_convert::import::{self, GraphFile, ImportOptions};
use leafgate_convert::ir::eval::evaluate;
use leafgate_convert::ir::{Graph, Op};
use leafgate_convert::{Options, Ranges, convert};
use serde::Deserialize;

/// Sums of the groups: those of the first inputs, and a checksum of each 500.
#[derive(Deserialize)]
struct Expected {
    seed: u64,
    samples: usize,
    tau: f32,
    first: Vec<Vec<i16>>,
    crc32: Vec<u32>,
}

const NETWORKS: [(&str, &str); 10] = [
    ("difflogic", "bits"),
    ("difflogic", "colours"),
    ("torchlogix", "raw"),
    ("torchlogix", "light"),
    ("torchlogix", "warp"),
    ("torchlogix", "candidates"),
    ("torchlogix", "quantiles"),
    ("torchlogix", "conv_raw"),
    ("torchlogix", "conv_light"),
    ("torchlogix", "conv_warp"),
];

fn file(package: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(package).join(name)
}

/// The one of two files that is there.
fn either(package: &str, names: [String; 2]) -> PathBuf {
    names.map(|name| file(package, &name)).into_iter().find(|path| path.exists()).expect("the script makes one of them")
}

fn from_state_dict(package: &str, name: &str) -> Graph {
    let model = either(package, [format!("{name}.pt"), format!("{name}.safetensors")]);
    let graph = either(package, [format!("{name}.graph.json"), format!("{name}.graph.safetensors")]);
    let options = ImportOptions { graph: Some(GraphFile::read(&graph).unwrap()), ..ImportOptions::default() };
    import::import(&model, &options).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn exported(package: &str, name: &str) -> Graph {
    let path = file(package, &format!("{name}.export.safetensors"));
    import::import(&path, &ImportOptions::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// As `inputs` of `tests/interop/logic_networks.py`: splitmix64.
fn inputs(graph: &Graph, expected: &Expected) -> Vec<Vec<i8>> {
    let (low, high) = (i64::from(graph.input.min), i64::from(graph.input.max));
    let mut state = expected.seed;
    let mut byte = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (low + ((z ^ z >> 31) >> 33) as i64 % (high - low + 1)) as i8
    };
    (0..expected.samples).map(|_| (0..graph.input.len).map(|_| byte()).collect()).collect()
}

/// Compares sums with the package's.
fn check(name: &str, expected: &Expected, sums: &[Vec<i16>]) {
    for (have, want) in sums.iter().zip(&expected.first) {
        assert_eq!(have, want, "{name}");
    }
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    for (block, want) in expected.crc32.iter().enumerate() {
        let of = sums.len() / expected.crc32.len();
        let bytes: Vec<u8> = sums[block * of..][..of].iter().flatten().flat_map(|sum| sum.to_le_bytes()).collect();
        assert_eq!(crc.checksum(&bytes), *want, "{name}: inputs from {} on", block * of);
    }
}

#[test]
fn ten_thousand_inputs_of_every_network_are_exact() {
    for (package, name) in NETWORKS {
        let expected: Expected =
            serde_json::from_slice(&std::fs::read(file(package, &format!("{name}.json"))).unwrap()).unwrap();
        let graphs = [from_state_dict(package, name), exported(package, name)];
        let inputs = inputs(&graphs[0], &expected);
        let mut images = Vec::new();
        for graph in &graphs {
            let scores: Vec<Vec<f32>> = inputs.iter().map(|q| evaluate(graph, q).scores).collect();
            let whole = |score: &f32| (f64::from(*score) * f64::from(expected.tau)).round() as i16;
            let sums: Vec<Vec<i16>> = scores.iter().map(|row| row.iter().map(whole).collect()).collect();
            check(name, &expected, &sums);

            let made = convert(graph.clone(), Ranges::Random, &Options::default()).unwrap();
            let mut engine = HostEngine::new(&made.image).unwrap();
            let run = |q: &Vec<i8>| -> Vec<i16> {
                engine.run_one(input_bytes(q)).unwrap().values.iter().map(|&sum| sum as i16).collect()
            };
            check(name, &expected, &inputs.iter().map(run).collect::<Vec<_>>());
            let report = &made.passes.gates[0];
            println!("{name}: {} gates, {} are left", report.gates[0], report.gates[1]);
            images.push(made.graph.nodes.into_iter().map(|node| node.op).collect::<Vec<Op>>());
        }
        // Both doors give the same netlist: the script and the converter unroll alike.
        let netlist = |ops: &[Op]| ops.iter().find(|op| matches!(op, Op::Netlist(_))).cloned();
        assert_eq!(netlist(&images[0]), netlist(&images[1]), "{name}");
    }
}
