//! The application on the emulated RISC-V machine
