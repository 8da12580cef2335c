//! Every class of error: its text, its codes, and that it leaves no file behind.

use serde_json::json;

use crate::leafgate::Folder;
use crate::models::{Model, samples};

/// Converts a model that is refused; no image may be there afterwards.
#[track_caller]
fn refused(model: &Model, flags: &str, exit: i32, code: &str) -> String {
    let folder = Folder::with("m.safetensors", model.bytes());
    let stderr = folder.run(&format!("convert m.safetensors -o m.leaf -q {flags}")).refused(exit, code);
    assert_eq!(folder.names(), ["m.safetensors"]);
    stderr.lines().filter(|line| !line.starts_with("warning: no samples")).map(|line| line.to_owned() + "\n").collect()
}

#[test]
fn missing_tensor() {
    insta::assert_snapshot!(refused(&Model::fff().without("fff.b2s"), "", 3, "E0103"));
}

#[test]
fn extra_tensor() {
    insta::assert_snapshot!(refused(&Model::fff().with("fff.w3s", &[2]), "", 3, "E0104"));
}

#[test]
fn wrong_shape() {
    insta::assert_snapshot!(refused(&Model::fff().without("fff.b1s").with("fff.b1s", &[4, 3]), "", 3, "E0105"));
}

#[test]
fn not_a_number() {
    insta::assert_snapshot!(refused(&Model::fff().poisoned("fff.w1s", f32::NAN), "", 3, "E0106"));
}

#[test]
fn unknown_activation() {
    let mut model = Model::fff();
    model.graph.as_mut().unwrap()["layers"][0]["activation"] = json!("swish");
    insta::assert_snapshot!(refused(&model, "", 3, "E0107"));
}

#[test]
fn option_that_the_file_answers() {
    insta::assert_snapshot!(refused(&Model::fff(), "--activation gelu", 3, "E0108"));
}

#[test]
fn wrong_number_of_labels() {
    insta::assert_snapshot!(refused(&Model::fff(), "--labels a,b", 3, "E0108"));
}

#[test]
fn too_large_for_the_board() {
    insta::assert_snapshot!(refused(&Model::linear(300, 256), "--board microbit", 4, "E0501"));
}

#[test]
fn arena_too_large_for_the_board() {
    let mut model = Model::linear(16, 3000);
    model.graph.as_mut().unwrap()["layers"] = json!([{"op": "linear", "activation": "none"}]);
    insta::assert_snapshot!(refused(&model, "--board microbit", 4, "E0501"));
}

#[test]
fn unknown_board() {
    let stderr = refused(&Model::fff(), "--board micro:bit", 2, "E0002");
    assert!(stderr.contains("`micro:bit`") && stderr.contains(" microbit,"), "{stderr}");
}

#[test]
fn model_that_is_not_there() {
    let folder = Folder::new();
    insta::assert_snapshot!(folder.run("convert m.safetensors -o m.leaf").refused(3, "E0101"));
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn models_that_are_none() {
    let folder = Folder::with("empty", "");
    folder.write("text", "hello");
    folder.write("half", &Model::fff().bytes()[..300]);
    for model in ["empty", "text", "half", "."] {
        folder.run(&format!("convert {model} -o m.leaf")).refused(3, "E0102");
    }
    assert_eq!(folder.names(), ["empty", "half", "text"]);
}

#[test]
fn huge_files_are_refused_before_they_are_read() {
    let folder = Folder::new();
    // Sparse: nothing is on the disk.
    std::fs::File::create(folder.path("huge")).unwrap().set_len(5 << 30).unwrap();
    folder.run("convert huge -o m.leaf").refused(4, "E0202");
    folder.run("check huge").refused(4, "E0202");
    folder.write("m.safetensors", Model::fff().bytes());
    folder.run("convert m.safetensors -o m.leaf --calib huge").refused(4, "E0202");
    folder.run("convert m.safetensors -o m.leaf --calibration huge").refused(3, "E0102");
    assert_eq!(folder.names(), ["huge", "m.safetensors"]);
}

#[test]
fn samples_that_do_not_fit_the_network() {
    let folder = Folder::with("m.safetensors", Model::fff().bytes());
    folder.write("value.csv", "0,1,2,3,4,5,6,17,0\n");
    folder.write("class.csv", "0,1,2,3,4,5,6,7,3\n");
    folder.write("short.csv", "1,2,3\n");
    folder.write("empty.csv", "");
    let convert = |file: &str| folder.run(&format!("convert m.safetensors -o m.leaf -q --calib {file}"));
    insta::assert_snapshot!("sample_value", convert("value.csv").refused(3, "E0108"));
    insta::assert_snapshot!("sample_class", convert("class.csv").refused(3, "E0306"));
    convert("short.csv").refused(3, "E0108");
    convert("empty.csv").refused(3, "E0102");
    convert("nowhere.csv").refused(3, "E0101");
    folder.write("plain.csv", "0,1,2,3,4,5,6,7\n");
    folder.run("convert m.safetensors -o m.leaf --calib plain.csv --eval plain.csv").refused(3, "E0307");
    assert!(!folder.path("m.leaf").exists());
}

#[test]
fn outputs_that_cannot_be_written() {
    let folder = Folder::with("m.safetensors", Model::fff().bytes());
    std::fs::create_dir(folder.path("sub")).unwrap();
    let convert = |output: &str| folder.run(&format!("convert m.safetensors -q -o {output}"));
    insta::assert_snapshot!("output_is_a_folder", convert("sub").refused(3, "E0402").replace(&root(&folder), "[DIR]"));
    insta::assert_snapshot!("output_in_no_folder", convert("none/m.leaf").refused(3, "E0401"));
    convert("m.safetensors/m.leaf").refused(3, "E0401");
    convert("m.safetensors").refused(2, "E0403");
    convert("m.leaf --save-calibration ./m.leaf").refused(2, "E0403");
    assert_eq!(folder.names(), ["m.safetensors", "sub"]);
}

fn root(folder: &Folder) -> String {
    std::fs::canonicalize(folder.root()).unwrap().display().to_string()
}

/// An image of the small network, and its folder.
fn image() -> (Folder, Vec<u8>) {
    let folder = Folder::with("m.safetensors", Model::fff().bytes());
    folder.write("s.csv", samples(32));
    folder.run("convert m.safetensors -o m.leaf -q --calib s.csv").ok();
    let image = folder.read("m.leaf");
    (folder, image)
}

#[test]
fn malformed_images() {
    let (folder, image) = image();
    folder.write("truncated.leaf", &image[..image.len() - 16]);
    let mut magic = image.clone();
    magic[0] = b'X';
    folder.write("magic.leaf", &magic);
    let mut flipped = image.clone();
    flipped[300] ^= 1;
    folder.write("flipped.leaf", &flipped);
    folder.write("empty.leaf", "");
    for name in ["truncated", "magic", "empty"] {
        insta::assert_snapshot!(name, folder.run(&format!("check {name}.leaf")).refused(5, "E0301"));
    }
    for verb in ["check", "inspect", "run --value 1", "emulate"] {
        for name in ["truncated", "magic", "flipped", "empty"] {
            folder.run(&format!("{verb} {name}.leaf")).refused(5, "E0301");
        }
    }
}

#[test]
fn an_image_that_does_not_do_what_it_claims() {
    let (folder, mut image) = image();
    // The last value of the section GOLDEN (kind 7); the checksum is made right again.
    let word = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap()) as usize;
    let golden = (0..16).map(|i| 64 + 16 * i).find(|&at| word(at) & 0xFFFF == 7).unwrap();
    let at = word(golden + 4) + word(golden + 8) - 4;
    image[at] ^= 1;
    let crc = leafgate_image::image_crc32(&image);
    image[12..16].copy_from_slice(&crc.to_le_bytes());
    folder.write("wrong.leaf", &image);
    insta::assert_snapshot!(folder.run("check wrong.leaf").refused(1, "E0305"));
}

#[test]
fn errors_as_json_are_one_object_on_standard_error() {
    let folder = Folder::with("m.safetensors", Model::fff().poisoned("fff.w1s", f32::INFINITY).bytes());
    for (line, exit, code) in [
        ("convert m.safetensors -o m.leaf --format json", 3, "E0106"),
        ("--format=json check nowhere.leaf", 3, "E0101"),
        ("check --format json", 2, "E0001"),
        ("nonsense --format json", 2, "E0001"),
    ] {
        let ran = folder.run(line);
        assert_eq!((ran.code, ran.stdout.as_str()), (exit, ""));
        let error: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
        assert_eq!(error["schema"], "leafgate.error/1");
        assert_eq!((&error["code"], &error["exit"]), (&json!(code), &json!(exit)));
    }
}

#[test]
fn colours_only_where_asked_for() {
    let folder = Folder::new();
    assert!(!folder.run("check nowhere").stderr.contains('\x1b'));
    assert!(folder.run("check nowhere --color always").stderr.contains('\x1b'));
    let output = folder.command("check nowhere").env("NO_COLOR", "1").output().unwrap();
    assert!(!output.stderr.contains(&0x1b));
}

/// The table in the README is what users look codes up in.
#[test]
fn every_code_is_documented_once() {
    let source = [
        include_str!("../../src/board.rs"),
        include_str!("../../src/error.rs"),
        include_str!("../../src/file.rs"),
        include_str!("../../src/main.rs"),
        include_str!("../../src/network.rs"),
        include_str!("../../src/output.rs"),
        include_str!("../../src/samples.rs"),
        include_str!("../../src/section.rs"),
        include_str!("../../src/verb/convert.rs"),
        include_str!("../../src/verb/emulate.rs"),
        include_str!("../../src/verb/train.rs"),
        include_str!("../../../convert/src/error.rs"),
        include_str!("../../../convert/src/check.rs"),
    ];
    let is_code = |word: &&str| word.len() == 5 && word.starts_with("E0") && word[1..].parse::<u16>().is_ok();
    let codes = source.iter().flat_map(|text| text.split('"')).filter(is_code);
    let readme = include_str!("../../README.md");
    for code in codes {
        assert_eq!(readme.matches(&format!("| {code} |")).count(), 1, "{code}");
    }
}
