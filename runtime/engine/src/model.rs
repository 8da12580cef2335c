//! A checked image, ready to run.

use leafgate_image::{Defect, FEATURE_PAIRS, ParseError, Place, TensorRecord, View, dtype};

use crate::input::{Input, InputError, InputShape};
use crate::ops;

/// An image that has been checked and that this build can run. Borrows the bytes; they stay where they are.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    view: View<'a>,
}

impl<'a> Model<'a> {
    /// Checks an image. `bytes` start at a multiple of 16 and may be longer than the image (a whole partition).
    ///
    /// # Errors
    /// What is wrong, where, and the figure wanted and had. No input panics. An image that needs a family of ops whose
    /// cargo feature is off is refused as [`Defect::Unsupported`], by the op's index; so is one with weights of few
    /// bits without the feature `low-bit`, by its header or its op, and one with matrices in pairs without the feature `packed`, by its header. An op or a kind that this version does not know, or that the
    /// feature `structure` adds, is refused as the same.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        View::parse(bytes).and_then(Self::supported)
    }

    /// Refuses what this build cannot run. Not inlined: so a view, which is large, is moved but once.
    #[inline(never)]
    fn supported(view: View<'a>) -> Result<Self, ParseError> {
        for (i, record) in view.ops().iter().enumerate() {
            if !ops::is_supported(record) {
                let (place, have) = (Place::Op(i as u16), u32::from(record.kind));
                return Err(ParseError { defect: Defect::Unsupported, place, at: 1, want: 0, have });
            }
        }
        // The upper bits alone, which say of every op at once what its matrices are; those of few bits the check has admitted.
        let have = view.header().features & FEATURE_PAIRS;
        if !cfg!(feature = "packed") && have != 0 {
            let (defect, place) = (Defect::Unsupported, Place::Header);
            return Err(ParseError { defect, place, at: 16, want: 0, have });
        }
        Ok(Self { view })
    }

    /// The records behind the model.
    pub fn view(&self) -> &View<'a> {
        &self.view
    }

    /// Size of the image.
    pub fn total_bytes(&self) -> usize {
        self.view.bytes().len()
    }

    /// Working memory that a session needs.
    pub fn arena_bytes(&self) -> usize {
        self.view.arena_bytes()
    }

    /// Worst-case steps of a run, proven by the check: what bounds its time. A step is a multiply-accumulate, a gate, an element or
    /// a comparison, and takes a bounded number of instructions, so that a run takes at most a constant of the core times this, and a constant
    /// per op. Whoever takes images from elsewhere compares it with a limit before a run. 2^32 - 1 stands for more as well.
    pub fn worst_steps(&self) -> u32 {
        self.view.header().worst_steps
    }

    /// Worst-case multiply-accumulates of a run, proven by the check. Work without multiplications is not in it.
    pub fn worst_macs(&self) -> u32 {
        self.view.header().worst_macs
    }

    /// Gates of a run.
    pub fn worst_gates(&self) -> u32 {
        self.view.header().worst_gates
    }

    /// Type and size of the input.
    pub fn input_shape(&self) -> InputShape {
        match self.view.input() {
            Some(tensor) if tensor.dtype == dtype::BITS => {
                InputShape::Bits(tensor.bytes().unwrap_or(0) as usize / size_of::<u32>())
            }
            Some(tensor) => InputShape::I8(tensor.bytes().unwrap_or(0) as usize),
            None => InputShape::I8(0),
        }
    }

    /// Bytes of the input.
    pub fn input_bytes(&self) -> usize {
        self.view.input().and_then(TensorRecord::bytes).unwrap_or(0) as usize
    }

    /// The input that `bytes` hold: see [`Input::from_bytes`].
    ///
    /// # Errors
    /// If the length or the alignment is wrong.
    pub fn input<'i>(&self, bytes: &'i [u8]) -> Result<Input<'i>, InputError> {
        Input::from_bytes(self.input_shape(), bytes)
    }

    /// Name of output `i`, if the image has one.
    pub fn label(&self, i: usize) -> Option<&'a str> {
        self.view.labels().nth(i)
    }
}
