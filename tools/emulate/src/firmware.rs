//! Firmware files: built by cargo, read as ELF.

use crate::{EmulateError, Machine, features, machine::machines};
use leafgate_board_support::table::MARKER_PREFIX;
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, SectionKind, SymbolKind};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// The root of the workspace that firmware is built from: around the current folder, or where this was built.
///
/// # Errors
/// If there is none.
pub fn workspace_root() -> Result<PathBuf, EmulateError> {
    let is_root =
        |folder: &&Path| folder.join("boards/app/Cargo.toml").is_file() && folder.join("Cargo.lock").is_file();
    let current = std::env::current_dir().unwrap_or_default();
    let built = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = current.ancestors().find(is_root).or_else(|| built.ancestors().find(is_root));
    found.map(Path::to_owned).ok_or(EmulateError::NoWorkspace)
}

/// Builds the application with every feature for a machine, and returns the path of its ELF file. A second call costs little: cargo
/// looks what has changed.
///
/// # Errors
/// If cargo cannot be started or fails.
pub fn build_firmware(workspace_root: &Path, machine: &Machine) -> Result<PathBuf, EmulateError> {
    build_binary(workspace_root, machine, &machine.name)
}

/// Builds the application with the features that an image needs: the firmware that would be flashed with it. What has been built in this
/// process is not built again.
///
/// # Errors
/// If cargo cannot be started or fails.
pub fn build_firmware_for(workspace_root: &Path, machine: &Machine, image: &[u8]) -> Result<PathBuf, EmulateError> {
    static BUILT: Mutex<BTreeMap<[PathBuf; 2], PathBuf>> = Mutex::new(BTreeMap::new());
    let Some(features) = features::needed(image) else { return build_firmware(workspace_root, machine) };
    let (what, named) = (["--bin", machine.name.as_str()], features.join(","));
    let options = ["--no-default-features", "--features", &named];
    let folder = if features.is_empty() { "emulate-plain".into() } else { format!("emulate-{}", features.join("-")) };
    let key = [workspace_root.join(&folder), PathBuf::from(&machine.name)];
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(firmware) = built.get(&key) {
        return Ok(firmware.clone());
    }
    let arguments = [build_arguments(machine, what).as_slice(), &options].concat();
    let command = format!("{} {}", build_command(machine, what), options.join(" "));
    let target = cargo(workspace_root, &arguments, machine.rustflags().join("\u{1f}"), command, &folder, None)?;
    let firmware = target.join(&machine.target).join("firmware").join(&machine.name);
    built.insert(key, firmware.clone());
    Ok(firmware)
}

/// Builds another binary of the machine's package, with every feature.
///
/// The files go to a folder of their own in the target folder, so that a build can be made while another cargo command waits
/// for it.
///
/// # Errors
/// If cargo cannot be started or fails.
pub fn build_binary(workspace_root: &Path, machine: &Machine, binary: &str) -> Result<PathBuf, EmulateError> {
    Ok(build(workspace_root, machine, ["--bin", binary])?.join(binary))
}

/// Builds an example of the machine's package.
///
/// # Errors
/// If cargo cannot be started or fails.
pub fn build_example(workspace_root: &Path, machine: &Machine, example: &str) -> Result<PathBuf, EmulateError> {
    Ok(build(workspace_root, machine, ["--example", example])?.join("examples").join(example))
}

/// Builds the plugin that counts for [`Emulation::profile`](crate::Emulation::profile), for this host, and returns its path.
///
/// # Errors
/// If cargo cannot be started or fails.
pub fn build_plugin(workspace_root: &Path) -> Result<PathBuf, EmulateError> {
    let command = format!("cargo {}", PLUGIN_ARGUMENTS.join(" "));
    let target = cargo(workspace_root, &PLUGIN_ARGUMENTS, String::new(), command, ALL, None)?;
    Ok(target.join("release").join(PLUGIN_FILE))
}

/// The file of the plugin.
const PLUGIN_FILE: &str = "libleafgate_emulate_plugin.so";

/// The arguments that build the plugin.
pub(crate) const PLUGIN_ARGUMENTS: [&str; 4] = ["build", "--release", "--package", "leafgate-emulate-plugin"];

/// Builds, and returns the folder that the files are in.
fn build(workspace_root: &Path, machine: &Machine, what: [&str; 2]) -> Result<PathBuf, EmulateError> {
    let flags = machine.rustflags().join("\u{1f}");
    let command = build_command(machine, what);
    let target = cargo(workspace_root, &build_arguments(machine, what), flags, command, ALL, None)?;
    Ok(target.join(&machine.target).join("firmware"))
}

/// Builds the application for a machine with a network compiled into it: the module that `leafgate convert --emit rust` has written.
///
/// # Errors
/// If cargo cannot be started or fails.
pub fn build_compiled(workspace_root: &Path, machine: &Machine, module: &Path) -> Result<PathBuf, EmulateError> {
    let flags = machine.rustflags().join("\u{1f}");
    let what = ["--bin", machine.name.as_str()];
    let arguments = [build_arguments(machine, what).as_slice(), &["--features", "compiled"]].concat();
    let module = module.canonicalize().map_err(EmulateError::io(format!("finding {}", module.display())))?;
    // Loops become vectors where there are any; but a build for size makes none of them when it links.
    let opt_level = machine.has_vectors().then_some("3");
    let command = format!("LEAFGATE_MODULE={} {} --features compiled", module.display(), build_command(machine, what));
    let compiled = Some(Compiled { module: &module, opt_level });
    let target = cargo(workspace_root, &arguments, flags, command, "emulate-compiled", compiled)?;
    Ok(target.join(&machine.target).join("firmware").join(&machine.name))
}

/// What a build with a compiled network differs in.
struct Compiled<'m> {
    module: &'m Path,
    /// Of the whole firmware, if it is not the profile's.
    opt_level: Option<&'static str>,
}

/// The folder of what is built with every feature.
const ALL: &str = "emulate";

/// Calls cargo, and returns the target folder. `command` is what people would type. `folder` is for one choice of features, and one more
/// for networks that are compiled in: what is built with one takes the place of nothing else.
fn cargo(
    workspace_root: &Path,
    arguments: &[&str],
    rustflags: String,
    command: String,
    folder: &str,
    compiled: Option<Compiled<'_>>,
) -> Result<PathBuf, EmulateError> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace_root.join("target"), PathBuf::from);
    let (module, opt_level) = compiled.map_or((None, None), |Compiled { module, opt_level }| (Some(module), opt_level));
    let target = workspace_root.join(target).join(folder);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(workspace_root)
        .args(arguments)
        .arg("--target-dir")
        .arg(&target)
        // The flags of whatever has started this process are not the firmware's.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags)
        .env_remove("LEAFGATE_MODULE")
        .envs(module.map(|module| ("LEAFGATE_MODULE", module.as_os_str())))
        .envs(opt_level.map(|level| ("CARGO_PROFILE_FIRMWARE_OPT_LEVEL", level)))
        .output()
        .map_err(EmulateError::io("starting cargo"))?;
    if !output.status.success() {
        let output = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(EmulateError::Build { command, output });
    }
    Ok(target)
}

fn build_arguments<'a>(machine: &'a Machine, what: [&'a str; 2]) -> [&'a str; 9] {
    let ([kind, name], Machine { package, .. }) = (what, machine);
    ["build", "--profile", "firmware", "--package", package, kind, name, "--target", &machine.target]
}

/// The command that builds a firmware for a machine, to be shown to people.
pub(crate) fn build_command(machine: &Machine, what: [&str; 2]) -> String {
    let flags = machine.rustflags().join(" ");
    let flags = if flags.is_empty() { flags } else { format!("RUSTFLAGS='{flags}' ") };
    format!("{flags}cargo {}", build_arguments(machine, what).join(" "))
}

/// The machine that a firmware was linked for: it bears a mark from the machine's linker script.
///
/// # Errors
/// If the file cannot be read, or has no mark or an unknown one.
pub fn machine_of(firmware: &Path) -> Result<&'static Machine, EmulateError> {
    let bytes = std::fs::read(firmware).map_err(EmulateError::io(format!("reading {}", firmware.display())))?;
    machine_of_elf(firmware, &bytes)
}

pub(crate) fn machine_of_elf(path: &Path, bytes: &[u8]) -> Result<&'static Machine, EmulateError> {
    let no_firmware = |reason: String| EmulateError::NoFirmware { path: path.to_owned(), reason };
    let file = object::File::parse(bytes).map_err(|error| no_firmware(error.to_string()))?;
    let marker = file
        .symbols()
        .filter_map(|symbol| symbol.name().ok())
        .find(|name| name.starts_with(MARKER_PREFIX))
        .ok_or_else(|| no_firmware("it does not say for which machine".into()))?;
    machines()
        .iter()
        .find(|machine| machine.marker() == marker)
        .ok_or_else(|| no_firmware(format!("it is for a machine unknown here ({marker})")))
}

/// What a firmware takes of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Code.
    pub text_bytes: u64,
    /// The part of it that is functions of the runtime. What the compiler has inlined into the application is not in it, nor
    /// are the compiler's own routines.
    pub runtime_text_bytes: u64,
    /// Code, constants and the initial values of data: what is flashed.
    pub flash_bytes: u64,
    /// Static data, the arena included, the stack not; and what of the code is in RAM.
    pub ram_bytes: u64,
    /// Code in RAM, which is in flash as well: the kernels, where the machine's `place` is `ram`, and the veneers that lead from them.
    pub ram_text_bytes: u64,
}

impl Sizes {
    /// Reads them from an ELF file.
    ///
    /// # Errors
    /// If the file cannot be read or is no ELF file.
    pub fn of(firmware: &Path) -> Result<Self, EmulateError> {
        let bytes = std::fs::read(firmware).map_err(EmulateError::io(format!("reading {}", firmware.display())))?;
        let file = object::File::parse(&*bytes)
            .map_err(|error| EmulateError::NoFirmware { path: firmware.to_owned(), reason: error.to_string() })?;
        let runtime_text_bytes = runtime_text_bytes(&file);
        let mut sizes = Sizes { text_bytes: 0, runtime_text_bytes, flash_bytes: 0, ram_bytes: 0, ram_text_bytes: 0 };
        // A file that names no machine has its code where it says.
        let ram = machine_of_elf(firmware, &bytes).ok().map(|machine| machine.ram);
        let is_in_ram = |address: u64| ram.is_some_and(|ram| (u64::from(ram.origin)..ram.end()).contains(&address));
        for section in file.sections() {
            let SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
            let has = |flag| sh_flags & flag == flag;
            // The stack is a fictitious section of riscv-rt; its size is in the board table.
            if !has(object::elf::SHF_ALLOC) || section.name() == Ok(".stack") {
                continue;
            }
            let bytes = section.size();
            let writable = has(object::elf::SHF_WRITE);
            let zeroed = matches!(section.kind(), SectionKind::UninitializedData);
            let is_text = section.kind() == SectionKind::Text;
            let copied = if is_text && !writable && is_in_ram(section.address()) { bytes } else { 0 };
            sizes.text_bytes += if is_text { bytes } else { 0 };
            sizes.ram_text_bytes += copied;
            sizes.flash_bytes += if zeroed { 0 } else { bytes };
            sizes.ram_bytes += if writable || zeroed { bytes } else { copied };
        }
        Ok(sizes)
    }
}

/// What a crate takes in a firmware, by its symbols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CrateSizes {
    /// Its functions.
    pub text_bytes: u64,
    /// Its constants that have names.
    pub constant_bytes: u64,
}

impl CrateSizes {
    /// Reads those of the crate that symbols name `krate`.
    ///
    /// # Errors
    /// If the file cannot be read or is no ELF file.
    pub fn of(firmware: &Path, krate: &str) -> Result<Self, EmulateError> {
        let bytes = std::fs::read(firmware).map_err(EmulateError::io(format!("reading {}", firmware.display())))?;
        let file = object::File::parse(&*bytes)
            .map_err(|error| EmulateError::NoFirmware { path: firmware.to_owned(), reason: error.to_string() })?;
        let bytes_of = |kind: SymbolKind| {
            let symbols = file.symbols().filter(|symbol| symbol.kind() == kind);
            let own = symbols.filter(|symbol| symbol.name().is_ok_and(|name| crate_of(name).as_deref() == Some(krate)));
            own.map(|symbol| (symbol.address(), symbol.size())).collect::<BTreeMap<_, _>>().values().sum()
        };
        Ok(Self { text_bytes: bytes_of(SymbolKind::Text), constant_bytes: bytes_of(SymbolKind::Data) })
    }
}

/// Crates of the runtime, as symbols name them.
const RUNTIME: [&str; 3] = ["leafgate", "leafgate_image", "leafgate_kernels"];

/// Bytes of the functions of the runtime.
fn runtime_text_bytes(file: &object::File<'_>) -> u64 {
    // Equal functions are merged: several names, one code.
    let functions: BTreeMap<u64, u64> = file
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.name().is_ok_and(is_runtime))
        .map(|symbol| (symbol.address(), symbol.size()))
        .collect();
    functions.values().sum()
}

/// Whether a symbol is a function of the runtime.
fn is_runtime(symbol: &str) -> bool {
    crate_of(symbol).is_some_and(|krate| RUNTIME.contains(&krate.as_str()))
}

/// The crate of a symbol: an implementation counts for the type's crate, not for the trait's.
fn crate_of(symbol: &str) -> Option<String> {
    let name = format!("{:#}", rustc_demangle::demangle(symbol));
    let path = name.trim_start_matches(['<', '&', '[', '(']).trim_start_matches("mut ");
    path.split_once("::").map(|(krate, _)| krate.to_owned())
}

#[cfg(test)]
mod tests {
    use super::is_runtime;

    #[test]
    fn functions_of_the_runtime_are_told_by_their_crate() {
        for symbol in [
            "_ZN8leafgate3ops3map3run17h0123456789abcdefE",
            "_ZN14leafgate_image4view4View5zeros17h0123456789abcdefE",
            "_ZN16leafgate_kernels8portable5dense3dot17h0123456789abcdefE",
            "_ZN69_$LT$leafgate..input..InputError$u20$as$u20$defmt..traits..Format$GT$12_format_data17h0123456789abcdefE",
            "_RNvNtCs1234_8leafgate3ops3run",
        ] {
            assert!(is_runtime(symbol), "{symbol}");
        }
        for symbol in [
            "_ZN12leafgate_app3run6stages17h0123456789abcdefE",
            "_ZN22leafgate_board_support5stack7measure17h0123456789abcdefE",
            "_ZN17compiler_builtins3mem6memcpy17h0123456789abcdefE",
            "_ZN70_$LT$leafgate_app..samples..Error$u20$as$u20$defmt..traits..Format$GT$12_format_data17h0123456789abcdefE",
            "__aeabi_memcpy",
            "leafgate",
        ] {
            assert!(!is_runtime(symbol), "{symbol}");
        }
    }
}
