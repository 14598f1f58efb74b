//! For programs: the newest posts (Atom, RFC 4287) and all addresses (sitemaps.org 0.9).

use maud::{Markup, PreEscaped, html};

use crate::db::Db;
use crate::{markdown, pages, settings};

const POSTS: i64 = 20;
const ADDRESSES_MAX: i64 = 20_000; // of each kind; a sitemap has at most 50,000

const XML: PreEscaped<&str> = PreEscaped("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");

pub fn feed(db: &Db, origin: &str) -> anyhow::Result<String> {
    let settings = settings::load(db)?;
    let posts = pages::posts(db, 0, POSTS)?;
    let updated = posts.iter().map(|post| &*post.updated).max().unwrap_or("1970-01-01T00:00:00Z");
    let feed = html! {
        (XML)
        feed xmlns="http://www.w3.org/2005/Atom" {
            id { (origin) "/" }
            title { (settings.title) }
            subtitle { (settings.tagline) }
            author { name { (settings.title) } }
            (link("self", &format!("{origin}/feed.xml")))
            (link("alternate", &format!("{origin}/")))
            updated { (updated) }
            @for post in &posts {
                entry {
                    id { (origin) "/" (post.slug) }
                    title { (post.title) }
                    (link("alternate", &format!("{origin}/{}", post.slug)))
                    published { (post.published) }
                    updated { (post.updated) }
                    summary { (post.summary) }
                    content type="html" { (markdown::render(&post.body).into_string()) }
                }
            }
        }
    };
    Ok(feed.into_string())
}

/// An element without content, which XML wants closed.
fn link(relation: &str, target: &str) -> Markup {
    let element = html! { link rel=(relation) href=(target); }.into_string();
    PreEscaped(element.replace("\">", "\"/>"))
}

pub fn sitemap(db: &Db, origin: &str) -> anyhow::Result<String> {
    let mut found = pages::titles(db, "page", ADDRESSES_MAX)?;
    found.extend(pages::titles(db, "post", ADDRESSES_MAX)?);
    let map = html! {
        (XML)
        urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" {
            url { loc { (origin) "/" } }
            @for [slug, _, changed] in &found {
                url { loc { (origin) "/" (slug) } lastmod { (changed) } }
            }
        }
    };
    Ok(map.into_string())
}
