//! Updates of emulated machines over their serial ports: the new model answers after a reset, and a machine that is killed at any moment runs one of the two.

use leafgate::{Arena, Model, Session};
use leafgate_emulate::{Device, FlashFile, Machine, build_binary, workspace_root};
use leafgate_tests_updates::images;
use leafgate_update::{Line, SendError, Sender};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use zerocopy::IntoBytes;

const MACHINES: [&str; 2] = ["mps2-an386", "virt"];
/// How long a boot and its samples may take on a busy host.
const BOOT: Duration = Duration::from_secs(60);

/// How often each machine is killed.
fn kills() -> u32 {
    std::env::var("LEAFGATE_KILLS").map_or(6, |text| text.parse().expect("LEAFGATE_KILLS is a number"))
}

fn samples() -> Vec<Vec<u8>> {
    (0..2_u32).map(|i| (0..64).map(|j| ((i * 37 + j * 11) % 17) as u8).collect()).collect()
}

/// What the device must say of the samples: class and checksum of the outputs.
fn answers(image: &[u8]) -> Vec<String> {
    let mut aligned = vec![0_u128; image.len() / 16];
    aligned.as_mut_bytes().copy_from_slice(image);
    let model = Model::parse(aligned.as_bytes()).unwrap();
    let mut arena = Arena::<4096>::new();
    let mut session = Session::new(&model, arena.as_mut_slice()).unwrap();
    let answer = |(i, sample): (usize, &Vec<u8>)| {
        let output = session.run(model.input(sample).unwrap()).unwrap();
        format!("sample {i}: class {}, crc32 {:#010x}", output.class().unwrap(), output.crc32())
    };
    samples().iter().enumerate().map(answer).collect()
}

/// The answers among the lines of a boot.
fn said(lines: &[String]) -> Vec<String> {
    let of_samples = lines.iter().filter(|line| line.starts_with("sample "));
    of_samples.map(|line| line.rsplit_once(", ").map_or(line.as_str(), |(answer, _)| answer).to_owned()).collect()
}

struct Bench {
    machine: &'static Machine,
    firmware: PathBuf,
    flash: FlashFile,
    _folder: tempfile::TempDir,
}

impl Bench {
    /// A machine that was flashed with this image.
    fn new(name: &str, image: &[u8]) -> Self {
        let machine = Machine::by_name(name).unwrap();
        let firmware = build_binary(&workspace_root().unwrap(), machine, &format!("{name}-update"));
        let firmware = firmware.unwrap_or_else(|error| panic!("{error}\n{}", error.hint()));
        let folder = tempfile::tempdir().unwrap();
        let flash = FlashFile::create(machine, &folder.path().join("flash"), image).unwrap();
        Self { machine, firmware, flash, _folder: folder }
    }

    fn start(&self) -> Device {
        Device::start(self.machine, &self.firmware, &self.flash, &samples()).unwrap()
    }
}

fn sender(device: &Device) -> Sender<Line> {
    Sender::new(Line::open(&format!("unix:{}", device.port().display()), 115_200).unwrap())
}

fn header_crc32(image: &[u8]) -> u32 {
    u32::from_le_bytes(image[12..16].try_into().unwrap())
}

#[test]
fn a_running_device_is_updated_and_the_new_model_answers() {
    let (old, new) = (images::zoo("digits-fff"), images::zoo("digits-moe"));
    let (old_answers, new_answers) = (answers(&old), answers(&new));
    assert_ne!(old_answers, new_answers);
    for name in MACHINES {
        let bench = Bench::new(name, &old);
        let mut device = bench.start();
        assert_eq!(said(&device.wait_for("store: ready", BOOT).unwrap()), old_answers, "{name}");
        let mut sender = sender(&device);
        let start = Instant::now();
        // What no device should take is refused there, too, and the device goes on.
        let failing = images::failing(images::small());
        let mut unlike = new.clone();
        unlike[5000] ^= 1;
        let error = sender.send(&unlike, false, |_| ()).unwrap_err();
        assert!(matches!(error, SendError::Refused(_)), "{error}");
        let delivery = sender.send(&new, false, |_| ()).unwrap();
        assert_eq!((delivery.resumed_at, delivery.was_installed), (0, false));
        let seconds = start.elapsed().as_secs_f64();
        sender.restart().unwrap();
        let lines = device.wait_for("store: ready", BOOT).unwrap();
        assert!(lines.iter().any(|line| line.contains("OnTrial")), "{name}: {lines:#?}");
        assert!(lines.iter().any(|line| line == "store: confirmed"), "{name}: {lines:#?}");
        assert_eq!(said(&lines), new_answers, "{name}");
        let report = sender.wait_for(header_crc32(&new), BOOT).unwrap();
        assert!(!report.on_trial);
        assert!(sender.send(&new, false, |_| ()).unwrap().was_installed);
        // One that fails its golden vectors falls back.
        sender.send(&failing, false, |_| ()).unwrap();
        sender.restart().unwrap();
        let lines = device.wait_for("store: ready", BOOT).unwrap();
        assert!(lines.iter().any(|line| line.contains("FellBack")), "{name}: {lines:#?}");
        assert_eq!(said(&lines), new_answers, "{name}");
        assert!(matches!(sender.wait_for(header_crc32(&failing), BOOT), Err(SendError::FellBack)));
        drop(device);
        let lines = bench.start().wait_for("store: ready", BOOT).unwrap();
        assert_eq!(said(&lines), new_answers, "{name}: after power-off");
        println!("{name}: {} B refused and {} B taken in {seconds:.2} s", unlike.len(), new.len());
    }
}

#[test]
fn a_machine_that_is_killed_runs_one_of_the_two() {
    let models = [images::zoo("digits-fff"), images::zoo("digits-moe")];
    let all_answers = models.clone().map(|image| answers(&image));
    for name in MACHINES {
        let bench = Bench::new(name, &models[0]);
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let (mut installed, mut killed, mut resumed, mut longest) = (0, 0, 0, Duration::from_millis(400));
        let mut ended = [0; 2];
        while killed < kills() {
            let next = 1 - installed;
            // Killed while it receives, restarts, tries or confirms; then made up for.
            let mut device = bench.start();
            let lines = device.wait_for("store: ready", BOOT).unwrap();
            assert_eq!(said(&lines), all_answers[installed], "{name}");
            let life = Duration::from_micros(rng.next_u64() % (longest.as_micros() as u64 * 5 / 4));
            let path = format!("unix:{}", device.port().display());
            let is_over = AtomicBool::new(false);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let mut sender = Sender::new(Line::open(&path, 115_200).unwrap());
                    // It may get anywhere, until the line is gone.
                    if sender.send(&models[next], false, |_| ()).is_ok() && sender.restart().is_ok() {
                        let _ = sender.wait_for(header_crc32(&models[next]), BOOT);
                    }
                    is_over.store(true, Ordering::Relaxed);
                });
                std::thread::sleep(life);
                killed += u32::from(!is_over.load(Ordering::Relaxed));
                drop(device);
            });
            let mut device = bench.start();
            let lines = device.wait_for("store: ready", BOOT).unwrap();
            let runs = all_answers.iter().position(|answers| *answers == said(&lines));
            let runs = runs.unwrap_or_else(|| panic!("{name}, killed after {life:?}: {lines:#?}"));
            ended[usize::from(runs == next)] += 1;
            let mut sender = sender(&device);
            let start = Instant::now();
            let delivery = sender.send(&models[next], false, |_| ()).unwrap();
            resumed += u32::from(delivery.resumed_at > 0 && !delivery.was_installed);
            if !delivery.was_installed {
                sender.restart().unwrap();
                let lines = device.wait_for("store: ready", BOOT).unwrap();
                assert_eq!(said(&lines), all_answers[next], "{name}");
                if delivery.resumed_at == 0 {
                    longest = longest.max(start.elapsed());
                }
            }
            installed = next;
        }
        let [old, new] = ended;
        println!(
            "{name}: killed {killed} times: the old model ran {old} times, the new one {new} times; {resumed} updates went on where they were"
        );
    }
}
