//! Kernels for x86-64 with AVX-512 or AVX2, chosen while running.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
    _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

use super::{Kernel, MAX_TILE};

/// 24 of the 32 registers of 16 floats hold sums.
const AVX512: Kernel = Kernel {
    name: "AVX-512",
    rows: 8,
    columns: 48,
    tile: avx512_tile,
};

/// 12 of the 16 registers of 8 floats hold sums.
const AVX2: Kernel = Kernel {
    name: "AVX2",
    rows: 6,
    columns: 16,
    tile: avx2_tile,
};

/// The kernels that this processor can run, best first.
pub(super) fn all() -> impl Iterator<Item = Kernel> {
    let avx512 = is_x86_feature_detected!("avx512f").then_some(AVX512);
    let avx2 =
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(AVX2);
    avx512.into_iter().chain(avx2)
}

/// The best kernel that this processor can run.
pub(super) fn detect() -> Option<Kernel> {
    all().next()
}

/// Defines a tile function: the sums of `rows` rows stay in registers, so the loop is made for each number of rows.
macro_rules! tile_fn {
    ($tile:ident, $inner:ident, $feature:literal, $rows:literal by $vectors:literal vectors of $lanes:literal,
     $zero:ident, $load:ident, $broadcast:ident, $fmadd:ident, $store:ident, [$($n:literal),*]) => {
        fn $tile(rows: usize, depth: usize, strip: &[f32], panel: &[f32], tile: &mut [f32; MAX_TILE]) {
            const COLUMNS: usize = $vectors * $lanes;
            assert!(strip.len() >= depth * $rows && panel.len() >= depth * COLUMNS);
            match rows {
                // SAFETY: `detect` saw the feature; the slices are long enough (asserted above), and a tile holds
                // `$rows` rows of `COLUMNS` floats.
                $($n => unsafe { $inner::<$n>(depth, strip, panel, tile) },)*
                _ => {}
            }
        }

        #[target_feature(enable = $feature)]
        unsafe fn $inner<const ROWS: usize>(depth: usize, strip: &[f32], panel: &[f32], tile: &mut [f32; MAX_TILE]) {
            let mut sums = [[$zero(); $vectors]; ROWS];
            let (mut x, mut w) = (strip.as_ptr(), panel.as_ptr());
            for _ in 0..depth {
                // SAFETY: `depth` steps of `$rows` and of `$vectors × $lanes` floats lie behind these pointers (the caller).
                unsafe {
                    let weights: [_; $vectors] = std::array::from_fn(|v| $load(w.add(v * $lanes)));
                    for (r, sum) in sums.iter_mut().enumerate() {
                        let value = $broadcast(*x.add(r));
                        for (sum, weight) in sum.iter_mut().zip(weights) {
                            *sum = $fmadd(value, weight, *sum);
                        }
                    }
                    x = x.add($rows);
                    w = w.add($vectors * $lanes);
                }
            }
            for (r, sum) in sums.iter().enumerate() {
                for (v, sum) in sum.iter().enumerate() {
                    // SAFETY: `ROWS ≤ $rows`, and `$rows × $vectors × $lanes ≤ MAX_TILE`.
                    unsafe { $store(tile.as_mut_ptr().add((r * $vectors + v) * $lanes), *sum) };
                }
            }
        }
    };
}

tile_fn!(avx512_tile, avx512, "avx512f", 8 by 3 vectors of 16, _mm512_setzero_ps, _mm512_loadu_ps, _mm512_set1_ps,
    _mm512_fmadd_ps, _mm512_storeu_ps, [1, 2, 3, 4, 5, 6, 7, 8]);
tile_fn!(avx2_tile, avx2, "avx2,fma", 6 by 2 vectors of 8, _mm256_setzero_ps, _mm256_loadu_ps, _mm256_set1_ps,
    _mm256_fmadd_ps, _mm256_storeu_ps, [1, 2, 3, 4, 5, 6]);
