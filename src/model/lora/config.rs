//! `adapter_config.json` as PEFT writes it: what changes the arithmetic is read or refused by name, the rest is ignored.

use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::{Map, Value};

use super::targets::Targets;
use crate::model::{AdapterError, ModelError, files::read_json};

const MERGE_FIRST: &str = "merge it into its base with PEFT first (merge_and_unload, then save_pretrained) and load the result";

/// Keys that change the arithmetic as soon as they are set to anything.
const REFUSED: [&str; 16] = [
    "use_dora",
    "fan_in_fan_out",
    "modules_to_save",
    "lora_bias",
    "layer_replication",
    "trainable_token_indices",
    "target_parameters",
    "use_qalora",
    "use_bdlora",
    "alora_invocation_tokens",
    "arrow_config",
    "kasa_config",
    "monteclora_config",
    "velora_config",
    "megatron_config",
    "nonlinear_config",
];

/// Initialisations that also change the base's weights, so that the adapter alone is not the model.
const MUTATING_INITS: [&str; 6] = ["pissa", "olora", "corda", "loftq", "lora_ga", "mica"];

/// What merging needs to know of an adapter's configuration.
#[derive(Debug)]
pub struct LoraConfig {
    /// Which modules it was trained on.
    pub targets: Targets,
    lora_alpha: f64,
    use_rslora: bool,
    /// Exceptions from `lora_alpha`; the first that matches counts.
    alpha_pattern: Vec<(Regex, f64)>,
}

impl LoraConfig {
    /// Reads the configuration of an adapter's folder.
    ///
    /// # Errors
    /// There is none, or it asks for something that is not supported.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join("adapter_config.json");
        if !path.exists() {
            let folder = folder.to_owned();
            return Err(AdapterError::NoConfig { folder }.into());
        }
        let raw: Map<String, Value> = read_json(&path)?;
        refuse(&raw, &path)?;
        Ok(Self {
            targets: Targets::parse(&raw, &path)?,
            lora_alpha: raw.get("lora_alpha").and_then(Value::as_f64).unwrap_or(8.0),
            use_rslora: raw.get("use_rslora").is_some_and(is_set),
            alpha_pattern: alpha_pattern(&raw, &path)?,
        })
    }

    /// The factor on B·A for a module of this rank: alpha / r, or alpha / √r.
    ///
    /// `module` is the path that PEFT saw, without `base_model.model.`.
    pub fn scale(&self, module: &str, rank: usize) -> f64 {
        let alpha = self
            .alpha_pattern
            .iter()
            .find(|(pattern, _)| pattern.is_match(module))
            .map_or(self.lora_alpha, |(_, alpha)| *alpha);
        let rank = rank as f64;
        alpha / if self.use_rslora { rank.sqrt() } else { rank }
    }
}

fn refuse(raw: &Map<String, Value>, path: &Path) -> Result<(), AdapterError> {
    let unsupported = |key: &'static str, value: &Value, reason| AdapterError::Unsupported {
        path: path.to_owned(),
        key,
        value: value.to_string(),
        reason,
    };
    let peft_type = raw.get("peft_type").unwrap_or(&Value::Null);
    if peft_type.as_str() != Some("LORA") {
        return Err(unsupported(
            "peft_type",
            peft_type,
            "only LORA adapters are merged",
        ));
    }
    for key in REFUSED {
        if let Some(value) = raw.get(key).filter(|value| is_set(value)) {
            return Err(unsupported(key, value, MERGE_FIRST));
        }
    }
    if let Some(bias) = raw.get("bias").filter(|bias| is_set(bias))
        && bias.as_str() != Some("none")
    {
        return Err(unsupported("bias", bias, MERGE_FIRST));
    }
    if let Some(init) = raw.get("init_lora_weights") {
        let name = init.as_str().unwrap_or_default().to_lowercase();
        if MUTATING_INITS.iter().any(|m| name.starts_with(m)) {
            return Err(unsupported(
                "init_lora_weights",
                init,
                "this initialisation changes the base, too; save the adapter with path_initial_model_for_weight_conversion",
            ));
        }
    }
    Ok(())
}

/// Whether a setting is more than an explicit absence.
pub fn is_set(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

fn alpha_pattern(raw: &Map<String, Value>, path: &Path) -> Result<Vec<(Regex, f64)>, AdapterError> {
    let Some(Value::Object(patterns)) = raw.get("alpha_pattern") else {
        return Ok(Vec::new());
    };
    patterns
        .iter()
        .map(|(key, alpha)| {
            let pattern = compile(&format!(r"^(?:(?:.*\.)?(?:{key}))$"), path, "alpha_pattern")?;
            let alpha = alpha.as_f64().ok_or_else(|| AdapterError::Unsupported {
                path: path.to_owned(),
                key: "alpha_pattern",
                value: format!("{key}: {alpha}"),
                reason: "a number was expected",
            })?;
            Ok((pattern, alpha))
        })
        .collect()
}

fn compile(pattern: &str, path: &Path, key: &'static str) -> Result<Regex, AdapterError> {
    Regex::new(pattern).map_err(|source| AdapterError::Pattern {
        path: PathBuf::from(path),
        key,
        pattern: pattern.to_owned(),
        source: Box::new(source),
    })
}
