//! The places of one sequence in the cache, and which of them a token sees.

use super::Position;
use crate::model::token_tree::{Node, TokenTree};

/// How far a network's tokens see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reach {
    /// Whether the tokens of a prompt see those behind them, too (a prefix language model), also beyond the window.
    pub prompt_sees_itself: bool,
    /// How far the sliding layers look back, in tokens, the token itself included.
    pub sliding_window: Option<usize>,
}

/// What stands at a place of the cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// Nothing: padding on the left, a draft that was not kept, or what fills up a shorter tree.
    Dead,
    /// A token of the prompt: how many stand before it.
    Prompt(usize),
    /// A token of the answer so far: how many stand before it, the prompt's included.
    Kept(usize),
    /// A drafted token: how many stand before it on its path, and the place of the drafted token it follows.
    Draft(usize, Option<usize>),
}

impl Place {
    /// How many tokens stand before it in its sequence.
    fn before(self) -> Option<usize> {
        match self {
            Self::Dead => None,
            Self::Prompt(before) | Self::Kept(before) | Self::Draft(before, _) => Some(before),
        }
    }
}

/// One sequence of a batch.
pub(super) struct Sequence {
    places: Vec<Place>,
    positions: Vec<Position>,
    /// How many tokens the prompt and the answer so far have.
    tokens: usize,
    prompt_tokens: usize,
    /// The position of the answer's first token.
    next: u32,
}

impl Sequence {
    /// A prompt behind its padding.
    pub fn new(padding: usize, positions: &[Position], next: u32) -> Self {
        let mut places = vec![Place::Dead; padding];
        places.extend((0..positions.len()).map(Place::Prompt));
        // What the padding gets is never seen.
        let mut all = vec![Position::default(); padding];
        all.extend(positions);
        Self {
            places,
            positions: all,
            tokens: positions.len(),
            prompt_tokens: positions.len(),
            next,
        }
    }

    /// Appends a drafted tree behind the answer so far, filled up to `nodes` places.
    pub fn append(&mut self, tree: &TokenTree, nodes: usize) {
        let first = self.places.len();
        for node in 0..nodes {
            if node >= tree.len() {
                self.places.push(Place::Dead);
                self.positions.push(Position::default());
                continue;
            }
            let before = self.tokens + tree.depth(Some(node)) - 1;
            let parent = tree.parent(node).map(|parent| first + parent);
            let position = self.next + (before - self.prompt_tokens) as u32;
            self.places.push(Place::Draft(before, parent));
            self.positions.push([position; 3]);
        }
    }

    /// Keeps the path to a node of the tree that begins at the place `first`; the other drafts die.
    pub fn keep(&mut self, first: usize, node: Node) {
        let mut on_path = node.map(|node| first + node);
        for at in (first..self.places.len()).rev() {
            let Some(place) = self.places.get_mut(at) else {
                continue;
            };
            match *place {
                Place::Draft(before, parent) if on_path == Some(at) => {
                    *place = Place::Kept(before);
                    self.tokens = self.tokens.max(before + 1);
                    on_path = parent;
                }
                _ => *place = Place::Dead,
            }
        }
    }

    /// Forgets all but the first `len` places.
    pub fn truncate(&mut self, len: usize) {
        self.places.truncate(len);
        self.positions.truncate(len);
        let before = self.places.iter().rev().find_map(|place| place.before());
        self.tokens = before.map_or(0, |before| before + 1);
    }

    /// How many places there are up to the last one that is not dead.
    pub fn kept_len(&self) -> usize {
        let dead = self
            .places
            .iter()
            .rev()
            .take_while(|place| **place == Place::Dead);
        self.places.len() - dead.count()
    }

    /// Whether a token stands at a place.
    pub fn is_real(&self, place: usize) -> bool {
        self.places
            .get(place)
            .is_some_and(|place| *place != Place::Dead)
    }

    /// The positions from a place on.
    pub fn positions(&self, first: usize) -> impl Iterator<Item = Position> {
        self.positions.iter().skip(first).copied()
    }

    /// Whether the token at the place `q` sees the one at `k`, in a layer that looks back `window` tokens.
    ///
    /// Every place sees itself, as it must see something.
    pub fn sees(&self, q: usize, k: usize, reach: Reach, window: Option<usize>) -> bool {
        let (Some(query), Some(key)) = (self.places.get(q), self.places.get(k)) else {
            return false;
        };
        let near =
            |at: usize, seen: usize| seen <= at && window.is_none_or(|window| at - seen < window);
        match (*query, *key) {
            _ if q == k => true,
            (Place::Dead, _) | (_, Place::Dead) => false,
            (Place::Prompt(at), Place::Prompt(seen)) => reach.prompt_sees_itself || near(at, seen),
            (Place::Prompt(_), _) | (Place::Kept(_), Place::Draft(..)) => false,
            (Place::Draft(at, _), Place::Draft(seen, _)) => near(at, seen) && self.follows(q, k),
            (Place::Kept(at) | Place::Draft(at, _), Place::Prompt(seen) | Place::Kept(seen)) => {
                near(at, seen)
            }
        }
    }

    /// Whether the draft at the place `q` follows the one at `k`.
    fn follows(&self, q: usize, k: usize) -> bool {
        let parent = |at: &usize| match self.places.get(*at) {
            Some(Place::Draft(_, parent)) => *parent,
            _ => None,
        };
        std::iter::successors(Some(q), parent).any(|at| at == k)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAUSAL: Reach = Reach {
        prompt_sees_itself: false,
        sliding_window: None,
    };

    /// What the token at a place sees, as a text of the places' letters.
    fn seen(sequence: &Sequence, q: usize, reach: Reach, window: Option<usize>) -> String {
        (0..sequence.places.len())
            .filter(|k| sequence.sees(q, *k, reach, window))
            .map(|k| char::from(b'a' + k as u8))
            .collect()
    }

    /// One place of padding (a), a prompt of three (b c d), and the drafts e → (f, g → h).
    fn drafted() -> Sequence {
        let mut sequence = Sequence::new(1, &[[0; 3], [1; 3], [2; 3]], 7);
        let mut tree = TokenTree::chain(&[5, 6]);
        tree.insert(&[5, 7, 8]);
        sequence.append(&tree, 5);
        sequence
    }

    #[test]
    fn a_draft_sees_the_prompt_and_what_it_follows() {
        let sequence = drafted();
        for (q, expected) in [
            (0, "a"),
            (1, "b"),
            (3, "bcd"),
            (4, "bcde"),
            (5, "bcdef"),
            (6, "bcdeg"),
            (7, "bcdegh"),
            (8, "i"),
        ] {
            assert_eq!(seen(&sequence, q, CAUSAL, None), expected, "{q}");
        }
        let positions: Vec<u32> = sequence.positions(4).map(|p| p[0]).collect();
        assert_eq!(positions, [7, 8, 8, 9, 0]);
    }

    #[test]
    fn a_prompt_may_see_itself_and_never_its_drafts() {
        let reach = Reach {
            prompt_sees_itself: true,
            ..CAUSAL
        };
        assert_eq!(seen(&drafted(), 1, reach, None), "bcd");
        assert_eq!(seen(&drafted(), 1, reach, Some(2)), "bcd");
        assert_eq!(seen(&drafted(), 4, reach, Some(2)), "de");
        assert_eq!(seen(&drafted(), 3, CAUSAL, Some(2)), "cd");
    }

    #[test]
    fn what_follows_a_kept_path_goes_on_from_its_end() {
        let mut sequence = drafted();
        sequence.keep(4, Some(2));
        assert_eq!(sequence.kept_len(), 7);
        sequence.truncate(7);
        sequence.append(&TokenTree::chain(&[9]), 1);
        assert_eq!(seen(&sequence, 7, CAUSAL, None), "bcdegh");
        assert_eq!(sequence.positions(7).next(), Some([9; 3]));
        sequence.truncate(4);
        sequence.append(&TokenTree::chain(&[9]), 1);
        assert_eq!(sequence.positions(4).next(), Some([7; 3]));
    }
}
