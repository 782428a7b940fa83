//! Linear layers and embeddings: the matrices that nearly all weights are in.

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Storage, Tensor};

use super::storage::values;
use crate::model::{
    ModelError,
    matmul::{Floats, PackedMatrix},
    weights::Weights,
};

/// How many rows of a matrix are widened to f32 at a time.
const WIDENED: usize = 1 << 15;

/// A matrix `(out, in)`.
///
/// On the CPU it is packed for the processor's widest registers, and not kept in any other way; inputs and products are f32,
/// whatever the weights are kept as. Elsewhere it has the format of the inputs.
#[derive(Clone, Debug)]
enum Matrix {
    Plain(Tensor),
    Packed(Arc<PackedMatrix>),
}

impl Matrix {
    /// A matrix `(out, in)`, kept in its format; on the CPU rounded to Q8_0 if `quantized` says so.
    fn new(weight: Tensor, quantized: bool) -> Result<Self> {
        if !weight.device().is_cpu() {
            return Ok(Self::Plain(weight));
        }
        let (out, input) = weight.dims2()?;
        let weight = weight.contiguous()?;
        let (storage, layout) = weight.storage_and_layout();
        let values = match (&*storage, layout.contiguous_offsets()) {
            (Storage::Cpu(CpuStorage::F32(v)), Some((start, end))) => Floats::F32(&v[start..end]),
            (Storage::Cpu(CpuStorage::BF16(v)), Some((start, end))) => Floats::Bf16(&v[start..end]),
            (Storage::Cpu(CpuStorage::F16(v)), Some((start, end))) => Floats::F16(&v[start..end]),
            _ => candle_core::bail!("weights in {:?} cannot be packed", weight.dtype()),
        };
        let packed = match values {
            Floats::F32(values) if quantized => PackedMatrix::quantize(values, out, input),
            values => PackedMatrix::pack(values, out, input),
        };
        Ok(Self::Packed(Arc::new(packed)))
    }

    /// (out, in)
    fn dims2(&self) -> Result<(usize, usize)> {
        match self {
            Self::Plain(weight) => weight.dims2(),
            Self::Packed(packed) => Ok((packed.out(), packed.input())),
        }
    }

    /// `(rows, in)` → `(rows, out)`, plus `bias (out)`.
    fn product(&self, rows: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        match (self, bias) {
            (Self::Packed(matrix), bias) => rows
                .contiguous()?
                .apply_op1_no_bwd(&Product { matrix, bias }),
            (Self::Plain(weight), Some(bias)) => rows.matmul(&weight.t()?)?.broadcast_add(bias),
            (Self::Plain(weight), None) => rows.matmul(&weight.t()?),
        }
    }

    /// The same with `rows`, `bias` and product in f32. Weights are widened some at a time.
    fn product_f32(&self, rows: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let weight = match self {
            Self::Plain(weight) if weight.dtype() != DType::F32 => weight,
            _ => return self.product(rows, bias),
        };
        let out = weight.dim(0)?;
        let part = |from: usize| {
            let weight = weight.narrow(0, from, WIDENED.min(out - from))?;
            rows.matmul(&weight.to_dtype(DType::F32)?.t()?)
        };
        let parts: Result<Vec<Tensor>> = (0..out).step_by(WIDENED).map(part).collect();
        let product = Tensor::cat(&parts?, 1)?;
        match bias {
            Some(bias) => product.broadcast_add(bias),
            None => Ok(product),
        }
    }

    /// The rows of these numbers: `ids (n)` u32 → `(n, in)`.
    fn rows(&self, ids: &Tensor) -> Result<Tensor> {
        match self {
            Self::Plain(weight) => weight.index_select(ids, 0),
            Self::Packed(packed) => {
                let ids = ids.to_vec1::<u32>()?;
                let mut rows = vec![0f32; ids.len() * packed.input()];
                for (id, row) in ids.iter().zip(rows.chunks_exact_mut(packed.input().max(1))) {
                    if *id as usize >= packed.out() {
                        candle_core::bail!(
                            "token {id} is not among the {} of the embedding",
                            packed.out()
                        );
                    }
                    packed.copy_row(*id as usize, row);
                }
                Tensor::from_vec(rows, (ids.len(), packed.input()), &candle_core::Device::Cpu)
            }
        }
    }
}

/// The packed product as an operation on tensors.
struct Product<'a> {
    matrix: &'a PackedMatrix,
    bias: Option<&'a Tensor>,
}

impl CustomOp1 for Product<'_> {
    fn name(&self) -> &'static str {
        "packed-product"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, input) = layout.shape().dims2()?;
        let out = self.matrix.out();
        if input != self.matrix.input() {
            candle_core::bail!(
                "rows of {input} for a matrix of {out}×{}",
                self.matrix.input()
            );
        }
        let x = values(storage, layout)?;
        let bias = self.bias.map(Tensor::storage_and_layout);
        let bias = match &bias {
            Some((storage, layout)) => match &**storage {
                Storage::Cpu(storage) => Some(values(storage, layout)?),
                _ => candle_core::bail!("a bias on another device"),
            },
            None => None,
        };
        if bias.is_some_and(|bias| bias.len() != out) {
            candle_core::bail!("a bias of another size than {out}");
        }
        let product = self.matrix.product(x, rows, bias);
        Ok((CpuStorage::F32(product), (rows, out).into()))
    }
}

/// y = x·Wᵀ + b.
#[derive(Clone, Debug)]
pub struct Linear {
    /// (out, in)
    weight: Matrix,
    /// (out), in the format of the inputs
    bias: Option<Tensor>,
}

impl Linear {
    /// A layer without bias.
    pub fn load(
        weights: &Weights,
        input: usize,
        out: usize,
    ) -> std::result::Result<Self, ModelError> {
        let weight = weights.linear(out, input)?;
        Ok(Self {
            weight: Matrix::new(weight, weights.quantized())?,
            bias: None,
        })
    }

    /// A layer with a bias.
    pub fn load_with_bias(
        weights: &Weights,
        input: usize,
        out: usize,
        compute: DType,
    ) -> std::result::Result<Self, ModelError> {
        let bias = weights.tensor("bias", &[out])?.to_dtype(compute)?;
        Ok(Self::load(weights, input, out)?.with_bias(bias))
    }

    /// A layer without bias over a matrix `(out, in)`, which is kept in its format.
    pub fn new(weight: Tensor) -> Result<Self> {
        Ok(Self {
            weight: Matrix::new(weight, false)?,
            bias: None,
        })
    }

    /// The same with a bias `(out)`, in the format of the inputs.
    #[must_use]
    pub fn with_bias(self, bias: Tensor) -> Self {
        Self {
            bias: Some(bias),
            ..self
        }
    }

    /// `(…, in)` → `(…, out)`.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.over_rows(x, |rows| self.weight.product(rows, self.bias.as_ref()))
    }

    /// The same in f32, whatever the weights are kept as. Of 16 bits a logit of 20 has steps of an eighth left: the best two would
    /// often be equal.
    pub fn forward_f32(&self, x: &Tensor) -> Result<Tensor> {
        let bias = self.bias.as_ref().map(|bias| bias.to_dtype(DType::F32));
        let bias = bias.transpose()?;
        self.over_rows(x, |rows| {
            let rows = rows.to_dtype(DType::F32)?;
            self.weight.product_f32(&rows, bias.as_ref())
        })
    }

    fn over_rows(
        &self,
        x: &Tensor,
        product: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let (out, input) = self.weight.dims2()?;
        let y = product(&x.reshape(((), input))?)?; // (rows, out)
        let mut shape = x.dims().to_vec();
        if let Some(last) = shape.last_mut() {
            *last = out;
        }
        y.reshape(shape)
    }
}

/// A table of vectors, one a token.
#[derive(Clone, Debug)]
pub struct Embedding {
    /// (vocab, hidden)
    weight: Matrix,
}

impl Embedding {
    /// The table `weight` of a checkpoint.
    pub fn load(
        weights: &Weights,
        vocab: usize,
        hidden: usize,
    ) -> std::result::Result<Self, ModelError> {
        let table = weights.tensor("weight", &[vocab, hidden])?;
        let weight = Matrix::new(table, weights.quantized())?;
        Ok(Self { weight })
    }

    /// `input_ids (…)` u32 → `(…, hidden)`: f32 on the CPU, elsewhere in the format of the table.
    pub fn forward(&self, input_ids: &Tensor) -> Result<Tensor> {
        let mut shape = input_ids.dims().to_vec();
        shape.push(self.weight.dims2()?.1);
        self.weight.rows(&input_ids.flatten_all()?)?.reshape(shape)
    }

    /// The output layer tied to this table; both share the weights.
    pub fn head(&self) -> Linear {
        Linear {
            weight: self.weight.clone(),
            bias: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::layers::tests::{assert_near, ramp};

    #[test]
    fn a_product_in_f32_is_that_of_the_widened_weights() {
        let out = WIDENED + 3;
        let weight = ramp(&[out, 2]).to_dtype(DType::BF16).unwrap();
        let widened = weight.to_dtype(DType::F32).unwrap();
        let (x, bias) = (ramp(&[2, 3, 2]), ramp(&[out]));
        let linear = |weight| Linear {
            weight: Matrix::Plain(weight),
            bias: Some(bias.clone()),
        };
        let got = linear(weight).forward_f32(&x).unwrap();
        assert_eq!((got.dims(), got.dtype()), (&[2, 3, out][..], DType::F32));
        assert_near(&got, &linear(widened).forward(&x).unwrap(), 1e-6);
    }
}
