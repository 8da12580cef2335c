//! Several seeds: the runs are those of each seed alone, and the best of them is handed out.

mod synthetic;

use leafgate_models::{Options, Recipe, Silent, train, train_seeds};

#[test]
fn every_seed_is_a_run_of_its_own() {
    let data = tempfile::tempdir().expect("a temporary folder");
    synthetic::write_data(data.path(), "train.csv", 160);
    let recipe = synthetic::recipe(4, "[model.dense]\nhidden = [3]", "");
    let runs = tempfile::tempdir().expect("a temporary folder");
    let options = Options { folder: Some(runs.path()), ..Options::default() };
    let (best, seeds) = train_seeds(&recipe, data.path(), 3, options, &mut Silent).expect("training succeeds");
    for (offset, run) in seeds.runs.iter().enumerate() {
        let recipe = Recipe { seed: 4 + offset as u64, ..recipe.clone() };
        assert_eq!(train(&recipe, data.path(), &mut Silent).expect("training succeeds").summary(), run);
        assert!(runs.path().join(format!("seed-{}/checkpoint.safetensors", recipe.seed)).is_file());
    }
    let accuracies: Vec<f64> = seeds.runs.iter().map(|run| run.validation.accuracy).collect();
    assert_eq!(best.summary().validation.accuracy, accuracies.iter().copied().fold(0.0, f64::max));
    assert!((seeds.validation.mean - accuracies.iter().sum::<f64>() / 3.0).abs() < 1e-12);
    assert_eq!(seeds.to_markdown().lines().count(), 2 + 3 + 1);
    let path = data.path().join("seeds.json");
    seeds.write(&path).expect("the folder is writable");
    let text = std::fs::read_to_string(path).expect("there");
    assert_eq!(serde_json::from_str::<leafgate_models::Seeds>(&text).expect("JSON").runs.len(), 3);
}
