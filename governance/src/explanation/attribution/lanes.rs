//! Which vectors a machine has.

/// Runs code for the widest vectors there are: AVX-512, AVX2 or SSE2 on x86, NEON, WebAssembly's, or none.
///
/// Like `fearless_simd::dispatch!` without SSE4.2, which adds nothing here to SSE2 but code.
macro_rules! with_vectors {
    ($level:expr, $simd:ident => $run:expr) => {{
        let level: fearless_simd::Level = $level;
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        {
            use fearless_simd::Simd as _;
            if let Some($simd) = level.as_avx512() {
                $simd.vectorize(
                    #[inline(always)]
                    || $run,
                )
            } else if let Some($simd) = level.as_avx2() {
                $simd.vectorize(
                    #[inline(always)]
                    || $run,
                )
            } else if let Some($simd) = level.as_sse2() {
                $simd.vectorize(
                    #[inline(always)]
                    || $run,
                )
            } else {
                unreachable!("every x86 that is built for has SSE2")
            }
        }
        #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
        {
            fearless_simd::dispatch!(level, $simd => $run)
        }
    }};
}

pub(super) use with_vectors;
