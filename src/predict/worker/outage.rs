//! When a model on another machine answers nobody any more: after how much of that a run ends.

use std::fmt;

use crate::{
    model::{
        ModelError,
        remote::{Blame, RemoteError},
    },
    predict::answering::Answered,
};

/// After so many batches in a row without an answer a run ends. Each request was tried several times by then.
const MOST_BATCHES: usize = 3;

/// Where the posts may be to blame as well, so many of them have to fail in a row, too.
const MOST_POSTS: usize = 8;

/// Why a run ended before its last post.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outage {
    /// What the endpoint said last, or what became of the request, and what helps.
    pub said: String,
    /// The batches in a row that were asked in vain.
    pub batches: usize,
    /// The posts in them.
    pub asked: usize,
    /// Whether nothing helps but another key, address or name of a model.
    pub is_setup: bool,
    /// The posts that nobody has asked about yet.
    pub left: usize,
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let posts = |n: usize| match n {
            1 => "1 post".to_owned(),
            n => format!("{n} posts"),
        };
        let Self { said, batches, .. } = self;
        let asked = posts(self.asked);
        if self.is_setup {
            write!(f, "{said}. It would say so of every post: {asked} asked")?;
        } else {
            write!(
                f,
                "{said}. No answer to {batches} batches in a row ({asked})"
            )?;
        }
        match self.left {
            0 => Ok(()),
            left => write!(f, ", {} left unpredicted", posts(left)),
        }
    }
}

/// The batches in a row that got no answer for a reason of the endpoint's.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Silence {
    batches: usize,
    posts: usize,
    /// Whether some of these posts may have brought it about themselves.
    is_unclear: bool,
}

impl Silence {
    /// Learns from a batch; why the run ends, if it does. How many posts are `left` then is not known here.
    pub fn learn(&mut self, answers: &[Result<Answered, ModelError>]) -> Option<Outage> {
        let (mut is_setup, mut last) = (false, None);
        for answer in answers {
            let error = match answer {
                Err(ModelError::Remote(error)) => error,
                // A post that has its answer, or its own fault, shows that somebody answers.
                Ok(_) | Err(_) => return self.end(),
            };
            match error.blame() {
                Blame::Post => return self.end(),
                Blame::Either => self.is_unclear = true,
                Blame::Endpoint => {}
                Blame::Setup => is_setup = true,
            }
            last = Some(error);
        }
        let said = last.map(RemoteError::to_string)?;
        self.batches += 1;
        self.posts += answers.len();
        let enough = self.batches >= MOST_BATCHES && (!self.is_unclear || self.posts >= MOST_POSTS);
        (is_setup || enough).then_some(Outage {
            said,
            batches: self.batches,
            asked: self.posts,
            is_setup,
            left: 0,
        })
    }

    fn end(&mut self) -> Option<Outage> {
        *self = Self::default();
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::prediction::{Prediction, Seconds};

    /// The answers to a batch, a letter a post: `o` an answer, `u` unreachable, `c` cut off, `p` too large a picture, `k` a
    /// wrong key.
    fn batch(posts: &str) -> Vec<Result<Answered, ModelError>> {
        let url = || "http://h".to_owned();
        let refused = |status| RemoteError::Refused {
            url: url(),
            status,
            message: "no".to_owned(),
            hint: "; give the key",
        };
        let of = |letter: char| {
            let error = match letter {
                'o' => {
                    return Ok(Answered {
                        prediction: Prediction::failed(String::new(), Seconds::default()),
                        in_one_pass: None,
                    });
                }
                'u' => RemoteError::Unreachable {
                    url: url(),
                    reason: "refused".to_owned(),
                },
                'c' => RemoteError::Cut { url: url() },
                'p' => refused(413),
                'k' => refused(401),
                _ => return Err(ModelError::NeedsImage),
            };
            Err(error.into())
        };
        posts.chars().map(of).collect()
    }

    #[test]
    fn a_run_ends_where_no_post_can_be_to_blame_and_goes_on_where_one_can() {
        for (batches, ends_with) in [
            // An endpoint that is gone: three batches, however small.
            ("u u u u", Some(3)),
            ("uu uu uu uu", Some(3)),
            ("uu u", None),
            // Somebody answered between.
            ("uu uu uo uu uu", None),
            ("u u o u u u", Some(6)),
            // The post's own fault is an answer, too.
            ("u u p u u n u u", None),
            // What one post can bring about needs more of them.
            ("c c c c c c c", None),
            ("c c c c c c c c", Some(8)),
            ("cccc cccc cccc", Some(3)),
            ("cccccccc", None),
            ("u c u u u u u u", Some(8)),
            // A key is wrong for all.
            ("k", Some(1)),
            ("uk", Some(1)),
            ("ok ok ok ok", None),
            ("", None),
        ] {
            let mut silence = Silence::default();
            let ended = batches
                .split(' ')
                .position(|posts| silence.learn(&batch(posts)).is_some());
            assert_eq!(ended.map(|place| place + 1), ends_with, "{batches}");
        }
    }

    #[test]
    fn it_says_what_the_endpoint_said_and_how_many_were_asked() {
        let mut silence = Silence::default();
        let outage = |silence: &mut Silence, posts| {
            let found = silence.learn(&batch(posts));
            found.map(|outage| Outage { left: 72, ..outage }.to_string())
        };
        assert_eq!(outage(&mut silence, "uu"), None);
        assert_eq!(outage(&mut silence, "u"), None);
        let told = outage(&mut silence, "uu").unwrap();
        assert!(
            told.starts_with("http://h cannot be reached: refused; check"),
            "{told}"
        );
        assert!(
            told.ends_with(
                ". No answer to 3 batches in a row (5 posts), 72 posts left unpredicted"
            ),
            "{told}"
        );
        let told = outage(&mut Silence::default(), "k").unwrap();
        assert!(told.contains("answered 401: no; give"), "{told}");
        assert!(
            told.ends_with(
                ". It would say so of every post: 1 post asked, 72 posts left unpredicted"
            ),
            "{told}"
        );
    }
}
