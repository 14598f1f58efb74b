//! Serves the files that the manifest declares for it, under `/pages/`.

use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::http_component;

#[http_component]
fn pages(request: Request) -> anyhow::Result<impl IntoResponse> {
    let path_info = request.header("spin-path-info").and_then(|value| value.as_str());
    let name = match path_info.unwrap_or_default().trim_matches('/') {
        "" => "index.html",
        name => name,
    };
    // The guest sees nothing but its declared files, so a path that climbs finds nothing either.
    let Ok(bytes) = std::fs::read(format!("/www/{name}")) else {
        return Ok(Response::new(404, format!("no page '{name}'\n")));
    };
    Ok(Response::builder()
        .status(200)
        .header("content-type", "text/html; charset=utf-8")
        .body(bytes)
        .build())
}
