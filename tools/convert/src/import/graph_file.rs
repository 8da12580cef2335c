//! The graph description of `docs/graph-format.md`: its JSON, key by key. Every unknown key or word is an error. The layers' tensors
//! are [`super::layers`]' business.

use super::layers::Builder;
use super::tensors::Tensors;
use super::{check_input, stem, unique, unreadable, within};
use crate::error::ConvertError;
use crate::ir::{Activation, Graph, InputSpec, ValueId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::path::Path;

/// The version this reader knows.
const FORMAT: &str = "leafgate.graph/1";

/// A description of as many layers as an image can hold takes less than a tenth of this.
const MAX_BYTES: u64 = 1 << 22;

/// Ops that an image can hold.
const MAX_LAYERS: usize = 4096;

/// Of any version; the rest is not looked at.
#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    format: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    #[serde(default)]
    name: Option<String>,
    input: Input,
    #[serde(default)]
    labels: Vec<String>,
    layers: Vec<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    len: usize,
    scale: f64,
    zero_point: f64,
    #[serde(default = "lowest")]
    min: i8,
    #[serde(default = "highest")]
    max: i8,
}

fn lowest() -> i8 {
    i8::MIN
}

fn highest() -> i8 {
    i8::MAX
}

/// Keys of `linear` and `fff`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Neurons {
    #[serde(default)]
    pub prefix: String,
    activation: String,
    #[serde(default)]
    pub residual: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UltraFast {
    #[serde(default)]
    pub prefix: String,
    activation: String,
    pub trees: usize,
    pub depth: usize,
    #[serde(default)]
    pub residual: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Moe {
    #[serde(default)]
    pub prefix: String,
    activation: String,
    pub top_k: usize,
    pub gate: String,
    #[serde(default)]
    pub residual: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    #[serde(default)]
    pub prefix: String,
    activation: String,
    pub ranges: Vec<usize>,
    pub routes: Vec<RouteKeys>,
    #[serde(default)]
    pub residual: bool,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum RouteKeys {
    Static {
        first: usize,
        count: usize,
    },
    Tree {
        trees: usize,
        depth: usize,
        #[serde(default)]
        strict: bool,
        first: usize,
    },
    TopK {
        k: usize,
        gate: String,
        first: usize,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Prefixed {
    #[serde(default)]
    pub prefix: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gates {
    #[serde(default)]
    pub prefix: String,
    pub wiring: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupSum {
    #[serde(default)]
    pub prefix: String,
    pub groups: usize,
    pub tau: f64,
    #[serde(default)]
    pub beta: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Clamp {
    pub min: f64,
    pub max: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Slice {
    pub start: usize,
    pub len: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Transpose {
    pub rows: usize,
    pub cols: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Function {
    function: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TopK {
    k: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The ops and the keys of each, as the error for an unknown key lists them.
const OPS: [(&str, &[&str]); 22] = [
    ("linear", &["prefix", "activation", "residual"]),
    ("fff", &["prefix", "activation", "residual"]),
    ("ultrafast", &["prefix", "activation", "trees", "depth", "residual"]),
    ("moe", &["prefix", "activation", "top_k", "gate", "residual"]),
    ("ffn", &["prefix", "activation", "ranges", "routes", "residual"]),
    ("thermometer", &["prefix"]),
    ("gates", &["prefix", "wiring"]),
    ("binarization", &["prefix", "shape", "thresholds", "order"]),
    ("logic_dense", &["prefix", "parametrization", "a", "b"]),
    ("logic_conv2d", &["prefix", "parametrization", "shape", "padding"]),
    ("or_pool2d", &["shape", "kernel", "stride", "padding"]),
    ("group_sum", &["prefix", "groups", "tau", "beta"]),
    ("affine", &["prefix"]),
    ("clamp", &["min", "max"]),
    ("activation", &["function"]),
    ("add", &["inputs"]),
    ("mul", &["inputs"]),
    ("concat", &["inputs"]),
    ("slice", &["start", "len"]),
    ("transpose", &["rows", "cols"]),
    ("argmax", &[]),
    ("top_k", &["k"]),
];

/// What the layers of a description call their values.
struct Names {
    /// The input and every layer with an `id`.
    known: HashMap<String, ValueId>,
    /// The output of the layer before.
    last: ValueId,
}

impl Names {
    fn new() -> Self {
        Self { known: HashMap::from([(INPUT.to_owned(), Graph::INPUT)]), last: Graph::INPUT }
    }

    /// The value that a key of the layer at `at` names.
    fn find(&self, name: &Value, at: &str) -> Result<ValueId, ConvertError> {
        let name = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
        self.known.get(&name).copied().ok_or_else(|| ConvertError::Range {
            place: at.into(),
            what: "its input".into(),
            want: "`input`, or the `id` of an earlier layer".into(),
            have: format!("`{}`", name.chars().take(80).collect::<String>()),
        })
    }

    /// What the layer reads, in order. The keys are taken away.
    fn reads(&self, layer: &mut Map<String, Value>, op: &str, at: &str) -> Result<Vec<ValueId>, ConvertError> {
        let wanted = match op {
            "add" | "mul" => "two",
            "concat" => "one or more",
            _ => {
                let input = layer.remove("input");
                return Ok(vec![input.map_or(Ok(self.last), |name| self.find(&name, at))?]);
            }
        };
        let names = match layer.remove("inputs") {
            Some(Value::Array(names)) if names.len() == 2 || (op == "concat" && !names.is_empty()) => names,
            have => {
                let have = match have {
                    Some(Value::Array(names)) => names.len().to_string(),
                    Some(_) => "something else".into(),
                    None => "none".into(),
                };
                return Err(super::layers::range(at, "inputs", &format!("a list of {wanted} names"), &have));
            }
        };
        names.iter().map(|name| self.find(name, at)).collect()
    }

    /// Notes that the layer's value is called `id`.
    fn define(&mut self, id: Option<Value>, value: ValueId, at: &str) -> Result<(), ConvertError> {
        self.last = value;
        let Some(id) = id else { return Ok(()) };
        let want = "a text of its own, not `input`";
        match id {
            Value::String(id) if !self.known.contains_key(&id) => {
                self.known.insert(id, value);
                Ok(())
            }
            other => Err(super::layers::range(at, "id", want, &other.to_string().chars().take(80).collect::<String>())),
        }
    }
}

/// What layers call the network's input.
const INPUT: &str = "input";

/// Makes the graph that `text` describes over the tensors of its file.
pub(super) fn read(text: &str, tensors: Tensors<'_>, path: &Path) -> Result<Graph, ConvertError> {
    within(text.len() as u64, path, MAX_BYTES, "the graph description, in bytes")?;
    unique::check(text.as_bytes()).map_err(|why| unreadable(path, &format!("in its graph description {why}")))?;
    let damaged = |error: serde_json::Error| unreadable(path, &format!("its graph description does not read: {error}"));
    // The version first: the keys of another one would be strange for a reason.
    let version: Version = serde_json::from_str(text).map_err(damaged)?;
    match version.format {
        Some(Value::String(format)) if format == FORMAT => {}
        have => {
            let have = have.as_ref().and_then(Value::as_str).unwrap_or("none").to_owned();
            return Err(ConvertError::Unknown { layer: "graph".into(), what: "format", have, want: FORMAT.into() });
        }
    }
    let file: File = serde_json::from_str(text).map_err(damaged)?;
    debug_assert_eq!(file.format, FORMAT);
    let Input { len, scale, zero_point, min, max } = file.input;
    let input = InputSpec { len, scale, zero_point, min, max };
    check_input(&input)?;

    let mut builder = Builder::new(file.name.unwrap_or_else(|| stem(path)), input, file.labels, tensors);
    let count = file.layers.len();
    if count > MAX_LAYERS {
        let (place, what) = ("graph".into(), "its number of layers".into());
        return Err(ConvertError::TooLarge { place, what, want: MAX_LAYERS as u64, have: count as u64 });
    }
    let mut names = Names::new();
    for (index, layer) in file.layers.into_iter().enumerate() {
        add(&mut builder, &mut names, index, layer, index + 1 == count, path)?;
    }
    builder.finish()
}

fn add(
    builder: &mut Builder<'_>,
    names: &mut Names,
    index: usize,
    mut layer: Map<String, Value>,
    last: bool,
    path: &Path,
) -> Result<(), ConvertError> {
    let op = match layer.remove("op") {
        Some(Value::String(op)) => op,
        _ => {
            return Err(unreadable(path, &format!("its graph description does not read: layer {index} names no `op`")));
        }
    };
    let at = format!("layer {index} ({op})");
    let Some((_, known)) = OPS.iter().find(|(name, _)| *name == op) else {
        let want: Vec<&str> = OPS.iter().map(|(name, _)| *name).collect();
        return Err(ConvertError::Unknown { layer: index.to_string(), what: "op", have: op, want: want.join(", ") });
    };
    known_keys(&layer, known, &at)?;
    builder.enter(&at);
    let id = layer.remove("id");
    let reads = names.reads(&mut layer, &op, &at)?;
    builder.read(reads[0]);
    match op.as_str() {
        "linear" => {
            let layer: Neurons = keys(layer, &at, path)?;
            builder.linear(&layer, activation_word(&layer.activation, &at)?, index)?;
        }
        "fff" => {
            let layer: Neurons = keys(layer, &at, path)?;
            builder.fff(&layer, activation_word(&layer.activation, &at)?, index)?;
        }
        "ultrafast" => {
            let layer: UltraFast = keys(layer, &at, path)?;
            builder.ultrafast(&layer, activation_word(&layer.activation, &at)?, index)?;
        }
        "moe" => {
            let layer: Moe = keys(layer, &at, path)?;
            builder.moe(&layer, activation_word(&layer.activation, &at)?, index)?;
        }
        "ffn" => {
            let layer: Table = keys(layer, &at, path)?;
            builder.table(&layer, activation_word(&layer.activation, &at)?, index)?;
        }
        "thermometer" => builder.thermometer(&keys(layer, &at, path)?, index)?,
        "gates" => builder.gates(&keys(layer, &at, path)?, index)?,
        "binarization" => builder.binarization(&keys(layer, &at, path)?, index)?,
        "logic_dense" => builder.logic_dense(keys(layer, &at, path)?, index)?,
        "logic_conv2d" => builder.logic_conv2d(&keys(layer, &at, path)?, index)?,
        "or_pool2d" => builder.or_pool2d(&keys(layer, &at, path)?, index)?,
        "group_sum" => builder.group_sum(&keys(layer, &at, path)?, index)?,
        "affine" => builder.affine(&keys(layer, &at, path)?, index)?,
        "clamp" => builder.clamp(&keys(layer, &at, path)?, index)?,
        "activation" => {
            let Function { function } = keys(layer, &at, path)?;
            builder.activation(activation_word(&function, &at)?, index)?;
        }
        "add" | "mul" => {
            let Nothing {} = keys(layer, &at, path)?;
            builder.combine(&op, reads[1], index)?;
        }
        "concat" => {
            let Nothing {} = keys(layer, &at, path)?;
            builder.concat(&reads[1..], index)?;
        }
        "slice" => builder.slice(&keys(layer, &at, path)?, index)?,
        "transpose" => builder.transpose(&keys(layer, &at, path)?, index)?,
        _ if !last => return Err(misplaced(&at)),
        "argmax" => {
            let Nothing {} = keys(layer, &at, path)?;
            builder.argmax()?;
        }
        "top_k" => {
            let TopK { k } = keys(layer, &at, path)?;
            builder.top_k(k, &at)?;
        }
        _ => unreachable!("every op of the table has its arm"),
    }
    names.define(id, builder.last(), &at)
}

fn misplaced(at: &str) -> ConvertError {
    ConvertError::Range {
        place: at.into(),
        what: "its place".into(),
        want: "the last layer".into(),
        have: "an earlier one".into(),
    }
}

fn known_keys(layer: &Map<String, Value>, known: &[&str], at: &str) -> Result<(), ConvertError> {
    // Every layer may be named; one of several inputs names them, any other may name its one.
    let common: &[&str] = if known.contains(&"inputs") { &["op", "id"] } else { &["op", "id", "input"] };
    match layer.keys().find(|key| !common.iter().chain(known).any(|known| known == key)) {
        None => Ok(()),
        Some(key) => Err(ConvertError::Unknown {
            layer: at.into(),
            what: "key",
            have: key.clone(),
            want: common.iter().chain(known).copied().collect::<Vec<_>>().join(", "),
        }),
    }
}

/// The typed keys of a layer: missing ones and wrong types fail here.
fn keys<T: DeserializeOwned>(layer: Map<String, Value>, at: &str, path: &Path) -> Result<T, ConvertError> {
    serde_json::from_value(Value::Object(layer))
        .map_err(|error| unreadable(path, &format!("its graph description does not read: {at}: {error}")))
}

/// The activation that `docs/graph-format.md` calls `word`, or an error that lists those there are.
pub(super) fn activation_word(word: &str, at: &str) -> Result<Activation, ConvertError> {
    activation_of(word).ok_or_else(|| ConvertError::Unknown {
        layer: at.into(),
        what: "activation",
        have: word.into(),
        want: ACTIVATIONS.map(|(name, _)| name).join(", "),
    })
}

const ACTIVATIONS: [(&str, Activation); 7] = [
    ("none", Activation::None),
    ("relu", Activation::Relu),
    ("gelu", Activation::Gelu),
    ("sigmoid", Activation::Sigmoid),
    ("tanh", Activation::Tanh),
    ("silu", Activation::Silu),
    ("hard_swish", Activation::HardSwish),
];

/// What `docs/graph-format.md` calls it.
pub(crate) fn activation_name(activation: Activation) -> &'static str {
    let found = ACTIVATIONS.iter().find(|(_, other)| *other == activation);
    found.map_or("none", |(word, _)| word)
}

/// The activation that `docs/graph-format.md` calls `word`.
pub fn activation_of(word: &str) -> Option<Activation> {
    ACTIVATIONS.iter().find(|(name, _)| *name == word).map(|(_, activation)| *activation)
}
