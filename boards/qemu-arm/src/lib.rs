//! The application on emulated Arm machines
