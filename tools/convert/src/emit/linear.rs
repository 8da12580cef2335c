//! LINEAR, the element-by-element MAP, and MOVE.

use super::error::EmitError;
use super::prelude::Helper;
use super::source::{Records, Source};
use super::value::{Value, WIDTH, by_byte};
use crate::reference::{Array, Dtype, Linear, Map, MapKind, Move, PairRow, Weights, pair_row};

/// A matrix as it is compiled: what it means, whatever the image's layout.
struct Matrix {
    /// Row after row.
    weights: Vec<i16>,
    /// What is added to a row's sum, 8 bits up, before it is cut to 24 bits; only of matrices in pairs that no converter makes.
    starts: Option<Vec<i32>>,
}

fn matrix(source: &Source<'_>, index: usize, op: &Linear) -> Result<Matrix, EmitError> {
    // No `match`: what a later format adds is refused, not overlooked.
    if let Weights::Rows(weights) = op.weights {
        let weights = source.constants().all(weights).map(i16::from).collect();
        return Ok(Matrix { weights, starts: None });
    }
    if let Weights::LowBit(matrix) = op.weights {
        // A weight times its scale, 8 times 255 at most.
        let row = |r| matrix.row(source.constants(), r, op.cols).into_iter().map(|w| w as i16);
        return Ok(Matrix { weights: (0..op.rows).flat_map(row).collect(), starts: None });
    }
    let Weights::Pairs { matrix, .. } = op.weights else {
        let what = format!("the weight format of {:?}", op.weights);
        let what = what.split(['(', '{']).next().unwrap_or_default().trim().to_owned();
        return Err(EmitError::Unsupported { op: index, name: "LINEAR", what });
    };
    let rows: Vec<_> = (0..op.rows).map(|r| pair_row(source.constants(), matrix, r, op.cols)).collect();
    // Where the sum of a row cannot leave 24 bits and nothing is added to it, shifting it up and down changes nothing.
    let plain = |row: &PairRow| row.start == 0 && 128 * row.weights.iter().map(|w| w.abs()).sum::<i64>() < 1 << 23;
    let starts = (!rows.iter().all(plain)).then(|| rows.iter().map(|row| row.start as i32).collect());
    Ok(Matrix { weights: rows.iter().flat_map(|row| row.weights.iter().map(|&w| w as i16)).collect(), starts })
}

/// `a[t,r] = bias[r] + sum_c W[r,c] * x[t,c]`.
pub(super) fn linear(source: &mut Source<'_>, index: usize, op: &Linear) -> Result<(), EmitError> {
    let Linear { input, output, rows, cols, accumulate, transposed, .. } = *op;
    let steps = source.image.tensors[output].rows;
    let (fun, constant) = (format!("op{index}_linear"), format!("OP{index}"));
    source.need(Helper::Products);
    source.count((rows * cols) as u64)?;
    let Matrix { weights, starts } = matrix(source, index, op)?;
    let element = if weights.iter().all(|&w| i8::try_from(w).is_ok()) { "i8" } else { "i16" };
    source.constant(
        &format!("{constant}_WEIGHTS"),
        &format!("[[{element}; {cols}]; {rows}]"),
        if element == "i8" { 0 } else { rows * cols },
        &Value::matrix(weights, cols),
    )?;
    let mut lines = Vec::new();
    if let Some(starts) = starts {
        source.constant(&format!("{constant}_STARTS"), &format!("[i32; {rows}]"), 4 * rows, &Value::numbers(starts))?;
        lines.push(format!("let sum = {constant}_STARTS[r].wrapping_add(sum.wrapping_shl(8)) >> 8;"));
    }
    if source.bias(&format!("{constant}_BIAS"), op.bias, rows)? {
        lines.push(format!("let sum = sum.wrapping_add({constant}_BIAS[r]);"));
    }
    let (kind, value) = match op.rq {
        Some(rq) => {
            let Records { of_row } = source.records(&format!("{constant}_ROUNDING"), rq, rows)?;
            ("i8", format!("{of_row}.apply(sum)"))
        }
        None if accumulate => ("i32", "y[r].wrapping_add(sum)".into()),
        None => ("i32", "sum".into()),
    };
    lines.push(format!("y[r] = {value};"));

    let mut parameters =
        vec![("x", format!("&[i8; {}]", steps * cols)), ("y", format!("&mut [{kind}; {}]", steps * rows))];
    let mut arguments = vec![place(source, input, index), format!("&mut {}", source.memory.place(output, index))];
    let indent = if steps == 1 { 4 } else { 8 };
    let pad = " ".repeat(indent);
    let statements: String = lines.iter().map(|line| format!("{pad}    {line}\n")).collect();
    let product = format!("{pad}products(&{constant}_WEIGHTS, x, |r, sum| {{\n{statements}{pad}}});\n");
    let body = if steps == 1 {
        product
    } else if transposed {
        let column = source.memory.array("i8", cols, index, index, format!("a column of op {index}"));
        parameters.push(("column", format!("&mut [i8; {cols}]")));
        arguments.push(format!("&mut {column}"));
        let mut body = format!("    let (x, _) = x.as_chunks::<{steps}>();\n");
        body += &format!("    let (y, _) = y.as_chunks_mut::<{rows}>();\n    let mut t = 0;\n");
        body += &format!("    while t < {steps} {{\n        let mut c = 0;\n        while c < {cols} {{\n");
        body += "            column[c] = x[c][t];\n            c += 1;\n        }\n";
        body += "        let (x, y) = (&*column, &mut y[t]);\n";
        body + &product + "        t += 1;\n    }\n"
    } else {
        let mut body = format!("    let (x, _) = x.as_chunks::<{cols}>();\n");
        body += &format!("    for (x, y) in x.iter().zip(y.as_chunks_mut::<{rows}>().0) {{\n");
        body + &product + "    }\n"
    };
    let doc = format!("LINEAR: {rows} rows of {cols} weights, {} multiply-accumulates.", steps * rows * cols);
    source.function(&doc, &fun, &parameters, &body);
    source.call(&fun, &arguments);
    Ok(())
}

/// The expression for an operand that is read.
pub(super) fn place(source: &mut Source<'_>, tensor: usize, index: usize) -> String {
    let place = source.memory.place(tensor, index);
    if place == "input" { place } else { format!("&{place}") }
}

/// `y = f(x)`, but for MAP's kind Bits.
pub(super) fn map(source: &mut Source<'_>, index: usize, op: &Map) -> Result<(), EmitError> {
    let constant = format!("OP{index}");
    let record = source.image.tensors[op.input];
    let (count, cols) = (record.elements(), record.cols);
    let mut parameters = vec![("x", format!("&[i8; {count}]")), ("y", format!("&mut [i8; {count}]"))];
    let mut arguments = vec![place(source, op.input, index), format!("&mut {}", source.memory.place(op.output, index))];
    let each = |value: &str| format!("    for (y, &x) in y.iter_mut().zip(x) {{\n        *y = {value};\n    }}\n");
    let (what, body) = match op.kind {
        MapKind::Lut(table) => {
            let values: Vec<i8> = source.constants().all(table).collect();
            source.constant(&format!("{constant}_TABLE"), "[i8; 256]", 256, &by_byte(&values))?;
            ("Lut256", each(&format!("{constant}_TABLE[usize::from(x as u8)]")))
        }
        MapKind::Clamp { lo, hi } => ("Clamp", each(&format!("x.clamp({lo}, {hi})"))),
        MapKind::Affine { table, bias, rq } => ("Affine", affine(source, index, (count, cols), (table, bias, rq))?),
        MapKind::Add { second, m1, m2, shift, zero_point, lo, hi, z1, z2 } => {
            source.need(Helper::Rounding);
            parameters.insert(1, ("second", format!("&[i8; {count}]")));
            arguments.insert(1, place(source, second, index));
            let rq = crate::reference::Rq { m: 0, s: shift, zero_point, lo, hi };
            let mut rounding = String::new();
            super::source::rounding(&rq).write(&mut rounding, WIDTH, 0);
            source.items += &format!("\nconst {constant}_ROUNDING: Rounding = {rounding};\n");
            let term = |name: &str, z: i8, m: i32| {
                let value = format!("i64::from({name})");
                format!("{value}.wrapping_sub({z}).wrapping_mul({m})")
            };
            let (first, other) = (term("x", z1, m1), term("second", z2, m2));
            let mut body = "    for ((y, &x), &second) in y.iter_mut().zip(x).zip(second) {\n".to_owned();
            body += &format!("        let first = {first};\n        let second = {other};\n");
            ("Add", body + &format!("        *y = {constant}_ROUNDING.finish(first.wrapping_add(second));\n    }}\n"))
        }
        MapKind::Mul { second, m1, shift, zero_point, lo, hi, z1, z2 } => {
            source.need(Helper::Rounding);
            parameters.insert(1, ("second", format!("&[i8; {count}]")));
            arguments.insert(1, place(source, second, index));
            let rq = crate::reference::Rq { m: 0, s: shift, zero_point, lo, hi };
            let mut rounding = String::new();
            super::source::rounding(&rq).write(&mut rounding, WIDTH, 0);
            source.items += &format!("\nconst {constant}_ROUNDING: Rounding = {rounding};\n");
            let factor = |name: &str, z: i8| format!("i32::from({name}).wrapping_sub({z})");
            let (first, other) = (factor("x", z1), factor("second", z2));
            let mut body = "    for ((y, &x), &second) in y.iter_mut().zip(x).zip(second) {\n".to_owned();
            body += &format!("        let first = {first};\n        let second = {other};\n");
            body += "        let product = i64::from(first.wrapping_mul(second));\n";
            body += &format!("        let product = product.wrapping_mul({m1});\n");
            ("Mul", body + &format!("        *y = {constant}_ROUNDING.finish(product);\n    }}\n"))
        }
        MapKind::Bits(_) => return super::gates::thresholds(source, index, op),
    };
    let fun = format!("op{index}_map");
    source.function(&format!("MAP {what}: {count} elements."), &fun, &parameters, &body);
    source.call(&fun, &arguments);
    Ok(())
}

/// A part of `x` to a part of `y`.
pub(super) fn copy(source: &mut Source<'_>, index: usize, op: &Move) {
    let kind = |tensor: usize| {
        let tensor = &source.image.tensors[tensor];
        match tensor.dtype {
            Dtype::I8 => format!("[i8; {}]", tensor.elements()),
            Dtype::I32 => format!("[i32; {}]", tensor.elements()),
            Dtype::Bits | Dtype::List => format!("[u32; {}]", tensor.rows * tensor.row_words()),
        }
    };
    let parameters = [("x", format!("&{}", kind(op.input))), ("y", format!("&mut {}", kind(op.output)))];
    let arguments = [place(source, op.input, index), format!("&mut {}", source.memory.place(op.output, index))];
    let &Move { rows, cols, from, from_row, from_col, to, to_row, .. } = op;
    let body = if rows == 1 && from_col == 1 {
        format!("    y[{to}..{}].copy_from_slice(&x[{from}..{}]);\n", to + cols, from + cols)
    } else {
        let mut body = format!("    let mut from: usize = {from};\n");
        body += &format!("    for y in y[{to}..].chunks_mut({to_row}).take({rows}) {{\n");
        body += "        let mut at = from;\n";
        body += &format!("        for y in y.iter_mut().take({cols}) {{\n");
        body += "            if let Some(&x) = x.get(at) {\n                *y = x;\n            }\n";
        body += &format!("            at = at.wrapping_add({from_col});\n        }}\n");
        body + &format!("        from = from.wrapping_add({from_row});\n    }}\n")
    };
    let fun = format!("op{index}_move");
    source.function(&format!("MOVE: {rows} rows of {cols} elements."), &fun, &parameters, &body);
    source.call(&fun, &arguments);
}

/// `y[t,c] = rq_c(bias[c] + table[c] * x[t,c])`.
fn affine(
    source: &mut Source<'_>,
    index: usize,
    (count, cols): (usize, usize),
    (table, bias, rq): (Array<i8>, Option<Array<i32>>, Array<crate::reference::Rq>),
) -> Result<String, EmitError> {
    let constant = format!("OP{index}");
    let gains = Value::numbers(source.constants().all(table));
    source.constant(&format!("{constant}_GAINS"), &format!("[i8; {cols}]"), cols, &gains)?;
    let has_bias = source.bias(&format!("{constant}_BIAS"), bias, cols)?;
    let Records { of_row } = source.records(&format!("{constant}_ROUNDING"), rq, cols)?;
    let rows = count / cols;
    let mut body = String::new();
    let pad = if rows == 1 { "    " } else { "        " };
    if rows > 1 {
        body += &format!("    let (x, _) = x.as_chunks::<{cols}>();\n");
        body += &format!("    for (x, y) in x.iter().zip(y.as_chunks_mut::<{cols}>().0) {{\n");
    }
    body += &format!("{pad}let mut r = 0;\n{pad}while r < {cols} {{\n");
    body += &format!("{pad}    let sum = i32::from({constant}_GAINS[r]).wrapping_mul(x[r].into());\n");
    if has_bias {
        body += &format!("{pad}    let sum = sum.wrapping_add({constant}_BIAS[r]);\n");
    }
    body += &format!("{pad}    y[r] = {of_row}.apply(sum);\n{pad}    r += 1;\n{pad}}}\n");
    if rows > 1 {
        body += "    }\n";
    }
    Ok(body)
}
