//! `leafgate compress`: what it writes converts, and what does not fit is refused.

use serde_json::json;

use crate::leafgate::Folder;
use crate::models::{Model, samples};

/// 8 inputs, 24 neurons with relu, 3 scores.
fn perceptron() -> Vec<u8> {
    let mut model = Model::linear(8, 24);
    let mut head = Model::linear(24, 3);
    for (name, _, _) in &mut model.tensors {
        *name = format!("fc1.{name}");
    }
    for (name, _, _) in &mut head.tensors {
        *name = format!("fc2.{name}");
    }
    model.tensors.append(&mut head.tensors);
    let graph = model.graph.as_mut().unwrap();
    graph["input"] = json!({"len": 8, "scale": 0.0625, "zero_point": 0.0, "min": 0, "max": 16});
    graph["layers"] = json!([
        {"op": "linear", "prefix": "fc1.", "activation": "relu"},
        {"op": "linear", "prefix": "fc2.", "activation": "none"},
        {"op": "argmax"},
    ]);
    model.bytes()
}

fn folder(pipeline: &str) -> Folder {
    let folder = Folder::with("m.safetensors", perceptron());
    folder.write("s.csv", samples(60));
    folder.write("p.toml", pipeline);
    folder
}

const COMPRESS: &str = "compress m.safetensors --pipeline p.toml --calib s.csv -o c.safetensors";

#[test]
fn what_a_pipeline_makes_converts() {
    let folder = folder(
        "[[pass]]\nkind = 'prune-channels'\nlayer = 'fc1'\nkeep = 16\n[[pass]]\nkind = 'moefy'\nlayer = 'fc1'\nexperts = 4\nactive = 2\n",
    );
    let report = folder.run(&format!("{COMPRESS} --format json")).json();
    assert_eq!(report["schema"], "leafgate.compress/1");
    assert_eq!(report["before"]["weights"], 24 * (8 + 3));
    assert_eq!(report["passes"][0]["after"]["weights"], 16 * (8 + 3));
    // The router, and two experts of four neurons.
    assert_eq!(report["passes"][1]["after"]["active"], f64::from(4 * 8 + 2 * 4 * (8 + 3)));
    assert_eq!(report["passes"][1]["baselines"][1]["name"], "random router");
    let text = folder.run(COMPRESS).ok();
    assert!(text.contains("pass 2   moefy (lossy): 16 neurons of `fc1` became 4 experts of 4"), "{text}");
    folder.run("convert c.safetensors -o c.leaf --calib s.csv").ok();
    assert!(folder.run("inspect c.leaf --ops").ok().contains("top 2 of 4"));
    folder.run("check c.leaf").ok();
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_written() {
    let refused = |pipeline: &str, code: &str| {
        let folder = folder(pipeline);
        let said = folder.run(COMPRESS).refused(3, code);
        assert!(!folder.names().contains(&"c.safetensors".to_owned()));
        said
    };
    let said = refused("[[pass]]\nkind = 'order'\nlayer = 'fc9'\n", "E0160");
    assert!(said.contains("pass 1 (`order`): there is no layer `fc9`; there are: fc1, fc2"), "{said}");
    refused("[[pass]]\nkind = 'moefy'\nlayer = 'fc1'\nexperts = 4\nactive = 5\n", "E0160");
    refused("[[pass]]\nkind = 'shrink'\n", "E0102");
    refused("not toml", "E0102");
    refused("", "E0102");
}
