//! Engine and reference on the same bytes.

use leafgate::{Model, ParseError, Session};
use leafgate_convert::host::AlignedBytes;
use leafgate_convert::reference::{self, At, Crc, ReadError};

use crate::draw::Draw;
use crate::trial::affordable;

/// What both made of an image.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Both refuse.
    Refused,
    /// Both accept and give the same integers, unless the run was too long to be tried.
    Agreed {
        /// Whether it ran.
        ran: bool,
    },
    /// Both accept and give different integers, but some op reads memory that no op has written, or that only served as scratch: what
    /// it holds is not said, and the reference proves nothing of such an image.
    Unspecified,
    /// Only the engine accepts.
    EngineOnly(ReadError),
    /// Only the reference accepts.
    ReferenceOnly(ParseError),
    /// Both accept and give different integers.
    Different(String),
}

impl Verdict {
    /// A line for a table, without the figures that differ from case to case.
    pub fn summary(&self) -> String {
        let letters = |text: &str| -> String { text.chars().filter(|c| !c.is_ascii_digit()).collect() };
        match self {
            Self::Refused => "both refuse".into(),
            Self::Agreed { ran: true } => "both run, equal".into(),
            Self::Agreed { ran: false } => "both accept, not run".into(),
            Self::Unspecified => "different, by reading what no op has written".into(),
            Self::EngineOnly(error) => format!("only the engine accepts; reference: {}", letters(&error.to_string())),
            Self::ReferenceOnly(error) => {
                format!(
                    "only the reference accepts; engine: {:?} in {}, byte {}",
                    error.defect,
                    letters(&format!("{:?}", error.place)),
                    error.at
                )
            }
            Self::Different(what) => format!("different: {}", letters(what)),
        }
    }

    /// Whether the two agree.
    pub fn is_agreement(&self) -> bool {
        matches!(self, Self::Refused | Self::Agreed { .. } | Self::Unspecified)
    }

    /// Why a disagreement about acceptance is let pass, if it is. Integers that differ never are.
    pub fn excuse(&self) -> Option<&'static str> {
        match self {
            Self::EngineOnly(ReadError::Text { .. } | ReadError::Missing { at: At::Provenance, .. }) => {
                Some("text that a device never uses: the engine shows a label that is not UTF-8 as `?`")
            }
            _ => None,
        }
    }
}

/// Lets both read `bytes` and, if both accept, run on `inputs` random inputs. The arena begins as zeros, as the reference's does.
///
/// # Panics
/// If the engine refuses what it has accepted.
pub fn compare(bytes: &[u8], inputs: usize, draw: &mut Draw) -> Verdict {
    let aligned = AlignedBytes::copy_of(bytes);
    let judge = reference::read(bytes, Crc::Check);
    let (model, judge) = match (Model::parse(aligned.as_slice()), judge) {
        (Err(_), Err(_)) => return Verdict::Refused,
        (Ok(_), Err(error)) => return Verdict::EngineOnly(error),
        (Err(error), Ok(_)) => return Verdict::ReferenceOnly(error),
        (Ok(model), Ok(judge)) => (model, judge),
    };
    if affordable(&model).is_none_or(|steps| steps > 500_000) {
        return Verdict::Agreed { ran: false };
    }
    for _ in 0..inputs {
        let mut arena = AlignedBytes::filled(model.arena_bytes(), 0);
        let mut session = Session::new(&model, arena.as_mut_slice()).expect("the arena fits");
        let mut input = AlignedBytes::filled(model.input_bytes(), 0);
        draw.fill(input.as_mut_slice());
        let want = reference::run_bytes(&judge, input.as_slice()).expect("the input fits");
        let have = session.run(model.input(input.as_slice()).expect("the input fits")).expect("the input fits");
        let values: Vec<i32> = have.iter().collect();
        let classes: Vec<u32> = have.classes().iter().map(|&class| class as u32).collect();
        if (&values, &classes) != (&want.values, &want.classes) && reads_unwritten(&judge) {
            return Verdict::Unspecified;
        }
        if values != want.values {
            return Verdict::Different(format!("values: engine {values:?}, reference {:?}", want.values));
        }
        if classes != want.classes {
            return Verdict::Different(format!("classes: engine {classes:?}, reference {:?}", want.classes));
        }
    }
    Verdict::Agreed { ran: true }
}

fn reads_unwritten(judge: &reference::Image) -> bool {
    let unwritten = |violation: &reference::Violation| matches!(violation, reference::Violation::Unwritten { .. });
    reference::prove(judge, None).is_err_and(|error| error.violations.iter().any(unwritten))
}
