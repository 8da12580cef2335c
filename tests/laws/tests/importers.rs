//! Hostile model files, for every importer: an error or a network, never a panic, never more memory than is allowed.

use std::io::{Cursor, Write};
use std::sync::{Mutex, PoisonError};

use leafgate_tests_laws::draw::Draw;
use leafgate_tests_laws::importers::{IMPORTERS, STORAGES, allowance, archive, corpus, damaged, import};
use peak_alloc::PeakAlloc;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Only one import is measured at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Changes of each file of a corpus.
const CHANGES: usize = 600;

/// Imports, and measures the most memory that it takes beside the file.
fn measured(file: &[u8]) -> (Result<(), String>, usize) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let said = import(file);
    let taken = MEMORY.peak_usage().saturating_sub(before);
    assert!(
        taken + file.len() <= allowance(file.len()),
        "{taken} bytes of memory for a file of {}: {said:?}",
        file.len()
    );
    (said, taken)
}

#[test]
fn every_file_of_the_corpora_and_what_is_made_of_it() {
    for (importer, file_of) in IMPORTERS {
        let (mut accepted, mut refused, mut most) = (0, 0, 0);
        let paths = corpus(importer);
        assert!(!paths.is_empty(), "{importer} has no corpus");
        for (seed, path) in paths.iter().enumerate() {
            let bytes = std::fs::read(path).unwrap();
            let (said, _) = measured(&file_of(&bytes));
            let is_wrong = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("refused-"));
            assert_eq!(said.is_err(), is_wrong, "{}: {said:?}", path.display());
            if let Err(why) = &said {
                println!("{}: {why}", path.file_name().unwrap_or_default().to_string_lossy());
            }
            let mut try_one = |bytes: &[u8]| {
                let (said, taken) = measured(&file_of(bytes));
                *(if said.is_ok() { &mut accepted } else { &mut refused }) += 1;
                most = most.max(taken);
            };
            for len in (0..bytes.len()).step_by(1 + bytes.len() / 4096) {
                try_one(&bytes[..len]);
            }
            let mut draw = Draw::new(seed as u64);
            for _ in 0..CHANGES {
                try_one(&damaged(&bytes, &mut draw));
            }
        }
        println!(
            "{importer}: {} files, {refused} refused, {accepted} accepted, at most {most} bytes of memory",
            paths.len()
        );
        assert!(refused > 100, "{importer}: only {refused} refused");
    }
}

/// A safetensors file with this header and so many bytes of zeros.
fn safetensors(header: &str, data: usize) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.bytes());
    file.resize(file.len() + data, 0);
    file
}

/// The header of a graph file; `tensors` are entries that each end in a comma.
fn described(input: &str, layers: &str, tensors: &str) -> String {
    let graph = format!(r#"{{"format":"leafgate.graph/1","input":{input},"layers":[{layers}]}}"#);
    format!(r#"{{{tensors}"__metadata__":{{"leafgate.graph":"{}"}}}}"#, graph.replace('"', "\\\""))
}

const INPUT: &str = r#"{"len":3,"scale":1,"zero_point":0}"#;
const CLAMP: &str = r#"{"op":"clamp","min":0,"max":1}"#;

#[test]
fn absurd_figures_are_refused() {
    let entry = |name: &str, shape: &str, data: usize| {
        format!(r#""{name}":{{"dtype":"F32","shape":{shape},"data_offsets":[0,{data}]}},"#)
    };
    let linear = r#"{"op":"linear","activation":"none"}"#;
    let with = |shape: &str, data: usize| safetensors(&described(INPUT, linear, &entry("weight", shape, data)), data);
    let graph = |input: &str, layers: &str| safetensors(&described(input, layers, ""), 0);
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let mut lying = safetensors("{}", 0);
    lying[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    let cases = [
        ("a header longer than the file", lying),
        ("a product that overflows", with("[4294967296,4294967296]", 0)),
        ("a product that overflows to nothing", with("[9223372036854775808,2]", 0)),
        ("more than there is", with("[1073741824,3]", 12)),
        ("no rows", with("[0,3]", 0)),
        ("a dimension that is none", with("[-1,3]", 12)),
        ("a tensor twice", {
            // Both are the same bytes, so that a reader that takes either finds nothing else wrong.
            let twice = [entry("weight", "[1,3]", 12), entry("weight", "[1,3]", 12)].concat();
            safetensors(&described(INPUT, linear, &twice), 12)
        }),
        ("a scale that is no number", graph(r#"{"len":3,"scale":NaN,"zero_point":0}"#, CLAMP)),
        ("a scale beyond all numbers", graph(r#"{"len":3,"scale":1e999,"zero_point":0}"#, CLAMP)),
        ("a scale of nothing", graph(r#"{"len":3,"scale":0,"zero_point":0}"#, CLAMP)),
        ("an input of nothing", graph(r#"{"len":0,"scale":1,"zero_point":0}"#, CLAMP)),
        ("an input beyond memory", graph(r#"{"len":18446744073709551615,"scale":1,"zero_point":0}"#, CLAMP)),
        ("a layer that reads itself", graph(INPUT, r#"{"op":"clamp","min":0,"max":1,"id":"a","input":"a"}"#)),
        ("layers that read each other", {
            graph(INPUT, r#"{"op":"add","inputs":["input","b"],"id":"a"},{"op":"add","inputs":["input","a"],"id":"b"}"#)
        }),
        ("two layers of one name", graph(INPUT, &format!(r#"{0},{0}"#, r#"{"op":"clamp","min":0,"max":1,"id":"a"}"#))),
        ("a key twice", graph(INPUT, r#"{"op":"clamp","min":0,"min":1,"max":1}"#)),
        ("brackets in brackets", safetensors(&format!(r#"{{"a":{nested}}}"#), 0)),
        ("layers in layers", graph(INPUT, &nested)),
    ];
    for (name, file) in cases {
        let (said, taken) = measured(&file);
        let why = said.expect_err(name);
        println!("{name}: {} ({taken} bytes of memory)", why.chars().take(160).collect::<String>());
        assert!(why.starts_with("E01") || why.starts_with("E0202"), "{name}: {why}");
    }
}

/// Small files of which a careless reader makes much.
#[test]
fn what_grows_is_bounded() {
    let labels = |count: usize| {
        let labels = vec![r#"\"\""#; count].join(",");
        let header = described(INPUT, CLAMP, "").replace(r#"\"layers"#, &format!(r#"\"labels\":[{labels}],\"layers"#));
        safetensors(&header, 0)
    };
    let tensors = |count: usize| {
        let entry = |i: usize| format!(r#""{i}":{{"dtype":"U8","shape":[],"data_offsets":[{i},{}]}},"#, i + 1);
        safetensors(&described(INPUT, CLAMP, &(0..count).map(entry).collect::<String>()), count)
    };
    // Every layer reads the same weights, a megabyte of half precision.
    let shared = {
        let side = 724;
        let bytes = 2 * side * side;
        let layer = r#"{"op":"linear","activation":"none"}"#;
        let tensor = format!(r#""weight":{{"dtype":"F16","shape":[{side},{side}],"data_offsets":[0,{bytes}]}},"#);
        let input = format!(r#"{{"len":{side},"scale":1,"zero_point":0}}"#);
        safetensors(&described(&input, &vec![layer; 4096].join(","), &tensor), bytes)
    };
    let doubled = {
        let twice = |i: usize| format!(r#"{{"op":"concat","inputs":["{i}","{i}"],"id":"{}"}}"#, i + 1);
        let layers: Vec<String> = (0..60).map(twice).collect();
        safetensors(
            &described(INPUT, &format!(r#"{{"op":"clamp","min":0,"max":1,"id":"0"}},{}"#, layers.join(",")), ""),
            0,
        )
    };
    let zip = |fill: &dyn Fn(&mut ZipWriter<Cursor<Vec<u8>>>)| {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        fill(&mut zip);
        zip.finish().unwrap().into_inner()
    };
    let options = SimpleFileOptions::default();
    let many = zip(&|zip| {
        for i in 0..40_000 {
            zip.start_file(format!("model/data/{i}"), options.compression_method(CompressionMethod::Stored)).unwrap();
        }
    });
    // Half a gigabyte of zeros, compressed, for a tensor of the first pickle in the corpus.
    let pickle = std::fs::read(&corpus("pickle")[0]).unwrap();
    let bomb = zip(&|zip| {
        zip.start_file("model/data.pkl", options.compression_method(CompressionMethod::Stored)).unwrap();
        zip.write_all(&pickle).unwrap();
        for (key, size) in STORAGES.into_iter().enumerate() {
            zip.start_file(format!("model/data/{key}"), options.compression_method(CompressionMethod::Deflated))
                .unwrap();
            zip.write_all(&vec![0; size]).unwrap();
            let megabytes = if key == 3 { 512 } else { 0 };
            (0..megabytes).for_each(|_| zip.write_all(&vec![0; 1 << 20]).unwrap());
        }
    });
    let cases = [
        ("labels in a description", labels(1_390_000), None),
        ("labels beyond a description", labels(1_500_000), Some("the graph description")),
        ("tensors in a header", tensors(130_000), Some("tensors that no layer uses")),
        ("tensors beyond a header", tensors(200_000), Some("the header")),
        ("weights that all layers share", shared, Some("counted each time")),
        ("a value joined with itself", doubled, Some("the limit is 16777216")),
        ("files in an archive", many, Some("a zip archive of 40000 files")),
        ("a compressed storage", bomb, None),
        ("a pickle that is the archive's own", archive(&archive(&pickle)), None),
    ];
    for (name, file, want) in cases {
        let (said, taken) = measured(&file);
        println!("{name}: {} B, {taken} B of memory: {:.160}", file.len(), format!("{said:?}"));
        if let Some(want) = want {
            assert!(said.as_ref().is_err_and(|why| why.contains(want)), "{name}: {said:?}");
        }
    }
}

/// As large as a file may be, of the types that grow most when they are read.
#[test]
fn large_files_take_what_is_allowed() {
    let leaves = 16usize;
    for (dtype, size) in [("F16", 2), ("F32", 4)] {
        // A fast feedforward block of some 32 MiB.
        let (input, width, outputs) = (512, (32 << 20) / size / leaves / 1024, 512);
        let shapes = [
            ("node_weights", vec![leaves - 1, input]),
            ("node_biases", vec![leaves - 1, 1]),
            ("w1s", vec![leaves, input, width]),
            ("b1s", vec![leaves, width]),
            ("w2s", vec![leaves, width, outputs]),
            ("b2s", vec![leaves, outputs]),
        ];
        let (mut at, mut entries) = (0, String::new());
        for (name, shape) in shapes {
            let end = at + size * shape.iter().product::<usize>();
            entries += &format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{at},{end}]}},"#);
            at = end;
        }
        let given = format!(r#"{{"len":{input},"scale":1,"zero_point":0}}"#);
        let file = safetensors(&described(&given, r#"{"op":"fff","activation":"relu"}"#, &entries), at);
        let (said, taken) = measured(&file);
        said.unwrap();
        let times = taken as f64 / file.len() as f64;
        println!("{dtype}: {} MiB, {times:.2} times as much memory beside it", file.len() >> 20);
        // So that the largest file, of 128 MiB, keeps within its allowance too.
        assert!(times <= 5.0, "{times}");
    }
}
