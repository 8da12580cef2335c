//! Writes the samples region that the application reads; `leafgate_app::samples` has its format.

use crate::EmulateError;
use crc::{CRC_32_ISO_HDLC, Crc};
use std::path::Path;

/// The bytes of a samples region.
///
/// # Errors
/// If there is no sample, or they differ in length.
pub fn samples_region(samples: &[Vec<u8>]) -> Result<Vec<u8>, EmulateError> {
    let sample_bytes = samples.first().map_or(0, Vec::len);
    let odd = samples.iter().position(|sample| sample.len() != sample_bytes || sample.is_empty());
    if let Some(index) = odd.or(samples.is_empty().then_some(0)) {
        let have = samples.get(index).map_or(0, Vec::len);
        return Err(EmulateError::UnequalSamples { index, want: sample_bytes, have });
    }
    let payload = samples.concat();
    let mut region = b"LGSM".to_vec();
    for word in [samples.len() as u32, sample_bytes as u32, Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(&payload)] {
        region.extend(word.to_le_bytes());
    }
    region.extend(payload);
    Ok(region)
}

/// Writes a samples region to a file, for [`Emulation::samples_file`](crate::Emulation::samples_file) or a flash tool.
///
/// # Errors
/// If there is no sample, if they differ in length, or if the file cannot be written.
pub fn write_samples(path: &Path, samples: &[Vec<u8>]) -> Result<(), EmulateError> {
    let region = samples_region(samples)?;
    std::fs::write(path, region).map_err(EmulateError::io(format!("writing {}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::samples_region;
    use leafgate_app::samples::Samples;

    #[test]
    fn the_application_reads_what_is_written() {
        let samples: Vec<Vec<u8>> = (0..1797).map(|i| vec![i as u8; 64]).collect();
        let region = samples_region(&samples).unwrap();
        assert_eq!(region.len(), 16 + 1797 * 64);
        let read = Samples::parse(&region).unwrap().unwrap();
        assert!(read.iter().eq(samples.iter().map(Vec::as_slice)));
    }

    #[test]
    fn samples_must_be_alike() {
        assert!(samples_region(&[]).is_err());
        assert!(samples_region(&[vec![]]).is_err());
        assert!(samples_region(&[vec![1, 2], vec![1]]).unwrap_err().to_string().contains("sample 1 has 1 bytes"));
    }
}
