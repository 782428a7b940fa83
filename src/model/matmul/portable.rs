//! Kernels for every processor: plain loops that the compiler turns into whatever registers the target has.
#![allow(unsafe_code)]

use half::{bf16, f16};

use super::{
    float,
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
    },
    tile,
    widen_bf16,
    widen_f16,
};

unsafe fn tile(rows: usize, strip: &[f32], panel: &[f32], tile: Tile) {
    let mut sums = [[0f32; COLUMNS]; ROWS];
    let steps = strip
        .as_chunks::<ROWS>()
        .0
        .iter()
        .zip(panel.as_chunks::<COLUMNS>().0);
    for (x, w) in steps {
        for (sum, x) in sums.iter_mut().zip(x) {
            for (sum, w) in sum.iter_mut().zip(w) {
                *sum += x * w;
            }
        }
    }
    // SAFETY: the tile has so many lines of so many floats (the caller).
    unsafe { store(&sums, rows, tile) };
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
