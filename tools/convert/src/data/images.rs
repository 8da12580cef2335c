//! A folder of PNG images, grey or RGB, sorted by name; a folder of such folders, of which each is a class.
//!
//! A pixel's values are 0 to 255: fewer bits are scaled to that, palettes are resolved. Nothing is resized, and sixteen bits or an alpha channel are
//! refused: what to make of them is for whoever knows the network.

use super::{MAX_BYTES, Samples, admit, check_count, unreadable};
use crate::error::ConvertError;
use crate::ir::InputSpec;
use png::{BitDepth, ColorType, Decoder, Limits, Transformations};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Reads the images of a folder. Colours come pixel by pixel, or if `channels_first` all of red, then green, then blue.
///
/// Sub-folders are classes: named by their numbers, or by the network's labels in `classes`, or if it has none, numbered in the order of their names.
///
/// # Errors
/// If the folder cannot be read, holds something else, an image is damaged or has not `input.len` values, or a value is not admissible.
pub fn load_images(
    folder: &Path,
    input: &InputSpec,
    offset: i32,
    classes: &[String],
    channels_first: bool,
) -> Result<Samples, ConvertError> {
    let (images, folders) = entries(folder)?;
    let mut inputs = Vec::new();
    let mut read = |images: &[PathBuf]| -> Result<(), ConvertError> {
        check_count(folder, inputs.len() + images.len())?;
        let bytes = (inputs.len() + images.len()) as u64 * input.len as u64;
        if bytes > MAX_BYTES {
            let (place, what) = (folder.display().to_string(), "the size of all images in bytes".into());
            return Err(ConvertError::TooLarge { place, what, want: MAX_BYTES, have: bytes });
        }
        for path in images {
            inputs.push(image(path, input, offset, channels_first)?);
        }
        Ok(())
    };
    let labels = match (images.as_slice(), folders.as_slice()) {
        ([], []) => return Err(unreadable(folder, "a folder without PNG images".into())),
        (images, []) => {
            read(images)?;
            None
        }
        ([], folders) => {
            let mut labels = Vec::new();
            for (path, class) in folders.iter().zip(numbers(folder, folders, classes)?) {
                let (images, deeper) = entries(path)?;
                if let Some(deeper) = deeper.first() {
                    return Err(unreadable(deeper, "a folder in the folder of a class".into()));
                }
                read(&images)?;
                labels.extend(vec![class; images.len()]);
            }
            Some(labels)
        }
        ([image, ..], [_, ..]) => {
            return Err(unreadable(image, "an image beside the folders of the classes".into()));
        }
    };
    if inputs.is_empty() {
        return Err(unreadable(folder, "a folder without PNG images".into()));
    }
    Ok(Samples { inputs, labels })
}

/// Images and sub-folders, each sorted by name. Hidden files are no samples; anything else is not passed over in silence.
fn entries(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), ConvertError> {
    let io = |source| ConvertError::Io { path: folder.to_owned(), source };
    let (mut images, mut folders) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            continue;
        }
        if path.is_dir() {
            folders.push(path);
        } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png")) {
            images.push(path);
        } else {
            return Err(unreadable(&path, "not a .png file, in a folder of images".into()));
        }
        check_count(folder, images.len().max(folders.len()))?;
    }
    images.sort();
    folders.sort();
    Ok((images, folders))
}

/// The number of the class of each sub-folder.
fn numbers(folder: &Path, folders: &[PathBuf], classes: &[String]) -> Result<Vec<u32>, ConvertError> {
    let names: Vec<String> =
        folders.iter().map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned()).collect();
    if let Ok(numbers) = names.iter().map(|name| name.parse()).collect::<Result<Vec<u32>, _>>() {
        return Ok(numbers);
    }
    if classes.is_empty() {
        return Ok((0..folders.len() as u32).collect());
    }
    let number = |name: &String| {
        let number = classes.iter().position(|class| class == name).map(|number| number as u32);
        number.ok_or_else(|| ConvertError::Range {
            place: folder.display().to_string(),
            what: "the name of a sub-folder".into(),
            want: format!("a number, or one of the network's classes: {}", classes.join(", ")),
            have: format!("`{name}`"),
        })
    };
    names.iter().map(number).collect()
}

fn image(path: &Path, input: &InputSpec, offset: i32, channels_first: bool) -> Result<Vec<i8>, ConvertError> {
    let file = File::open(path).map_err(|source| ConvertError::Io { path: path.to_owned(), source })?;
    let damaged = |error: png::DecodingError| unreadable(path, format!("a damaged PNG image: {error}"));
    // A network of a microcontroller reads far fewer bytes; what a header claims is checked before it is believed.
    let mut decoder = Decoder::new_with_limits(BufReader::new(file), Limits { bytes: 1 << 26 });
    decoder.set_transformations(Transformations::EXPAND);
    decoder.ignore_checksums(false);
    decoder.set_ignore_text_chunk(true);
    let info = decoder.read_header_info().map_err(damaged)?;
    let pixels = u64::from(info.width) * u64::from(info.height);
    let (width, height) = (info.width, info.height);
    if pixels > input.len as u64 {
        return Err(size(path, input, format!("{width} x {height} pixels")));
    }
    let mut reader = decoder.read_info().map_err(damaged)?;
    let channels = match reader.output_color_type() {
        (ColorType::Grayscale, BitDepth::Eight) => 1,
        (ColorType::Rgb, BitDepth::Eight) => 3,
        (ColorType::Grayscale | ColorType::Rgb, _) => {
            return Err(unreadable(path, "a PNG image of 16 bits a value, wanted 8 or fewer".into()));
        }
        _ => return Err(unreadable(path, "a PNG image with an alpha channel, wanted grey or RGB".into())),
    };
    let values = pixels as usize * channels;
    if values != input.len {
        return Err(size(path, input, format!("{values}, of {width} x {height} pixels of {channels}")));
    }
    let mut bytes = vec![0; values];
    reader.next_frame(&mut bytes).map_err(damaged)?;
    reader.finish().map_err(damaged)?;
    let admit = |(element, from): (usize, usize)| {
        admit(bytes[from], input, offset, || format!("{}, element {element}", path.display()))
    };
    let pixels = pixels as usize;
    let from = |element: usize| match channels_first {
        true => element % pixels * channels + element / pixels,
        false => element,
    };
    (0..values).map(|element| admit((element, from(element)))).collect()
}

fn size(path: &Path, input: &InputSpec, have: String) -> ConvertError {
    ConvertError::Range {
        place: path.display().to_string(),
        what: "the number of values of the image".into(),
        want: format!("{}, the length of the input", input.len),
        have,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUT: InputSpec = InputSpec { len: 6, scale: 1.0, zero_point: 0.0, min: -128, max: 127 };

    fn write(path: &Path, (width, height): (u32, u32), color: ColorType, depth: BitDepth, data: &[u8]) {
        let mut encoder = png::Encoder::new(File::create(path).unwrap(), width, height);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == ColorType::Indexed {
            encoder.set_palette(vec![0, 0, 0, 10, 20, 30]);
        }
        encoder.write_header().unwrap().write_image_data(data).unwrap();
    }

    fn grey(path: &Path, data: &[u8; 6]) {
        write(path, (3, 2), ColorType::Grayscale, BitDepth::Eight, data);
    }

    fn load(folder: &Path, classes: &[&str]) -> Result<Samples, String> {
        let classes: Vec<String> = classes.iter().map(|class| (*class).to_owned()).collect();
        load_images(folder, &INPUT, 128, &classes, false).map_err(|error| error.to_string())
    }

    #[test]
    fn images_come_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        grey(&folder.path().join("b.png"), &[6, 5, 4, 3, 2, 1]);
        grey(&folder.path().join("a.PNG"), &[0, 1, 2, 3, 4, 255]);
        std::fs::write(folder.path().join(".hidden"), "").unwrap();
        let samples = load(folder.path(), &[]).unwrap();
        assert_eq!(samples.inputs, [[-128, -127, -126, -125, -124, 127], [-122, -123, -124, -125, -126, -127]]);
        assert_eq!(samples.labels, None);
        std::fs::write(folder.path().join("c.jpg"), "").unwrap();
        assert!(load(folder.path(), &[]).unwrap_err().contains("c.jpg: not a .png file"));
    }

    #[test]
    fn colours_and_bits_become_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let load = |channels_first| {
            let samples = load_images(folder.path(), &INPUT, 128, &[], channels_first);
            samples.map(|samples| samples.inputs[0].iter().map(|&q| (i16::from(q) + 128) as u8).collect::<Vec<_>>())
        };
        write(&path, (2, 1), ColorType::Rgb, BitDepth::Eight, &[1, 2, 3, 4, 5, 6]);
        assert_eq!(load(false).unwrap(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(load(true).unwrap(), [1, 4, 2, 5, 3, 6]);
        write(&path, (2, 1), ColorType::Indexed, BitDepth::One, &[0b0100_0000]);
        assert_eq!(load(false).unwrap(), [0, 0, 0, 10, 20, 30]);
        write(&path, (6, 1), ColorType::Grayscale, BitDepth::Four, &[0x01, 0x8F, 0x20]);
        assert_eq!(load(false).unwrap(), [0, 17, 136, 255, 34, 0]);
        let refused = || load(false).unwrap_err().to_string();
        write(&path, (6, 1), ColorType::Grayscale, BitDepth::Sixteen, &[0; 12]);
        assert!(refused().contains("16 bits a value"), "{}", refused());
        write(&path, (6, 1), ColorType::GrayscaleAlpha, BitDepth::Eight, &[0; 12]);
        assert!(refused().contains("an alpha channel"), "{}", refused());
        write(&path, (2, 3), ColorType::Rgb, BitDepth::Eight, &[0; 18]);
        assert!(refused().contains("is 18, of 2 x 3 pixels of 3, wanted 6, the length of the input"), "{}", refused());
        write(&path, (5, 1), ColorType::Grayscale, BitDepth::Eight, &[0; 5]);
        assert!(refused().contains("is 5, of 5 x 1 pixels of 1"), "{}", refused());
        write(&path, (7, 1), ColorType::Grayscale, BitDepth::Eight, &[0; 7]);
        assert!(refused().contains("is 7 x 1 pixels"), "{}", refused());
    }

    #[test]
    fn folders_are_classes() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let class = |name: &str, images: u8| {
            std::fs::create_dir(root.join(name)).unwrap();
            (0..images).for_each(|i| grey(&root.join(name).join(format!("{i}.png")), &[i; 6]));
        };
        class("2", 1);
        class("10", 2);
        assert_eq!(load(root, &["a", "b"]).unwrap().labels, Some(vec![10, 10, 2]));
        class("cat", 1);
        assert_eq!(load(root, &[]).unwrap().labels, Some(vec![0, 0, 1, 2]), "in the order of the names 10, 2, cat");
        assert_eq!(load(root, &["cat", "2", "10"]).unwrap().labels, Some(vec![2, 2, 1, 0]));
        let error = load(root, &["cat", "dog"]).unwrap_err();
        assert!(error.contains("is `10`, wanted a number, or one of the network's classes: cat, dog"), "{error}");
        class("cat/deep", 0);
        assert!(load(root, &[]).unwrap_err().contains("deep: a folder in the folder of a class"));
        grey(&root.join("x.png"), &[0; 6]);
        assert!(load(root, &[]).unwrap_err().contains("x.png: an image beside the folders"));
    }

    #[test]
    fn damaged_images_and_empty_folders_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(load(folder.path(), &[]).unwrap_err().contains("a folder without PNG images"));
        std::fs::create_dir(folder.path().join("0")).unwrap();
        assert!(load(folder.path(), &[]).unwrap_err().contains("a folder without PNG images"));
        std::fs::remove_dir(folder.path().join("0")).unwrap();
        let path = folder.path().join("a.png");
        grey(&path, &[1, 2, 3, 4, 5, 6]);
        let bytes = std::fs::read(&path).unwrap();
        assert!(load(folder.path(), &[]).is_ok());
        // The last chunk, of 12 bytes, says only that there are no more.
        for len in 0..bytes.len() - 12 {
            std::fs::write(&path, &bytes[..len]).unwrap();
            let error = load(folder.path(), &[]).unwrap_err();
            assert!(error.contains("a damaged PNG image"), "{len}: {error}");
        }
        let mut huge = bytes;
        huge[16..24].fill(0x7F);
        std::fs::write(&path, &huge).unwrap();
        assert!(load(folder.path(), &[]).is_err());
    }
}
