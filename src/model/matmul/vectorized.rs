//! Plain loops, compiled for the widest registers that the processor has.
#![allow(unsafe_code)]

/// A loop. Mark `run` as `#[inline(always)]`, and everything it calls: only what is inlined is compiled anew.
pub trait Loop {
    /// Runs it.
    fn run(self);
}

/// Runs a loop in the version for this processor.
pub fn vectorized(steps: impl Loop) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has it.
            return unsafe { avx512(steps) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has it.
            return unsafe { avx2(steps) };
        }
    }
    steps.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(steps: impl Loop) {
    steps.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn avx2(steps: impl Loop) {
    steps.run();
}
