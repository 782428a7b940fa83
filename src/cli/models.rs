//! `overrule models`: the models with short names, what they need, and what is on this machine; fetching and deleting them.

use std::io::{self, BufRead, IsTerminal};

use anyhow::bail;
use clap::Subcommand;
use serde_json::{Value, json};

use super::{Outcome, download, table};
use crate::{
    gui::settings::{RecentModel, Settings},
    model::{
        Found, Inventory, Kind, OwnedPreset, Place,
        hub::{self, CachedRepository, size_text},
        preset,
    },
};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Fetch models and adapters from the Hugging Face Hub, the newest commit; prints their folders.
    ///
    /// What is in the local cache is not fetched again, and what was cut off goes on from there. A gated model needs a
    /// token: HF_TOKEN, or the file that `hf auth login` writes.
    Download {
        /// A preset's name, org/name or org/name@revision; an adapter takes its base with it
        #[arg(required = true, value_name = "MODEL")]
        names: Vec<String>,
    },
    /// Delete models and adapters from the local cache, all of their revisions.
    Delete {
        /// org/name, or a preset's name for its base and its adapter
        #[arg(required = true, value_name = "MODEL")]
        names: Vec<String>,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

pub(super) fn run(args: &Args) -> anyhow::Result<Outcome> {
    match &args.action {
        None => list(args.json)?,
        Some(Action::Download { names }) => download::fetch(names)?,
        Some(Action::Delete { names, yes }) => delete(names, *yes)?,
    }
    Ok(Outcome::Done)
}

/// Deletes repositories from the cache, after asking.
fn delete(names: &[String], yes: bool) -> anyhow::Result<()> {
    let cache = hub::cache_folder();
    let repositories = hub::repositories(&cache);
    let mut found = Vec::new();
    for name in names {
        let of_preset: Vec<&str> =
            preset(name).map_or_else(Vec::new, |p| p.repositories().collect());
        let is_meant = |id: &str| id == name || of_preset.contains(&id);
        let before = found.len();
        found.extend(repositories.iter().filter(|one| is_meant(&one.id)));
        if found.len() == before {
            bail!(
                "“{name}” is not in the local cache ({}); `overrule models` lists what is",
                cache.display()
            );
        }
    }
    for found in found {
        let id = &found.id;
        if !yes {
            if !io::stdin().is_terminal() {
                bail!("say --yes to delete {id} without being asked");
            }
            super::note(&format!(
                "Delete {id} ({}) from {}? [y/N]",
                size_text(found.bytes),
                found.folder.display()
            ));
            let mut answer = String::new();
            io::stdin().lock().read_line(&mut answer)?;
            if !answer.trim().eq_ignore_ascii_case("y") {
                continue;
            }
        }
        let freed = hub::delete(&cache, id)?;
        super::note(&format!("Deleted {id}, which frees {}", size_text(freed)));
    }
    Ok(())
}

fn list(as_json: bool) -> anyhow::Result<()> {
    let inventory = Inventory::take();
    let repositories = hub::repositories(&inventory.cache);
    let recent = Settings::load(Settings::file().as_deref()).recent_models;
    let text = if as_json {
        format!(
            "{}\n",
            serde_json::to_string_pretty(&to_json(&inventory, &repositories, &recent))?
        )
    } else {
        to_text(&inventory, &repositories, &recent)
    };
    super::print(&text)
}

fn to_text(
    inventory: &Inventory,
    repositories: &[CachedRepository],
    recent: &[RecentModel],
) -> String {
    let row = |cells: [&str; 7]| cells.map(str::to_owned).to_vec();
    let mut rows = vec![row([
        "name", "model", "download", "memory", "licence", "gated", "here",
    ])];
    rows.extend(inventory.presets.iter().map(|owned| {
        let needs = &owned.preset.needs;
        row([
            owned.preset.name,
            owned.preset.title,
            &size(needs.download_mb),
            &size(needs.memory_mb()),
            needs.licence,
            if needs.gated { "yes" } else { "no" },
            &here(owned),
        ])
    }));
    let mut text = table::render_words(&rows);
    text += "\nMemory is that of f32 on the CPU; --dtype bf16 halves it. A gated model is fetched after accepting its terms \
             on the Hub.\nWhat is missing is fetched when the model is used, or with: overrule models download NAME\n";
    let rows: Vec<_> = repositories
        .iter()
        .filter_map(|repository| {
            let id = hub::HubId::parse_oldest(&repository.id)?;
            let part = hub::Part::Alone;
            let is_whole = hub::Want { id, part }.is_here(&inventory.cache);
            let what = if repository.incomplete_bytes > 0 && !is_whole {
                format!("not whole yet: overrule models download {}", repository.id)
            } else {
                kind(inventory.cached.iter().find(|f| f.name == repository.id)?)
            };
            Some(vec![
                repository.id.clone(),
                size_text(repository.bytes),
                what,
            ])
        })
        .collect();
    if !rows.is_empty() {
        text += &format!("\nAlso in {}:\n", inventory.cache.display());
        text += &table::render_words(&rows);
    }
    if !recent.is_empty() {
        text += "\nUsed before in the window:\n";
        for recent in recent {
            text += &match (&recent.adapter, recent.base_only) {
                (Some(adapter), _) => format!("{} with {adapter}\n", recent.model),
                (None, true) => format!("{} without adapter\n", recent.model),
                (None, false) => format!("{}\n", recent.model),
            };
        }
    }
    text
}

fn size(mb: u64) -> String {
    match mb {
        0 => "ships".to_owned(),
        1..1000 => format!("{mb} MB"),
        _ => format!("{:.1} GB", mb as f64 / 1000.0),
    }
}

fn here(owned: &OwnedPreset) -> String {
    if owned.is_here() {
        "yes".to_owned()
    } else {
        format!("needs {}", owned.missing.join(", "))
    }
}

fn kind(found: &Found) -> String {
    match &found.kind {
        Kind::Model { family } => (*family).to_owned(),
        Kind::Adapter { base: Some(base) } => format!("adapter for {base}"),
        Kind::Adapter { base: None } => "adapter".to_owned(),
    }
}

fn to_json(
    inventory: &Inventory,
    repositories: &[CachedRepository],
    recent: &[RecentModel],
) -> Value {
    let place = |place: Place| match place {
        Place::Hub(id) => Value::from(id),
        Place::Demo(_) => Value::Null,
    };
    let presets = inventory.presets.iter().map(|owned| {
        let preset = owned.preset;
        json!({
            "name": preset.name,
            "title": preset.title,
            "base": place(preset.base),
            "adapter": preset.adapter.map_or(Value::Null, place),
            "vocabulary": preset.vocabulary,
            "download_bytes": preset.needs.download_mb * 1_000_000,
            "memory_bytes_f32": preset.needs.memory_mb() * 1_000_000,
            "parameters": preset.needs.parameters_m * 1_000_000,
            "gated": preset.needs.gated,
            "licence": preset.needs.licence,
            "here": owned.is_here(),
            "missing": owned.missing,
        })
    });
    let cached = inventory.cached.iter().map(|found| {
        let (family, base) = match &found.kind {
            Kind::Model { family } => (Some(*family), None),
            Kind::Adapter { base } => (None, base.clone()),
        };
        json!({
            "name": found.name,
            "folder": found.folder,
            "family": family,
            "is_adapter": family.is_none(),
            "adapter_base": base,
        })
    });
    let sizes = repositories.iter().map(|repository| {
        json!({
            "name": repository.id,
            "bytes": repository.bytes,
            "incomplete_bytes": repository.incomplete_bytes,
        })
    });
    json!({
        "presets": presets.collect::<Vec<_>>(),
        "cache": inventory.cache,
        "cached": cached.collect::<Vec<_>>(),
        "repositories": sizes.collect::<Vec<_>>(),
        "used_before": recent,
    })
}
