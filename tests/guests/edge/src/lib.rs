//! Calls cusp:edge from a guest of WASI 0.3: the path of the request names the function, its query
//! the arguments. Answers 200 with what came of it, or 400 with the error.

use std::fmt::Debug;

use cusp::edge::{cache, geo, rate_limit};
use http::{Response, StatusCode};
use wasip3::http::types::{self, ErrorCode};
use wasip3::http_compat::{http_from_wasi_request, http_into_wasi_response};

wit_bindgen::generate!({ world: "edge" });

struct Calls;

impl wasip3::exports::http::handler::Guest for Calls {
    async fn handle(request: types::Request) -> Result<types::Response, ErrorCode> {
        let request = http_from_wasi_request(request)?;
        let query = Query(request.uri().query().unwrap_or_default());
        let (status, text) = match call(request.uri().path(), &query) {
            Ok(text) => (StatusCode::OK, text),
            Err(text) => (StatusCode::BAD_REQUEST, text),
        };
        let mut response = Response::new(text);
        *response.status_mut() = status;
        http_into_wasi_response(response)
    }
}

/// Texts stand in it as they are: a test sends none that would need escapes.
struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    fn all(&self, name: &str) -> Vec<&'a str> {
        let pairs = self.0.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).collect()
    }

    fn text(&self, name: &str) -> &'a str {
        self.all(name).first().copied().unwrap_or_default()
    }

    fn number(&self, name: &str) -> Option<u32> {
        self.text(name).parse().ok()
    }
}

/// What a function answered, in words.
fn told<T: Debug, E: Debug>(result: Result<T, E>) -> Result<String, String> {
    result.map(|value| format!("{value:?}")).map_err(|error| format!("{error:?}"))
}

fn call(path: &str, query: &Query) -> Result<String, String> {
    match path {
        "/client" => Ok(format!("{:?}", geo::client())),
        "/client-address" => Ok(geo::client_address()),
        "/lookup" => told(geo::lookup(query.text("address"))),
        "/get" => told(cache::get(query.text("key")).map(|entry| entry.map(describe))),
        "/insert" => insert(query),
        "/delete" => told(cache::delete(query.text("key"))),
        "/purge" => told(cache::purge_tag(query.text("tag"), query.text("soft") == "true")),
        "/purge-flood" => {
            told((0..1000).try_for_each(|turn| cache::purge_tag(&format!("t{turn}"), false)))
        }
        "/check" => told(check(query, query.text("name"), query.text("key"))),
        // Many clients, then the one that was there before them.
        "/check-flood" => {
            let name = query.text("name");
            for client in 0..query.number("count").unwrap_or(0) {
                told(check(query, name, &format!("client{client}")))?;
            }
            told(check(query, name, query.text("key")))
        }
        // A name for each client, which is what keys are for.
        "/check-names" => told(
            (0..100).try_for_each(|turn| check(query, &format!("name{turn}"), "key").map(drop)),
        ),
        _ => Err("no such function".to_owned()),
    }
}

fn describe(entry: cache::Entry) -> String {
    let start = String::from_utf8_lossy(&entry.body[..entry.body.len().min(20)]);
    let (size, metadata, stale) = (entry.body.len(), entry.metadata, entry.stale);
    format!("{start} size {size} metadata {metadata:?} stale {stale}")
}

/// With `size`, the body is so many bytes; else it is `body`.
fn insert(query: &Query) -> Result<String, String> {
    let body = match query.number("size") {
        Some(size) => vec![b'x'; size as usize],
        None => query.text("body").as_bytes().to_vec(),
    };
    let metadata = query.all("metadata").first().map(|text| (*text).to_owned());
    let options = cache::Options {
        ttl_seconds: query.number("ttl").unwrap_or(60),
        stale_seconds: query.number("stale").unwrap_or(0),
        tags: query.all("tag").into_iter().map(str::to_owned).collect(),
        metadata,
    };
    told(cache::insert(query.text("key"), &options, &body))
}

fn check(query: &Query, name: &str, key: &str) -> Result<rate_limit::Verdict, rate_limit::Error> {
    let quota = rate_limit::Quota {
        limit: query.number("limit").unwrap_or(1),
        window_seconds: query.number("window").unwrap_or(60),
        burst: query.number("burst"),
    };
    rate_limit::check(name, key, quota)
}

wasip3::http::service::export!(Calls);
