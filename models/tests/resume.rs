//! A run that was interrupted, however it was, ends in the same bits as one that was not.

mod synthetic;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use leafgate_models::{
    EpochReport, Existing, Options, Progress, Recipe, Silent, Summary, TrainError, Trained, train, train_with,
};

/// The recipe with noise, so that its stream has to be kept too.
fn noisy(mut recipe: Recipe) -> Recipe {
    if matches!(recipe.model, leafgate_models::recipe::Model::Gates(_)) {
        recipe.phases.iter_mut().for_each(|phase| phase.gumbel = true);
    }
    recipe
}

/// The bytes of the network and the summary.
fn outcome(trained: &Trained, folder: &Path) -> (Vec<u8>, Summary) {
    let path = folder.join("outcome.safetensors");
    trained.write(&path).expect("the folder is writable");
    (std::fs::read(path).expect("the file was written"), trained.summary().clone())
}

/// Raises its flag after so many batches.
struct After<'a>(usize, &'a AtomicBool);

impl Progress for After<'_> {
    fn started(&mut self, _: &Recipe, _: usize, _: usize) {}
    fn batch(&mut self, _: f64) {
        self.0 = self.0.saturating_sub(1);
        if self.0 == 0 {
            self.1.store(true, Ordering::Relaxed);
        }
    }
    fn epoch(&mut self, _: &EpochReport) {}
    fn finished(&mut self) {}
}

#[test]
fn stopped_again_and_again_a_run_ends_in_the_same_bits() {
    let data = tempfile::tempdir().expect("a temporary folder");
    synthetic::write_data(data.path(), "train.csv", 160);
    for recipe in synthetic::recipes(1).map(noisy) {
        let whole = train(&recipe, data.path(), &mut Silent).expect("training succeeds");
        let run = tempfile::tempdir().expect("a temporary folder");
        // 8 epochs of 8 batches: 11 at a time ends within an epoch, at the end of one, and across the phases.
        let mut interruptions = 0;
        let resumed = loop {
            let stop = AtomicBool::new(false);
            let existing = Existing::Resume;
            let options = Options { folder: Some(run.path()), existing, stop: Some(&stop), ..Options::default() };
            match train_with(&recipe, data.path(), options, &mut After(11, &stop)) {
                Ok(trained) => break trained,
                Err(TrainError::Interrupted { checkpoint: Some(path) }) => assert!(path.is_file()),
                Err(error) => panic!("{error}"),
            }
            interruptions += 1;
            for name in ["weights.safetensors", "log.json", "curve.svg"] {
                assert!(run.path().join(name).is_file(), "{name}");
            }
        };
        assert_eq!(interruptions, 5);
        let (whole, resumed) = (outcome(&whole, data.path()), outcome(&resumed, data.path()));
        assert!(whole.0 == resumed.0, "the weights of {:?} differ", recipe.model);
        assert_eq!(whole.1, resumed.1, "the summaries differ");
        // What the folder holds at the end is the network.
        assert!(std::fs::read(run.path().join("weights.safetensors")).expect("there") == whole.0);
        let log = std::fs::read_to_string(run.path().join("log.json")).expect("there");
        let log: serde_json::Value = serde_json::from_str(&log).expect("JSON");
        assert_eq!((log["finished"].as_bool(), log["epochs"].as_array().map(Vec::len)), (Some(true), Some(8)));
    }
}

const RUN: &str = "LEAFGATE_TEST_RUN";

fn killed_recipe() -> Recipe {
    let gates = "[model.gates]\nthresholds = [4.5, 8.5]\nlayers = [128, 64]\ntau = 2.0\ngate = \"table\"\nresidual = 2.0\n\
                 noise = 1.0";
    let mut recipe = synthetic::recipe(3, gates, "");
    recipe.phases.iter_mut().for_each(|phase| phase.epochs *= 10);
    recipe
}

/// What is killed: run only by the test below, which names the folder.
#[test]
#[ignore = "a part of `killed_at_any_time_a_run_ends_in_the_same_bits`"]
fn a_run_to_be_killed() {
    let Some(folder) = std::env::var_os(RUN) else { return };
    let folder = Path::new(&folder);
    let (run, existing) = (folder.join("run"), Existing::Resume);
    let options = Options { folder: Some(&run), existing, checkpoint_every: Duration::ZERO, ..Options::default() };
    let trained = train_with(&killed_recipe(), folder, options, &mut Silent).expect("training succeeds");
    trained.write(&folder.join("done.safetensors")).expect("the folder is writable");
}

#[test]
fn killed_at_any_time_a_run_ends_in_the_same_bits() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    synthetic::write_data(folder.path(), "train.csv", 160);
    let whole = train(&killed_recipe(), folder.path(), &mut Silent).expect("training succeeds");
    let done = folder.path().join("done.safetensors");
    let (mut kills, begun) = (0, Instant::now());
    while !done.is_file() {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "a_run_to_be_killed", "--ignored"])
            .env(RUN, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        // Longer every time, so that it gets somewhere on any machine; wherever it is then, it is killed there.
        std::thread::sleep(Duration::from_millis(150 + 130 * kills));
        if !matches!(child.try_wait(), Ok(Some(_))) {
            kills += 1;
            let _ = child.kill();
        }
        let _ = child.wait();
        assert!(begun.elapsed() < Duration::from_secs(300), "{kills} kills and no end");
    }
    assert!(kills > 0, "the run was over before it could be killed");
    assert!(std::fs::read(done).expect("there") == outcome(&whole, folder.path()).0, "after {kills} kills");
}

#[test]
fn a_run_that_diverges_keeps_its_last_good_checkpoint() {
    let data = tempfile::tempdir().expect("a temporary folder");
    synthetic::write_data(data.path(), "train.csv", 160);
    let mut recipe = synthetic::recipe(1, "[model.fff]\ndepth = 1\nleaf = 2\nmaster = 0", "");
    recipe.phases[1].lr.start = 1e38;
    let run = tempfile::tempdir().expect("a temporary folder");
    let every = Duration::ZERO;
    let options = Options { folder: Some(run.path()), checkpoint_every: every, ..Options::default() };
    let error = train_with(&recipe, data.path(), options, &mut Silent).expect_err("must be refused").to_string();
    assert!(error.contains("phase `hard`, epoch 1") && error.contains("lower that phase's `lr`"), "{error}");
    let weights = std::fs::read(run.path().join("weights.safetensors")).expect("the last good network");
    let tensors = safetensors::SafeTensors::deserialize(&weights).expect("whole");
    for (name, tensor) in tensors.tensors() {
        let finite = |bytes: &[u8; 4]| f32::from_le_bytes(*bytes).is_finite();
        assert!(tensor.data().as_chunks().0.iter().all(finite), "{name}");
    }
}

/// What is said of the checkpoint in `run` when `recipe` is to be trained there.
fn refusal(recipe: &Recipe, data: &Path, run: &Path, existing: Existing) -> String {
    let options = Options { folder: Some(run), existing, ..Options::default() };
    let error = train_with(recipe, data, options, &mut Silent).expect_err("must be refused");
    error.to_string().replace(&run.display().to_string(), "RUN")
}

#[test]
fn a_checkpoint_that_does_not_fit_is_refused() {
    let (data, run) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    synthetic::write_data(data.path(), "train.csv", 160);
    let recipe = synthetic::recipe(1, "[model.fff]\ndepth = 1\nleaf = 2\nmaster = 0", "");
    let stop = AtomicBool::new(true);
    let options = Options { folder: Some(run.path()), stop: Some(&stop), ..Options::default() };
    train_with(&recipe, data.path(), options, &mut Silent).expect_err("must be interrupted");

    let refused = |recipe: &Recipe, existing| refusal(recipe, data.path(), run.path(), existing);
    let message = refused(&recipe, Existing::Protect);
    assert!(message.starts_with("RUN/checkpoint.safetensors is of a run that was interrupted"), "{message}");
    let other = Recipe { seed: 2, ..recipe.clone() };
    let message = refused(&other, Existing::Resume);
    assert_eq!(message, "RUN/checkpoint.safetensors belongs to a run of another recipe");

    let rows = std::fs::read_to_string(data.path().join("train.csv")).expect("there");
    std::fs::write(data.path().join("train.csv"), rows.lines().skip(1).collect::<Vec<_>>().join("\n"))
        .expect("written");
    let message = refused(&recipe, Existing::Resume);
    assert_eq!(message, "RUN/checkpoint.safetensors belongs to a run on other data");
    std::fs::write(data.path().join("train.csv"), rows).expect("written");

    let path = run.path().join("checkpoint.safetensors");
    let whole = std::fs::read(&path).expect("there");
    for length in [0, 7, 100, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).expect("written");
        let message = refused(&recipe, Existing::Resume);
        assert!(message.contains("is no checkpoint that this version can read"), "{length}: {message}");
    }
    // A file of weights is no checkpoint either.
    std::fs::copy(run.path().join("weights.safetensors"), &path).expect("copied");
    assert!(refused(&recipe, Existing::Resume).contains("no checkpoint"));

    let options = Options { folder: Some(run.path()), existing: Existing::Replace, ..Options::default() };
    train_with(&recipe, data.path(), options, &mut Silent).expect("begins anew");
}
