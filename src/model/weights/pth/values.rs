//! The values that a pickle of tensors is made of.

use safetensors::Dtype;

use super::PthError;

/// A tensor as the index describes it.
#[derive(Debug, PartialEq, Eq)]
pub struct StoredTensor {
    /// Its name in the dictionary.
    pub name: String,
    /// Its shape; its values lie row by row.
    pub shape: Vec<usize>,
    /// The format of its values.
    pub dtype: Dtype,
    /// The name of the storage that its values are in.
    pub storage: String,
    /// Its first value's place in the storage.
    pub first: u64,
}

/// A place in the list of values.
pub type Ref = usize;

#[derive(Debug)]
pub enum Value {
    Nothing,
    Bool,
    Int(i64),
    Float,
    Text(String),
    Tuple(Vec<Ref>),
    List,
    Dict(Vec<(Ref, Ref)>),
    Function(Function),
    Storage { dtype: Dtype, name: String },
    Tensor(Tensor),
}

/// A function or class that is known by name.
#[derive(Clone, Copy, Debug)]
pub enum Function {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    StorageOf(Dtype),
}

#[derive(Clone, Debug)]
pub struct Tensor {
    /// The storage that its values are in.
    pub storage: Ref,
    /// Its first value's place in the storage.
    pub first: u64,
    /// Its shape.
    pub shape: Vec<usize>,
    /// How many values lie between two neighbours along each dimension.
    pub strides: Vec<usize>,
}

impl Function {
    /// The function of this name.
    ///
    /// # Errors
    /// Any other name: it is refused.
    pub fn named(module: &str, name: &str) -> Result<Self, PthError> {
        let dtype = match (module, name) {
            ("collections", "OrderedDict") => return Ok(Self::OrderedDict),
            ("torch._utils", "_rebuild_tensor_v2") => return Ok(Self::RebuildTensor),
            ("torch._utils", "_rebuild_parameter") => return Ok(Self::RebuildParameter),
            ("torch", "FloatStorage") => Dtype::F32,
            ("torch", "HalfStorage") => Dtype::F16,
            ("torch", "BFloat16Storage") => Dtype::BF16,
            ("torch", "DoubleStorage") => Dtype::F64,
            ("torch", "LongStorage") => Dtype::I64,
            ("torch", "IntStorage") => Dtype::I32,
            ("torch", "ShortStorage") => Dtype::I16,
            ("torch", "CharStorage") => Dtype::I8,
            ("torch", "ByteStorage") => Dtype::U8,
            ("torch", "BoolStorage") => Dtype::BOOL,
            _ => return Err(PthError::Forbidden(format!("{module}.{name}"))),
        };
        Ok(Self::StorageOf(dtype))
    }
}

impl Value {
    /// What it is, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Nothing => "None",
            Self::Bool => "a truth value",
            Self::Int(_) | Self::Float => "a number",
            Self::Text(_) => "a text",
            Self::Tuple(_) | Self::List => "a list",
            Self::Dict(_) => "a dictionary",
            Self::Function(_) => "a function",
            Self::Storage { .. } => "a storage",
            Self::Tensor(_) => "a tensor",
        }
    }
}

/// Whether values lie row by row without gaps. Where a side is 1, its stride says nothing.
pub fn is_row_by_row(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1usize;
    let sides = shape.iter().zip(strides).rev();
    shape.len() == strides.len()
        && (shape.contains(&0)
            || sides.into_iter().all(|(side, stride)| {
                let fits = *side == 1 || *stride == expected;
                expected = expected.saturating_mul(*side);
                fits
            }))
}
