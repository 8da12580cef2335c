//! Every recipe of the zoo is valid, and says what its place says.

use std::path::Path;

use leafgate_models::Recipe;

#[test]
fn every_recipe_of_the_zoo_is_valid() {
    let zoo = Path::new(env!("CARGO_MANIFEST_DIR")).join("zoo");
    let mut seen = 0;
    for folder in std::fs::read_dir(&zoo).expect("the zoo is there").map(|entry| entry.expect("readable").path()) {
        let Ok(files) = std::fs::read_dir(&folder) else { continue };
        for path in files.map(|entry| entry.expect("readable").path()) {
            if path.extension().is_some_and(|extension| extension == "toml") {
                let recipe = Recipe::read(&path).unwrap_or_else(|error| panic!("{error}"));
                let place = folder.file_name().and_then(|name| name.to_str()).expect("a name in UTF-8");
                assert!(recipe.name.starts_with(place), "{} in {place}", recipe.name);
                seen += 1;
            }
        }
    }
    assert!(seen >= 4, "{seen} recipes");
}

#[test]
fn a_recipe_survives_being_written_and_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("zoo/digits-gates/recipe.toml");
    let recipe = Recipe::read(&path).expect("the recipe is valid");
    let text = toml::to_string(&recipe).expect("a recipe is TOML");
    assert_eq!(Recipe::parse(&text, &path).expect("the recipe is valid"), recipe);
}
