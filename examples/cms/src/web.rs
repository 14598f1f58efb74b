//! Requests and responses: fields, forms, cookies.

use maud::Markup;
use spin_sdk::http::{Request, Response};

pub fn field<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.header(name).and_then(|value| value.as_str())
}

/// A parameter of the query.
pub fn parameter(request: &Request, name: &str) -> Option<String> {
    form_urlencoded::parse(request.query().as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

pub fn cookie<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let pairs = field(request, "cookie")?.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
}

/// Scheme, host and port that the request came to, as the node tells them.
pub fn origin(request: &Request) -> String {
    let url = field(request, "spin-full-url").unwrap_or_default();
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

/// Whether a page of this site has sent the form. Browsers say so themselves, which no other site
/// can forge.
pub fn is_from_here(request: &Request) -> bool {
    match (field(request, "sec-fetch-site"), field(request, "origin")) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(from)) => {
            from.split_once("://").map(|(_, host)| host)
                == origin(request).split_once("://").map(|(_, host)| host)
        }
        (None, None) => true,
    }
}

/// The fields of a form, as they were sent.
pub struct Form(Vec<(String, String)>);

impl Form {
    pub fn read(request: &Request) -> Form {
        let pairs = form_urlencoded::parse(request.body());
        Form(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// As it was sent; empty if it was not.
    pub fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| &**value).unwrap_or_default()
    }

    /// Without white space around, and with the line ends that texts have here.
    pub fn text(&self, name: &str) -> String {
        self.raw(name).trim().replace("\r\n", "\n")
    }
}

/// Whether a text has as many characters, and none that XML has not.
pub fn fits(text: &str, min: usize, max: usize) -> bool {
    let is_strange = |letter: char| {
        letter.is_control() && !matches!(letter, '\n' | '\t')
            || matches!(letter, '\u{fffe}' | '\u{ffff}')
    };
    (min..=max).contains(&text.chars().count()) && !text.contains(is_strange)
}

/// A page that nobody keeps: what authors see, and what is wrong.
pub fn page(status: u16, page: Markup) -> Response {
    Response::builder()
        .status(status)
        .header("content-type", "text/html; charset=utf-8")
        .header("cache-control", "no-store")
        .body(page.into_string())
        .build()
}

/// Loading the page again after it sends no form again.
pub fn see(location: &str) -> Response {
    Response::builder()
        .status(303)
        .header("location", location)
        .header("cache-control", "no-store")
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

pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(bytes))
}
