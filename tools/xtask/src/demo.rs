//! demo
use crate::shell::Failure;
/// x
pub fn run() -> Result<(), Failure> {
    Ok(())
}
