//! Reading the small files beside the weights.

use std::{fs, path::Path};

use serde::de::DeserializeOwned;

use super::ModelError;

/// Reads a JSON file.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, ModelError> {
    let bytes = fs::read(path).map_err(|source| ModelError::Io {
        path: path.to_owned(),
        source,
    })?;
    serde_json::from_slice(&bytes).map_err(|source| ModelError::Json {
        path: path.to_owned(),
        source,
    })
}

/// Reads a JSON file that need not be there.
pub fn read_json_if_present<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ModelError> {
    if path.exists() {
        read_json(path).map(Some)
    } else {
        Ok(None)
    }
}

/// Reads a text file that need not be there.
pub fn read_text_if_present(path: &Path) -> Result<Option<String>, ModelError> {
    if !path.exists() {
        return Ok(None);
    }
    fs::read_to_string(path)
        .map(Some)
        .map_err(|source| ModelError::Io {
            path: path.to_owned(),
            source,
        })
}
