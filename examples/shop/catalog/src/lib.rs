//! `/products` lists what the shop sells, `/products/:id` shows one with its stock.

use serde_json::{Value, json};
use spin_sdk::http::{IntoResponse, Method, Request, Response};
use spin_sdk::{http_component, variables};

#[http_component]
async fn catalog(request: Request) -> anyhow::Result<impl IntoResponse> {
    if *request.method() != Method::Get {
        return Ok(json_response(405, &json!({ "error": "only GET" })));
    }
    let products: Vec<Value> = serde_json::from_slice(&std::fs::read("/data/products.json")?)?;
    // The node sets this header for a route with `:id`, and drops it when a client sends it.
    match request.header("spin-path-match-id").and_then(|value| value.as_str()) {
        None => Ok(json_response(200, &overview(&products)?)),
        Some(id) => match products.into_iter().find(|product| product["id"] == id) {
            Some(product) => Ok(json_response(200, &detail(product).await?)),
            None => Ok(json_response(404, &json!({ "error": format!("no product '{id}'") }))),
        },
    }
}

fn overview(products: &[Value]) -> anyhow::Result<Value> {
    Ok(json!({
        "shop": std::env::var("SHOP_NAME")?,
        "currency": variables::get("currency")?,
        "greeting": variables::get("greeting")?,
        "products": products,
    }))
}

async fn detail(mut product: Value) -> anyhow::Result<Value> {
    let id = product["id"].as_str().unwrap_or_default().to_owned();
    product["currency"] = variables::get("currency")?.into();
    product["stock"] = stock_of(&id).await.unwrap_or_else(|_| "unknown".into());
    Ok(product)
}

/// Asks the private component `stock`. The shop goes on selling when that does not answer.
async fn stock_of(id: &str) -> anyhow::Result<Value> {
    let request = Request::get(format!("http://stock.spin.internal/{id}")).build();
    let response: Response = spin_sdk::http::send(request).await?;
    anyhow::ensure!(*response.status() == 200, "stock answered {}", response.status());
    Ok(serde_json::from_slice(response.body())?)
}

fn json_response(status: u16, body: &Value) -> Response {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body.to_string())
        .build()
}
