//! Calls out by wasi:http 0.3 `client`.

use wasip3::http::client;
use wasip3::http::types::{Fields, Request, Response, Scheme};
use wasip3::wit_bindgen::{FutureReader, StreamReader};
use wasip3::{wit_future, wit_stream};

use crate::http::{Target, TrailersResult, answer, consume, pass_on};

/// Where to call: the header `x-url`, because a URL in a query needs escaping.
fn url_of(request: &Request) -> String {
    let values = request.get_headers().get("x-url");
    values.first().map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
}

fn request_to(
    url: &str,
    body: StreamReader<u8>,
    trailers: FutureReader<TrailersResult>,
) -> Request {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    let (request, _sent) = Request::new(Fields::new(), Some(body), trailers, None);
    let _ = request.set_scheme(Some(&scheme));
    let _ = request.set_authority(Some(authority));
    let _ = request.set_path_with_query(Some(if path.is_empty() { "/" } else { path }));
    request
}

fn nothing() -> (StreamReader<u8>, FutureReader<TrailersResult>) {
    let (_, body) = wit_stream::new();
    let (_, trailers) = wit_future::new(|| Ok(None));
    (body, trailers)
}

/// Calls `x-url`, with the request's body streamed up (`/upload`) or none (`/fetch`), and streams
/// the answer back with its status and trailers. A refusal is a 502 that names the error.
pub async fn fetch(request: Request, with_body: bool) -> Response {
    let url = url_of(&request);
    let method = request.get_method();
    let (body, trailers) = if with_body { consume(request) } else { nothing() };
    let outgoing = request_to(&url, body, trailers);
    outgoing.set_method(&method).expect("the method came from a request");
    match client::send(outgoing).await {
        Ok(response) => {
            let status = response.get_status_code();
            let headers = Fields::new();
            for (name, value) in response.get_headers().copy_all() {
                // Hop-by-hop headers are refused by the host, and rightly do not pass.
                let _ = headers.append(&name, &value);
            }
            let (_, outcome) = wit_future::new(|| Ok(()));
            let (body, trailers) = Response::consume_body(response, outcome);
            pass_on(status, headers, body, trailers)
        }
        Err(error) => answer(502, &format!("failed: {error:?}\n")),
    }
}

/// Makes `?count=` calls, one after the other, and says how each ended.
pub async fn fetch_many(request: Request, target: &Target) -> Response {
    let url = url_of(&request);
    let mut report = String::new();
    for index in 0..target.number("count", 51u32) {
        let (body, trailers) = nothing();
        let outcome = match client::send(request_to(&url, body, trailers)).await {
            Ok(response) => response.get_status_code().to_string(),
            Err(error) => format!("{error:?}"),
        };
        report += &format!("{index}: {outcome}\n");
    }
    answer(200, &report)
}
