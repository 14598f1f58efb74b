//! The pages that authors see.

use maud::{DOCTYPE, Markup, html};

use crate::account::{PASSWORD_MAX, PASSWORD_MIN, Session};
use crate::media::Medium;
use crate::pages::{BODY_MAX, Draft, SLUG_MAX, SUMMARY_MAX, TITLE_MAX};
use crate::settings::{Settings, TAGLINE_MAX, TITLE_MAX as SITE_TITLE_MAX};
use crate::views::{head, minute};

fn frame(session: &Session, title: &str, main: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title, ""))
            body .desk {
                header .site {
                    nav aria-label="Desk" {
                        a href="/admin" { "Pages" }
                        a href="/admin/media" { "Media" }
                        a href="/admin/settings" { "Settings" }
                        a href="/" { "Site" }
                    }
                    form method="post" action="/admin/log-out" {
                        (token(session))
                        button .plain { "Log out" }
                    }
                }
                main { h1 { (title) } (main) }
            }
        }
    }
}

fn token(session: &Session) -> Markup {
    html! { input type="hidden" name="csrf" value=(session.csrf); }
}

fn problem(text: Option<&str>) -> Markup {
    html! { @if let Some(text) = text { p .problem role="alert" { (text) } } }
}

pub fn log_in(name: &str, wrong: Option<&str>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head("Log in", ""))
            body .desk {
                main .narrow {
                    h1 { "Log in" }
                    form .card method="post" action="/admin/log-in" {
                        (problem(wrong))
                        label {
                            "Name"
                            input name="name" required autocomplete="username" value=(name);
                        }
                        label {
                            "Password"
                            input name="password" type="password" required
                                autocomplete="current-password";
                        }
                        button { "Log in" }
                    }
                }
            }
        }
    }
}

/// Where a list goes on and came from.
fn pager(path: &str, skip: i64, listed: i64, has_more: bool) -> Markup {
    let link = |skip: i64| format!("{path}?skip={skip}");
    html! {
        nav .pager aria-label="More" {
            @if skip > 0 { a href=(link((skip - listed).max(0))) { "← Newer" } }
            @if has_more { a href=(link(skip + listed)) { "Older →" } }
        }
    }
}

fn state(draft: &Draft) -> Markup {
    html! {
        @if draft.published == 0 {
            span .badge.draft { "Draft" }
        } @else if draft.published == draft.revision {
            span .badge { "Published" }
        } @else {
            span .badge { "Published" } " " span .badge.draft { "Newer draft" }
        }
    }
}

pub fn list(session: &Session, pages: &[Draft], skip: i64, listed: i64) -> Markup {
    frame(
        session,
        "Pages",
        html! {
            p { a .button href="/admin/pages/new" { "New page" } }
            ul .rows {
                @for page in pages.iter().take(listed as usize) {
                    li {
                        div {
                            a .title href={ "/admin/pages/" (page.id) } { (page.title) }
                            p .quiet {
                                (if page.is_post { "Post" } else { "Page" }) " /" (page.slug)
                                " · " (page.author) ", " (minute(&page.saved))
                            }
                        }
                        div { (state(page)) }
                    }
                }
            }
            @if pages.is_empty() { p .quiet { "There is no page yet." } }
            (pager("/admin", skip, listed, pages.len() as i64 > listed))
        },
    )
}

pub fn edit(session: &Session, draft: &Draft, history: &[Draft], wrong: Option<&str>) -> Markup {
    let action = match draft.id {
        0 => "/admin/pages/new".to_owned(),
        id => format!("/admin/pages/{id}"),
    };
    frame(
        session,
        if draft.id == 0 { "New page" } else { "Edit page" },
        html! {
            @if draft.id != 0 { p .status { (state(draft)) (links(draft)) } }
            form .card method="post" action=(action) {
                (token(session))
                input type="hidden" name="revision" value=(draft.revision);
                (problem(wrong))
                (fields(draft))
                div .actions {
                    button name="action" value="save" { "Save draft" }
                    button .strong name="action" value="publish" { "Publish" }
                }
            }
            @if draft.id != 0 {
                (past(session, draft, history))
                (danger(session, draft))
            }
        },
    )
}

fn links(draft: &Draft) -> Markup {
    html! {
        a href={ "/admin/pages/" (draft.id) "/preview" } { "Preview" }
        @if draft.published != 0 { a href={ "/" (draft.slug) } { "See it on the site" } }
    }
}

fn fields(draft: &Draft) -> Markup {
    let is_fixed = draft.published != 0;
    html! {
        label {
            "Title"
            input name="title" required maxlength=(TITLE_MAX) value=(draft.title);
        }
        div .pair {
            label {
                "Address"
                input name="slug" maxlength=(SLUG_MAX) value=(draft.slug) disabled[is_fixed]
                    pattern="[a-z0-9]+(-[a-z0-9]+)*" placeholder="made from the title";
            }
            label {
                "Kind"
                select name="kind" disabled[is_fixed] {
                    option value="post" selected[draft.is_post || draft.id == 0] {
                        "Post, listed by date"
                    }
                    option value="page" selected[!draft.is_post && draft.id != 0] {
                        "Page, in the menu"
                    }
                }
            }
        }
        label {
            "Summary"
            input name="summary" maxlength=(SUMMARY_MAX) value=(draft.summary);
        }
        label {
            "Text, in Markdown"
            // A line break right after the tag is no part of the text.
            textarea name="body" rows="18" maxlength=(BODY_MAX) spellcheck="true" {
                "\n" (draft.body)
            }
        }
    }
}

fn past(session: &Session, draft: &Draft, history: &[Draft]) -> Markup {
    html! {
        h2 { "History" }
        ul .rows {
            @for old in history {
                li {
                    div {
                        a href={ "/admin/pages/" (draft.id) "/preview?revision=" (old.revision) } {
                            (minute(&old.saved))
                        }
                        span .quiet { " " (old.author) ": " (old.title) }
                    }
                    div {
                        @if old.revision == draft.published { span .badge { "Published" } }
                        @if old.revision != draft.revision {
                            form method="post" action={ "/admin/pages/" (draft.id) "/restore" } {
                                (token(session))
                                input type="hidden" name="revision" value=(old.revision);
                                button .plain { "Go back to this" }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What takes something away is folded up, so that nobody hits it by chance.
fn danger(session: &Session, draft: &Draft) -> Markup {
    let form = |action: &str, label: &str| {
        html! {
            form method="post" action={ "/admin/pages/" (draft.id) "/" (action) } {
                (token(session))
                button .danger { (label) }
            }
        }
    };
    html! {
        details {
            summary { "Take this page off the site" }
            div .actions {
                @if draft.published != 0 { (form("unpublish", "Unpublish, keep as a draft")) }
                (form("delete", "Delete for good"))
            }
        }
    }
}

pub fn preview_notice(draft: &Draft) -> Markup {
    html! {
        @if draft.revision == draft.published {
            "This is what visitors see."
        } @else {
            "Preview: visitors do not see this."
        }
        " " a href={ "/admin/pages/" (draft.id) } { "Back to the desk" }
    }
}

pub fn media(
    session: &Session,
    media: &[Medium],
    skip: i64,
    listed: i64,
    wrong: Option<&str>,
) -> Markup {
    frame(
        session,
        "Media",
        html! {
            form .card method="post" action="/admin/media" enctype="multipart/form-data" {
                (token(session))
                (problem(wrong))
                label {
                    "Picture, at most 8 MiB"
                    input name="file" type="file" required
                        accept="image/png,image/jpeg,image/gif,image/webp,image/avif";
                }
                button { "Upload" }
            }
            ul .grid {
                @for medium in media.iter().take(listed as usize) {
                    li {
                        img src=(medium.path()) alt="" loading="lazy";
                        code { "![](" (medium.path()) ")" }
                        p .quiet {
                            (medium.kind) ", " ((medium.size + 1023) / 1024) " KiB, "
                            (minute(&medium.uploaded))
                        }
                        details {
                            summary { "Delete" }
                            form method="post" action={ "/admin/media/" (medium.id) "/delete" } {
                                (token(session))
                                button .danger { "Delete for good" }
                            }
                        }
                    }
                }
            }
            @if media.is_empty() { p .quiet { "There is no picture yet." } }
            (pager("/admin/media", skip, listed, media.len() as i64 > listed))
        },
    )
}

pub fn settings(
    session: &Session,
    site: &Settings,
    wrong: Option<&str>,
    wrong_password: Option<&str>,
) -> Markup {
    frame(
        session,
        "Settings",
        html! {
            form .card method="post" action="/admin/settings" {
                (token(session))
                (problem(wrong))
                label {
                    "Title of the site"
                    input name="title" required maxlength=(SITE_TITLE_MAX) value=(site.title);
                }
                label {
                    "Tagline"
                    input name="tagline" maxlength=(TAGLINE_MAX) value=(site.tagline);
                }
                button { "Save" }
            }
            h2 { "Password of " (session.name) }
            form .card method="post" action="/admin/password" {
                (token(session))
                (problem(wrong_password))
                label {
                    "The password so far"
                    input name="old" type="password" required autocomplete="current-password";
                }
                label {
                    "The new one, at least 12 characters"
                    input name="new" type="password" required minlength=(PASSWORD_MIN)
                        maxlength=(PASSWORD_MAX) autocomplete="new-password";
                }
                button { "Change" }
            }
        },
    )
}
