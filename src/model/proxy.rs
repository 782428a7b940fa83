//! The proxy of the environment, which requests to other machines go through, and none to this one.

use std::net::IpAddr;

use ureq::{Proxy, http::Uri};

/// What `HTTPS_PROXY` and its like name, for a client of the service at this address. One on this machine has none. (The client
/// itself asks for each request whether `NO_PROXY` excepts it, also where it is sent on.)
pub(super) fn of(service: &str) -> Option<Proxy> {
    let address: Uri = service.parse().ok()?;
    Proxy::try_from_env().filter(|_| !is_this_machine(&address))
}

/// The proxy that a request to this address goes through, as messages name it.
pub(super) fn named(url: &str) -> Option<String> {
    let address: Uri = url.parse().ok()?;
    let proxy = of(url).filter(|proxy| !proxy.is_no_proxy(&address))?;
    Some(shown(&proxy))
}

/// Without user and password.
fn shown(proxy: &Proxy) -> String {
    format!("{}:{}", proxy.host(), proxy.port())
}

fn is_this_machine(address: &Uri) -> bool {
    let host = address.host().unwrap_or_default();
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse();
    match ip.map(|ip: IpAddr| ip.to_canonical()) {
        // The unspecified address is how servers say that they listen; a client that names it comes to itself.
        Ok(ip) => ip.is_loopback() || ip.is_unspecified(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_addresses_and_its_name() {
        for (url, expected) in [
            ("http://127.0.0.1:8080/ping", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:8080/v1", true),
            ("http://[::ffff:127.0.0.1]/v1", true),
            ("http://0.0.0.0:8000/v1", true),
            ("https://LOCALHOST:8000/v1", true),
            ("http://me:secret@localhost/v1", true),
            ("http://localhost.example/v1", false),
            ("http://127.0.0.1.example/v1", false),
            ("http://192.168.0.1/v1", false),
            ("http://[2001:db8::1]:8000/v1", false),
            ("http://gpu:8000/v1", false),
        ] {
            assert_eq!(is_this_machine(&url.parse().unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn a_proxy_is_shown_without_its_password() {
        let proxy = Proxy::new("http://me:secret@proxy.example:3128").unwrap();
        assert_eq!(shown(&proxy), "proxy.example:3128");
    }
}
