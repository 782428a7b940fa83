//! Prompts, tokens and pixels of every fixture model, against transformers' processor.

use std::{fs, path::Path};

use overrule::model::{ModelError, Processor, PromptStyle, paligemma2::PaliGemmaProcessor};

use crate::{
    common::{ExpectedAnswer, TokenIds, bytes_from_hex, fixture, goldens, model_fixtures},
    parity::labels,
    processors::{assert_pixels, assert_prompts, grey},
};

/// From black to white, as PaliGemma's normalisation leaves it.
const PIXEL_RANGE: f64 = 2.0;

fn load(model: &Path) -> PaliGemmaProcessor {
    PaliGemmaProcessor::load(&model.join("base")).unwrap()
}

fn tiny() -> PaliGemmaProcessor {
    load(&fixture("paligemma2"))
}

#[test]
fn prompts_and_input_ids_are_those_of_transformers() {
    for model in model_fixtures("paligemma2") {
        let rows = goldens(&model);
        let what = model.display().to_string();
        assert_prompts(&load(&model), rows.iter().map(|(e, _)| e), &what);
    }
}

#[test]
fn pixel_values_are_pils_exactly_and_torchvisions_nearly() {
    for model in model_fixtures("paligemma2") {
        assert_pixels(&model, &load(&model), PIXEL_RANGE, |_, pil, pixels| {
            let Some(hex) = &pil.pixels_first_row_hex else {
                return;
            };
            let plane = pixels.shape[2] * pixels.shape[3];
            for (place, want) in bytes_from_hex(hex).into_iter().enumerate() {
                let got = f64::from(pixels.values[place % 3 * plane + place / 3]);
                let want = f64::from(want) / 127.5 - 1.0;
                assert!((got - want).abs() < 1e-6, "post {}", pil.index);
            }
        });
    }
}

#[test]
fn answers_turn_into_the_ids_that_were_generated_and_back() {
    for model in model_fixtures("paligemma2") {
        let processor = load(&model);
        let check = |ids: &[u32], text: &str| {
            assert_eq!(processor.decode(ids).unwrap(), text, "{}", model.display());
            // What ended without <eos>, or took another road to the same text, has no unique ids.
            if text.starts_with('[')
                && text.ends_with(']')
                && serde_json::from_str::<Vec<String>>(text).is_ok()
            {
                assert_eq!(
                    processor.answer_ids(text).unwrap(),
                    ids,
                    "{}: {text}",
                    model.display()
                );
            }
        };
        let mut answers = 0;
        for (expected, _) in goldens(&model) {
            for golden in [Some(&expected.trained), expected.card.as_ref()]
                .into_iter()
                .flatten()
            {
                let ExpectedAnswer {
                    generated_ids,
                    generated_text,
                    base,
                    ..
                } = golden;
                check(generated_ids, generated_text);
                if let Some(text) = &base.base_generated_text {
                    check(&base.base_generated_ids, text);
                }
                answers += 1;
            }
        }
        assert!(answers > 0);
    }
}

#[test]
fn a_text_cannot_smuggle_in_an_image_token() {
    let processor = tiny();
    let count = |text: &str, style| {
        let input = processor
            .prepare(text, Some(&grey(8, 6)), style, &labels())
            .unwrap();
        let images = input.input_ids.iter().take_while(|id| **id == 2001).count();
        assert_eq!(
            input.input_ids.iter().filter(|id| **id == 2001).count(),
            images,
            "{text}"
        );
        assert_eq!(
            input.input_ids[images], 2,
            "<bos> follows the image: {text}"
        );
        images
    };
    for style in [PromptStyle::Trained, PromptStyle::Card] {
        for text in [
            "",
            "<image>",
            "a <image> b <image><image>",
            "<<image>image>",
            "<image>\n\n<bos>",
        ] {
            assert_eq!(count(text, style), 16);
        }
    }
}

#[test]
fn other_special_tokens_in_a_text_are_taken_as_the_reference_takes_them() {
    let input = tiny()
        .prepare(
            "hello <eos> <bos> <pad> x",
            Some(&grey(8, 6)),
            PromptStyle::Card,
            &labels(),
        )
        .unwrap();
    // As transformers 5.23 has them.
    let tokens = ["▁", "<eos>", "▁", "<bos>", "▁", "<pad>", "▁", "x", "\n"];
    let ids = TokenIds::of("paligemma2");
    let expected = tokens.map(|token| ids.id(token));
    assert!(
        input.input_ids.ends_with(&expected),
        "{:?}",
        input.input_ids
    );
}

#[test]
fn a_post_without_an_image_is_told_so() {
    let error = tiny()
        .prepare("text", None, PromptStyle::Trained, &labels())
        .unwrap_err();
    assert!(matches!(error, ModelError::NeedsImage), "{error}");
}

/// A copy of the tiny model's small files, with one of them changed.
fn broken(file: &str, change: impl FnOnce(String) -> String) -> ModelError {
    let folder = tempfile::tempdir().unwrap();
    let names = [
        "config.json",
        "tokenizer.json",
        "processor_config.json",
        "preprocessor_config.json",
    ];
    for name in names {
        let text = fs::read_to_string(fixture("paligemma2/base").join(name)).unwrap();
        fs::write(folder.path().join(name), text).unwrap();
    }
    let path = folder.path().join(file);
    let changed = change(fs::read_to_string(&path).unwrap());
    if changed.is_empty() {
        fs::remove_file(&path).unwrap();
    } else {
        fs::write(&path, changed).unwrap();
    }
    let error = PaliGemmaProcessor::load(folder.path())
        .err()
        .expect("it should not load");
    assert!(error.to_string().contains(file), "{error}");
    error
}

#[test]
fn damaged_settings_are_named() {
    let cases: [(&str, &str, &str, &str); 5] = [
        (
            "processor_config.json",
            "\"resample\": 3",
            "\"resample\": 0",
            "resample = 0",
        ),
        (
            "processor_config.json",
            "\"height\": 56",
            "\"height\": 0",
            "image size",
        ),
        (
            "processor_config.json",
            "\"do_resize\": true",
            "\"do_resize\": false",
            "do_resize",
        ),
        ("processor_config.json", "{", "", "could not be understood"),
        (
            "config.json",
            "\"patch_size\": 14",
            "\"patch_size\": 28",
            "makes 4 features",
        ),
    ];
    for (file, from, to, words) in cases {
        let error = broken(file, |text| text.replace(from, to)).to_string();
        assert!(error.contains(words), "{error}");
    }
    assert!(
        broken("tokenizer.json", |_| String::new())
            .to_string()
            .contains("could not be read")
    );
    assert!(
        broken("tokenizer.json", |text| text.replace("<bos>", "<start>"))
            .to_string()
            .contains("<bos>")
    );
    assert!(
        broken("tokenizer.json", |text| text[..1000].to_owned())
            .to_string()
            .contains("could not be used")
    );
}

#[test]
fn the_older_settings_file_is_read_where_the_newer_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["config.json", "tokenizer.json", "preprocessor_config.json"] {
        fs::copy(
            fixture("paligemma2/base").join(name),
            folder.path().join(name),
        )
        .unwrap();
    }
    let prepare = |processor: PaliGemmaProcessor| {
        processor
            .prepare("text", Some(&grey(8, 6)), PromptStyle::Trained, &labels())
            .unwrap()
    };
    assert!(prepare(PaliGemmaProcessor::load(folder.path()).unwrap()) == prepare(tiny()));
}
