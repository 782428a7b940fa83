//! The f32 matrix product of linear layers on the CPU: weights packed once at load for the processor's widest registers.
//!
//! The scheme is the one of Goto and van de Geijn (“Anatomy of High-Performance Matrix Multiplication”, 2008): weights
//! stand in panels of a few columns, inputs in strips of a few rows, and a kernel that keeps one tile of the result
//! in registers walks both. A panel's slice stays in the second-level cache while all strips pass over it.

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::Range;

use rayon::prelude::*;

/// How many steps along the inner dimension a kernel takes at a time: a strip's slice then fits the first-level cache.
const DEPTH: usize = 512;

/// How many panels one task works through together: their slices then fit the second-level cache.
const PANELS_A_TASK: usize = 4;

/// The largest tile of any kernel, in floats.
const MAX_TILE: usize = 8 * 48;

/// Computes the first `rows` rows of a tile: `tile[r][c] = Σ strip[d][r] · panel[d][c]` over `depth` steps.
///
/// `strip` holds `depth × Kernel::rows` floats, `panel` `depth × Kernel::columns`, `tile` at least `rows × Kernel::columns`.
type TileFn =
    fn(rows: usize, depth: usize, strip: &[f32], panel: &[f32], tile: &mut [f32; MAX_TILE]);

/// A way to compute a tile that this processor has.
#[derive(Clone, Copy)]
struct Kernel {
    name: &'static str,
    rows: usize,
    columns: usize,
    tile: TileFn,
}

impl Kernel {
    /// The fastest kernel of this processor.
    fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(kernel) = x86::detect() {
            return kernel;
        }
        portable::KERNEL
    }
}

/// A matrix `(out, in)` of f32 weights, packed.
pub struct PackedMatrix {
    out: usize,
    input: usize,
    kernel: Kernel,
    /// `[panel][in][column]`; the last panel is filled up with zeros.
    panels: Vec<f32>,
}

impl std::fmt::Debug for PackedMatrix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "PackedMatrix({}×{}, {})",
            self.out, self.input, self.kernel.name
        )
    }
}

impl PackedMatrix {
    /// Packs `weight`, row-major `(out, in)`, for this processor.
    pub fn pack(weight: &[f32], out: usize, input: usize) -> Self {
        Self::pack_for(Kernel::detect(), weight, out, input)
    }

    fn pack_for(kernel: Kernel, weight: &[f32], out: usize, input: usize) -> Self {
        assert_eq!(
            weight.len(),
            out * input,
            "a weight matrix of {out}×{input}"
        );
        let columns = kernel.columns;
        let mut panels = vec![0f32; out.div_ceil(columns) * input * columns];
        if input > 0 {
            let packed = panels.par_chunks_mut(input * columns);
            let rows = weight.par_chunks(columns * input);
            packed.zip(rows).for_each(|(panel, rows)| {
                for (column, row) in rows.chunks_exact(input).enumerate() {
                    for (step, value) in panel.chunks_exact_mut(columns).zip(row) {
                        step[column] = *value;
                    }
                }
            });
        }
        Self {
            out,
            input,
            kernel,
            panels,
        }
    }

    /// The number of rows of the matrix, which is the size of an output.
    pub fn out(&self) -> usize {
        self.out
    }

    /// The number of columns of the matrix, which is the size of an input.
    pub fn input(&self) -> usize {
        self.input
    }

    /// Copies one row of the matrix (an embedding) to `into`, of the input's size.
    pub fn copy_row(&self, row: usize, into: &mut [f32]) {
        let columns = self.kernel.columns;
        let panel = &self.panels[row / columns * self.input * columns..];
        for (value, step) in into.iter_mut().zip(panel.chunks_exact(columns)) {
            *value = step[row % columns];
        }
    }

    /// `x (rows, in)` · `selfᵀ` → `(rows, out)`, row-major.
    pub fn product(&self, x: &[f32], rows: usize) -> Vec<f32> {
        assert_eq!(
            x.len(),
            rows * self.input,
            "an input of {rows}×{}",
            self.input
        );
        let strips = self.pack_strips(x, rows);
        let mut product = vec![0f32; rows * self.out];
        let target = Target {
            start: product.as_mut_ptr(),
            rows,
            columns: self.out,
        };
        let panels = self.out.div_ceil(self.kernel.columns);
        (0..panels.div_ceil(PANELS_A_TASK))
            .into_par_iter()
            .for_each(|task| {
                let first = task * PANELS_A_TASK;
                self.multiply(&strips, first..panels.min(first + PANELS_A_TASK), &target);
            });
        product
    }

    /// Inputs as strips `[strip][in][row]`; the last strip is filled up with zeros.
    fn pack_strips(&self, x: &[f32], rows: usize) -> Vec<f32> {
        let height = self.kernel.rows;
        let mut strips = vec![0f32; rows.div_ceil(height) * self.input * height];
        if self.input > 0 {
            strips
                .par_chunks_mut(self.input * height)
                .zip(x.par_chunks(height * self.input))
                .for_each(|(strip, rows)| {
                    for (r, row) in rows.chunks_exact(self.input).enumerate() {
                        for (step, value) in strip.chunks_exact_mut(height).zip(row) {
                            step[r] = *value;
                        }
                    }
                });
        }
        strips
    }

    /// The columns of the product that these panels give. No other task writes them.
    fn multiply(&self, strips: &[f32], panels: Range<usize>, target: &Target) {
        let Kernel {
            rows: height,
            columns: width,
            tile: compute,
            ..
        } = self.kernel;
        let mut tile = [0f32; MAX_TILE];
        for start in (0..self.input).step_by(DEPTH) {
            let depth = DEPTH.min(self.input - start);
            for (s, strip) in strips.chunks_exact(self.input * height).enumerate() {
                let strip = &strip[start * height..][..depth * height];
                let rows = height.min(target.rows - s * height);
                for p in panels.clone() {
                    let panel = &self.panels[(p * self.input + start) * width..][..depth * width];
                    compute(rows, depth, strip, panel, &mut tile);
                    target.add(s * height, p * width, &tile, rows, width);
                }
            }
        }
    }
}

/// The product in the making, shared by tasks that write different columns.
struct Target {
    start: *mut f32,
    rows: usize,
    columns: usize,
}

// SAFETY: tasks write disjoint columns (each has panels of its own), and nobody reads before all have ended.
#[allow(unsafe_code)]
unsafe impl Sync for Target {}

impl Target {
    /// Adds a tile of `rows` rows, `width` floats apart, at (`row`, `column`); what lies past the last column is dropped.
    #[allow(unsafe_code)]
    fn add(&self, row: usize, column: usize, tile: &[f32; MAX_TILE], rows: usize, width: usize) {
        let columns = width.min(self.columns - column);
        assert!(row + rows <= self.rows);
        for (r, values) in tile.chunks_exact(width).take(rows).enumerate() {
            // SAFETY: the row exists (asserted above), `column + columns` is at most `self.columns`, and no other
            // task writes these columns.
            let line = unsafe {
                std::slice::from_raw_parts_mut(
                    self.start.add((row + r) * self.columns + column),
                    columns,
                )
            };
            for (sum, value) in line.iter_mut().zip(values) {
                *sum += value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The kernels that this processor can run.
    fn kernels() -> Vec<Kernel> {
        let mut kernels = vec![portable::KERNEL];
        #[cfg(target_arch = "x86_64")]
        kernels.extend(x86::all());
        kernels
    }

    fn floats(n: usize, seed: u64) -> Vec<f32> {
        (0..n as u64)
            .map(|i| {
                ((i + seed).wrapping_mul(6_364_136_223_846_793_005) >> 40) as f32 / (1 << 23) as f32
                    - 1.0
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_kernel_gives_the_product(rows in 1usize..20, out in 1usize..120, input in 1usize..1200, seed: u32) {
            let (x, weight) = (floats(rows * input, seed.into()), floats(out * input, 7 + u64::from(seed)));
            for kernel in kernels() {
                let product = PackedMatrix::pack_for(kernel, &weight, out, input).product(&x, rows);
                for (r, line) in product.chunks_exact(out).enumerate() {
                    for (c, value) in line.iter().enumerate() {
                        let (x, w) = (&x[r * input..][..input], &weight[c * input..][..input]);
                        let exact: f64 = x.iter().zip(w).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
                        prop_assert!((f64::from(*value) - exact).abs() < 1e-5 * input as f64, "{}: row {r}, column {c}: {value}, not {exact}", kernel.name);
                    }
                }
            }
        }

        #[test]
        fn a_row_comes_back_as_it_was(out in 1usize..120, input in 1usize..70, seed: u32) {
            let weight = floats(out * input, seed.into());
            for kernel in kernels() {
                let packed = PackedMatrix::pack_for(kernel, &weight, out, input);
                for (row, expected) in weight.chunks_exact(input).enumerate() {
                    let mut copied = vec![0f32; input];
                    packed.copy_row(row, &mut copied);
                    prop_assert_eq!(&copied, expected);
                }
            }
        }
    }

    #[test]
    fn nothing_times_anything_is_nothing() {
        assert!(
            PackedMatrix::pack(&[], 0, 5)
                .product(&floats(15, 0), 3)
                .is_empty()
        );
        assert!(
            PackedMatrix::pack(&floats(20, 0), 4, 5)
                .product(&[], 0)
                .is_empty()
        );
    }
}
