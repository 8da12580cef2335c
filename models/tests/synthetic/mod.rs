//! A small data set made up on the spot, and recipes that train on it in a second.

use std::fmt::Write;
use std::path::Path;

use leafgate_models::Recipe;

/// Writes `rows` rows of 32 values 0..=16 with one of two classes: which half of the row is brighter.
#[allow(dead_code, reason = "not every test that includes this module needs rows of text")]
pub fn write_data(folder: &Path, name: &str, rows: usize) {
    let mut state = 1u32;
    let mut draw = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    let mut text = String::new();
    for row in 0..rows {
        let class = row % 2;
        for feature in 0..32 {
            let bright = (feature < 16) == (class == 0);
            let value = draw(12) + if bright { 5 } else { 0 };
            write!(text, "{value},").expect("a string takes any text");
        }
        writeln!(text, "{class}").expect("a string takes any text");
    }
    std::fs::write(folder.join(name), text).expect("the folder is writable");
}

/// A recipe of seed `seed` for the architecture `model` (a TOML table) and with `losses` in its phases.
pub fn recipe(seed: u64, model: &str, losses: &str) -> Recipe {
    let text = format!(
        r#"
        name = "halves"
        seed = {seed}
        labels = ["left", "right"]
        [data]
        train = "train.csv"
        test = "test.csv"
        features = 32
        validation = 0.25
        [input]
        scale = 0.0625
        zero_point = 0.0
        min = 0
        max = 16
        [augment]
        height = 4
        width = 8
        shift_pixels = 0.3
        rotate_degrees = 5.0
        stretch = 0.1
        shear = 0.1
        share = 0.5
        {model}
        [optimiser]
        batch = 16
        beta_1 = 0.9
        beta_2 = 0.999
        epsilon = 1e-8
        weight_decay = 0.01
        [[phase]]
        name = "soft"
        epochs = 5
        lr = {{ start = 2e-2, end = 1e-2 }}
        {losses}
        [[phase]]
        name = "hard"
        epochs = 3
        lr = {{ start = 1e-2, end = 0.0 }}
        label_smoothing = 0.05
        hard = true
        keep_best = true
        "#
    );
    Recipe::parse(&text, Path::new("halves.toml")).expect("the recipe is valid")
}

/// One recipe per architecture.
#[allow(dead_code, reason = "not every test that includes this module needs all architectures")]
pub fn recipes(seed: u64) -> [Recipe; 7] {
    let gates = |thresholds: &str, form: &str, wiring: &str| {
        format!(
            "[model.gates]\nthresholds = {thresholds}\nlayers = [128, 64]\ntau = 2.0\ngate = \"{form}\"\nresidual = 2.0\n\
             noise = 1.0\n{wiring}"
        )
    };
    let quantiles = "{ quantile = 2 }";
    [
        recipe(seed, "[model.fff]\ndepth = 2\nleaf = 3\nmaster = 2", "hardening = 0.1\nbalance = 1.0"),
        recipe(seed, "[model.moe]\nexperts = 4\ntop_k = 2\nhidden = 3\nshared = 2", "balance = 0.1"),
        recipe(seed, "[model.dense]\nhidden = [4]", ""),
        recipe(seed, &gates("[4.5, 8.5]", "table", "local_width = 8"), ""),
        recipe(seed, &gates("{ uniform = 2 }", "softmax", "align_width = 8\ncandidates = 3"), ""),
        recipe(seed, &gates(quantiles, "table", "wiring = \"random\"\ncandidates = 2"), ""),
        recipe(seed, &gates(quantiles, "softmax", "wiring = \"unique\""), ""),
    ]
}
