//! Whether the service can still be reached. tiny_http takes connections on a thread that ends at its first failure, such as
//! too many open files, now with an error and now with a panic, and keeps silent about the second.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use crossbeam_channel::Receiver;

/// How often it is tried.
const EVERY: Duration = Duration::from_secs(3);

/// How long a connection to this machine itself may take. Windows takes longer to refuse one.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(200);

/// How long trying may come to nothing.
const BLIND: Duration = Duration::from_secs(30);

/// Who looks.
pub(super) struct Lookout {
    address: SocketAddr,
    /// What the thread that takes connections says at its end.
    ended: Receiver<io::Error>,
    next: Instant,
    /// Since when it could not be tried.
    blind: Option<Instant>,
}

impl Lookout {
    pub fn new(bound: SocketAddr, ended: Receiver<io::Error>) -> Self {
        let here = match bound.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        Self {
            address: SocketAddr::new(here, bound.port()),
            ended,
            next: Instant::now() + EVERY,
            blind: None,
        }
    }

    /// Why the service cannot be reached any more, as soon as that is so.
    pub fn look(&mut self) -> Option<io::Error> {
        if let Ok(error) = self.ended.try_recv() {
            return Some(error);
        }
        if Instant::now() < self.next {
            return None;
        }
        self.next = Instant::now() + EVERY;
        match TcpStream::connect_timeout(&self.address, CONNECT_TIMEOUT) {
            Ok(_) => {
                self.blind = None;
                None
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Some(error),
            Err(error) => {
                let since = *self.blind.get_or_insert_with(Instant::now);
                (since.elapsed() > BLIND).then_some(error)
            }
        }
    }
}
