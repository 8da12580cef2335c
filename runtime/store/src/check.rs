//! Whether what a slot holds is a model to run.

use leafgate::{Model, Session};

use crate::error::Refusal;
use crate::record::checksum;
use crate::store::Update;
#[cfg(feature = "signed")]
use crate::trailer::Trailer;

/// What a model must satisfy besides being an image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// Bytes of the application's arena.
    pub arena_bytes: usize,
    /// Public keys of which one must have signed it; none: no signature is asked for.
    #[cfg(feature = "signed")]
    pub keys: &'static [[u8; 32]],
    /// The lowest version that is taken, where signatures are asked for.
    #[cfg(feature = "signed")]
    pub floor: u32,
}

/// A model that was accepted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accepted<'a> {
    pub model: Model<'a>,
    /// Its version; 0 where no signature is asked for.
    pub version: u32,
}

impl Terms {
    /// Checks the bytes of a slot. With an update, only its bytes are looked at, and they must be those that were announced.
    #[inline(never)]
    pub fn check<'a>(&self, slot: &'a [u8], update: Option<Update>) -> Result<Accepted<'a>, Refusal> {
        let bytes = match update {
            None => slot,
            Some(Update { bytes, crc32: want }) => {
                let bytes = slot.get(..bytes as usize).unwrap_or(&[]);
                let have = checksum(bytes);
                if have != want {
                    return Err(Refusal::Checksum { want, have });
                }
                bytes
            }
        };
        let model = Model::parse(bytes).map_err(Refusal::Image)?;
        let (want, have) = (model.arena_bytes(), self.arena_bytes);
        if want > have {
            return Err(Refusal::Arena(leafgate::ArenaError::TooSmall { want, have }));
        }
        let version = self.version(bytes, &model)?;
        Ok(Accepted { model, version })
    }

    #[cfg(not(feature = "signed"))]
    fn version(&self, _: &[u8], _: &Model<'_>) -> Result<u32, Refusal> {
        Ok(0)
    }

    #[cfg(feature = "signed")]
    fn version(&self, bytes: &[u8], model: &Model<'_>) -> Result<u32, Refusal> {
        if self.keys.is_empty() {
            return Ok(0);
        }
        let (trailer, message) = Trailer::read(bytes, model.total_bytes()).ok_or(Refusal::Unsigned)?;
        let (want, have) = (self.floor, trailer.version);
        if have < want {
            return Err(Refusal::Version { want, have });
        }
        // The four bytes tell which key it is; several may begin alike.
        let mut refusal = Refusal::Key { have: trailer.key };
        for key in self.keys.iter().filter(|key| key.first_chunk() == Some(&trailer.key.to_le_bytes())) {
            let signature = salty::Signature::from(trailer.signature);
            let verified = salty::PublicKey::try_from(key).and_then(|key| key.verify(message, &signature));
            if verified.is_ok() {
                return Ok(have);
            }
            refusal = Refusal::Signature;
        }
        Err(refusal)
    }
}

/// Runs the golden vectors of a model.
#[inline(never)]
pub(crate) fn self_test(model: &Model<'_>, arena: &mut [u8]) -> Result<(), Refusal> {
    Session::new(model, arena).map_err(Refusal::Arena)?.self_test().map(|_| ()).map_err(Refusal::SelfTest)
}
