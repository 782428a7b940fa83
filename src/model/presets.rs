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
pub const PRESETS: [Preset; 2] = [
    Preset {
        name: "demo",
        title: "Demo (a toy model that ships with Overrule)",
        base: Place::Demo("base"),
        adapter: Some(Place::Demo("adapter")),
    },
    Preset {
        name: "paligemma2-3b-mmhs150k",
        title: "PaliGemma 2 3B, fine-tuned on MMHS150K",
        base: Place::Hub("google/paligemma2-3b-pt-224"),
        adapter: Some(Place::Hub("Amirhossein75/paligemma2-3b-mmhs150k-lora")),
    },
];

/// The preset of this name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}
