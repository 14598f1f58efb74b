//! What visitors see. The cache keeps it for a day, or until something is published that changes
//! it: every answer has the tags that `purge` names. Browsers ask again each time.

use maud::Markup;
use spin_sdk::http::{Request, Response};

use crate::cusp::edge::cache;
use crate::db::Db;
use crate::{blobs, feeds, media, pages, settings, views, web};

const POSTS: i64 = 10; // on a page of the front page
const SKIP_MAX: i64 = 1000; // pages of it

/// What the cache is to forget.
pub enum Changed {
    /// A post: its page, and what lists posts.
    Post(i64),
    /// What stands on every page: the menu, the title.
    Site,
    Medium(String),
}

pub fn purge(changed: Changed) -> anyhow::Result<()> {
    match changed {
        Changed::Post(id) => {
            cache::purge_tag(&format!("page-{id}"), false)?;
            cache::purge_tag("lists", false)?;
        }
        Changed::Site => cache::purge_tag("site", false)?,
        Changed::Medium(id) => cache::purge_tag(&format!("medium-{id}"), false)?,
    }
    Ok(())
}

pub fn handle(request: &Request, parts: &[&str]) -> anyhow::Result<Response> {
    let db = Db::open()?;
    match parts {
        [""] => front(&db, request),
        ["feed.xml"] => {
            let feed = feeds::feed(&db, &web::origin(request))?;
            Ok(kept("application/atom+xml; charset=utf-8", "site lists", feed))
        }
        ["sitemap.xml"] => {
            let map = feeds::sitemap(&db, &web::origin(request))?;
            Ok(kept("application/xml; charset=utf-8", "site lists", map))
        }
        ["robots.txt"] => {
            let text = format!("Sitemap: {}/sitemap.xml\n", web::origin(request));
            Ok(kept("text/plain; charset=utf-8", "site", text))
        }
        ["media", id, name] => medium(&db, id, name),
        [slug] if pages::is_slug(slug) => one(&db, slug),
        _ => missing(&db),
    }
}

fn kept(kind: &str, tags: &str, body: String) -> Response {
    Response::builder()
        .status(200)
        .header("content-type", kind)
        .header("cache-control", "public, max-age=0, must-revalidate")
        .header("cdn-cache-control", "max-age=86400")
        .header("surrogate-key", tags)
        .header("etag", format!("\"{}\"", &web::sha256(body.as_bytes())[..32]))
        .body(body)
        .build()
}

fn kept_page(tags: &str, page: Markup) -> Response {
    kept("text/html; charset=utf-8", tags, page.into_string())
}

fn front(db: &Db, request: &Request) -> anyhow::Result<Response> {
    let number = web::parameter(request, "page").map_or(Some(1), |text| text.parse().ok());
    let Some(number) = number.filter(|number| (1..=SKIP_MAX).contains(number)) else {
        return missing(db);
    };
    let mut posts = pages::posts(db, (number - 1) * POSTS, POSTS + 1)?;
    let has_more = posts.len() as i64 > POSTS;
    posts.truncate(POSTS as usize);
    if posts.is_empty() && number > 1 {
        return missing(db);
    }
    let frame = views::Frame::load(db)?;
    Ok(kept_page("site lists", views::front(&frame, &posts, number, has_more)))
}

fn one(db: &Db, slug: &str) -> anyhow::Result<Response> {
    let Some(page) = pages::find_published(db, slug)? else { return missing(db) };
    let frame = views::Frame::load(db)?;
    Ok(kept_page(&format!("site page-{}", page.id), views::page(&frame, &page)))
}

/// Not kept: what is missing may be published any moment.
fn missing(db: &Db) -> anyhow::Result<Response> {
    let settings = settings::load(db)?;
    Ok(web::page(404, views::missing(&views::Frame { settings, menu: Vec::new() })))
}

fn medium(db: &Db, id: &str, name: &str) -> anyhow::Result<Response> {
    let Some(medium) = media::find(db, id)?.filter(|medium| medium.name == name) else {
        return missing(db);
    };
    Ok(Response::builder()
        .status(200)
        .header("content-type", medium.kind)
        .header("cache-control", "public, max-age=31536000, immutable")
        .header("surrogate-key", format!("medium-{id}"))
        .header("etag", format!("\"{id}\""))
        .body(blobs::get(id)?)
        .build())
}
