//! Pictures on the graphics card: decoded ahead on threads of their own, bounded in bytes, the least recently seen dropped first.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, bounded};
use egui::{ColorImage, TextureHandle, TextureOptions};

use super::picture::{self, Care, Form};
use crate::{
    causes::with_causes, dataset::Dataset, image::kept::KeptThumbnails, post::ProblemKind,
};

/// Threads that decode pictures. Two keep ahead of a reviewer and leave the cores to the model.
const THREADS: usize = 2;

/// Pictures as they are, until the first frame says how they are wanted.
const NO_CARE: Care = Care {
    grey_percent: 0,
    blur_percent: 10,
};

/// How long one frame may upload pictures.
const UPLOAD_BUDGET: Duration = Duration::from_millis(3);

/// Which picture in which form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Key {
    /// Which dataset; pictures of an earlier one are stale.
    generation: u64,
    post: usize,
    form: Form,
    care: Care,
}

/// What there is of a picture.
#[derive(Clone)]
pub enum Picture {
    /// The post has none.
    None,
    /// It is being decoded.
    Loading,
    /// It can be painted.
    Ready(TextureHandle),
    /// It cannot be decoded; why, and what to do.
    Failed(Arc<str>),
}

/// How soon a picture is wanted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Urgency {
    /// It is what the reviewer looks at.
    Watched,
    /// It is on screen.
    Visible,
    /// It will be looked at soon.
    Ahead,
}

enum Entry {
    Ready {
        texture: TextureHandle,
        bytes: usize,
        last_used: u64,
    },
    Failed(Arc<str>),
}

struct Decoded {
    key: Key,
    result: Result<ColorImage, Fault>,
}

/// Why a picture cannot be shown.
struct Fault {
    kind: ProblemKind,
    message: String,
}

/// What the threads look at: the pictures wanted now, best first. Each frame puts its own list in place of the last one's,
/// so that rows scrolled away are never decoded.
#[derive(Default)]
struct Wanted {
    queue: VecDeque<(Key, PathBuf)>,
    in_progress: HashSet<Key>,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    wanted: Mutex<Wanted>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Wanted> {
        // The lists stay whole whatever a thread did when it panicked.
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pictures of the open dataset.
pub struct TextureCache {
    shared: Arc<Shared>,
    decoded: Receiver<Decoded>,
    entries: HashMap<Key, Entry>,
    requests: Vec<(Urgency, Key)>,
    failures: Vec<(usize, ProblemKind, Arc<str>)>,
    dataset: Option<Arc<Dataset>>,
    generation: u64,
    frame: u64,
    bytes: usize,
    limit_bytes: usize,
    care: Care,
}

impl TextureCache {
    /// Starts the threads. Small pictures are taken from `kept` where they are there; `wake` is called when a picture is ready.
    pub fn new(
        limit_bytes: usize,
        kept: Option<&Arc<KeptThumbnails>>,
        wake: impl Fn() + Clone + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (sender, decoded) = bounded(2 * THREADS);
        for number in 1..=THREADS {
            let (shared, sender, wake) = (shared.clone(), sender.clone(), wake.clone());
            let kept = kept.cloned();
            std::thread::Builder::new()
                .name(format!("overrule-picture-{number}"))
                .spawn(move || decode_pictures(&shared, &sender, kept.as_deref(), &wake))?;
        }
        Ok(Self {
            shared,
            decoded,
            entries: HashMap::new(),
            requests: Vec::new(),
            failures: Vec::new(),
            dataset: None,
            generation: 0,
            frame: 0,
            bytes: 0,
            limit_bytes,
            care: NO_CARE,
        })
    }

    /// Forgets every picture and shows those of another dataset.
    pub fn set_dataset(&mut self, dataset: Option<Arc<Dataset>>) {
        self.generation += 1;
        self.dataset = dataset;
        self.entries.clear();
        self.requests.clear();
        self.failures.clear();
        self.bytes = 0;
        self.shared.lock().queue.clear();
    }

    /// Uploads what the threads have finished, for a few milliseconds at most. Pictures are changed as `care` says, and
    /// take no more than `limit_bytes` together.
    pub fn begin_frame(&mut self, ctx: &egui::Context, care: Care, limit_bytes: usize) {
        self.frame += 1;
        self.care = care;
        self.limit_bytes = limit_bytes;
        let begin = Instant::now();
        while let Ok(decoded) = self.decoded.try_recv() {
            self.insert(ctx, decoded);
            if begin.elapsed() > UPLOAD_BUDGET {
                ctx.request_repaint();
                break;
            }
        }
    }

    fn insert(&mut self, ctx: &egui::Context, Decoded { key, result }: Decoded) {
        self.shared.lock().in_progress.remove(&key);
        if key.generation != self.generation {
            return;
        }
        let entry = match result {
            Ok(image) => {
                let bytes = image.pixels.len() * 4;
                self.bytes += bytes;
                let name = format!("post-{}-{:?}", key.post, key.form);
                let texture = ctx.load_texture(name, image, TextureOptions::LINEAR);
                Entry::Ready {
                    texture,
                    bytes,
                    last_used: self.frame,
                }
            }
            Err(Fault { kind, message }) => {
                let message: Arc<str> = message.into();
                self.failures.push((key.post, kind, message.clone()));
                Entry::Failed(message)
            }
        };
        self.entries.insert(key, entry);
        if self.bytes > self.limit_bytes {
            self.evict();
        }
    }

    /// Drops the pictures not seen for longest until nine tenths of the limit are in use.
    fn evict(&mut self) {
        let mut by_age: Vec<(u64, Key, usize)> = self
            .entries
            .iter()
            .filter_map(|(key, entry)| match entry {
                Entry::Ready {
                    bytes, last_used, ..
                } if last_used + 1 < self.frame => Some((*last_used, *key, *bytes)),
                _ => None,
            })
            .collect();
        by_age.sort_unstable_by_key(|(last_used, ..)| *last_used);
        for (_, key, bytes) in by_age {
            if self.bytes <= self.limit_bytes / 10 * 9 {
                break;
            }
            self.entries.remove(&key);
            self.bytes -= bytes;
        }
    }

    /// The picture of a post; asks for it if it is not there.
    pub fn get(&mut self, post: usize, form: Form, urgency: Urgency) -> Picture {
        let has_image = self
            .dataset
            .as_ref()
            .and_then(|dataset| dataset.posts.get(post))
            .is_some_and(|post| !post.image_path.is_empty());
        if !has_image {
            return Picture::None;
        }
        let mut care = self.care;
        if form != Form::Cover {
            // Sharp pictures are the same however strong the blur is.
            care.blur_percent = 0;
        }
        let key = Key {
            generation: self.generation,
            post,
            form,
            care,
        };
        match self.entries.get_mut(&key) {
            Some(Entry::Ready {
                texture, last_used, ..
            }) => {
                *last_used = self.frame;
                Picture::Ready(texture.clone())
            }
            Some(Entry::Failed(message)) => Picture::Failed(message.clone()),
            None => {
                self.requests.push((urgency, key));
                Picture::Loading
            }
        }
    }

    /// Hands this frame's requests to the threads in place of the last frame's.
    pub fn end_frame(&mut self) {
        let Some(dataset) = &self.dataset else { return };
        let mut requests = std::mem::take(&mut self.requests);
        requests.sort_by_key(|(urgency, _)| *urgency);
        let mut wanted = self.shared.lock();
        let same = wanted.queue.len() == requests.len()
            && wanted
                .queue
                .iter()
                .zip(&requests)
                .all(|((key, _), (_, request))| key == request);
        if same {
            return;
        }
        wanted.queue.clear();
        for (_, key) in requests {
            let file = dataset
                .posts
                .get(key.post)
                .and_then(|post| dataset.image_file(post));
            if let Some(file) = file
                && !wanted.in_progress.contains(&key)
            {
                wanted.queue.push_back((key, file));
            }
        }
        drop(wanted);
        self.shared.changed.notify_all();
    }

    /// The posts whose pictures turned out to be missing or broken since the last call.
    pub fn take_failures(&mut self) -> Vec<(usize, ProblemKind, Arc<str>)> {
        std::mem::take(&mut self.failures)
    }
}

impl Drop for TextureCache {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

fn decode_pictures(
    shared: &Shared,
    sender: &Sender<Decoded>,
    kept: Option<&KeptThumbnails>,
    wake: &impl Fn(),
) {
    loop {
        let (key, path) = {
            let mut wanted = shared.lock();
            loop {
                if wanted.closed {
                    return;
                }
                if let Some((key, path)) = wanted.queue.pop_front() {
                    if wanted.in_progress.insert(key) {
                        break (key, path);
                    }
                    continue;
                }
                wanted = shared
                    .changed
                    .wait(wanted)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        };
        // A decoder that panics costs one picture, not the thread.
        let result = catch_unwind(AssertUnwindSafe(|| {
            picture::load(&path, key.form, key.care, kept)
        }))
        .map_err(|_| Fault {
            kind: ProblemKind::BrokenImage,
            message: format!(
                "{} made the decoder fail; convert or replace it",
                path.display()
            ),
        })
        .and_then(|result| {
            result.map_err(|error| Fault {
                kind: error.problem_kind(),
                message: with_causes(&error),
            })
        });
        if sender.send(Decoded { key, result }).is_err() {
            return;
        }
        wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{self, OpenOptions};

    /// A folder of posts, each a picture of a few kilobytes on the graphics card.
    fn folder_of(n_posts: u8) -> (tempfile::TempDir, Arc<Dataset>) {
        let folder = tempfile::tempdir().unwrap();
        for post in 0..n_posts {
            let picture = ::image::RgbImage::from_pixel(32, 32, ::image::Rgb([post, 0, 0]));
            let name = format!("{post:02}.png");
            picture.save(folder.path().join(name)).unwrap();
        }
        let dataset = dataset::open(folder.path(), &OpenOptions::default()).unwrap();
        (folder, dataset.into())
    }

    /// Runs frames that show these posts until all of them are there.
    fn look_at(cache: &mut TextureCache, ctx: &egui::Context, posts: std::ops::Range<usize>) {
        loop {
            cache.begin_frame(ctx, NO_CARE, cache.limit_bytes);
            let ready = posts.clone().all(|post| {
                let picture = cache.get(post, Form::Full, Urgency::Visible);
                matches!(picture, Picture::Ready(_))
            });
            cache.end_frame();
            if ready {
                return;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn memory_stays_within_its_limit_and_what_is_on_screen_stays() {
        let (_folder, dataset) = folder_of(30);
        let picture_bytes = 32 * 32 * 4;
        let ctx = egui::Context::default();
        let mut cache = TextureCache::new(8 * picture_bytes, None, || {}).unwrap();
        cache.set_dataset(Some(dataset));
        for first in 0..26 {
            look_at(&mut cache, &ctx, first..first + 4);
            assert!(cache.bytes <= 8 * picture_bytes, "{}", cache.bytes);
        }
        cache.set_dataset(None);
        assert_eq!(cache.bytes, 0);
    }

    #[test]
    fn a_broken_picture_is_told_once_and_not_tried_again() {
        let (folder, _) = folder_of(1);
        std::fs::write(folder.path().join("00.png"), "no picture").unwrap();
        let dataset = dataset::open(folder.path(), &OpenOptions::default()).unwrap();
        let ctx = egui::Context::default();
        let mut cache = TextureCache::new(1 << 20, None, || {}).unwrap();
        cache.set_dataset(Some(dataset.into()));
        let mut told = Vec::new();
        while told.is_empty() {
            cache.begin_frame(&ctx, NO_CARE, cache.limit_bytes);
            cache.get(0, Form::Full, Urgency::Watched);
            cache.end_frame();
            told = cache.take_failures();
            std::thread::yield_now();
        }
        assert_eq!(told.len(), 1);
        let picture = cache.get(0, Form::Full, Urgency::Watched);
        assert!(matches!(picture, Picture::Failed(_)));
        assert!(cache.requests.is_empty() && cache.take_failures().is_empty());
    }
}
