//! The whole module: what it is, its constants, state and functions.

use super::error::EmitError;
use super::linear::place;
use super::prelude::Helper;
use super::source::Source;
use super::value::{Value, WIDTH};
use crate::reference::{Dtype, Golden, Op, Readout, Tensor};

/// Names the classes of the largest scores.
pub(super) fn readout(source: &mut Source<'_>, index: usize, op: &Readout) {
    let Some(output) = op.output else { return };
    let input = source.image.tensors[op.input];
    let parameters = [("values", format!("&{}", kind(&input))), ("classes", format!("&mut [u32; {}]", op.k))];
    let classes = source.memory.array("u32", op.k, index, index, format!("tensor {output}"));
    let body = if op.k == 1 {
        source.need(Helper::Largest);
        "    classes[0] = largest(values);\n".into()
    } else {
        source.need(Helper::NextBest);
        let mut body = "    let mut last = i64::MAX;\n    for class in classes {\n".to_owned();
        body += "        last = next_best(values, last);\n        *class = !last as u32;\n    }\n";
        body
    };
    let arguments = [place(source, op.input, index), format!("&mut {classes}")];
    let fun = format!("op{index}_readout");
    source.function(&format!("READOUT: {} of {} classes.", op.k, input.elements()), &fun, &parameters, &body);
    source.call(&fun, &arguments);
    source.classes = Some(classes);
}

fn kind(tensor: &Tensor) -> String {
    match tensor.dtype {
        Dtype::I8 => format!("[i8; {}]", tensor.elements()),
        Dtype::I32 => format!("[i32; {}]", tensor.elements()),
        Dtype::Bits | Dtype::List => format!("[u32; {}]", tensor.rows * tensor.row_words()),
    }
}

/// Everything, in order.
pub(super) fn write(source: &mut Source<'_>) -> Result<String, EmitError> {
    let image = source.image;
    let (input, output) = (image.tensors[image.header.input], image.tensors[image.header.output]);
    let last = image.ops.len() - 1;
    let values = place(source, image.header.output, last);
    let k = image.ops.last().map_or(0, |op| if let Op::Readout(readout) = op { readout.k } else { 0 });

    let mut text = head(source);
    text += &constants(source, &input, &output, k);
    text += &state(source);
    text += &format!("\n/// An input.\npub type Input = {};\n", kind(&input));
    text += "\n/// What a run gives, until the next one.\n#[derive(Clone, Copy, Debug)]\npub struct Output<'s> {\n";
    text += &format!("    /// The scores: {}.\n    pub values: &'s {},\n", meaning(&output), kind(&output));
    text += &format!("    /// The classes of the largest scores, best first.\n    pub classes: &'s [u32; {k}],\n}}\n");
    if k > 0 {
        text += "\nimpl Output<'_> {\n    /// The class of the largest score.\n    #[must_use]\n";
        text += "    pub fn class(&self) -> usize {\n        self.classes[0] as usize\n    }\n}\n";
    }
    text += &run(source, &values);
    text += &self_test(&input, &output, image.golden.as_deref().unwrap_or_default());
    text += &std::mem::take(&mut source.items);
    for helper in &source.helpers {
        text += &format!("\n{}", helper.source());
    }
    Ok(text)
}

/// Where the module comes from.
fn head(source: &Source<'_>) -> String {
    let provenance = source.image.provenance.iter().flatten();
    let find = |key: &str| provenance.clone().find(|(have, _)| have == key).map(|(_, value)| printable(value));
    let name = find("name").unwrap_or_else(|| "network".into());
    let mut text =
        format!("// The network `{name}`, compiled ahead of time from its Leafgate image. Do not edit.\n//\n");
    let header = &source.image.header;
    text += &format!("// image: {} bytes, crc32 {:#010x}\n", header.total_bytes, header.crc32);
    for key in ["source_sha256", "converter", "options"] {
        if let Some(value) = find(key) {
            text += &format!("// {key}: {value}\n");
        }
    }
    text += &format!("// emitter: leafgate-convert {}\n//\n", env!("CARGO_PKG_VERSION"));
    text += "// `no_std`, no dependencies, Rust 1.88 or later. Build it with opt-level 3 where speed matters more than flash.\n\n";
    text
}

/// Characters that end no comment line.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// What an element stands for.
fn meaning(tensor: &Tensor) -> String {
    match tensor.dtype {
        Dtype::Bits => "bits, least significant first".into(),
        _ => format!("`{} * (q - {})`", tensor.scale, tensor.zero_point),
    }
}

fn constants(source: &Source<'_>, input: &Tensor, output: &Tensor, k: usize) -> String {
    let image = source.image;
    let find = |key: &str| {
        let entries = image.provenance.iter().flatten();
        entries.clone().find(|(have, _)| have == key).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let mut text = String::new();
    let mut add = |doc: &str, name: &str, kind: &str, value: &str| {
        text += &format!("/// {doc}\n#[rustfmt::skip]\npub const {name}: {kind} = {value};\n");
    };
    add("The name of the network.", "NAME", "&str", &format!("{:?}", find("name")));
    add(
        "SHA-256 of the file that it was converted from.",
        "SOURCE_SHA256",
        "&str",
        &format!("{:?}", find("source_sha256")),
    );
    let (what, len) = match input.dtype {
        Dtype::Bits => ("Words of an input", input.rows * input.row_words()),
        _ => ("Elements of an input", input.elements()),
    };
    add(&format!("{what}: {}.", meaning(input)), "INPUT_LEN", "usize", &len.to_string());
    add("Scores of an output.", "OUTPUT_LEN", "usize", &output.elements().to_string());
    add("Classes that an output names.", "CLASSES", "usize", &k.to_string());
    let labels = image.labels.clone().unwrap_or_default();
    let words: String = labels.iter().map(|label| format!("\n    {label:?},")).collect();
    let value = if labels.is_empty() { "[]".into() } else { format!("[{words}\n]") };
    add("The labels of the outputs, if they have any.", "LABELS", &format!("[&str; {}]", labels.len()), &value);
    add("Bytes of working memory.", "STATE_BYTES", "usize", "size_of::<State>()");
    text
}

fn state(source: &Source<'_>) -> String {
    let fields = &source.memory.fields;
    let mut text =
        "\n/// The working memory of a run. What it holds between runs has no meaning.\n#[derive(Clone, Debug)]\n"
            .to_owned();
    if fields.is_empty() {
        text += "pub struct State {}\n";
    } else {
        text += "pub struct State {\n";
        for (i, field) in fields.iter().enumerate() {
            for line in wrapped(&field.holds) {
                text += &format!("    // {line}\n");
            }
            text += &format!("    f{i}: {},\n", field.kind);
        }
        text += "}\n";
    }
    text += "\nimpl State {\n    /// Zeros; can be a `static`.\n    #[must_use]\n    pub const fn new() -> Self {\n";
    if fields.is_empty() {
        text += "        Self {}\n";
    } else {
        text += "        Self {\n";
        for (i, field) in fields.iter().enumerate() {
            let count = field.kind.trim_matches(['[', ']']).rsplit(' ').next().unwrap_or("0");
            text += &format!("            f{i}: [0; {count}],\n");
        }
        text += "        }\n";
    }
    text += "    }\n}\n\nimpl Default for State {\n    fn default() -> Self {\n        Self::new()\n    }\n}\n";
    text
}

/// Words separated by commas in lines that fit.
fn wrapped(words: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (i, word) in words.iter().enumerate() {
        let word = if i + 1 < words.len() { format!("{word}, ") } else { word.clone() };
        match lines.last_mut() {
            Some(line) if line.len() + word.len() <= WIDTH - 8 => *line += &word,
            _ => lines.push(word),
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

fn run(source: &Source<'_>, values: &str) -> String {
    let reads = source.body.contains("input") || values == "input";
    let uses = !source.memory.fields.is_empty();
    let mut text = "\n/// Runs the network.\n".to_owned();
    let life = if values == "input" { "&'s " } else { "&" };
    let (state, input_name) = (if uses { "state" } else { "_state" }, if reads { "input" } else { "_input" });
    text += &format!("pub fn run<'s>({state}: &'s mut State, {input_name}: {life}Input) -> Output<'s> {{\n");
    text += &source.body;
    let classes = source.classes.as_ref().map_or_else(|| "&[]".to_owned(), |classes| format!("&{classes}"));
    text + &format!("    Output {{\n        values: {values},\n        classes: {classes},\n    }}\n}}\n")
}

fn self_test(input: &Tensor, output: &Tensor, golden: &[Golden]) -> String {
    let vector = |vector: &Golden| {
        let input = match input.dtype {
            Dtype::Bits => Value::masks(
                vector.input.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]])),
            ),
            _ => Value::numbers(vector.input.iter().map(|&byte| byte as i8)),
        };
        Value::Struct(
            "Golden".into(),
            vec![("input", input), ("values", Value::numbers(vector.outputs.iter().copied()))],
        )
    };
    let mut vectors = String::new();
    Value::Array(golden.iter().map(vector).collect()).write(&mut vectors, WIDTH, 0);
    let values = output.elements();
    let mut text =
        "\n/// Runs the golden vectors of the image. False if a value differs: then no output can be trusted.\n"
            .to_owned();
    text += "#[must_use]\npub fn self_test(state: &mut State) -> bool {\n    GOLDEN.iter().all(|golden| {\n";
    let widened = if output.dtype == Dtype::I8 { "i32::from(have) == want" } else { "have == want" };
    text += "        let output = run(state, &golden.input);\n";
    text += "        let mut pairs = output.values.iter().zip(&golden.values);\n";
    text += &format!("        pairs.all(|(&have, &want)| {widened})\n    }})\n}}\n");
    text += &format!("\nstruct Golden {{\n    input: Input,\n    values: [i32; {values}],\n}}\n");
    text + &format!("\n#[rustfmt::skip]\nstatic GOLDEN: [Golden; {}] = {vectors};\n", golden.len())
}
