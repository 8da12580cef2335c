//! The zoo's networks: the float reference must classify what the training framework classified, sample for sample in number, and
//! choose the leaves and experts as often. `summary.json` beside the weights holds the framework's counts.
//!
//! The training set is not part of the repository: `LEAFGATE_DATA`, or `../shared/data` beside the workspace. Without it the test says
//! that it is skipped.

use leafgate_convert::data::{Samples, default_offset, load_csv};
use leafgate_convert::import::{self, ImportOptions};
use leafgate_convert::ir::Graph;
use leafgate_convert::ir::eval::{Entry, Evaluator, Observer, class_of};
use serde_json::Value;

mod places;

use places::{data, workspace};

const NETWORKS: [&str; 3] = ["digits-fff", "digits-gates", "digits-moe"];

fn network(name: &str) -> Graph {
    let weights = workspace().join("models/zoo").join(name).join("weights.safetensors");
    import::import(&weights, &ImportOptions::default()).unwrap()
}

/// How often each range ran.
#[derive(Default)]
struct Usage(Vec<u64>);

impl Observer for Usage {
    fn entry(&mut self, _: usize, entry: &Entry<'_>) {
        if self.0.len() <= entry.range {
            self.0.resize(entry.range + 1, 0);
        }
        self.0[entry.range] += 1;
    }
}

fn count(graph: &Graph, samples: &Samples) -> (u64, Usage) {
    let mut usage = Usage::default();
    let mut evaluator = Evaluator::new(graph);
    let labels = samples.labels.as_ref().unwrap();
    let right = samples
        .inputs
        .iter()
        .zip(labels)
        .filter(|(q, label)| class_of(evaluator.run(q, &mut usage)) == **label as usize);
    (right.count() as u64, usage)
}

#[test]
fn the_zoo_classifies_its_training_set_as_the_framework_did() {
    const SET: &str = "optdigits/optdigits.tra";
    let Some(data) = data(SET, "the_zoo_classifies_its_training_set_as_the_framework_did") else { return };
    let set = data.join(SET);
    for name in NETWORKS {
        let graph = network(name);
        let samples = load_csv(&set, &graph.input, default_offset(&graph.input)).unwrap();
        let (right, usage) = count(&graph, &samples);
        let text = std::fs::read_to_string(workspace().join("models/zoo").join(name).join("summary.json")).unwrap();
        let summary: Value = serde_json::from_str(&text).unwrap();
        // The training set as the framework split it.
        let both = |read: &dyn Fn(&Value) -> u64| read(&summary["train"]) + read(&summary["validation"]);
        assert_eq!(samples.len() as u64, both(&|part| part["rows"].as_u64().unwrap()));
        let want = both(&|part| part["correct"].as_u64().unwrap());
        println!("{name}: {right} of {}, the framework {want}", samples.len());
        assert_eq!(right, want, "{name}");
        for range in 0..summary["train"]["usage"].as_array().unwrap().len() {
            let want = both(&|part| part["usage"][range].as_u64().unwrap());
            assert_eq!(usage.0[range], want, "{name}, range {range}");
        }
    }
}

#[test]
fn the_zoo_reads_the_bundled_digits() {
    for name in NETWORKS {
        let graph = network(name);
        let digits = workspace().join("models/zoo/digits.csv.gz");
        let samples = load_csv(&digits, &graph.input, default_offset(&graph.input)).unwrap();
        assert_eq!(samples.len(), 1797);
        let (right, _) = count(&graph, &samples);
        println!("{name}: {right} of 1797");
        // Far from chance; what it is exactly is the zoo's business.
        assert!(right > 1500, "{name}: {right} of 1797");
    }
}
