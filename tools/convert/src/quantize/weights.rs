//! What the weights of dense layers are stored as, and who decides it: one format for all layers, and others by name.

use std::fmt;
use std::str::FromStr;

use crate::ConvertError;
use crate::ir::{Graph, Op};

/// How a weight of a dense layer is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum WeightFormat {
    /// Eight bits, -127 to 127; one scale a row.
    #[default]
    W8,
    /// Four bits, -8 to 7; one scale a row.
    W4,
    /// Four bits; one scale a row, and a whole multiple of it for every 32 columns.
    W4Groups,
    /// Two bits, -1, 0 or 1; one scale a row.
    T2,
    /// Two bits, and scales as of four bits in groups.
    T2Groups,
}

impl WeightFormat {
    /// Names, as on the command line and in reports.
    pub const NAMES: [(&'static str, Self); 5] =
        [("w8", Self::W8), ("w4", Self::W4), ("w4g32", Self::W4Groups), ("t2", Self::T2), ("t2g32", Self::T2Groups)];

    /// The name.
    pub fn name(self) -> &'static str {
        Self::NAMES.into_iter().find(|(_, format)| *format == self).map_or("", |(name, _)| name)
    }
}

impl fmt::Display for WeightFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for WeightFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::NAMES.into_iter().find(|(name, _)| *name == text).map(|(_, format)| format);
        let names = Self::NAMES.map(|(name, _)| name).join(", ");
        known.ok_or_else(|| format!("unknown weight format `{text}`, wanted one of: {names}"))
    }
}

/// The format of every dense layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WeightChoice {
    /// Of the layers that are not named.
    pub all: WeightFormat,
    /// Of named layers; the last that names a layer counts.
    pub layers: Vec<(String, WeightFormat)>,
}

impl WeightChoice {
    /// The format of a layer.
    pub fn of(&self, layer: &str) -> WeightFormat {
        self.layers.iter().rev().find(|(name, _)| name == layer).map_or(self.all, |(_, format)| *format)
    }

    /// Whether any layer may be in another format than eight bits.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses a name that is none of a dense layer.
    ///
    /// # Errors
    /// The name, and those of the layers that have such weights.
    pub fn check(&self, graph: &Graph) -> Result<(), ConvertError> {
        let dense = graph.nodes.iter().filter(|node| matches!(node.op, Op::Linear { .. }));
        let names: Vec<&str> = dense.map(|node| node.name.as_str()).collect();
        match self.layers.iter().find(|(name, _)| !names.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) => Err(ConvertError::Range {
                place: "weight formats".into(),
                what: "layer".into(),
                want: if names.is_empty() { "no name: there is no dense layer".into() } else { names.join(", ") },
                have: format!("`{name}`"),
            }),
        }
    }
}

impl fmt::Display for WeightChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.all)?;
        self.layers.iter().try_for_each(|(name, format)| write!(f, ",{name}={format}"))
    }
}

/// A part of a choice as it is written: `FORMAT` for all layers, or `LAYER=FORMAT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WeightRule {
    /// The layer; none for all of them.
    pub layer: Option<String>,
    /// The format.
    pub format: WeightFormat,
}

impl FromStr for WeightRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A layer's name may hold the sign.
        match text.rsplit_once('=') {
            Some((layer, format)) => Ok(Self { layer: Some(layer.into()), format: format.parse()? }),
            None => Ok(Self { layer: None, format: text.parse()? }),
        }
    }
}

impl FromIterator<WeightRule> for WeightChoice {
    /// Of several rules for all layers, the last counts.
    fn from_iter<I: IntoIterator<Item = WeightRule>>(rules: I) -> Self {
        let mut choice = Self::default();
        for WeightRule { layer, format } in rules {
            match layer {
                Some(layer) => choice.layers.push((layer, format)),
                None => choice.all = format,
            }
        }
        choice
    }
}

/// What became of the weights of a dense layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerWeights {
    /// The layer.
    pub layer: String,
    /// How its weights are stored.
    pub format: WeightFormat,
    /// The largest difference between a stored weight and the trained one.
    pub max_error: f64,
    /// The root of the mean square of the differences.
    pub rms_error: f64,
    /// The root of the mean square of the trained weights, to compare with.
    pub rms: f64,
}

impl LayerWeights {
    /// Compares the trained weights with the stored ones.
    pub fn compare(layer: &str, format: WeightFormat, trained: &[f32], stored: impl Iterator<Item = f64>) -> Self {
        let (mut max_error, mut errors, mut squares) = (0f64, 0f64, 0f64);
        for (&w, stored) in trained.iter().zip(stored) {
            let error = (f64::from(w) - stored).abs();
            max_error = max_error.max(error);
            errors += error * error;
            squares += f64::from(w) * f64::from(w);
        }
        let root = |sum: f64| (sum / trained.len().max(1) as f64).sqrt();
        Self { layer: layer.into(), format, max_error, rms_error: root(errors), rms: root(squares) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(rules: &[&str]) -> WeightChoice {
        rules.iter().map(|rule| rule.parse::<WeightRule>().unwrap()).collect()
    }

    #[test]
    fn a_named_layer_goes_before_all() {
        let choice = choice(&["w4", "a=b=t2", "fc=w8", "fc=w4g32"]);
        let formats = ["a=b", "fc", "other"].map(|layer| choice.of(layer));
        assert_eq!(formats, [WeightFormat::T2, WeightFormat::W4Groups, WeightFormat::W4]);
        assert_eq!(choice.to_string(), "w4,a=b=t2,fc=w8,fc=w4g32");
    }

    #[test]
    fn an_unknown_format_says_which_are_known() {
        let error = "fc=w3".parse::<WeightRule>().unwrap_err();
        assert_eq!(error, "unknown weight format `w3`, wanted one of: w8, w4, w4g32, t2, t2g32");
    }
}
