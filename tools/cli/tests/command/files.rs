//! Output files: whole or not at all, and the same bytes every time.

use crate::leafgate::Folder;
use crate::models::{Model, samples};

fn folder() -> Folder {
    let folder = Folder::with("m.safetensors", Model::fff().bytes());
    folder.write("s.csv", samples(50));
    folder
}

#[test]
fn the_same_files_give_the_same_bytes() {
    let folder = folder();
    for output in ["a.leaf", "b.leaf"] {
        folder.run(&format!("convert m.safetensors -o {output} --calib s.csv")).ok();
    }
    assert_eq!(folder.read("a.leaf"), folder.read("b.leaf"));
}

#[test]
fn saved_ranges_give_the_same_image_without_the_samples() {
    let folder = folder();
    folder.run("convert m.safetensors -o a.leaf --calib s.csv --save-calibration r.json").ok();
    folder.run("convert m.safetensors -o b.leaf --calibration r.json").ok();
    assert_eq!(folder.read("a.leaf"), folder.read("b.leaf"));
    folder.write("other.safetensors", Model::identity(4).bytes());
    folder.run("convert other.safetensors -o c.leaf --calibration r.json").refused(3, "E0109");
    let mut table: serde_json::Value = serde_json::from_slice(&folder.read("r.json")).unwrap();
    let interval = table["values"].as_object_mut().unwrap().values_mut().next().unwrap();
    interval["min"] = 9e9.into();
    folder.write("inverted.json", table.to_string());
    folder.run("convert m.safetensors -o c.leaf --calibration inverted.json").refused(3, "E0109");
    folder.write("r.json", "{}");
    folder.run("convert m.safetensors -o c.leaf --calibration r.json").refused(3, "E0102");
    assert!(!folder.path("c.leaf").exists());
}

#[test]
fn an_existing_file_is_replaced_whole() {
    let folder = folder();
    folder.write("m.leaf", vec![b'x'; 1 << 20]);
    folder.run("convert m.safetensors -o m.leaf --calib s.csv").ok();
    folder.run("check m.leaf").ok();
    assert_eq!(folder.names(), ["m.leaf", "m.safetensors", "s.csv"]);
}

#[test]
fn an_existing_file_survives_an_error() {
    let folder = folder();
    folder.write("m.leaf", "precious");
    folder.write("bad.safetensors", Model::fff().without("fff.w1s").bytes());
    folder.run("convert bad.safetensors -o m.leaf").refused(3, "E0103");
    assert_eq!(folder.read("m.leaf"), b"precious");
}

/// A disk that is full after two kilobytes, as far as a process can tell: the size of its files is limited.
#[cfg(unix)]
#[test]
fn a_full_disk_changes_nothing() {
    let folder = folder();
    folder.write("big.safetensors", Model::linear(256, 64).bytes());
    folder.write("m.leaf", "precious");
    let leafgate = env!("CARGO_BIN_EXE_leafgate");
    let script = format!("trap '' XFSZ; ulimit -f 4; exec {leafgate} convert big.safetensors -o m.leaf -q");
    let output = std::process::Command::new("sh").args(["-c", &script]).current_dir(folder.root()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("error[E0401]"), "{stderr}");
    assert_eq!(folder.read("m.leaf"), b"precious");
    assert_eq!(folder.names(), ["big.safetensors", "m.leaf", "m.safetensors", "s.csv"]);
}

/// Interrupts at many moments: there is the whole image or none, and never a temporary file.
#[cfg(unix)]
#[test]
fn an_interrupt_leaves_no_half_file() {
    let folder = Folder::with("big.safetensors", Model::linear(400, 200).bytes());
    folder.run("convert big.safetensors -o whole.leaf -q").ok();
    let whole = folder.read("whole.leaf");
    let mut interrupted = 0;
    for milliseconds in (0..200).step_by(10) {
        let mut child = folder
            .command("convert big.safetensors -o m.leaf -q")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        let signal = if milliseconds % 20 == 0 { "-INT" } else { "-TERM" };
        std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        interrupted += i32::from(!child.wait().unwrap().success());
        let names = folder.names();
        match names.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["big.safetensors", "whole.leaf"] => {}
            ["big.safetensors", "m.leaf", "whole.leaf"] => {
                assert_eq!(folder.read("m.leaf"), whole);
                std::fs::remove_file(folder.path("m.leaf")).unwrap();
            }
            ref other => panic!("{other:?}"),
        }
    }
    assert!(interrupted > 0, "every conversion was faster than its interrupt");
}

#[cfg(unix)]
#[test]
fn the_umask_decides_who_may_read_an_image() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    folder.run("convert m.safetensors -o m.leaf --calib s.csv").ok();
    std::fs::File::create(folder.path("plain")).unwrap();
    let mode = |name| std::fs::metadata(folder.path(name)).unwrap().permissions().mode();
    assert_eq!(mode("m.leaf"), mode("plain"));
}

/// A reader that closes early (`| head`) is no error.
#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_error() {
    let folder = folder();
    folder.run("convert m.safetensors -o m.leaf --calib s.csv").ok();
    let leafgate = env!("CARGO_BIN_EXE_leafgate");
    let script = format!("{{ {leafgate} inspect m.leaf --format json; echo code $? >&2; }} | true");
    let output = std::process::Command::new("sh").args(["-c", &script]).current_dir(folder.root()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "code 0\n");
}
