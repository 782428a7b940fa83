//! Keys and values of the tokens so far.

use candle_core::{Result, Tensor};

/// How many tokens a cache grows by when it is full: answers rarely need a second step.
const GROWTH: usize = 64;

/// The keys and values of one layer, in buffers with room to spare: appending copies the new ones alone.
#[derive(Debug, Default)]
pub struct KvCache {
    /// Keys and values, (batch, key_value_heads, capacity, head_dim) each.
    buffers: Option<(Tensor, Tensor)>,
    len: usize,
}

impl KvCache {
    /// Appends keys and values `(batch, key_value_heads, new, head_dim)`, and gives all so far,
    /// `(batch, key_value_heads, len, head_dim)`, as views.
    pub fn append(&mut self, keys: &Tensor, values: &Tensor) -> Result<(Tensor, Tensor)> {
        let (batch, heads, new, head_dim) = keys.dims4()?;
        let len = self.len + new;
        let (all_keys, all_values) = match self.buffers.take() {
            Some((k, v)) if k.dim(2)? >= len => (k, v),
            old => {
                let shape = (batch, heads, len + GROWTH, head_dim);
                let grown_keys = Tensor::zeros(shape, keys.dtype(), keys.device())?;
                let grown_values = Tensor::zeros(shape, values.dtype(), values.device())?;
                if let Some((k, v)) = old.filter(|_| self.len > 0) {
                    grown_keys.slice_set(&k.narrow(2, 0, self.len)?.contiguous()?, 2, 0)?;
                    grown_values.slice_set(&v.narrow(2, 0, self.len)?.contiguous()?, 2, 0)?;
                }
                (grown_keys, grown_values)
            }
        };
        all_keys.slice_set(&keys.contiguous()?, 2, self.len)?;
        all_values.slice_set(&values.contiguous()?, 2, self.len)?;
        self.len = len;
        let views = (all_keys.narrow(2, 0, len)?, all_values.narrow(2, 0, len)?);
        self.buffers = Some((all_keys, all_values));
        Ok(views)
    }

    /// Forgets all but the first `len` tokens; with none left the buffers go, too: the next batch may be of another size.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
        if self.len == 0 {
            self.buffers = None;
        }
    }
}
