//! BERT, as candle-transformers has it. Devlin et al. 2018, <https://arxiv.org/abs/1810.04805>.

use std::collections::HashMap;

use candle_core::{DType, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};

use crate::model::{ModelError, weights::Weights};

/// BERT without its pooler.
pub struct TextEncoder {
    bert: BertModel,
    vocab_size: usize,
    compute: DType,
}

impl TextEncoder {
    /// Loads the encoder, whose outcome is in `compute`. It computes in f32 on every device: its mask is made of the least f32,
    /// which is −∞ in 16 bits, and 0 · −∞ is no number.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    pub fn load(weights: &Weights, config: &Config, compute: DType) -> Result<Self, ModelError> {
        let mut tensors = HashMap::new();
        for (name, shape) in shapes(config) {
            let tensor = weights.tensor(&name, &shape)?.to_dtype(DType::F32)?;
            tensors.insert(name, tensor);
        }
        let tensors = VarBuilder::from_tensors(tensors, DType::F32, weights.device());
        Ok(Self {
            bert: BertModel::load(tensors, config)?,
            vocab_size: config.vocab_size,
            compute,
        })
    }

    /// What BERT makes of the first token of each text, `(batch, hidden)`.
    ///
    /// The texts need not be of one length. The reference fills all of them up and masks what it filled in, which then
    /// counts for exactly nothing; so only the longest text's length is computed.
    ///
    /// # Errors
    /// A text without tokens, or a token beyond the vocabulary.
    pub fn forward(&self, texts: &[&[u32]]) -> Result<Tensor, ModelError> {
        let longest = texts.iter().map(|ids| ids.len()).max().unwrap_or(0);
        let fits = |id: &u32| (*id as usize) < self.vocab_size;
        if texts
            .iter()
            .any(|ids| ids.is_empty() || !ids.iter().all(fits))
        {
            return Err(ModelError::Input(format!(
                "a text without tokens, or a token beyond the vocabulary of {}",
                self.vocab_size
            )));
        }
        let filled = |of: fn(u32) -> u32| -> Vec<u32> {
            let row = |ids: &&[u32]| {
                let given: Vec<u32> = ids.iter().map(|id| of(*id)).collect();
                given
                    .into_iter()
                    .chain(std::iter::repeat_n(0, longest - ids.len()))
            };
            texts.iter().flat_map(row).collect()
        };
        let shape = (texts.len(), longest);
        let device = &self.bert.device;
        let input_ids = Tensor::from_vec(filled(|id| id), shape, device)?;
        let attention_mask = Tensor::from_vec(filled(|_| 1), shape, device)?;
        let token_type_ids = input_ids.zeros_like()?;
        let hidden = self
            .bert
            .forward(&input_ids, &token_type_ids, Some(&attention_mask))?; // (batch, longest, hidden)
        let first = hidden.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?;
        Ok(first.to_dtype(self.compute)?)
    }
}

/// Every tensor that the encoder has, and its shape.
fn shapes(config: &Config) -> Vec<(String, Vec<usize>)> {
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    let table = |name: &str, rows| (format!("embeddings.{name}.weight"), vec![rows, hidden]);
    let norm =
        |part: String| ["weight", "bias"].map(|kind| (format!("{part}.{kind}"), vec![hidden]));
    let mut shapes = vec![
        table("word_embeddings", config.vocab_size),
        table("position_embeddings", config.max_position_embeddings),
        table("token_type_embeddings", config.type_vocab_size),
    ];
    shapes.extend(norm("embeddings.LayerNorm".to_owned()));
    for number in 0..config.num_hidden_layers {
        let layer = format!("encoder.layer.{number}");
        for (part, out, input) in [
            ("attention.self.query", hidden, hidden),
            ("attention.self.key", hidden, hidden),
            ("attention.self.value", hidden, hidden),
            ("attention.output.dense", hidden, hidden),
            ("intermediate.dense", inner, hidden),
            ("output.dense", hidden, inner),
        ] {
            shapes.push((format!("{layer}.{part}.weight"), vec![out, input]));
            shapes.push((format!("{layer}.{part}.bias"), vec![out]));
        }
        shapes.extend(norm(format!("{layer}.attention.output.LayerNorm")));
        shapes.extend(norm(format!("{layer}.output.LayerNorm")));
    }
    shapes
}
