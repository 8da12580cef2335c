//! From pieces and their costs to figures.

use serde::Serialize;

use super::table::{Core, Fit, LIMIT};
use super::work::{Pick, Work};
use super::{FRAME, OpWork, ops, run_work};
use crate::reference::{Image, InputError, run_bytes};

/// Instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// No run takes fewer.
    pub min_insns: u64,
    /// On average over the inputs given; none without inputs.
    pub mean_insns: Option<u64>,
    /// No run takes more.
    pub max_insns: u64,
}

/// What runs of an image take on a core.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Prediction {
    /// A run.
    pub run: Figures,
    /// Its ops in order, each with the taking of its tensors.
    pub ops: Vec<Figures>,
}

/// The work of an image, for any input and on average over some.
#[derive(Clone, Debug)]
pub struct Outlook {
    open: Vec<OpWork>,
    /// Of all inputs together.
    seen: Vec<OpWork>,
    inputs: usize,
}

impl Outlook {
    /// Of `image`; `inputs`, which the reference runs, are the bytes of the input tensor each.
    ///
    /// # Errors
    /// An input of the wrong length.
    pub fn new(image: &Image, inputs: &[Vec<u8>]) -> Result<Self, InputError> {
        let mut seen: Vec<OpWork> = Vec::new();
        for input in inputs {
            let these = ops(image, Some(&run_bytes(image, input)?.trace));
            if seen.is_empty() {
                seen = these;
            } else {
                seen.iter_mut().zip(these).for_each(|(seen, these)| seen.merge(these));
            }
        }
        Ok(Self { open: ops(image, None), seen, inputs: inputs.len() })
    }

    /// The work of all inputs together, op by op.
    #[must_use]
    pub fn seen(&self) -> &[OpWork] {
        &self.seen
    }

    /// Predicts runs on a core.
    ///
    /// # Errors
    /// Why there is no figure, as a phrase: work that was not measured, or that is not explained by its pieces.
    pub fn predict(&self, core: &Core) -> Result<Prediction, String> {
        let cost = |work: &Work, pick| {
            work.cost(&core.pieces, pick).map_err(|piece| format!("`{piece}` was not measured on this core"))
        };
        let around = cost(&run_work(), Pick::Most)?;
        let (mut ops, mut run) = (Vec::with_capacity(self.open.len()), [around; 3]);
        // Instructions that the fits leave in doubt, and where most of them are.
        let (mut doubt, mut worst) = (0.0, (0.0, FRAME));
        for (i, OpWork { kind, frame, op }) in self.open.iter().enumerate() {
            let op = op.as_ref().map_err(Clone::clone)?;
            let (fit, frame_fit) = (fit(core, kind)?, fit(core, FRAME)?);
            let least = fit.least(cost(op, Pick::Least)?) + frame_fit.least(cost(frame, Pick::Least)?);
            let most = fit.most(cost(op, Pick::Most)?) + frame_fit.most(cost(frame, Pick::Most)?);
            let mean = match self.seen.get(i) {
                Some(OpWork { frame, op, .. }) => {
                    let op = op.as_ref().map_err(Clone::clone)?;
                    (cost(op, Pick::Most)? + cost(frame, Pick::Most)?) / self.inputs as f64
                }
                None => 0.0,
            };
            for (kind, fit, cost) in [(*kind, fit, cost(op, Pick::Most)?), (FRAME, frame_fit, cost(frame, Pick::Most)?)]
            {
                let more = fit.above.max(fit.below) * cost;
                doubt += more;
                worst = if more > worst.0 { (more, kind) } else { worst };
            }
            let these = [least, mean, most];
            run.iter_mut().zip(these).for_each(|(sum, more)| *sum += more);
            ops.push(self.figures(these));
        }
        if doubt > LIMIT * run[2] {
            let (_, kind) = worst;
            let (percent, limit) = (100.0 * doubt / run[2], 100.0 * LIMIT);
            return Err(format!(
                "{kind} and others are not known well enough on this core: to {percent:.1} %, wanted {limit:.0} %"
            ));
        }
        Ok(Prediction { run: self.figures(run), ops })
    }

    fn figures(&self, [least, mean, most]: [f64; 3]) -> Figures {
        Figures {
            min_insns: least.max(0.0).floor() as u64,
            mean_insns: (self.inputs > 0).then(|| mean.max(0.0).round() as u64),
            max_insns: most.max(0.0).ceil() as u64,
        }
    }
}

/// How well ops of a kind are known.
fn fit<'c>(core: &'c Core, kind: &str) -> Result<&'c Fit, String> {
    core.fits.get(kind).ok_or_else(|| format!("{kind} was not measured on this core"))
}
