//! The program itself against the Hub: downloading, refusals, running what was fetched.

use std::{fs, path::Path, process::Command};

use super::server::{Fault, GATED, Hub};
use crate::{
    cli::run::{Run, ended, lines, overrule, test_posts, text},
    common::fixture,
};

const BASE: &str = "google/paligemma2-3b-pt-224";
const ADAPTER: &str = "Amirhossein75/paligemma2-3b-mmhs150k-lora";

fn hub() -> Hub {
    let hub = Hub::start();
    hub.folder(BASE, &fixture("paligemma2/base"));
    let adapter = fixture("paligemma2/adapter");
    hub.folder(ADAPTER, &adapter);
    let config = fs::read_to_string(adapter.join("adapter_config.json")).unwrap();
    let config = config.replace("paligemma2/base", BASE);
    hub.file(ADAPTER, "adapter_config.json", config.as_bytes(), false);
    hub
}

fn command(hub: &Hub, cache: &Path, args: &[&str]) -> Command {
    let mut command = overrule(args);
    command
        .env_remove("HF_HUB_OFFLINE")
        .env("HF_HOME", cache)
        .env("HF_HUB_CACHE", cache.join("hub"))
        .env("OVERRULE_CONFIG_DIR", cache)
        .env("HF_ENDPOINT", &hub.url);
    command
}

fn run(hub: &Hub, cache: &Path, args: &[&str]) -> Run {
    ended(command(hub, cache, args).output().unwrap())
}

#[test]
fn a_model_that_is_named_is_fetched_and_run() {
    let (hub, cache) = (hub(), tempfile::tempdir().unwrap());
    let data = text(&test_posts());
    let args = [
        "predict",
        &data,
        "--limit",
        "2",
        "--model",
        "paligemma2-3b-mmhs150k",
    ];
    hub.fail("00002-of-00004", Fault::CutAfter(1000));
    let told = run(&hub, cache.path(), &args).expect(0);
    for part in [
        BASE,
        ADAPTER,
        "model-00004-of-00004.safetensors",
        "The connection broke; trying again",
    ] {
        assert!(told.stderr.contains(part), "{}", told.stderr);
    }
    assert_eq!(lines(&told.stdout).len(), 2);
    assert!(!hub.requests().is_empty());

    // What is here needs no network; nobody is asked.
    let again = run(&hub, cache.path(), &args).expect(0);
    assert_eq!(
        lines(&again.stdout)[0]["raw"],
        lines(&told.stdout)[0]["raw"]
    );
    assert!(hub.requests().is_empty());
    let listed = run(&hub, cache.path(), &["models", "--json"])
        .expect(0)
        .json();
    assert_eq!(listed["presets"][2]["here"], true);

    // A part that was lost is fetched again, and nothing else.
    let blobs = cache
        .path()
        .join("hub/models--google--paligemma2-3b-pt-224/blobs");
    let largest = fs::read_dir(blobs).unwrap().map(|entry| entry.unwrap());
    let largest = largest
        .max_by_key(|entry| entry.metadata().unwrap().len())
        .unwrap();
    fs::remove_file(largest.path()).unwrap();
    run(&hub, cache.path(), &args).expect(0);
    let fetched = hub
        .requests()
        .into_iter()
        .filter(|request| request.to_storage);
    assert_eq!(fetched.count(), 1);
}

#[test]
fn downloading_prints_the_folders_and_deleting_frees_them() {
    let (hub, cache) = (hub(), tempfile::tempdir().unwrap());
    let told = run(&hub, cache.path(), &["models", "download", ADAPTER]).expect(0);
    let folders: Vec<&str> = told.stdout.lines().collect();
    assert_eq!(
        folders.len(),
        2,
        "the adapter and its base: {}",
        told.stdout
    );
    assert!(
        Path::new(folders[0])
            .join("adapter_model.safetensors")
            .exists()
    );
    let again = run(&hub, cache.path(), &["models", "download", ADAPTER]).expect(0);
    assert!(
        again.stderr.contains("was here already"),
        "{}",
        again.stderr
    );

    let mut offline = command(&hub, cache.path(), &["models", "download", ADAPTER]);
    offline.env("HF_HUB_OFFLINE", "1");
    hub.requests();
    let offline = ended(offline.output().unwrap()).expect(0);
    assert_eq!(offline.stdout.lines().next(), Some(folders[0]));
    assert!(offline.stderr.contains("HF_HUB_OFFLINE forbids"));
    assert!(hub.requests().is_empty());

    let asked = run(&hub, cache.path(), &["models", "delete", BASE]).expect(2);
    assert!(asked.stderr.contains("--yes"), "{}", asked.stderr);
    let told = run(&hub, cache.path(), &["models", "delete", "--yes", BASE]).expect(0);
    assert!(told.stderr.contains("frees 2 MB"), "{}", told.stderr);
    let gone = run(&hub, cache.path(), &["models", "delete", "--yes", BASE]).expect(2);
    assert!(
        gone.stderr.contains("not in the local cache"),
        "{}",
        gone.stderr
    );
    let preset = ["models", "delete", "--yes", "paligemma2-3b-mmhs150k"];
    let told = run(&hub, cache.path(), &preset).expect(0);
    assert!(told.stderr.contains(ADAPTER), "{}", told.stderr);
}

#[test]
fn a_gated_model_says_what_to_accept_and_never_shows_the_token() {
    let (hub, cache) = (hub(), tempfile::tempdir().unwrap());
    let args = ["models", "download", BASE];
    hub.fail("revision/main", GATED);
    let told = run(&hub, cache.path(), &args).expect(2);
    let page = format!("{}/{BASE}", hub.url);
    for part in [page.as_str(), "settings/tokens", "hf auth login"] {
        assert!(told.stderr.contains(part), "{}", told.stderr);
    }
    fs::write(cache.path().join("token"), "hf_secret\n").unwrap();
    hub.requests();
    hub.fail("config.json", GATED);
    let told = run(&hub, cache.path(), &args).expect(2);
    let file = text(&cache.path().join("token"));
    assert!(
        told.stderr.contains(&file) && !told.stderr.contains("hf_secret"),
        "{}",
        told.stderr
    );
    let sent = hub.requests()[0].headers.get("authorization").cloned();
    assert_eq!(sent.as_deref(), Some("Bearer hf_secret"));
    run(&hub, cache.path(), &args).expect(0);
}

#[test]
fn without_the_network_nothing_is_asked() {
    let (hub, cache) = (hub(), tempfile::tempdir().unwrap());
    for (variable, args) in [
        ("HF_HUB_OFFLINE", vec!["models", "download", BASE]),
        (
            "TRANSFORMERS_OFFLINE",
            vec!["inspect", "--index", "0", "--model", BASE],
        ),
    ] {
        let data = text(&test_posts());
        let mut command = command(&hub, cache.path(), &args);
        if args[0] == "inspect" {
            command.arg(&data);
        }
        let told = ended(command.env(variable, "1").output().unwrap()).expect(2);
        assert!(told.stderr.contains(variable), "{}", told.stderr);
    }
    assert!(hub.requests().is_empty());
}

#[test]
#[cfg(unix)]
#[allow(unsafe_code)]
fn a_full_disk_is_told_and_the_next_run_goes_on() {
    use std::os::unix::process::CommandExt;

    let (hub, cache) = (hub(), tempfile::tempdir().unwrap());
    let args = ["models", "download", BASE];
    let mut limited = command(&hub, cache.path(), &args);
    let limit = || {
        let limit = libc::rlimit {
            rlim_cur: 300_000,
            rlim_max: libc::RLIM_INFINITY,
        };
        // SAFETY: both are safe to call between fork and exec; the pointer is to a live local.
        unsafe {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit);
        }
        Ok(())
    };
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe { limited.pre_exec(limit) };
    let told = ended(limited.output().unwrap()).expect(2);
    assert!(
        told.stderr.contains("is full") && told.stderr.contains("HF_HUB_CACHE"),
        "{}",
        told.stderr
    );
    hub.requests();
    run(&hub, cache.path(), &args).expect(0);
    let resumed = hub.requests().into_iter().any(|request| {
        let range = request.headers.get("range");
        range.is_some_and(|range| range == "bytes=300000-")
    });
    assert!(resumed, "it went on where the disk was full");
}
