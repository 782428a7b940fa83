//! One name for a tensor, whichever version of transformers wrote it.
//!
//! The same matrix is `language_model.model.layers.0…` in published checkpoints and in adapters of transformers
//! before 4.52, `model.language_model.layers.0…` in adapters since, and each of them with PEFT's
//! `base_model.model.` in front. SigLIP's tower lost its `vision_model.` with transformers 5. Qwen2-VL's and every text
//! model's layers are `model.layers.0…` in checkpoints. SmolVLM calls the parts `text_model` and `vision_model`. Everything
//! is looked up by the newest of the common names, without any of the wrappers' prefixes.

/// The parts that a model is made of, as canonical names begin.
const PARTS: [&str; 8] = [
    "language_model.",
    "text_model.",
    "vision_tower.",
    "vision_model.",
    "visual.",
    "multi_modal_projector.",
    "connector.",
    "lm_head.",
];

/// Older names of a part, and the canonical one.
const RENAMED: [(&str, &str); 9] = [
    ("language_model.model.", "language_model."),
    ("language_model.lm_head.", "lm_head."),
    ("vision_tower.vision_model.", "vision_tower."),
    ("text_model.", "language_model."),
    ("vision_model.", "vision_tower."),
    ("model.embed_tokens.", "language_model.embed_tokens."),
    ("model.layers.", "language_model.layers."),
    ("model.norm.", "language_model.norm."),
    // What the bias classifier's config.json calls its image encoder.
    ("resnet_encoder.", "image_encoder."),
];

/// What the numbered layers of a part are called.
const STACKS: [&str; 3] = [".layers", ".blocks", ".layer"];

/// The canonical name of a tensor or module of a checkpoint or an adapter.
pub fn canonical(name: &str) -> String {
    let name = name.strip_prefix("base_model.model.").unwrap_or(name);
    let name = match name.strip_prefix("model.") {
        Some(rest) if PARTS.iter().any(|part| rest.starts_with(part)) => rest,
        _ => name,
    };
    for (old, new) in RENAMED {
        if let Some(rest) = name.strip_prefix(old) {
            return format!("{new}{rest}");
        }
    }
    name.to_owned()
}

/// The number of the layer that a canonical name belongs to, and the layer's stack (`language_model.layers`).
pub fn layer_of(canonical: &str) -> Option<(&str, usize)> {
    STACKS.iter().find_map(|stack| {
        let end = canonical.find(stack)? + stack.len();
        let rest = canonical.get(end..)?.strip_prefix('.')?;
        let number = rest.split('.').next()?.parse().ok()?;
        Some((canonical.get(..end)?, number))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_generation_of_names_becomes_one() {
        let text = "language_model.layers.3.self_attn.q_proj";
        let vision = "vision_tower.encoder.layers.1.mlp.fc1";
        let table = [
            ("language_model.model.layers.3.self_attn.q_proj", text),
            ("model.language_model.layers.3.self_attn.q_proj", text),
            ("model.language_model.model.layers.3.self_attn.q_proj", text),
            (
                "base_model.model.language_model.model.layers.3.self_attn.q_proj",
                text,
            ),
            (
                "base_model.model.model.language_model.layers.3.self_attn.q_proj",
                text,
            ),
            ("vision_tower.encoder.layers.1.mlp.fc1", vision),
            ("vision_tower.vision_model.encoder.layers.1.mlp.fc1", vision),
            (
                "base_model.model.vision_tower.vision_model.encoder.layers.1.mlp.fc1",
                vision,
            ),
            (
                "base_model.model.model.vision_tower.vision_model.encoder.layers.1.mlp.fc1",
                vision,
            ),
            (
                "base_model.model.model.vision_tower.encoder.layers.1.mlp.fc1",
                vision,
            ),
            (
                "model.multi_modal_projector.linear",
                "multi_modal_projector.linear",
            ),
            (
                "base_model.model.multi_modal_projector.linear",
                "multi_modal_projector.linear",
            ),
            ("language_model.lm_head.weight", "lm_head.weight"),
            ("lm_head.weight", "lm_head.weight"),
            ("model.layers.3.self_attn.q_proj", text),
            ("base_model.model.model.layers.3.self_attn.q_proj", text),
            (
                "model.embed_tokens.weight",
                "language_model.embed_tokens.weight",
            ),
            ("model.norm.weight", "language_model.norm.weight"),
            ("visual.blocks.1.mlp.fc1", "visual.blocks.1.mlp.fc1"),
            ("model.visual.blocks.1.mlp.fc1", "visual.blocks.1.mlp.fc1"),
            (
                "base_model.model.model.visual.merger.mlp.0",
                "visual.merger.mlp.0",
            ),
            ("model.text_model.layers.3.self_attn.q_proj", text),
            (
                "base_model.model.model.text_model.layers.3.self_attn.q_proj",
                text,
            ),
            (
                "base_model.model.text_model.layers.3.self_attn.q_proj",
                text,
            ),
            ("model.vision_model.encoder.layers.1.mlp.fc1", vision),
            (
                "base_model.model.model.vision_model.encoder.layers.1.mlp.fc1",
                vision,
            ),
            (
                "model.connector.modality_projection.proj",
                "connector.modality_projection.proj",
            ),
            ("encoder.layers.0.weight", "encoder.layers.0.weight"),
        ];
        for (given, expected) in table {
            assert_eq!(canonical(given), expected, "{given}");
        }
    }

    #[test]
    fn a_layer_is_found_by_its_number() {
        assert_eq!(
            layer_of("vision_tower.encoder.layers.12.mlp.fc1.bias"),
            Some(("vision_tower.encoder.layers", 12))
        );
        assert_eq!(
            layer_of("visual.blocks.31.norm1.weight"),
            Some(("visual.blocks", 31))
        );
        assert_eq!(
            layer_of("text_encoder.encoder.layer.11.output.dense.bias"),
            Some(("text_encoder.encoder.layer", 11))
        );
        assert_eq!(
            layer_of("image_encoder.encoder.stages.0.layers.2.layer.1.convolution.weight"),
            Some(("image_encoder.encoder.stages.0.layers", 2))
        );
        assert_eq!(layer_of("language_model.norm.weight"), None);
        assert_eq!(layer_of("language_model.layers.x.weight"), None);
    }
}
