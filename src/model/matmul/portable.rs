//! Kernels for every processor: plain loops that the compiler turns into whatever registers the target has.
#![allow(unsafe_code)]

use half::{bf16, f16};

use super::{
    float::{self, Strip},
    int8::{self, BLOCK, GROUP, GROUPS},
    target::{Cut, Tile},
};

const ROWS: usize = 4;
const COLUMNS: usize = 16;

/// Four rows by sixteen columns.
pub(super) const FLOAT: float::Kernel = float::Kernel {
    name: "portable",
    cut: Cut {
        rows: ROWS,
        columns: COLUMNS,
        lanes: COLUMNS,
    },
    tile,
    widen_bf16,
    widen_f16,
};

/// The same for Q8_0.
pub(super) const INT8: int8::Kernel = int8::Kernel {
    name: "portable",
    cut: Cut {
        rows: ROWS,
        columns: COLUMNS,
        lanes: COLUMNS,
    },
    zero: 0,
    tile: int8_tile,
};

unsafe fn tile(rows: usize, strip: Strip, panel: &[f32], tile: Tile) {
    let mut sums = [[0f32; COLUMNS]; ROWS];
    let lines = strip.values.chunks(strip.line.max(1));
    for (sum, x) in sums.iter_mut().zip(lines).take(rows) {
        for (x, w) in x.iter().zip(panel.as_chunks::<COLUMNS>().0) {
            for (sum, w) in sum.iter_mut().zip(w) {
                *sum += x * w;
            }
        }
    }
    // SAFETY: the tile has so many lines of so many floats (the caller).
    unsafe { store(&sums, rows, tile) };
}

unsafe fn int8_tile(rows: usize, strip: int8::StripSlice, panel: int8::PanelSlice, tile: Tile) {
    let mut totals = [[0f32; COLUMNS]; ROWS];
    let blocks = strip
        .quants
        .chunks_exact(BLOCK * ROWS)
        .zip(strip.scales.as_chunks::<ROWS>().0)
        .zip(panel.quants.chunks_exact(BLOCK * COLUMNS))
        .zip(panel.scales.as_chunks::<COLUMNS>().0);
    for (((x, row_scales), w), scales) in blocks {
        let scales = scales.map(|bits| f16::from_bits(bits).to_f32());
        for ((r, totals), row_scale) in totals.iter_mut().enumerate().zip(row_scales) {
            let mut sums = [0i32; COLUMNS];
            for g in 0..GROUPS {
                let x = &x[(g * ROWS + r) * GROUP..][..GROUP];
                let w = &w[g * COLUMNS * GROUP..][..COLUMNS * GROUP];
                for (sum, w) in sums.iter_mut().zip(w.as_chunks::<GROUP>().0) {
                    let products = x.iter().zip(w);
                    *sum += products
                        .map(|(x, w)| i32::from(*x) * i32::from(w.cast_signed()))
                        .sum::<i32>();
                }
            }
            for ((total, sum), scale) in totals.iter_mut().zip(sums).zip(scales) {
                *total += sum as f32 * (row_scale * scale);
            }
        }
    }
    // SAFETY: the tile has so many lines of so many floats (the caller).
    unsafe { store(&totals, rows, tile) };
}

/// Leaves sums in a tile.
///
/// # Safety
/// The tile has `rows` lines of `COLUMNS` floats.
unsafe fn store(sums: &[[f32; COLUMNS]; ROWS], rows: usize, tile: Tile) {
    for (r, sum) in sums.iter().take(rows).enumerate() {
        for (c, sum) in sum.iter().enumerate() {
            // SAFETY: the caller; where it adds, a call before this one has written.
            unsafe {
                let place = tile.start.add(r * tile.line + c);
                *place = if tile.add { *place + sum } else { *sum };
            }
        }
    }
}

/// bf16 is the upper half of an f32.
pub(super) fn widen_bf16(bits: &[u16], wide: &mut [f32]) {
    for (wide, bits) in wide.iter_mut().zip(bits) {
        *wide = bf16::from_bits(*bits).to_f32();
    }
}

pub(super) fn widen_f16(bits: &[u16], wide: &mut [f32]) {
    for (wide, bits) in wide.iter_mut().zip(bits) {
        *wide = f16::from_bits(*bits).to_f32();
    }
}
