//! Telling one state of a local folder from another.

use std::{ffi::OsString, fs, path::Path, time::UNIX_EPOCH};

use crate::model::bias_classifier::ENCODER_FOLDERS;

/// What the files of a model end in: weights, configuration, chat template, vocabulary.
const PARTS: [&str; 6] = ["safetensors", "json", "jinja", "txt", "pth", "bin"];

/// A file's name below the model's folder, its size, and when it was changed, in nanoseconds since 1970.
type Part = (OsString, u64, u128);

/// What tells the weights and the configuration in a folder from what lay there before, or lies elsewhere: a hash
/// of the files' names, sizes and times of change. Reading gigabytes of weights for it would take longer than loading.
pub fn fingerprint(folder: &Path) -> String {
    let mut files = parts(folder, "");
    for encoder in ENCODER_FOLDERS {
        files.extend(parts(&folder.join(encoder), &format!("{encoder}/")));
    }
    files.sort();
    let mut bytes = Vec::new();
    for (name, len, nanos) in files {
        bytes.extend_from_slice(name.as_encoded_bytes());
        bytes.push(0);
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(&nanos.to_le_bytes());
    }
    format!("local-{:016x}", xxhash_rust::xxh3::xxh3_64(&bytes))
}

/// The parts of a model in one folder, whose names get `prefix`.
fn parts(folder: &Path, prefix: &str) -> Vec<Part> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| is_part_of_the_model(&entry.path()))
        // Links are followed: a link says nothing about what it leads to.
        .filter_map(|entry| Some((entry.file_name(), fs::metadata(entry.path()).ok()?)))
        .filter(|(_, metadata)| metadata.is_file())
        .map(|(file, metadata)| {
            let changed = metadata.modified().ok();
            let since = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let mut name = OsString::from(prefix);
            name.push(file);
            let nanos = since.map_or(0, |since| since.as_nanos());
            (name, metadata.len(), nanos)
        })
        .collect()
}

fn is_part_of_the_model(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| PARTS.contains(&extension))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn a_folder_with_other_weights_has_another_fingerprint() {
        let folder = tempfile::tempdir().unwrap();
        let weights = folder.path().join("adapter_model.safetensors");
        fs::write(&weights, "old").unwrap();
        fs::write(folder.path().join("adapter_config.json"), "{}").unwrap();
        let old = fingerprint(folder.path());
        assert_eq!(fingerprint(folder.path()), old);
        fs::write(folder.path().join("README.md"), "no part of the model").unwrap();
        assert_eq!(fingerprint(folder.path()), old);
        let template = folder.path().join("chat_template.jinja");
        fs::write(&template, "{{ messages }}").unwrap();
        assert_ne!(fingerprint(folder.path()), old);
        fs::remove_file(&template).unwrap();
        assert_eq!(fingerprint(folder.path()), old);

        // What a bias classifier has beside its weights.
        let encoder = folder.path().join("text_encoder");
        fs::create_dir(&encoder).unwrap();
        fs::write(encoder.join("vocab.txt"), "[PAD]").unwrap();
        let with_vocabulary = fingerprint(folder.path());
        assert_ne!(with_vocabulary, old);
        fs::write(encoder.join("vocab.txt"), "[PAD]\n[UNK]").unwrap();
        assert_ne!(fingerprint(folder.path()), with_vocabulary);
        fs::remove_dir_all(&encoder).unwrap();
        assert_eq!(fingerprint(folder.path()), old);

        let later = SystemTime::now() + Duration::from_secs(60);
        let file = fs::File::options().write(true).open(&weights).unwrap();
        file.set_modified(later).unwrap();
        let trained_again = fingerprint(folder.path());
        assert_ne!(trained_again, old);
        fs::remove_file(&weights).unwrap();
        assert_ne!(fingerprint(folder.path()), trained_again);
    }
}
