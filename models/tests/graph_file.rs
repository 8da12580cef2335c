//! What the trainer claims about a network holds for the file it writes, evaluated by other code.

mod evaluator;
mod synthetic;

use std::path::Path;

use evaluator::Graph;
use leafgate_models::data::{Rows, Split, folder};
use leafgate_models::{Evaluation, Options, Recipe, Silent, Summary, train_with};

/// Compares what `claimed` says with the file's answers on `rows`. The orders of summation differ, so a score on the
/// edge of another may fall to the other side: one row in a thousand is allowed for.
fn compare(graph: &Graph, rows: &Rows, claimed: &Evaluation, what: &str) {
    let (mut correct, mut usage) = (0, vec![0usize; claimed.usage.len()]);
    for row in 0..rows.len() {
        let answer = graph.classify(rows.features(row));
        correct += usize::from(answer.class == rows.label(row));
        answer.ran.iter().for_each(|&part| usage[part] += 1);
    }
    let slack = 1 + rows.len() / 1000;
    assert_eq!(claimed.rows, rows.len(), "{what}");
    assert!(correct.abs_diff(claimed.correct) <= slack, "{what}: {correct} correct, claimed {}", claimed.correct);
    for (part, (have, claimed)) in usage.iter().zip(&claimed.usage).enumerate() {
        assert!(have.abs_diff(*claimed) <= slack, "{what}: part {part} ran {have} times, claimed {claimed}");
    }
}

#[test]
fn a_fresh_file_evaluates_as_its_summary_says() {
    let place = tempfile::tempdir().expect("a temporary folder");
    synthetic::write_data(place.path(), "train.csv", 400);
    synthetic::write_data(place.path(), "test.csv", 100);
    for recipe in synthetic::recipes(3) {
        let options = Options { test: true, ..Options::default() };
        let trained = train_with(&recipe, place.path(), options, &mut Silent).expect("training succeeds");
        let path = place.path().join("weights.safetensors");
        trained.write(&path).expect("the folder is writable");
        let (graph, summary) = (Graph::read(&path), trained.summary());
        let split = Split::read(place.path(), &recipe).expect("the data is there");
        let test = Rows::read_test(place.path(), &recipe).expect("the data is there");
        compare(&graph, &split.train, &summary.train, "train");
        compare(&graph, &split.validation, &summary.validation, "validation");
        compare(&graph, &test, summary.test.as_ref().expect("a test was asked for"), "test");
        // Chance is one half; so few gates on so few epochs do not get everything.
        assert!(summary.validation.accuracy > 0.8, "{:?} learned nothing: {:?}", recipe.model, summary.validation);
    }
}

#[test]
fn the_zoo_evaluates_as_its_summaries_say() {
    let zoo = Path::new(env!("CARGO_MANIFEST_DIR")).join("zoo");
    for name in ["digits-fff", "digits-gates", "digits-moe"] {
        let place = zoo.join(name);
        let recipe = Recipe::read(&place.join("recipe.toml")).expect("the recipe is valid");
        let text = std::fs::read_to_string(place.join("summary.json")).expect("the summary is there");
        let summary: Summary = serde_json::from_str(&text).expect("the summary is as this crate writes it");
        let graph = Graph::read(&place.join("weights.safetensors"));
        assert_eq!(graph.description["name"], name);
        assert_eq!((recipe.name.as_str(), summary.name.as_str(), summary.seed), (name, name, recipe.seed));
        let data = folder(None);
        if !data.join(&recipe.data.train).is_file() {
            eprintln!("skipped: no {} under {}; set LEAFGATE_DATA", recipe.data.train.display(), data.display());
            continue;
        }
        let split = Split::read(&data, &recipe).expect("the data is as the recipe says");
        let test = Rows::read_test(&data, &recipe).expect("the data is as the recipe says");
        compare(&graph, &split.train, &summary.train, name);
        compare(&graph, &split.validation, &summary.validation, name);
        let claimed = summary.test.as_ref().expect("the zoo's networks are tested");
        compare(&graph, &test, claimed, name);
        let reached = if name == "digits-gates" { 0.94 } else { 0.96 };
        assert!(claimed.accuracy >= reached, "{name}: {} on the test rows", claimed.accuracy);
        for evaluation in [&summary.train, claimed] {
            assert!(evaluation.usage.iter().all(|&rows| rows > 0), "{name}: unused parts: {:?}", evaluation.usage);
        }
    }
}
