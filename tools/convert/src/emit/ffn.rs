//! FFN: the ranges that a list names.
//!
//! Ranges of one shape that follow each other are a table with a function; an entry finds its table by its number. Lengths, scales and
//! packing are constants of the function.

use std::collections::BTreeSet;
use std::ops::Range as Numbers;

use super::error::EmitError;
use super::linear::place;
use super::prelude::Helper;
use super::route::{Lists, Run, Weight};
use super::source::{Records, Source, rounding};
use super::value::{Value, WIDTH, by_byte};
use crate::reference::{Activation, Ffn, ONE, Range, Rq};

/// Ranges, or neurons of a range, that one function computes.
struct Table {
    /// Their numbers in the lists.
    numbers: Numbers<usize>,
    /// Index of the first one's record.
    first: usize,
    shape: Shape,
}

/// What ranges of one table have in common.
#[derive(Clone, Copy, PartialEq)]
struct Shape {
    neurons: usize,
    keys: bool,
    key_bias: bool,
    value_bias: bool,
    output_major: bool,
    /// All neurons of a range share a record.
    shared_record: bool,
    scaled: bool,
}

impl Shape {
    fn of(range: &Range) -> Self {
        Self {
            neurons: range.neurons,
            keys: range.keys_at.is_some(),
            key_bias: range.key_bias.is_some(),
            value_bias: range.value_bias_at.is_some(),
            output_major: range.output_major,
            shared_record: range.key_rq.is_some_and(|rq| rq.count() == 1),
            scaled: range.scale.is_some(),
        }
    }
}

/// The neurons of the ranges that a list names, or of all.
pub(super) fn ffn(source: &mut Source<'_>, lists: &Lists, index: usize, op: &Ffn) -> Result<(), EmitError> {
    let every = Run {
        count: op.range_count,
        numbers: 0..op.range_count,
        chosen: None,
        weight: Weight::Constant(ONE),
        handed: None,
    };
    let runs = match op.list {
        Some(list) => lists.get(&list).cloned().unwrap_or_default(),
        None => vec![every],
    };
    let tables = tables(source, op);
    let mut parameters = vec![("x", format!("&[i8; {}]", op.cols)), ("acc", format!("&mut [i32; {}]", op.rows))];
    let mut arguments = vec![place(source, op.input, index), format!("&mut {}", source.memory.place(op.acc, index))];
    let mut body = start(source, index, op)?;
    if let Activation::Lut(lut) = op.activation {
        let values: Vec<i8> = source.constants().all(lut).collect();
        source.constant(&format!("OP{index}_TABLE"), "[i8; 256]", 256, &by_byte(&values))?;
    }
    let mut names = Vec::new();
    for (i, run) in runs.iter().enumerate() {
        let mut name = |what: &str, kind: &str, field: &str| {
            names.push((format!("{what}{i}"), format!("&[{kind}; {}]", run.count), format!("&{field}")));
        };
        if let Some(chosen) = &run.chosen {
            name("numbers", "u16", chosen);
        }
        if let Weight::Chosen(weights) = &run.weight {
            name("weights", "u16", weights);
        }
        if let Some(handed) = run.handed.as_ref().filter(|_| op.handed_z) {
            name("handed", "i32", handed);
        }
    }
    parameters.extend(names.iter().map(|(name, kind, _)| (name.as_str(), kind.clone())));
    arguments.extend(names.iter().map(|(.., field)| field.clone()));
    // The functions of the tables come before the op's own.
    let uses: Vec<bool> =
        tables.iter().map(|table| runs.iter().any(|run| meets(&run.numbers, &table.numbers))).collect();
    let weighted = runs.iter().any(|run| !matches!(run.weight, Weight::Constant(ONE)));
    let mut calls = Vec::new();
    for (t, table) in tables.iter().enumerate() {
        calls.push(if uses[t] { Some(range_function(source, index, t, op, table, weighted)?) } else { None });
    }
    let scratch: BTreeSet<_> = calls.iter().flatten().flat_map(|call| call.scratch.clone()).collect();
    for (name, kind, count) in &scratch {
        let field = source.memory.array(kind, *count, index, index, format!("scratch of op {index}"));
        parameters.push((name, format!("&mut [{kind}; {count}]")));
        arguments.push(format!("&mut {field}"));
    }
    for (i, run) in runs.iter().enumerate() {
        body += &entries(i, run, op, index, &tables, &calls, weighted);
    }
    if let Some((output, rq)) = op.output {
        parameters.push(("y", format!("&mut [i8; {}]", op.rows)));
        arguments.push(format!("&mut {}", source.memory.place(output, index)));
        let Records { of_row } = source.records(&format!("OP{index}_ROUNDING"), rq, op.rows)?;
        body += &format!("    let mut r = 0;\n    while r < {} {{\n", op.rows);
        body += &format!("        y[r] = {of_row}.apply(acc[r]);\n        r += 1;\n    }}\n");
    }
    // Ranges of the handed kind, and constant experts, do not look at the input.
    if !calls.iter().flatten().any(|call| call.reads_input) {
        parameters.remove(0);
        arguments.remove(0);
    }
    let doc = format!("FFN: {} ranges, {} entries.", op.range_count, runs.iter().map(|run| run.count).sum::<usize>());
    let fun = format!("op{index}_ffn");
    source.function(&doc, &fun, &parameters, &body);
    source.call(&fun, &arguments);
    Ok(())
}

fn meets(a: &Numbers<usize>, b: &Numbers<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// Neighbouring ranges of one shape.
fn tables(source: &Source<'_>, op: &Ffn) -> Vec<Table> {
    let ranges = &source.image.ranges[op.first_range..op.first_range + op.range_count];
    if op.neurons {
        return vec![Table { numbers: 0..ranges[0].neurons, first: op.first_range, shape: Shape::of(&ranges[0]) }];
    }
    let mut tables: Vec<Table> = Vec::new();
    for (i, range) in ranges.iter().enumerate() {
        let shape = Shape::of(range);
        match tables.last_mut() {
            Some(table) if table.shape == shape => table.numbers.end += 1,
            _ => tables.push(Table { numbers: i..i + 1, first: op.first_range + i, shape }),
        }
    }
    tables
}

/// How the accumulator begins.
fn start(source: &mut Source<'_>, index: usize, op: &Ffn) -> Result<String, EmitError> {
    if op.start_acc {
        return Ok(String::new());
    }
    Ok(if source.bias(&format!("OP{index}_BIAS"), op.shared_bias, op.rows)? {
        format!("    *acc = OP{index}_BIAS;\n")
    } else {
        format!("    *acc = [0; {}];\n", op.rows)
    })
}

/// How the function of a table is called.
struct Call {
    /// Its name, and its arguments after the table's entry and the entry's own.
    name: String,
    arguments: Vec<String>,
    reads_input: bool,
    /// What the op needs besides: name, element and number of them.
    scratch: Vec<(String, &'static str, usize)>,
}

/// The entries of a run.
fn entries(
    i: usize,
    run: &Run,
    op: &Ffn,
    index: usize,
    tables: &[Table],
    calls: &[Option<Call>],
    weighted: bool,
) -> String {
    // Entries that name nothing are skipped.
    let tables: Vec<_> =
        tables.iter().zip(calls).enumerate().filter(|(_, (table, _))| meets(&run.numbers, &table.numbers)).collect();
    if tables.is_empty() {
        return String::new();
    }
    let mut own = Vec::new();
    let mut sources = Vec::new();
    match &run.weight {
        Weight::Constant(weight) if weighted => own.push(weight.to_string()),
        Weight::Constant(_) => {}
        Weight::Chosen(_) => {
            sources.push((format!("weights{i}"), "&weight"));
            own.push("weight".into());
        }
    }
    if op.handed_z {
        match &run.handed {
            Some(_) => {
                sources.push((format!("handed{i}"), "&handed"));
                own.push("handed".into());
            }
            None => own.push("0".into()),
        }
    }
    let mut text = if run.chosen.is_some() {
        let head =
            sources.iter().fold(format!("numbers{i}"), |head, (source, _)| format!("{head}.iter().zip({source})"));
        let pattern = sources.iter().fold("&number".to_owned(), |pattern, (_, name)| format!("({pattern}, {name})"));
        format!("    for {pattern} in {head} {{\n        let number = usize::from(number);\n")
    } else {
        format!("    for number in {}..{}usize {{\n", run.numbers.start, run.numbers.end)
    };
    for (n, (t, (table, call))) in tables.iter().enumerate() {
        let Some(call) = call else { continue };
        let place = match table.numbers.start {
            0 => "number".to_owned(),
            start => format!("number.wrapping_sub({start})"),
        };
        let (head, pad) = if n == 0 { ("        if", "        ") } else { (" else if", "        ") };
        text += &format!("{head} let Some(range) = OP{index}_RANGES{t}.get({place}) {{\n");
        let arguments: Vec<String> =
            ["range".to_owned()].into_iter().chain(own.clone()).chain(call.arguments.clone()).collect();
        text += &super::source::call(12, &call.name, &arguments, ";");
        text += &format!("{pad}}}");
    }
    text + "\n    }\n"
}

/// The table of some ranges and its function.
fn range_function(
    source: &mut Source<'_>,
    index: usize,
    t: usize,
    op: &Ffn,
    table: &Table,
    weighted: bool,
) -> Result<Call, EmitError> {
    let shape = table.shape;
    // With the neurons flag an entry is one neuron.
    let n = if op.neurons { 1 } else { shape.neurons };
    let (rows, cols) = (op.rows, op.cols);
    let has_keys = shape.keys && !op.handed_z && n > 0;
    let record = if n > 0 { key_record(source, index, t, op, table) } else { None };
    let count = table.numbers.len();
    let each = if has_keys { n * cols } else { 0 } + n * rows + 4 * rows + 28 * n;
    source.count((count * each) as u64)?;
    let fields: Vec<Vec<(&'static str, String, Value)>> =
        (0..count).map(|i| fields(source, op, table, i, has_keys, record.as_ref())).collect();
    let kind = format!("Op{index}Range{t}");
    let Some(first) = fields.first() else {
        return Err(EmitError::Unsupported { op: index, name: "FFN", what: "a range without neurons to name".into() });
    };
    let members: String = first.iter().map(|(name, kind, _)| format!("    {name}: {kind},\n")).collect();
    source.items += &format!("\nstruct {kind} {{\n{members}}}\n");
    let entry = |fields: &Vec<(&'static str, String, Value)>| {
        Value::Struct(kind.clone(), fields.iter().map(|(name, _, value)| (*name, value.clone())).collect())
    };
    let all = Value::Array(fields.iter().map(entry).collect());
    source.constant(&format!("OP{index}_RANGES{t}"), &format!("[{kind}; {count}]"), 0, &all)?;

    let direct = !weighted && !shape.scaled;
    let mut parameters = vec![("range", format!("&{kind}"))];
    if weighted {
        parameters.push(("weight", "u16".into()));
    }
    if op.handed_z {
        parameters.push(("handed", "i32".into()));
    }
    let mut call =
        Call { name: format!("op{index}_range{t}"), arguments: Vec::new(), reads_input: has_keys, scratch: Vec::new() };
    if has_keys {
        parameters.push(("x", format!("&[i8; {cols}]")));
        call.arguments.push("x".into());
    }
    parameters.push(("acc", format!("&mut [i32; {rows}]")));
    call.arguments.push("acc".into());
    let whole = shape.output_major && !op.neurons && n > 0;
    let mut need = |name: &'static str, argument: String, kind: &'static str, count: usize| {
        parameters.push((name, format!("&mut [{kind}; {count}]")));
        call.arguments.push(argument.clone());
        call.scratch.push((argument, kind, count));
    };
    if whole {
        // Tables of other widths have scratch of their own.
        need("hidden", format!("hidden{n}"), "i8", n);
    } else if n > 0 && !direct {
        need("partial", "partial".into(), "i32", rows);
    }
    let body = range_body(source, index, op, &Body { shape, n, has_keys, record, weighted, direct, whole });
    let what = if op.neurons { "One neuron".to_owned() } else { format!("A range of {n} neurons") };
    source.function(&format!("{what}, added to `acc`."), &call.name, &parameters, &body);
    Ok(call)
}

/// The record of the neurons, as source.
#[derive(Clone)]
enum Record {
    /// One constant for all neurons of all ranges.
    Constant(String),
    /// A constant but for the multiplier, in field `key_m`, of a neuron (true) or of the range.
    Multiplier(String, bool),
    /// In field `key_rq`, of a neuron (true) or of the range.
    Field(bool),
}

fn records_of(source: &Source<'_>, op: &Ffn, table: &Table) -> Vec<Rq> {
    let ranges = if op.neurons { 1 } else { table.numbers.len() };
    let ranges = &source.image.ranges[table.first..table.first + ranges];
    ranges
        .iter()
        .filter_map(|range| range.key_rq)
        .flat_map(|rq| source.constants().all(rq).collect::<Vec<_>>())
        .collect()
}

fn key_record(source: &mut Source<'_>, index: usize, t: usize, op: &Ffn, table: &Table) -> Option<Record> {
    let all = records_of(source, op, table);
    let first = *all.first()?;
    source.need(Helper::Apply);
    let per_neuron = !table.shape.shared_record || op.neurons;
    let alike = |rq: &Rq| (rq.s, rq.zero_point, rq.lo, rq.hi) == (first.s, first.zero_point, first.lo, first.hi);
    if !all.iter().all(alike) {
        return Some(Record::Field(per_neuron));
    }
    let name = format!("OP{index}_ROUNDING{t}");
    let mut text = String::new();
    rounding(&first).write(&mut text, WIDTH, 0);
    source.items += &format!("\nconst {name}: Rounding = {text};\n");
    if all.iter().all(|rq| rq.m == first.m) {
        return Some(Record::Constant(name));
    }
    source.need(Helper::With);
    Some(Record::Multiplier(name, per_neuron))
}

/// The fields of entry `i` of a table: name, type, value.
fn fields(
    source: &Source<'_>,
    op: &Ffn,
    table: &Table,
    i: usize,
    has_keys: bool,
    record: Option<&Record>,
) -> Vec<(&'static str, String, Value)> {
    let constants = source.constants();
    let (range, neurons) = if op.neurons {
        (&source.image.ranges[table.first], i..i + 1)
    } else {
        (&source.image.ranges[table.first + i], 0..table.shape.neurons)
    };
    let (n, rows, cols) = (neurons.len(), op.rows, op.cols);
    let mut fields = Vec::new();
    if let Some(keys) = range.keys(cols).filter(|_| has_keys) {
        let keys = constants.part(keys, neurons.start * cols, n * cols);
        fields.push(("keys", format!("[[i8; {cols}]; {n}]"), Value::matrix(keys, cols)));
    }
    if let Some(bias) = range.key_bias.filter(|_| n > 0) {
        let bias = Value::numbers(constants.part(bias, neurons.start, n));
        fields.push(("key_bias", format!("[i32; {n}]"), bias));
    }
    if let Some(rq) = range.key_rq {
        let of = |per_neuron: bool| if per_neuron { neurons.clone() } else { 0..1 };
        match record {
            Some(Record::Multiplier(_, per_neuron)) => {
                let all = of(*per_neuron);
                let numbers = Value::numbers(all.clone().map(|j| constants.rq(rq, j).m));
                fields.push(("key_m", format!("[i32; {}]", all.len()), numbers));
            }
            Some(Record::Field(per_neuron)) => {
                let all = of(*per_neuron);
                let records = Value::Array(all.clone().map(|j| rounding(&constants.rq(rq, j))).collect());
                fields.push(("key_rq", format!("[Rounding; {}]", all.len()), records));
            }
            _ => {}
        }
    }
    if let Some(values) = range.values(rows).filter(|_| n > 0) {
        let matrix = if table.shape.output_major && !op.neurons {
            ("values", format!("[[i8; {n}]; {rows}]"), Value::matrix(constants.all(values), n))
        } else {
            let values = constants.part(values, neurons.start * rows, n * rows);
            ("values", format!("[[i8; {rows}]; {n}]"), Value::matrix(values, rows))
        };
        fields.push(matrix);
    }
    if let Some(bias) = range.value_bias(rows) {
        fields.push(("value_bias", format!("[i32; {rows}]"), Value::numbers(constants.all(bias))));
    }
    if let Some(scale) = range.scale {
        let scale = [Value::Number(scale.m.into()), Value::Number(scale.s.into())];
        fields.push(("scale", "[u32; 2]".into(), Value::Array(scale.to_vec())));
    }
    fields
}

/// What the function of a table has to do.
struct Body {
    shape: Shape,
    n: usize,
    has_keys: bool,
    record: Option<Record>,
    weighted: bool,
    /// The partial sum is in the accumulator's scale, and has no weight.
    direct: bool,
    /// Values are dot products over all neurons.
    whole: bool,
}

fn range_body(source: &mut Source<'_>, index: usize, op: &Ffn, body: &Body) -> String {
    let Body { shape, n, has_keys, record, weighted, direct, whole } = body;
    let (n, rows) = (*n, op.rows);
    let mut text = String::new();
    if !direct {
        source.need(Helper::Rescale);
        let scale = if shape.scaled {
            "    let [m, shift] = range.scale;\n    let scale = (m, shift);\n"
        } else {
            "    let scale = (1 << 30, 30);\n"
        };
        text += scale;
        if *weighted {
            source.need(Helper::Weighted);
            text += "    let scale = weighted(scale, weight);\n";
        }
    }
    let add = |value: &str| {
        let value = if *direct { value.to_owned() } else { format!("rescale({value}, scale)") };
        format!("acc[r] = acc[r].wrapping_add({value});")
    };
    let bias_loop = |to: &str| {
        format!(
            "    let mut r = 0;\n    while r < {rows} {{\n        {to}[r] = {to}[r].wrapping_add(range.value_bias[r]);\n        r += 1;\n    }}\n"
        )
    };
    if n == 0 {
        // A constant expert.
        if shape.value_bias {
            let add = add("range.value_bias[r]");
            text += &format!("    let mut r = 0;\n    while r < {rows} {{\n        {add}\n        r += 1;\n    }}\n");
        }
        return text;
    }
    let target = if *direct { "acc" } else { "partial" };
    if !whole {
        match (*direct, shape.value_bias) {
            (true, true) => text += &bias_loop("acc"),
            (true, false) => {}
            (false, true) => text += "    *partial = range.value_bias;\n",
            (false, false) => text += &format!("    *partial = [0; {rows}];\n"),
        }
    }
    // The neurons: each by its sum.
    let mut lines = Vec::new();
    if shape.key_bias {
        lines.push("let z = z.wrapping_add(range.key_bias[r]);".to_owned());
    }
    let applied = match record {
        Some(Record::Constant(name)) => format!("{name}.apply(z)"),
        Some(Record::Multiplier(name, true)) => format!("{name}.with(range.key_m[r]).apply(z)"),
        Some(Record::Multiplier(name, false)) => format!("{name}.with(range.key_m[0]).apply(z)"),
        Some(Record::Field(true)) => "range.key_rq[r].apply(z)".into(),
        Some(Record::Field(false)) => "range.key_rq[0].apply(z)".into(),
        None => "0".into(),
    };
    let mut neuron = vec![format!("let h = {applied};")];
    match op.activation {
        Activation::Identity => {}
        Activation::Relu => neuron.push("let h = h.max(0);".into()),
        Activation::Lut(_) => neuron.push(format!("let h = OP{index}_TABLE[usize::from(h as u8)];")),
    }
    if *whole {
        neuron.push("hidden[r] = h;".into());
    } else {
        source.need(Helper::Axpy);
        neuron.push(format!("axpy({target}, &range.values[r], h);"));
    }
    if op.keep_positive {
        if *whole {
            lines.push("hidden[r] = 0;".into());
        }
        lines.push("if z > 0 {".into());
        lines.extend(neuron.iter().map(|line| format!("    {line}")));
        lines.push("}".into());
    } else {
        lines.extend(neuron);
    }
    if *has_keys {
        source.need(Helper::Products);
        let lines: String = lines.iter().map(|line| format!("        {line}\n")).collect();
        text += &format!("    products(&range.keys, x, |r, z| {{\n{lines}    }});\n");
    } else {
        let z = if op.handed_z { "handed" } else { "0i32" };
        let lines: String = lines.iter().map(|line| format!("        {line}\n")).collect();
        text += &format!(
            "    let mut r = 0;\n    while r < {n} {{\n        let z = {z};\n{lines}        r += 1;\n    }}\n"
        );
    }
    if *whole {
        source.need(Helper::Products);
        let sum = if shape.value_bias { "sum.wrapping_add(range.value_bias[r])" } else { "sum" };
        text += &format!("    products(&range.values, hidden, |r, sum| {{\n        {}\n    }});\n", add(sum));
    } else if !direct {
        text += &format!(
            "    let mut r = 0;\n    while r < {rows} {{\n        {}\n        r += 1;\n    }}\n",
            add("partial[r]")
        );
    }
    text
}
