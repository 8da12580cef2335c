//! idx images are read as the recipe says, or refused with what is wrong.

mod synthetic;

use std::path::Path;

use leafgate_models::Recipe;
use leafgate_models::data::{Rows, Split};
use leafgate_models::recipe::Idx;

fn recipe(shrink: usize) -> Recipe {
    let mut recipe = synthetic::recipe(1, "[model.fff]\ndepth = 1\nleaf = 2\nmaster = 0", "");
    recipe.data.train = "images".into();
    recipe.data.idx = Some(Idx { train_labels: "labels".into(), test_labels: "labels".into(), shrink });
    (recipe.input.min, recipe.input.max) = (-128, 127);
    recipe
}

/// 20 images of 8 x 16 pixels, of which image `i` is `i` in the upper left of every square of 2 x 2 and `i + 2` elsewhere.
fn write(folder: &Path) {
    let mut images = vec![0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 8, 0, 0, 0, 16];
    let pixel =
        |image: u8, at: usize| if (at / 16).is_multiple_of(2) && at.is_multiple_of(2) { image } else { image + 2 };
    (0..20).for_each(|image| images.extend((0..128).map(|at| pixel(image, at))));
    let labels = [&[0, 0, 8, 1, 0, 0, 0, 20][..], &[0, 1].repeat(10)].concat();
    std::fs::write(folder.join("images"), images).expect("the folder is writable");
    std::fs::write(folder.join("labels"), labels).expect("the folder is writable");
}

#[test]
fn images_are_shrunk_and_written_as_rows() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path());
    let rows = Rows::read_train(folder.path(), &recipe(2)).expect("the files are right");
    assert_eq!(rows.len(), 20);
    for row in 0..20 {
        // (i + 3 * (i + 2)) / 4 = i + 1.5, rounded up, less 128.
        assert_eq!((rows.features(row), rows.label(row)), (&[-126 + row as i8; 32][..], row % 2));
    }
    let path = folder.path().join("rows.csv");
    rows.write_csv(&path, 3, &recipe(2)).expect("the folder is writable");
    let text = std::fs::read_to_string(&path).expect("there");
    assert_eq!(text.lines().count(), 3);
    assert_eq!(text.lines().nth(1), Some(format!("{}1", "3,".repeat(32)).as_str()));
    let split = Split::read(folder.path(), &recipe(2)).expect("the files are right");
    assert_eq!((split.train.len(), split.validation.len()), (15, 5));
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let refusal = |shrink| {
        let error = Rows::read_train(folder.path(), &recipe(shrink)).expect_err("must be refused").to_string();
        error.replace(&folder.path().display().to_string(), "DATA")
    };
    assert!(refusal(2).starts_with("no data file DATA/images: fetch the data set"));
    write(folder.path());
    assert_eq!(refusal(1), "DATA/images: images of 8 x 16 pixels, shrunk by 1, have 128, but `data.features` is 32");
    let change = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        write(folder.path());
        let mut bytes = std::fs::read(folder.path().join(name)).expect("there");
        change(&mut bytes);
        std::fs::write(folder.path().join(name), bytes).expect("written");
        refusal(2)
    };
    let message = change("images", &|bytes| bytes.truncate(9));
    assert_eq!(message, "DATA/images: 9 bytes are too few for the head of an idx file");
    let message = change("images", &|bytes| bytes.truncate(bytes.len() - 1));
    assert_eq!(message, "DATA/images: dimensions [20, 8, 16] do not make the 2559 values that follow");
    let message = change("images", &|bytes| bytes[2] = 0x0d);
    assert!(message.contains("want the magic number [0, 0, 8, 3]") && message.contains("[0, 0, 13, 3]"), "{message}");
    let message = change("images", &|bytes| bytes[4..16].fill(255));
    assert!(message.contains("do not make"), "{message}");
    let message = change("labels", &|bytes| {
        bytes[7] = 19;
        bytes.truncate(27);
    });
    assert_eq!(message, "DATA/labels: 19 classes, but DATA/images holds 20 images");
    let message = change("labels", &|bytes| bytes[8 + 4] = 7);
    assert_eq!(message, "DATA/labels, row 5: label `7` is no class of 0..2; `labels` in the recipe names 2");
    let message = change("images", &|bytes| *bytes = vec![0x1f, 0x8b, 8, 0, 1, 2, 3]);
    assert!(message.starts_with("cannot read DATA/images: "), "{message}");
}
