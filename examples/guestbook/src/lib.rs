//! A guestbook: the newest entries first, twenty on a page, and a form to add one.

use maud::{DOCTYPE, Markup, html};
use spin_sdk::http::{IntoResponse, Method, Request, Response};
use spin_sdk::http_component;
use spin_sdk::sqlite::{Connection, Value};

const PAGE: usize = 20;
const NAME_MAX: usize = 60; // characters, as the schema has it
const TEXT_MAX: usize = 1000;

struct Entry {
    id: i64,
    name: String,
    text: String,
    written: String,
}

/// What somebody has filled in, and what is wrong with it.
#[derive(Default)]
struct Draft {
    name: String,
    text: String,
    problem: Option<&'static str>,
}

#[http_component]
fn handle(request: Request) -> anyhow::Result<impl IntoResponse> {
    match request.method() {
        Method::Get | Method::Head => show(&request, Draft::default()),
        Method::Post => sign(&request),
        _ => Ok(Response::builder().status(405).header("allow", "GET, HEAD, POST").build()),
    }
}

/// Adds an entry. The answer is a redirect, so that loading the page again adds no other one.
fn sign(request: &Request) -> anyhow::Result<Response> {
    if !is_from_here(request) {
        return Ok(Response::builder().status(403).body("This form is not ours.\n").build());
    }
    let draft = read_draft(request.body());
    if draft.problem.is_some() {
        return show(request, draft);
    }
    Connection::open_default()?.execute(
        "INSERT INTO entries (name, text) VALUES (?, ?)",
        &[Value::Text(draft.name), Value::Text(draft.text)],
    )?;
    Ok(Response::builder().status(303).header("location", "/").build())
}

/// Whether a page of this site has sent the form. Browsers say so themselves, which no other site
/// can forge; what is no browser has no cookies to steal.
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
            "name" => draft.name = value.trim().to_owned(),
            "text" => draft.text = value.trim().replace("\r\n", "\n"),
            _ => {}
        }
    }
    let fits = |text: &str, max| (1..=max).contains(&text.chars().count()) && !text.contains('\0');
    if !fits(&draft.name, NAME_MAX) {
        draft.problem = Some("Please tell your name, in at most 60 characters.");
    } else if !fits(&draft.text, TEXT_MAX) {
        draft.problem = Some("Please write something, in at most 1,000 characters.");
    }
    draft
}

fn show(request: &Request, draft: Draft) -> anyhow::Result<Response> {
    let before = form_urlencoded::parse(request.query().as_bytes())
        .find(|(name, _)| name == "before")
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(i64::MAX);
    let mut entries = load(before)?;
    let older = (entries.len() > PAGE).then(|| entries[PAGE - 1].id);
    entries.truncate(PAGE);
    let status = if draft.problem.is_some() { 422 } else { 200 };
    Ok(Response::builder()
        .status(status)
        .header("content-type", "text/html; charset=utf-8")
        .header("cache-control", "no-cache")
        .body(page(&entries, older, &draft).into_string())
        .build())
}

/// The entries older than `before`, one more than a page if there are more.
fn load(before: i64) -> anyhow::Result<Vec<Entry>> {
    let found = Connection::open_default()?.execute(
        "SELECT id, name, text, written FROM entries WHERE id < ? ORDER BY id DESC LIMIT ?",
        &[Value::Integer(before), Value::Integer(PAGE as i64 + 1)],
    )?;
    let text = |row: &spin_sdk::sqlite::Row, column| {
        row.get::<&str>(column).unwrap_or_default().to_owned()
    };
    Ok(found
        .rows()
        .map(|row| Entry {
            id: row.get::<i64>("id").unwrap_or_default(),
            name: text(&row, "name"),
            text: text(&row, "text"),
            written: text(&row, "written"),
        })
        .collect())
}

fn page(entries: &[Entry], older: Option<i64>, draft: &Draft) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Guestbook" }
                link rel="stylesheet" href="/static/style.css";
            }
            body {
                main {
                    h1 { "Guestbook" }
                    form method="post" action="/" {
                        @if let Some(problem) = draft.problem {
                            p .problem role="alert" { (problem) }
                        }
                        label {
                            "Name"
                            input name="name" required maxlength=(NAME_MAX) value=(draft.name);
                        }
                        label {
                            "Message"
                            textarea name="text" required maxlength=(TEXT_MAX) rows="4" {
                                (draft.text)
                            }
                        }
                        button { "Sign" }
                    }
                    @for entry in entries {
                        article id=(entry.id) {
                            p { (entry.text) }
                            footer {
                                strong { (entry.name) } " · "
                                time datetime=(entry.written) { (entry.written) }
                            }
                        }
                    }
                    @if entries.is_empty() { p .empty { "Nobody has written here yet." } }
                    @if let Some(id) = older {
                        nav { a href={ "/?before=" (id) } { "Older entries" } }
                    }
                }
            }
        }
    }
}
