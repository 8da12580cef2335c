//! Comma-separated samples: one a line, its values and then, if there is one more column than the network has inputs, its class. This is
//! the form of the UCI optical digits and of the copy that scikit-learn bundles.

use super::{Samples, admit, check_count, read, unreadable};
use crate::error::ConvertError;
use crate::ir::InputSpec;
use std::path::Path;

/// Reads a `.csv` or `.csv.gz` file without a header line. Values are whole numbers (`5`, `5.0`, `5e0`); the label, if any, comes last.
///
/// # Errors
/// If the file cannot be read, has no line, a line has another number of columns than `input.len` or one more, a field is no whole
/// number, or its `q = value - offset` is not admissible. Errors name line and column, both counted from 1.
pub fn load_csv(path: &Path, input: &InputSpec, offset: i32) -> Result<Samples, ConvertError> {
    let bytes = read(path)?;
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(::csv::Trim::All)
        .flexible(true)
        .from_reader(bytes.as_slice());
    let mut inputs = Vec::new();
    let mut labels = Vec::new();
    let mut columns = None;
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(path, error.to_string()))?;
        let line = record.position().map_or(0, ::csv::Position::line);
        let place = |column: usize| format!("{}, line {line}, column {}", path.display(), column + 1);
        // The first line decides whether there are labels.
        let want = *columns.get_or_insert(if record.len() == input.len + 1 { input.len + 1 } else { input.len });
        if record.len() != want {
            return Err(ConvertError::Range {
                place: format!("{}, line {line}", path.display()),
                what: "the number of columns".into(),
                want: if labels.is_empty() && inputs.is_empty() {
                    format!("{}, the length of the input, or one more with a label", input.len)
                } else {
                    format!("{want}, as in the first line")
                },
                have: record.len().to_string(),
            });
        }
        let whole = |column: usize| whole(&record[column], || place(column));
        let sample = (0..input.len).map(|column| admit(whole(column)?, input, offset, || place(column)));
        inputs.push(sample.collect::<Result<Vec<i8>, _>>()?);
        check_count(path, inputs.len())?;
        if want > input.len {
            let class = whole(input.len)?;
            labels.push(u32::try_from(class).map_err(|_| ConvertError::Range {
                place: place(input.len),
                what: "the label".into(),
                want: "0 or more".into(),
                have: class.to_string(),
            })?);
        }
    }
    if inputs.is_empty() {
        return Err(unreadable(path, "holds no samples".into()));
    }
    Ok(Samples { inputs, labels: (!labels.is_empty()).then_some(labels) })
}

/// A whole number, written as an integer or as a float.
fn whole(field: &str, place: impl Fn() -> String) -> Result<i64, ConvertError> {
    let float = || field.parse::<f64>().ok().filter(|value| value.fract() == 0.0 && value.abs() < 1e15);
    field.parse().ok().or_else(|| float().map(|value| value as i64)).ok_or_else(|| ConvertError::Range {
        place: place(),
        what: "the value".into(),
        want: "a whole number".into(),
        have: format!("`{field}`"),
    })
}

#[cfg(test)]
mod tests {
    use super::load_csv;
    use crate::data::Samples;
    use crate::error::ConvertError;
    use crate::ir::InputSpec;
    use std::io::Write;

    fn load(text: &str) -> Result<Samples, ConvertError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        std::fs::write(&path, text).unwrap();
        load_csv(&path, &InputSpec { len: 3, scale: 1.0, zero_point: 0.0, min: 0, max: 16 }, 0)
    }

    #[test]
    fn labels_are_the_column_after_the_inputs() {
        let samples = load("1,2,3,7\n4, 5.0 ,16,0\n").unwrap();
        assert_eq!(samples.inputs, [[1, 2, 3], [4, 5, 16]]);
        assert_eq!(samples.labels, Some(vec![7, 0]));
        assert_eq!(load("1,2,3\n").unwrap().labels, None);
    }

    #[test]
    fn errors_name_line_and_column() {
        let cases = [
            ("1,2,3,7\n1,17,3,7\n", "line 2, column 2: the value is 17, wanted 0 to 16"),
            ("1,2,x,7\n", "line 1, column 3: the value is `x`, wanted a whole number"),
            ("1,2,0.5,7\n", "line 1, column 3: the value is `0.5`, wanted a whole number"),
            ("1,2,3,-7\n", "line 1, column 4: the label is -7"),
            ("1,2\n", "line 1: the number of columns is 2, wanted 3, the length of the input, or one more"),
            ("1,2,3\n1,2,3,4\n", "line 2: the number of columns is 4, wanted 3, as in the first line"),
            ("", "holds no samples"),
        ];
        for (text, want) in cases {
            let error = load(text).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
    }

    #[test]
    fn a_compressed_file_reads_the_same_and_a_damaged_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv.gz");
        let input = InputSpec { len: 2, scale: 1.0, zero_point: 0.0, min: -128, max: 127 };
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(b"0,255\n").unwrap();
        let bytes = encoder.finish().unwrap();
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(load_csv(&path, &input, 128).unwrap().inputs, [[-128, 127]]);
        std::fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
        assert!(load_csv(&path, &input, 128).unwrap_err().to_string().contains("damaged gzip data"));
    }
}
