//! The bare state dict of fast feedforward blocks: weights without a description. What it does not say (the hidden activation, the
//! scaling of the input, the order of its blocks, the trees of UltraFastBERT's layer) comes from the options or the file's
//! metadata, or is assumed and said.

use super::graph_file::activation_word;
use super::layers::Builder;
use super::tensors::Tensors;
use super::{ImportOptions, Imported, check_input, ffn, stem, unreadable};
use crate::error::ConvertError;
use crate::ir::{Activation, InputSpec};
use std::path::Path;

/// The metadata key of a safetensors file that names the hidden activation, with the words of `docs/graph-format.md`.
const ACTIVATION: &str = "activation";

/// What kind of block a prefix holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Of the package `fastfeedforward`, or with a master leaf.
    Fff,
    /// UltraFastBERT's layer.
    UltraFast,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Fff, Self::UltraFast];

    /// The key that every block of this kind has, at the end of its prefix. Its second dimension is the width of the input.
    const fn key(self) -> &'static str {
        match self {
            Self::Fff => "w1s",
            Self::UltraFast => "linear_in.weight",
        }
    }
}

/// A block of the file.
#[derive(Clone, Debug)]
struct Found {
    prefix: String,
    kind: Kind,
}

impl Found {
    /// The prefix without its dot, as reports and `--layers` call it.
    fn name(&self) -> &str {
        match (self.prefix.trim_end_matches('.'), self.kind) {
            ("", Kind::Fff) => "fff",
            ("", Kind::UltraFast) => "ultrafast",
            (name, _) => name,
        }
    }
}

/// Tensors of difflogic or torchlogix, if there are any: weights of gates come in rows of 16 or 4.
fn gates(tensors: &Tensors<'_>) -> Option<String> {
    let is_gates = |name: &&str| {
        let last = name.rsplit('.').next();
        let of_gates = |&name: &&str| tensors.shape(name).is_ok_and(|shape| matches!(shape, [.., 16 | 4]));
        name.contains("tree_weights.")
            || last == Some("weights") && of_gates(name)
            || last == Some("weight")
                && tensors.has(&format!("{}connections.indices", name.strip_suffix("weight").unwrap_or_default()))
    };
    let names: Vec<String> = tensors.names().filter(is_gates).take(3).map(|name| format!("`{name}`")).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Makes the graph of a state dict.
pub(super) fn read(mut tensors: Tensors<'_>, path: &Path, options: &ImportOptions) -> Result<Imported, ConvertError> {
    let mut assumptions = Vec::new();
    let blocks = blocks(&mut tensors, path, options, &mut assumptions)?;
    let Some(first) = blocks.first() else {
        if let Some(tensors) = gates(&tensors) {
            return Err(ConvertError::NoDescription { tensors });
        }
        let why = "a state dict without the `w1s` of a fast feedforward network or the `linear_in.weight` and `linear_out.weight` of \
                   UltraFastBERT's; save it as .safetensors with a `leafgate.graph` description (docs/graph-format.md)";
        return Err(unreadable(path, why));
    };
    let any = |kind| blocks.iter().any(|block| block.kind == kind);
    refuse_idle_options(options, any(Kind::Fff), any(Kind::UltraFast))?;
    let activation = activation(&tensors, options, any(Kind::Fff), any(Kind::UltraFast), &mut assumptions)?;
    let input = input(&mut tensors, first, options, &mut assumptions)?;
    if options.match_eval_0_2_1 {
        assumptions.push("the leaves' output bias is left out, as version 0.2.1 of fastfeedforward does".into());
    }

    // What comes out of UltraFastBERT's layer is a state of the same width, not the scores of classes.
    let scores = blocks.last().is_some_and(|block| block.kind == Kind::Fff);
    let mut builder = Builder::new(stem(path), input, Vec::new(), tensors);
    for block in &blocks {
        let name = block.name().to_owned();
        builder.enter(&name);
        let activation = activation.unwrap_or(match block.kind {
            Kind::Fff => Activation::Relu,
            Kind::UltraFast => Activation::Gelu,
        });
        let (tensors, cols) = builder.next();
        let made = match block.kind {
            Kind::Fff => ffn::fff(tensors, &block.prefix, cols, !options.match_eval_0_2_1)?,
            Kind::UltraFast => ffn::ultrafast(tensors, &block.prefix, trees(tensors, block, options)?, cols, &name)?,
        };
        builder.push_block(name, made, activation, false)?;
    }
    if scores {
        builder.argmax()?;
    }
    Ok(Imported { graph: builder.finish()?, integer: None, listing: Vec::new(), assumptions })
}

/// The blocks in the order they run: those that the options name, or all.
fn blocks(
    tensors: &mut Tensors<'_>,
    path: &Path,
    options: &ImportOptions,
    assumptions: &mut Vec<String>,
) -> Result<Vec<Found>, ConvertError> {
    let mut all: Vec<Found> = Vec::new();
    for kind in Kind::ALL {
        let prefixes = tensors.names().filter_map(|name| name.strip_suffix(kind.key()));
        let prefixes = prefixes.filter(|prefix| prefix.is_empty() || prefix.ends_with('.'));
        all.extend(prefixes.map(|prefix| Found { prefix: prefix.to_owned(), kind }));
    }
    // Other networks have a `linear_in` as well; this one has the other half.
    all.retain(|block| block.kind == Kind::Fff || tensors.has(&format!("{}linear_out.weight", block.prefix)));
    all.sort_by_cached_key(|block| natural(&block.prefix));
    if options.layers.is_empty() {
        if all.len() > 1 {
            let names: Vec<&str> = all.iter().map(Found::name).collect();
            if let Some([before, after]) = all.array_windows().find(|[a, b]| apart(tensors, a, b)) {
                let why = format!(
                    "a state dict of {} fast feedforward blocks that do not follow each other: `{}` does not read as many numbers as \
                     `{}` gives; `--layers` says which of them run, and in which order: {}",
                    all.len(),
                    after.name(),
                    before.name(),
                    names.join(", ")
                );
                return Err(unreadable(path, &why));
            }
            assumptions.push(format!(
                "the {} blocks are taken to run one after the other with nothing between them, in the order {}: a state dict does \
                 not say it",
                all.len(),
                names.join(", ")
            ));
        }
        return Ok(all);
    }
    let mut chosen: Vec<Found> = Vec::new();
    for layer in &options.layers {
        let Some(block) = all.iter().find(|block| block.name() == layer.trim_end_matches('.')) else {
            let want = all.iter().map(Found::name).collect::<Vec<_>>().join(", ");
            let layer_of = path.display().to_string();
            return Err(ConvertError::Unknown { layer: layer_of, what: "block", have: layer.clone(), want });
        };
        if chosen.iter().any(|other| other.prefix == block.prefix) {
            return Err(ConvertError::Range {
                place: "import options".into(),
                what: format!("the number of times that block `{layer}` is named"),
                want: "1".into(),
                have: "2".into(),
            });
        }
        chosen.push(block.clone());
    }
    let left = tensors.leave_out(|name| !chosen.iter().any(|block| name.starts_with(&block.prefix)));
    if !left.is_empty() {
        let (shown, more) = (left.len().min(4), left.len().saturating_sub(4));
        let and = if more > 0 { format!(" and {more} more") } else { String::new() };
        assumptions.push(format!("tensors of other layers are left out: {}{and}", left[..shown].join(", ")));
    }
    Ok(chosen)
}

/// Whether `after` reads another number of values than `before` gives, as far as their tensors have shapes.
fn apart(tensors: &Tensors<'_>, before: &Found, after: &Found) -> bool {
    let shape = |block: &Found, key: &str| tensors.shape(&format!("{}{key}", block.prefix)).ok().map(<[usize]>::to_vec);
    let gives = match before.kind {
        Kind::Fff => shape(before, "w2s").and_then(|shape| shape.get(2).copied()),
        Kind::UltraFast => shape(before, "linear_out.weight").and_then(|shape| shape.first().copied()),
    };
    let reads = shape(after, after.kind.key()).and_then(|shape| shape.get(1).copied());
    gives.zip(reads).is_some_and(|(gives, reads)| gives != reads)
}

/// A key by which `layers.10.` comes after `layers.9.`.
fn natural(prefix: &str) -> Vec<(u64, String)> {
    let part = |part: &str| part.parse().map_or_else(|_| (u64::MAX, part.to_owned()), |number| (number, String::new()));
    prefix.split('.').map(part).collect()
}

/// Refuses an option that says nothing about what the file holds.
fn refuse_idle_options(options: &ImportOptions, fff: bool, ultrafast: bool) -> Result<(), ConvertError> {
    let idle = [
        ("match_eval_0_2_1", options.match_eval_0_2_1 && !fff, "a block of the package fastfeedforward"),
        ("trees", options.trees.is_some() && !ultrafast, "a layer of UltraFastBERT"),
        ("depth", options.depth.is_some() && !ultrafast, "a layer of UltraFastBERT"),
    ];
    match idle.iter().find(|(_, idle, _)| *idle) {
        None => Ok(()),
        Some((what, _, of)) => Err(ConvertError::Range {
            place: "import options".into(),
            what: (*what).into(),
            want: format!("nothing: the file has no {}", of.trim_start_matches("a ")),
            have: "given".into(),
        }),
    }
}

/// The hidden activation, if something says it; otherwise each kind's own.
fn activation(
    tensors: &Tensors<'_>,
    options: &ImportOptions,
    fff: bool,
    ultrafast: bool,
    assumptions: &mut Vec<String>,
) -> Result<Option<Activation>, ConvertError> {
    if let Some(activation) = options.activation {
        return Ok(Some(activation));
    }
    if let Some(word) = tensors.metadata(ACTIVATION) {
        return activation_word(&word.to_ascii_lowercase(), "metadata").map(Some);
    }
    let mut assume =
        |what| assumptions.push(format!("the hidden activation is taken to be {what}: a state dict does not say it"));
    match (fff, ultrafast) {
        (true, false) => assume("relu"),
        (false, _) => assume("gelu"),
        (true, true) => assume("relu, and gelu of UltraFastBERT's layers"),
    }
    Ok(None)
}

/// What the network reads, as wide as the first block.
fn input(
    tensors: &mut Tensors<'_>,
    first: &Found,
    options: &ImportOptions,
    assumptions: &mut Vec<String>,
) -> Result<InputSpec, ConvertError> {
    tensors.enter(first.name());
    let key = format!("{}{}", first.prefix, first.kind.key());
    let len = match (first.kind, tensors.shape(&key)?) {
        (Kind::Fff, [_, len, _]) | (Kind::UltraFast, [_, len]) => *len,
        (Kind::Fff, have) => return Err(tensors.misshapen(&key, "(2^d, I, l)", have)),
        (Kind::UltraFast, have) => return Err(tensors.misshapen(&key, "(K*(2^(depth+1)-1), I)", have)),
    };
    let input = options.input.clone().unwrap_or_else(|| {
        assumptions.push(
            "the input is taken to be pixels 0 to 255 on -1 to 1 (q = pixel - 128, scale 2/255, zero point -0.5): a state \
             dict does not say it"
                .into(),
        );
        InputSpec { len, scale: 2.0 / 255.0, zero_point: -0.5, min: i8::MIN, max: i8::MAX }
    });
    check_input(&input)?;
    if input.len != len {
        let want = match first.kind {
            Kind::Fff => format!("(2^d, I = {}, the length of the input, l)", input.len),
            Kind::UltraFast => format!("(K*(2^(depth+1)-1), I = {}, the length of the input)", input.len),
        };
        return Err(tensors.misshapen(&key, want, tensors.shape(&key)?));
    }
    Ok(input)
}

/// Trees and depth of UltraFastBERT's layer. The rows are one figure and these are two: one of them must be known.
fn trees(tensors: &Tensors<'_>, block: &Found, options: &ImportOptions) -> Result<(usize, usize), ConvertError> {
    let key = format!("{}{}", block.prefix, block.kind.key());
    let rows = tensors.shape(&key)?.first().copied().unwrap_or(0);
    let nodes = |depth: usize| 1usize.checked_shl(depth as u32 + 1).map(|leaves| leaves - 1);
    let found = match (options.trees, options.depth) {
        (Some(trees), Some(depth)) => Some((trees, depth)),
        (Some(trees), None) => (0..usize::BITS as usize - 1)
            .find(|&depth| nodes(depth).and_then(|nodes| nodes.checked_mul(trees)) == Some(rows))
            .map(|depth| (trees, depth)),
        (None, Some(depth)) => {
            let nodes = (depth < usize::BITS as usize - 1).then(|| nodes(depth)).flatten();
            nodes.filter(|nodes| rows % nodes == 0).map(|nodes| (rows / nodes, depth))
        }
        (None, None) => {
            return Err(ConvertError::Unsaid {
                place: tensors.layer(),
                what: "its number of trees and their depth".into(),
                want: format!("one of both: its {rows} rows are trees * (2^(depth + 1) - 1)"),
            });
        }
    };
    match found {
        Some(found) => Ok(found),
        None => {
            let given = |what, figure: Option<usize>| figure.map(|figure| format!("{what} = {figure}"));
            let given = given("trees", options.trees).or_else(|| given("depth", options.depth)).unwrap_or_default();
            let want = format!("trees * (2^(depth + 1) - 1) rows with {given}");
            Err(tensors.misshapen(&key, want, tensors.shape(&key)?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::natural;

    #[test]
    fn numbers_in_prefixes_are_numbers() {
        let mut prefixes = ["layers.10.", "layers.9.", "", "head.", "layers.9.b.", "layers.9.a."];
        prefixes.sort_by_cached_key(|prefix| natural(prefix));
        assert_eq!(prefixes, ["", "head.", "layers.9.", "layers.9.a.", "layers.9.b.", "layers.10."]);
    }
}
