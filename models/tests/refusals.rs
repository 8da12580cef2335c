//! What cannot be trained is refused with a message that says what, where and what to do.

mod synthetic;

use std::path::Path;

use leafgate_models::{Recipe, Silent, train};

const FFF: &str = "[model.fff]\ndepth = 1\nleaf = 2\nmaster = 0";

/// The message of training on `data` (the text of the training file, or none).
fn refusal(data: Option<&str>) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    if let Some(text) = data {
        std::fs::write(folder.path().join("train.csv"), text).expect("the folder is writable");
    }
    let error = train(&synthetic::recipe(1, FFF, ""), folder.path(), &mut Silent).expect_err("must be refused");
    error.to_string().replace(&folder.path().display().to_string(), "DATA")
}

fn row(value: &str, label: &str) -> String {
    format!("{},{value},{label}\n", vec!["0"; 31].join(","))
}

#[test]
fn missing_data_says_what_to_fetch() {
    let message = refusal(None);
    assert!(message.starts_with("no data file DATA/train.csv: fetch the data set"), "{message}");
    assert!(message.contains("LEAFGATE_DATA"), "{message}");
}

#[test]
fn a_wrong_number_of_columns_names_the_row() {
    assert_eq!(
        refusal(Some(&format!("{}1,2,3\n", row("1", "0")))),
        "DATA/train.csv, row 2: 3 columns, but `data.features` and the label make 33"
    );
}

#[test]
fn a_feature_out_of_range_names_its_place() {
    for value in ["17", "-1", "300", "x", "1.5"] {
        assert_eq!(
            refusal(Some(&row(value, "0"))),
            format!(
                "DATA/train.csv, row 1, column 32: `{value}` is no integer of 0..=16, the range that `input` states"
            )
        );
    }
}

#[test]
fn a_label_out_of_range_names_the_classes() {
    for label in ["2", "-1", "left"] {
        assert_eq!(
            refusal(Some(&row("1", label))),
            format!("DATA/train.csv, row 1: label `{label}` is no class of 0..2; `labels` in the recipe names 2")
        );
    }
}

#[test]
fn too_few_rows_say_how_many_are_needed() {
    let message = refusal(Some(&row("1", "0")));
    assert!(message.contains("1 rows are too few") && message.contains("at least 5"), "{message}");
}

#[test]
fn a_diverging_run_names_phase_epoch_and_batch() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    synthetic::write_data(folder.path(), "train.csv", 160);
    let mut recipe = synthetic::recipe(1, FFF, "");
    recipe.phases[0].lr.start = 1e30;
    let message = train(&recipe, folder.path(), &mut Silent).expect_err("must be refused").to_string();
    assert!(message.contains("in phase `soft`, epoch 1, batch "), "{message}");
    assert!(message.contains("lower that phase's `lr`"), "{message}");
}

/// The message of parsing the FFF digits recipe with `from` replaced by `to`.
fn recipe_refusal(name: &str, from: &str, to: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("zoo").join(name).join("recipe.toml");
    let text = std::fs::read_to_string(path).expect("the recipe is there");
    assert!(text.contains(from), "{name} has no `{from}`");
    Recipe::parse(&text.replacen(from, to, 1), Path::new("recipe.toml")).expect_err("must be refused").to_string()
}

#[test]
fn an_unknown_key_is_refused_at_every_level() {
    for (from, to) in [
        ("seed =", "sed = 1\nseed ="),
        ("validation =", "validatoin = 0.1\nvalidation ="),
        ("scale =", "scael = 1.0\nscale ="),
        ("height =", "hieght = 8\nheight ="),
        ("depth =", "dephts = 3\ndepth ="),
        ("batch =", "bacth = 64\nbatch ="),
        ("epochs =", "epohcs = 1\nepochs ="),
        ("start =", "strat = 1.0, start ="),
        ("[model.fff]", "[model.fffff]"),
    ] {
        let message = recipe_refusal("digits-fff", from, to);
        assert!(message.contains("unknown") && message.contains("line"), "{message}");
    }
}

#[test]
fn a_contradiction_names_the_key_and_what_it_must_be() {
    for (name, from, to, want) in [
        ("digits-fff", "depth = 3", "depth = 13", "recipe: `model.fff.depth` is 13, but must be at most 12"),
        ("digits-moe", "top_k = 2", "top_k = 9", "recipe: `model.moe.top_k` is 9, but must be 1 to `experts`"),
        (
            "digits-moe",
            "balance =",
            "hardening = 1.0\nbalance =",
            "recipe: `phase.hardening` is 1, but must be absent: this architecture has no such loss",
        ),
        (
            "digits-fff",
            "keep_best = true",
            "gumbel = true",
            "recipe: `phase.gumbel` is true, but must be absent: only gates are picked with noise",
        ),
        (
            "digits-gates",
            "local_width = 8",
            "local_width = 7",
            "recipe: `model.gates.local_width` is 7, but must be 2 to 32, and a divisor of `data.features`",
        ),
        (
            "digits-gates",
            "local_width = 8",
            "wiring = \"random\"\ncandidates = 65",
            "recipe: `model.gates.candidates` is 65, but must be 1 to 64",
        ),
        (
            "digits-fff",
            "height = 8",
            "height = 9",
            "recipe: `augment.height` is 9 x 8, but must be such that height * width is `data.features`, 64",
        ),
        (
            "digits-fff",
            "validation = 0.1",
            "validation = 1.0",
            "recipe: `data.validation` is 1, but must be above 0 and below 1",
        ),
    ] {
        assert_eq!(recipe_refusal(name, from, to), want);
    }
}

#[test]
fn a_file_that_cannot_be_written_leaves_the_old_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    synthetic::write_data(folder.path(), "train.csv", 160);
    let trained = train(&synthetic::recipe(1, FFF, ""), folder.path(), &mut Silent).expect("training succeeds");
    // A folder stands where the file should go: the rename fails, and nothing is left behind.
    let taken = folder.path().join("taken");
    std::fs::create_dir_all(taken.join("inside")).expect("the folder is writable");
    let message = trained.write(&taken).expect_err("must be refused").to_string();
    assert!(message.starts_with("cannot write "), "{message}");
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).expect("readable").map(|e| e.expect("readable").file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}
