//! Requests and responses.

use maud::Markup;
use spin_sdk::http::{Request, Response};

pub fn field<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.header(name).and_then(|value| value.as_str())
}

/// The number that a parameter of the query is; `otherwise` if there is no such parameter.
pub fn number(request: &Request, name: &str, otherwise: u64) -> Option<u64> {
    form_urlencoded::parse(request.query().as_bytes())
        .find(|(key, _)| key == name)
        .map_or(Some(otherwise), |(_, value)| value.parse().ok())
}

/// Whether a page of this site has sent the form: see examples/guestbook.
pub fn is_from_here(request: &Request) -> bool {
    match (field(request, "sec-fetch-site"), field(request, "origin")) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => {
            let url = field(request, "spin-full-url").unwrap_or_default();
            origin.split_once("://").map(|(_, host)| host) == url.split('/').nth(2)
        }
        (None, None) => true,
    }
}

/// A page that nobody keeps.
pub fn page(status: u16, page: Markup) -> Response {
    Response::builder()
        .status(status)
        .header("content-type", "text/html; charset=utf-8")
        .header("cache-control", "no-store")
        .body(page.into_string())
        .build()
}

pub fn refuse(status: u16, why: &str) -> Response {
    Response::builder()
        .status(status)
        .header("content-type", "text/plain; charset=utf-8")
        .header("cache-control", "no-store")
        .body(format!("{why}\n"))
        .build()
}

/// As many random bytes, in hexadecimal digits.
pub fn random(bytes: usize) -> anyhow::Result<String> {
    let mut buffer = vec![0; bytes];
    getrandom::fill(&mut buffer)?;
    Ok(data_encoding::HEXLOWER.encode(&buffer))
}
