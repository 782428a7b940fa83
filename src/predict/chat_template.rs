//! A checkpoint's chat template: from messages to the prompt's text.
//!
//! Reference: transformers' `utils/chat_template_utils.py` (Jinja with `trim_blocks` and `lstrip_blocks`).

use std::path::{Path, PathBuf};

use minijinja::{
    Environment, Error, ErrorKind, UndefinedBehavior, Value, context, syntax::SyntaxConfig,
};
use minijinja_contrib::pycompat;
use serde::Deserialize;

use super::tokenizer::TextTokenizer;
use crate::model::{
    ModelError,
    files::{read_json_if_present, read_text_if_present},
};

/// One turn of a conversation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: &'static str,
    /// What is said, in order.
    pub content: Vec<Part>,
}

/// A part of a turn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    /// A text.
    Text(String),
    /// The place of the image.
    Image,
}

/// A template, compiled.
pub struct ChatTemplate {
    environment: Environment<'static>,
    /// The file it comes from.
    path: PathBuf,
}

/// `chat_template.json` and the part of `tokenizer_config.json` that is read here.
#[derive(Deserialize)]
struct TemplateFile {
    chat_template: Option<Source>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Source {
    One(String),
    Several(Vec<Named>),
}

#[derive(Deserialize)]
struct Named {
    name: String,
    template: String,
}

impl Source {
    fn into_template(self) -> Option<String> {
        match self {
            Self::One(template) => Some(template),
            Self::Several(named) => named
                .into_iter()
                .find(|named| named.name == "default")
                .map(|named| named.template),
        }
    }
}

/// The name of the one template in the environment.
const NAME: &str = "chat";

impl ChatTemplate {
    /// Reads the template of a checkpoint's folder: `chat_template.jinja`, else `chat_template.json`, else
    /// `tokenizer_config.json`.
    ///
    /// # Errors
    /// No template in any of them, or one that is not understood.
    pub fn load(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join("chat_template.jinja");
        if let Some(template) = read_text_if_present(&path)? {
            return Self::compile(template, path);
        }
        for name in ["chat_template.json", "tokenizer_config.json"] {
            let path = folder.join(name);
            let file: Option<TemplateFile> = read_json_if_present(&path)?;
            let source = file.and_then(|file| file.chat_template);
            if let Some(template) = source.and_then(Source::into_template) {
                return Self::compile(template, path);
            }
        }
        Err(ModelError::Processor {
            path,
            message:
                "it is not there, and neither chat_template.json nor tokenizer_config.json has a \
                      chat template; download the model again"
                    .to_owned(),
        })
    }

    fn compile(template: String, path: PathBuf) -> Result<Self, ModelError> {
        let mut environment = Environment::new();
        let compiled = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .and_then(|syntax| {
                environment.set_syntax(syntax);
                environment.add_template_owned(NAME, template)
            });
        // What a template prints must be there; what it only asks for need not be.
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        environment.set_unknown_method_callback(pycompat::unknown_method_callback);
        environment.add_function("raise_exception", raise_exception);
        match compiled {
            Ok(()) => Ok(Self { environment, path }),
            Err(error) => Err(template_error(&path, &error)),
        }
    }

    /// The same text with a mark inside of every special token that a part spells; see [`TextTokenizer::cut_special`].
    ///
    /// # Errors
    /// What the template fails at or refuses.
    pub fn render_cut(
        &self,
        mut messages: Vec<Message>,
        tokenizer: &TextTokenizer,
    ) -> Result<String, ModelError> {
        for part in messages.iter_mut().flat_map(|message| &mut message.content) {
            if let Part::Text(text) = part {
                *text = tokenizer.cut_special(text);
            }
        }
        self.render(&messages)
    }

    /// The text of a conversation, up to where the assistant begins to speak.
    ///
    /// # Errors
    /// What the template fails at or refuses.
    pub fn render(&self, messages: &[Message]) -> Result<String, ModelError> {
        let messages: Vec<Value> = messages.iter().map(message_value).collect();
        self.environment
            .get_template(NAME)
            .and_then(|template| {
                template.render(context! { messages, add_generation_prompt => true })
            })
            .map_err(|error| template_error(&self.path, &error))
    }
}

fn message_value(message: &Message) -> Value {
    let content: Vec<Value> = message.content.iter().map(part_value).collect();
    context! { role => message.role, content }
}

fn part_value(part: &Part) -> Value {
    match part {
        Part::Text(text) => context! { type => "text", text => text.as_str() },
        Part::Image => context! { type => "image" },
    }
}

fn raise_exception(message: String) -> Result<String, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

fn template_error(path: &Path, error: &Error) -> ModelError {
    ModelError::Processor {
        path: path.to_owned(),
        message: format!("its chat template fails: {error}"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;

    fn hello() -> [Message; 1] {
        [Message {
            role: "user",
            content: vec![Part::Image, Part::Text("hello ".to_owned())],
        }]
    }

    fn render(template: &str) -> Result<String, ModelError> {
        ChatTemplate::compile(template.to_owned(), PathBuf::from("chat_template.jinja"))?
            .render(&hello())
    }

    #[test]
    fn templates_are_read_as_pythons_jinja_reads_them() {
        let table = [
            (
                "{% for m in messages %}\n  {% if m.role == 'user' %}\n[{{ m['role'] | upper }}]\n  {% endif %}\n{% endfor %}",
                "[USER]\n",
            ),
            ("{{ messages[0].content[1].text.strip() }}!\n", "hello!"),
            (
                "{{ messages[0].content[1].get('text') }}{{ '<' if add_generation_prompt }}",
                "hello <",
            ),
            (
                "{% set n = namespace(x=0) %}{% for c in messages[0].content %}\
                 {% if 'text' in c or tools %}{% set n.x = n.x + 1 %}{% endif %}{% endfor %}{{ n.x }}",
                "1",
            ),
        ];
        for (template, expected) in table {
            assert_eq!(render(template).unwrap(), expected, "{template}");
        }
    }

    #[test]
    fn a_template_that_fails_is_named_with_its_reason() {
        let table = [
            ("{% if %}", "syntax error"),
            ("{{ raise_exception('no images') }}", "no images"),
            ("{{ bos_token }}", "undefined"),
        ];
        for (template, words) in table {
            let message = render(template).unwrap_err().to_string();
            assert!(message.contains("chat_template.jinja"), "{message}");
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn the_newest_file_with_a_template_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let rendered = || ChatTemplate::load(folder.path()).unwrap().render(&hello());
        write("tokenizer_config.json", "{\"model_max_length\": 8}");
        let error = ChatTemplate::load(folder.path()).err().unwrap();
        assert!(error.to_string().contains("chat template"), "{error}");
        let named = r#"{"chat_template": [{"name": "tools", "template": "0"}, {"name": "default", "template": "1"}]}"#;
        write("tokenizer_config.json", named);
        assert_eq!(rendered().unwrap(), "1");
        write("chat_template.json", r#"{"chat_template": "2"}"#);
        assert_eq!(rendered().unwrap(), "2");
        write("chat_template.jinja", "3");
        assert_eq!(rendered().unwrap(), "3");
    }
}
