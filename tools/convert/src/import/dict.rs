//! The bare state dict of a fast feedforward network: weights without a description. What it does not say (the hidden
//! activation, the scaling of the input) comes from the options, or is assumed and said.

use super::layers::Builder;
use super::tensors::Tensors;
use super::{ImportOptions, Imported, check_input, ffn, stem, unreadable};
use crate::error::ConvertError;
use crate::ir::{Activation, InputSpec};
use std::path::Path;

/// The one key that every fast feedforward state dict has, whatever its depth, at the end of its prefix.
const LEAF_WEIGHTS: &str = "w1s";

/// Tensors of difflogic or torchlogix, if there are any: difflogic has 16 weights for each gate.
fn gates(tensors: &Tensors<'_>) -> Option<String> {
    let is_gates = |name: &&str| {
        let last = name.rsplit('.').next();
        let of_gates = |&name: &&str| tensors.shape(name).is_ok_and(|shape| matches!(shape, [_, 16]));
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
    let prefixes: Vec<String> = tensors
        .names()
        .filter_map(|name| name.strip_suffix(LEAF_WEIGHTS))
        .filter(|prefix| prefix.is_empty() || prefix.ends_with('.'))
        .map(str::to_owned)
        .collect();
    if let (true, Some(tensors)) = (prefixes.is_empty(), gates(&tensors)) {
        return Err(ConvertError::NoDescription { tensors });
    }
    let [prefix] = &prefixes[..] else {
        let found = match prefixes.len() {
            0 => "a state dict without the `w1s` of a fast feedforward network".to_owned(),
            n => format!("a state dict of {n} fast feedforward blocks, which does not say how they are joined"),
        };
        let advice = "save it as .safetensors with a `leafgate.graph` description (docs/graph-format.md)";
        return Err(unreadable(path, &format!("{found}; {advice}")));
    };
    let leaf_weights = format!("{prefix}{LEAF_WEIGHTS}");
    let name = match prefix.trim_end_matches('.') {
        "" => "fff",
        name => name,
    };
    tensors.enter(name);
    let len = match tensors.shape(&leaf_weights)? {
        [_, len, _] => *len,
        have => return Err(tensors.misshapen(&leaf_weights, "(2^d, I, l)", have)),
    };

    let mut assumptions = Vec::new();
    let activation = options.activation.unwrap_or_else(|| {
        assumptions.push("the hidden activation is taken to be relu: a state dict does not say it".into());
        Activation::Relu
    });
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
        let want = format!("(2^d, I = {}, the length of the input, l)", input.len);
        return Err(tensors.misshapen(&leaf_weights, want, tensors.shape(&leaf_weights)?));
    }
    if options.match_eval_0_2_1 {
        assumptions.push("the leaves' output bias is left out, as version 0.2.1 of fastfeedforward does".into());
    }
    let block = ffn::fff(&mut tensors, prefix, len, !options.match_eval_0_2_1)?;
    let mut builder = Builder::new(stem(path), input, Vec::new(), tensors);
    builder.push_block(name.into(), block, activation, false)?;
    builder.argmax()?;
    Ok(Imported { graph: builder.finish()?, integer: None, listing: Vec::new(), assumptions })
}
