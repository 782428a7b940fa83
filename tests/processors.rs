//! What every family's processor is held to: transformers' prompts, token ids and pixels.
//!
//! `processor.rs` and `processor_FAMILY.rs` run these checks on the family's models.

use std::path::Path;

use overrule::{
    image::{Rgb, decode_file},
    model::{ModelInput, Pixels, Processor, PromptStyle},
};

use crate::{
    common::{Expected, ExpectedPil, TensorStats, goldens, post_image},
    parity::labels,
};

/// Both prompts.
pub const STYLES: [PromptStyle; 2] = [PromptStyle::Trained, PromptStyle::Card];

/// A picture that shows nothing.
pub fn grey(width: u32, height: u32) -> Rgb {
    Rgb {
        width,
        height,
        data: vec![128; (width * height * 3) as usize],
    }
}

/// A post's input, with its picture unless the golden was made without.
pub fn prepare(processor: &dyn Processor, expected: &Expected, style: PromptStyle) -> ModelInput {
    let image = expected
        .pixel_values
        .is_some()
        .then(|| decode_file(&post_image(&expected.image_path)).unwrap());
    processor
        .prepare(&expected.text, image.as_ref(), style, &labels())
        .unwrap()
}

/// Prompts and token ids of these rows, as far as the goldens have them.
pub fn assert_prompts<'a>(
    processor: &dyn Processor,
    rows: impl IntoIterator<Item = &'a Expected>,
    what: &str,
) {
    for expected in rows {
        let both = [Some(&expected.trained), expected.card.as_ref()];
        for (style, golden) in STYLES.into_iter().zip(both) {
            let Some(golden) = golden else { continue };
            let input = prepare(processor, expected, style);
            let post = format!("{what}, post {}, {style:?}", expected.index);
            assert_eq!(input.prompt, golden.prompt, "{post}");
            assert_eq!(input.input_ids, golden.input_ids, "{post}");
        }
    }
}

/// The 32 elements that a golden holds, and ours in the same places.
fn samples<'a>(
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

fn mean_and_std(values: &[f32]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let variance = values
        .iter()
        .map(|v| (f64::from(*v) - mean).powi(2))
        .sum::<f64>()
        / n;
    (mean, variance.sqrt())
}

/// Pixels are PIL's. One that is one level off moves the mean by 8e-7 at 56 × 56 and by 1e-8 at 448 × 448; a mean of
/// values around 1 cannot be had more exactly than 1e-8.
pub fn assert_pils(golden: &TensorStats, pixels: &Pixels, post: &str) {
    assert_eq!(pixels.shape, golden.shape, "{post}");
    let values = pixels.shape.iter().product::<usize>();
    assert_eq!(pixels.values.len(), values, "{post}");
    let (mean, std) = mean_and_std(&pixels.values);
    assert!((mean - golden.mean).abs() < 1e-8, "{post}: mean {mean}");
    assert!((std - golden.std).abs() < 1e-7, "{post}: std {std}");
    for (want, got) in samples(golden, &pixels.values) {
        assert!((want - got).abs() <= 1e-6, "{post}: {got} for PIL's {want}");
    }
}

/// The pixels of a fixture model's posts are PIL's exactly, and torchvision's nearly: 2 levels everywhere and 1 level on 99 %
/// of what the goldens hold, of which `range` goes from black to white. `check` looks at the rest of each post.
pub fn assert_pixels(
    model: &Path,
    processor: &dyn Processor,
    range: f64,
    check: impl Fn(&Expected, &ExpectedPil, &Pixels),
) {
    let (mut compared, mut near) = (0, 0);
    for (expected, pil) in goldens(model) {
        let post = format!("{}, post {}", model.display(), expected.index);
        let pixels = prepare(processor, &expected, PromptStyle::Trained).pixel_values;
        let pixels = pixels.unwrap();
        assert_pils(&pil.pixel_values, &pixels, &post);
        check(&expected, &pil, &pixels);
        let torchvision = expected.pixel_values.as_ref().unwrap();
        for (want, got) in samples(torchvision, &pixels.values) {
            let off = (want - got).abs() / range * 255.0;
            assert!(off <= 2.001, "{post}: {got} for torchvision's {want}");
            compared += 1;
            near += usize::from(off <= 1.001);
        }
        let (mean, _) = mean_and_std(&pixels.values);
        assert!((mean - torchvision.mean).abs() < 1e-3, "{post}");
    }
    let enough = near * 100 >= compared * 99;
    assert!(enough, "{}: {near} of {compared}", model.display());
}
