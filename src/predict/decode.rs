//! Greedy decoding over any [`Network`], with answers drafted ahead.
//!
//! The text is what plain greedy decoding gives, token for token: a draft is taken as far as the network's own best
//! token agrees with it, and no further. Where the drafts hold the whole answer, it takes one pass.

use std::time::Instant;

use candle_core::Tensor;

use super::{
    drafts::{Drafts, tokens_a_pass},
    logits::{Best, Logits, Row},
};
use crate::model::{ModelError, ModelInput, Network, Node, TokenTree};

/// How to decode.
#[derive(Clone, Copy, Debug)]
pub struct Decoding<'a> {
    /// The longest answer, in tokens.
    pub max_new_tokens: usize,
    /// What is tried ahead; [`Drafts::none`] for one pass a token.
    pub drafts: &'a Drafts,
    /// Whether the logits of the first step are kept.
    pub keep_first_logits: bool,
    /// Whether the passes are kept, for whoever asks for more of what they say: each is as large as the vocabulary for
    /// every token that was tried.
    pub keep_passes: bool,
}

/// What greedy decoding gave for one sequence.
#[derive(Clone, PartialEq, Debug)]
pub struct Generated {
    /// The generated ids, the end-of-sequence id included if it came.
    pub ids: Vec<u32>,
    /// The natural log of the answer's probability: the sum over its tokens, end of sequence included.
    pub logprob: f64,
    /// The smallest gap, over the steps, between the best and the second-best token's log-probability.
    pub margin: f64,
    /// Whether the model ended the answer itself.
    pub ended: bool,
    /// How many passes it took, the prompt's included.
    pub passes: usize,
    /// Logits of the first step, if asked for.
    pub first_logits: Option<Vec<f32>>,
}

/// Wall-clock seconds of one batch.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct DecodeSeconds {
    /// Image tower and prompt, with the first drafts.
    pub prefill: f64,
    /// All further passes.
    pub decode: f64,
}

/// What a batch gave.
#[derive(Debug)]
pub struct Decoded {
    /// Of each sequence. A NaN among its logits is an error for that sequence alone.
    pub answers: Vec<Result<Generated, ModelError>>,
    /// What was run, for whoever wants to know more of it.
    pub passes: Vec<Pass>,
    /// What it took.
    pub seconds: DecodeSeconds,
}

/// One pass of a batch through the network.
#[derive(Debug)]
pub struct Pass {
    logits: Logits,
    /// Of each sequence: what ran.
    pub trees: Vec<TokenTree>,
    /// Of each sequence: the tokens behind the prompt that the tree follows.
    pub before: Vec<Vec<u32>>,
    /// Whether the first row is what the prompt goes on with.
    is_prefill: bool,
}

impl Pass {
    /// The pass of the prompts with the same drafts behind each; logits `(batch, rows, vocabulary)` f32.
    ///
    /// # Errors
    /// A device that fails.
    pub fn prefill(logits: Tensor, drafts: &TokenTree, batch: usize) -> Result<Self, ModelError> {
        Ok(Self {
            logits: Logits::new(logits)?,
            trees: vec![drafts.clone(); batch],
            before: vec![Vec::new(); batch],
            is_prefill: true,
        })
    }

    /// A pass of trees behind the prompts and these tokens; logits likewise.
    ///
    /// # Errors
    /// A device that fails.
    pub fn further(
        logits: Tensor,
        trees: Vec<TokenTree>,
        before: Vec<Vec<u32>>,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            logits: Logits::new(logits)?,
            trees,
            before,
            is_prefill: false,
        })
    }

    /// The row of what comes behind a node; `None` if that did not run here.
    fn row_behind(&self, node: Node) -> Option<usize> {
        match (node, self.is_prefill) {
            (None, true) => Some(0),
            (None, false) => None,
            (Some(node), is_prefill) => Some(node + usize::from(is_prefill)),
        }
    }

    /// What comes behind a node of a sequence's tree; `None` if that is not a number, or if it did not run here.
    ///
    /// # Errors
    /// A device that fails.
    pub fn row(&self, sequence: usize, node: Node) -> Result<Option<Row>, ModelError> {
        let row = self.row_behind(node);
        row.map_or(Ok(None), |row| self.logits.row(sequence, row))
    }

    /// The best token behind a node, likewise.
    ///
    /// # Errors
    /// A device that fails.
    pub fn best(&self, sequence: usize, node: Node) -> Result<Option<Best>, ModelError> {
        let row = self.row_behind(node);
        row.map_or(Ok(None), |row| self.logits.best(sequence, row))
    }

    /// The natural logs of the probabilities of some tokens, behind nodes that ran here; `None` where they are not numbers.
    ///
    /// # Errors
    /// A node that did not run here, a token beyond the vocabulary, and a device that fails.
    pub fn log_probs(
        &self,
        sequence: usize,
        wanted: Vec<(Node, Vec<u32>)>,
    ) -> Result<Vec<Option<Vec<f64>>>, ModelError> {
        let row = |(node, tokens)| {
            let missing = || ModelError::Input("a token that did not run".to_owned());
            Ok((self.row_behind(node).ok_or_else(missing)?, tokens))
        };
        let wanted: Result<Vec<_>, ModelError> = wanted.into_iter().map(row).collect();
        self.logits.log_probs(sequence, &wanted?)
    }
}

/// Runs a batch to its end. `cancelled` is asked before every pass.
///
/// The most likely token is taken at every step; among equals the one with the lowest id, as the reference does.
///
/// # Errors
/// [`ModelError::Cancelled`], and what the network reports.
pub fn decode(
    network: &mut dyn Network,
    batch: &[&ModelInput],
    decoding: &Decoding,
    cancelled: &dyn Fn() -> bool,
) -> Result<Decoded, ModelError> {
    let go_on = || {
        if cancelled() {
            Err(ModelError::Cancelled)
        } else {
            Ok(())
        }
    };
    let tokens_a_pass = tokens_a_pass(network.device());
    let limits = Limits {
        max_new_tokens: decoding.max_new_tokens,
        eos_ids: network.eos_ids().to_vec(),
    };
    let mut sequences = vec![Sequence::default(); batch.len()];

    go_on()?;
    let started = Instant::now();
    let drafts = decoding.drafts.behind_prompt(tokens_a_pass);
    let logits = network.prefill(batch, &drafts)?;
    let mut pass = Pass::prefill(logits, &drafts, batch.len())?;
    // Reading the logits waits for the device, so it belongs into the time of the pass that made them.
    for (i, sequence) in sequences.iter_mut().enumerate() {
        if decoding.keep_first_logits {
            sequence.first_logits = pass.row(i, None)?.map(Row::into_logits);
        }
        sequence.walk(&pass, i, None, &limits)?;
    }
    let prefill = started.elapsed().as_secs_f64();
    let mut passes = Vec::new();
    while sequences.iter().any(|sequence| !sequence.is_done(&limits)) {
        go_on()?;
        let kept: Vec<Node> = sequences.iter().map(|sequence| sequence.node).collect();
        network.keep(&kept)?;
        let trees = sequences
            .iter()
            .map(|s| s.next_tree(decoding.drafts, tokens_a_pass, &limits));
        let trees: Vec<TokenTree> = trees.collect();
        let before = sequences.iter().map(Sequence::run_before).collect();
        let logits = network.extend(&trees)?;
        let further = Pass::further(logits, trees, before)?;
        let earlier = std::mem::replace(&mut pass, further);
        passes.extend(decoding.keep_passes.then_some(earlier));
        for (i, sequence) in sequences.iter_mut().enumerate() {
            if !sequence.is_done(&limits) {
                sequence.walk(&pass, i, Some(0), &limits)?;
            }
        }
    }
    passes.extend(decoding.keep_passes.then_some(pass));
    let seconds = DecodeSeconds {
        prefill,
        decode: started.elapsed().as_secs_f64() - prefill,
    };
    Ok(Decoded {
        answers: sequences.into_iter().map(Sequence::finish).collect(),
        passes,
        seconds,
    })
}

/// When an answer is over.
struct Limits {
    max_new_tokens: usize,
    eos_ids: Vec<u32>,
}

/// One sequence of a batch while it is generated.
#[derive(Clone, Default)]
struct Sequence {
    ids: Vec<u32>,
    logprob: f64,
    margin: Option<f64>,
    ended: bool,
    /// Where in the tree that ran last the answer stands, as far as it ran.
    node: Node,
    passes: usize,
    /// The step whose logits were not numbers.
    failed_at: Option<usize>,
    first_logits: Option<Vec<f32>>,
}

impl Sequence {
    fn is_done(&self, limits: &Limits) -> bool {
        self.ended || self.failed_at.is_some() || self.ids.len() >= limits.max_new_tokens
    }

    /// Takes tokens as long as the pass says what comes next, beginning behind `node` of its tree.
    fn walk(
        &mut self,
        pass: &Pass,
        sequence: usize,
        node: Node,
        limits: &Limits,
    ) -> Result<(), ModelError> {
        self.passes += 1;
        self.node = node;
        while !self.is_done(limits) {
            let Some(best) = pass.best(sequence, self.node)? else {
                self.failed_at = Some(self.ids.len() + 1);
                break;
            };
            self.ids.push(best.id);
            self.logprob += best.logprob;
            let margin = self.margin.unwrap_or(f64::INFINITY);
            self.margin = Some(margin.min(best.margin));
            self.ended = limits.eos_ids.contains(&best.id);
            let tree = pass.trees.get(sequence);
            match tree.and_then(|tree| tree.child(self.node, best.id)) {
                Some(child) => self.node = Some(child),
                None => break,
            }
        }
        Ok(())
    }

    /// The answer so far without its last token, which has yet to run.
    fn run_before(&self) -> Vec<u32> {
        self.ids
            .split_last()
            .map_or_else(Vec::new, |(_, before)| before.to_vec())
    }

    /// What runs next: the last token and what may follow; nothing for an answer that is over.
    fn next_tree(&self, drafts: &Drafts, tokens_a_pass: f64, limits: &Limits) -> TokenTree {
        if self.is_done(limits) {
            return TokenTree::default();
        }
        drafts.behind_answer(&self.ids, tokens_a_pass)
    }

    fn finish(self) -> Result<Generated, ModelError> {
        match self.failed_at {
            Some(step) => Err(ModelError::NotANumber { step }),
            None => Ok(Generated {
                ids: self.ids,
                logprob: self.logprob,
                margin: self.margin.unwrap_or(f64::INFINITY),
                ended: self.ended,
                passes: self.passes,
                first_logits: self.first_logits,
            }),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::predict::scripted::{Scripted, input};

    fn run(
        network: &mut Scripted,
        posts: usize,
        max_new_tokens: usize,
        drafts: &Drafts,
    ) -> Vec<Result<Generated, ModelError>> {
        let input = input();
        let decoding = Decoding {
            max_new_tokens,
            drafts,
            keep_first_logits: false,
            keep_passes: true,
        };
        let batch = vec![&input; posts];
        decode(network, &batch, &decoding, &|| false)
            .unwrap()
            .answers
    }

    #[test]
    fn each_sequence_of_a_batch_ends_where_it_ends_alone() {
        // The i-th sequence says "3" i times, then ends.
        let mut network = Scripted::new(|sequence, so_far| {
            let mut logits = vec![0.0; 4];
            logits[if so_far.len() < sequence { 3 } else { 0 }] = 9.0;
            logits
        });
        let mut learned = Drafts::none();
        learned.learn(&[3, 0]);
        for drafts in [Drafts::none(), learned] {
            let all = run(&mut network, 3, 10, &drafts);
            let ids: Vec<Vec<u32>> = all.into_iter().map(|g| g.unwrap().ids).collect();
            assert_eq!(ids, [vec![0], vec![3, 0], vec![3, 3, 0]]);
        }
    }

    /// Says these tokens one after the other, whatever came before.
    fn saying(tokens: &'static [u32]) -> Scripted {
        Scripted::new(move |_, so_far| {
            let mut logits = vec![0.0; 10];
            logits[tokens.get(so_far.len()).copied().unwrap_or(0) as usize] = 1.0;
            logits
        })
    }

    #[test]
    fn a_draft_saves_passes_and_changes_nothing() {
        let mut drafts = Drafts::none();
        for ids in [&[4, 5, 0][..], &[4, 6, 7, 0], &[8, 9, 0], &[0]] {
            drafts.learn(ids);
        }
        for (said, passes) in [
            (&[4, 6, 7, 0][..], 1),
            (&[0], 1),
            // Left the tree, and ended as a known answer does.
            (&[4, 8, 9, 0], 2),
            // Inside of no known answer.
            (&[3, 3, 3, 0], 4),
            // The end comes where an answer would go on.
            (&[4, 6, 0], 1),
            // Repeated.
            (&[4, 5, 4, 5, 0], 2),
        ] {
            let said: &'static [u32] = said.to_vec().leak();
            let plain = run(&mut saying(said), 2, 6, &Drafts::none())
                .remove(0)
                .unwrap();
            let drafted = run(&mut saying(said), 2, 6, &drafts).remove(0).unwrap();
            assert_eq!(plain.ids, said);
            assert_eq!(plain.passes, said.len());
            assert!(drafted.passes <= passes, "{said:?}: {}", drafted.passes);
            let without_passes = Generated {
                passes: plain.passes,
                ..drafted
            };
            assert_eq!(without_passes, plain);
        }
    }

    #[test]
    fn a_draft_longer_than_the_answer_may_be_is_cut() {
        let mut drafts = Drafts::none();
        drafts.learn(&[4, 5, 6, 7, 0]);
        let cut = run(&mut saying(&[4, 5, 6, 7, 0]), 1, 3, &drafts)
            .remove(0)
            .unwrap();
        assert_eq!((cut.ids, cut.ended), (vec![4, 5, 6], false));
    }

    #[test]
    fn an_answer_that_does_not_end_is_cut_and_says_so() {
        let mut network = Scripted::new(|_, _| vec![0.0, 1.0]);
        let generated = run(&mut network, 1, 4, &Drafts::none()).remove(0).unwrap();
        assert_eq!((generated.ids.len(), generated.ended), (4, false));
        assert!((generated.logprob - 4.0 * -(1.0 + (-1f64).exp()).ln()).abs() < 1e-6);
        assert!((generated.margin - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_sequence_with_a_nan_fails_alone() {
        let mut network = Scripted::new(|sequence, so_far| match (sequence, so_far.len()) {
            (0, 1) => vec![f32::NAN, 0.0],
            (_, 0..2) => vec![0.0, 1.0],
            _ => vec![1.0, 0.0],
        });
        let all = run(&mut network, 2, 10, &Drafts::none());
        assert!(matches!(all[0], Err(ModelError::NotANumber { step: 2 })));
        assert_eq!(all[1].as_ref().unwrap().ids, [1, 1, 0]);
    }

    #[test]
    fn a_cancelled_batch_stops_before_its_next_pass() {
        let mut network = Scripted::new(|_, _| vec![0.0, 1.0]);
        let asked = std::cell::Cell::new(0);
        let cancelled = || asked.replace(asked.get() + 1) == 2;
        let decoding = Decoding {
            max_new_tokens: 10,
            drafts: &Drafts::none(),
            keep_first_logits: false,
            keep_passes: true,
        };
        let result = decode(&mut network, &[&input()], &decoding, &cancelled);
        assert!(matches!(result, Err(ModelError::Cancelled)));
        assert_eq!(network.passes(), 2);
    }
}
