//! The prompts, word for word as the adapters were trained with, and as their model cards show them.

use super::chat_template::{Message, Part};
use crate::{model::PromptStyle, post::LabelNames};

/// Where the processor puts the image tokens in a prompt's text.
pub const IMAGE: &str = "<image>";

/// PaliGemma's prompt, before the processor expands the image and adds the start and the final newline.
///
/// The card's prompt names no image: the processor puts the image tokens in front.
pub fn paligemma(style: PromptStyle, labels: &LabelNames, text: &str) -> String {
    match style {
        PromptStyle::Trained => {
            let mut parts = vec![IMAGE.to_owned(), instruction(labels)];
            let text = strip(text);
            if !text.is_empty() {
                parts.push(format!("User:\n{text}"));
            }
            parts.push("Assistant:".to_owned());
            parts.join("\n\n")
        }
        PromptStyle::Card => card(labels, text),
    }
}

/// Where the image stands in the turn that an adapter was trained with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ImagePlace {
    /// Before the text: SmolVLM.
    First,
    /// Behind it: Qwen2-VL.
    Last,
}

/// A chat model's conversation: the instruction, then the post; the card's has the post alone, its image first.
///
/// A post without an image (no place) or without a text leaves that part out.
pub fn conversation(
    style: PromptStyle,
    labels: &LabelNames,
    text: &str,
    image: Option<ImagePlace>,
) -> Vec<Message> {
    let part = image.map(|_| Part::Image);
    let user = |content| Message {
        role: "user",
        content,
    };
    match style {
        PromptStyle::Trained => {
            let text = (!text.is_empty()).then(|| Part::Text(text.to_owned()));
            let (first, last) = match image {
                Some(ImagePlace::First) => (part, text),
                _ => (text, part),
            };
            vec![
                Message {
                    role: "system",
                    content: vec![Part::Text(instruction(labels))],
                },
                user(first.into_iter().chain(last).collect()),
            ]
        }
        PromptStyle::Card => {
            let card = Part::Text(card(labels, text));
            vec![user(part.into_iter().chain([card]).collect())]
        }
    }
}

/// The Korean Gemma 2's one turn, without `<bos>`. The text is taken as it is.
pub fn gemma2(text: &str) -> String {
    format!("<start_of_turn>user\nComment: {text}<end_of_turn>\n<start_of_turn>model\n")
}

/// What every adapter was told to do, with the labels as Python's list text.
fn instruction(labels: &LabelNames) -> String {
    format!(
        "You are a strict multi-label safety classifier. You MUST respond with a JSON array (no prose) \
         containing zero or more labels selected ONLY from this list:\n{}\nReturn [] if none apply. \
         Do not include any text outside JSON.",
        labels.python_list()
    )
}

/// The model cards' prompt. The text is taken as it is.
fn card(labels: &LabelNames, text: &str) -> String {
    format!(
        "Classify the following text and image into zero or more of these labels: {}. \
         Return ONLY a JSON array of applicable labels. Text: {text}",
        labels.python_list()
    )
}

/// Python's `str.strip`, which also takes the ASCII separators away.
fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn prompt(style: PromptStyle, text: &str) -> String {
        paligemma(style, &LabelNames::new(["racist", "it's"]).unwrap(), text)
    }

    #[test]
    fn a_conversation_has_the_parts_that_the_post_has() {
        let labels = LabelNames::new(["racist"]).unwrap();
        let text = || Part::Text("hello ".to_owned());
        let (first, last) = (Some(ImagePlace::First), Some(ImagePlace::Last));
        let table = [
            ("hello ", last, vec![text(), Part::Image]),
            ("hello ", first, vec![Part::Image, text()]),
            ("hello ", None, vec![text()]),
            ("", last, vec![Part::Image]),
            ("", first, vec![Part::Image]),
            ("", None, vec![]),
        ];
        for (given, image, expected) in table {
            let messages = conversation(PromptStyle::Trained, &labels, given, image);
            assert_eq!(messages[0].role, "system");
            assert_eq!(messages[1].role, "user");
            assert_eq!(messages[1].content, expected);
            let card = conversation(PromptStyle::Card, &labels, given, image);
            assert_eq!(card.len(), 1);
            assert_eq!(
                card[0].content.first() == Some(&Part::Image),
                image.is_some()
            );
        }
    }

    #[test]
    fn a_blank_text_leaves_the_user_out() {
        let without = prompt(PromptStyle::Trained, "");
        assert!(without.starts_with("<image>\n\nYou are a strict"));
        assert!(without.contains("this list:\n['racist', \"it's\"]\nReturn [] if none"));
        assert!(without.ends_with("outside JSON.\n\nAssistant:"));
        assert_eq!(prompt(PromptStyle::Trained, " \n\t\u{3000}\u{1f}"), without);
    }

    #[test]
    fn the_trained_prompt_strips_the_text_and_the_card_does_not() {
        assert!(
            prompt(PromptStyle::Trained, "\n a  b \n").ends_with("\n\nUser:\na  b\n\nAssistant:")
        );
        assert!(prompt(PromptStyle::Card, " a \n").ends_with("applicable labels. Text:  a \n"));
    }
}
