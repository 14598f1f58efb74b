//! Short links: a form makes one, its path leads to where it was made for.

use maud::{DOCTYPE, Markup, html};
use spin_sdk::http::{IntoResponse, Method, Request, Response};
use spin_sdk::http_component;
use spin_sdk::key_value::Store;
use url::Url;

const URL_MAX: usize = 2000; // bytes
const NAME_MAX: usize = 40;
const NAME_NEW: usize = 7; // characters of a name that nobody has chosen: 62^7 of them
const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What somebody has filled in, and what came of it.
#[derive(Default)]
struct Draft {
    url: String,
    name: String,
    problem: Option<&'static str>,
}

#[http_component]
fn handle(request: Request) -> anyhow::Result<impl IntoResponse> {
    let path = request.path().to_owned();
    match (request.method(), path.as_str()) {
        (Method::Get | Method::Head, "/") => Ok(show(200, &Draft::default(), None)),
        (Method::Post, "/") => shorten(&request),
        (Method::Get | Method::Head, path) => follow(&path[1..]),
        _ => Ok(Response::builder().status(405).header("allow", "GET, HEAD").build()),
    }
}

/// A link does not change, so the cache may keep where it leads to; that there is none may be over
/// any moment.
fn follow(name: &str) -> anyhow::Result<Response> {
    let target = match is_name(name) {
        true => Store::open_default()?.get(&key(name))?,
        false => None,
    };
    let Some(target) = target else {
        return Ok(Response::builder()
            .status(404)
            .header("cache-control", "no-store")
            .header("content-type", "text/plain; charset=utf-8")
            .body("There is no such link.\n")
            .build());
    };
    Ok(Response::builder()
        .status(302)
        .header("location", String::from_utf8(target)?)
        .header("cache-control", "public, max-age=60, s-maxage=3600")
        .build())
}

fn shorten(request: &Request) -> anyhow::Result<Response> {
    if !is_from_here(request) {
        return Ok(Response::builder().status(403).body("This form is not ours.\n").build());
    }
    let mut draft = read_draft(request.body());
    let host = own_host(request);
    let target = match check_url(&draft.url, host) {
        Ok(target) => target,
        Err(problem) => {
            draft.problem = Some(problem);
            return Ok(show(422, &draft, None));
        }
    };
    if !draft.name.is_empty() && !is_name(&draft.name) {
        draft.problem = Some("A name has 1 to 40 letters, digits, hyphens and underscores.");
        return Ok(show(422, &draft, None));
    }
    let store = Store::open_default()?;
    let name = if draft.name.is_empty() { new_name()? } else { draft.name.clone() };
    if store.exists(&key(&name))? {
        draft.problem = Some("This name is taken.");
        return Ok(show(409, &draft, None));
    }
    store.set(&key(&name), target.as_bytes())?;
    Ok(show(201, &Draft::default(), Some(&format!("{host}/{name}"))))
}

fn key(name: &str) -> String {
    format!("link/{name}")
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(plain) && name != "static"
}

fn new_name() -> anyhow::Result<String> {
    let mut name = String::new();
    while name.len() < NAME_NEW {
        let byte = (getrandom::u32()? >> 26) as usize; // 0 to 63
        if let Some(&letter) = LETTERS.get(byte) {
            name.push(letter as char);
        }
    }
    Ok(name)
}

/// The address as browsers write it.
fn check_url(text: &str, host: &str) -> Result<String, &'static str> {
    const PROBLEM: &str = "Please give a whole address, beginning with https:// or http://.";
    let url = Url::parse(text).map_err(|_| PROBLEM)?;
    if !matches!(url.scheme(), "http" | "https") || url.as_str().len() > URL_MAX {
        return Err(PROBLEM);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("An address with a password in it is better not shared.");
    }
    let own = Url::parse(&format!("http://{host}/")).ok();
    if own.is_some_and(|own| own.host() == url.host()) {
        return Err("This is short already.");
    }
    Ok(url.into())
}

/// Whether a page of this site has sent the form: see examples/guestbook.
fn is_from_here(request: &Request) -> bool {
    let field = |name| request.header(name).and_then(|value| value.as_str());
    match field("sec-fetch-site") {
        Some(site) => site == "same-origin" || site == "none",
        None => match field("origin") {
            Some(origin) => {
                origin.split_once("://").is_some_and(|(_, host)| host == own_host(request))
            }
            None => true,
        },
    }
}

/// Host and port that the request came to, as the node tells them.
fn own_host(request: &Request) -> &str {
    let url = request.header("spin-full-url").and_then(|value| value.as_str()).unwrap_or_default();
    url.split('/').nth(2).unwrap_or_default()
}

fn read_draft(body: &[u8]) -> Draft {
    let mut draft = Draft::default();
    for (name, value) in form_urlencoded::parse(body) {
        match &*name {
            "url" => draft.url = value.trim().to_owned(),
            "name" => draft.name = value.trim().to_owned(),
            _ => {}
        }
    }
    draft
}

fn show(status: u16, draft: &Draft, made: Option<&str>) -> Response {
    Response::builder()
        .status(status)
        .header("content-type", "text/html; charset=utf-8")
        .header("cache-control", "no-store")
        .body(page(draft, made).into_string())
        .build()
}

fn page(draft: &Draft, made: Option<&str>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Short links" }
                link rel="stylesheet" href="/static/style.css";
            }
            body {
                main {
                    h1 { "Short links" }
                    @if let Some(link) = made {
                        article {
                            p { "Your link:" }
                            p { a href={ "//" (link) } { (link) } }
                        }
                    }
                    form method="post" action="/" {
                        @if let Some(problem) = draft.problem {
                            p .problem role="alert" { (problem) }
                        }
                        label {
                            "Address"
                            input name="url" type="url" required maxlength=(URL_MAX)
                                value=(draft.url) placeholder="https://";
                        }
                        label {
                            "Name, if you want one"
                            input name="name" maxlength=(NAME_MAX) value=(draft.name)
                                pattern="[A-Za-z0-9_\\-]+";
                        }
                        button { "Shorten" }
                    }
                }
            }
        }
    }
}
