//! The application on `mps3-an547`.
#![cfg_attr(target_os = "none", no_std, no_main)]
leafgate_app::application!(leafgate_qemu_arm::Mps3An547);
