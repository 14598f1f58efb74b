//! A greeting for each country: made once, kept in the POP's cache for everyone there, and given to
//! each reader a limited number of times.

use wstd::http::{Body, Method, Request, Response, Result, StatusCode};

use cusp::edge::{cache, geo, rate_limit};

wit_bindgen::generate!({ world: "edge" });

/// Twenty at once, then one in every three seconds.
const QUOTA: rate_limit::Quota =
    rate_limit::Quota { limit: 20, window_seconds: 60, burst: Some(20) };

#[wstd::http_server]
async fn main(request: Request<Body>) -> Result<Response<Body>> {
    let verdict = rate_limit::check("pages", &geo::client_address(), QUOTA)?;
    if !verdict.allowed {
        return Ok(Response::builder()
            .status(StatusCode::TOO_MANY_REQUESTS)
            .header("retry-after", verdict.retry_after_seconds)
            .body("Slowly, please.\n".into())?);
    }
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => greeting(),
        (&Method::POST, "/refresh") => {
            // Each is made anew when it is next asked for.
            cache::purge_tag("greetings", false)?;
            Ok(Response::new("Soon.\n".into()))
        }
        _ => {
            Ok(Response::builder().status(StatusCode::NOT_FOUND).body("Nothing here.\n".into())?)
        }
    }
}

fn greeting() -> Result<Response<Body>> {
    let country = geo::client().country.unwrap_or("nowhere".to_owned());
    let key = format!("greeting/{country}");
    if let Some(entry) = cache::get(&key)? {
        let how = format!("{} s old", entry.age_seconds);
        return Ok(Response::builder().header("x-greeting", how).body(entry.body.into())?);
    }
    let body = write_greeting(&country);
    let options = cache::Options {
        ttl_seconds: 60,
        stale_seconds: 0,
        tags: vec!["greetings".to_owned()],
        metadata: None,
    };
    cache::insert(&key, &options, body.as_bytes())?;
    Ok(Response::builder().header("x-greeting", "made now").body(body.into())?)
}

/// Stands for work that is worth keeping: a rendered page, the answer of a service far away.
fn write_greeting(country: &str) -> String {
    let word = match country {
        "DE" | "AT" | "CH" => "Guten Tag",
        "FR" | "BE" => "Bonjour",
        "JP" => "こんにちは",
        _ => "Hello",
    };
    format!("{word}, {country}!\n")
}
