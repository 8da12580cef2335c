//! The demo: three trained networks from their weights to a chip, with what the chip says.

use std::time::Instant;

use serde_json::Value;

use crate::shell::{self, Failure, workspace};
use crate::zoo::NETWORKS;

const MACHINE: &str = "mps2-an386";
const DIGITS: &str = "models/zoo/digits.csv.gz";
/// Digits that are shown: some that the networks find easy and some that they do not.
const SHOWN: [usize; 6] = [0, 1, 4, 69, 77, 129];

/// What is said of a network at the end.
struct Row {
    name: &'static str,
    float: f64,
    integer: f64,
    device: f64,
    image_bytes: u64,
    arena_bytes: u64,
    insns: [f64; 3],
    stack_bytes: u64,
    text_bytes: u64,
    exact: bool,
}

/// Converts, boots, classifies, reports.
pub fn run() -> Result<(), Failure> {
    shell::run(&["cargo", "build", "--quiet", "--locked", "--package", "leafgate-cli"])?;
    let began = Instant::now();
    std::fs::create_dir_all(workspace().join("target/demo"))
        .map_err(|error| Failure::new(format!("target/demo cannot be made: {error}")))?;
    let mut rows = Vec::new();
    let mut answers = Vec::new();
    for name in NETWORKS {
        println!("\n=== {name} ===\n");
        let (row, classes) = network(name)?;
        rows.push(row);
        answers.push((name, classes));
    }
    println!("\n=== What the chip says ===\n");
    digits(&answers)?;
    println!("\n=== {MACHINE}, all 1,797 digits ===\n");
    println!("{}", table(&rows));
    println!(
        "Instructions are executed guest instructions of Session::run, not cycles. Instructions, stack and text are those of one\n\
         firmware with all families; its runtime text is the functions of leafgate, leafgate-image and leafgate-kernels,\n\
         without what the compiler has inlined into the application. {} s.",
        began.elapsed().as_secs()
    );
    match rows.iter().find(|row| !row.exact) {
        None => Ok(()),
        Some(row) => Err(Failure::new(format!("{}: the device does not give the host's integers", row.name))),
    }
}

fn network(name: &'static str) -> Result<(Row, Vec<Option<u64>>), Failure> {
    let folder = format!("models/zoo/{name}");
    let (weights, table) = (format!("{folder}/weights.safetensors"), format!("{folder}/calibration.json"));
    let image = format!("target/demo/{name}.leaf");
    let converted = json(&["convert", &weights, "--calibration", &table, "--output", &image, "--eval", DIGITS])?;
    leafgate(&["inspect", &image])?;
    let emulated = json(&["emulate", &image, "--machine", MACHINE, "--samples", DIGITS])?;
    let device = &emulated["machines"][0];
    let figure = |value: &Value, what: &str| {
        value.as_f64().ok_or_else(|| Failure::new(format!("{name}: the report has no {what}")))
    };
    let accuracy = &converted["accuracy"];
    let insns = &device["insns"];
    let row = Row {
        name,
        float: figure(&accuracy["float"], "float accuracy")?,
        integer: figure(&accuracy["integer"], "integer accuracy")?,
        device: figure(&device["accuracy"], "accuracy on the device")?,
        image_bytes: figure(&converted["image_bytes"], "image size")? as u64,
        arena_bytes: figure(&device["arena_bytes"], "arena size")? as u64,
        insns: [
            figure(&insns["min"], "instructions")?,
            figure(&insns["mean"], "instructions")?,
            figure(&insns["max"], "instructions")?,
        ],
        stack_bytes: figure(&device["stack_run_bytes"], "stack")? as u64,
        text_bytes: figure(&device["runtime_text_bytes"], "runtime text")? as u64,
        exact: device["bit_exact"].as_bool() == Some(true),
    };
    let classes = device["classes"].as_array().map(|all| all.iter().map(Value::as_u64).collect()).unwrap_or_default();
    Ok((row, classes))
}

/// Runs the `leafgate` command.
fn leafgate(words: &[&str]) -> Result<(), Failure> {
    let words = spoken(words);
    match shell::command(&words).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(format!("leafgate failed: {status}"))),
        Err(error) => Err(Failure::missing(format!("cargo could not be started: {error}"))),
    }
}

/// Runs the `leafgate` command and reads its report.
fn json(words: &[&str]) -> Result<Value, Failure> {
    let words = spoken(words);
    let output = shell::command(&words).args(["--format", "json"]).stderr(std::process::Stdio::inherit()).output();
    let output = output.map_err(|error| Failure::missing(format!("cargo could not be started: {error}")))?;
    if !output.status.success() {
        return Err(Failure::new(format!("leafgate failed: {}", output.status)));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| Failure::new(format!("leafgate's report: {error}")))
}

/// Shows a command as a reader would type it, and returns how it is run here.
fn spoken<'w>(words: &[&'w str]) -> Vec<&'w str> {
    println!("$ leafgate {}", words.join(" "));
    [&["cargo", "run", "--quiet", "--locked", "--package", "leafgate-cli", "--"], words].concat()
}

/// Some digits as characters, each with the answers of the three networks.
fn digits(answers: &[(&str, Vec<Option<u64>>)]) -> Result<(), Failure> {
    let (mut lines, mut labels) = (vec![String::new(); 8], Vec::new());
    let file = shell::output(&["gzip", "--decompress", "--stdout", DIGITS]);
    let file = file.ok_or_else(|| Failure::missing("gzip was not found, which reads the digits"))?;
    let rows: Vec<Vec<u64>> =
        file.lines().map(|line| line.split(',').filter_map(|field| field.parse().ok()).collect()).collect();
    for index in SHOWN {
        let row = rows.get(index).filter(|row| row.len() == 65);
        let row = row.ok_or_else(|| Failure::new(format!("{DIGITS} has no sample {index}")))?;
        for (line, pixels) in lines.iter_mut().zip(row.chunks(8)) {
            // Two characters a pixel, so that it looks square.
            line.extend(
                pixels.iter().map(|&pixel| [" ", ".", ":", "*", "#"][(pixel as usize).div_ceil(4).min(4)].repeat(2)),
            );
            line.push_str("  ");
        }
        labels.push(row[64]);
    }
    lines.iter().for_each(|line| println!("{line}"));
    let caption = |what: &str, answer: &dyn Fn(usize) -> String| {
        let cells: String = (0..SHOWN.len()).map(|i| format!("{:<18}", format!("{what}: {}", answer(i)))).collect();
        println!("{}", cells.trim_end());
    };
    caption("label", &|i| labels[i].to_string());
    for (name, classes) in answers {
        let answer = |i: usize| classes.get(SHOWN[i]).copied().flatten();
        let mark = |i: usize| match answer(i) {
            Some(class) if class == labels[i] => class.to_string(),
            Some(class) => format!("{class} (!)"),
            None => "?".into(),
        };
        caption(name.trim_start_matches("digits-"), &mark);
    }
    println!("\n(!) is a wrong answer.");
    Ok(())
}

/// The final table, as Markdown, so that it can be pasted.
fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| network      | float, host | integer, host | integer, device | image B | arena B | instructions min / mean / max | stack B | runtime text B | bit-exact |\n\
         |--------------|-------------|---------------|-----------------|---------|---------|-------------------------------|---------|----------------|-----------|\n",
    );
    for row in rows {
        let [min, mean, max] = row.insns;
        text += &format!(
            "| {:12} | {:9.2} % | {:11.2} % | {:13.2} % | {:7} | {:7} | {:29} | {:7} | {:14} | {:9} |\n",
            row.name,
            100.0 * row.float,
            100.0 * row.integer,
            100.0 * row.device,
            row.image_bytes,
            row.arena_bytes,
            format!("{min:.0} / {mean:.0} / {max:.0}"),
            row.stack_bytes,
            row.text_bytes,
            if row.exact { "yes" } else { "NO" },
        );
    }
    text
}
