//! What `convert` says of an image it has made.

use std::path::Path;

use leafgate_convert::Conversion;
use leafgate_convert::check::CheckReport;
use leafgate_convert::pass::gates::GateReport;
use leafgate_convert::quantize::integer::{IntGates, IntGraph, IntOp};
use leafgate_convert::quantize::weights::{LayerWeights, WeightFormat};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::board::Fit;
use crate::error::Failure;
use crate::module::ModuleReport;
use crate::output::{Lines, grouped};
use crate::section::{self, Part};
use crate::verb::accuracy_report::AccuracyReport;

/// The report.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Where the image is; nothing if a module was written instead.
    image: Option<String>,
    name: String,
    image_bytes: usize,
    sha256: String,
    source_sha256: String,
    inputs: usize,
    outputs: usize,
    labels: Vec<String>,
    arena_bytes: usize,
    /// No layout of the arena can be smaller.
    arena_lower_bound_bytes: usize,
    sections: Vec<Part>,
    worst_macs: u32,
    worst_gates: u32,
    worst_bytes: u32,
    worst_steps: u32,
    calibration: CalibrationSource,
    weights: Vec<Weights>,
    kernels: Layout,
    passes: Vec<String>,
    gates: Vec<Gates>,
    proof: Proven,
    check: CheckReport,
    accuracy: Option<AccuracyReport>,
    fit: Option<Fit>,
    /// The operators of the file, if it is a graph of some framework's.
    operators: Vec<String>,
    assumptions: Vec<String>,
    warnings: Vec<String>,
    #[serde(flatten)]
    module: Option<ModuleReport>,
    next: String,
}

/// What became of the weights of a dense layer.
#[derive(Debug, Serialize)]
struct Weights {
    layer: String,
    format: &'static str,
    max_error: f64,
    rms_error: f64,
    /// Of the trained weights.
    rms: f64,
}

/// What the matrices are laid out for.
#[derive(Debug, Serialize)]
struct Layout {
    family: String,
    packed: usize,
    /// Why others are not.
    plain: Vec<String>,
}

/// Layers of gates that are now a netlist.
#[derive(Debug, Serialize)]
struct Gates {
    layer: String,
    /// These and the other pairs: before, and now.
    layers: [usize; 2],
    gates: [usize; 2],
    inputs: [usize; 2],
    outputs: [usize; 2],
    constants_before: usize,
    wires_before: usize,
    inverters_before: usize,
    and: usize,
    and_not: usize,
    or: usize,
    or_not: usize,
    xor: usize,
    complements: usize,
    copies: usize,
    /// Of the gates' tables: as if none had been left out, and in the image.
    table_bytes: [usize; 2],
}

impl Gates {
    fn of(report: &GateReport, integer: &IntGraph) -> Self {
        let &GateReport { layers, gates, inputs, outputs, .. } = report;
        let [constants_before, wires_before, inverters_before] = report.idle;
        let [and, and_not, or, or_not, xor, complements, copies] = report.kinds;
        let series = integer.ops.iter().find_map(|(name, op)| match op {
            IntOp::Gates { gates: IntGates::Netlist { series, .. }, .. } if *name == report.layer => Some(series.len()),
            _ => None,
        });
        let table_bytes = gates.map(|gates| 4 * gates + 8 * series.unwrap_or(0));
        let layer = report.layer.clone();
        Self {
            layer,
            layers,
            gates,
            inputs,
            outputs,
            constants_before,
            wires_before,
            inverters_before,
            and,
            and_not,
            or,
            or_not,
            xor,
            complements,
            copies,
            table_bytes,
        }
    }

    fn describe(&self) -> String {
        let Self { layer, layers, gates, inputs, outputs, table_bytes, .. } = self;
        let now = |[before, now]: [usize; 2]| format!("{} of {}", grouped(now), grouped(before));
        let kinds = [
            (self.and, "AND"),
            (self.and_not, "AND-NOT"),
            (self.or, "OR"),
            (self.or_not, "OR-NOT"),
            (self.xor, "XOR"),
            (self.complements, "inverted"),
            (self.copies, "copies"),
        ];
        let kinds: Vec<String> = kinds
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, kind)| format!("{} {kind}", grouped(*count)))
            .collect();
        format!(
            "up to `{layer}`: {} gates are left ({}), {} layers are {} levels deep\n\
             before, {} were constant, {} wires, {} inverters; {} thresholds and {} summed bits are left\n\
             {} B of tables instead of {} B",
            now(*gates),
            kinds.join(", "),
            layers[0],
            layers[1],
            grouped(self.constants_before),
            grouped(self.wires_before),
            grouped(self.inverters_before),
            now(*inputs),
            now(*outputs),
            grouped(table_bytes[1]),
            grouped(table_bytes[0])
        )
    }
}

#[derive(Debug, Serialize)]
struct CalibrationSource {
    source: &'static str,
    samples: usize,
}

#[derive(Debug, Serialize)]
struct Proven {
    rows: usize,
    largest: i64,
    limit: i32,
    place: String,
    margin_bits: u32,
}

/// What else there is to say.
#[derive(Debug, Default)]
pub struct Said {
    /// Its operators, if it is a graph of some framework's.
    pub operators: Vec<String>,
    /// What had to be assumed.
    pub assumptions: Vec<String>,
    /// What may be bad.
    pub warnings: Vec<String>,
    /// The Rust module that was written instead of the image.
    pub module: Option<ModuleReport>,
}

impl Report {
    /// Gathers the report.
    pub fn new(
        path: &Path,
        conversion: &Conversion,
        source: &'static str,
        accuracy: Option<AccuracyReport>,
        fit: Option<Fit>,
        said: Said,
    ) -> Result<Self, Failure> {
        let Said { operators, assumptions, warnings, module } = said;
        let Conversion { image, graph, passes, calibration, dense, packing, plan, proof, check, integer, .. } =
            conversion;
        let decoded = section::decode(image)?;
        let shown = path.display().to_string();
        Ok(Self {
            next: next(&shown, fit.as_ref(), module.as_ref()),
            image: module.is_none().then_some(shown),
            name: graph.name.clone(),
            image_bytes: image.len(),
            sha256: Sha256::digest(image).iter().map(|byte| format!("{byte:02x}")).collect(),
            source_sha256: graph.source_sha256.clone(),
            inputs: graph.input.len,
            outputs: graph.value(graph.output).len,
            labels: graph.labels.clone(),
            arena_bytes: plan.arena_bytes,
            arena_lower_bound_bytes: plan.lower_bound,
            sections: section::parts(&decoded),
            worst_macs: decoded.header.worst_macs,
            worst_gates: decoded.header.worst_gates,
            worst_bytes: decoded.header.worst_bytes,
            worst_steps: decoded.header.worst_steps,
            calibration: CalibrationSource { source, samples: calibration.samples },
            weights: dense.iter().map(Weights::of).collect(),
            kernels: Layout {
                family: packing.kernels.to_string(),
                packed: packing.packed,
                plain: packing.plain.iter().map(ToString::to_string).collect(),
            },
            passes: passes.changes.iter().map(ToString::to_string).collect(),
            gates: passes.gates.iter().map(|report| Gates::of(report, integer)).collect(),
            proof: Proven {
                rows: proof.rows,
                largest: proof.largest,
                limit: i32::MAX,
                place: proof.place.clone(),
                // Doublings of the largest bound that stay below 2^31.
                margin_bits: (proof.largest.unsigned_abs()).leading_zeros().saturating_sub(33),
            },
            check: check.clone(),
            accuracy,
            fit,
            operators,
            assumptions,
            warnings,
            module,
        })
    }

    /// For people.
    pub fn human(&self) -> String {
        let mut lines = Lines::default();
        let image = self.image.as_deref().unwrap_or("not written");
        lines.add("image", format!("{image} ({} B)", grouped(self.image_bytes)));
        lines.add("network", format!("{}, {} inputs, {} outputs", self.name, grouped(self.inputs), self.outputs));
        if !self.operators.is_empty() {
            lines.add("operators", self.operators.join("\n"));
        }
        let parts: Vec<String> = self
            .sections
            .iter()
            .filter(|part| part.bytes > 0)
            .map(|part| format!("{:>9} B  {}", grouped(part.bytes), part.name))
            .collect();
        lines.add("sections", parts.join("\n"));
        let bound = match self.arena_lower_bound_bytes {
            bound if bound == self.arena_bytes => "no layout is smaller".into(),
            bound => format!("no layout is below {} B", grouped(bound)),
        };
        lines.add("arena", format!("{} B ({bound})", grouped(self.arena_bytes)));
        let (macs, gates) = (grouped(self.worst_macs), grouped(self.worst_gates));
        let work = format!("{} steps at worst, of these {macs} MACs and {gates} gates", grouped(self.worst_steps));
        lines.add("work", format!("{work}; {} B of the image read", grouped(self.worst_bytes)));
        let CalibrationSource { source, samples } = &self.calibration;
        lines.add(
            "ranges",
            match *source {
                "file" => "from the file, which is quantised".into(),
                "table" => format!("from a table that was made of {} samples", grouped(*samples)),
                "none" => "none: thresholds, gates and sums are exact".into(),
                "random" => format!("from {} RANDOM inputs", grouped(*samples)),
                _ => format!("from {} samples", grouped(*samples)),
            },
        );
        // Eight bits are what everyone expects, and need no line.
        if self.weights.iter().any(|layer| layer.format != WeightFormat::W8.name()) {
            lines.add("weights", describe_weights(&self.weights));
        }
        let Layout { family, packed, plain } = &self.kernels;
        if *packed > 0 || !plain.is_empty() {
            let all = packed + plain.len();
            let text = format!("{family}: {packed} of {all} matrices of dense layers are packed");
            lines.add("kernels", [vec![text], plain.clone()].concat().join("\n"));
        }
        lines.add("passes", if self.passes.is_empty() { "nothing to simplify".into() } else { self.passes.join("\n") });
        for gates in &self.gates {
            lines.add("gates", gates.describe());
        }
        let proof = &self.proof;
        lines.add(
            "proof",
            format!(
                "no accumulator overflows: {} rows, the largest reaches {} of {} ({}), {} bits to spare",
                grouped(proof.rows),
                grouped(proof.largest.unsigned_abs()),
                grouped(proof.limit.unsigned_abs()),
                proof.place,
                proof.margin_bits
            ),
        );
        lines.add("check", describe_check(&self.check));
        if let Some(accuracy) = &self.accuracy {
            accuracy.describe(&self.labels, &mut lines);
        }
        if let Some(fit) = &self.fit {
            lines.add("fits", fit.describe());
        }
        if let Some(module) = &self.module {
            module.describe(&mut lines);
        }
        lines.add("next", &self.next);
        lines.render()
    }
}

impl Weights {
    fn of(layer: &LayerWeights) -> Self {
        let LayerWeights { layer, format, max_error, rms_error, rms } = layer;
        let (layer, format) = (layer.clone(), format.name());
        Self { layer, format, max_error: *max_error, rms_error: *rms_error, rms: *rms }
    }
}

/// How many layers are in each format, and the errors of each layer.
fn describe_weights(layers: &[Weights]) -> String {
    let count = |name: &str| layers.iter().filter(|layer| layer.format == name).count();
    let counts = WeightFormat::NAMES.map(|(name, _)| (name, count(name))).into_iter().filter(|(_, count)| *count > 0);
    let counts: Vec<String> = counts.map(|(name, count)| format!("{count} in {name}")).collect();
    let mut text = format!("{} of {} dense layers", counts.join(", "), layers.len());
    for Weights { layer, format, max_error, rms_error, rms } in layers {
        let share = if *rms > 0.0 { 100.0 * rms_error / rms } else { 0.0 };
        text += &format!(
            "\n`{layer}` {format}: error rms {rms_error:.3e} ({share:.1} % of the weights'), max {max_error:.3e}"
        );
    }
    text
}

/// What was compared, in a line.
pub fn describe_check(check: &CheckReport) -> String {
    format!(
        "engine and reference agree on {} golden vectors, {} random inputs, {} samples: {} values equal",
        check.golden_vectors,
        check.random_inputs,
        grouped(check.samples),
        grouped(check.values_compared)
    )
}

/// The command that a user most likely wants next.
fn next(image: &str, fit: Option<&Fit>, module: Option<&ModuleReport>) -> String {
    if let Some(module) = module {
        let stem = Path::new(module.path()).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        return format!("declare it in your crate: `mod {stem};`, then `{stem}::run(&mut state, &input)`");
    }
    let quoted = if image.contains([' ', '\'', '"']) { format!("{image:?}") } else { image.to_owned() };
    match fit {
        Some(fit) => format!("leafgate emulate {quoted} --machine {}", fit.board),
        None => format!("leafgate inspect {quoted} --ops"),
    }
}
