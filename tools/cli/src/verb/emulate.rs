//! `leafgate emulate`: an image on an emulated microcontroller, compared with the engine on the host bit by bit.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use leafgate_convert::host::{HostEngine, HostOutput};
use leafgate_emulate::{
    Emulation, Exit as DeviceExit, Machine, Outcome, Sizes, build_firmware_for, build_plugin, machine_of, machines,
    workspace_root,
};
use serde::Serialize;

use crate::board::{self, Fit};
use crate::error::Failure;
use crate::exit::Exit;
use crate::network::{Network, Summary};
use crate::output::{Done, Lines, Talk, grouped, percent, table};
use crate::samples::{FORMS, SampleOptions};
use crate::verb::profile_report::ProfileReport;

const EXAMPLES: &str = "\
Examples:
  leafgate emulate digits.leaf
  leafgate emulate digits.leaf --machine microbit --samples test.csv.gz --limit 100
  leafgate emulate digits.leaf --machine all --samples test.csv.gz --limit 100 --format json
  leafgate emulate digits.leaf --machine microbit --profile
  leafgate emulate digits.leaf --elf target/thumbv6m-none-eabi/firmware/microbit";

/// Arguments of `emulate`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{FORMS}"))]
pub struct Arguments {
    /// The image
    image: PathBuf,
    /// The machine, or `all`; may be given several times [default: mps2-an386, or the one of --elf]
    #[arg(long, value_name = "NAME")]
    machine: Vec<String>,
    /// Samples to serve; without them the golden vectors are
    #[arg(long, value_name = "FILE")]
    samples: Option<PathBuf>,
    #[command(flatten)]
    sample_options: SampleOptions,
    /// Serve only the first samples
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// A firmware that is built already; without it, it is built from the workspace
    #[arg(long, value_name = "FIRMWARE")]
    elf: Option<PathBuf>,
    /// Say where the instructions of the runs go, by op and by function; QEMU's plugin for it is built from the workspace
    #[arg(long)]
    profile: bool,
    /// End a machine after this many seconds
    #[arg(long, value_name = "S", default_value_t = 120)]
    timeout: u64,
}

#[derive(Serialize)]
struct Report<'n> {
    #[serde(flatten)]
    image: Summary<'n>,
    /// `samples`, or `golden vectors`.
    served: &'static str,
    machines: Vec<MachineReport>,
    /// Everything that is wrong, of all machines.
    failures: Vec<Failure>,
}

/// What came of one machine.
#[derive(Serialize)]
struct MachineReport {
    machine: String,
    core: String,
    exit: String,
    exit_code: i32,
    /// Nothing if nothing was compared.
    bit_exact: Option<bool>,
    /// The first samples whose outputs differ from the host's, or that were not served.
    differing: Vec<usize>,
    samples: usize,
    /// What the device said of each sample.
    classes: Vec<Option<usize>>,
    correct: Option<usize>,
    accuracy: Option<f64>,
    insns: Option<Insns>,
    parse_insns: Option<u64>,
    arena_bytes: Option<u32>,
    arena_used_bytes: Option<u32>,
    arena_reserved_bytes: Option<u32>,
    stack_parse_bytes: Option<u32>,
    stack_run_bytes: Option<u32>,
    golden_vectors: Option<u32>,
    /// All code of the firmware.
    text_bytes: u64,
    /// The functions of the runtime in it.
    runtime_text_bytes: u64,
    /// Code that is copied to RAM.
    ram_text_bytes: u64,
    /// Static data of the firmware and code in RAM.
    ram_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<ProfileReport>,
    #[serde(skip)]
    last_line: String,
}

/// Instructions of a run.
#[derive(Serialize)]
struct Insns {
    min: u64,
    mean: f64,
    max: u64,
}

/// What is served, and what the host makes of it.
struct Work {
    inputs: Vec<Vec<u8>>,
    labels: Option<Vec<u32>>,
    host: Vec<HostOutput>,
}

/// Runs the verb.
pub fn run(arguments: &Arguments, talk: Talk) -> Result<Done, Failure> {
    let machines = chosen(arguments)?;
    let network = Network::read(&arguments.image)?;
    let work = work(arguments, &network)?;
    if arguments.profile && work.inputs.is_empty() {
        return Err(Failure::usage("there is nothing to profile: no sample is served").hint("give --samples"));
    }
    let served = if arguments.samples.is_some() { "samples" } else { "golden vectors" };
    let mut report = Report { image: network.summary(), served, machines: Vec::new(), failures: Vec::new() };
    for &machine in &machines {
        match emulate(arguments, &network, &work, machine, talk) {
            Ok((outcome, sizes)) => {
                let profile =
                    outcome.profile.as_ref().map(|profile| ProfileReport::of(&network, profile)).transpose()?;
                let machine_report = MachineReport { profile, ..compare(machine, &outcome, sizes, &work) };
                report.failures.extend(verdict(&machine_report));
                report.machines.push(machine_report);
            }
            Err(failure) if machines.len() == 1 => return Err(failure),
            Err(failure) => {
                let message = format!("{}: {}", machine.name, failure.message);
                report.failures.push(Failure { message, ..failure });
            }
        }
    }
    let mut done = talk.done("leafgate.emulate/1", &report, || human(&network, &report));
    // A wrong result weighs more than none.
    let weight = |failure: &&Failure| match failure.exit {
        Exit::Differs => 0,
        Exit::Device => 1,
        _ => 2,
    };
    done.failure = report.failures.iter().min_by_key(weight).cloned();
    report.failures.iter().filter(|&failure| done.failure.as_ref() != Some(failure)).for_each(|failure| {
        talk.warn(&failure.message);
    });
    Ok(done)
}

/// The machines asked for.
fn chosen(arguments: &Arguments) -> Result<Vec<&'static Machine>, Failure> {
    if arguments.machine.iter().any(|name| name == "all") {
        if arguments.elf.is_some() {
            return Err(Failure::usage("a firmware is for one machine: --elf does not go with --machine all"));
        }
        return Ok(machines().iter().collect());
    }
    match (&arguments.elf, arguments.machine.as_slice()) {
        (Some(elf), []) => Ok(vec![machine_of(elf)?]),
        (Some(_), [_, _, ..]) => Err(Failure::usage("a firmware is for one machine: name one, or none")),
        (None, []) => Ok(vec![board::find("mps2-an386")?]),
        (_, names) => names.iter().map(|name| board::find(name)).collect(),
    }
}

fn work(arguments: &Arguments, network: &Network) -> Result<Work, Failure> {
    let (mut inputs, mut labels) = match &arguments.samples {
        Some(path) => {
            let samples = arguments.sample_options.load(path, &network.input, network.outputs, &network.labels)?;
            (samples.inputs.iter().map(|sample| network.bytes_of(sample)).collect(), samples.labels)
        }
        None => (network.golden.clone(), None),
    };
    let limit = arguments.limit.unwrap_or(usize::MAX);
    inputs.truncate(limit);
    labels.iter_mut().for_each(|labels| labels.truncate(limit));
    let mut host = Vec::with_capacity(inputs.len());
    let ran = HostEngine::new(&network.image)?.run(&inputs, |_, output| host.push(output));
    ran.map_err(|error| Failure::from(error).at(&arguments.image))?;
    Ok(Work { inputs, labels, host })
}

/// Builds the firmware if need be, and runs it.
fn emulate(
    arguments: &Arguments,
    network: &Network,
    work: &Work,
    machine: &Machine,
    talk: Talk,
) -> Result<(Outcome, Sizes), Failure> {
    Fit::of(machine, network.image.len(), network.arena_bytes)
        .check()
        .map_err(|failure| failure.at(&arguments.image))?;
    samples_fit(machine, &work.inputs)?;
    let firmware = match &arguments.elf {
        Some(elf) => elf.clone(),
        None => {
            let root = workspace_root()?;
            let spinner = talk.spinner(&format!("building the firmware for {}", machine.name));
            let firmware = build_firmware_for(&root, machine, &network.image);
            spinner.finish_and_clear();
            firmware?
        }
    };
    let plugin = if arguments.profile {
        let spinner = talk.spinner("building the plugin");
        let plugin = workspace_root().and_then(|root| build_plugin(&root));
        spinner.finish_and_clear();
        Some(plugin?)
    } else {
        None
    };
    let bar = talk.bar(&machine.name, work.inputs.len() as u64);
    let mut emulation = Emulation::new(machine, &firmware)
        .image_bytes(network.image.clone())
        .timeout(Duration::from_secs(arguments.timeout))
        .on_sample(|_| bar.inc(1));
    if !work.inputs.is_empty() {
        emulation = emulation.samples(work.inputs.clone());
    }
    if let Some(plugin) = plugin {
        emulation = emulation.profile(plugin);
    }
    let outcome = emulation.run();
    bar.finish_and_clear();
    Ok((outcome?, Sizes::of(&firmware)?))
}

/// Head of the samples region, before the first sample.
const SAMPLES_HEAD_BYTES: usize = 16;

/// Refuses more samples than the partition holds, and says how many it does.
fn samples_fit(machine: &Machine, inputs: &[Vec<u8>]) -> Result<(), Failure> {
    let sample_bytes = inputs.first().map_or(1, Vec::len).max(1);
    let room = (machine.samples.bytes as usize - SAMPLES_HEAD_BYTES) / sample_bytes;
    if inputs.len() <= room {
        return Ok(());
    }
    Err(Failure::new("E0502", Exit::DoesNotFit, format!("the samples do not fit board `{}`", machine.name))
        .fact(format!(
            "{} samples of {sample_bytes} B, the samples partition has {} B",
            grouped(inputs.len()),
            grouped(machine.samples.bytes)
        ))
        .hint(format!("serve fewer: --limit {room}")))
}

fn compare(machine: &Machine, outcome: &Outcome, sizes: Sizes, work: &Work) -> MachineReport {
    /// Differing samples that are listed.
    const LISTED: usize = 10;
    let served = &outcome.samples;
    let equal = |i: usize| {
        let class = work.host[i].class();
        served.get(i).is_some_and(|sample| sample.crc32 == work.host[i].crc32 && sample.class == class)
    };
    let differing: Vec<usize> = (0..work.host.len()).filter(|&i| !equal(i)).take(LISTED).collect();
    let correct = work.labels.as_ref().map(|labels| {
        let pairs = served.iter().zip(labels);
        pairs.filter(|(sample, label)| sample.class == Some(**label as usize)).count()
    });
    let insns = served.iter().map(|sample| sample.insns);
    MachineReport {
        machine: machine.name.clone(),
        core: machine.core.clone(),
        exit: outcome.exit.to_string(),
        exit_code: outcome.exit.code(),
        bit_exact: (!work.host.is_empty()).then(|| differing.is_empty() && outcome.exit.is_success()),
        differing,
        samples: served.len(),
        classes: served.iter().map(|sample| sample.class).collect(),
        correct,
        accuracy: correct.map(|correct| correct as f64 / served.len().max(1) as f64),
        insns: insns.clone().min().map(|min| Insns {
            min,
            mean: insns.clone().sum::<u64>() as f64 / served.len() as f64,
            max: insns.max().unwrap_or(min),
        }),
        parse_insns: outcome.parse_insns,
        arena_bytes: outcome.arena_bytes,
        arena_used_bytes: outcome.arena_used_bytes,
        arena_reserved_bytes: outcome.arena_reserved_bytes,
        stack_parse_bytes: outcome.stack_parse_bytes,
        stack_run_bytes: outcome.stack_run_bytes,
        golden_vectors: outcome.vectors,
        text_bytes: sizes.text_bytes,
        runtime_text_bytes: sizes.runtime_text_bytes,
        ram_text_bytes: sizes.ram_text_bytes,
        ram_bytes: sizes.ram_bytes,
        profile: None,
        last_line: match outcome.exit {
            DeviceExit::Code(code) if code.code() == 0 => String::new(),
            _ => outcome.lines.last().cloned().unwrap_or_default(),
        },
    }
}

/// What is wrong, if anything is.
fn verdict(report: &MachineReport) -> Option<Failure> {
    let MachineReport { machine, exit, exit_code, last_line, differing, .. } = report;
    if *exit_code != 0 {
        let mut failure = Failure::new("E0703", Exit::Device, format!("{machine}: the device ended with {exit}"));
        if !last_line.is_empty() {
            failure = failure.fact(format!("its last words: {last_line}"));
        }
        return Some(failure.hint("`leafgate check` tells whether the image or the device is at fault"));
    }
    let first = differing.first()?;
    Some(
        Failure::new("E0309", Exit::Differs, format!("{machine}: the device gives other outputs than the host"))
            .fact(format!("sample {first} is the first that differs"))
            .hint("do not use this build; report it with the image: the runtime is at fault"),
    )
}

fn human(network: &Network, report: &Report<'_>) -> String {
    let path = network.path.display();
    let head = format!("{path}: {} ({} B)\n\n", network.name, grouped(network.image.len()));
    let text = match report.machines.as_slice() {
        [machine] => machine.human(report.served),
        machines => compare_machines(machines, report.served),
    };
    let profile = |machine: &MachineReport| {
        let profile = machine.profile.as_ref()?;
        Some(format!("\n{}: {}", machine.machine, profile.human()))
    };
    head + &text + &report.machines.iter().filter_map(profile).collect::<String>()
}

/// The first word for yes, the second for no, the third where nothing was compared.
fn verdict_word(bit_exact: Option<bool>, [yes, no, nothing]: [&str; 3]) -> String {
    match bit_exact {
        Some(true) => yes,
        Some(false) => no,
        None => nothing,
    }
    .into()
}

/// Several machines, one a line.
fn compare_machines(machines: &[MachineReport], served: &str) -> String {
    let rows = machines.iter().map(|machine| {
        let insns = |figure: fn(&Insns) -> u64| machine.insns.as_ref().map_or_else(String::new, |i| grouped(figure(i)));
        vec![
            machine.machine.clone(),
            machine.core.clone(),
            grouped(machine.samples),
            verdict_word(machine.bit_exact, ["yes", "NO", "nothing compared"]),
            machine.accuracy.map_or_else(String::new, percent),
            insns(|insns| insns.min),
            insns(|insns| insns.mean.round() as u64),
            insns(|insns| insns.max),
            machine.stack_run_bytes.map_or_else(String::new, grouped),
            machine.stack_parse_bytes.map_or_else(String::new, grouped),
            grouped(machine.runtime_text_bytes),
            machine.exit.clone(),
        ]
    });
    let counts = format!(">{served}");
    let insns = [">insns min", ">mean", ">max"];
    let sizes = [">run stack", ">parse stack", ">runtime text"];
    let headings =
        [&["machine", "core", &counts, "bit-exact", ">accuracy"], insns.as_slice(), &sizes, &["exit"]].concat();
    table(&headings, rows)
}

impl MachineReport {
    fn human(&self, served: &str) -> String {
        let unknown = || "?".to_owned();
        let figure = |figure: Option<u32>| figure.map_or_else(unknown, grouped);
        let mut lines = Lines::default();
        lines.add("machine", format!("{} ({})", self.machine, self.core));
        lines.add("exit", &self.exit);
        let vectors = self.golden_vectors.map_or_else(unknown, |vectors| vectors.to_string());
        lines.add("self-test", format!("{vectors} golden vectors"));
        let words = ["bit-exact with the host", "NOT bit-exact with the host", "nothing compared: give --samples"];
        let verdict = verdict_word(self.bit_exact, words);
        lines.add("outputs", format!("{} {served}, {verdict}", grouped(self.samples)));
        if let (Some(correct), Some(accuracy)) = (self.correct, self.accuracy) {
            lines.add("accuracy", format!("{} ({} of {})", percent(accuracy), grouped(correct), grouped(self.samples)));
        }
        if let Some(Insns { min, mean, max }) = &self.insns {
            let mean = grouped(mean.round() as u64);
            lines.add("run", format!("{} to {} instructions, {mean} on average", grouped(*min), grouped(*max)));
        }
        lines.add("parse", format!("{} instructions", self.parse_insns.map_or_else(unknown, grouped)));
        let (used, reserved) = (figure(self.arena_used_bytes), figure(self.arena_reserved_bytes));
        lines.add("arena", format!("{} B wanted, {used} B touched, {reserved} B reserved", figure(self.arena_bytes)));
        let (parse, run) = (figure(self.stack_parse_bytes), figure(self.stack_run_bytes));
        lines.add("stack", format!("{run} B in a run, {parse} B in parsing"));
        let (runtime, text) = (grouped(self.runtime_text_bytes), grouped(self.text_bytes));
        lines.add("text", format!("{runtime} B in functions of the runtime, {text} B in all"));
        if self.ram_text_bytes > 0 {
            let (kernels, ram) = (grouped(self.ram_text_bytes), grouped(self.ram_bytes));
            lines.add("RAM", format!("{kernels} B of it are kernels in RAM, where {ram} B are taken"));
        }
        lines.render()
    }
}
