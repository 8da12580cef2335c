//! Samples from data files, whatever their form.

use std::path::{Path, PathBuf};

use leafgate_convert::ConvertError;
use leafgate_convert::data::{self, Reading, Samples};
use leafgate_convert::ir::InputSpec;

use crate::error::Failure;
use crate::exit::Exit;

/// What the help says of every flag that takes samples.
pub const FORMS: &str = "\
Samples come as
  CSV without a header: values, then optionally the class
  idx (MNIST), .npy: one sample for each first index; classes in a second such file, --labels-file
  .npz: the array `x`, or the only one, or NAME of FILE.npz:NAME; classes in the array `y` (of x_test: y_test)
  a folder of PNG images, grey or RGB, in the order of their names; sub-folders are classes, by number or name
  .bin: unsigned bytes, one input after the other
Files may be gzip-compressed. They hold raw values such as pixels 0 to 255; the network reads q = value - offset. The offset is \
the one that makes raw 0 the smallest admissible q, or what --offset says. Arrays of floats hold the network's real inputs, \
of which q is the nearest.";

/// How samples are read; shared by the verbs that do.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SampleOptions {
    /// Classes of the samples: idx, .npy or FILE.npz:NAME
    #[arg(long, value_name = "FILE")]
    pub labels_file: Option<PathBuf>,
    /// Subtracted from each value of the file [default: what makes 0 the smallest input]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub offset: Option<i32>,
    /// Colours of PNG images one after the other, as PyTorch orders them [default: pixel by pixel]
    #[arg(long)]
    pub channels_first: bool,
}

impl SampleOptions {
    /// The offset for a network with this input.
    pub fn offset_for(&self, input: &InputSpec) -> i32 {
        self.offset.unwrap_or_else(|| data::default_offset(input))
    }

    /// Reads samples for a network with this input and so many outputs, whose names may be known.
    pub fn load(&self, path: &Path, input: &InputSpec, outputs: usize, classes: &[String]) -> Result<Samples, Failure> {
        let offset = self.offset_for(input);
        let labels = self.labels_file.as_deref();
        let how = Reading { input, offset, labels, classes, channels_first: self.channels_first };
        let samples = data::load(path, &how).map_err(|error| {
            let real = matches!(&error, ConvertError::Range { what, .. } if what == data::REAL_VALUE);
            // Names the file of the samples or that of the classes.
            let mut failure = Failure::from(error);
            let hint = match failure.code {
                "E0102" => "samples come as CSV, idx, .npy, .npz, a folder of PNG images or .bin; `--help` says how".into(),
                "E0108" if real => "arrays of floats hold the network's real inputs; save raw values as whole numbers".into(),
                "E0108" => format!(
                    "the network reads {} values of {} to {}, each the file's value minus {offset}; `--offset N` changes that",
                    input.len, input.min, input.max
                ),
                "E0202" => "give fewer samples: calibration rarely needs more than a thousand".into(),
                _ => return failure,
            };
            failure.hints = vec![hint];
            failure
        })?;
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
            assert_eq!(options.load(&path, &INPUT, 2, &[]).unwrap().inputs, [options.parse("0, 255", &INPUT).unwrap()]);
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
        let options = SampleOptions { labels_file: Some(labels), ..SampleOptions::default() };
        let samples = options.load(&images, &INPUT, 2, &[]).unwrap();
        assert_eq!((samples.inputs, samples.labels), (vec![vec![0, 1]], Some(vec![1])));
        assert_eq!(options.load(&images, &INPUT, 1, &[]).unwrap_err().code, "E0306");
    }
}
