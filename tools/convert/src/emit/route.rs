//! ROUTE, and the lists that it makes.
//!
//! No list needs a length at run time: each ROUTE appends a number of entries that the image says, and a full list takes no more. So
//! a list is a sequence of runs, one for each ROUTE that appends, each an array of what that ROUTE chooses; what a static ROUTE
//! appends is known here, and nothing is stored.

use std::collections::BTreeMap;
use std::ops::Range;

use super::error::EmitError;
use super::linear::place;
use super::prelude::Helper;
use super::source::{Source, rounding};
use super::value::{Value, WIDTH, by_byte};
use crate::reference::{Emit, Route, RouteKind, Rows};

/// What one ROUTE has appended.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// Entries.
    pub count: usize,
    /// The numbers that an entry may have.
    pub numbers: Range<usize>,
    /// The field that holds the numbers; `None`: they are `numbers`, in order.
    pub chosen: Option<String>,
    /// The weight of each entry.
    pub weight: Weight,
    /// The field that holds the products handed on; `None`: zeros.
    pub handed: Option<String>,
}

/// The Q15 weight of the entries of a run.
#[derive(Clone, Debug)]
pub(super) enum Weight {
    /// Of all.
    Constant(u16),
    /// Of each, in a field.
    Chosen(String),
}

/// The lists, by the index of their tensor.
pub(super) type Lists = BTreeMap<usize, Vec<Run>>;

/// Appends to a list.
pub(super) fn route(source: &mut Source<'_>, lists: &mut Lists, index: usize, op: &Route) -> Result<(), EmitError> {
    let list = lists.entry(op.list).or_default();
    if !op.append {
        list.clear();
    }
    let room = source.image.tensors[op.list].cols - list.iter().map(|run| run.count).sum::<usize>();
    let count = match op.kind {
        RouteKind::Static { count } => count,
        RouteKind::Tree { trees, emit: Emit::Leaf, .. } => trees,
        RouteKind::Tree { trees, depth, .. } => trees * depth as usize,
        RouteKind::Linear { top, .. } => top,
    };
    let count = count.min(room);
    if count == 0 {
        return Ok(());
    }
    if let RouteKind::Static { .. } = op.kind {
        let numbers = op.first..op.first + count;
        list.push(Run { count, numbers, chosen: None, weight: Weight::Constant(op.weight), handed: None });
        return Ok(());
    }
    let until = source.memory.last_use(op.list);
    let mut field = |kind: &str, what: &str| {
        source.memory.array(kind, count, index, until, format!("{what} of list {} by op {index}", op.list))
    };
    let chosen = field("u16", "numbers");
    let (mut weight, mut handed) = (Weight::Constant(op.weight), None);
    let (choices, rows) = match op.kind {
        RouteKind::Tree { rows, trees, depth, emit } => {
            if emit == (Emit::Path { hand_z: true }) {
                handed = Some(field("i32", "products"));
            }
            (if emit == Emit::Leaf { trees << depth } else { trees * ((1 << depth) - 1) }, rows)
        }
        RouteKind::Linear { rows, gate, .. } => {
            if gate.is_some() {
                weight = Weight::Chosen(field("u16", "weights"));
            }
            (rows.count, rows)
        }
        RouteKind::Static { .. } => return Ok(()),
    };
    let numbers = op.first..op.first + choices;
    list.push(Run { count, numbers, chosen: Some(chosen.clone()), weight: weight.clone(), handed: handed.clone() });

    let mut parameters = vec![("x", format!("&[i8; {}]", rows.cols)), ("numbers", format!("&mut [u16; {count}]"))];
    let mut arguments = vec![place(source, rows.input, index), format!("&mut {chosen}")];
    if let Weight::Chosen(weights) = &weight {
        parameters.push(("weights", format!("&mut [u16; {count}]")));
        arguments.push(format!("&mut {weights}"));
    }
    if let Some(handed) = &handed {
        parameters.push(("handed", format!("&mut [i32; {count}]")));
        arguments.push(format!("&mut {handed}"));
    }
    let (what, body) = match op.kind {
        RouteKind::Linear { scores, gate, .. } => {
            parameters.insert(1, ("scores", format!("&mut [i32; {}]", rows.count)));
            arguments.insert(1, format!("&mut {}", source.memory.place(scores, index)));
            ("router", router(source, index, op, &rows, gate)?)
        }
        RouteKind::Tree { trees, depth, emit, .. } => ("tree", tree(source, index, op, &rows, (trees, depth), emit)?),
        RouteKind::Static { .. } => return Ok(()),
    };
    let fun = format!("op{index}_route");
    source.function(&format!("ROUTE: {what} of {} rows, {count} entries.", rows.count), &fun, &parameters, &body);
    source.call(&fun, &arguments);
    Ok(())
}

/// The nodes of each tree: weights and bias side by side.
fn tree(
    source: &mut Source<'_>,
    index: usize,
    op: &Route,
    rows: &Rows,
    (trees, depth): (usize, u32),
    emit: Emit,
) -> Result<String, EmitError> {
    source.need(Helper::Dot);
    let nodes = (1usize << depth) - 1;
    let has_bias = rows.bias.is_some();
    source.count((trees * nodes * (rows.cols + if has_bias { 4 } else { 0 })) as u64)?;
    let node = |i: usize| {
        let weights = Value::numbers(source.constants().part(rows.weights, i * rows.cols, rows.cols));
        let mut fields = vec![("weights", weights)];
        if has_bias {
            fields.push(("bias", Value::Number(source.constants().bias(rows.bias, i))));
        }
        Value::Struct(format!("Op{index}Node"), fields)
    };
    let tree = |t: usize| Value::Array((0..nodes).map(|i| node(t * nodes + i)).collect());
    let all = Value::Array((0..trees).map(tree).collect());
    let bias = if has_bias { "    bias: i32,\n" } else { "" };
    source.items += &format!("\nstruct Op{index}Node {{\n    weights: [i8; {}],\n{bias}}}\n", rows.cols);
    source.constant(&format!("OP{index}_TREES"), &format!("[[Op{index}Node; {nodes}]; {trees}]"), 0, &all)?;

    let path = matches!(emit, Emit::Path { .. });
    let mut body = String::new();
    let found = "            let Some(at) = tree.get(node) else { break };\n";
    let sum = if has_bias { "dot(&at.weights, x).wrapping_add(at.bias)" } else { "dot(&at.weights, x)" };
    if !path {
        body += "    let mut first = ";
        body += &format!("{}u16;\n    for (number, tree) in numbers.iter_mut().zip(&OP{index}_TREES) {{\n", op.first);
        body +=
            &format!("        let mut node = 0usize;\n        let mut level = 0;\n        while level < {depth} {{\n");
        body += found;
        body += &format!(
            "            let sum = {sum};\n            node = node.wrapping_mul(2).wrapping_add(1 + usize::from(sum >= 0));\n            level += 1;\n        }}\n"
        );
        body += &format!("        *number = first.wrapping_add(node.wrapping_sub({nodes}) as u16);\n");
        return Ok(body + &format!("        first = first.wrapping_add({});\n    }}\n", nodes + 1));
    }
    let hand_z = emit == (Emit::Path { hand_z: true });
    let (entries, entry) =
        if hand_z { ("numbers.iter_mut().zip(handed)", "(number, handed)") } else { ("numbers.iter_mut()", "number") };
    body += &format!("    let mut entries = {entries};\n    let mut first = {}u16;\n", op.first);
    body +=
        &format!("    for tree in &OP{index}_TREES {{\n        let mut node = 0usize;\n        let mut level = 0;\n");
    body += &format!("        while level < {depth} {{\n");
    body += found;
    body +=
        &format!("            let Some({entry}) = entries.next() else {{\n                return;\n            }};\n");
    body += "            *number = first.wrapping_add(node as u16);\n";
    if hand_z {
        body += "            *handed = dot(&at.weights, x);\n";
        body +=
            &format!("            let sum = {};\n", if has_bias { "handed.wrapping_add(at.bias)" } else { "*handed" });
    } else {
        body += &format!("            let sum = {sum};\n");
    }
    body += "            node = node.wrapping_mul(2).wrapping_add(1 + usize::from(sum >= 0));\n            level += 1;\n        }\n";
    Ok(body + &format!("        first = first.wrapping_add({nodes});\n    }}\n"))
}

/// The experts of the largest scores.
fn router(
    source: &mut Source<'_>,
    index: usize,
    op: &Route,
    rows: &Rows,
    gate: Option<(crate::reference::Array<crate::reference::Rq>, crate::reference::Array<u16>)>,
) -> Result<String, EmitError> {
    source.need(Helper::Products);
    source.need(Helper::NextBest);
    let (constant, cols) = (format!("OP{index}"), rows.cols);
    source.count((rows.count * cols) as u64)?;
    let weights = Value::matrix(source.constants().all(rows.weights), cols);
    source.constant(&format!("{constant}_WEIGHTS"), &format!("[[i8; {cols}]; {}]", rows.count), 0, &weights)?;
    let sum = if source.bias(&format!("{constant}_BIAS"), rows.bias, rows.count)? {
        format!("sum.wrapping_add({constant}_BIAS[r])")
    } else {
        "sum".into()
    };
    let mut body = format!("    products(&{constant}_WEIGHTS, x, |r, sum| {{\n        scores[r] = {sum};\n    }});\n");
    body += "    let mut last = i64::MAX;\n";
    let Some((rq, table)) = gate else {
        body += "    for number in numbers {\n        last = next_best(scores, last);\n";
        return Ok(body + &format!("        *number = {}u16.wrapping_add(!last as u16);\n    }}\n", op.first));
    };
    source.need(Helper::Apply);
    let mut record = String::new();
    rounding(&source.constants().get(rq, 0)).write(&mut record, WIDTH, 0);
    source.items += &format!("\nconst {constant}_GATE: Rounding = {record};\n");
    let values: Vec<u16> = source.constants().all(table).collect();
    source.constant(&format!("{constant}_TABLE"), "[u16; 256]", 512, &by_byte(&values))?;
    body += "    for (number, weight) in numbers.iter_mut().zip(weights) {\n        last = next_best(scores, last);\n";
    body += &format!("        *number = {}u16.wrapping_add(!last as u16);\n", op.first);
    body += &format!("        let gate = {constant}_GATE.apply((last >> 32) as i32);\n");
    Ok(body + &format!("        *weight = {constant}_TABLE[usize::from(gate as u8)];\n    }}\n"))
}
