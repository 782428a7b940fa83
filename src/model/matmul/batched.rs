//! Products of many small matrices with one another, as attention needs them: each right one is packed for its one use.
#![allow(unsafe_code)]

use rayon::prelude::*;

use super::{
    float::{FloatMatrix, Floats, Kernel},
    float_kernel,
    target::filled,
};

/// How the right matrices stand in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Right {
    /// `(in, out)`, as in a plain product.
    Plain,
    /// `(out, in)`: each is transposed.
    Transposed,
}

/// The sizes of a batch of products `(rows, in) · (in, out)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sizes {
    /// How many products.
    pub batch: usize,
    /// Rows of a left matrix.
    pub rows: usize,
    /// Columns of a left matrix.
    pub input: usize,
    /// Columns of a product.
    pub out: usize,
}

/// `left (batch, rows, in)` times `right`, matrix by matrix: `(batch, rows, out)`, row-major.
pub fn batched_product(left: &[f32], right: &[f32], stand: Right, sizes: Sizes) -> Vec<f32> {
    product_for(float_kernel(), left, right, stand, sizes)
}

pub(super) fn product_for(
    kernel: Kernel,
    left: &[f32],
    right: &[f32],
    stand: Right,
    sizes: Sizes,
) -> Vec<f32> {
    let Sizes {
        batch,
        rows,
        input,
        out,
    } = sizes;
    assert_eq!(
        left.len(),
        batch * rows * input,
        "left matrices of {sizes:?}"
    );
    assert_eq!(
        right.len(),
        batch * input * out,
        "right matrices of {sizes:?}"
    );
    if left.is_empty() || right.is_empty() {
        return vec![0.0; batch * rows * out];
    }
    // SAFETY: there is a left and a right matrix for each product, and each product is written as a whole.
    unsafe {
        filled(batch * rows * out, |products| {
            products
                .par_chunks_mut(rows * out)
                .zip(left.par_chunks(rows * input))
                .zip(right.par_chunks(input * out))
                .for_each(|((product, left), right)| {
                    let packed = match stand {
                        Right::Plain => FloatMatrix::pack_transposed(kernel, right, input, out),
                        Right::Transposed => {
                            FloatMatrix::pack(kernel, Floats::F32(right), out, input)
                        }
                    };
                    packed.product(left, rows, product);
                });
        })
    }
}
