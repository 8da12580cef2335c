//! A table of rows, as comma-separated files hold it.

use std::path::Path;

use crate::error::DataError;
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
    /// Reads every row of `path`, which holds the recipe's number of integer features and then the class.
    pub fn read(path: &Path, recipe: &Recipe) -> Result<Self, DataError> {
        if !path.is_file() {
            return Err(DataError::Missing { path: path.to_owned() });
        }
        let unreadable = |source| DataError::Unreadable { path: path.to_owned(), source };
        // `flexible`, because a wrong number of columns is told in terms of the recipe, not of the first row.
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_path(path).map_err(unreadable)?;
        let mut rows = Self { features: recipe.data.features, values: Vec::new(), labels: Vec::new() };
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(unreadable)? {
            rows.push(&record, path, recipe)?;
        }
        Ok(rows)
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
        let rows = Rows::read(&path, recipe)?;
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
