//! The matrix product of linear layers on the CPU: weights packed once at load for the processor's widest registers.
//!
//! The scheme is the one of Goto and van de Geijn (“Anatomy of High-Performance Matrix Multiplication”, 2008): weights
//! stand in panels of a few columns, inputs in strips of a few rows, and a kernel that keeps one tile of the result
//! in registers walks both.
//!
//! Here stands all unsafe code of the numbers: kernels for the registers of a processor, chosen while running, and the memory
//! they share.

mod attention;
mod buffer;
mod float;
mod int8;
mod portable;
mod target;
mod vectorized;
#[cfg(target_arch = "x86_64")]
mod x86;
#[cfg(target_arch = "x86_64")]
mod x86_int8;

pub use attention::{AttentionSizes, attention};
pub use buffer::keep_freed_memory;
use float::FloatMatrix;
pub use float::Floats;
use int8::Int8Matrix;
use target::{Threads, filled};
pub use vectorized::{Loop, vectorized};

/// The largest tile of any kernel, in floats.
const MAX_TILE: usize = 8 * 48;

/// A matrix `(out, in)` of weights, packed.
pub struct PackedMatrix {
    out: usize,
    input: usize,
    weights: Weights,
}

enum Weights {
    Float(FloatMatrix),
    Int8(Int8Matrix),
}

impl std::fmt::Debug for PackedMatrix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, name) = match &self.weights {
            Weights::Float(weights) => ("floats", weights.name()),
            Weights::Int8(weights) => ("q8_0", weights.name()),
        };
        write!(
            f,
            "PackedMatrix({}×{}, {kind}, {name})",
            self.out, self.input
        )
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

/// The fastest kernel of this processor for Q8_0.
fn int8_kernel() -> int8::Kernel {
    #[cfg(target_arch = "x86_64")]
    if let Some(kernel) = x86_int8::all().next() {
        return kernel;
    }
    portable::INT8
}

/// Does work on one of the threads that share the products. Its parallel steps, of which a pass has hundreds, then begin at
/// once; another thread would have to be put to sleep and woken for each.
pub fn on_own_threads<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    rayon::scope(|_| work())
}

impl PackedMatrix {
    /// Packs `weight`, row-major `(out, in)`, for this processor, in the format it comes in.
    pub fn pack(weight: Floats, out: usize, input: usize) -> Self {
        Self::pack_for(float_kernel(), weight, out, input)
    }

    /// Packs `weight`, row-major `(out, in)`, for this processor, rounded to Q8_0.
    pub fn quantize(weight: &[f32], out: usize, input: usize) -> Self {
        Self::quantize_for(int8_kernel(), weight, out, input)
    }

    fn pack_for(kernel: float::Kernel, weight: Floats, out: usize, input: usize) -> Self {
        assert_eq!(weight.len(), out * input, "weights of {out}×{input}");
        Self {
            out,
            input,
            weights: Weights::Float(FloatMatrix::pack(kernel, weight, out, input)),
        }
    }

    fn quantize_for(kernel: int8::Kernel, weight: &[f32], out: usize, input: usize) -> Self {
        assert_eq!(weight.len(), out * input, "weights of {out}×{input}");
        Self {
            out,
            input,
            weights: Weights::Int8(Int8Matrix::quantize(kernel, weight, out, input)),
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

    /// Copies one row of the matrix (an embedding), as f32, to `into`, of the input's size.
    pub fn copy_row(&self, row: usize, into: &mut [f32]) {
        assert!(row < self.out && into.len() == self.input);
        match &self.weights {
            Weights::Float(weights) => weights.copy_row(row, into),
            Weights::Int8(weights) => weights.copy_row(row, into),
        }
    }

    /// `x (rows, in)` · `selfᵀ` + `bias (out)` → `(rows, out)`, row-major.
    pub fn product(&self, x: &[f32], rows: usize, bias: Option<&[f32]>) -> Vec<f32> {
        assert_eq!(x.len(), rows * self.input, "{rows} rows of {}", self.input);
        if rows * self.out * self.input == 0 {
            let row = bias.map_or_else(|| vec![0.0; self.out], <[f32]>::to_vec);
            return row.repeat(rows);
        }
        // SAFETY: both write every place of the product.
        #[allow(unsafe_code)]
        unsafe {
            filled(rows * self.out, |product| match &self.weights {
                Weights::Float(weights) => weights.product(x, bias, Threads::All, product),
                Weights::Int8(weights) => weights.product(x, bias, product),
            })
        }
    }
}

#[cfg(test)]
mod tests;
