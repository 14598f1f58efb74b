//! Pictures: visitors upload them, look at them in a few widths, and delete their own.

mod blobs;
mod pictures;
mod resize;
mod site;
mod upload;
mod views;
mod web;

use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_component;

wit_bindgen::generate!({ path: "wit", world: "platform", generate_all });

#[http_component]
fn handle(request: Request) -> anyhow::Result<impl IntoResponse> {
    site::handle(&request)
}
