//! Blind mode: for which posts the model's answer stays hidden until the reviewer has decided.
//!
//! Deciding before seeing a suggestion lowers over-reliance on it (Buçinca et al. 2021, arXiv 2102.09692), and only
//! decisions made without it measure a model fairly.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::post::PostId;

/// Keeps the sample apart from the shuffle of the same seed.
const SALT: u64 = 0x626c_696e_6400_0000;

/// A session's choice. The default hides nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BlindMode {
    /// How many of a hundred posts are decided blind: 0 none, 100 all.
    pub share_percent: u8,
    /// Which posts these are, where they are not all; the same seed means the same posts.
    pub seed: u32,
    /// Whether the dataset's label is hidden as well.
    pub hides_dataset: bool,
}

impl BlindMode {
    /// Whether it hides anything.
    pub fn is_on(self) -> bool {
        self.share_percent > 0
    }

    /// Whether a post is decided blind: by its id, so that it stays so when rows move.
    pub fn holds_for(self, post: PostId) -> bool {
        match self.share_percent {
            0 => false,
            100.. => true,
            share => {
                let seed = SALT | u64::from(self.seed);
                xxh3_64_with_seed(&post.0.to_le_bytes(), seed) % 100 < u64::from(share)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_sample_that_its_seed_repeats() {
        let mode = |share_percent, seed| BlindMode {
            share_percent,
            seed,
            ..BlindMode::default()
        };
        let sample = |mode: BlindMode| -> Vec<u128> {
            let posts = (0..10_000_u128).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            posts.filter(|id| mode.holds_for(PostId(*id))).collect()
        };
        assert_eq!(sample(mode(0, 1)), [0_u128; 0]);
        assert_eq!(sample(mode(100, 1)).len(), 10_000);
        let tenth = sample(mode(10, 1));
        // Four standard deviations about a tenth.
        assert!((880..1120).contains(&tenth.len()), "{}", tenth.len());
        assert_eq!(tenth, sample(mode(10, 1)));
        assert_ne!(tenth, sample(mode(10, 2)));
        // A larger share of the same seed keeps the smaller one's posts.
        let fifth = sample(mode(20, 1));
        assert!(tenth.iter().all(|post| fifth.contains(post)));
    }
}
