//! The matrix product of linear layers on the CPU: weights packed once at load for the processor's widest registers.
//!
//! The scheme is the one of Goto and van de Geijn (“Anatomy of High-Performance Matrix Multiplication”, 2008): weights
//! stand in panels of a few columns, inputs in strips of a few rows, and a kernel that keeps one tile of the result
//! in registers walks both.
//!
//! Here stands all unsafe code of the numbers: kernels for the registers of a processor, chosen while running, and the memory
//! they share.

mod buffer;
mod float;
mod portable;
mod target;
mod vectorized;
#[cfg(target_arch = "x86_64")]
mod x86;

use float::FloatMatrix;
pub use float::Floats;
pub use vectorized::{Loop, vectorized};

/// The largest tile of any kernel, in floats.
const MAX_TILE: usize = 8 * 48;

/// A matrix `(out, in)` of weights, packed.
pub struct PackedMatrix {
    out: usize,
    input: usize,
    weights: FloatMatrix,
}

impl std::fmt::Debug for PackedMatrix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.weights.name();
        write!(f, "PackedMatrix({}×{}, {name})", self.out, self.input)
    }
}

/// The fastest kernel of this processor for floats.
fn float_kernel() -> float::Kernel {
    #[cfg(target_arch = "x86_64")]
    if let Some(kernel) = x86::all().next() {
        return kernel;
    }
    portable::FLOAT
}

impl PackedMatrix {
    /// Packs `weight`, row-major `(out, in)`, for this processor, in the format it comes in.
    pub fn pack(weight: Floats, out: usize, input: usize) -> Self {
        Self::pack_for(float_kernel(), weight, out, input)
    }

    fn pack_for(kernel: float::Kernel, weight: Floats, out: usize, input: usize) -> Self {
        assert_eq!(weight.len(), out * input, "weights of {out}×{input}");
        Self {
            out,
            input,
            weights: FloatMatrix::pack(kernel, weight, out, input),
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
        assert!(row < self.out && into.len() == self.input);
        self.weights.copy_row(row, into);
    }

    /// `x (rows, in)` · `selfᵀ` → `(rows, out)`, row-major.
    pub fn product(&self, x: &[f32], rows: usize) -> Vec<f32> {
        assert_eq!(x.len(), rows * self.input, "{rows} rows of {}", self.input);
        if rows * self.out * self.input == 0 {
            return vec![0.0; rows * self.out];
        }
        self.weights.product(x, rows)
    }
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};
    use proptest::prelude::*;

    use super::*;

    /// The kernels that this processor can run.
    fn kernels() -> Vec<float::Kernel> {
        let mut kernels = vec![portable::FLOAT];
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

    /// The weights in each format, and what they are in f32.
    fn in_all_formats(weight: &[f32], check: impl Fn(Floats, &[f32])) {
        check(Floats::F32(weight), weight);
        let narrow: Vec<bf16> = weight.iter().map(|v| bf16::from_f32(*v)).collect();
        let wide: Vec<f32> = narrow.iter().map(|v| v.to_f32()).collect();
        check(Floats::Bf16(&narrow), &wide);
        let narrow: Vec<f16> = weight.iter().map(|v| f16::from_f32(*v)).collect();
        let wide: Vec<f32> = narrow.iter().map(|v| v.to_f32()).collect();
        check(Floats::F16(&narrow), &wide);
    }

    fn assert_product(
        (product, name): (&[f32], &str),
        x: &[f32],
        weight: &[f32],
        (out, input): (usize, usize),
    ) {
        assert_eq!(product.len(), x.len() / input * out);
        for (r, line) in product.chunks_exact(out).enumerate() {
            for (c, value) in line.iter().enumerate() {
                let (x, w) = (&x[r * input..][..input], &weight[c * input..][..input]);
                let exact: f64 = x
                    .iter()
                    .zip(w)
                    .map(|(x, w)| f64::from(*x) * f64::from(*w))
                    .sum();
                assert!(
                    (f64::from(*value) - exact).abs() < 1e-5 * input as f64,
                    "{name}: row {r}, column {c}: {value}, not {exact}"
                );
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn every_kernel_gives_the_product(rows in 1usize..20, out in 1usize..120, input in 1usize..1200, seed: u32) {
            let (x, weight) = (floats(rows * input, seed.into()), floats(out * input, 7 + u64::from(seed)));
            in_all_formats(&weight, |narrow, wide| {
                for kernel in kernels() {
                    let packed = PackedMatrix::pack_for(kernel, narrow, out, input);
                    assert_product((&packed.product(&x, rows), kernel.name), &x, wide, (out, input));
                }
            });
        }

        #[test]
        fn a_row_comes_back_as_it_was(out in 1usize..120, input in 1usize..70, seed: u32) {
            in_all_formats(&floats(out * input, seed.into()), |narrow, wide| {
                for kernel in kernels() {
                    let packed = PackedMatrix::pack_for(kernel, narrow, out, input);
                    for (row, expected) in wide.chunks_exact(input).enumerate() {
                        let mut copied = vec![0f32; input];
                        packed.copy_row(row, &mut copied);
                        assert_eq!(copied, expected, "{}", kernel.name);
                    }
                }
            });
        }
    }

    #[test]
    fn many_rows_and_columns_are_split_into_tasks() {
        let (rows, out, input) = (900, 1000, 10);
        let (x, weight) = (floats(rows * input, 1), floats(out * input, 2));
        for kernel in kernels() {
            let packed = PackedMatrix::pack_for(kernel, Floats::F32(&weight), out, input);
            let product = packed.product(&x, rows);
            assert_product((&product, kernel.name), &x, &weight, (out, input));
        }
    }

    #[test]
    fn nothing_times_anything_is_nothing() {
        let none = Floats::F32(&[]);
        assert!(
            PackedMatrix::pack(none, 0, 5)
                .product(&floats(15, 0), 3)
                .is_empty()
        );
        assert_eq!(PackedMatrix::pack(none, 3, 0).product(&[], 2), [0.0; 6]);
        let some = floats(20, 0);
        assert!(
            PackedMatrix::pack(Floats::F32(&some), 4, 5)
                .product(&[], 0)
                .is_empty()
        );
    }
}
