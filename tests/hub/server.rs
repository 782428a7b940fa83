//! A server that speaks the Hub's protocol, and fails where a test wants it to. Large files lie on a second server, as the
//! Hub's do.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The commit of every repository.
pub const COMMIT: &str = "c0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ff";

/// How a request goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This status, with these headers.
    Refuse(u16, &'static [(&'static str, &'static str)]),
    /// So many bytes of the body come, then the connection breaks.
    CutAfter(usize),
    /// One byte is another.
    Damage,
    /// The whole file comes, whatever was asked for.
    WholeFile,
    /// A page for people.
    Html,
}

/// The Hub says that a repository is for those who have accepted its terms.
pub const GATED: Fault = Fault::Refuse(
    403,
    &[
        ("X-Error-Code", "GatedRepo"),
        ("X-Error-Message", "Access to this model is restricted."),
    ],
);

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub struct Request {
    /// Path and query.
    pub path: String,
    /// By lower-case name.
    pub headers: HashMap<String, String>,
    /// Whether it went to where the large files are.
    pub to_storage: bool,
}

#[derive(Default)]
struct State {
    /// By id: name, content, and whether the file is a large one.
    repositories: BTreeMap<String, Vec<(String, Vec<u8>, bool)>>,
    /// Each is used once, in order, by requests whose path contains the text.
    faults: Vec<(String, Fault)>,
    requests: Vec<Request>,
    storage: String,
}

/// The server.
#[derive(Clone)]
pub struct Hub {
    /// Its address.
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl Hub {
    /// Starts to listen.
    pub fn start() -> Self {
        let (hub, storage) = (listener(), listener());
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State {
            // Another name than the Hub's: another host.
            storage: format!("http://localhost:{}", port(&storage)),
            ..State::default()
        }));
        let url = format!("http://127.0.0.1:{}", port(&hub));
        for (listener, to_storage) in [(hub, false), (storage, true)] {
            let state = Arc::clone(&state);
            in_background(move || {
                for stream in listener.incoming() {
                    let state = Arc::clone(&state);
                    in_background(move || drop(answer(stream.unwrap(), &state, to_storage)));
                }
            });
        }
        Self { url, state }
    }

    /// Puts a file into a repository.
    pub fn file(&self, id: &str, name: &str, content: &[u8], large: bool) {
        let mut state = self.state.lock().unwrap();
        let files = state.repositories.entry(id.to_owned()).or_default();
        files.retain(|(present, ..)| present != name);
        files.push((name.to_owned(), content.to_owned(), large));
    }

    /// Puts a folder's files into a repository; weights are large files.
    pub fn folder(&self, id: &str, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let large = name.ends_with(".safetensors") || name.ends_with(".pth");
            if path.is_file() {
                self.file(id, name, &fs::read(&path).unwrap(), large);
            }
        }
    }

    /// The next request whose path contains this goes wrong.
    pub fn fail(&self, path: &str, fault: Fault) {
        self.fail_times(1, path, fault);
    }

    /// The next so many requests do.
    pub fn fail_times(&self, times: usize, path: &str, fault: Fault) {
        let mut state = self.state.lock().unwrap();
        let faults = std::iter::repeat_n((path.to_owned(), fault), times);
        state.faults.extend(faults);
    }

    /// What was asked since the last look.
    pub fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }
}

/// SHA-256, as the Hub names large files.
pub fn sha256(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

/// What git calls a file.
pub fn git_blob(content: &[u8]) -> String {
    let mut hash = Sha1::new_with_prefix(format!("blob {}\0", content.len()));
    hash.update(content);
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn in_background(task: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().name("fake hub".to_owned());
    thread.spawn(task).unwrap();
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

fn answer(stream: TcpStream, state: &Mutex<State>, to_storage: bool) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let Some(path) = line.split(' ').nth(1).map(str::to_owned) else {
        return Ok(());
    };
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.to_owned()),
            None => break,
        };
    }
    let request = Request {
        path,
        headers,
        to_storage,
    };
    let reply = {
        let mut state = state.lock().unwrap();
        state.requests.push(request.clone());
        reply(&mut state, &request)
    };
    let mut stream = reader.into_inner();
    let mut head = format!("HTTP/1.1 {} x\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("Content-Length: {}\r\n\r\n", reply.body.len());
    stream.write_all(head.as_bytes())?;
    let body = &reply.body[..reply.body.len().min(reply.cut_after)];
    stream.write_all(body)
}

struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    cut_after: usize,
}

impl Reply {
    fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            cut_after: usize::MAX,
        }
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

fn reply(state: &mut State, request: &Request) -> Reply {
    let is_file = request.path.contains("/resolve/");
    let redirected = is_file && !request.to_storage && is_large(state, &request.path);
    // A large file's fault happens where its bytes are, except for a refusal.
    let fits = |fault: &Fault| match fault {
        Fault::CutAfter(_) | Fault::Damage | Fault::WholeFile => !redirected,
        _ => !request.to_storage,
    };
    // One after the other.
    let mut faults = state.faults.iter();
    let place = faults
        .position(|(path, _)| request.path.contains(path))
        .filter(|place| fits(&state.faults[*place].1));
    let fault = place.map(|place| state.faults.remove(place).1);
    match &fault {
        Some(Fault::Refuse(status, headers)) => {
            let reply = Reply::new(*status, "no");
            return headers
                .iter()
                .fold(reply, |reply, (name, value)| reply.header(name, value));
        }
        Some(Fault::Html) => return Reply::new(200, "<html>Welcome to the Wi-Fi</html>"),
        _ => {}
    }
    let Some(mut reply) = (if is_file {
        file(state, request, matches!(fault, Some(Fault::WholeFile)))
    } else {
        listing(state, &request.path)
    }) else {
        return Reply::new(404, "no").header("X-Error-Code", "RepoNotFound");
    };
    match fault {
        Some(Fault::CutAfter(bytes)) => reply.cut_after = bytes,
        Some(Fault::Damage) => reply.body[0] ^= 1,
        _ => {}
    }
    reply
}

/// `/api/models/ORG/NAME/revision/REVISION?blobs=true`
fn listing(state: &State, path: &str) -> Option<Reply> {
    let rest = path.strip_prefix("/api/models/")?;
    let (id, revision) = rest.split_once("/revision/")?;
    let files = state.repositories.get(id)?;
    if !["main", "v2", COMMIT].contains(&revision.split('?').next()?) {
        return Some(Reply::new(404, "no").header("X-Error-Code", "RevisionNotFound"));
    }
    let siblings: Vec<Value> = files
        .iter()
        .map(|(name, content, large)| {
            let lfs = large.then(|| json!({"sha256": sha256(content), "size": content.len(), "pointerSize": 134}));
            json!({"rfilename": name, "size": content.len(), "blobId": git_blob(content), "lfs": lfs})
        })
        .collect();
    let body = json!({"id": id, "sha": COMMIT, "siblings": siblings});
    Some(Reply::new(200, body.to_string()))
}

fn is_large(state: &State, path: &str) -> bool {
    find(state, path).is_some_and(|(_, _, large)| *large)
}

/// `/ORG/NAME/resolve/COMMIT/FILE`
fn find<'a>(state: &'a State, path: &str) -> Option<&'a (String, Vec<u8>, bool)> {
    let (id, rest) = path.strip_prefix('/')?.split_once("/resolve/")?;
    let (_, name) = rest.split_once('/')?;
    let files = state.repositories.get(id)?;
    files.iter().find(|(present, ..)| present == name)
}

fn file(state: &State, request: &Request, whole: bool) -> Option<Reply> {
    let (_, content, large) = find(state, &request.path)?;
    if *large && !request.to_storage {
        let to = format!("{}{}", state.storage, request.path);
        return Some(Reply::new(302, "").header("Location", &to));
    }
    let range = request.headers.get("range");
    let from: Option<usize> = range.and_then(|range| {
        range
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse()
            .ok()
    });
    match from.filter(|_| !whole) {
        None => Some(Reply::new(200, content.as_slice())),
        Some(from) if from >= content.len() => Some(Reply::new(416, "")),
        Some(from) => {
            let range = format!("bytes {from}-{}/{}", content.len() - 1, content.len());
            Some(Reply::new(206, &content[from..]).header("Content-Range", &range))
        }
    }
}
