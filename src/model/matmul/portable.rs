//! The kernel for every processor: plain loops that the compiler turns into whatever registers the target has.

use super::{Kernel, MAX_TILE};

const ROWS: usize = 4;
const COLUMNS: usize = 16;

/// Four rows by sixteen columns.
pub(super) const KERNEL: Kernel = Kernel {
    name: "portable",
    rows: ROWS,
    columns: COLUMNS,
    tile,
};

fn tile(rows: usize, depth: usize, strip: &[f32], panel: &[f32], tile: &mut [f32; MAX_TILE]) {
    let mut sums = [[0f32; COLUMNS]; ROWS];
    let steps = strip
        .as_chunks::<ROWS>()
        .0
        .iter()
        .zip(panel.as_chunks::<COLUMNS>().0);
    for (x, w) in steps.take(depth) {
        for (sum, x) in sums.iter_mut().zip(x) {
            for (sum, w) in sum.iter_mut().zip(w) {
                *sum += x * w;
            }
        }
    }
    for (line, sum) in tile.chunks_exact_mut(COLUMNS).zip(&sums).take(rows) {
        line.copy_from_slice(sum);
    }
}
