//! Fetching everything that a model needs: first lists, settings and vocabularies, which tell what else is needed, then
//! the weights.

use std::{collections::VecDeque, path::PathBuf};

use super::{
    HubError, HubId, HubSettings, Part, Want, Watch,
    blob::{Snapshot, free_bytes},
    client::Client,
    listing::{Listing, RemoteFile},
    progress::Meter,
    wants::{base_of_adapter, encoders_of, of_preset, shards},
};
use crate::model::preset;

/// A repository that is here now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Downloaded {
    /// Its id.
    pub repository: String,
    /// The commit.
    pub commit: String,
    /// The folder of the snapshot.
    pub folder: PathBuf,
    /// How much of it had to be fetched.
    pub fetched_bytes: u64,
}

/// What a name stands for: a preset's repositories, or a Hub id and, for an adapter, its base.
///
/// # Errors
/// It is neither.
pub fn wants_of(name: &str) -> Result<Vec<Want>, HubError> {
    if let Some(preset) = preset(name) {
        return Ok(of_preset(preset));
    }
    match HubId::parse(name) {
        Some(id) => Ok(vec![Want {
            id,
            part: Part::Model,
        }]),
        None => Err(HubError::NoId {
            name: name.to_owned(),
        }),
    }
}

/// Fetches what is wanted and not here yet. What is here is asked about, so that the newest commit is what a branch
/// stands for; its files are fetched only if they have changed.
///
/// # Errors
/// See [`HubError`]. What came is kept, and the next time goes on from there.
pub fn download(
    settings: &HubSettings,
    wants: Vec<Want>,
    watch: &mut dyn Watch,
) -> Result<Vec<Downloaded>, HubError> {
    if let (Some(variable), Some(want)) = (settings.offline, wants.first()) {
        return Err(HubError::Offline {
            id: want.id.repository.clone(),
            variable,
        });
    }
    let client = Client::new(settings.clone())?;
    let mut meter = Meter::new(watch);
    let plans = plan(&client, wants, &mut meter)?;
    meter.progress.total_is_known = true;
    let lacking = plans.iter().map(|plan| plan.lacks_bytes(&client)).sum();
    if let Some(free) = free_bytes(&settings.cache)
        && free < lacking
    {
        return Err(HubError::DiskFull {
            folder: settings.cache.clone(),
            needed_bytes: lacking,
            free_bytes: Some(free),
        });
    }
    plans
        .into_iter()
        .map(|plan| plan.fetch(&client, &mut meter))
        .collect()
}

/// A repository whose settings are here and whose weights may not be.
struct Plan {
    id: HubId,
    commit: String,
    weights: Vec<RemoteFile>,
    fetched_bytes: u64,
}

impl Plan {
    fn snapshot<'a>(&'a self, client: &'a Client) -> Snapshot<'a> {
        Snapshot::new(client, &self.id, &self.commit)
    }

    fn lacks_bytes(&self, client: &Client) -> u64 {
        let snapshot = self.snapshot(client);
        let lacking = self.weights.iter().map(|file| snapshot.lacks_bytes(file));
        lacking.sum()
    }

    fn fetch(self, client: &Client, meter: &mut Meter<'_>) -> Result<Downloaded, HubError> {
        let snapshot = self.snapshot(client);
        let weights = fetch_files(&snapshot, &self.id, &self.weights, meter)?;
        snapshot.name_revision()?;
        Ok(Downloaded {
            folder: snapshot.folder(),
            fetched_bytes: self.fetched_bytes + weights,
            repository: self.id.repository,
            commit: self.commit,
        })
    }
}

/// Asks for the lists and fetches everything but weights. An adapter's base and a classifier's encoders join what is
/// wanted as soon as their names have come.
fn plan(client: &Client, wants: Vec<Want>, meter: &mut Meter<'_>) -> Result<Vec<Plan>, HubError> {
    let cache = &client.settings.cache;
    let mut queue = VecDeque::from(wants);
    let mut plans: Vec<Plan> = Vec::new();
    while let Some(want) = queue.pop_front() {
        if plans.iter().any(|plan| plan.id == want.id) {
            continue;
        }
        let (plan, folder) = plan_one(client, &want, meter)?;
        plans.push(plan);
        let more = match want.part {
            Part::Model => base_of_adapter(&folder).into_iter().collect(),
            Part::Alone => Vec::new(),
            Part::TextEncoder | Part::ImageEncoder => continue,
        };
        let more = more.into_iter().chain(encoders_of(&folder));
        queue.extend(more.filter(|want| !want.is_here(cache)));
    }
    Ok(plans)
}

fn plan_one(
    client: &Client,
    want: &Want,
    meter: &mut Meter<'_>,
) -> Result<(Plan, PathBuf), HubError> {
    let id = &want.id;
    meter.progress.repository.clone_from(&id.repository);
    meter.progress.note = "Asking the Hub what there is".to_owned();
    if !meter.tell() {
        return Err(HubError::Cancelled);
    }
    let listing = list(client, id, meter)?;
    let mut needed = listing.needed(want.part, &id.repository, &client.settings.endpoint)?;
    let snapshot = Snapshot::new(client, id, &listing.sha);
    count(&snapshot, &needed.settings, meter);
    let fetched_bytes = fetch_files(&snapshot, id, &needed.settings, meter)?;
    let folder = snapshot.folder();
    // Files that only look like shards are left out; a shard that is not in the repository is found missing at load.
    let shards = shards(&folder).unwrap_or_default();
    if needed.weights.len() > 1 {
        needed.weights.retain(|file| shards.contains(&file.name));
    }
    count(&snapshot, &needed.weights, meter);
    let plan = Plan {
        id: id.clone(),
        commit: listing.sha.clone(),
        weights: needed.weights,
        fetched_bytes,
    };
    Ok((plan, folder))
}

/// Asks for the list, and again if the Hub says that it can answer later.
fn list(client: &Client, id: &HubId, meter: &mut Meter<'_>) -> Result<Listing, HubError> {
    let mut tries = 0;
    loop {
        let error = match client.list(id) {
            Ok(listing) => return Ok(listing),
            // Without a network there is no use in waiting.
            Err(error @ HubError::Unreachable { .. }) => return Err(error),
            Err(error) => error,
        };
        tries += 1;
        let Some(pause) = error.pause(tries) else {
            return Err(error);
        };
        if !meter.wait(pause, error.note(pause)) {
            return Err(HubError::Cancelled);
        }
    }
}

/// Counts files that are not here among those to come.
fn count(snapshot: &Snapshot<'_>, files: &[RemoteFile], meter: &mut Meter<'_>) {
    for file in files.iter().filter(|file| !snapshot.has(file)) {
        meter.progress.files += 1;
        meter.progress.total_bytes += file.bytes;
    }
}

/// Fetches files, and says how much had to be.
fn fetch_files(
    snapshot: &Snapshot<'_>,
    id: &HubId,
    files: &[RemoteFile],
    meter: &mut Meter<'_>,
) -> Result<u64, HubError> {
    let before = meter.progress.done_bytes;
    for file in files {
        let is_new = !snapshot.has(file);
        let progress = &mut meter.progress;
        progress.repository.clone_from(&id.repository);
        progress.file.clone_from(&file.name);
        progress.note.clear();
        progress.file_bytes = file.bytes;
        progress.file_done_bytes = 0;
        if is_new && !meter.tell() {
            return Err(HubError::Cancelled);
        }
        snapshot.fetch(file, meter)?;
        if is_new {
            meter.progress.files_done += 1;
            if !meter.tell() {
                return Err(HubError::Cancelled);
            }
        }
    }
    Ok(meter.progress.done_bytes - before)
}
