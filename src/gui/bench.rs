//! The open dataset as the window works with it: the session, the queue, and the figures, each worked out only when something changed.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use super::{
    background::{Background, Due, Wake},
    figures::Figures,
    opening::Opened,
    working::{OnScreen, Working},
};
use crate::{
    post::LabelSet,
    review::{
        Session,
        queue::{self, Filter, Order, Split},
        session::SaveState,
    },
};

/// How many posts behind the cursor the model is asked for first.
const AHEAD: usize = 16;

/// A queue over at most so many posts is worked out within the frame: that is quicker than to start a thread.
const IN_FRAME: usize = 2_000;

/// What to pick for one action over several posts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Select {
    /// None.
    Nothing,
    /// Every post of the queue.
    All,
    /// The post on screen or, if it is picked, not.
    Shown,
    /// This post (its place in the dataset) or, if it is picked, not.
    Toggle(usize),
    /// Every post of the queue from the one on screen to this one.
    Through(usize),
}

/// The open dataset.
pub struct Bench {
    /// What was loaded, predicted and decided.
    pub session: Session,
    /// How the writing to disk stands.
    pub save: SaveState,
    /// The scores.
    pub figures: Figures,
    /// Which posts the queue shows.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
    /// The text searched for.
    pub search: String,
    /// The columns that split the dataset.
    splits: Vec<Split>,
    /// Posts of the queue picked for one action over all of them.
    selection: BTreeSet<usize>,
    queue: Vec<u32>,
    /// The place of the cursor in the queue, or where it would be.
    place: Result<usize, usize>,
    /// The queue being worked out.
    build: Background<Question, Vec<u32>>,
    /// Whether the queue on its way was chosen by the reviewer, and shows its first post if it lacks the one on screen.
    is_chosen: bool,
    /// Posts that left the queue while a new one was on its way.
    left: Vec<u32>,
    on_screen: Option<OnScreen>,
    /// The window's clock at the beginning of the frame.
    clock_secs: f64,
    wake: Wake,
}

/// What the queue shows.
#[derive(Clone, PartialEq, Debug)]
struct Question {
    filter: Filter,
    order: Order,
    search: String,
    /// Which gold posts are mixed in.
    gold: u64,
}

impl Bench {
    /// Takes an opened session. `wake` is called when figures worked out on another thread are there.
    pub fn new(opened: Opened, wake: Wake) -> Self {
        let Opened { session, splits } = opened;
        let mut bench = Self {
            save: SaveState::Saved,
            figures: Figures::new(Arc::clone(&wake)),
            filter: Filter::All,
            order: Order::Dataset,
            search: String::new(),
            splits,
            selection: BTreeSet::new(),
            queue: Vec::new(),
            place: Err(0),
            build: Background::new("overrule-queue"),
            is_chosen: false,
            left: Vec::new(),
            on_screen: None,
            clock_secs: 0.0,
            wake,
            session,
        };
        // In dataset order with nothing left out, which takes no time.
        let question = bench.question();
        bench.queue = bench.build.answer_now(question, || {
            queue::build(&bench.session, Filter::All, Order::Dataset, "")
        });
        bench.find_place();
        bench.leave_put_away();
        bench
    }

    /// The posts of the queue (places in the dataset), in its order.
    pub fn queue(&self) -> &[u32] {
        &self.queue
    }

    /// The posts picked for one action over all of them.
    pub fn selection(&self) -> &BTreeSet<usize> {
        &self.selection
    }

    /// Picks posts, or drops them.
    pub fn select(&mut self, select: Select) {
        match select {
            Select::Nothing => self.selection.clear(),
            Select::All => {
                let queue = self.queue.iter();
                self.selection = queue.map(|post| *post as usize).collect();
            }
            Select::Shown => {
                if let Some(post) = self.cursor() {
                    self.select(Select::Toggle(post));
                }
            }
            Select::Toggle(post) => {
                if !self.selection.remove(&post) {
                    self.selection.insert(post);
                }
            }
            Select::Through(post) => {
                let to = self.queue.iter().position(|p| *p as usize == post);
                if let (Some(to), Ok(from) | Err(from)) = (to, self.place) {
                    // The post on screen may have left the queue at its end.
                    let range = from.min(to)..=from.max(to).min(self.queue.len() - 1);
                    let posts = self.queue.get(range).unwrap_or_default();
                    self.selection
                        .extend(posts.iter().map(|post| *post as usize));
                }
            }
        }
    }

    /// The columns that split the dataset.
    pub fn splits(&self) -> &[Split] {
        &self.splits
    }

    /// The post on screen, unless the dataset has none.
    pub fn cursor(&self) -> Option<usize> {
        let cursor = self.session.cursor();
        (cursor < self.session.dataset().posts.len()).then_some(cursor)
    }

    /// The place of the post on screen in the queue.
    pub fn place(&self) -> Option<usize> {
        self.place.ok()
    }

    /// Shows a post.
    pub fn go_to(&mut self, post: usize) {
        if post < self.session.dataset().posts.len() {
            self.session.set_cursor(post);
            self.find_place();
        }
    }

    /// The post behind the one on screen.
    pub fn next(&self) -> Option<usize> {
        let at = match self.place {
            Ok(place) => place + 1,
            Err(gap) => gap,
        };
        self.queue.get(at).map(|post| *post as usize)
    }

    /// The post before the one on screen.
    pub fn previous(&self) -> Option<usize> {
        let (Ok(place) | Err(place)) = self.place;
        self.queue
            .get(place.checked_sub(1)?)
            .map(|post| *post as usize)
    }

    /// Leaves the post on screen after a decision: shows the next one, and takes the post just left out of the queue if
    /// it does not belong there any more. Returns false at the end of the queue.
    pub fn advance(&mut self) -> bool {
        let left = self.session.cursor();
        let target = self.next();
        self.drop_if_done(left);
        // From the end, go on with what was passed over; a queue of posts to do wraps around.
        let target = target.or_else(|| {
            let first = self.queue.first().map(|post| *post as usize);
            first.filter(|post| self.filter == Filter::Todo && *post != left)
        });
        match target {
            Some(post) => self.go_to(post),
            None => self.find_place(),
        }
        target.is_some()
    }

    /// Takes a post out of the queue that does not belong there any more. Working the whole queue out again would
    /// cost a frame at 150,000 posts; whatever else changed comes with the next `refresh`.
    fn drop_if_done(&mut self, post: usize) {
        if queue::passes(&self.session, self.filter, post) {
            return;
        }
        self.selection.remove(&post);
        if let Ok(place) = self.place {
            self.left.push(self.queue.remove(place));
            self.place = Err(place);
        }
    }

    /// Changes what the queue shows, and moves into it.
    pub fn set_queue(&mut self, filter: Filter, order: Order, search: &str) {
        let changed_posts = filter != self.filter || search != self.search;
        if changed_posts {
            self.selection.clear();
        }
        self.is_chosen |= changed_posts;
        self.filter = filter;
        self.order = order;
        self.search = search.to_owned();
        self.refresh_queue();
    }

    /// Whether the queue that was asked for is still being worked out; the one before it is shown.
    pub fn is_queue_on_its_way(&self) -> bool {
        self.build.is_other_on_its_way()
    }

    /// Whether the queue depends on more than the dataset.
    fn is_live(&self) -> bool {
        !self.session.topics_put_away().is_empty()
            || !matches!(self.order, Order::Dataset | Order::Random(_))
            || !matches!(
                self.filter,
                Filter::All | Filter::Unlabelled | Filter::Column { .. }
            )
    }

    /// What the queue shows, and of which revision of the session; one that depends on the dataset alone is always of
    /// the first.
    fn question(&self) -> (u64, Question) {
        let revision = if self.is_live() {
            self.session.revision()
        } else {
            0
        };
        let question = Question {
            filter: self.filter,
            order: self.order,
            search: self.search.clone(),
            gold: self.session.gold_revision(),
        };
        (revision, question)
    }

    /// Takes a new queue if there is one, and starts to work one out if something changed. How long to wait with that.
    fn refresh_queue(&mut self) -> Option<Duration> {
        if let Some(queue) = self.build.receive() {
            self.take_queue(queue);
        }
        let wanted = self.question();
        match self.build.due(&wanted) {
            Due::Now => {
                self.left.clear();
                let Question {
                    filter,
                    order,
                    search,
                    ..
                } = wanted.1.clone();
                if self.session.dataset().posts.len() <= IN_FRAME {
                    let session = &self.session;
                    let queue = self
                        .build
                        .answer_now(wanted, || queue::build(session, filter, order, &search));
                    self.take_queue(queue);
                } else {
                    let now = self.session.snapshot();
                    self.build.start(wanted, &self.wake, move |_| {
                        queue::build(&now, filter, order, &search)
                    });
                }
                None
            }
            Due::In(pause) => Some(pause),
            Due::Never => None,
        }
    }

    /// Shows a new queue. A post on screen that fell out of it by what happened since stays until the reviewer leaves it.
    fn take_queue(&mut self, queue: Vec<u32>) {
        let stood = self.place.is_ok();
        self.queue = queue;
        // What left the queue is not picked any more: nobody sees that it is.
        let (session, filter) = (&self.session, self.filter);
        self.selection
            .retain(|post| queue::passes(session, filter, *post));
        let left = std::mem::take(&mut self.left).into_iter();
        let gone: HashSet<u32> = left
            .filter(|post| !queue::passes(&self.session, self.filter, *post as usize))
            .collect();
        if !gone.is_empty() {
            self.queue.retain(|post| !gone.contains(post));
        }
        self.find_place();
        let Err(gap) = self.place else {
            self.is_chosen = false;
            return;
        };
        if self.session.is_loading() && self.leave_put_away() {
            return;
        }
        if std::mem::take(&mut self.is_chosen) {
            if let Some(first) = self.queue.first().copied() {
                self.go_to(first as usize);
            }
        } else if let (true, Ok(post)) = (stood, u32::try_from(self.session.cursor())) {
            self.queue.insert(gap.min(self.queue.len()), post);
            self.find_place();
        }
    }

    /// Goes on where the post on screen is one that the reviewer does not want to meet. Whether it was.
    fn leave_put_away(&mut self) -> bool {
        let (Err(gap), Some(post)) = (self.place, self.cursor()) else {
            return false;
        };
        let next = self.queue.get(gap).or(self.queue.first()).copied();
        match next.filter(|_| self.session.is_put_away(post)) {
            Some(next) => {
                self.go_to(next as usize);
                true
            }
            None => false,
        }
    }

    fn find_place(&mut self) {
        let cursor = self.session.cursor();
        let (Ok(gap) | Err(gap)) = self.place;
        let place = self.queue.iter().position(|post| *post as usize == cursor);
        self.place = place.ok_or_else(|| match self.order {
            // In dataset order it is known where the post would stand.
            Order::Dataset if self.session.gold().is_none() => {
                self.queue.partition_point(|post| (*post as usize) < cursor)
            }
            _ => gap.min(self.queue.len()),
        });
    }

    /// Works out again what changed, but no more often than keeps the window quick. Returns how long to wait for the rest.
    pub fn refresh(&mut self) -> Option<Duration> {
        self.save = self.session.poll();
        let waits = [
            self.refresh_queue(),
            self.figures.refresh(&self.session, self.order),
        ];
        waits.into_iter().flatten().min()
    }

    /// The labels in front of the reviewer for a post.
    pub fn working(&self, post: usize) -> Working {
        OnScreen::labels(self.on_screen, &self.session, post)
    }

    /// Begins a frame at `now`, in seconds of the window's clock.
    pub fn begin_frame(&mut self, now: f64) {
        self.clock_secs = now;
        if let Some(on_screen) = &mut self.on_screen {
            on_screen.begin_frame(now);
        }
    }

    /// Whether a post has stood on screen long enough to be decided about.
    pub fn is_seen(&self, post: usize) -> bool {
        let on_screen = self.on_screen.as_ref();
        on_screen.is_some_and(|shown| shown.is_seen(post, self.clock_secs))
    }

    /// The labels that a key pressed now is about.
    pub fn labels_read(&self, post: usize) -> Option<LabelSet> {
        OnScreen::labels_read(self.on_screen, &self.session, post, self.clock_secs).labels
    }

    /// The model's answer, if it has stood on screen long enough to be read.
    pub fn answer_read(&self, post: usize) -> Option<LabelSet> {
        OnScreen::answer_read(self.on_screen, &self.session, post, self.clock_secs)
    }

    /// Takes note of what a frame has painted. Whether a post is new there: it counts as seen from the next frame on, so
    /// there must be one.
    pub fn note_shown(&mut self) -> bool {
        self.on_screen = self.cursor().map(|post| {
            OnScreen::after_frame(self.on_screen, &self.session, post, self.clock_secs)
        });
        self.on_screen.is_some_and(|shown| shown.is_new())
    }

    /// Lets other suggestions take the place of those on screen: the reviewer has asked for them.
    pub fn forget_shown(&mut self) {
        self.on_screen = None;
    }

    /// The post on screen and those behind it that have no prediction yet: what the model should do first.
    pub fn wanted_first(&self) -> Vec<usize> {
        let behind = match self.place {
            Ok(place) => place + 1,
            Err(gap) => gap,
        };
        let rest = self
            .queue
            .get(behind..)
            .unwrap_or_default()
            .iter()
            .map(|post| *post as usize);
        self.cursor()
            .into_iter()
            .chain(rest.take(4 * AHEAD))
            .filter(|post| self.session.prediction(*post).is_none())
            .take(AHEAD)
            .collect()
    }
}
