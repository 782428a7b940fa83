//! What the environment says about the Hub: the variables of its Python library, in that library's order.

use std::{fmt, io::Write, path::PathBuf};

use super::HubError;

/// Where the Hub is if nobody says otherwise.
const ENDPOINT: &str = "https://huggingface.co";

/// Where the Hub is, where its files are kept, and who asks.
#[derive(Clone, Debug)]
pub struct HubSettings {
    /// The folder of the local cache.
    pub cache: PathBuf,
    /// The Hub's address, without a slash at its end.
    pub endpoint: String,
    /// The variable that forbids the network, if one does.
    pub offline: Option<&'static str>,
    /// Where the Hub's own tools keep the token.
    pub token_file: PathBuf,
    /// The token that a variable names.
    named_token: Option<Token>,
    /// Whether a token is sent at all.
    sends_token: bool,
}

/// A secret that says who asks. It is in no message: its `Debug` shows only where it came from.
#[derive(Clone)]
pub struct Token {
    secret: String,
    /// Where it came from.
    pub source: TokenSource,
}

/// Where a token came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TokenSource {
    /// This variable of the environment.
    Variable(&'static str),
    /// This file.
    File(PathBuf),
}

impl HubSettings {
    /// What this process's environment says.
    pub fn from_environment() -> Self {
        Self::read(|key| std::env::var(key).ok())
    }

    /// What an environment says. Nothing is read from the disk.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |key: &str| variable(key).filter(|value| !value.trim().is_empty());
        let path = |key: &str| set(key).map(|value| expand_home(&value));
        let on = |key: &str| {
            set(key).is_some_and(|value| {
                ["1", "ON", "YES", "TRUE"].contains(&value.trim().to_uppercase().as_str())
            })
        };
        let home = path("HF_HOME").unwrap_or_else(|| {
            path("XDG_CACHE_HOME")
                .unwrap_or_else(|| home().join(".cache"))
                .join("huggingface")
        });
        let token_file = path("HF_TOKEN_PATH").unwrap_or_else(|| home.join("token"));
        let named = |key: &'static str| Token::new(&set(key)?, TokenSource::Variable(key));
        Self {
            cache: path("HF_HUB_CACHE")
                .or_else(|| path("HUGGINGFACE_HUB_CACHE"))
                .unwrap_or_else(|| home.join("hub")),
            endpoint: set("HF_ENDPOINT").map_or(ENDPOINT.to_owned(), |url| {
                url.trim().trim_end_matches('/').to_owned()
            }),
            offline: ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"]
                .into_iter()
                .find(|key| on(key)),
            named_token: named("HF_TOKEN").or_else(|| named("HUGGING_FACE_HUB_TOKEN")),
            sends_token: !on("HF_HUB_DISABLE_IMPLICIT_TOKEN"),
            token_file,
        }
    }

    /// Who asks, if that is known. The token's file is read anew each time, since a token may have been kept meanwhile.
    pub fn token(&self) -> Option<Token> {
        let kept = || {
            let text = std::fs::read_to_string(&self.token_file).ok()?;
            Token::new(&text, TokenSource::File(self.token_file.clone()))
        };
        let known = || self.named_token.clone().or_else(kept);
        self.sends_token.then(known).flatten()
    }

    /// Keeps a token where the Hub's own tools keep it, readable by nobody else.
    ///
    /// # Errors
    /// It is no token, or the file cannot be written.
    pub fn save_token(&self, text: &str) -> Result<(), HubError> {
        let file = &self.token_file;
        let token = Token::new(text, TokenSource::File(file.clone()))
            .filter(|token| token.is_plain())
            .ok_or(HubError::NoToken)?;
        let failed = |source| HubError::Io {
            path: file.clone(),
            source,
        };
        let folder = file.parent().unwrap_or(file);
        std::fs::create_dir_all(folder).map_err(failed)?;
        // Temporary files are their owner's alone, and keep that when they get their name.
        let mut staged = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        staged.write_all(token.secret.as_bytes()).map_err(failed)?;
        staged.as_file().sync_all().map_err(failed)?;
        staged.persist(file).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

impl Token {
    /// A token without the white space around it; `None` if nothing is left.
    fn new(text: &str, source: TokenSource) -> Option<Self> {
        let secret = text.trim().to_owned();
        (!secret.is_empty()).then_some(Self { secret, source })
    }

    /// Whether it can stand in a request. What cannot would be quoted in the client's error.
    pub(super) fn is_plain(&self) -> bool {
        self.secret.bytes().all(|byte| byte.is_ascii_graphic())
    }

    /// The secret, for a request and nothing else.
    pub(super) fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

fn expand_home(path: &str) -> PathBuf {
    match path
        .strip_prefix('~')
        .map(|rest| rest.trim_start_matches(['/', '\\']))
    {
        Some(rest) => home().join(rest),
        None => PathBuf::from(path),
    }
}

fn home() -> PathBuf {
    std::env::home_dir().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> HubSettings {
        HubSettings::read(|key| {
            let found = variables.iter().find(|(name, _)| *name == key);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_names_the_cache_in_the_python_librarys_order() {
        let all = [
            ("HF_HUB_CACHE", "/a"),
            ("HUGGINGFACE_HUB_CACHE", "/b"),
            ("HF_HOME", "/c"),
            ("XDG_CACHE_HOME", "/d"),
        ];
        let expected = ["/a", "/b", "/c/hub", "/d/huggingface/hub"];
        for (skip, expected) in expected.iter().enumerate() {
            assert_eq!(read(&all[skip..]).cache, PathBuf::from(expected));
        }
        assert!(read(&[]).cache.ends_with(".cache/huggingface/hub"));
        let tilde = read(&[("HF_HOME", "~/models")]);
        assert_eq!(tilde.cache, home().join("models").join("hub"));
        assert_eq!(tilde.token_file, home().join("models").join("token"));
    }

    #[test]
    fn the_token_comes_from_the_first_place_that_has_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "from_a_file\n").unwrap();
        let path = file.to_str().unwrap();
        let all = [
            ("HF_TOKEN", " hf_one "),
            ("HUGGING_FACE_HUB_TOKEN", "two"),
            ("HF_TOKEN_PATH", path),
        ];
        for (skip, secret) in ["hf_one", "two", "from_a_file"].into_iter().enumerate() {
            assert_eq!(read(&all[skip..]).token().unwrap().secret(), secret);
        }
        assert!(read(&[("HF_HOME", "/nowhere")]).token().is_none());
        let kept_back = [("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"), all[0]];
        assert!(read(&kept_back).token().is_none());
        let shown = format!("{:?}", read(&all));
        assert!(
            shown.contains("HF_TOKEN") && !shown.contains("hf_one"),
            "{shown}"
        );
    }

    #[test]
    fn a_token_is_kept_for_its_owner_alone_and_only_if_it_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("deep").join("home");
        let settings = read(&[("HF_HOME", home.to_str().unwrap())]);
        for text in ["", "  ", "two words", "tök"] {
            assert!(matches!(settings.save_token(text), Err(HubError::NoToken)));
        }
        settings.save_token(" hf_secret\n").unwrap();
        let file = home.join("token");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "hf_secret");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn the_network_can_be_forbidden_and_the_hub_be_elsewhere() {
        for (value, offline) in [("1", true), ("true", true), ("0", false), ("", false)] {
            let found = read(&[("TRANSFORMERS_OFFLINE", value)]).offline;
            assert_eq!(found.is_some(), offline, "{value}");
        }
        let mirror = read(&[("HF_ENDPOINT", "http://hub.example/")]);
        assert_eq!(mirror.endpoint, "http://hub.example");
        assert_eq!(read(&[]).endpoint, ENDPOINT);
    }
}
