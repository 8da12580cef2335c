//! The application on `mps2-an505`, its kernels in RAM.
#![cfg_attr(target_os = "none", no_std, no_main)]
leafgate_app::application!(leafgate_qemu_arm::Mps2An505);
