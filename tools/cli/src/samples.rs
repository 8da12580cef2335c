//! Samples from data files, whatever their form.

use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use leafgate_convert::data::{self, Samples};
use leafgate_convert::ir::InputSpec;

use crate::error::Failure;
use crate::exit::Exit;

/// What the help says of every flag that takes samples.
pub const FORMS: &str = "\
Samples come as CSV without a header (values, then optionally the class), as idx (MNIST; classes in a second file, \
--labels-file), either of them gzip-compressed or not, or as .bin (unsigned bytes, one input after the other).
Files hold raw values such as pixels 0 to 255; the network reads q = value - offset. The offset is the one that makes \
raw 0 the smallest admissible q, or what --offset says.";

/// How samples are read; shared by the verbs that do.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SampleOptions {
    /// Classes of the samples, for idx files
    #[arg(long, value_name = "IDX")]
    pub labels_file: Option<PathBuf>,
    /// Subtracted from each value of the file [default: what makes 0 the smallest input]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub offset: Option<i32>,
}

impl SampleOptions {
    /// The offset for a network with this input.
    pub fn offset_for(&self, input: &InputSpec) -> i32 {
        self.offset.unwrap_or_else(|| data::default_offset(input))
    }

    /// Reads a file of samples for a network with this input and so many outputs.
    pub fn load(&self, path: &Path, input: &InputSpec, outputs: usize) -> Result<Samples, Failure> {
        let offset = self.offset_for(input);
        let form = form_of(path)?;
        let samples = match form {
            Form::Idx => data::load_idx(path, self.labels_file.as_deref(), input, offset),
            Form::Csv => data::load_csv(path, input, offset),
            Form::Bin => data::load_bin(path, input, offset),
        };
        let samples = samples.map_err(|error| {
            let mut failure = Failure::from(error).at(path);
            if failure.code == "E0108" {
                failure.hints = vec![format!(
                    "the network reads {} values of {} to {}, each the file's value minus {offset}; `--offset N` changes that",
                    input.len, input.min, input.max
                )];
            }
            failure
        })?;
        if self.labels_file.is_some() && form != Form::Idx {
            return Err(Failure::usage("--labels-file goes with idx samples").at(path));
        }
        if samples.is_empty() {
            return Err(Failure::new("E0102", Exit::Input, "holds no samples").at(path));
        }
        let stray = samples.labels.iter().flatten().position(|&label| label as usize >= outputs);
        if let (Some(index), Some(labels)) = (stray, &samples.labels) {
            let message = format!("the class of sample {index} is {}, the network has {outputs}", labels[index]);
            return Err(Failure::new("E0306", Exit::Input, message).at(path).hint("classes are counted from 0"));
        }
        Ok(samples)
    }

    /// One sample, written on the command line.
    pub fn parse(&self, text: &str, input: &InputSpec) -> Result<Vec<i8>, Failure> {
        let offset = i64::from(self.offset_for(input));
        let values: Result<Vec<i64>, _> = text.split(',').map(|word| word.trim().parse::<i64>()).collect();
        let values = values.map_err(|_| Failure::usage(format!("`{text}` is no list of whole numbers")))?;
        if values.len() != input.len {
            let message = format!("{} values given, the network reads {}", values.len(), input.len);
            return Err(Failure::new("E0304", Exit::Input, message).hint("`leafgate inspect` shows what it reads"));
        }
        let admit = |value: &i64| {
            let q = value.checked_sub(offset).and_then(|q| i8::try_from(q).ok());
            q.filter(|q| (input.min..=input.max).contains(q)).ok_or_else(|| {
                let (min, max) = (i64::from(input.min) + offset, i64::from(input.max) + offset);
                Failure::new("E0108", Exit::Input, format!("the value {value} is not in {min} to {max}"))
                    .hint("`--offset N` changes what is subtracted from each value")
            })
        };
        values.iter().map(admit).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Csv,
    Idx,
    Bin,
}

/// Raw bytes can look like anything, so only their name tells them; idx files have a magic number, within gzip or not.
fn form_of(path: &Path) -> Result<Form, Failure> {
    let io = |error: std::io::Error| Failure::unreadable(path, &error);
    let metadata = std::fs::metadata(path).map_err(io)?;
    if !metadata.is_file() {
        return Err(Failure::new("E0102", Exit::Input, "not a regular file").at(path).hint("name a file of samples"));
    }
    if metadata.len() > data::MAX_BYTES {
        return Err(Failure::new("E0202", Exit::DoesNotFit, "the file of samples is too large")
            .at(path)
            .fact(format!("want at most {} bytes, have {}", data::MAX_BYTES, metadata.len()))
            .hint("give fewer samples: calibration rarely needs more than a thousand"));
    }
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("bin")) {
        return Ok(Form::Bin);
    }
    let mut head = Vec::new();
    std::fs::File::open(path).map_err(io)?.take(4096).read_to_end(&mut head).map_err(io)?;
    if head.starts_with(b"\x1f\x8b") {
        let mut plain = Vec::new();
        // What is cut off or damaged shows when the file is read as a whole.
        let _ = MultiGzDecoder::new(head.as_slice()).take(4).read_to_end(&mut plain);
        head = plain;
    }
    Ok(if head.starts_with(&[0, 0, 8]) { Form::Idx } else { Form::Csv })
}

#[cfg(test)]
mod tests {
    use super::SampleOptions;
    use leafgate_convert::ir::InputSpec;

    const INPUT: InputSpec = InputSpec { len: 2, scale: 1.0, zero_point: 0.0, min: -128, max: 127 };

    #[test]
    fn values_on_the_command_line_are_those_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let options = SampleOptions::default();
        for (name, content) in [("a.csv", b"0, 255\n".as_slice()), ("a.bin", &[0, 255])] {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            assert_eq!(options.load(&path, &INPUT, 2).unwrap().inputs, [options.parse("0, 255", &INPUT).unwrap()]);
        }
        assert_eq!(options.parse("256,0", &INPUT).unwrap_err().code, "E0108");
        assert_eq!(options.parse("1", &INPUT).unwrap_err().code, "E0304");
        assert_eq!(options.parse("1,x", &INPUT).unwrap_err().code, "E0001");
    }

    #[test]
    fn an_idx_file_is_known_by_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let (images, labels) = (folder.path().join("images"), folder.path().join("labels"));
        std::fs::write(&images, [0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 128, 129]).unwrap();
        std::fs::write(&labels, [0, 0, 8, 1, 0, 0, 0, 1, 1]).unwrap();
        let options = SampleOptions { labels_file: Some(labels), offset: None };
        let samples = options.load(&images, &INPUT, 2).unwrap();
        assert_eq!((samples.inputs, samples.labels), (vec![vec![0, 1]], Some(vec![1])));
        assert_eq!(options.load(&images, &INPUT, 1).unwrap_err().code, "E0306");
    }
}
