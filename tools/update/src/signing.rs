//! Keys, and the trailer behind an image.
//!
//! Keys are files as other tools have them: PKCS#8 and SubjectPublicKeyInfo in PEM (RFC 8410), which `openssl pkey` reads as well.

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use leafgate_store::{TRAILER_BYTES, Trailer};
use thiserror::Error;

/// Why a key cannot be used, or an image is not signed as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignError {
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
    /// The text is no key of this kind.
    #[error("this is no Ed25519 {what} key in PEM: {why}")]
    NoKey {
        /// Private or public.
        what: &'static str,
        /// What the reader says.
        why: String,
    },
    /// The image bears no trailer.
    #[error("the image is not signed")]
    Unsigned,
    /// It is signed with another key.
    #[error("the image is signed with the key {have}, not with {want}")]
    OtherKey {
        /// The first four bytes of the key asked for, in hexadecimal.
        want: String,
        /// Those of the key in the trailer.
        have: String,
    },
    /// The signature is not one of this image by this key.
    #[error("the signature does not match the image")]
    Wrong,
    /// Something follows the trailer.
    #[error("{have} bytes follow the image, a trailer has {want}")]
    Length {
        /// Bytes of a trailer.
        want: usize,
        /// Bytes there are.
        have: usize,
    },
}

/// A key to sign with.
pub struct PrivateKey(SigningKey);

/// A key to verify with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PrivateKey {
    /// A new key, from the system's random numbers.
    ///
    /// # Errors
    /// If there are none.
    pub fn generate() -> Result<Self, SignError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| SignError::Random(error.to_string()))?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_pem(text: &str) -> Result<Self, SignError> {
        let no_key = |why: ed25519_dalek::pkcs8::Error| SignError::NoKey { what: "private", why: why.to_string() };
        SigningKey::from_pkcs8_pem(text).map(Self).map_err(no_key)
    }

    /// The key file.
    ///
    /// # Errors
    /// Never, as far as is known: the encoder can refuse what is too large.
    pub fn to_pem(&self) -> Result<String, SignError> {
        let no_key = |why: ed25519_dalek::pkcs8::Error| SignError::NoKey { what: "private", why: why.to_string() };
        // Without the public key, which not every reader of these files bears beside the private one.
        let key = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        key.to_pkcs8_pem(LineEnding::LF).map(|text| text.to_string()).map_err(no_key)
    }

    /// What verifies its signatures.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// The image with a trailer of this version.
    #[must_use]
    pub fn sign(&self, image: &[u8], version: u32) -> Vec<u8> {
        let mut signed = image.to_vec();
        signed.extend(Trailer::head(version, self.public().first_bytes()));
        let signature = self.0.sign(&signed).to_bytes();
        signed.extend(signature);
        signed
    }
}

impl PublicKey {
    /// Reads a key file.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_pem(text: &str) -> Result<Self, SignError> {
        let no_key = |why: ed25519_dalek::pkcs8::spki::Error| SignError::NoKey { what: "public", why: why.to_string() };
        VerifyingKey::from_public_key_pem(text).map(Self).map_err(no_key)
    }

    /// The key file.
    ///
    /// # Errors
    /// Never, as far as is known: the encoder can refuse what is too large.
    pub fn to_pem(&self) -> Result<String, SignError> {
        let no_key = |why: ed25519_dalek::pkcs8::spki::Error| SignError::NoKey { what: "public", why: why.to_string() };
        self.0.to_public_key_pem(LineEnding::LF).map_err(no_key)
    }

    /// The 32 bytes that a firmware knows it by.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    fn first_bytes(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = self.to_bytes();
        [a, b, c, d]
    }

    /// Verifies a signed image whose size without the trailer is `image_bytes`. Gives its version.
    ///
    /// # Errors
    /// If it is not signed with this key.
    pub fn verify(&self, bytes: &[u8], image_bytes: usize) -> Result<u32, SignError> {
        let have = bytes.len().saturating_sub(image_bytes);
        let (trailer, message) = Trailer::read(bytes, image_bytes).ok_or(SignError::Unsigned)?;
        if have != TRAILER_BYTES {
            return Err(SignError::Length { want: TRAILER_BYTES, have });
        }
        if trailer.key.to_le_bytes() != self.first_bytes() {
            let have = hex(&trailer.key.to_le_bytes());
            return Err(SignError::OtherKey { want: hex(&self.first_bytes()), have });
        }
        let signature = Signature::from_bytes(trailer.signature);
        self.0.verify_strict(message, &signature).map_err(|_| SignError::Wrong)?;
        Ok(trailer.version)
    }
}

/// Bytes in hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{PrivateKey, PublicKey, SignError};

    #[test]
    fn keys_come_back_from_their_files() {
        let key = PrivateKey::generate().unwrap();
        let again = PrivateKey::from_pem(&key.to_pem().unwrap()).unwrap();
        assert_eq!(again.public(), key.public());
        assert_eq!(PublicKey::from_pem(&key.public().to_pem().unwrap()).unwrap(), key.public());
        assert_ne!(PrivateKey::generate().unwrap().public(), key.public());
        for text in ["", "nonsense", &key.public().to_pem().unwrap()] {
            assert!(matches!(PrivateKey::from_pem(text), Err(SignError::NoKey { .. })));
        }
        assert!(matches!(PublicKey::from_pem(&key.to_pem().unwrap()), Err(SignError::NoKey { .. })));
    }

    /// The first test vector of RFC 8032, in the wrapping of RFC 8410.
    #[test]
    fn the_key_of_the_standard_is_known() {
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";
        let public = PrivateKey::from_pem(pem).unwrap().public();
        assert_eq!(super::hex(&public.to_bytes()), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    }

    #[test]
    fn what_is_signed_verifies_and_nothing_else() {
        let (key, other) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
        let image = [7; 64];
        let signed = key.sign(&image, 9);
        assert_eq!(signed.len(), 144);
        assert_eq!(key.public().verify(&signed, 64), Ok(9));
        assert!(matches!(other.public().verify(&signed, 64), Err(SignError::OtherKey { .. })));
        assert_eq!(key.public().verify(&image, 64), Err(SignError::Unsigned));
        assert_eq!(key.public().verify(&signed[..143], 64), Err(SignError::Unsigned));
        let longer = [signed.as_slice(), &[0]].concat();
        assert_eq!(key.public().verify(&longer, 64), Err(SignError::Length { want: 80, have: 81 }));
        for at in (0..64).chain(72..76).chain(80..144) {
            let mut damaged = signed.clone();
            damaged[at] ^= 1;
            assert_eq!(key.public().verify(&damaged, 64), Err(SignError::Wrong), "byte {at}");
        }
    }
}
