//! What runs take on each board, in instructions, without running them there.

use leafgate_convert::cost::{Figures, Outlook, Prediction, table as costs};
use leafgate_convert::reference::Image;
use leafgate_emulate::{Machine, machines};
use serde::Serialize;

use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{grouped, table};

/// A board and what is predicted for it.
#[derive(Debug, Serialize)]
pub struct BoardPrediction {
    board: &'static str,
    core: &'static str,
    /// None: `why` says why.
    #[serde(flatten)]
    prediction: Option<Prediction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// Predicts runs of an image on a board.
pub fn of_board(outlook: &Outlook, machine: &Machine) -> Result<Prediction, String> {
    let core = costs().core(&machine.name).ok_or("the costs of its core have not been measured")?;
    outlook.predict(core)
}

/// The work of an image, on average over inputs.
pub fn outlook(image: &Image, inputs: &[Vec<u8>]) -> Result<Outlook, Failure> {
    Outlook::new(image, inputs).map_err(|error| Failure::new("E0304", Exit::Input, error.to_string()))
}

/// Predicts runs on every board.
pub fn all(outlook: &Outlook) -> Vec<BoardPrediction> {
    let of = |machine: &'static Machine| {
        let (prediction, why) = match of_board(outlook, machine) {
            Ok(prediction) => (Some(prediction), None),
            Err(why) => (None, Some(why)),
        };
        BoardPrediction { board: &machine.name, core: &machine.core, prediction, why }
    };
    machines().iter().map(of).collect()
}

/// `-` where nothing was run.
fn mean(figures: &Figures) -> String {
    figures.mean_insns.map_or_else(|| "-".into(), grouped)
}

/// A line for each board.
pub fn render(boards: &[BoardPrediction]) -> String {
    let rows = boards.iter().map(|BoardPrediction { board, core, prediction, why }| {
        let figures = match (prediction, why) {
            (Some(Prediction { run, .. }), _) => {
                vec![grouped(run.min_insns), mean(run), grouped(run.max_insns), String::new()]
            }
            (None, why) => vec!["-".into(), "-".into(), "-".into(), why.clone().unwrap_or_default()],
        };
        [vec![(*board).to_owned(), (*core).to_owned()], figures].concat()
    });
    table(&["", "core", ">at least", ">on average", ">at most", ""], rows)
}

/// A line for each op, a column for each core: on average, or at most where nothing was run.
pub fn render_ops(boards: &[BoardPrediction], ops: &[(String, String)]) -> String {
    let mut columns: Vec<(&str, &Prediction)> = Vec::new();
    for BoardPrediction { core, prediction, .. } in boards {
        // Boards with the same core's figures are one column.
        if let Some(prediction) = prediction
            && columns.iter().all(|(_, other)| *other != prediction)
        {
            columns.push((core, prediction));
        }
    }
    let headings: Vec<String> =
        columns.iter().map(|(core, _)| format!(">{}", core.trim_start_matches("Cortex-"))).collect();
    let headings: Vec<&str> = [">", "op", "kind"].into_iter().chain(headings.iter().map(String::as_str)).collect();
    let figure = |figures: &Figures| grouped(figures.mean_insns.unwrap_or(figures.max_insns));
    let rows = ops.iter().enumerate().map(|(i, (op, kind))| {
        let first = [i.to_string(), op.clone(), kind.clone()];
        let figures = columns.iter().map(|(_, prediction)| prediction.ops.get(i).map_or_else(String::new, figure));
        first.into_iter().chain(figures).collect()
    });
    table(&headings, rows)
}
