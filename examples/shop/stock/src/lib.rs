//! How many of a product are left. Private: only other components of the app reach it.

use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::http_component;

#[http_component]
fn stock(request: Request) -> anyhow::Result<impl IntoResponse> {
    // A count that stands still: this example is about components, not about stores.
    let left = request.path().trim_matches('/').bytes().map(u32::from).sum::<u32>() % 10;
    Ok(Response::new(200, left.to_string()))
}
