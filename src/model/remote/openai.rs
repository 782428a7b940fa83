//! The chat protocol of OpenAI, as vLLM and others speak it.

use serde_json::{Value, json};

use super::{RemoteAnswer, RemoteError, png_base64};
use crate::{
    image::Rgb,
    model::{ModelError, PromptStyle},
    post::LabelNames,
    predict::{
        chat_template::Part,
        prompt::{ImagePlace, conversation},
    },
};

/// The prompt to look at, and the request. The length of the answer is put in when it is sent.
pub(super) fn request(
    model: Option<&str>,
    text: &str,
    image: Option<&Rgb>,
    style: PromptStyle,
    labels: &LabelNames,
) -> Result<(String, Value), ModelError> {
    // Text first, as the published Qwen2-VL adapter was trained.
    let messages = conversation(style, labels, text, image.map(|_| ImagePlace::Last));
    let picture = image.map(png_base64).transpose()?;
    let mut shown = String::new();
    let messages: Vec<Value> = messages
        .into_iter()
        .map(|message| {
            shown += &format!("{}:", message.role);
            let content: Vec<Value> = message
                .content
                .into_iter()
                .map(|part| match part {
                    Part::Text(text) => {
                        shown += &format!(" {text}");
                        json!({"type": "text", "text": text})
                    }
                    Part::Image => {
                        shown += " [image]";
                        let url = format!(
                            "data:image/png;base64,{}",
                            picture.as_deref().unwrap_or_default()
                        );
                        json!({"type": "image_url", "image_url": {"url": url}})
                    }
                })
                .collect();
            shown.push('\n');
            // Some servers take a system's message as plain text only.
            let content = match content.as_slice() {
                [only] if only["type"] == "text" => only["text"].clone(),
                _ => Value::Array(content),
            };
            json!({"role": message.role, "content": content})
        })
        .collect();
    let mut request = json!({
        "messages": messages,
        "temperature": 0,
        "logprobs": true,
        "top_logprobs": 2,
    });
    if let Some(model) = model {
        request["model"] = model.into();
    }
    Ok((shown, request))
}

/// The models that an endpoint lists.
pub(super) fn models(listing: &Value) -> Vec<String> {
    let models = listing.get("data").and_then(Value::as_array);
    let id = |model: &Value| model.get("id").and_then(Value::as_str).map(str::to_owned);
    models.into_iter().flatten().filter_map(id).collect()
}

/// What a reply says.
pub(super) fn answer(reply: &Value) -> Result<RemoteAnswer, RemoteError> {
    let choice = &reply["choices"][0];
    let raw = text(choice)?;
    let tokens = choice["logprobs"]["content"].as_array();
    let logprob = |token: &Value| token["logprob"].as_f64();
    let total: Option<f64> = tokens.and_then(|tokens| tokens.iter().map(logprob).sum());
    let gaps = tokens.into_iter().flatten().filter_map(|token| {
        let best = token["top_logprobs"].as_array()?;
        let mut best: Vec<f64> = best.iter().filter_map(logprob).collect();
        best.sort_by(|a, b| b.total_cmp(a));
        Some(best.first()? - best.get(1)?)
    });
    let counted = reply["usage"]["completion_tokens"].as_u64();
    let n_tokens = counted.and_then(|n| usize::try_from(n).ok());
    Ok(RemoteAnswer {
        raw: raw.trim().to_owned(),
        logprob: total,
        margin: gaps.min_by(f64::total_cmp),
        n_tokens: n_tokens.or(tokens.map(Vec::len)).unwrap_or(0),
        scores: None,
        read: None,
    })
}

/// The text of a reply: its content, in one piece or in parts, or why the model refused to give any.
fn text(choice: &Value) -> Result<String, RemoteError> {
    let message = &choice["message"];
    match (&message["content"], &message["refusal"]) {
        (Value::String(text), _) => Ok(text.clone()),
        (Value::Array(parts), _) => {
            let texts = parts.iter().filter_map(|part| part["text"].as_str());
            Ok(texts.collect())
        }
        (_, Value::String(refusal)) => Ok(refusal.clone()),
        _ => Err(RemoteError::Answer {
            reason: match choice["finish_reason"].as_str() {
                Some(why) => format!("it has no text (it ended with finish_reason {why})"),
                None => "it has no choices[0].message.content".to_owned(),
            },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_carries_the_trained_prompt_and_the_image_behind_the_text() {
        let labels = LabelNames::new(["racist", "sexist"]).unwrap();
        let image = Rgb {
            width: 1,
            height: 1,
            data: vec![1, 2, 3],
        };
        let (shown, request) = request(
            Some("mmhs"),
            "hello",
            Some(&image),
            PromptStyle::Trained,
            &labels,
        )
        .unwrap();
        assert!(shown.starts_with("system: You are a strict"), "{shown}");
        assert!(shown.ends_with("user: hello [image]\n"), "{shown}");
        let [system, user] = request["messages"].as_array().unwrap().as_slice() else {
            panic!("{request}");
        };
        assert!(
            system["content"]
                .as_str()
                .unwrap()
                .contains("['racist', 'sexist']")
        );
        assert_eq!(user["content"][0]["text"], "hello");
        let url = user["content"][1]["image_url"]["url"].as_str().unwrap();
        assert!(url.starts_with("data:image/png;base64,iVBOR"), "{url}");
        assert_eq!(request["model"], "mmhs");
    }

    #[test]
    fn probabilities_are_taken_where_they_are_offered() {
        let token = |best: f64, second: f64| json!({"logprob": best, "top_logprobs": [{"logprob": second}, {"logprob": best}]});
        let message = json!({"content": " [\"racist\"]\n"});
        let reply = json!({
            "choices": [{"message": message, "logprobs": {"content": [token(-0.1, -2.1), token(-0.2, -1.2)]}}],
            "usage": {"completion_tokens": 3},
        });
        let said = answer(&reply).unwrap();
        assert_eq!(said.raw, r#"["racist"]"#);
        assert!((said.logprob.unwrap() + 0.3).abs() < 1e-9);
        assert_eq!((said.margin, said.n_tokens), (Some(1.0), 3));
        let plain = answer(&json!({"choices": [{"message": message, "logprobs": null}]})).unwrap();
        assert_eq!(
            (plain.logprob, plain.margin, plain.n_tokens),
            (None, None, 0)
        );
        assert!(answer(&json!({"error": "no"})).is_err());
        for (message, expected) in [
            (
                json!({"content": null, "refusal": "I cannot help."}),
                Some("I cannot help."),
            ),
            (
                json!({"content": [{"type": "text", "text": "[]"}]}),
                Some("[]"),
            ),
            (json!({"content": null}), None),
        ] {
            let reply = json!({"choices": [{"message": message, "finish_reason": "length"}]});
            let said = answer(&reply);
            assert_eq!(said.as_ref().ok().map(|said| said.raw.as_str()), expected);
            let told = said.map_or_else(|error| error.to_string(), |_| "length".to_owned());
            assert!(told.contains("length"), "{told}");
        }
    }
}
