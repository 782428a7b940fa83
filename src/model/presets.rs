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
    /// Another repository that it needs the vocabulary of, if its own does not have one.
    pub vocabulary: Option<&'static str>,
    /// The sizes of the images that the adapter was trained with, if the network takes any size.
    pub pixels: Option<PixelRange>,
    /// What it takes to run it.
    pub needs: Needs,
}

/// What it takes to run a model.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Needs {
    /// The size of its weights on the Hub, in MB (10⁶ bytes).
    pub download_mb: u64,
    /// How many parameters it has, in millions.
    pub parameters_m: u64,
    /// Whether the Hub gives it only to those who have accepted its terms, and are logged in.
    pub gated: bool,
    /// Under which terms its weights are given.
    pub licence: &'static str,
}

impl Needs {
    /// The memory that its weights take on the CPU in f32, in MB; 16-bit formats halve it.
    pub fn memory_mb(&self) -> u64 {
        self.parameters_m * 4
    }
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

impl Preset {
    /// The repositories of the Hub that it needs.
    pub fn repositories(&self) -> impl Iterator<Item = &'static str> {
        let place = |place: Place| match place {
            Place::Hub(id) => Some(id),
            Place::Demo(_) => None,
        };
        let base = place(self.base);
        let adapter = self.adapter.and_then(place);
        base.into_iter().chain(adapter).chain(self.vocabulary)
    }
}

/// A preset of the Hub's: one repository, nothing else.
const fn hub(name: &'static str, title: &'static str, base: &'static str, needs: Needs) -> Preset {
    Preset {
        name,
        title,
        base: Place::Hub(base),
        adapter: None,
        vocabulary: None,
        pixels: None,
        needs,
    }
}

/// All presets, in the order in which they are offered: first what runs at once, then the best published scores.
pub const PRESETS: [Preset; 9] = [
    Preset {
        name: "demo",
        title: "Demo, a toy model that ships with Overrule",
        base: Place::Demo("base"),
        adapter: Some(Place::Demo("adapter")),
        vocabulary: None,
        pixels: None,
        needs: Needs {
            download_mb: 0,
            parameters_m: 1,
            gated: false,
            licence: "MIT",
        },
    },
    Preset {
        adapter: Some(Place::Hub("Amirhossein75/qwen2-vl-2b-mmhs150k-lora")),
        pixels: Some(PixelRange {
            min: 64 * 28 * 28,
            max: 256 * 28 * 28,
        }),
        ..hub(
            "qwen2-vl-2b-mmhs150k",
            "Qwen2-VL 2B, fine-tuned on MMHS150K",
            "Qwen/Qwen2-VL-2B-Instruct",
            Needs {
                download_mb: 4_500,
                parameters_m: 2_209,
                gated: false,
                licence: "Apache-2.0",
            },
        )
    },
    Preset {
        adapter: Some(Place::Hub("Amirhossein75/paligemma2-3b-mmhs150k-lora")),
        ..hub(
            "paligemma2-3b-mmhs150k",
            "PaliGemma 2 3B, fine-tuned on MMHS150K",
            "google/paligemma2-3b-pt-224",
            Needs {
                download_mb: 6_100,
                parameters_m: 3_032,
                gated: true,
                licence: "Gemma",
            },
        )
    },
    hub(
        "smolvlm-256m",
        "SmolVLM 256M, not fine-tuned",
        "HuggingFaceTB/SmolVLM-256M-Instruct",
        Needs {
            download_mb: 520,
            parameters_m: 256,
            gated: false,
            licence: "Apache-2.0",
        },
    ),
    hub(
        "smolvlm-500m",
        "SmolVLM 500M, not fine-tuned",
        "HuggingFaceTB/SmolVLM-500M-Instruct",
        Needs {
            download_mb: 1_020,
            parameters_m: 508,
            gated: false,
            licence: "Apache-2.0",
        },
    ),
    hub(
        "smolvlm-2b",
        "SmolVLM 2.2B, not fine-tuned",
        "HuggingFaceTB/SmolVLM-Instruct",
        Needs {
            download_mb: 4_493,
            parameters_m: 2_246,
            gated: false,
            licence: "Apache-2.0",
        },
    ),
    Preset {
        vocabulary: Some("google-bert/bert-base-uncased"),
        ..hub(
            "bias-classifier",
            "Multimodal bias classifier, BERT and ResNet-34",
            "maximuspowers/multimodal-bias-classifier",
            Needs {
                download_mb: 533,
                parameters_m: 133,
                gated: false,
                licence: "MIT",
            },
        )
    },
    Preset {
        adapter: Some(Place::Hub(
            "Hyeonseo/gemma2-2b-it-finetuned-ko-bias-detection",
        )),
        ..hub(
            "gemma2-2b-ko-bias",
            "Gemma 2 2B for Korean text, base and adapter",
            "google/gemma-2-2b-it",
            Needs {
                download_mb: 5_600,
                parameters_m: 2_614,
                gated: true,
                licence: "Gemma",
            },
        )
    },
    hub(
        "gemma2-2b-ko-bias-merged",
        "Gemma 2 2B for Korean text, merged",
        "WPR-GMB/gemma2-2b-it-finetuned-ko-bias-detection_merged",
        Needs {
            download_mb: 5_230,
            parameters_m: 2_614,
            gated: false,
            licence: "Gemma",
        },
    ),
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
    fn names_are_told_apart_and_a_download_is_no_smaller_than_its_weights() {
        for (place, preset) in PRESETS.iter().enumerate() {
            assert!(
                PRESETS[..place]
                    .iter()
                    .all(|other| other.name != preset.name)
            );
            let needs = preset.needs;
            let is_demo = preset.repositories().next().is_none();
            assert_eq!(needs.download_mb == 0, is_demo, "{}", preset.name);
            // Two bytes a parameter at least.
            assert!(
                is_demo || needs.download_mb >= needs.memory_mb() / 2,
                "{}",
                preset.name
            );
        }
    }

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
