//! How the work stands, kept up to date with every change.

/// How many posts are in which state. A post may be in several.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReviewCounts {
    /// With a confirmed decision.
    pub reviewed: usize,
    /// Decided before the model's answer was visible.
    pub blind: usize,
    /// Decided blind, and revised when the answer was visible.
    pub revised: usize,
    /// Put aside.
    pub skipped: usize,
    /// Left to someone else.
    pub escalated: usize,
    /// Marked for a second look.
    pub flagged: usize,
    /// With labels edited and not confirmed.
    pub drafts: usize,
    /// With a note.
    pub noted: usize,
    /// Whose decision differs from what the model of the present run said.
    pub overruled: usize,
    /// Whose decision differs from the dataset's label.
    pub corrected: usize,
    /// With an answer of the present run, failed ones included.
    pub predicted: usize,
    /// Whose answer could not be parsed.
    pub parse_failed: usize,
    /// That could not be answered at all.
    pub failed: usize,
}

/// The same for one post: each field is 0 or 1.
pub(super) type Facts = ReviewCounts;

impl ReviewCounts {
    /// Takes one post's facts out and puts the new ones in.
    pub(super) fn replace(&mut self, before: Facts, after: Facts) {
        self.each(before, |sum, fact| *sum = sum.saturating_sub(fact));
        self.each(after, |sum, fact| *sum += fact);
    }

    /// As it is when no post has an answer.
    pub(super) fn forget_predictions(&mut self) {
        self.overruled = 0;
        self.predicted = 0;
        self.parse_failed = 0;
        self.failed = 0;
    }

    fn each(&mut self, facts: Facts, mut with: impl FnMut(&mut usize, usize)) {
        let Self {
            reviewed,
            blind,
            revised,
            skipped,
            escalated,
            flagged,
            drafts,
            noted,
            overruled,
            corrected,
            predicted,
            parse_failed,
            failed,
        } = self;
        with(reviewed, facts.reviewed);
        with(blind, facts.blind);
        with(revised, facts.revised);
        with(skipped, facts.skipped);
        with(escalated, facts.escalated);
        with(flagged, facts.flagged);
        with(drafts, facts.drafts);
        with(noted, facts.noted);
        with(overruled, facts.overruled);
        with(corrected, facts.corrected);
        with(predicted, facts.predicted);
        with(parse_failed, facts.parse_failed);
        with(failed, facts.failed);
    }
}
