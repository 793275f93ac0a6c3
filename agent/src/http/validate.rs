//! Validation: refuses requests that break HTTP, or that a proxy on the way may read differently.

use http::header::{CONTENT_LENGTH, HOST, ORIGIN, TRANSFER_ENCODING};
use http::{HeaderMap, Request, Version};

use crate::auth::gate::tokens_presented;

/// A header and the query may both carry the token; more are guesses.
const MAX_TOKENS: usize = 2;

/// What is wrong with a request's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    /// RFC 9112, 3.2.
    #[error("a request of HTTP/1.1 has exactly one Host header")]
    Host,
    /// A browser sends one.
    #[error("a request has one Origin header at most")]
    Origin,
    /// What follows the request would be read as WebSocket frames.
    #[error("a request has no body here: leave out Content-Length and Transfer-Encoding")]
    Body,
    /// Many guesses at once.
    #[error("a request carries one token: send it as the header 'Authorization: Bearer TOKEN'")]
    Tokens,
}

/// What is wrong with a request's form, if anything.
pub(crate) fn malformed<B>(request: &Request<B>) -> Option<Malformed> {
    let headers = request.headers();
    let hosts = headers.get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() >= Version::HTTP_11) {
        return Some(Malformed::Host);
    }
    if headers.get_all(ORIGIN).iter().count() > 1 {
        return Some(Malformed::Origin);
    }
    let uri = request.uri();
    // Whatever its path: there is more than one way to write it.
    if has_body(headers) {
        return Some(Malformed::Body);
    }
    if tokens_presented(headers, uri.query().unwrap_or_default()) > MAX_TOKENS {
        return Some(Malformed::Tokens);
    }
    None
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING)
        || headers
            .get_all(CONTENT_LENGTH)
            .iter()
            .any(|length| length.as_bytes() != b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(version: Version, uri: &str, headers: &[(&str, &str)]) -> Option<Malformed> {
        let mut request = Request::builder().version(version).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        malformed(&request.body(()).unwrap())
    }

    fn with(headers: &[(&str, &str)]) -> Option<Malformed> {
        let headers = [&[("host", "localhost")], headers].concat();
        verdict(Version::HTTP_11, "/ws", &headers)
    }

    #[test]
    fn exactly_one_host_header_is_required() {
        assert_eq!(with(&[]), None);
        assert_eq!(with(&[("host", "localhost")]), Some(Malformed::Host));
        let none = |version| verdict(version, "/ws", &[]);
        assert_eq!(none(Version::HTTP_11), Some(Malformed::Host));
        assert_eq!(none(Version::HTTP_10), None);
    }

    #[test]
    fn at_most_one_origin_header_is_allowed() {
        let origin = ("origin", "https://good.example");
        assert_eq!(with(&[origin]), None);
        assert_eq!(with(&[origin, origin]), Some(Malformed::Origin));
    }

    #[test]
    fn request_with_a_body_is_refused() {
        assert_eq!(with(&[("content-length", "0")]), None);
        for header in [
            ("content-length", "1"),
            ("content-length", "00"),
            ("transfer-encoding", "chunked"),
        ] {
            for path in ["/ws", "/ws/", "/healthz", "/elsewhere"] {
                let headers = [("host", "localhost"), header];
                let verdict = verdict(Version::HTTP_11, path, &headers);
                assert_eq!(verdict, Some(Malformed::Body), "{path} {header:?}");
            }
        }
    }

    #[test]
    fn request_with_more_than_one_token_per_place_is_refused() {
        let with = |query: &str, headers: &[(&str, &str)]| {
            let headers = [&[("host", "localhost")], headers].concat();
            verdict(Version::HTTP_11, &format!("/ws?{query}"), &headers)
        };
        let bearer = ("authorization", "Bearer a");
        assert_eq!(with("token=a", &[bearer]), None);
        assert_eq!(
            with("token=a&token=b&token=c", &[]),
            Some(Malformed::Tokens)
        );
        assert_eq!(with("", &[bearer, bearer, bearer]), Some(Malformed::Tokens));
    }
}
