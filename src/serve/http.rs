//! Reading requests and writing replies.

use std::{
    io::{self, Read},
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use crossbeam_channel::{Sender, TrySendError};
use tiny_http::{Header, Method, Request, Response, Server};

use super::{
    Service,
    inference::Job,
    readers::Waits,
    request::{Refusal, prepare},
};
use crate::model::Processor;

/// How much of an unread body is thrown away, so that a client that still writes it hears why it was refused.
const THROWN_AWAY_BYTES: u64 = 64 << 20;

/// What the reading threads share.
pub(super) struct Front {
    pub server: Arc<Server>,
    pub processor: Arc<dyn Processor>,
    pub service: Service,
    pub jobs: Sender<Job>,
    /// Where clients keep a reader waiting.
    pub waits: Waits,
    /// Takes why no more requests come.
    pub ended: Sender<io::Error>,
}

impl Front {
    /// Serves one request after the other until the server is unblocked, or takes no connections any more.
    pub fn serve(&self) {
        loop {
            let mut request = match self.server.recv() {
                Ok(request) => request,
                // At the end of the service nobody asks why any more, and one reason is enough.
                Err(error) => return drop(self.ended.try_send(error)),
            };
            // What a picture does to its decoder must not cost a reader.
            let replying = AssertUnwindSafe(|| self.reply(&mut request));
            let reply = panic::catch_unwind(replying).unwrap_or_else(|_| {
                let message = "the post could not be made ready: that failed unexpectedly";
                Err(Refusal::new(500, message))
            });
            let (status, body) = match reply {
                Ok(body) => (200, body),
                Err(refusal) => (refusal.status, refusal.body()),
            };
            let mut response = Response::from_string(body).with_status_code(status);
            let mut headers = vec![("Content-Type", "application/json")];
            match status {
                405 => headers.push((
                    "Allow",
                    if request.url() == "/ping" {
                        "GET"
                    } else {
                        "POST"
                    },
                )),
                503 => headers.push(("Retry-After", "1")),
                _ => {}
            }
            for (name, value) in headers {
                if let Ok(header) = Header::from_bytes(name, value) {
                    response.add_header(header);
                }
            }
            // A client that has gone needs no answer. What it sent and nobody read is read now.
            self.waits.during(|| drop(request.respond(response)));
        }
    }

    fn reply(&self, request: &mut Request) -> Result<String, Refusal> {
        let path = request
            .url()
            .split('?')
            .next()
            .unwrap_or_default()
            .to_owned();
        match (path.as_str(), request.method()) {
            ("/ping", Method::Get | Method::Head) => Ok(r#"{"status": "ok"}"#.to_owned()),
            ("/invocations", Method::Post) => self.invoke(request),
            ("/ping" | "/invocations", method) => {
                let message =
                    format!("{path} does not take {method}: GET /ping, POST /invocations");
                Err(Refusal::new(405, message))
            }
            _ => Err(Refusal::new(
                404,
                format!("there is no {path}; GET /ping and POST /invocations are here"),
            )),
        }
    }

    fn invoke(&self, request: &mut Request) -> Result<String, Refusal> {
        let kind = request
            .headers()
            .iter()
            .find(|header| header.field.equiv("Content-Type"));
        let kind = kind.map(|header| header.value.as_str().to_ascii_lowercase());
        if kind.is_some_and(|kind| !kind.starts_with("application/json")) {
            return Err(Refusal::new(415, "send the post as application/json"));
        }
        let body = self.waits.during(|| self.body(request))?;
        let input = prepare(&body, &*self.processor, &self.service)?;
        let (reply, answer) = crossbeam_channel::bounded(1);
        self.jobs.try_send(Job { input, reply }).map_err(|error| {
            let message = match error {
                TrySendError::Full(_) => {
                    "too many posts wait for the model; come again in a moment"
                }
                TrySendError::Disconnected(_) => "the service ends",
            };
            Refusal::new(503, message)
        })?;
        let ended = |_| Err(Refusal::new(500, "the model ended unexpectedly"));
        answer.recv().unwrap_or_else(ended)
    }

    /// The body, as long as it is within the limit.
    fn body(&self, request: &mut Request) -> Result<Vec<u8>, Refusal> {
        let most = self.service.max_body_bytes;
        let mut body = Vec::new();
        let read = request.as_reader().take(most + 1).read_to_end(&mut body);
        read.map_err(|error| Refusal::new(400, format!("the body could not be read: {error}")))?;
        if body.len() as u64 > most {
            let rest = &mut request.as_reader().take(THROWN_AWAY_BYTES);
            drop(io::copy(rest, &mut io::sink()));
            return Err(Refusal::new(
                413,
                format!("the body has more than {most} bytes"),
            ));
        }
        Ok(body)
    }
}
