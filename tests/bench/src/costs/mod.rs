//! What pieces of work cost on every core: `cargo xtask bench --costs`.
//!
//! 1. [`corpus`] draws images of many small ops, of every kind and shape and with inputs that go every way.
//! 2. [`mod@measure`] runs them on each core, where a plugin of the emulator counts the instructions of every op, and sets them against the pieces
//!    that `leafgate_convert::cost` says they are made of.
//! 3. [`mod@solve`] finds the costs of the pieces. What they leave unexplained is recorded with them, and where that is too much no figure
//!    is ever printed.
//!
//! Nothing here knows what a kernel looks like. If one changes, this is run again; if it changes so that it is no sum of the pieces any longer, the
//! deviation says so.

pub mod corpus;
pub mod measure;
pub mod solve;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use leafgate_convert::cost::{Core, Fit, LIMIT, Table};
use leafgate_emulate::{EmulateError, Machine, build_firmware_for, build_plugin, machines};
use sha2::{Digest, Sha256};

use crate::BenchError;
use crate::record::{compiler, emulator};
use measure::{Case, cases, run, sums};
use solve::{Sum, solve};

/// Of how many images of the corpus one is run on machines whose code is that of another.
const SAME: u64 = 12;

/// Measures all cores.
///
/// # Errors
/// If something cannot be built or run, or machines of one target differ.
pub fn measure(root: &Path, mut note: impl FnMut(&str)) -> Result<Table, BenchError> {
    let plugin = build_plugin(root).map_err(failed("the plugin", &machines()[0]))?;
    let mut table = Table {
        sources_sha256: sources_sha256(root)?,
        compiler: compiler(root)?,
        emulator: emulator(root)?,
        cores: Vec::new(),
    };
    let mut groups: Vec<Vec<&'static Machine>> = Vec::new();
    for machine in machines() {
        let same = |other: &&Machine| (&other.target, &other.target_cpu) == (&machine.target, &machine.target_cpu);
        match groups.iter_mut().find(|group| group.first().is_some_and(&same)) {
            Some(group) => group.push(machine),
            None => groups.push(vec![machine]),
        }
    }
    for group in groups {
        let sums = group_sums(root, &plugin, &group)?;
        let core = core(&group, &sums);
        for line in report(&core, &sums) {
            note(&line);
        }
        table.cores.push(core);
    }
    Ok(table)
}

/// All sums of the first machine, which the others are seen to share.
fn group_sums(root: &Path, plugin: &Path, group: &[&'static Machine]) -> Result<Vec<Sum>, BenchError> {
    let all = machine_sums(root, plugin, group[0], &cases(1))?;
    for machine in &group[1..] {
        for sum in machine_sums(root, plugin, machine, &cases(SAME))? {
            let other = all.iter().find(|other| other.what == sum.what).map(|other| other.insns);
            if other.is_none_or(|other| (other - sum.insns).abs() > 2.0) {
                let why = format!("{} takes {} instructions here, {other:?} on {}", sum.what, sum.insns, group[0].name);
                return Err(BenchError::Content { path: PathBuf::from(&machine.name), why });
            }
        }
    }
    Ok(all)
}

fn machine_sums(root: &Path, plugin: &Path, machine: &'static Machine, cases: &[Case]) -> Result<Vec<Sum>, BenchError> {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Ok(BTreeMap::new())));
    let firmware =
        |case: &Case| build_firmware_for(root, machine, &case.bytes).map_err(failed("the application", machine));
    let work = || {
        while let Some((i, case)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, cases.get(i)?))) {
            let sums = firmware(case)
                .and_then(|firmware| run(machine, &firmware, plugin, case))
                .and_then(|counts| sums(case, &counts));
            let Ok(mut found) = found.lock() else { return };
            match (sums, found.as_mut()) {
                (Ok(sums), Ok(found)) => drop(found.insert(i, sums)),
                (Err(error), Ok(_)) => *found = Err(error),
                (_, Err(_)) => return,
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let found = found.into_inner().unwrap_or_else(|poison| poison.into_inner())?;
    Ok(found.into_values().flatten().collect())
}

/// Costs and deviations.
fn core(group: &[&'static Machine], sums: &[Sum]) -> Core {
    let pieces = solve(sums);
    let mut fits: BTreeMap<String, Fit> = BTreeMap::new();
    for sum in sums {
        fits.entry(sum.kind.to_owned()).or_default().note(sum.insns, expected(sum, &pieces));
    }
    Core { machines: group.iter().map(|machine| machine.name.clone()).collect(), fits, pieces }
}

fn expected(sum: &Sum, pieces: &BTreeMap<String, f64>) -> f64 {
    sum.pieces.iter().map(|(piece, count)| count * pieces.get(piece).unwrap_or(&0.0)).sum()
}

/// What was fitted how well, with what is furthest off where that is too far.
fn report(core: &Core, sums: &[Sum]) -> Vec<String> {
    let mut lines = vec![format!("{}: {} sums, {} pieces", core.machines.join(", "), sums.len(), core.pieces.len())];
    for (kind, fit) in &core.fits {
        let worst = fit.above.max(fit.below);
        let Fit { count, above_insns, above, below } = fit;
        let verdict = if worst > LIMIT { "  FAR OFF: no figures where there is much of it" } else { "" };
        lines.push(format!(
            "  {kind:17} {count:4} ops, up to {above_insns:6.1} instructions above, {:5.2} % above, {:5.2} % below{verdict}",
            100.0 * above,
            100.0 * below
        ));
        if worst > LIMIT {
            let off = |sum: &&Sum| (sum.insns - expected(sum, &core.pieces)).abs() / (sum.insns + 200.0);
            let mut these: Vec<&Sum> = sums.iter().filter(|sum| sum.kind == kind).collect();
            these.sort_by(|a, b| off(b).total_cmp(&off(a)));
            for sum in these.into_iter().take(3) {
                let have = expected(sum, &core.pieces);
                lines.push(format!("    {}: {:.1} instructions, {have:.1} by its pieces", sum.what, sum.insns));
                let pieces: Vec<String> = sum
                    .pieces
                    .iter()
                    .map(|(piece, count)| format!("{count:.1} {piece} at {:.1}", core.pieces[piece]))
                    .collect();
                lines.push(format!("      {}", pieces.join(", ")));
            }
        }
    }
    lines
}

/// The file that the converter compiles in.
#[must_use]
pub fn path(root: &Path) -> PathBuf {
    root.join("tools/convert/src/cost/costs.json")
}

/// SHA-256 over the sources of the runtime, names and contents.
///
/// # Errors
/// If they cannot be read.
pub fn sources_sha256(root: &Path) -> Result<String, BenchError> {
    let mut files = Vec::new();
    list(&root.join("runtime"), &mut files)?;
    files.sort();
    let mut hash = Sha256::new();
    for path in files {
        let bytes = std::fs::read(&path).map_err(|source| BenchError::File { path: path.clone(), source })?;
        hash.update(path.strip_prefix(root).unwrap_or(&path).to_string_lossy().as_bytes());
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(&bytes);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), BenchError> {
    let failed = |source| BenchError::File { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn failed(item: &str, machine: &Machine) -> impl FnOnce(EmulateError) -> BenchError {
    let (item, machine) = (item.to_owned(), machine.name.clone());
    move |source| BenchError::Emulate { item, machine, source: Box::new(source) }
}
