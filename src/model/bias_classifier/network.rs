//! The network: two encoders, their projections, the fusion and the logit.

use std::path::Path;

use candle_core::{D, DType, Device, Tensor};

use super::{
    config::{Config, Fusion},
    processor::without_filling,
    resnet::ImageEncoder,
    text_encoder::TextEncoder,
};
use crate::model::{Classifier, ModelError, ModelInput, layers::Linear, weights::Weights};

/// The bias classifier with its weights.
pub struct BiasClassifier {
    text_encoder: TextEncoder,
    text_projection: Linear,
    image_encoder: ImageEncoder,
    image_projection: Linear,
    fusion_layer: Linear,
    classifier: Linear,
    fusion: Fusion,
    image_size: usize,
    device: Device,
    compute: DType,
}

/// What the two encoders say of a batch, each `(batch, projection)`.
pub struct Projections {
    /// Of the texts.
    pub text: Tensor,
    /// Of the images.
    pub image: Tensor,
}

impl BiasClassifier {
    /// Loads the network of a folder; it computes in `compute`.
    ///
    /// # Errors
    /// A setting that is not supported, an encoder whose configuration is nowhere, a tensor that is missing or of
    /// another shape.
    pub fn load(folder: &Path, weights: &Weights, compute: DType) -> Result<Self, ModelError> {
        let config = Config::load(folder)?;
        let bert = config.text_encoder(folder)?;
        let resnet = config.image_encoder(folder)?;
        let projection = config.projection_dim;
        let fused = match config.fusion_method {
            Fusion::Concat => 2 * projection,
            Fusion::Align | Fusion::CosineSimilarity => projection,
        };
        let linear = |name: &str, input, out| {
            let part = name
                .split('.')
                .fold(weights.clone(), |part, name| part.pp(name));
            Linear::load_with_bias(&part, input, out, compute)
        };
        Ok(Self {
            text_encoder: TextEncoder::load(&weights.pp("text_encoder"), &bert, compute)?,
            text_projection: linear("text_projection.0", bert.hidden_size, projection)?,
            image_encoder: ImageEncoder::load(&weights.pp("image_encoder"), &resnet, compute)?,
            image_projection: linear("image_projection.0", resnet.channels(), projection)?,
            fusion_layer: linear("fusion_layer.1", fused, projection)?,
            classifier: linear("classifier", projection, 1)?,
            fusion: config.fusion_method,
            image_size: config.image_size as usize,
            device: weights.device().clone(),
            compute,
        })
    }

    /// What the encoders say of each post.
    ///
    /// # Errors
    /// A post without image, or with one of another size.
    pub fn project(&self, batch: &[&ModelInput]) -> Result<Projections, ModelError> {
        let texts: Vec<&[u32]> = batch
            .iter()
            .map(|input| without_filling(&input.input_ids))
            .collect();
        let text = self.text_encoder.forward(&texts)?; // (batch, hidden)
        let image = self.image_encoder.forward(&self.pixel_values(batch)?)?; // (batch, channels)
        Ok(Projections {
            text: self.text_projection.forward(&text)?,
            image: self.image_projection.forward(&image)?,
        })
    }

    /// `(batch, 3, image_size, image_size)`.
    fn pixel_values(&self, batch: &[&ModelInput]) -> Result<Tensor, ModelError> {
        let expected = [1, 3, self.image_size, self.image_size];
        let mut values = Vec::with_capacity(batch.len() * expected.iter().product::<usize>());
        for input in batch {
            let pixels = input.pixel_values.as_ref().ok_or(ModelError::NeedsImage)?;
            if pixels.shape != expected || pixels.values.len() != expected.iter().product::<usize>()
            {
                return Err(ModelError::Input(format!(
                    "pixel values of shape {:?}, where {expected:?} is expected",
                    pixels.shape
                )));
            }
            values.extend_from_slice(&pixels.values);
        }
        let shape = (batch.len(), 3, self.image_size, self.image_size);
        Ok(Tensor::from_vec(values, shape, &self.device)?.to_dtype(self.compute)?)
    }
}

impl Classifier for BiasClassifier {
    fn logits(&mut self, batch: &[&ModelInput]) -> Result<Tensor, ModelError> {
        let Projections { text, image } = self.project(batch)?;
        let fused = match self.fusion {
            Fusion::Concat => Tensor::cat(&[&text, &image], D::Minus1)?,
            Fusion::Align | Fusion::CosineSimilarity => (&text * &image)?,
        };
        let fused = self.fusion_layer.forward(&fused)?.gelu_erf()?; // (batch, projection)
        Ok(self.classifier.forward(&fused)?.to_dtype(DType::F32)?) // (batch, 1)
    }

    fn device(&self) -> &Device {
        &self.device
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::{
        image,
        model::{
            Processor, PromptStyle,
            bias_classifier::BiasProcessor,
            device::WeightFormat,
            weights::{Checkpoint, WeightSource},
        },
        post::LabelNames,
    };

    #[derive(Deserialize)]
    struct Row {
        text: String,
        image_path: String,
        text_projection: Vec<f32>,
        image_projection: Vec<f32>,
    }

    #[test]
    fn projections_are_those_of_the_reference() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        for fusion in ["concat", "align"] {
            let folder = fixtures.join("bias_classifier").join(fusion);
            let checkpoint = Checkpoint::open(&folder).unwrap();
            let mut progress = |_| true;
            let cpu = Device::Cpu;
            let source = WeightSource::new(
                &checkpoint,
                None,
                &cpu,
                WeightFormat::Float(DType::F32),
                &mut progress,
            );
            let network = BiasClassifier::load(&folder, &source.root(), DType::F32).unwrap();
            let processor = BiasProcessor::load(&folder).unwrap();
            let rows = std::fs::read_to_string(folder.join("expected.jsonl")).unwrap();
            for line in rows.lines() {
                let row: Row = serde_json::from_str(line).unwrap();
                let image = fixtures.join("posts").join(&row.image_path);
                let image = image::decode_file(&image).unwrap();
                let (style, labels) = (PromptStyle::Trained, LabelNames::none());
                let input = processor
                    .prepare(&row.text, Some(&image), style, &labels)
                    .unwrap();
                let got = network.project(&[&input]).unwrap();
                for (got, expected) in [
                    (got.text, row.text_projection),
                    (got.image, row.image_projection),
                ] {
                    let got = got.to_vec2::<f32>().unwrap().remove(0);
                    assert_eq!(got.len(), expected.len());
                    for (got, expected) in got.iter().zip(expected) {
                        assert!((got - expected).abs() < 2e-5, "{fusion}: {got} {expected}");
                    }
                }
            }
        }
    }
}
