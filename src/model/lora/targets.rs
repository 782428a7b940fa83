//! Which modules an adapter was trained on: PEFT's `target_modules` and what narrows it.
//!
//! The adapter's own tensors decide what is merged. The targets only tell whether a tensor is missing, or is one too many.

use std::path::Path;

use regex::Regex;
use serde_json::{Map, Value};

use crate::model::{AdapterError, keys};

/// Prefixes that the parts of a model had in the generations of transformers, by canonical part.
const GENERATIONS: [(&str, &[&str]); 2] = [
    (
        "language_model.",
        &[
            "language_model.model.",
            "model.language_model.",
            "text_model.",
            "model.text_model.",
            "model.",
        ],
    ),
    (
        "vision_tower.",
        &[
            "vision_tower.vision_model.",
            "model.vision_tower.vision_model.",
            "model.vision_tower.",
            "vision_model.",
            "model.vision_model.",
        ],
    ),
];

/// `target_modules`, `exclude_modules` and `layers_to_transform`.
#[derive(Debug)]
pub struct Targets {
    included: Modules,
    excluded: Modules,
    layers: Option<Vec<u64>>,
}

/// A set of modules, as PEFT writes it.
#[derive(Debug)]
enum Modules {
    /// Not said, or in a dialect of regular expressions that cannot be read here.
    Unknown,
    /// Every linear layer but the output embedding.
    AllLinear,
    /// Paths or their last parts.
    Listed(Vec<String>),
    /// A pattern for the whole path.
    Pattern(Box<Regex>),
}

impl Targets {
    /// Reads the keys of an `adapter_config.json`.
    pub fn parse(raw: &Map<String, Value>, path: &Path) -> Result<Self, AdapterError> {
        Ok(Self {
            included: Modules::parse(raw.get("target_modules"), path)?,
            excluded: Modules::parse(raw.get("exclude_modules"), path)?,
            layers: match raw.get("layers_to_transform") {
                Some(Value::Number(layer)) => Some(layer.as_u64().into_iter().collect()),
                Some(Value::Array(layers)) if !layers.is_empty() => {
                    Some(layers.iter().filter_map(Value::as_u64).collect())
                }
                _ => None,
            },
        })
    }

    /// Whether a module that carries tensors may do so, under any of the names it has had. `module` is canonical.
    pub fn may_have(&self, module: &str) -> bool {
        let known = !matches!(self.included, Modules::Unknown);
        !known
            || names_of(module)
                .iter()
                .any(|name| self.included.contains(name) == Some(true))
    }

    /// Whether a linear layer without tensors should have some. `path` is its name at training time.
    pub fn must_have(&self, path: &str) -> bool {
        let in_layers = self.layers.as_ref().is_none_or(|layers| {
            keys::layer_of(path).is_some_and(|(_, number)| layers.contains(&(number as u64)))
        });
        in_layers
            && self.included.contains(path) == Some(true)
            && self.excluded.contains(path) == Some(false)
    }
}

impl Modules {
    fn parse(value: Option<&Value>, path: &Path) -> Result<Self, AdapterError> {
        match value {
            None | Some(Value::Null) => Ok(Self::Listed(Vec::new())),
            Some(Value::String(all)) if all.eq_ignore_ascii_case("all-linear") => {
                Ok(Self::AllLinear)
            }
            // Python's look-around and back-references are not understood here; the tensors then speak for themselves.
            Some(Value::String(pattern)) => Ok(Regex::new(&format!("^(?:{pattern})$"))
                .map_or(Self::Unknown, |pattern| Self::Pattern(Box::new(pattern)))),
            Some(Value::Array(names)) => Ok(Self::Listed(
                names
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
            )),
            Some(other) => Err(AdapterError::Unsupported {
                path: path.to_owned(),
                key: "target_modules",
                value: other.to_string(),
                reason: "a list of names or a pattern was expected",
            }),
        }
    }

    /// Whether a path belongs to the set, if that is known.
    fn contains(&self, path: &str) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::AllLinear => Some(!path.ends_with("lm_head")),
            Self::Listed(names) => Some(names.iter().any(|name| {
                path.strip_suffix(name.as_str())
                    .is_some_and(|before| before.is_empty() || before.ends_with('.'))
            })),
            Self::Pattern(pattern) => Some(pattern.is_match(path)),
        }
    }
}

/// Every name that a module has had.
fn names_of(module: &str) -> Vec<String> {
    let mut names = vec![module.to_owned(), format!("model.{module}")];
    for (part, prefixes) in GENERATIONS {
        if let Some(rest) = module.strip_prefix(part) {
            names.extend(prefixes.iter().map(|prefix| format!("{prefix}{rest}")));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(config: Value) -> Targets {
        let Value::Object(raw) = config else {
            panic!("an object was expected")
        };
        Targets::parse(&raw, Path::new("adapter_config.json")).unwrap()
    }

    #[test]
    fn a_module_matches_by_its_last_parts_or_by_a_pattern_for_all_of_it() {
        let text = "language_model.layers.0.self_attn.q_proj";
        let vision = "vision_tower.encoder.layers.0.self_attn.q_proj";
        let table = [
            (serde_json::json!(["q_proj"]), true, true),
            (serde_json::json!(["self_attn.q_proj"]), true, true),
            (serde_json::json!(["_proj", "k_proj"]), false, false),
            (serde_json::json!([text]), true, false),
            (serde_json::json!("all-linear"), true, true),
            (serde_json::json!("q_proj"), false, false),
            (serde_json::json!(".*q_proj"), true, true),
            (
                serde_json::json!(r".*language_model.*\.(q|v)_proj"),
                true,
                false,
            ),
        ];
        for (given, in_text, in_vision) in table {
            let targets = targets(serde_json::json!({ "target_modules": given }));
            assert_eq!(
                targets.must_have(text),
                in_text,
                "{given} in the text model"
            );
            assert_eq!(
                targets.must_have(vision),
                in_vision,
                "{given} in the vision tower"
            );
        }
    }

    #[test]
    fn exclusions_and_layers_narrow_the_targets() {
        let config = serde_json::json!({
            "target_modules": ["q_proj"], "exclude_modules": ".*vision_tower.*", "layers_to_transform": [1],
        });
        let targets = targets(config);
        assert!(targets.must_have("language_model.layers.1.self_attn.q_proj"));
        assert!(!targets.must_have("language_model.layers.0.self_attn.q_proj"));
        assert!(!targets.must_have("vision_tower.encoder.layers.1.self_attn.q_proj"));
    }

    #[test]
    fn a_pattern_for_an_older_generation_of_names_still_allows_its_tensors() {
        let targets = targets(serde_json::json!({
            "target_modules": r"language_model\.model\.layers\.\d+\.self_attn\.q_proj",
        }));
        assert!(targets.may_have("language_model.layers.0.self_attn.q_proj"));
        assert!(!targets.may_have("language_model.layers.0.self_attn.k_proj"));
    }

    #[test]
    fn a_pattern_in_pythons_own_dialect_is_left_to_the_tensors() {
        let targets = targets(serde_json::json!({ "target_modules": r"^(?!.*vision).*q_proj$" }));
        assert!(targets.may_have("language_model.layers.0.self_attn.q_proj"));
        assert!(!targets.must_have("language_model.layers.0.self_attn.q_proj"));
    }
}
