//! A content management system: visitors read what is published, out of the cache; authors write
//! drafts, look at them, publish them and go back to what was.

mod account;
mod blobs;
mod db;
mod desk;
mod desk_views;
mod feeds;
mod markdown;
mod media;
mod pages;
mod settings;
mod site;
mod views;
mod web;

use spin_sdk::http::{IntoResponse, Method, Request, Response};
use spin_sdk::http_component;

wit_bindgen::generate!({ path: "wit", world: "platform", generate_all });

#[http_component]
fn handle(request: Request) -> anyhow::Result<impl IntoResponse> {
    let path = request.path().to_owned();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match (request.method(), parts.as_slice()) {
        (_, ["admin", rest @ ..]) => desk::handle(&request, rest),
        (Method::Get | Method::Head, rest) => site::handle(&request, rest),
        _ => Ok(Response::builder().status(405).header("allow", "GET, HEAD").build()),
    }
}
