//! Models that need telling, and the forms in which samples come.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use crate::leafgate::Folder;
use crate::models::{Model, samples};

/// An array file as NumPy writes it.
fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    [b"\x93NUMPY\x01\0".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
}

/// An archive as `np.savez_compressed` writes it.
fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        zip.start_file(format!("{name}.npy"), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn png(path: &Path, values: &[u8]) {
    let mut encoder = png::Encoder::new(std::fs::File::create(path).unwrap(), 4, values.len() as u32 / 4);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(values).unwrap();
}

/// The small network's samples in every form that holds their classes, by what a flag calls each.
fn forms(folder: &Folder, count: usize) -> [&'static str; 4] {
    let text = samples(count);
    let rows: Vec<Vec<u8>> =
        text.lines().map(|line| line.split(',').map(|word| word.parse().unwrap()).collect()).collect();
    let values: Vec<u8> = rows.iter().flat_map(|row| row[..8].to_vec()).collect();
    let classes: Vec<u8> = rows.iter().map(|row| row[8]).collect();
    let real: Vec<u8> = values.iter().flat_map(|&value| (f32::from(value) * 0.0625).to_le_bytes()).collect();
    let x = npy("|u1", &format!("{count}, 2, 4"), &values);
    let y =
        npy("<i8", &format!("{count},"), &classes.iter().flat_map(|&c| i64::from(c).to_le_bytes()).collect::<Vec<_>>());
    folder.write("s.csv", text);
    folder.write("x.npy", npy("<f4", &format!("{count}, 8"), &real));
    folder.write("y.npy", y.clone());
    folder.write("s.npz", npz(&[("x_test", x.clone()), ("y_test", y), ("other", x)]));
    // Sorted by folder and name, so that the order is another: the rows of class 0, then 1, then 2.
    for (i, row) in rows.iter().enumerate() {
        let class = folder.path("images").join(["cat", "dog", "hen"][usize::from(row[8])]);
        std::fs::create_dir_all(&class).unwrap();
        png(&class.join(format!("{i:03}.png")), &row[..8]);
    }
    ["s.csv", "x.npy --labels-file y.npy", "s.npz:x_test", "images"]
}

#[test]
fn every_verb_reads_every_form_of_samples() {
    let folder = Folder::with("m.safetensors", Model::fff().bytes());
    let forms = forms(&folder, 60);
    let json = |line: String| folder.run(&format!("{line} --format json")).json();
    let mut images: Vec<Vec<u8>> = Vec::new();
    let mut scores = Vec::new();
    for form in forms {
        let report = json(format!("convert m.safetensors -o m.leaf --calib s.csv --eval {form}"));
        assert_eq!(report["accuracy"]["samples"], 60, "{form}");
        scores.push(report["accuracy"]["integer"].clone());
        let run = json(format!("run m.leaf --input {form}"));
        assert_eq!(run["accuracy"], *scores.last().unwrap(), "{form}");
        assert_eq!(json(format!("check m.leaf --samples {form}"))["check"]["samples"], 60, "{form}");
        folder.run(&format!("inspect m.leaf --samples {form}")).ok();
        // Calibration needs no classes.
        let calib = form.split(' ').next().unwrap();
        folder.run(&format!("convert m.safetensors -o c.leaf --calib {calib}")).ok();
        images.push(folder.read("c.leaf"));
    }
    assert!(images.iter().all(|image| *image == images[0]), "the same samples, the same ranges");
    assert!(scores.iter().all(|score| *score == scores[0]), "{scores:?}");
    let classes = |form: &str| {
        let run = json(format!("run m.leaf --input {form}"));
        run["samples"].as_array().unwrap().iter().map(|sample| sample["class"].clone()).collect::<Vec<Value>>()
    };
    assert_eq!(classes(forms[0]), classes(forms[1]));
    assert_eq!(classes(forms[0]), classes(forms[2]));
}

#[test]
fn samples_that_are_wrong_are_refused_by_place() {
    let folder = Folder::with("m.safetensors", Model::fff().bytes());
    folder.run("convert m.safetensors -o m.leaf -q").ok();
    let refused = |name: &str, content: &[u8], flags: &str, code: &str| {
        folder.write(name.split(':').next().unwrap(), content);
        folder.run(&format!("run m.leaf --input {name} {flags}")).refused(3, code)
    };
    let row = |last: u8| npy("|u1", "1, 8", &[0, 0, 0, 0, 0, 0, 0, last]);
    let error = refused("a.npy", &row(17), "", "E0108");
    assert!(
        error.contains("the value is 17, wanted 0 to 16") && error.contains("a.npy, sample 0, element 7"),
        "{error}"
    );
    let reals = npy("<f4", "1, 8", &[0f32, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 16.0].map(f32::to_le_bytes).concat());
    let error = refused("a.npy", &reals, "", "E0108");
    assert!(
        error.contains("the real value is 16, wanted 0 to 1") && error.contains("save raw values as whole numbers"),
        "{error}"
    );
    let error = refused("a.npz:q", &npz(&[("x", row(0))]), "", "E0102");
    assert!(error.contains("without an array `q`; it has x"), "{error}");
    let error = refused("a.npz", &npz(&[("x", row(0)), ("y", npy("|u1", "1,", &[3]))]), "", "E0306");
    assert!(error.contains("the class of sample 0 is 3, the network has 3"), "{error}");
    let error = refused("a.npy", &row(0), "--labels-file a.npy", "E0108");
    assert!(error.contains("its shape is [1, 8], wanted [1], one class per sample"), "{error}");
    let error = refused("s.csv", b"0,0,0,0,0,0,0,0,1\n", "--labels-file a.npy", "E0102");
    assert!(error.contains("not needed: s.csv has classes of its own"), "{error}");
    let error = refused("a.csv", b"0,0,0,0,0,0,0,0\n", "--labels-file s.csv", "E0102");
    assert!(error.contains("no file of classes") && error.contains("a folder of PNG images"), "{error}");
    std::fs::create_dir(folder.path("empty")).unwrap();
    let error = folder.run("run m.leaf --input empty").refused(3, "E0102");
    assert!(error.contains("a folder without PNG images"), "{error}");
    folder.run("run m.leaf --input none.npz:x").refused(3, "E0101");
}

/// A copy of a state dict that the importer's tests judge.
fn fixture(folder: &Folder, name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../convert/tests/fixtures/fff").join(name);
    folder.write(name, std::fs::read(path).unwrap());
}

#[test]
fn a_state_dict_is_told_what_it_does_not_say() {
    let folder = Folder::new();
    for name in ["ultrafast_bert.safetensors", "ultrafast_bert.config", "chain.pt"] {
        fixture(&folder, name);
    }
    let error = folder.run("convert ultrafast_bert.safetensors -o m.leaf -q").refused(3, "E0140");
    assert!(error.contains("layer `encoder.layers.0.ffn`") && error.contains("--config"), "{error}");
    for told in ["--depth 4", "--trees 1", "--config ultrafast_bert.config"] {
        let layers = "--layers encoder.layers.0.ffn";
        folder.run(&format!("convert ultrafast_bert.safetensors -o {}.leaf -q {layers} {told}", told.len())).ok();
    }
    assert_eq!(folder.read("9.leaf"), folder.read("30.leaf"));
    folder.run("check 9.leaf").ok();
    let error = folder.run("convert chain.pt -o m.leaf -q --config chain.pt").refused(3, "E0102");
    assert!(error.contains("not a model configuration") && error.contains("--trees N"), "{error}");
    folder.run("convert chain.pt -o m.leaf -q --trees 3").refused(3, "E0108");

    let report = folder.run("convert chain.pt -o m.leaf --layers 0,1 --format json").json();
    assert_eq!((&report["inputs"], &report["outputs"]), (&json!(12), &json!(6)));
    let assumptions = report["assumptions"].to_string();
    assert!(assumptions.contains("left out: 2.b1s") && !assumptions.contains("one after the other"), "{assumptions}");
}
