//! The pages.

use maud::{DOCTYPE, Markup, html};

use crate::pictures::{Added, CAPTION_MAX, Card, WIDTHS};

fn frame(title: &str, main: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href="/static/style.css";
                link rel="icon" href="/static/icon.svg" type="image/svg+xml";
            }
            body {
                header { a href="/" { "Pictures" } }
                main { (main) }
            }
        }
    }
}

fn problem(text: Option<&str>) -> Markup {
    html! { @if let Some(text) = text { p .problem role="alert" { (text) } } }
}

fn address(id: &str, width: u32) -> String {
    format!("/i/{id}?w={width}")
}

/// The picture in the width that the browser finds best; `sizes` tells how wide it is shown.
fn picture(id: &str, card: &Card, sizes: &str) -> Markup {
    let source = |width| format!("{} {}w", address(id, width), card.width.min(width));
    let sources = card.widths().map(source).collect::<Vec<_>>().join(", ");
    html! {
        img src=(address(id, WIDTHS[1])) srcset=(sources) sizes=(sizes) alt=(card.caption)
            width=(card.width) height=(card.height) loading="lazy";
    }
}

pub fn gallery(
    found: &[(String, Card)],
    skip: u64,
    listed: u64,
    has_more: bool,
    wrong: Option<&str>,
    caption: &str,
) -> Markup {
    frame(
        "Pictures",
        html! {
            form .card method="post" action="/" enctype="multipart/form-data" {
                (problem(wrong))
                label {
                    "Picture: JPEG, PNG or WebP, at most 8 MiB"
                    input name="file" type="file" required accept="image/jpeg,image/png,image/webp";
                }
                label {
                    "Caption"
                    input name="caption" maxlength=(CAPTION_MAX) value=(caption);
                }
                button { "Upload" }
            }
            ul .grid {
                @for (id, card) in found {
                    li {
                        a href={ "/p/" (id) } {
                            (picture(id, card, "(max-width: 36rem) 50vw, 14rem"))
                        }
                    }
                }
            }
            @if found.is_empty() && wrong.is_none() { p .quiet { "There is no picture here yet." } }
            nav aria-label="More pictures" {
                @if skip > 0 { a rel="prev" href=(page(skip.saturating_sub(listed))) { "← Newer" } }
                @if has_more { a rel="next" href=(page(skip + listed)) { "Older →" } }
            }
        },
    )
}

fn page(skip: u64) -> String {
    if skip == 0 { "/".to_owned() } else { format!("/?skip={skip}") }
}

pub fn one(id: &str, card: &Card, wrong: Option<&str>) -> Markup {
    let title = if card.caption.is_empty() { "A picture" } else { &card.caption };
    frame(
        title,
        html! {
            figure {
                a href=(address(id, WIDTHS[3])) {
                (picture(id, card, "(max-width: 60rem) 100vw, 60rem"))
            }
                figcaption {
                    (card.caption)
                    span .quiet { " " (card.width) " × " (card.height) }
                }
            }
            details open[wrong.is_some()] {
                summary { "Delete this picture" }
                form .card method="post" action={ "/p/" (id) "/delete" } {
                    (problem(wrong))
                    label {
                        "The token that you got when you uploaded it"
                        input name="token" required autocomplete="off";
                    }
                    button { "Delete" }
                }
            }
        },
    )
}

pub fn added(added: &Added) -> Markup {
    frame(
        "Uploaded",
        html! {
            h1 { "Your picture is here." }
            p { a href={ "/p/" (added.id) } { "See it" } }
            p {
                "With this token you can delete it. Nobody can tell you again:"
                br;
                code { (added.token) }
            }
        },
    )
}

pub fn missing() -> Markup {
    frame(
        "Not found",
        html! {
            h1 { "There is no such picture." }
            p { a href="/" { "Here are those that there are." } }
        },
    )
}
