//! Constants as Rust source: numbers, arrays and structs, broken into lines of at most [`WIDTH`] characters.

/// The longest line.
pub(super) const WIDTH: usize = 100;

/// A constant expression.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// In decimal.
    Number(i64),
    /// In hexadecimal, for masks.
    Mask(u32),
    /// An array.
    Array(Vec<Value>),
    /// A struct with its fields.
    Struct(String, Vec<(&'static str, Value)>),
}

impl Value {
    /// An array of numbers.
    pub fn numbers<T: Into<i64>>(numbers: impl IntoIterator<Item = T>) -> Self {
        Self::Array(numbers.into_iter().map(|number| Self::Number(number.into())).collect())
    }

    /// An array of words in hexadecimal.
    pub fn masks(words: impl IntoIterator<Item = u32>) -> Self {
        Self::Array(words.into_iter().map(Self::Mask).collect())
    }

    /// Rows of `cols` numbers.
    pub fn matrix<T: Into<i64>>(numbers: impl IntoIterator<Item = T>, cols: usize) -> Self {
        let mut rows = Vec::new();
        let mut row = Vec::with_capacity(cols);
        for number in numbers {
            row.push(Self::Number(number.into()));
            if row.len() == cols {
                rows.push(Self::Array(std::mem::take(&mut row)));
            }
        }
        Self::Array(rows)
    }

    /// Appends the expression, the first line of which begins at column `at` and whose block is indented by `indent`.
    pub fn write(&self, text: &mut String, at: usize, indent: usize) {
        match self {
            Self::Number(number) => *text += &number.to_string(),
            Self::Mask(word) => *text += &format!("{word:#010x}"),
            Self::Array(_) | Self::Struct(..) if self.width().is_some_and(|width| at + width < WIDTH) => {
                self.write_flat(text);
            }
            Self::Array(items) => {
                *text += "[\n";
                write_items(items, text, indent + 4);
                *text += &format!("{:indent$}]", "");
            }
            Self::Struct(name, fields) => {
                *text += &format!("{name} {{\n");
                for (field, value) in fields {
                    *text += &format!("{:1$}{field}: ", "", indent + 4);
                    value.write(text, indent + 6 + field.len(), indent + 4);
                    *text += ",\n";
                }
                *text += &format!("{:indent$}}}", "");
            }
        }
    }

    fn write_flat(&self, text: &mut String) {
        let separated = |text: &mut String, i: usize| *text += if i > 0 { ", " } else { "" };
        match self {
            Self::Array(items) => {
                text.push('[');
                for (i, item) in items.iter().enumerate() {
                    separated(text, i);
                    item.write_flat(text);
                }
                text.push(']');
            }
            Self::Struct(name, fields) => {
                *text += &format!("{name} {{ ");
                for (i, (field, value)) in fields.iter().enumerate() {
                    separated(text, i);
                    *text += &format!("{field}: ");
                    value.write_flat(text);
                }
                *text += " }";
            }
            scalar => scalar.write(text, 0, 0),
        }
    }

    /// Characters in one line; `None` if they are certainly too many.
    fn width(&self) -> Option<usize> {
        let sum = |mut widths: Box<dyn Iterator<Item = Option<usize>> + '_>| {
            widths.try_fold(0, |sum: usize, width| Some(sum + width? + 2).filter(|&sum| sum <= WIDTH))
        };
        match self {
            Self::Number(number) => Some(number.to_string().len()),
            Self::Mask(_) => Some(10),
            Self::Array(items) => sum(Box::new(items.iter().map(Self::width))),
            Self::Struct(name, fields) => {
                let width = |(field, value): &(&str, Value)| Some(field.len() + 2 + value.width()?);
                Some(name.len() + 3 + sum(Box::new(fields.iter().map(width)))?)
            }
        }
    }
}

/// A table of 256 values for the bytes -128 to 127, in the order of the bytes without a sign.
pub(super) fn by_byte<T: Copy + Into<i64>>(values: &[T]) -> Value {
    let (negative, positive) = values.split_at(values.len() / 2);
    Value::numbers(positive.iter().chain(negative).copied())
}

/// Items of an array: numbers side by side, others one below the other.
fn write_items(items: &[Value], text: &mut String, indent: usize) {
    let mut at = 0;
    for item in items {
        if matches!(item, Value::Array(_) | Value::Struct(..)) {
            *text += &format!("{:indent$}", "");
            item.write(text, indent, indent);
            *text += ",\n";
            continue;
        }
        let start = text.len();
        item.write(text, 0, 0);
        let width = text.len() - start;
        let (before, next) = if at == 0 {
            (format!("{:indent$}", ""), indent + width + 1)
        } else if at + 1 + width < WIDTH {
            (" ".into(), at + width + 2)
        } else {
            (format!("\n{:indent$}", ""), indent + width + 1)
        };
        text.insert_str(start, &before);
        text.push(',');
        at = next;
    }
    if at > 0 {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::{Value, WIDTH};

    fn written(value: &Value) -> String {
        let mut text = String::new();
        value.write(&mut text, 0, 0);
        text
    }

    #[test]
    fn what_fits_a_line_is_one() {
        assert_eq!(written(&Value::matrix([1i8, -2, 3, 4], 2)), "[[1, -2], [3, 4]]");
        let rounding = Value::Struct("R".into(), vec![("m", Value::Number(5)), ("w", Value::masks([7]))]);
        assert_eq!(written(&rounding), "R { m: 5, w: [0x00000007] }");
    }

    #[test]
    fn no_line_is_too_long_and_no_number_is_lost() {
        let numbers: Vec<i32> = (0..500).map(|i| i * 7919 % 100_000 - 50_000).collect();
        let text = written(&Value::numbers(numbers.clone()));
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        let have: Vec<i32> =
            text.split(|c: char| !c.is_ascii_digit() && c != '-').filter_map(|number| number.parse().ok()).collect();
        assert_eq!(have, numbers);
    }
}
