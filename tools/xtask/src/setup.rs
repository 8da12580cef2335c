//! Rust targets and QEMU: what is missing is installed; where that is not allowed, the one command that does it is named.

use crate::shell::{self, Failure, output};

/// Targets of the boards and of the panic-free link check.
const TARGETS: [&str; 5] = [
    "thumbv6m-none-eabi",
    "thumbv7m-none-eabi",
    "thumbv7em-none-eabihf",
    "thumbv8m.main-none-eabihf",
    "riscv32imac-unknown-none-elf",
];

/// Emulators with the Debian packages they come in.
const EMULATORS: [(&str, &str); 2] =
    [("qemu-system-arm", "qemu-system-arm"), ("qemu-system-riscv32", "qemu-system-misc")];

/// Installs what is missing.
pub fn run() -> Result<(), Failure> {
    targets()?;
    emulators()
}

fn targets() -> Result<(), Failure> {
    let by_hand = format!("rustup target add {}", TARGETS.join(" "));
    let Some(installed) = output(&["rustup", "target", "list", "--installed"]) else {
        return Err(Failure::missing(format!("rustup was not found; install the Rust targets by hand: {by_hand}")));
    };
    let missing: Vec<&str> =
        TARGETS.into_iter().filter(|target| !installed.lines().any(|line| line == *target)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("Rust targets are missing: {}", missing.join(", "));
    shell::run(&[&["rustup", "target", "add"], missing.as_slice()].concat())
}

fn emulators() -> Result<(), Failure> {
    let missing: Vec<&str> = EMULATORS
        .into_iter()
        .filter(|(program, _)| output(&[program, "--version"]).is_none())
        .map(|(_, package)| package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    eprintln!("QEMU is missing: {packages}");
    let by_hand = format!("sudo apt-get install --no-install-recommends {packages}");
    if output(&["apt-get", "--version"]).is_none() {
        return Err(Failure::missing(format!(
            "install QEMU with Arm and RISC-V system emulation; on Debian: {by_hand}"
        )));
    }
    if output(&["id", "-u"]).is_none_or(|id| id.trim() != "0") {
        return Err(Failure::missing(format!("QEMU has to be installed by an administrator: {by_hand}")));
    }
    // An outdated package list is worth a try, so a failure here is not the end.
    let _ = shell::run(&["apt-get", "update"]);
    let install = ["apt-get", "install", "--yes", "--no-install-recommends"];
    if shell::run(&[install.as_slice(), missing.as_slice()].concat()).is_ok() {
        return Ok(());
    }
    // A newer qemu-utils, from a backport, breaks the packages of the release; its own version of the release fits them.
    let Some(version) = candidate("qemu-system-common") else {
        return Err(Failure::missing(format!("apt-get could not install QEMU; try: {by_hand}")));
    };
    let utils = format!("qemu-utils={version}");
    eprintln!(
        "The installed qemu-utils does not go with QEMU of this release: it is set to version {version} along with it."
    );
    shell::run(&[install.as_slice(), &["--allow-downgrades"], missing.as_slice(), &[utils.as_str()]].concat())
        .map_err(|_| Failure::missing(format!("apt-get could not install QEMU; try: {by_hand}")))
}

/// The version of a package that apt would install.
fn candidate(package: &str) -> Option<String> {
    let policy = output(&["apt-cache", "policy", package])?;
    let line = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "))?;
    Some(line.to_owned())
}
