//! The stages of a conversion as they go by: a bar over the samples of each, a spinner over what lies between.

use indicatif::ProgressBar;
use leafgate_convert::Stage;

use crate::output::Talk;

/// What of a conversion is shown now.
pub struct Stages {
    talk: Talk,
    stage: Option<Stage>,
    shown: ProgressBar,
}

impl Stages {
    /// Before the first stage: `what` is being done.
    pub fn new(talk: Talk, what: &str) -> Self {
        Self { talk, stage: None, shown: talk.spinner(what) }
    }

    /// A stage has come so far.
    pub fn show(&mut self, stage: Stage, done: usize, total: usize) {
        if self.stage != Some(stage) {
            let what = match stage {
                Stage::Calibration => "calibrating",
                Stage::Golden => "computing golden vectors",
                Stage::Check => "checking",
                Stage::Accuracy => "measuring accuracy",
                Stage::Layers => "comparing layers",
                _ => "working",
            };
            self.replace(Some(stage), self.talk.bar(what, total as u64));
        }
        self.shown.set_position(done as u64);
        if done == total {
            let next = match stage {
                Stage::Calibration => self.talk.spinner("quantising"),
                Stage::Golden => self.talk.spinner("packing"),
                _ => ProgressBar::hidden(),
            };
            self.replace(None, next);
        }
    }

    /// Leaves nothing on the screen.
    pub fn clear(&mut self) {
        self.replace(None, ProgressBar::hidden());
    }

    fn replace(&mut self, stage: Option<Stage>, next: ProgressBar) {
        self.shown.finish_and_clear();
        (self.stage, self.shown) = (stage, next);
    }
}
