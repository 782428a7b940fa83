//! Kernels for Q8_0 on x86-64 with AVX-512 VNNI or AVX2, chosen while running.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256i, __m512i, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm256_abs_epi8,
    _mm256_add_epi32, _mm256_add_ps, _mm256_cvtepi32_ps, _mm256_cvtph_ps, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps,
    _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps, _mm256_sign_epi8,
    _mm256_storeu_ps, _mm512_add_ps, _mm512_cvtepi32_ps, _mm512_cvtph_ps, _mm512_dpbusd_epi32,
    _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mul_ps, _mm512_set1_epi32,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

use super::{
    int8::{GROUP, GROUPS, Kernel, PanelSlice, StripSlice},
    target::{Cut, Tile},
};

/// 12 registers hold the sums of a block, 12 those of all blocks.
const VNNI: Kernel = Kernel {
    name: "AVX-512 VNNI",
    cut: Cut {
        rows: 6,
        columns: 32,
        lanes: 32,
    },
    zero: 128,
    tile: vnni_tile,
};

const AVX2: Kernel = Kernel {
    name: "AVX2",
    cut: Cut {
        rows: 4,
        columns: 16,
        lanes: 16,
    },
    zero: 0,
    tile: avx2_tile,
};

/// The kernels that this processor can run, best first.
pub(super) fn all() -> impl Iterator<Item = Kernel> {
    let vnni = (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni"))
        .then_some(VNNI);
    let avx2 = (is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c"))
    .then_some(AVX2);
    vnni.into_iter().chain(avx2)
}

/// How many steps ahead a kernel asks for a panel, which comes from the second-level cache or from memory.
const AHEAD: usize = 4;

/// Four products of bytes without sign and bytes with, added to a sum of 32 bits. Nothing is cut off on the way.
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
fn vnni_dot(sum: __m512i, weights: __m512i, x: __m512i) -> __m512i {
    _mm512_dpbusd_epi32(sum, weights, x)
}

/// The same of bytes with sign. The instruction wants one factor without: |x|, and the weights take its sign. Two products
/// of up to 127² fit the 16 bits they are summed in.
#[inline]
#[target_feature(enable = "avx2")]
fn avx2_dot(sum: __m256i, weights: __m256i, x: __m256i) -> __m256i {
    let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(weights, x));
    _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
}

/// Defines a tile function: the sums of `rows` rows stay in registers, so the loop is made for each number of rows.
macro_rules! tile_fn {
    ($tile:ident, $inner:ident, $feature:literal, $rows:literal by $vectors:literal vectors of $lanes:literal,
     $dot:ident, $load_bytes:ident, $broadcast_group:ident, $load_scales:expr, $to_float:ident,
     $zero:ident, $load:ident, $broadcast:ident, $mul:ident, $fmadd:ident, $add:ident, $store:ident, [$($n:literal),*]) => {
        unsafe fn $tile(rows: usize, strip: StripSlice, panel: PanelSlice, tile: Tile) {
            match rows {
                // SAFETY: whoever has this kernel saw the feature; the rest is the caller's to hold.
                $($n => unsafe { $inner::<$n>(strip, panel, tile) },)*
                _ => {}
            }
        }

        #[target_feature(enable = $feature)]
        unsafe fn $inner<const ROWS: usize>(strip: StripSlice, panel: PanelSlice, tile: Tile) {
            const COLUMNS: usize = $vectors * $lanes;
            const STEP_BYTES: usize = COLUMNS * GROUP;
            // SAFETY: the tile has these lines (the caller).
            let place = |r: usize, v: usize| unsafe { tile.start.add(r * tile.line + v * $lanes) };
            for r in 0..ROWS {
                for v in 0..$vectors {
                    _mm_prefetch::<_MM_HINT_T0>(place(r, v) as *const i8);
                }
            }
            let mut totals = [[$zero(); $vectors]; ROWS];
            let (mut x, mut w) = (strip.quants.as_ptr(), panel.quants.as_ptr());
            for block in 0..panel.scales.len() / COLUMNS {
                // SAFETY: both slices have this block (the caller); prefetching reads nothing.
                unsafe {
                    let starts = strip.starts.as_ptr().add(block * $rows);
                    let mut sums: [[_; $vectors]; ROWS] =
                        std::array::from_fn(|r| [$broadcast_group(*starts.add(r)); $vectors]);
                    for _ in 0..GROUPS {
                        for v in 0..$vectors {
                            let ahead = w.wrapping_add(AHEAD * STEP_BYTES + v * $lanes * GROUP);
                            _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
                        }
                        let weights: [_; $vectors] =
                            std::array::from_fn(|v| $load_bytes(w.add(v * $lanes * GROUP).cast()));
                        for (r, sums) in sums.iter_mut().enumerate() {
                            let group = $broadcast_group(x.add(r * GROUP).cast::<i32>().read_unaligned());
                            for (sum, weights) in sums.iter_mut().zip(weights) {
                                *sum = $dot(*sum, weights, group);
                            }
                        }
                        x = x.add($rows * GROUP);
                        w = w.add(STEP_BYTES);
                    }
                    let scales = panel.scales.as_ptr().add(block * COLUMNS);
                    let scales: [_; $vectors] = std::array::from_fn(|v| $load_scales(scales.add(v * $lanes)));
                    let row_scales = strip.scales.as_ptr().add(block * $rows);
                    for (r, (totals, sums)) in totals.iter_mut().zip(sums).enumerate() {
                        let row_scale = $broadcast(*row_scales.add(r));
                        for ((total, sum), scale) in totals.iter_mut().zip(sums).zip(scales) {
                            *total = $fmadd($to_float(sum), $mul(row_scale, scale), *total);
                        }
                    }
                }
            }
            for (r, totals) in totals.into_iter().enumerate() {
                for (v, total) in totals.into_iter().enumerate() {
                    let place = place(r, v);
                    // SAFETY: as above; where it adds, a call before this one has written.
                    unsafe { $store(place, if tile.add { $add($load(place), total) } else { total }) };
                }
            }
        }
    };
}

tile_fn!(vnni_tile, vnni, "avx512f,avx512vnni", 6 by 2 vectors of 16,
    vnni_dot, _mm512_loadu_si512, _mm512_set1_epi32, |s: *const u16| _mm512_cvtph_ps(_mm256_loadu_si256(s.cast())),
    _mm512_cvtepi32_ps, _mm512_setzero_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_mul_ps, _mm512_fmadd_ps,
    _mm512_add_ps, _mm512_storeu_ps, [1, 2, 3, 4, 5, 6]);
tile_fn!(avx2_tile, avx2, "avx2,fma,f16c", 4 by 2 vectors of 8,
    avx2_dot, _mm256_loadu_si256, _mm256_set1_epi32, |s: *const u16| _mm256_cvtph_ps(_mm_loadu_si128(s.cast())),
    _mm256_cvtepi32_ps, _mm256_setzero_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_mul_ps, _mm256_fmadd_ps,
    _mm256_add_ps, _mm256_storeu_ps, [1, 2, 3, 4]);
