//! A graph as a graph file (`docs/graph-format.md`): what [`crate::import`] reads again.

use std::collections::{BTreeMap, HashMap};

use safetensors::{Dtype, tensor::TensorView};
use serde_json::{Map, Value, json};

use crate::ConvertError;
use crate::import::{activation_name, gate_word};
use crate::ir::{Emit, Graph, Matrix, Node, Op, Range, Readout, Route, ValueId, Wiring, equal_groups};

/// The bytes of the file. Names of nodes become prefixes and ids; `source_sha256` is that of the new file, so it is not written.
///
/// # Errors
/// [`ConvertError::Unsupported`] with everything that the format has no words for: a netlist (passes make it, no importer does), groups of
/// unequal size, and a tree of visited nodes that is not the only route or whose ties go right.
pub fn graph_file(graph: &Graph) -> Result<Vec<u8>, ConvertError> {
    let mut file = File { tensors: BTreeMap::new(), layers: Vec::new(), unsupported: Vec::new() };
    let names = names(graph);
    for (index, node) in graph.nodes.iter().enumerate() {
        file.node(graph, node, &names, index);
    }
    let last = graph.nodes.last().map_or(Graph::INPUT, |node| node.output);
    let readout = match graph.readout {
        Readout::None if graph.output != last => {
            file.unsupported.push("scores that are not the last layer's, without an argmax".into());
            None
        }
        Readout::None => None,
        Readout::Argmax => Some(json!({ "op": "argmax" })),
        Readout::TopK(k) => Some(json!({ "op": "top_k", "k": k })),
    };
    if let Some(mut readout) = readout {
        readout["input"] = names[&graph.output].clone().into();
        file.layers.push(readout);
    }
    if !file.unsupported.is_empty() {
        return Err(ConvertError::Unsupported { operators: file.unsupported });
    }
    let input = &graph.input;
    let description = json!({
        "format": "leafgate.graph/1",
        "name": graph.name,
        "input": {
            "len": input.len, "scale": input.scale, "zero_point": input.zero_point, "min": input.min, "max": input.max,
        },
        "labels": graph.labels,
        "layers": file.layers,
    });
    let metadata = HashMap::from([("leafgate.graph".to_owned(), description.to_string())]);
    let views = file.tensors.iter().map(|(name, (dtype, shape, bytes))| {
        // The shape and the bytes come from one matrix.
        (name, TensorView::new(*dtype, shape.clone(), bytes).expect("a tensor fills its shape"))
    });
    safetensors::serialize(views, Some(metadata)).map_err(|error| ConvertError::Check { why: error.to_string() })
}

/// What each value is called: by the node that writes it. Names that are taken get the node's number.
fn names(graph: &Graph) -> HashMap<ValueId, String> {
    let mut names = HashMap::from([(Graph::INPUT, "input".to_owned())]);
    for (index, node) in graph.nodes.iter().enumerate() {
        let mut name = node.name.clone();
        while name.is_empty() || names.values().any(|taken| *taken == name) {
            name += &format!("_{index}");
        }
        names.insert(node.output, name);
    }
    names
}

struct File {
    tensors: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>,
    layers: Vec<Value>,
    unsupported: Vec<String>,
}

impl File {
    fn node(&mut self, graph: &Graph, node: &Node, names: &HashMap<ValueId, String>, index: usize) {
        let id = &names[&node.output];
        let p = format!("{id}.");
        let mut reads = vec![names[&node.input].clone()];
        reads.extend(node.op.others().iter().map(|other| names[other].clone()));
        let mut layer = match &node.op {
            Op::Linear { weight, bias, activation } => {
                self.matrix(&p, "weight", weight);
                self.floats(&p, "bias", bias);
                json!({ "op": "linear", "prefix": p, "activation": activation_name(*activation) })
            }
            Op::Ffn { routes, ranges, activation } => match self.ffn(&p, routes, ranges) {
                Some(mut layer) => {
                    layer["activation"] = activation_name(*activation).into();
                    layer["prefix"] = p.into();
                    layer
                }
                None => {
                    return self.refuse(
                        node,
                        index,
                        "a tree of visited nodes beside other routes, or whose ties go right",
                    );
                }
            },
            Op::Affine { gain, bias } => {
                self.floats(&p, "gain", gain);
                self.floats(&p, "bias", bias);
                json!({ "op": "affine", "prefix": p })
            }
            Op::Add { .. } => json!({ "op": "add", "inputs": reads }),
            Op::Mul { .. } => json!({ "op": "mul", "inputs": reads }),
            Op::Concat { .. } => json!({ "op": "concat", "inputs": reads }),
            Op::Slice { start, len } => json!({ "op": "slice", "start": start, "len": len }),
            Op::Transpose { rows, cols } => json!({ "op": "transpose", "rows": rows, "cols": cols }),
            Op::Activation(function) => json!({ "op": "activation", "function": activation_name(*function) }),
            Op::Clamp { min, max } => json!({ "op": "clamp", "min": min, "max": max }),
            Op::Bits { feature, threshold } => {
                self.indices(&p, "feature", feature);
                self.floats(&p, "threshold", threshold);
                json!({ "op": "thermometer", "prefix": p })
            }
            Op::Gates { wiring, gate } => {
                self.tensors.insert(format!("{p}gate"), (Dtype::U8, vec![gate.len()], gate.clone()));
                let (wiring, operands) = match wiring {
                    Wiring::Word { a_word, a_rot, b_word, b_rot } => {
                        ("word", vec![("a_word", a_word), ("a_rot", a_rot), ("b_word", b_word), ("b_rot", b_rot)])
                    }
                    Wiring::Gathered { a, b } => ("gathered", vec![("a", a), ("b", b)]),
                };
                operands.into_iter().for_each(|(name, indices)| self.indices(&p, name, indices));
                json!({ "op": "gates", "prefix": p, "wiring": wiring })
            }
            Op::GroupSum { bounds, bias, tau } => {
                let groups = bias.len();
                if *bounds != equal_groups(graph.value(node.input).len, groups) {
                    return self.refuse(node, index, "groups of unequal size");
                }
                self.floats(&p, "bias", bias);
                json!({ "op": "group_sum", "prefix": p, "groups": groups, "tau": tau })
            }
            Op::Netlist(_) => return self.refuse(node, index, "a netlist"),
        };
        layer["id"] = id.clone().into();
        if layer.get("inputs").is_none() {
            layer["input"] = reads.swap_remove(0).into();
        }
        self.layers.push(layer);
    }

    fn refuse(&mut self, node: &Node, index: usize, what: &str) {
        self.unsupported.push(format!("`{}` (node {index}): {what} has no words in a graph file", node.name));
    }

    /// None if the format has no words for it.
    fn ffn(&mut self, p: &str, routes: &[Route], ranges: &[Range]) -> Option<Value> {
        if let ([Route::Tree { trees, levels, strict: true, emit: Emit::Path, .. }], [nodes]) = (routes, ranges) {
            self.matrix(p, "linear_in.weight", &nodes.keys);
            self.floats(p, "linear_in.bias", &nodes.key_bias);
            self.matrix(p, "linear_out.weight", &nodes.values.transposed());
            return Some(json!({ "op": "ultrafast", "trees": trees, "depth": levels - 1 }));
        }
        let mut described = Vec::new();
        for (i, route) in routes.iter().enumerate() {
            let p = format!("{p}route.{i}.");
            let mut rows = |weight: &Matrix, bias: &[f32]| {
                self.matrix(&p, "weight", weight);
                self.floats(&p, "bias", bias);
            };
            described.push(match route {
                Route::Static { first, count } => json!({ "kind": "static", "first": first, "count": count }),
                Route::Tree { emit: Emit::Path, .. } => return None,
                Route::Tree { trees, levels, weight, bias, strict, emit: Emit::Leaf, first } => {
                    rows(weight, bias);
                    json!({ "kind": "tree", "trees": trees, "depth": levels, "strict": strict, "first": first })
                }
                Route::TopK { weight, bias, k, gate, first } => {
                    rows(weight, bias);
                    json!({ "kind": "top_k", "k": k, "gate": gate_word(*gate), "first": first })
                }
            });
        }
        let joined = |part: &dyn Fn(&Range) -> &Matrix| {
            let cols = ranges.first().map_or(0, |range| part(range).cols);
            let data: Vec<f32> = ranges.iter().flat_map(|range| part(range).data.iter().copied()).collect();
            Matrix::new(data.len().checked_div(cols).unwrap_or(0), cols, data)
        };
        let (keys, values) = (joined(&|range| &range.keys), joined(&|range| &range.values));
        if keys.rows > 0 {
            self.matrix(p, "keys", &keys);
            self.floats(p, "key_bias", &ranges.iter().flat_map(|range| range.key_bias.clone()).collect::<Vec<_>>());
            self.matrix(p, "values", &values);
        }
        let bias: Vec<f32> = ranges.iter().flat_map(|range| range.value_bias.clone()).collect();
        self.matrix(p, "value_bias", &Matrix::new(ranges.len(), values.cols, bias));
        let sizes: Vec<usize> = ranges.iter().map(|range| range.keys.rows).collect();
        let mut layer = Map::new();
        layer.insert("op".into(), "ffn".into());
        layer.insert("ranges".into(), sizes.into());
        layer.insert("routes".into(), described.into());
        Some(layer.into())
    }

    fn matrix(&mut self, p: &str, name: &str, matrix: &Matrix) {
        self.insert(p, name, vec![matrix.rows, matrix.cols], &matrix.data);
    }

    fn floats(&mut self, p: &str, name: &str, numbers: &[f32]) {
        self.insert(p, name, vec![numbers.len()], numbers);
    }

    fn indices(&mut self, p: &str, name: &str, numbers: &[u32]) {
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.tensors.insert(format!("{p}{name}"), (Dtype::U32, vec![numbers.len()], bytes));
    }

    fn insert(&mut self, p: &str, name: &str, shape: Vec<usize>, numbers: &[f32]) {
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.tensors.insert(format!("{p}{name}"), (Dtype::F32, shape, bytes));
    }
}
