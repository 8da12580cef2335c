//! Where tensors live: the Burn backend of a run.
//!
//! Burn picks the backend by device at run time, so the architectures are written once for all of them. Each backend is
//! a feature of this crate of the same name.

use burn::tensor::Device;

/// A Burn backend that this build has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// Portable, on the CPU, one thread: the reference, whose runs repeat bit for bit.
    #[cfg(feature = "flex")]
    Flex,
    /// Any GPU that wgpu drives.
    #[cfg(feature = "wgpu")]
    Wgpu,
    /// An NVIDIA GPU.
    #[cfg(feature = "cuda")]
    Cuda,
}

impl Backend {
    /// The backends of this build, the preferred one first.
    pub const ALL: &[Self] = &[
        #[cfg(feature = "flex")]
        Self::Flex,
        #[cfg(feature = "wgpu")]
        Self::Wgpu,
        #[cfg(feature = "cuda")]
        Self::Cuda,
    ];

    /// The name of the backend and of its cargo feature.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "flex")]
            Self::Flex => "flex",
            #[cfg(feature = "wgpu")]
            Self::Wgpu => "wgpu",
            #[cfg(feature = "cuda")]
            Self::Cuda => "cuda",
        }
    }

    /// The first device of the backend.
    pub(crate) fn device(self) -> Device {
        match self {
            #[cfg(feature = "flex")]
            Self::Flex => Device::flex(),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Device::wgpu(burn::tensor::DeviceKind::DefaultDevice),
            #[cfg(feature = "cuda")]
            Self::Cuda => Device::cuda(0),
        }
    }
}

#[cfg(not(any(feature = "flex", feature = "wgpu", feature = "cuda")))]
compile_error!("leafgate-models needs a backend: enable the feature `flex`, `wgpu` or `cuda`");

impl Default for Backend {
    fn default() -> Self {
        Self::ALL[0]
    }
}
