//! State dicts of fast feedforward networks against the software they come from: the fixtures are made and judged by
//! `tests/interop/fff.py` (`cargo xtask interop`). Leaves and visited nodes must be the same, outputs within 1e-5.

use leafgate_convert::ConvertError;
use leafgate_convert::import::{self, ImportOptions, Imported};
use leafgate_convert::ir::eval::{Entry, Observer, evaluate, evaluate_observed};
use leafgate_convert::ir::{Activation, Graph, Op, Readout, Route};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn fixture(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fff").join(file)
}

/// What the package gives.
fn judge(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(fixture(&format!("{name}.json"))).unwrap()).unwrap()
}

/// All fixtures whose judgement says `key`.
fn fixtures(key: &str) -> Vec<(String, Value)> {
    let entries =
        std::fs::read_dir(fixture("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> = entries.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect();
    names.into_iter().map(|name| (name.clone(), judge(&name))).filter(|(_, judge)| judge.get(key).is_some()).collect()
}

fn rows<T: TryFrom<i64>>(value: &Value) -> Vec<Vec<T>>
where
    T::Error: std::fmt::Debug,
{
    let row = |row: &Value| row.as_array().unwrap().iter().map(|x| T::try_from(x.as_i64().unwrap()).unwrap()).collect();
    value.as_array().unwrap().iter().map(row).collect()
}

fn reals(value: &Value) -> Vec<Vec<f64>> {
    let row = |row: &Value| row.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    value.as_array().unwrap().iter().map(row).collect()
}

fn activation(judge: &Value) -> Activation {
    match judge["activation"].as_str().unwrap() {
        "none" => Activation::None,
        "relu" => Activation::Relu,
        "gelu" => Activation::Gelu,
        "sigmoid" => Activation::Sigmoid,
        "tanh" => Activation::Tanh,
        "silu" => Activation::Silu,
        other => panic!("{other}"),
    }
}

/// The largest difference from what the package gives.
fn difference(graph: &Graph, inputs: &[Vec<i8>], want: &[Vec<f64>]) -> f64 {
    assert_eq!(inputs.len(), want.len());
    let of = |(q, want): (&Vec<i8>, &Vec<f64>)| {
        let have = evaluate(graph, q).scores;
        assert_eq!(have.len(), want.len());
        have.iter().zip(want).map(|(have, want)| (f64::from(*have) - want).abs()).fold(0.0, f64::max)
    };
    inputs.iter().zip(want).map(of).fold(0.0, f64::max)
}

/// Leaves of each layer, or the nodes of the only one.
struct Walk<'g> {
    graph: &'g Graph,
    entries: Vec<i64>,
}

impl Observer for Walk<'_> {
    fn entry(&mut self, node: usize, entry: &Entry<'_>) {
        let Op::Ffn { routes, .. } = &self.graph.nodes[node].op else { panic!("an FFN") };
        // A master leaf runs always; so does the leaf of a tree of depth 0, but that is the first route.
        if entry.route == 0 || !matches!(routes[entry.route], Route::Static { .. }) {
            self.entries.push(entry.neuron.unwrap_or(entry.range) as i64);
        }
    }
}

fn walk(graph: &Graph, q: &[i8]) -> Vec<i64> {
    let mut walk = Walk { graph, entries: Vec::new() };
    evaluate_observed(graph, q, &mut walk);
    walk.entries
}

#[test]
fn leaves_and_outputs_are_those_of_the_package() {
    let all = fixtures("leaves");
    assert_eq!(all.len(), 10);
    for (name, judge) in all {
        let (inputs, leaves) = (rows::<i8>(&judge["inputs"]), rows::<i64>(&judge["leaves"]));
        let told = ImportOptions { activation: Some(activation(&judge)), ..ImportOptions::default() };
        // A safetensors file says its activation itself, a PyTorch file cannot.
        for (file, options) in [(format!("{name}.pt"), told), (format!("{name}.safetensors"), ImportOptions::default())]
        {
            let graph = import::import(&fixture(&file), &options).unwrap();
            for (q, leaves) in inputs.iter().zip(&leaves) {
                assert_eq!(&walk(&graph, q), leaves, "{file} {q:?}");
            }
            let as_trained = difference(&graph, &inputs, &reals(&judge["outputs"]));
            println!("{file}: {as_trained:.1e}");
            assert!(as_trained < 1e-5, "{file}: {as_trained:e}");
            assert_eq!(graph.readout, Readout::Argmax);

            let old = ImportOptions { match_eval_0_2_1: true, ..options };
            let old = import::import(&fixture(&file), &old).unwrap();
            let Some(_) = judge["eval_outputs"].as_array() else {
                assert_eq!(name, "leaf", "evaluation in 0.2.1 fails at depth 0 only");
                continue;
            };
            let evaluated = difference(&old, &inputs, &reals(&judge["eval_outputs"]));
            assert!(evaluated < 1e-5, "{file}: {evaluated:e}");
            assert!(difference(&old, &inputs, &reals(&judge["outputs"])) > 0.01, "the bias is there");
        }
    }
}

#[test]
fn every_visited_node_and_the_outputs_are_those_of_ultrafastberts_layer() {
    let all = fixtures("visited");
    assert_eq!(all.len(), 2);
    for (name, judge) in all {
        let figure = |key: &str| Some(judge[key].as_u64().unwrap() as usize);
        let (inputs, visited) = (rows::<i8>(&judge["inputs"]), rows::<i64>(&judge["visited"]));
        // Either figure is enough, and the activation is the module's own.
        for (trees, depth) in [(figure("trees"), figure("depth")), (figure("trees"), None), (None, figure("depth"))] {
            for file in [format!("{name}.pt"), format!("{name}.safetensors")] {
                let options = ImportOptions { trees, depth, ..ImportOptions::default() };
                let Imported { graph, assumptions, .. } = import::open(&fixture(&file), &options).unwrap();
                assert!(assumptions[0].contains("taken to be gelu"), "{assumptions:?}");
                for (q, visited) in inputs.iter().zip(&visited) {
                    assert_eq!(&walk(&graph, q), visited, "{file} {q:?}");
                }
                let difference = difference(&graph, &inputs, &reals(&judge["outputs"]));
                println!("{file}: {difference:.1e}");
                assert!(difference < 1e-5, "{file}: {difference:e}");
                assert_eq!(graph.readout, Readout::None);
            }
        }
    }
}

#[test]
fn a_model_configuration_says_what_weights_do_not() {
    let mut options = ImportOptions::default();
    options.take_config(&fixture("ultrafast_bert.config")).unwrap();
    assert_eq!((options.trees, options.depth, options.activation), (Some(1), Some(4), Some(Activation::Gelu)));
    let imported = import::open(&fixture("ultrafast_bert.pt"), &options).unwrap();
    assert_eq!(imported.graph.nodes[0].name, "encoder.layers.0.ffn");
    assert_eq!(imported.assumptions.len(), 1, "only the input: {:?}", imported.assumptions);
    // What is given stands.
    let mut options = ImportOptions { trees: Some(3), activation: Some(Activation::Relu), ..ImportOptions::default() };
    options.take_config(&fixture("ultrafast_bert.config")).unwrap();
    assert_eq!((options.trees, options.depth, options.activation), (Some(3), Some(4), Some(Activation::Relu)));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    let refused = |text: &str| {
        std::fs::write(&path, text).unwrap();
        ImportOptions::default().take_config(&path).unwrap_err().to_string()
    };
    for (text, want) in [
        ("", "not a model configuration"),
        ("[1]", "without `intermed_size`"),
        (r#"{"intermed_size": 3}"#, "without `intermed_depth`"),
        (r#"{"intermed_size": 3, "intermed_depth": -1}"#, "`intermed_depth` is -1, wanted a whole number"),
        (r#"{"intermed_type": "ff", "intermed_size": 3072}"#, "whose `intermed_type` is not `fff`"),
        (r#"{"intermed_size": 3, "intermed_depth": 1, "nonlin": "Mish"}"#, "unknown activation `mish`"),
    ] {
        let error = refused(text);
        assert!(error.contains(want), "{text}: {error}");
    }
    assert!(refused(&" ".repeat(2 << 20)).contains("larger than any model configuration"));
}

#[test]
fn blocks_are_chosen_and_ordered_by_name() {
    let open = |layers: &[&str]| {
        let layers = layers.iter().map(|layer| (*layer).to_owned()).collect();
        import::open(&fixture("chain.safetensors"), &ImportOptions { layers, ..ImportOptions::default() })
    };
    let names = |imported: &Imported| imported.graph.nodes.iter().map(|node| node.name.clone()).collect::<Vec<_>>();
    let all = open(&[]).unwrap();
    assert_eq!(names(&all), ["0", "1", "2"]);
    assert!(all.assumptions[0].contains("in the order 0, 1, 2"), "{:?}", all.assumptions);
    let two = open(&["1", "2."]).unwrap();
    assert_eq!((names(&two), two.graph.input.len), (vec!["1".to_owned(), "2".to_owned()], 9));
    assert!(
        two.assumptions[0].contains("left out: 0.b1s, 0.b2s, 0.depth, 0.node_biases and 3 more"),
        "{:?}",
        two.assumptions
    );

    let refused = |layers: &[&str]| open(layers).unwrap_err().to_string();
    assert!(refused(&["3"]).contains("unknown block `3`, wanted one of: 0, 1, 2"), "{}", refused(&["3"]));
    assert!(refused(&["1", "1"]).contains("is 2, wanted 1"), "{}", refused(&["1", "1"]));
    // The second is as wide as the first gives.
    assert!(
        refused(&["0", "2"]).contains("tensor `2.w1s` of layer `2` has shape [4, 6, 5], wanted (2^d = 4, I = 9, l)")
    );
}

#[test]
fn damaged_layers_of_ultrafastbert_never_panic() {
    let options = ImportOptions { trees: Some(3), ..ImportOptions::default() };
    let sound = std::fs::read(fixture("ultrafast.safetensors")).unwrap();
    let parse = |bytes: &[u8]| import::parse(bytes, Path::new("m"), &options);
    assert!(parse(&sound).is_ok());
    // The header and the first weights; what follows is numbers alike.
    for at in 0..600 {
        assert!(parse(&sound[..at]).is_err(), "cut at {at}");
        for flip in [1, 2, 16, 128] {
            let mut damaged = sound.clone();
            damaged[at] ^= flip;
            if let Ok(imported) = parse(&damaged) {
                evaluate(&imported.graph, &vec![imported.graph.input.max; imported.graph.input.len]);
            }
        }
    }
}

#[test]
fn what_a_state_dict_must_be_told_is_asked_for() {
    let open = |options: ImportOptions| import::open(&fixture("ultrafast.pt"), &options).unwrap_err();
    let error = open(ImportOptions::default());
    assert_eq!(error.code(), "E0140");
    assert!(matches!(error, ConvertError::Unsaid { .. }) && error.hint().contains("--config"));
    assert!(error.to_string().contains("its 21 rows are trees * (2^(depth + 1) - 1)"), "{error}");
    let default = ImportOptions::default;
    for (options, want) in [
        (ImportOptions { trees: Some(4), ..default() }, "with trees = 4"),
        (ImportOptions { trees: Some(0), ..default() }, "with trees = 0"),
        (ImportOptions { depth: Some(5), ..default() }, "with depth = 5"),
        (ImportOptions { depth: Some(usize::MAX), ..default() }, "with depth = "),
        (ImportOptions { trees: Some(3), depth: Some(3), ..default() }, "wanted (K*(2^(depth+1)-1) = 45, I = 12)"),
        (ImportOptions { trees: Some(3), depth: Some(usize::MAX), ..default() }, "wanted 0 to 15"),
        (ImportOptions { trees: Some(3), match_eval_0_2_1: true, ..default() }, "the file has no block of the package"),
    ] {
        let error = open(options).to_string();
        assert!(error.contains(want), "{want}: {error}");
    }
    let idle = ImportOptions { depth: Some(3), ..default() };
    let error = import::open(&fixture("deep.pt"), &idle).unwrap_err().to_string();
    assert!(error.contains("depth is given, wanted nothing: the file has no layer of UltraFastBERT"), "{error}");
}
