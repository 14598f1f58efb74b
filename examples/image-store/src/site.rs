//! Which request does what. The cache keeps pages until an upload or a deletion purges them, and
//! pictures until they are deleted.

use maud::Markup;
use spin_sdk::http::{Method, Request, Response};

use crate::cusp::edge::cache;
use crate::pictures::{self, WIDTHS};
use crate::upload::Upload;
use crate::{views, web};

const LISTED: u64 = 24; // pictures on a page

pub fn handle(request: &Request) -> anyhow::Result<Response> {
    let path = request.path().to_owned();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match (request.method(), parts.as_slice()) {
        (Method::Get | Method::Head, [""]) => gallery(request),
        (Method::Get | Method::Head, ["p", id]) if pictures::is_id(id) => one(id),
        (Method::Get | Method::Head, ["i", id]) if pictures::is_id(id) => file(request, id),
        (Method::Get | Method::Head, _) => Ok(missing()),
        (Method::Post, _) if !web::is_from_here(request) => {
            Ok(web::refuse(403, "This form is not ours."))
        }
        (Method::Post, [""]) => upload(request),
        (Method::Post, ["p", id, "delete"]) if pictures::is_id(id) => delete(request, id),
        (Method::Post, _) => Ok(missing()),
        _ => Ok(Response::builder().status(405).header("allow", "GET, HEAD, POST").build()),
    }
}

fn kept(tag: &str, page: Markup) -> Response {
    Response::builder()
        .status(200)
        .header("content-type", "text/html; charset=utf-8")
        .header("cache-control", "public, max-age=0, must-revalidate")
        .header("cdn-cache-control", "max-age=86400")
        .header("surrogate-key", tag)
        .body(page.into_string())
        .build()
}

fn missing() -> Response {
    web::page(404, views::missing())
}

fn gallery(request: &Request) -> anyhow::Result<Response> {
    let skip = web::number(request, "skip", 0).filter(|skip| *skip <= pictures::COUNT_MAX);
    let Some(skip) = skip else { return Ok(missing()) };
    let mut found = pictures::list(skip, LISTED + 1)?;
    let has_more = found.len() as u64 > LISTED;
    found.truncate(LISTED as usize);
    Ok(kept("gallery", views::gallery(&found, skip, LISTED, has_more, None, "")))
}

fn one(id: &str) -> anyhow::Result<Response> {
    let Some(card) = pictures::find(id)? else { return Ok(missing()) };
    Ok(kept(&format!("picture-{id}"), views::one(id, &card, None)))
}

/// A picture in one of the widths; a browser has it for a day.
fn file(request: &Request, id: &str) -> anyhow::Result<Response> {
    let width = web::number(request, "w", u64::from(WIDTHS[2]));
    let width = WIDTHS.into_iter().find(|known| Some(u64::from(*known)) == width);
    let Some(width) = width else { return Ok(web::refuse(404, "There is no such width.")) };
    let Some((file, kind)) = pictures::variant(id, width)? else { return Ok(missing()) };
    Ok(Response::builder()
        .status(200)
        .header("content-type", kind)
        .header("cache-control", "public, max-age=86400")
        .header("cdn-cache-control", "max-age=31536000")
        .header("surrogate-key", format!("picture-{id}"))
        .header("etag", format!("\"{id}-{width}\""))
        .body(file)
        .build())
}

fn upload(request: &Request) -> anyhow::Result<Response> {
    let Ok(upload) = Upload::read(request) else {
        return Ok(web::refuse(400, "This is no form with a file."));
    };
    match upload.keep()? {
        Ok(added) => {
            cache::purge_tag("gallery", false)?;
            Ok(web::page(201, views::added(&added)))
        }
        Err(problem) => {
            let page = views::gallery(&[], 0, LISTED, false, Some(problem), &upload.caption);
            Ok(web::page(422, page))
        }
    }
}

fn delete(request: &Request, id: &str) -> anyhow::Result<Response> {
    let token = form_urlencoded::parse(request.body()).find(|(key, _)| key == "token");
    let token = token.map(|(_, value)| value.trim().to_owned()).unwrap_or_default();
    if pictures::delete(id, &token)? {
        cache::purge_tag("gallery", false)?;
        cache::purge_tag(&format!("picture-{id}"), false)?;
        return Ok(Response::builder().status(303).header("location", "/").build());
    }
    let Some(card) = pictures::find(id)? else { return Ok(missing()) };
    Ok(web::page(403, views::one(id, &card, Some("This is not the picture's token."))))
}
