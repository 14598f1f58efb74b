//! The pages that visitors see.

use maud::{DOCTYPE, Markup, html};

use crate::db::Db;
use crate::markdown;
use crate::pages::{self, Published};
use crate::settings::{self, Settings};

const MENU_MAX: i64 = 12; // pages that the menu has room for

/// What stands around every page.
pub struct Frame {
    pub settings: Settings,
    /// Slug and title of each page in it.
    pub menu: Vec<[String; 3]>,
}

impl Frame {
    pub fn load(db: &Db) -> anyhow::Result<Frame> {
        Ok(Frame { settings: settings::load(db)?, menu: pages::titles(db, "page", MENU_MAX)? })
    }
}

pub fn head(title: &str, description: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            title { (title) }
            @if !description.is_empty() { meta name="description" content=(description); }
            link rel="stylesheet" href="/static/style.css";
            link rel="icon" href="/static/icon.svg" type="image/svg+xml";
            link rel="alternate" type="application/atom+xml" href="/feed.xml";
        }
    }
}

/// `notice` stands above the page: authors see it in a preview.
fn frame(
    frame: &Frame,
    title: &str,
    summary: &str,
    notice: Option<Markup>,
    main: Markup,
) -> Markup {
    let site = &frame.settings;
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(&format!("{title} · {}", site.title), summary))
            body {
                @if let Some(notice) = notice { aside .notice role="status" { (notice) } }
                header .site {
                    a .name href="/" { (site.title) }
                    @if !frame.menu.is_empty() {
                        nav aria-label="Pages" {
                            @for [slug, title, _] in &frame.menu {
                                a href={ "/" (slug) } { (title) }
                            }
                        }
                    }
                }
                main { (main) }
                footer .site {
                    span { (site.tagline) }
                    a href="/feed.xml" { "Feed" }
                }
            }
        }
    }
}

pub fn front(site: &Frame, posts: &[Published], number: i64, has_more: bool) -> Markup {
    let path = |number: i64| if number == 1 { "/".to_owned() } else { format!("/?page={number}") };
    let tagline = &site.settings.tagline;
    frame(
        site,
        tagline,
        tagline,
        None,
        html! {
            h1 .tagline { (tagline) }
            @for post in posts {
                article .teaser {
                    time datetime=(post.published) { (date(&post.published)) }
                    h2 { a href={ "/" (post.slug) } { (post.title) } }
                    p { (post.summary) }
                }
            }
            @if posts.is_empty() { p .quiet { "Nothing has been published here yet." } }
            nav .pager aria-label="More posts" {
                @if number > 1 { a rel="prev" href=(path(number - 1)) { "← Newer" } }
                @if has_more { a rel="next" href=(path(number + 1)) { "Older →" } }
            }
        },
    )
}

pub fn page(site: &Frame, page: &Published) -> Markup {
    frame(site, &page.title, &page.summary, None, article(page))
}

/// What a page would look like; `notice` tells that it does not yet.
pub fn preview(site: &Frame, page: &Published, notice: Markup) -> Markup {
    frame(site, &page.title, &page.summary, Some(notice), article(page))
}

fn article(page: &Published) -> Markup {
    html! {
        article .whole {
            @if page.is_post && !page.published.is_empty() {
                time datetime=(page.published) { (date(&page.published)) }
            }
            h1 { (page.title) }
            @if !page.summary.is_empty() { p .summary { (page.summary) } }
            (markdown::render(&page.body))
        }
    }
}

pub fn missing(site: &Frame) -> Markup {
    frame(
        site,
        "Not found",
        "",
        None,
        html! {
            h1 { "There is no such page." }
            p { "It may have moved, or never been. " a href="/" { "Here is what there is." } }
        },
    )
}

/// "2026-11-03T10:15:00Z" as "3 November 2026".
pub fn date(time: &str) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let mut parts = time.split(['-', 'T']).map(|part| part.parse::<usize>().unwrap_or_default());
    let mut next = || parts.next().unwrap_or_default();
    let (year, month, day) = (next(), next(), next());
    format!("{day} {} {year}", MONTHS[month.clamp(1, 12) - 1])
}

/// The same as "2026-11-03 10:15".
pub fn minute(time: &str) -> String {
    time.chars().take(16).collect::<String>().replace('T', " ")
}
