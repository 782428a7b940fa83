//! Answering posts over HTTP, in the form of a SageMaker container: `GET /ping` says that the model is loaded, and
//! `POST /invocations` takes `{"text": …, "image_base64": …}` and gives `{"labels": […], "raw_generation": …}`
//! (<https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html>).
//!
//! A few threads read requests, decode their images and make prompts; the calling thread owns the model and answers what
//! has arrived together as one batch. Whatever a client sends wrongly is its own error: a 4xx that says what to do.

mod http;
mod inference;
mod lookout;
mod readers;
mod request;

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, TryRecvError};
use tiny_http::Server;

use self::{
    http::Front,
    inference::{Inference, Next},
    lookout::Lookout,
    readers::{Readers, Waits},
};
use crate::{
    model::{LoadedModel, PromptStyle},
    predict::answering::AnswerOptions,
};

/// How many threads read requests and make them ready, at least and at most: each has one post at the model, so there are two
/// batches' worth of them.
const READERS: (usize, usize) = (8, WAITING);

/// How many requests wait for the model at most; one more is told to come again.
const WAITING: usize = 64;

/// How long an inference waits for the end of the service before it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How to answer, and what is refused.
#[derive(Clone, Debug)]
pub struct Service {
    /// The prompt.
    pub prompt: PromptStyle,
    /// Labels, length of an answer, decoding, probabilities.
    pub answers: AnswerOptions,
    /// How many posts are answered together at most.
    pub batch_size: usize,
    /// The most bytes of a request's body.
    pub max_body_bytes: u64,
    /// The most pixels of an image, by its header.
    pub max_pixels: u64,
    /// How long a client may keep a reader waiting before another one takes its place.
    pub patience: Duration,
    /// How long clients that have begun to send may take when the service is told to end, counted from the last answer.
    pub farewell: Duration,
}

/// A server that listens and does not answer yet.
pub struct Listener {
    server: Arc<Server>,
    address: SocketAddr,
}

/// What a server has done.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Served {
    /// How many posts the model was asked about.
    pub posts: usize,
    /// In how many batches.
    pub batches: usize,
}

/// Why a server could not start, or ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: {reason}; choose another --port, or end the program that uses it"
    )]
    Address {
        /// The address asked for.
        address: String,
        /// What the system says.
        reason: String,
    },
    /// The system gives no more threads.
    #[error("a thread could not be started: {0}")]
    Thread(#[from] io::Error),
    /// No connections are taken any more.
    #[error(
        "no more connections can be taken ({0}), so the service ended; start it again, and if that is about open files, raise \
         their limit (ulimit -n) or put a proxy in front that closes idle connections"
    )]
    Unreachable(io::Error),
    /// Too many clients that send only the beginning of a post.
    #[error(
        "{0} clients do not go on sending what they have begun, so the service ended; start it again behind a proxy with a \
         time limit"
    )]
    HeldUp(usize),
}

impl Listener {
    /// Begins to listen on `host:port`; port 0 is any free one. Requests wait until [`run`](Self::run).
    ///
    /// # Errors
    /// An address that does not exist here or is in use.
    pub fn bind(host: &str, port: u16) -> Result<Self, ServeError> {
        let address = format!("{host}:{port}");
        let error = |reason: String| ServeError::Address {
            address: address.clone(),
            reason,
        };
        let server = Server::http((host, port)).map_err(|e| error(e.to_string()))?;
        let bound = server.server_addr().to_ip();
        Ok(Self {
            address: bound
                .ok_or_else(|| error("it is no address of the internet protocol".to_owned()))?,
            server: Arc::new(server),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` tells to end or is disconnected; requests that were taken by then are answered.
    ///
    /// # Errors
    /// A thread that could not be started; a service that cannot be reached any more, after what was taken is answered.
    pub fn run(
        self,
        mut model: LoadedModel,
        service: &Service,
        stop: &Receiver<()>,
    ) -> Result<Served, ServeError> {
        let (jobs, waiting) = crossbeam_channel::bounded(WAITING);
        let (ended, why) = crossbeam_channel::bounded(1);
        let front = Front {
            server: self.server,
            processor: Arc::clone(&model.processor),
            service: service.clone(),
            jobs,
            waits: Waits::default(),
            ended,
        };
        let n_readers = (2 * service.batch_size).clamp(READERS.0, READERS.1);
        // They have the only senders of jobs: when the last one ends, the inference does.
        let mut readers = Some(Readers::start(front, n_readers)?);
        let mut lookout = Lookout::new(self.address, why);
        let mut inference = Inference::new(&mut model, service);
        let mut ending = None;
        loop {
            let answered = match inference.answer_next(&waiting, LOOK_AGAIN) {
                Next::Answered => true,
                Next::Nothing => false,
                Next::Ended => break,
            };
            if let Some((since, _)) = &mut ending {
                if answered {
                    *since = Instant::now();
                } else if since.elapsed() > service.farewell {
                    // A reader that a client still holds up ends with this program.
                    break;
                }
            } else if let Some(mut reading) = readers.take() {
                match outcome(stop, &mut reading, &mut lookout, service.patience) {
                    Some(outcome) => {
                        reading.end();
                        ending = Some((Instant::now(), outcome));
                    }
                    None => readers = Some(reading),
                }
            }
        }
        let outcome = ending.map_or(Ok(()), |(_, outcome)| outcome);
        outcome.map(|()| inference.served)
    }
}

/// How the service ends, once it does.
fn outcome(
    stop: &Receiver<()>,
    readers: &mut Readers,
    lookout: &mut Lookout,
    patience: Duration,
) -> Option<Result<(), ServeError>> {
    if stop.try_recv() != Err(TryRecvError::Empty) {
        return Some(Ok(()));
    }
    if let Some(error) = lookout.look() {
        return Some(Err(ServeError::Unreachable(error)));
    }
    readers.replace_held_up(patience).err().map(Err)
}
