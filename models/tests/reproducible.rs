//! The same recipe, data and machine give the same file, byte for byte.

mod synthetic;

use leafgate_models::{Silent, train};

#[test]
fn two_runs_of_one_seed_write_the_same_bytes_and_another_seed_does_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    synthetic::write_data(folder.path(), "train.csv", 160);
    let run = |recipe: &leafgate_models::Recipe| {
        let path = folder.path().join("weights.safetensors");
        let trained = train(recipe, folder.path(), &mut Silent).expect("training succeeds");
        trained.write(&path).expect("the folder is writable");
        (std::fs::read(&path).expect("the file was written"), trained.summary().clone())
    };
    for (recipe, other) in synthetic::recipes(1).iter().zip(synthetic::recipes(2).iter()) {
        let (first, second) = (run(recipe), run(recipe));
        assert!(first.0 == second.0, "two runs of {:?} differ", recipe.model);
        assert_eq!(first.1, second.1, "two summaries of {:?} differ", recipe.model);
        assert!(first.0 != run(other).0, "{:?} does not depend on the seed", recipe.model);
    }
}
