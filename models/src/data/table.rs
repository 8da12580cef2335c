//! A table of rows, read from comma-separated files or from idx images.

use std::path::Path;

use super::file;
use super::idx::{Idx, shrink};
use crate::error::{DataError, WriteError};
use crate::export::write_whole;
use crate::recipe::Recipe;
use crate::seed::{Purpose, Stream};

/// Rows of `features` device bytes `q` each, with a class each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    features: usize,
    /// `rows * features`, row by row.
    values: Vec<i8>,
    /// One of `0..classes` per row.
    labels: Vec<usize>,
}

/// The rows that training reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Rows to fit.
    pub train: Rows,
    /// Rows to choose by.
    pub validation: Rows,
}

impl Rows {
    /// Reads the recipe's training file under `folder`, whole.
    pub fn read_train(folder: &Path, recipe: &Recipe) -> Result<Self, DataError> {
        let labels = recipe.data.idx.as_ref().map(|idx| folder.join(&idx.train_labels));
        Self::read(&folder.join(&recipe.data.train), labels.as_deref(), recipe)
    }

    /// Reads the recipe's test file under `folder`.
    pub fn read_test(folder: &Path, recipe: &Recipe) -> Result<Self, DataError> {
        let labels = recipe.data.idx.as_ref().map(|idx| folder.join(&idx.test_labels));
        Self::read(&folder.join(&recipe.data.test), labels.as_deref(), recipe)
    }

    fn read(path: &Path, labels: Option<&Path>, recipe: &Recipe) -> Result<Self, DataError> {
        match labels {
            Some(labels) => Self::from_idx(path, labels, recipe),
            None => Self::from_csv(path, recipe),
        }
    }

    /// Every row of `path`, which holds the recipe's number of integer features and then the class.
    fn from_csv(path: &Path, recipe: &Recipe) -> Result<Self, DataError> {
        let bytes = file::read(path)?;
        let unreadable = |source| DataError::Unreadable { path: path.to_owned(), source };
        // `flexible`, because a wrong number of columns is told in terms of the recipe, not of the first row.
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes.as_slice());
        let mut rows = Self { features: recipe.data.features, values: Vec::new(), labels: Vec::new() };
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(unreadable)? {
            rows.push(&record, path, recipe)?;
        }
        Ok(rows)
    }

    /// Every image of `path` with its class from `labels`.
    fn from_idx(path: &Path, labels: &Path, recipe: &Recipe) -> Result<Self, DataError> {
        let (images, classes) = (Idx::read(path, 3)?, Idx::read(labels, 1)?);
        let wrong = |path: &Path, what| DataError::Idx { path: path.to_owned(), what };
        let (count, height, width) = (images.dims[0], images.dims[1], images.dims[2]);
        if classes.dims[0] != count {
            let what = format!("{} classes, but {} holds {count} images", classes.dims[0], path.display());
            return Err(wrong(labels, what));
        }
        let by = recipe.data.idx.as_ref().map_or(1, |idx| idx.shrink);
        let (features, shrunk) = (recipe.data.features, (height / by) * (width / by));
        if shrunk != features {
            let what = format!(
                "images of {height} x {width} pixels, shrunk by {by}, have {shrunk}, but `data.features` is {features}"
            );
            return Err(wrong(path, what));
        }
        if let Some(row) = classes.values.iter().position(|&class| usize::from(class) >= recipe.classes()) {
            let (have, classes) = (classes.values[row].to_string(), recipe.classes());
            return Err(DataError::Label { path: labels.to_owned(), row: row + 1, have, classes });
        }
        // The offset of 128 is the top bit turned over.
        let pixels = |image| shrink(image, (height, width), by).into_iter().map(|pixel| (pixel ^ 0x80) as i8);
        let values = match height * width {
            0 => Vec::new(),
            size => images.values.chunks_exact(size).flat_map(pixels).collect(),
        };
        Ok(Self { features, values, labels: classes.values.iter().map(|&class| usize::from(class)).collect() })
    }

    /// Writes the first `count` rows as comma-separated values with the class last, as other programs read them: a value
    /// is `q - input.min`, so that the smallest is 0.
    pub fn write_csv(&self, path: &Path, count: usize, recipe: &Recipe) -> Result<(), WriteError> {
        let mut text = String::new();
        for row in 0..self.len().min(count) {
            for &q in self.features(row) {
                text.push_str(&(i16::from(q) - i16::from(recipe.input.min)).to_string());
                text.push(',');
            }
            text.push_str(&self.label(row).to_string());
            text.push('\n');
        }
        write_whole(path, text.as_bytes())
    }

    fn push(&mut self, record: &csv::StringRecord, path: &Path, recipe: &Recipe) -> Result<(), DataError> {
        let row = self.labels.len() + 1;
        if record.len() != self.features + 1 {
            let (have, want) = (record.len(), self.features + 1);
            return Err(DataError::Columns { path: path.to_owned(), row, have, want });
        }
        let (min, max) = (recipe.input.min, recipe.input.max);
        for (index, text) in record.iter().take(self.features).enumerate() {
            match text.trim().parse::<i8>() {
                Ok(value) if (min..=max).contains(&value) => self.values.push(value),
                _ => {
                    let (column, have) = (index + 1, text.to_owned());
                    return Err(DataError::Feature { path: path.to_owned(), row, column, have, min, max });
                }
            }
        }
        let text = &record[self.features];
        match text.trim().parse::<usize>() {
            Ok(label) if label < recipe.classes() => self.labels.push(label),
            _ => {
                let (have, classes) = (text.to_owned(), recipe.classes());
                return Err(DataError::Label { path: path.to_owned(), row, have, classes });
            }
        }
        Ok(())
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The bytes `q` of row `row`, which must be below [`len`](Self::len).
    pub fn features(&self, row: usize) -> &[i8] {
        &self.values[row * self.features..(row + 1) * self.features]
    }

    /// The class of row `row`, which must be below [`len`](Self::len).
    pub fn label(&self, row: usize) -> usize {
        self.labels[row]
    }

    /// Rows of values that are there already.
    #[cfg(test)]
    pub(crate) fn of(features: usize, values: Vec<i8>, labels: Vec<usize>) -> Self {
        Self { features, values, labels }
    }

    fn pick(&self, order: &[usize]) -> Self {
        Self {
            features: self.features,
            values: order.iter().flat_map(|&row| self.features(row)).copied().collect(),
            labels: order.iter().map(|&row| self.labels[row]).collect(),
        }
    }
}

impl Split {
    /// Reads the recipe's training file under `folder` and holds its validation share out. Which rows are held out
    /// depends on the recipe's seed and on nothing else.
    pub fn read(folder: &Path, recipe: &Recipe) -> Result<Self, DataError> {
        let path = folder.join(&recipe.data.train);
        let rows = Rows::read_train(folder, recipe)?;
        let held_out = (rows.len() as f64 * recipe.data.validation).round() as usize;
        if held_out == 0 || held_out >= rows.len() {
            let want = (1.0 / recipe.data.validation).ceil() as usize + 1;
            return Err(DataError::TooFewRows { path, have: rows.len(), want });
        }
        let mut order: Vec<usize> = (0..rows.len()).collect();
        Stream::new(recipe.seed, Purpose::Split).shuffle(&mut order);
        let (validation, train) = order.split_at(held_out);
        Ok(Self { train: rows.pick(train), validation: rows.pick(validation) })
    }
}
