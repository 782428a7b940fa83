//! Kernels for floats on x86-64 with AVX-512 or AVX2, chosen while running.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm256_add_ps, _mm256_castsi256_ps,
    _mm256_cvtepu16_epi32, _mm256_cvtph_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256,
    _mm256_set1_ps, _mm256_setzero_ps, _mm256_slli_epi32, _mm256_storeu_ps, _mm512_add_ps,
    _mm512_castsi512_ps, _mm512_cvtepu16_epi32, _mm512_cvtph_ps, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_slli_epi32, _mm512_storeu_ps,
};

use super::{
    float::{Kernel, Strip},
    portable,
    target::{Cut, Tile},
};

/// 24 of the 32 registers of 16 floats hold sums.
const AVX512: Kernel = Kernel {
    name: "AVX-512",
    cut: Cut {
        rows: 8,
        columns: 48,
        lanes: 16,
    },
    tile: avx512_tile,
    widen_bf16: avx512_widen_bf16,
    widen_f16: avx512_widen_f16,
};

/// 12 of the 16 registers of 8 floats hold sums.
const AVX2: Kernel = Kernel {
    name: "AVX2",
    cut: Cut {
        rows: 6,
        columns: 16,
        lanes: 8,
    },
    tile: avx2_tile,
    widen_bf16: avx2_widen_bf16,
    widen_f16: avx2_widen_f16,
};

/// The kernels that this processor can run, best first.
pub(super) fn all() -> impl Iterator<Item = Kernel> {
    let avx512 = is_x86_feature_detected!("avx512f").then_some(AVX512);
    let avx2 = (is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c"))
    .then_some(AVX2);
    avx512.into_iter().chain(avx2)
}

/// How many steps ahead a kernel asks for a panel, which comes from the second-level cache or from memory.
const AHEAD: usize = 8;

/// Calls the function made for these numbers of rows and registers.
macro_rules! by_size {
    ($inner:ident, $size:expr, [$($rows:literal),*], $vectors:tt, $arguments:tt) => {
        match $size {
            $(($rows, vectors) => by_size!($inner, vectors, $rows, $vectors, $arguments),)*
            _ => {}
        }
    };
    ($inner:ident, $size:ident, $rows:literal, [$($vectors:literal),*], $arguments:tt) => {
        match $size {
            $($vectors => $inner::<$rows, $vectors> $arguments,)*
            _ => {}
        }
    };
}

/// Defines a tile function: the sums stay in registers, so the loop is made for each number of rows and of registers a row.
macro_rules! tile_fn {
    ($tile:ident, $inner:ident, $feature:literal, $columns:literal columns, $vectors:tt vectors of $lanes:literal, $rows:tt rows,
     $zero:ident, $load:ident, $broadcast:ident, $fmadd:ident, $add:ident, $store:ident) => {
        unsafe fn $tile(rows: usize, strip: Strip, panel: &[f32], tile: Tile) {
            // SAFETY: whoever has this kernel saw the feature; the rest is the caller's to hold.
            unsafe {
                by_size!(
                    $inner,
                    (rows, tile.columns.div_ceil($lanes)),
                    $rows,
                    $vectors,
                    (strip, panel, tile)
                )
            }
        }

        #[target_feature(enable = $feature)]
        unsafe fn $inner<const ROWS: usize, const VECTORS: usize>(
            strip: Strip,
            panel: &[f32],
            tile: Tile,
        ) {
            const COLUMNS: usize = $columns;
            // SAFETY: the tile has these lines (the caller).
            let place = |r: usize, v: usize| unsafe { tile.start.add(r * tile.line + v * $lanes) };
            for r in 0..ROWS {
                for v in 0..VECTORS {
                    _mm_prefetch::<_MM_HINT_T0>(place(r, v) as *const i8);
                }
            }
            let mut sums = [[$zero(); VECTORS]; ROWS];
            let x: [*const f32; ROWS] =
                std::array::from_fn(|r| strip.values.as_ptr().wrapping_add(r * strip.line));
            let mut w = panel.as_ptr();
            for d in 0..panel.len() / COLUMNS {
                // SAFETY: as many steps lie behind all pointers (the caller); prefetching reads nothing.
                unsafe {
                    for v in 0..VECTORS {
                        _mm_prefetch::<_MM_HINT_T0>(
                            w.wrapping_add(AHEAD * COLUMNS + v * $lanes) as *const i8
                        );
                    }
                    let weights: [_; VECTORS] = std::array::from_fn(|v| $load(w.add(v * $lanes)));
                    for (x, sum) in x.iter().zip(&mut sums) {
                        let value = $broadcast(*x.add(d));
                        for (sum, weight) in sum.iter_mut().zip(weights) {
                            *sum = $fmadd(value, weight, *sum);
                        }
                    }
                    w = w.add(COLUMNS);
                }
            }
            for (r, sum) in sums.into_iter().enumerate() {
                for (v, sum) in sum.into_iter().enumerate() {
                    let place = place(r, v);
                    // SAFETY: as above; where it adds, a call before this one has written.
                    unsafe {
                        $store(
                            place,
                            if tile.add {
                                $add($load(place), sum)
                            } else {
                                sum
                            },
                        )
                    };
                }
            }
        }
    };
}

tile_fn!(avx512_tile, avx512, "avx512f", 48 columns, [1, 2, 3] vectors of 16, [1, 2, 3, 4, 5, 6, 7, 8] rows,
    _mm512_setzero_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_add_ps, _mm512_storeu_ps);
tile_fn!(avx2_tile, avx2, "avx2,fma", 16 columns, [1, 2] vectors of 8, [1, 2, 3, 4, 5, 6] rows,
    _mm256_setzero_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_add_ps, _mm256_storeu_ps);

/// Defines a function that widens the bits of 16-bit floats; what does not fill a register is left to plain loops.
macro_rules! widen_fn {
    ($name:ident, $inner:ident, $feature:literal, $lanes:literal, $bits:ident => $widened:expr, $store:ident, $rest:path) => {
        fn $name(bits: &[u16], wide: &mut [f32]) {
            // SAFETY: whoever has this kernel saw the feature.
            unsafe { $inner(bits, wide) };
        }

        #[target_feature(enable = $feature)]
        unsafe fn $inner(bits: &[u16], wide: &mut [f32]) {
            let (bits, bits_rest) = bits.as_chunks::<$lanes>();
            let (wide, wide_rest) = wide.as_chunks_mut::<$lanes>();
            for ($bits, wide) in bits.iter().zip(wide) {
                let $bits = $bits.as_ptr().cast();
                // SAFETY: both chunks hold as many values as a register.
                unsafe { $store(wide.as_mut_ptr(), $widened) };
            }
            $rest(bits_rest, wide_rest);
        }
    };
}

// bf16 is the upper half of an f32.
widen_fn!(avx512_widen_bf16, avx512_bf16, "avx512f", 16,
    bits => _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(_mm256_loadu_si256(bits)))),
    _mm512_storeu_ps, portable::widen_bf16);
widen_fn!(avx512_widen_f16, avx512_f16, "avx512f", 16,
    bits => _mm512_cvtph_ps(_mm256_loadu_si256(bits)), _mm512_storeu_ps, portable::widen_f16);
widen_fn!(avx2_widen_bf16, avx2_bf16, "avx2", 8,
    bits => _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(_mm_loadu_si128(bits)))),
    _mm256_storeu_ps, portable::widen_bf16);
widen_fn!(avx2_widen_f16, avx2_f16, "avx2,f16c", 8,
    bits => _mm256_cvtph_ps(_mm_loadu_si128(bits)), _mm256_storeu_ps, portable::widen_f16);
