//! Products of f32 rows with weights that are kept in 16 bits, on the CPU.
//!
//! The weights are widened as they are used, on all threads: candle's conversion uses one, and its product in f16 rounds
//! every sum to f16.

use candle_core::{CpuStorage, CustomOp1, CustomOp2, D, Layout, Result, Shape, Tensor, bail};
use half::slice::HalfFloatSliceExt;
use rayon::prelude::*;

/// How many weights are widened at a time: 128 MiB of f32.
const BLOCK: usize = 1 << 25;

/// Up to so many rows, each weight is widened in the cache and used at once; beyond, a block of them is written out
/// for the faster product.
const FEW_ROWS: usize = 4;

/// How many rows of weights a thread takes at a time.
const WEIGHT_ROWS: usize = 64;

/// `rows (n, in)` f32, contiguous, times the transpose of `weight (out, in)` f16 or bf16: `(n, out)` f32.
pub fn matmul_narrow(rows: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let n = rows.dim(0)?;
    if n <= FEW_ROWS {
        return rows.apply_op2_no_bwd(weight, &FewRows)?.t()?.contiguous(); // (n, out)
    }
    let (out, input) = weight.dims2()?;
    let block = (BLOCK / input.max(1)).max(1);
    let blocks = (0..out)
        .step_by(block)
        .map(|start| {
            let part = weight.narrow(0, start, block.min(out - start))?; // (block, in)
            rows.matmul(&part.apply_op1_no_bwd(&Widen)?.t()?) // (n, block)
        })
        .collect::<Result<Vec<_>>>()?;
    match blocks.as_slice() {
        [only] => Ok(only.clone()),
        blocks => Tensor::cat(blocks, D::Minus1),
    }
}

/// 16-bit floats to f32.
struct Widen;

impl CustomOp1 for Widen {
    fn name(&self) -> &'static str {
        "widen"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let narrow = Narrow::of(storage, layout)?;
        let mut wide = vec![0f32; layout.shape().elem_count()];
        let piece = 1 << 16;
        wide.par_chunks_mut(piece)
            .enumerate()
            .for_each(|(i, wide)| narrow.widen(i * piece, wide));
        Ok((CpuStorage::F32(wide), layout.shape().clone()))
    }
}

/// A few rows of f32 times 16-bit weights `(out, in)`: `(out, rows)`.
struct FewRows;

impl CustomOp2 for FewRows {
    fn name(&self) -> &'static str {
        "few_rows"
    }

    fn cpu_fwd(
        &self,
        rows: &CpuStorage,
        rows_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (n, input) = rows_layout.shape().dims2()?;
        let (out, weight_input) = weight_layout.shape().dims2()?;
        let Some((start, end)) = rows_layout.contiguous_offsets() else {
            bail!("contiguous rows were expected");
        };
        let rows = rows.as_slice::<f32>()?.get(start..end).unwrap_or_default();
        if input != weight_input || input == 0 || n == 0 {
            bail!("{n} rows of {input} values for weights of {weight_input}");
        }
        let weight = Narrow::of(weight, weight_layout)?;
        let mut products = vec![0f32; out * n];
        products
            .par_chunks_mut(WEIGHT_ROWS * n)
            .enumerate()
            .for_each_init(
                || vec![0f32; input],
                |wide, (i, products)| {
                    for (j, products) in products.chunks_mut(n).enumerate() {
                        weight.widen((i * WEIGHT_ROWS + j) * input, wide);
                        for (product, row) in products.iter_mut().zip(rows.chunks(input)) {
                            *product = dot(wide, row);
                        }
                    }
                },
            );
        Ok((CpuStorage::F32(products), (out, n).into()))
    }
}

/// Values in either 16-bit format.
#[derive(Clone, Copy)]
enum Narrow<'a> {
    F16(&'a [half::f16]),
    Bf16(&'a [half::bf16]),
}

impl<'a> Narrow<'a> {
    fn of(storage: &'a CpuStorage, layout: &Layout) -> Result<Self> {
        let values = layout
            .contiguous_offsets()
            .and_then(|(start, end)| match storage {
                CpuStorage::F16(values) => values.get(start..end).map(Self::F16),
                CpuStorage::BF16(values) => values.get(start..end).map(Self::Bf16),
                _ => None,
            });
        match values {
            Some(values) => Ok(values),
            None => bail!("contiguous 16-bit floats were expected"),
        }
    }

    /// Fills `wide` with the values from `start`.
    fn widen(self, start: usize, wide: &mut [f32]) {
        let range = start..start + wide.len();
        match self {
            Self::F16(values) => values
                .get(range)
                .unwrap_or_default()
                .convert_to_f32_slice(wide),
            Self::Bf16(values) => values
                .get(range)
                .unwrap_or_default()
                .convert_to_f32_slice(wide),
        }
    }
}

/// Σ a·b in sixteen sums side by side, which the compiler turns into vector instructions.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_chunks, a_rest) = a.as_chunks::<16>();
    let (b_chunks, b_rest) = b.as_chunks::<16>();
    let mut sums = [0f32; 16];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn narrow_weights_give_the_product_of_their_widened_values() {
        let ramp = |shape: (usize, usize), step: usize| {
            let n = shape.0 * shape.1;
            let values: Vec<f32> = (0..n)
                .map(|i| ((i * step % 97) as f32 - 48.0) / 31.0)
                .collect();
            Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
        };
        for dtype in [DType::F16, DType::BF16] {
            let weight = ramp((131, 37), 29).to_dtype(dtype).unwrap();
            for n in [1, 3, FEW_ROWS, FEW_ROWS + 1, 40] {
                let rows = ramp((n, 37), 13);
                let wide = weight.to_dtype(DType::F32).unwrap();
                let expected = rows.matmul(&wide.t().unwrap()).unwrap();
                let got = matmul_narrow(&rows, &weight).unwrap();
                assert_eq!(got.dims(), expected.dims());
                let far = (got - expected).unwrap().abs().unwrap().max_all().unwrap();
                assert!(
                    far.to_scalar::<f32>().unwrap() < 1e-4,
                    "{n} rows of {dtype:?}"
                );
            }
        }
    }
}
