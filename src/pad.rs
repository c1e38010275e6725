//! Bytes that are never run, before the code of the crate, to move it: for calibration only.
//!
//! Five cache lines and a quarter of one, so that the code also moves within its lines. The section
//! is marked to be retained, since nothing refers to it.

#[cfg(target_os = "linux")]
std::arch::global_asm!(
    ".pushsection .text.stepmark_pad,\"axR\",@progbits",
    ".p2align 4",
    ".skip 336",
    ".popsection",
);
#[cfg(not(target_os = "linux"))]
compile_error!("the feature `pad` is for Linux only");
