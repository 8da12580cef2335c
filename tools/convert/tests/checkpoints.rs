//! Trained networks that other people published (arXiv 2405.16836), imported as they are: the float reference must reach
//! the accuracy that was measured for each in PyTorch, on the full test set, to two decimals. It stands in the file's name.
//!
//! The data is not part of the repository: `LEAFGATE_DATA`, or `../shared/data` beside the workspace. Without it the tests say that they are skipped.

use leafgate_convert::data::{Samples, default_offset, load_csv, load_idx};
use leafgate_convert::import::{self, ImportOptions};
use leafgate_convert::ir::eval::Evaluator;
use leafgate_convert::ir::{Emit, Graph, InputSpec, Op, Route};
use pytorch_reader::{DType, PytorchReader};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use std::path::Path;

mod places;

const CHECKPOINTS: [&str; 6] = [
    "fashion_balanced_l16_d3_87.38",
    "fashion_balanced_l8_d4_86.69",
    "mnist_balanced_l8_d1_93.46",
    "mnist_master_l1_d4_93.78",
    "mnist_master_l2_d3_94.14",
    "mnist_master_l8_d4_95.10",
];

fn test_set(data: &Path, checkpoint: &str, graph: &Graph) -> Samples {
    let folder = data.join(if checkpoint.starts_with("fashion") { "fashion_mnist" } else { "mnist" });
    let (images, labels) = ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz");
    let offset = default_offset(&graph.input);
    load_idx(&folder.join(images), Some(&folder.join(labels)), &graph.input, offset).unwrap()
}

/// In percent.
fn accuracy(graph: &Graph, samples: &Samples) -> f64 {
    let mut evaluator = Evaluator::new(graph);
    let labels = samples.labels.as_ref().unwrap();
    let right = samples.inputs.iter().zip(labels).filter(|(q, label)| evaluator.class(q) == **label as usize).count();
    100.0 * right as f64 / samples.len() as f64
}

#[test]
fn checkpoints_reach_their_accuracy() {
    let Some(data) = places::data("fff_checkpoints", "checkpoints_reach_their_accuracy") else { return };
    let scratch = tempfile::tempdir().unwrap();
    for checkpoint in CHECKPOINTS {
        let pt = data.join("fff_checkpoints").join(format!("{checkpoint}.pt"));
        let imported = import::open(&pt, &ImportOptions::default()).unwrap();
        let mut graph = imported.graph;
        assert_eq!(imported.assumptions.len(), 2, "{:?}", imported.assumptions);
        assert_eq!(graph.name, checkpoint);
        check_structure(checkpoint, &graph);

        let samples = test_set(&data, checkpoint, &graph);
        assert_eq!(samples.len(), 10_000);
        let have = format!("{:.2}", accuracy(&graph, &samples));
        println!("{checkpoint}: {have} %");
        assert_eq!(have, checkpoint.rsplit('_').next().unwrap(), "{checkpoint}");

        // The same weights through the other door make the same graph.
        let resaved = scratch.path().join(format!("{checkpoint}.safetensors"));
        resave(&pt, &resaved);
        let again = import::import(&resaved, &ImportOptions::default()).unwrap();
        assert_ne!(again.source_sha256, graph.source_sha256);
        graph.source_sha256.clone_from(&again.source_sha256);
        assert_eq!(again, graph, "{checkpoint}");
    }
}

/// The name says the leaf width and the depth.
fn check_structure(checkpoint: &str, graph: &Graph) {
    let figure = |letter: char| -> usize {
        checkpoint.split('_').find_map(|part| part.strip_prefix(letter)?.parse().ok()).unwrap()
    };
    let [node] = &graph.nodes[..] else { panic!("one node, not {}", graph.nodes.len()) };
    let Op::Ffn { routes, ranges, .. } = &node.op else { panic!("an FFN") };
    let Route::Tree { levels, trees: 1, strict: false, emit: Emit::Leaf, first: 0, .. } = &routes[0] else {
        panic!("a tree that emits leaves")
    };
    assert_eq!(*levels, figure('d'));
    let leaves = 1 << levels;
    assert!(ranges[..leaves].iter().all(|leaf| leaf.keys.rows == figure('l') && leaf.keys.cols == 784));
    if checkpoint.contains("master") {
        assert_eq!(routes[1], Route::Static { first: leaves, count: 1 });
        assert_eq!((ranges[leaves].name.as_str(), ranges[leaves].keys.rows), ("master", 8));
        assert_eq!(ranges.len(), leaves + 1);
    } else {
        assert_eq!((routes.len(), ranges.len()), (1, leaves));
    }
}

#[test]
fn leaving_out_the_leaf_bias_costs_what_was_measured() {
    let Some(data) = places::data("fff_checkpoints", "leaving_out_the_leaf_bias_costs_what_was_measured") else {
        return;
    };
    let checkpoint = "mnist_balanced_l8_d1_93.46";
    let pt = data.join("fff_checkpoints").join(format!("{checkpoint}.pt"));
    let options = ImportOptions { match_eval_0_2_1: true, ..ImportOptions::default() };
    let graph = import::import(&pt, &options).unwrap();
    let samples = test_set(&data, checkpoint, &graph);
    assert_eq!(format!("{:.2}", accuracy(&graph, &samples)), "92.26");
}

#[test]
fn the_optical_digits_load() {
    let Some(data) = places::data("optdigits/optdigits.tes", "the_optical_digits_load") else { return };
    let input = InputSpec { len: 64, scale: 1.0 / 16.0, zero_point: 0.0, min: 0, max: 16 };
    let digits = load_csv(&data.join("optdigits/optdigits.tes"), &input, default_offset(&input)).unwrap();
    assert_eq!(digits.len(), 1797);
    assert_eq!(digits.inputs[0][..8], [0, 0, 5, 13, 9, 1, 0, 0]);
    let labels = digits.labels.unwrap();
    assert_eq!((labels[..4].to_vec(), labels.iter().max()), (vec![0, 1, 2, 3], Some(&9)));
}

/// What `safetensors.torch.save_file(state_dict)` writes.
fn resave(from: &Path, to: &Path) {
    let reader = PytorchReader::new(from).unwrap();
    let tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = reader
        .into_tensors()
        .into_values()
        .map(|tensor| {
            let dtype = match tensor.dtype() {
                DType::F32 => Dtype::F32,
                DType::I64 => Dtype::I64,
                other => panic!("{other:?}"),
            };
            (tensor.name.clone(), dtype, tensor.shape().to_vec(), tensor.read().unwrap())
        })
        .collect();
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    safetensors::serialize_to_file(views, None, to).unwrap();
}
