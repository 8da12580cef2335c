//! What each verb says when all is well.

use std::path::Path;

use serde_json::json;

use crate::leafgate::Folder;
use crate::models::{Model, samples};

/// A folder with the small network, its samples and its image.
fn folder() -> Folder {
    let folder = Folder::with("m.safetensors", Model::fff().bytes());
    folder.write("s.csv", samples(60));
    folder.run("convert m.safetensors -o m.leaf --calib s.csv").ok();
    folder
}

/// The names of the lines of a report; lines that continue one have none.
fn line_names(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with(' ')).filter_map(|line| line.split_whitespace().next()).collect()
}

#[test]
fn convert_reports() {
    let folder = folder();
    let line = "convert m.safetensors -o m.leaf --calib s.csv --eval s.csv --board microbit";
    let report = folder.run(&format!("{line} --format json")).json();
    assert_eq!(report["schema"], "leafgate.convert/1");
    assert_eq!(report["image_bytes"], folder.read("m.leaf").len());
    let sections = report["sections"].as_array().unwrap();
    let sum: u64 = sections.iter().map(|part| part["bytes"].as_u64().unwrap()).sum();
    assert_eq!(report["image_bytes"], sum, "every byte is in a section or is padding");
    assert_eq!(report["accuracy"]["samples"], 60);
    assert_eq!(report["fit"]["board"], "microbit");
    assert_eq!(report["labels"], json!(["cat", "dog", "hen"]));
    assert_eq!(report["warnings"], json!([]));
    let names = ["image", "network", "sections", "arena", "work", "ranges", "passes", "proof", "check", "accuracy"];
    let after = ["layers", "farthest", "fits", "next"];
    assert_eq!(line_names(&folder.run(line).ok()), [names.as_slice(), &after].concat());
}

/// On a network of the zoo, on the digits that the repository has.
#[test]
fn convert_compares_every_layer_with_the_float_network() {
    let folder = Folder::new();
    let zoo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/zoo");
    folder.write("m.safetensors", std::fs::read(zoo.join("digits-fff/weights.safetensors")).unwrap());
    folder.write("s.csv.gz", std::fs::read(zoo.join("digits.csv.gz")).unwrap());
    let line = "convert m.safetensors -o m.leaf --calib s.csv.gz";
    let report = folder.run(&format!("{line} --format json")).json();
    let accuracy = &report["accuracy"];
    assert_eq!((&accuracy["on"], &accuracy["samples"]), (&json!("calibration"), &json!(1797)));
    let [float, integer] = ["float", "integer"].map(|key| accuracy[key].as_f64().unwrap());
    assert!(float > 0.95 && (float - integer).abs() < 0.005, "{float} {integer}");
    let layer = &accuracy["layer_errors"]["layers"][0];
    assert_eq!(
        (&accuracy["weakest_layer"], &layer["layer"], &layer["outputs"]),
        (&json!("fff"), &json!("fff"), &json!(10_000))
    );
    assert_eq!(accuracy["layer_errors"]["samples"], 1000);
    let snr = layer["own_snr_db"].as_f64().unwrap();
    assert!((15.0..60.0).contains(&snr), "{snr}");
    let largest = accuracy["largest"].as_array().unwrap();
    let magnitude = |i: usize| (largest[i]["float"].as_f64().unwrap() - largest[i]["image"].as_f64().unwrap()).abs();
    assert!(largest.len() == 3 && magnitude(0) >= magnitude(1) && magnitude(1) >= magnitude(2) && magnitude(2) > 0.0);
    let run = folder.run("run m.leaf --input s.csv.gz --format json").json();
    assert_eq!(run["accuracy"], accuracy["integer"]);
    for difference in largest {
        let ran = &run["samples"][difference["sample"].as_u64().unwrap() as usize];
        let score = ran["scores"][difference["output"].as_u64().unwrap() as usize].as_f64().unwrap();
        assert!((score - difference["image"].as_f64().unwrap()).abs() < 1e-9);
        assert_eq!((&ran["class"], &ran["wanted"]), (&difference["image_class"], &difference["label"]));
    }
    let text = folder.run(line).ok();
    for wanted in [
        "on 1,797 calibration samples; same class on".to_owned(),
        "signal to noise on 1,000 samples".to_owned(),
        format!("`fff` loses most: {snr:.1} dB alone"),
        format!("farthest  sample {} of class", largest[0]["sample"]),
    ] {
        assert!(text.contains(&wanted), "{wanted}\n{text}");
    }
    // Samples without classes say nothing of accuracy.
    folder.write("u.csv", "0,".repeat(63) + "0\n");
    assert_eq!(
        folder.run("convert m.safetensors -o m.leaf --calib u.csv --format json").json()["accuracy"],
        json!(null)
    );
    folder.run("convert m.safetensors -o m.leaf --calib u.csv --eval u.csv").refused(3, "E0307");
}

#[test]
fn convert_lays_matrices_out_for_the_kernels_of_a_core() {
    let folder = Folder::with("m.safetensors", Model::linear(30, 5).bytes());
    let kernels = |options: &str| {
        let report = folder.run(&format!("convert m.safetensors -o m.leaf {options} --format json")).json();
        (report["kernels"]["family"].clone(), report["kernels"]["packed"].clone())
    };
    assert_eq!(kernels(""), (json!("portable"), json!(0)));
    let plain = folder.read("m.leaf");
    assert_eq!(kernels("--board microbit"), (json!("swar"), json!(0)));
    assert_eq!(plain, folder.read("m.leaf"), "what is not packed is what it always was");
    assert_eq!(kernels("--board mps2-an386"), (json!("dsp"), json!(1)));
    let packed = folder.read("m.leaf");
    assert_eq!(kernels("--kernels dsp"), (json!("dsp"), json!(1)));
    assert_eq!(packed, folder.read("m.leaf"));
    assert_ne!(plain, packed);
    assert_eq!(kernels("--board mps2-an386 --kernels portable"), (json!("portable"), json!(0)));
    assert_eq!(plain, folder.read("m.leaf"));
}

#[test]
fn convert_says_which_matrices_cannot_be_packed() {
    let folder = Folder::with("m.safetensors", Model::linear(2000, 3).bytes());
    let report = folder.run("convert m.safetensors -o m.leaf --kernels dsp --format json").json();
    assert_eq!(report["kernels"]["packed"], json!(0));
    let why = report["kernels"]["plain"][0].as_str().unwrap();
    assert!(why.contains("3 rows are out of range: row 0, its sum may reach"), "{why}");
    let ran = folder.run("convert m.safetensors -o m.leaf --kernels dsp").ok();
    assert!(ran.contains("dsp: 0 of 1 matrices of dense layers are packed"), "{ran}");
}

#[test]
fn convert_stores_weights_in_few_bits() {
    let folder = Folder::with("m.safetensors", Model::linear(200, 5).bytes());
    let convert = |options: &str| {
        let line = format!("convert m.safetensors -o m.leaf {options}");
        (folder.run(&format!("{line} --format json")).json(), folder.run(&line).ok())
    };
    let (plain, text) = convert("--weights w8");
    assert_eq!((&plain["weights"][0]["format"], text.contains("w8")), (&json!("w8"), false), "{text}");
    let mut bytes = plain["image_bytes"].as_u64().unwrap();
    for (options, format, packing) in [
        ("--weights w4g32 --board microbit", "w4g32", 2),
        ("--weights w4", "w4", 1),
        ("--weights w8,linear_0=t2 --kernels mve", "t2", 3),
    ] {
        let (report, text) = convert(options);
        assert_eq!(
            (&report["weights"][0]["layer"], &report["weights"][0]["format"]),
            (&json!("linear_0"), &json!(format))
        );
        let [error, rms] = ["rms_error", "rms"].map(|key| report["weights"][0][key].as_f64().unwrap());
        assert!(error > 0.0 && error < rms && text.contains(&format!("1 in {format} of 1 dense layers")), "{text}");
        let smaller = report["image_bytes"].as_u64().unwrap();
        assert!(smaller < bytes, "{format}: {smaller} of {bytes}");
        bytes = smaller;
        assert_eq!(folder.read("m.leaf")[20], packing, "{format}");
        folder.run("check m.leaf").ok();
        assert!(folder.run("inspect m.leaf --ops").ok().contains(&format!("dense, {}", &format[..2])));
    }
}

#[test]
fn convert_refuses_weights_that_it_does_not_know() {
    let folder = Folder::with("m.safetensors", Model::linear(20, 5).bytes());
    let ran = folder.run("convert m.safetensors -o m.leaf --weights w4,fc=t2");
    assert!(
        ran.stderr.contains("layer is `fc`, wanted linear_0") && ran.stderr.contains("LAYER=FORMAT"),
        "{}",
        ran.stderr
    );
    let ran = folder.run("convert m.safetensors -o m.leaf --weights w3");
    assert!(ran.stderr.contains("wanted one of: w8, w4, w4g32, t2, t2g32"), "{}", ran.stderr);
}

#[test]
fn convert_warns_where_it_has_no_samples() {
    let folder = folder();
    let ran = folder.run("convert m.safetensors -o m.leaf");
    assert!(ran.stderr.contains("ACCURACY MAY SUFFER"), "{}", ran.stderr);
    let report = folder.run("convert m.safetensors -o m.leaf --format json");
    assert_eq!(report.stderr, "");
    let report = report.json();
    assert_eq!(report["calibration"]["source"], "random");
    assert_eq!(report["warnings"].as_array().unwrap().len(), 1);
}

#[test]
fn convert_says_what_it_assumes_of_a_state_dict() {
    let folder = Folder::with("m.safetensors", Model::state_dict().bytes());
    let ran = folder.run("convert m.safetensors -o m.leaf");
    assert!(ran.stderr.contains("taken to be relu"), "{}", ran.stderr);
    let options = "--activation gelu --input-scale 0.0625 --input-zero-point 0 --input-min 0 --input-max 16";
    let told =
        folder.run(&format!("convert m.safetensors -o m.leaf --name told --labels a,b,c {options} --format json"));
    let told = told.json();
    assert_eq!((&told["name"], &told["assumptions"]), (&json!("told"), &json!([])));
    let inspected = folder.run("inspect m.leaf --format json").json();
    assert_eq!((&inspected["input"]["min"], &inspected["input"]["max"]), (&json!(0), &json!(16)));
    assert_eq!(inspected["labels"], json!(["a", "b", "c"]));
}

#[test]
fn convert_takes_its_figures_from_the_command_line() {
    let folder = folder();
    folder.run("convert m.safetensors -o m.leaf --calib s.csv --golden 3 --model-version 7 --relu-skip always").ok();
    let inspected = folder.run("inspect m.leaf --format json").json();
    assert_eq!((&inspected["golden_vectors"], &inspected["model_version"]), (&json!(3), &json!(7)));
    folder.run("convert m.safetensors -o other.leaf --calib s.csv --golden 3 --seed 2").ok();
    assert_ne!(folder.read("m.leaf"), folder.read("other.leaf"));
}

#[test]
fn check_compares_golden_vectors_random_inputs_and_samples() {
    let folder = folder();
    let report = folder.run("check m.leaf --samples s.csv --random 10 --board microbit --format json").json();
    assert_eq!(report["schema"], "leafgate.check/1");
    let check = &report["check"];
    assert_eq!(
        (&check["golden_vectors"], &check["random_inputs"], &check["samples"]),
        (&json!(8), &json!(10), &json!(60))
    );
    assert_eq!(line_names(&folder.run("check m.leaf --samples s.csv").ok()), ["image", "proof", "check"]);
}

#[test]
fn inspect_accounts_for_all_work_and_every_byte() {
    let folder = folder();
    for model in [Model::fff(), Model::linear(20, 5)] {
        folder.write("m.safetensors", model.bytes());
        folder.run("convert m.safetensors -o i.leaf -q").ok();
        let report = folder.run("inspect i.leaf --format json").json();
        let sum = |field: &str| -> u64 {
            report["ops"].as_array().unwrap().iter().map(|op| op[field].as_u64().unwrap()).sum()
        };
        assert_eq!(report["worst_macs"], sum("macs"));
        assert_eq!(report["worst_gates"], sum("gates"));
        assert_eq!(report["worst_steps"], sum("steps"));
        let constants = report["sections"].as_array().unwrap().iter().find(|part| part["name"] == "constants").unwrap();
        let padding = report["constants_padding_bytes"].as_u64().unwrap();
        assert_eq!(constants["bytes"], sum("constant_bytes") + padding, "no array is shared between these ops");
    }
    let text = folder.run("inspect m.leaf --ops --tensors --ranges").ok();
    for wanted in [
        "1 tree, depth 2, leaf",
        "argmax",
        "8 -> 3",
        "relu by clamp, 4 ranges",
        "\ntensors; ",
        "\nranges\n",
        "cat, dog, hen",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}

#[test]
fn run_classifies() {
    let folder = Folder::with("m.safetensors", Model::identity(4).bytes());
    folder.run("convert m.safetensors -o m.leaf -q --labels n,e,s,w").ok();
    // Raw values are pixels here: 128 is the byte 0.
    let report = folder.run("run m.leaf --value 0,255,128,128 --format json").json();
    assert_eq!(report["samples"][0]["label"], "e");
    let report = folder.run("run m.leaf --value=-128,0,0,127 --offset 0 --format json").json();
    assert_eq!(report["samples"][0]["class"], 3);
    folder.write("s.csv", "255,0,0,0,0\n0,255,0,0,1\n0,0,255,0,0\n");
    let report = folder.run("run m.leaf --input s.csv --format json").json();
    assert_eq!((&report["correct"], report["samples"].as_array().unwrap().len()), (&json!(2), 3));
    let limited = folder.run("run m.leaf --input s.csv --limit 2").ok();
    insta::assert_snapshot!("run", limited);
}

#[test]
fn boards_are_listed() {
    let folder = Folder::new();
    let report = folder.run("boards --format json").json();
    assert_eq!(report["schema"], "leafgate.boards/1");
    assert!(report["boards"].as_array().unwrap().iter().any(|board| board["name"] == "microbit"));
    assert!(folder.run("boards").ok().lines().count() > 8);
    assert!(folder.run("boards microbit").ok().contains("Cortex-M0"));
    folder.run("boards nonsense").refused(2, "E0002");
}

#[test]
fn every_shell_has_completions_and_every_verb_examples() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(folder.run(&format!("completions {shell}")).ok().contains("leafgate"));
    }
    for verb in ["", "train", "convert", "check", "inspect", "run", "emulate", "boards", "completions"] {
        for help in ["-h", "--help"] {
            let text = folder.run(&format!("{verb} {help}")).ok();
            assert!(text.contains("Examples:\n  leafgate "), "{verb}: {text}");
        }
    }
    assert!(folder.run("--help").ok().contains("70  a defect of leafgate"));
    assert_eq!(folder.run("--version").ok(), format!("leafgate {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(folder.run("").code, 2);
}

#[cfg(not(feature = "train"))]
#[test]
fn train_says_how_to_get_it() {
    let folder = Folder::with("recipe.toml", "");
    let stderr = folder.run("train recipe.toml -o w.safetensors").refused(2, "E0003");
    assert!(stderr.contains("--features train"), "{stderr}");
    assert_eq!(folder.names(), ["recipe.toml"]);
}

/// From a recipe to a checked image.
#[cfg(feature = "train")]
#[test]
fn train_convert_check() {
    const RECIPE: &str = r#"
        name = "small"
        seed = 1
        labels = ["cat", "dog", "hen"]
        data = { train = "s.csv", test = "s.csv", features = 8, validation = 0.25 }
        input = { scale = 0.0625, zero_point = 0.0, min = 0, max = 16 }
        model.fff = { depth = 2, leaf = 4, master = 2 }
        optimiser = { batch = 16, beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8, weight_decay = 0.05 }
        [[phase]]
        name = "only"
        epochs = 3
        lr = { start = 5e-3, end = 2e-3 }
        label_smoothing = 0.0
        hardening = 0.1
        balance = 1.0
        always = 0.3
        hard = false
        keep_best = true
    "#;
    let folder = Folder::with("recipe.toml", RECIPE);
    folder.write("s.csv", samples(200));
    for weights in ["a.safetensors", "b.safetensors"] {
        let report = folder.run(&format!("train recipe.toml -o {weights} --data . --format json")).json();
        assert_eq!(report["schema"], "leafgate.train/1");
    }
    assert_eq!(folder.read("a.safetensors"), folder.read("b.safetensors"));
    folder.run("convert a.safetensors -o m.leaf --calib s.csv").ok();
    folder.run("check m.leaf --samples s.csv").ok();
    // A finished run is resumed to the same bytes; one of another recipe is not resumed.
    for flags in ["", "--resume"] {
        folder.run(&format!("train recipe.toml -o a.safetensors --data . --run kept {flags}")).ok();
        assert_eq!(folder.read("a.safetensors"), folder.read("b.safetensors"));
    }
    folder.write("other.toml", RECIPE.replace("seed = 1", "seed = 2"));
    folder.run("train other.toml -o c.safetensors --data . --run kept --resume").refused(3, "E0320");
    std::fs::remove_file(folder.path("other.toml")).unwrap();
    std::fs::remove_dir_all(folder.path("kept")).unwrap();
    let seeds = "--seeds 2 --table t.json --samples calib.csv --format json";
    let report = folder.run(&format!("train recipe.toml -o a.safetensors --data . {seeds}")).json();
    assert_eq!(report["seeds"]["runs"].as_array().map(Vec::len), Some(2));
    for name in ["t.json", "calib.csv"] {
        std::fs::remove_file(folder.path(name)).unwrap();
    }
    folder.run("train recipe.toml -o c.safetensors --data nowhere").refused(3, "E0101");
    folder.run("train s.csv -o c.safetensors").refused(3, "E0102");
    folder.run("train recipe.toml -o recipe.toml").refused(2, "E0403");
    assert_eq!(folder.names(), ["a.safetensors", "b.safetensors", "m.leaf", "recipe.toml", "s.csv"]);
}

#[test]
fn emulate_refuses_what_cannot_run() {
    let folder = folder();
    folder.run("emulate m.leaf --machine nonsense").refused(2, "E0002");
    folder.run("emulate m.leaf --elf nowhere --machine virt").refused(3, "E0603");
    folder.run("emulate m.leaf --elf s.csv").refused(3, "E0604");
    folder.write("big.safetensors", Model::linear(300, 256).bytes());
    folder.run("convert big.safetensors -o big.leaf -q").ok();
    folder.run("emulate big.leaf --machine microbit").refused(4, "E0501");
    folder.write("many.csv", samples(20000));
    let stderr = folder.run("emulate m.leaf --machine microbit --samples many.csv").refused(4, "E0502");
    assert!(stderr.contains("--limit 16382"), "{stderr}");
}

/// Boots QEMU, and builds the firmware first.
#[test]
fn emulate_agrees_with_the_host() {
    let folder = folder();
    let report = folder.run("emulate m.leaf --machine microbit --samples s.csv --limit 20 --format json").json();
    let machine = &report["machines"][0];
    assert_eq!((&machine["bit_exact"], &machine["samples"]), (&json!(true), &json!(20)));
    assert!(machine["insns"]["min"].as_u64().unwrap() > 0);
    let text = |what: &str| machine[what].as_u64().unwrap();
    assert!((1..text("text_bytes")).contains(&text("runtime_text_bytes")), "{machine}");
    folder.run("emulate m.leaf --machine microbit --limit 2").ok();
    let report = folder.run("emulate m.leaf --machine microbit --limit 0 --format json").json();
    assert_eq!(report["machines"][0]["bit_exact"], json!(null), "no claim about nothing");
    let ran = folder.command("emulate m.leaf --machine microbit").env("PATH", "").output().unwrap();
    assert_eq!(ran.status.code(), Some(6), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn emulate_says_where_the_instructions_go() {
    let folder = folder();
    let run = "emulate m.leaf --machine virt --samples s.csv --limit 5 --profile";
    let report = folder.run(&format!("{run} --format json")).json();
    let machine = &report["machines"][0];
    let profile = &machine["profile"];
    let insns = profile["insns"].as_u64().unwrap();
    let sum = |list: &str| -> u64 {
        profile[list].as_array().unwrap().iter().map(|row| row["insns"].as_u64().unwrap()).sum()
    };
    assert_eq!((&profile["runs"], sum("functions")), (&json!(5), insns));
    assert_eq!(sum("ops") + profile["outside_ops_insns"].as_u64().unwrap(), insns);
    let inspected = folder.run("inspect m.leaf --format json").json();
    let field = |ops: &serde_json::Value, field: &str| -> Vec<_> {
        ops.as_array().unwrap().iter().map(|op| op[field].clone()).collect()
    };
    for name in ["index", "op", "kind", "shapes"] {
        assert_eq!(field(&profile["ops"], name), field(&inspected["ops"], name));
    }
    let mean = profile["insns_per_run"].as_f64().unwrap();
    assert!((machine["insns"]["mean"].as_f64().unwrap() - mean).abs() <= 2.0, "{machine:#}");

    let text = folder.run(run).ok();
    assert!(text.contains("leafgate::session::Session::execute"), "{text}");
    assert_eq!(text.matches("100.00 %").count(), 2, "{text}");
    folder.run("emulate m.leaf --machine virt --limit 0 --profile").refused(2, "E0001");
}

#[test]
fn convert_writes_a_module_instead_of_an_image() {
    let folder = folder();
    let line = "convert m.safetensors -o m.rs --emit rust --calib s.csv --board microbit";
    let report = folder.run(&format!("{line} --format json")).json();
    let source = String::from_utf8(folder.read("m.rs")).unwrap();
    assert_eq!((&report["image"], &report["module"]), (&json!(null), &json!("m.rs")));
    assert_eq!((&report["source_bytes"], &report["measured"]), (&json!(source.len()), &json!(null)));
    assert!(source.contains("pub fn run<'s>(state: &'s mut State, input: &Input) -> Output<'s> {"), "{source}");
    assert!(line_names(&folder.run(line).ok()).contains(&"compiled"));
    // The same network from its image; where it comes from is the same.
    folder.run("convert m.safetensors -o portable.leaf --calib s.csv").ok();
    let report = folder.run("emit portable.leaf -o same.rs --board microbit --format json").json();
    assert_eq!(report["schema"], "leafgate.emit/1");
    assert_eq!(folder.read("same.rs"), folder.read("m.rs"));
}

#[test]
fn only_modules_are_measured() {
    let folder = folder();
    folder.run("convert m.safetensors -o n.leaf --calib s.csv --board microbit --measure").refused(2, "E0001");
    assert!(!folder.path("n.leaf").exists());
}

#[test]
fn inspect_predicts_the_instructions_of_a_run_on_every_board() {
    let folder = folder();
    let report = folder.run("inspect m.leaf --samples s.csv --limit 20 --format json").json();
    assert_eq!((&report["averaged_over"], &report["inputs"]), (&json!("samples"), &json!(20)));
    let boards = report["predictions"].as_array().unwrap();
    assert_eq!(boards.len(), leafgate_emulate::machines().len());
    for board in boards {
        let Some(run) = board.get("run") else {
            assert!(board["why"].as_str().is_some_and(|why| !why.is_empty()), "{board}");
            continue;
        };
        let of = |figure: &str| run[figure].as_u64().unwrap();
        let (least, mean, most) = (of("min_insns"), of("mean_insns"), of("max_insns"));
        assert!(0 < least && least <= mean && mean <= most, "{board}");
        let ops = board["ops"].as_array().unwrap();
        assert_eq!(ops.len(), report["ops"].as_array().unwrap().len());
        let sum: u64 = ops.iter().map(|op| op["max_insns"].as_u64().unwrap()).sum();
        assert!(sum <= most + ops.len() as u64, "{board}");
    }
    let text = folder.run("inspect m.leaf --ops").ok();
    assert!(
        text.contains("averaged over 8 golden vectors") && text.contains("instructions of the ops by core"),
        "{text}"
    );
}

#[test]
fn convert_refuses_what_may_take_more_instructions_than_the_limit() {
    let folder = Folder::with("m.safetensors", Model::linear(64, 40).bytes());
    let report =
        folder.run("convert m.safetensors -o m.leaf --board mps2-an386 --max-instructions 1000000 --format json");
    let fit = &report.json()["fit"];
    assert_eq!(fit["instruction_limit"], json!(1_000_000));
    let most = fit["max_insns"].as_u64().unwrap();
    let line = |limit: u64| format!("convert m.safetensors -o n.leaf --board mps2-an386 --max-instructions {limit}");
    folder.run(&line(most)).ok();
    std::fs::remove_file(folder.path("n.leaf")).unwrap();
    let stderr = folder.run(&line(most - 1)).refused(4, "E0501");
    for words in ["-> 1 over", "LINEAR", "multiply-accumulates of op", "run: op"] {
        assert!(stderr.contains(words), "{words}: {stderr}");
    }
    assert!(!folder.names().contains(&"n.leaf".to_owned()), "nothing is written");
    assert_eq!(folder.run("convert m.safetensors -o n.leaf --max-instructions 5").code, 2);
}
