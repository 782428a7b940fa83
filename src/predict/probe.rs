//! A post in another form, to see what a model gets of it and which part of it drives the answer.
//!
//! What is found out this way belongs to no run: it is shown and forgotten, and never stored as a prediction of the post.

use std::sync::Arc;

use super::{answering::AnswerOptions, prediction::Prediction};
use crate::{
    dataset::Dataset,
    image::Rgb,
    model::{ModelInput, ModelSpec, Processor, PromptStyle},
};

/// What stands in place of a picture, or of a part of it: the grey that models see as the middle of their range.
const COVER: u8 = 128;

/// A part of a picture, from 0 to 1 of its width and height.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Region {
    /// From the left edge.
    pub left: f32,
    /// From the upper edge.
    pub top: f32,
    /// From the left edge, beyond `left`.
    pub right: f32,
    /// From the upper edge, beyond `top`.
    pub bottom: f32,
}

/// What is done to the picture.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum PictureChange {
    /// Nothing.
    #[default]
    None,
    /// All of it becomes one grey.
    Blank,
    /// A part of it becomes grey.
    Cover(Region),
}

impl PictureChange {
    /// The picture after it.
    fn apply(self, picture: &mut Rgb) {
        let region = match self {
            Self::None => return,
            Self::Blank => return picture.data.fill(COVER),
            Self::Cover(region) => region,
        };
        let at = |share: f32, side: u32| (share.clamp(0.0, 1.0) * side as f32).round() as usize;
        let (left, right) = (
            at(region.left, picture.width),
            at(region.right, picture.width),
        );
        let rows = at(region.top, picture.height)..at(region.bottom, picture.height);
        let row_bytes = picture.width as usize * 3;
        for row in picture
            .data
            .chunks_mut(row_bytes.max(1))
            .take(rows.end)
            .skip(rows.start)
        {
            if let Some(part) = row.get_mut(left * 3..right * 3) {
                part.fill(COVER);
            }
        }
    }
}

/// One form of a post.
#[derive(Clone, PartialEq, Debug)]
pub struct Variant {
    /// The text in place of the post's own.
    pub text: Arc<str>,
    /// What is done to the picture.
    pub picture: PictureChange,
    /// Which prompt.
    pub prompt: PromptStyle,
    /// Whether the [base](Probe::base) is asked in place of the model, in the same words.
    pub asks_base: bool,
}

/// Forms of a post to look at, or to ask the model about.
#[derive(Clone)]
pub struct Probe {
    /// The dataset.
    pub dataset: Arc<Dataset>,
    /// The post's place in it.
    pub post: usize,
    /// The forms.
    pub variants: Vec<Variant>,
    /// How to answer.
    pub answers: AnswerOptions,
    /// Whether the model is asked at all; if not, only what it would get is made.
    pub ask: bool,
    /// How to load the model without its adapter, if it has one.
    pub base: Option<ModelSpec>,
}

/// What a model gets of a post.
#[derive(Clone, PartialEq, Debug)]
pub struct Seen {
    /// The prompt as text, before the image is expanded into its tokens.
    pub prompt: String,
    /// How many tokens the network gets, those of the image included.
    pub n_tokens: usize,
    /// The pictures, resized as the network gets them: one, or the tiles row by row with all of the picture in the last.
    pub pictures: Vec<Rgb>,
    /// The shape of `pixel_values`; empty without an image.
    pub shape: Vec<usize>,
}

impl Seen {
    /// What there is to see of a network's input.
    pub fn new(input: &ModelInput, processor: &dyn Processor) -> Self {
        let pixels = input.pixel_values.as_ref();
        Self {
            prompt: input.prompt.clone(),
            n_tokens: input.input_ids.len(),
            pictures: pixels.map_or_else(Vec::new, |pixels| processor.pictures(pixels)),
            shape: pixels.map_or_else(Vec::new, |pixels| pixels.shape.clone()),
        }
    }
}

/// What was found out about one form of a post.
#[derive(Clone, PartialEq, Debug)]
pub enum Found {
    /// What the model gets.
    Seen(Seen),
    /// What it says.
    Said(Box<Prediction>),
    /// Why there is neither.
    Failed(String),
}

/// The picture of a form of a post, as it is given to the processor.
pub(super) fn changed(picture: Option<Rgb>, change: PictureChange) -> Option<Rgb> {
    picture.map(|mut picture| {
        change.apply(&mut picture);
        picture
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_region_is_covered() {
        let picture = || Rgb {
            width: 4,
            height: 2,
            data: vec![7; 24],
        };
        let red = |change| {
            let picture = changed(Some(picture()), change).unwrap();
            picture.data.iter().step_by(3).copied().collect::<Vec<u8>>()
        };
        let right_half = Region {
            left: 0.5,
            top: 0.5,
            right: 1.0,
            bottom: 9.0,
        };
        assert_eq!(red(PictureChange::None), [7; 8]);
        assert_eq!(red(PictureChange::Blank), [COVER; 8]);
        assert_eq!(
            red(PictureChange::Cover(right_half)),
            [7, 7, 7, 7, 7, 7, COVER, COVER]
        );
        assert_eq!(changed(None, PictureChange::Blank), None);
    }
}
