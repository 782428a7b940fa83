//! Which post of a job comes next: the focus first, then the order wanted, each once.

use std::collections::HashMap;

use crate::model::ModelInput;

/// How many posts of a focus list count.
const FOCUS: usize = 64;

/// What an image thread made of a post.
pub(super) struct Prepared {
    /// The post's place in the dataset.
    pub post: usize,
    /// What the network takes, or what to tell the user.
    pub input: Result<ModelInput, String>,
    /// What decoding, resizing and tokenising took.
    pub image_secs: f64,
}

/// A post that can run.
pub(super) struct Runnable {
    /// The post's place in the dataset.
    pub post: usize,
    /// What the network takes.
    pub input: ModelInput,
    /// What decoding, resizing and tokenising took.
    pub image_secs: f64,
}

/// What the inference thread does next.
pub(super) enum Next {
    /// Run these together.
    Batch(Vec<Runnable>),
    /// Tell that a post has no answer, and why.
    Failed {
        post: usize,
        message: String,
        image_secs: f64,
    },
    /// The posts that come next are not prepared yet.
    NotYet,
    /// Every post was handed out.
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    /// Not in the job.
    Elsewhere,
    Waiting,
    Preparing,
    Ready,
    /// Handed to the network.
    Taken,
}

/// The posts of one job, and what is ready of them.
///
/// Only posts of the *window*, the first few outstanding ones in the order wanted, are prepared ahead: this
/// bounds the memory, and a new focus moves the window.
pub(super) struct Schedule {
    posts: Vec<usize>,
    /// By place in the dataset.
    status: Vec<Status>,
    /// All of `posts` before this one are taken.
    first: usize,
    focus: Vec<usize>,
    ready: HashMap<usize, Prepared>,
    batch_size: usize,
    total: usize,
}

impl Schedule {
    /// A job of some posts of a dataset; places that the dataset does not have are left out.
    pub fn new(posts: Vec<usize>, dataset_len: usize, batch_size: usize) -> Self {
        let mut status = vec![Status::Elsewhere; dataset_len];
        let mut total = 0;
        for &post in &posts {
            if let Some(status @ Status::Elsewhere) = status.get_mut(post) {
                *status = Status::Waiting;
                total += 1;
            }
        }
        Self {
            posts,
            status,
            first: 0,
            focus: Vec::new(),
            ready: HashMap::new(),
            batch_size: batch_size.max(1),
            total,
        }
    }

    /// How many posts the job has.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Changes which posts come first.
    pub fn set_focus(&mut self, focus: &[usize]) {
        self.focus.clear();
        for &post in focus.iter().take(FOCUS) {
            if !self.focus.contains(&post) {
                self.focus.push(post);
            }
        }
    }

    /// Whether every post was handed out.
    pub fn is_done(&self) -> bool {
        self.window().next().is_none()
    }

    /// The post to prepare next, if any may be prepared now.
    pub fn take_unprepared(&mut self) -> Option<usize> {
        let post = self
            .window()
            .find(|&post| self.status_of(post) == Status::Waiting)?;
        self.set_status(post, Status::Preparing);
        Some(post)
    }

    /// Takes what an image thread made.
    pub fn store(&mut self, prepared: Prepared) {
        self.set_status(prepared.post, Status::Ready);
        self.ready.insert(prepared.post, prepared);
        if self.ready.len() > 2 * self.window_len() {
            self.forget_far_posts();
        }
    }

    /// Takes another size of batches; the window grows and shrinks with it.
    pub fn set_batch_size(&mut self, batch_size: usize) {
        self.batch_size = batch_size.max(1);
    }

    /// What to run next. The first of the window leads; others of like length go with it.
    pub fn next(&mut self) -> Next {
        let window: Vec<usize> = self.window().collect();
        let Some(&leader) = window.first() else {
            return Next::Done;
        };
        let leader_len = match self.ready.get(&leader).map(|prepared| &prepared.input) {
            None => return Next::NotYet,
            Some(Ok(input)) => input.input_ids.len(),
            Some(Err(_)) => return self.take_failed(leader),
        };
        let mut candidates: Vec<(usize, usize)> = window
            .iter()
            .filter_map(|post| self.ready.get(post))
            .filter_map(|prepared| {
                let len = prepared.input.as_ref().ok()?.input_ids.len();
                Some((len.abs_diff(leader_len), prepared.post))
            })
            .collect();
        let all_prepared = window.iter().all(|post| self.ready.contains_key(post));
        if candidates.len() < self.batch_size && !all_prepared {
            return Next::NotYet;
        }
        // The sort is stable, so the leader stays in front and equals keep the order wanted.
        candidates.sort_by_key(|&(difference, _)| difference);
        candidates.truncate(self.batch_size);
        let batch = candidates
            .into_iter()
            .filter_map(|(_, post)| self.take_runnable(post))
            .collect();
        Next::Batch(batch)
    }

    /// How many posts may be prepared ahead: two batches behind the present one.
    fn window_len(&self) -> usize {
        (3 * self.batch_size).max(4)
    }

    /// The first outstanding posts in the order wanted.
    fn window(&self) -> impl Iterator<Item = usize> {
        let outstanding =
            |post: &usize| !matches!(self.status_of(*post), Status::Elsewhere | Status::Taken);
        let focused = self.focus.iter().copied().filter(outstanding);
        let others = self
            .posts
            .iter()
            .skip(self.first)
            .copied()
            .filter(outstanding)
            .filter(|post| !self.focus.contains(post));
        focused.chain(others).take(self.window_len())
    }

    fn status_of(&self, post: usize) -> Status {
        self.status.get(post).copied().unwrap_or(Status::Elsewhere)
    }

    fn set_status(&mut self, post: usize, status: Status) {
        if let Some(slot) = self.status.get_mut(post) {
            *slot = status;
        }
    }

    fn take_runnable(&mut self, post: usize) -> Option<Runnable> {
        let prepared = self.take(post)?;
        Some(Runnable {
            post,
            input: prepared.input.ok()?,
            image_secs: prepared.image_secs,
        })
    }

    fn take_failed(&mut self, post: usize) -> Next {
        match self.take(post) {
            Some(Prepared {
                input: Err(message),
                image_secs,
                ..
            }) => Next::Failed {
                post,
                message,
                image_secs,
            },
            _ => Next::NotYet,
        }
    }

    fn take(&mut self, post: usize) -> Option<Prepared> {
        let prepared = self.ready.remove(&post)?;
        self.set_status(post, Status::Taken);
        while let Some(&post) = self.posts.get(self.first)
            && matches!(self.status_of(post), Status::Taken | Status::Elsewhere)
        {
            self.first += 1;
        }
        Some(prepared)
    }

    /// Drops what a change of focus has put far behind; it is prepared again when its turn comes.
    fn forget_far_posts(&mut self) {
        let window: Vec<usize> = self.window().collect();
        let far: Vec<usize> = self
            .ready
            .keys()
            .copied()
            .filter(|post| !window.contains(post))
            .collect();
        for post in far {
            self.ready.remove(&post);
            self.set_status(post, Status::Waiting);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(post: usize, input_len: usize) -> Prepared {
        let input = ModelInput {
            prompt: String::new(),
            input_ids: vec![0; input_len],
            pixel_values: None,
            request: None,
        };
        Prepared {
            post,
            input: Ok(input),
            image_secs: 0.0,
        }
    }

    /// Prepares whatever may be prepared; the length of a post's prompt is `len(post)`.
    fn prepare_all(schedule: &mut Schedule, len: impl Fn(usize) -> usize) -> Vec<usize> {
        let taken: Vec<usize> = std::iter::from_fn(|| schedule.take_unprepared()).collect();
        for &post in &taken {
            schedule.store(prepared(post, len(post)));
        }
        taken
    }

    fn batch(schedule: &mut Schedule) -> Vec<usize> {
        match schedule.next() {
            Next::Batch(batch) => batch.iter().map(|runnable| runnable.post).collect(),
            _ => Vec::new(),
        }
    }

    fn run_to_the_end(schedule: &mut Schedule) -> Vec<usize> {
        let mut order = Vec::new();
        loop {
            prepare_all(schedule, |_| 1);
            match schedule.next() {
                Next::Batch(batch) => order.extend(batch.iter().map(|runnable| runnable.post)),
                Next::Failed { post, .. } => order.push(post),
                Next::NotYet => unreachable!("everything is prepared"),
                Next::Done => return order,
            }
        }
    }

    #[test]
    fn posts_come_in_the_order_wanted_each_once_and_unknown_places_never() {
        let mut schedule = Schedule::new(vec![5, 1, 5, 3, 99, 1], 6, 1);
        assert_eq!(schedule.total(), 3);
        assert_eq!(run_to_the_end(&mut schedule), [5, 1, 3]);
    }

    #[test]
    fn the_focus_comes_first_in_its_own_order() {
        let posts = (0..10).collect();
        let mut schedule = Schedule::new(posts, 10, 1);
        schedule.set_focus(&[7, 3, 42]);
        assert_eq!(
            run_to_the_end(&mut schedule),
            [7, 3, 0, 1, 2, 4, 5, 6, 8, 9]
        );
    }

    #[test]
    fn a_new_focus_is_waited_for_although_others_are_ready() {
        let mut schedule = Schedule::new((0..100).collect(), 100, 1);
        assert_eq!(prepare_all(&mut schedule, |_| 1), [0, 1, 2, 3]);
        schedule.set_focus(&[50]);
        assert!(matches!(schedule.next(), Next::NotYet));
        assert_eq!(prepare_all(&mut schedule, |_| 1), [50]);
        assert_eq!(batch(&mut schedule), [50]);
        assert_eq!(batch(&mut schedule), [0]);
    }

    #[test]
    fn what_is_prepared_ahead_is_bounded_however_often_the_focus_moves() {
        let mut schedule = Schedule::new((0..1000).collect(), 1000, 2);
        for place in 0..100 {
            schedule.set_focus(&[place * 10]);
            prepare_all(&mut schedule, |_| 1);
            assert!(schedule.ready.len() <= 2 * schedule.window_len());
        }
        let mut order = run_to_the_end(&mut schedule);
        assert_eq!(order.first(), Some(&990));
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn posts_of_like_length_run_together_and_the_first_one_never_waits() {
        let mut schedule = Schedule::new((0..6).collect(), 6, 2);
        let lengths = [10, 90, 50, 11, 91, 52];
        prepare_all(&mut schedule, |post| lengths[post]);
        assert_eq!(batch(&mut schedule), [0, 3]);
        assert_eq!(batch(&mut schedule), [1, 4]);
        assert_eq!(batch(&mut schedule), [2, 5]);
        assert!(matches!(schedule.next(), Next::Done));
    }

    #[test]
    fn a_batch_waits_until_it_is_full_or_nothing_more_can_come() {
        let mut schedule = Schedule::new(vec![0, 1, 2], 3, 2);
        let first = schedule.take_unprepared().unwrap();
        schedule.store(prepared(first, 1));
        assert!(matches!(schedule.next(), Next::NotYet));
        prepare_all(&mut schedule, |_| 1);
        assert_eq!(batch(&mut schedule), [0, 1]);
        assert_eq!(batch(&mut schedule), [2]);
    }

    #[test]
    fn a_post_that_cannot_be_prepared_is_told_in_its_turn() {
        let mut schedule = Schedule::new(vec![0, 1, 2], 3, 1);
        while let Some(post) = schedule.take_unprepared() {
            let mut prepared = prepared(post, 1);
            if post == 1 {
                prepared.input = Err("no image".to_owned());
            }
            schedule.store(prepared);
        }
        assert_eq!(batch(&mut schedule), [0]);
        assert!(
            matches!(schedule.next(), Next::Failed { post: 1, message, .. } if message == "no image")
        );
        assert_eq!(batch(&mut schedule), [2]);
    }
}
