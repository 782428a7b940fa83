//! Prompts, tokens and pixels of every fixture model, against transformers' processor.

use std::{fs, path::Path};

use overrule::{
    image::{Rgb, decode_file},
    model::{ModelError, Processor, PromptStyle, paligemma2::PaliGemmaProcessor},
    post::LabelNames,
};

use crate::common::{
    ExpectedAnswer, TensorStats, bytes_from_hex, fixture, goldens, model_fixtures, post_image,
};

/// From black to white, as PaliGemma's normalisation leaves it.
const PIXEL_RANGE: f64 = 2.0;

fn labels() -> LabelNames {
    LabelNames::new(["racist", "sexist", "homophobe", "religion", "otherhate"]).unwrap()
}

fn load(model: &Path) -> PaliGemmaProcessor {
    PaliGemmaProcessor::load(&model.join("base")).unwrap()
}

fn tiny() -> PaliGemmaProcessor {
    load(&fixture("paligemma2"))
}

fn grey() -> Rgb {
    Rgb {
        width: 8,
        height: 6,
        data: vec![128; 8 * 6 * 3],
    }
}

#[test]
fn prompts_and_input_ids_are_those_of_transformers() {
    for model in model_fixtures("paligemma2") {
        let processor = load(&model);
        for (expected, _) in goldens(&model) {
            let card = expected.card.as_ref();
            let both = [
                (PromptStyle::Trained, Some(&expected.trained)),
                (PromptStyle::Card, card),
            ];
            for (style, golden) in both {
                let Some(golden) = golden else { continue };
                let input = processor
                    .prepare(&expected.text, Some(&grey()), style, &labels())
                    .unwrap();
                let post = format!("{}, post {}, {style:?}", model.display(), expected.index);
                assert_eq!(input.prompt, golden.prompt, "{post}");
                assert_eq!(input.input_ids, golden.input_ids, "{post}");
            }
        }
    }
}

/// The 32 elements that a golden holds, and ours in the same places.
pub fn samples<'a>(
    golden: &'a TensorStats,
    values: &'a [f32],
) -> impl Iterator<Item = (f64, f64)> + 'a {
    let strided = (0..16).map(|i| values[i * values.len() / 16]);
    let ours = values[..16].iter().copied().chain(strided).map(f64::from);
    golden
        .first16
        .iter()
        .chain(&golden.strided16)
        .copied()
        .zip(ours)
}

pub fn mean_and_std(values: &[f32]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let variance = values
        .iter()
        .map(|v| (f64::from(*v) - mean).powi(2))
        .sum::<f64>()
        / n;
    (mean, variance.sqrt())
}

#[test]
fn pixel_values_are_pils_exactly_and_torchvisions_nearly() {
    for model in model_fixtures("paligemma2") {
        let processor = load(&model);
        let (mut compared, mut near) = (0, 0);
        for (expected, pil) in goldens(&model) {
            let image = decode_file(&post_image(&expected.image_path)).unwrap();
            let input = processor
                .prepare("", Some(&image), PromptStyle::Trained, &labels())
                .unwrap();
            let pixels = input.pixel_values.unwrap();
            let post = format!("{}, post {}", model.display(), expected.index);
            assert_eq!(pixels.shape, pil.pixel_values.shape, "{post}");
            assert_eq!(
                pixels.values.len(),
                pixels.shape.iter().product::<usize>(),
                "{post}"
            );

            // One pixel that is one level off moves the mean by 8e-7 at 56 × 56 and by 1e-8 at 448 × 448.
            let (mean, std) = mean_and_std(&pixels.values);
            assert!(
                (mean - pil.pixel_values.mean).abs() < 1e-8,
                "{post}: mean {mean}"
            );
            assert!(
                (std - pil.pixel_values.std).abs() < 1e-7,
                "{post}: std {std}"
            );
            for (want, got) in samples(&pil.pixel_values, &pixels.values) {
                assert!((want - got).abs() <= 1e-6, "{post}: {got} for PIL's {want}");
            }
            if let Some(hex) = pil.pixels_first_row_hex {
                let row: Vec<u8> = bytes_from_hex(&hex);
                let width = pixels.shape[3];
                let plane = width * pixels.shape[2];
                for (place, want) in row.into_iter().enumerate() {
                    let got = pixels.values[place % 3 * plane + place / 3];
                    assert!(
                        (f64::from(got) - (f64::from(want) / 127.5 - 1.0)).abs() < 1e-6,
                        "{post}"
                    );
                }
            }

            for (want, got) in samples(&expected.pixel_values, &pixels.values) {
                let off = (want - got).abs() / PIXEL_RANGE;
                assert!(
                    off <= 2.0 / 255.0 + 1e-6,
                    "{post}: {got} for torchvision's {want}"
                );
                compared += 1;
                near += usize::from(off <= 1.0 / 255.0 + 1e-6);
            }
            assert!((mean - expected.pixel_values.mean).abs() < 1e-3, "{post}");
        }
        assert!(
            near * 100 >= compared * 99,
            "{}: {near} of {compared}",
            model.display()
        );
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
            .prepare(text, Some(&grey()), style, &labels())
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
            Some(&grey()),
            PromptStyle::Card,
            &labels(),
        )
        .unwrap();
    // transformers 5.23; 839 is the space, 817 the “x”, 18 the newline.
    assert!(
        input
            .input_ids
            .ends_with(&[839, 1, 839, 2, 839, 0, 839, 817, 18]),
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
            .prepare("text", Some(&grey()), PromptStyle::Trained, &labels())
            .unwrap()
    };
    assert!(prepare(PaliGemmaProcessor::load(folder.path()).unwrap()) == prepare(tiny()));
}
