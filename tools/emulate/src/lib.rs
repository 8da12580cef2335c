//! Runs firmware and images in QEMU, decodes logs, counts instructions
