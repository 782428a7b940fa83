//! Models that go by a short name.

/// A model with a short name, and the adapter that belongs to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Preset {
    /// What to write for `--model`.
    pub name: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// Where its base is.
    pub base: Place,
    /// Where its adapter is, if it has one.
    pub adapter: Option<Place>,
    /// The sizes of the images that the adapter was trained with, if the network takes any size.
    pub pixels: Option<PixelRange>,
}

/// How many pixels an image may have that a network of free size sees; others are scaled into it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PixelRange {
    /// The fewest.
    pub min: u64,
    /// The most.
    pub max: u64,
}

/// Where a preset's files are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// A folder below the demo model that ships with Overrule.
    Demo(&'static str),
    /// A repository of the Hugging Face Hub.
    Hub(&'static str),
}

/// All presets, in the order in which they are offered.
pub const PRESETS: [Preset; 3] = [
    Preset {
        name: "demo",
        title: "Demo (a toy model that ships with Overrule)",
        base: Place::Demo("base"),
        adapter: Some(Place::Demo("adapter")),
        pixels: None,
    },
    Preset {
        name: "qwen2-vl-2b-mmhs150k",
        title: "Qwen2-VL 2B, fine-tuned on MMHS150K",
        base: Place::Hub("Qwen/Qwen2-VL-2B-Instruct"),
        adapter: Some(Place::Hub("Amirhossein75/qwen2-vl-2b-mmhs150k-lora")),
        pixels: Some(PixelRange {
            min: 64 * 28 * 28,
            max: 256 * 28 * 28,
        }),
    },
    Preset {
        name: "paligemma2-3b-mmhs150k",
        title: "PaliGemma 2 3B, fine-tuned on MMHS150K",
        base: Place::Hub("google/paligemma2-3b-pt-224"),
        adapter: Some(Place::Hub("Amirhossein75/paligemma2-3b-mmhs150k-lora")),
        pixels: None,
    },
];

/// The preset of this name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// The sizes of images for a model, if a preset knows: by the preset's name, or by the adapter that it belongs to.
pub fn pixels_for(model: &str, adapter: Option<&str>) -> Option<PixelRange> {
    let belongs = |preset: &&Preset| match preset.adapter {
        _ if preset.name == model => true,
        Some(Place::Hub(id)) => adapter == Some(id),
        _ => false,
    };
    PRESETS.iter().find(belongs)?.pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapter_sees_images_of_the_sizes_it_was_trained_with() {
        let trained = Some(PixelRange {
            min: 50_176,
            max: 200_704,
        });
        let (base, adapter) = (
            "Qwen/Qwen2-VL-2B-Instruct",
            "Amirhossein75/qwen2-vl-2b-mmhs150k-lora",
        );
        for (model, adapter, expected) in [
            ("qwen2-vl-2b-mmhs150k", Some(adapter), trained),
            ("qwen2-vl-2b-mmhs150k", None, trained),
            (adapter, Some(adapter), trained),
            (base, Some(adapter), trained),
            (base, None, None),
            ("demo", Some("demo-model/adapter"), None),
        ] {
            assert_eq!(pixels_for(model, adapter), expected, "{model} {adapter:?}");
        }
    }
}
