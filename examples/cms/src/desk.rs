//! Where authors work: everything below /admin. What changes something is a form of a session, with
//! its token.

use spin_sdk::http::{Method, Request, Response};

use crate::account::{self, PASSWORD_MAX, PASSWORD_MIN, Session};
use crate::db::Db;
use crate::desk_views as views;
use crate::media::{self, Upload};
use crate::pages::{self, Draft, Published};
use crate::settings::{self, Settings};
use crate::site::{self, Changed};
use crate::web::{self, Form};

const LISTED: i64 = 50; // on a page of a list

pub fn handle(request: &Request, parts: &[&str]) -> anyhow::Result<Response> {
    let is_post = match request.method() {
        Method::Get | Method::Head => false,
        Method::Post => true,
        _ => return Ok(web::refuse(405, "This page takes GET and POST.")),
    };
    if is_post && !web::is_from_here(request) {
        return Ok(web::refuse(403, "This form is not ours."));
    }
    let db = Db::open()?;
    let session = Session::of(&db, request)?;
    match (parts, session) {
        (["log-in"], _) if is_post => log_in(&db, request),
        (["log-in"], _) => Ok(web::page(200, views::log_in("", None))),
        (_, None) if is_post => Ok(web::page(401, views::log_in("", Some("Please log in first.")))),
        (_, None) => Ok(web::see("/admin/log-in")),
        (parts, Some(session)) if is_post => change(&Desk { db, session }, request, parts),
        (parts, Some(session)) => show(&Desk { db, session }, request, parts),
    }
}

/// What every page and form of an author needs.
struct Desk {
    db: Db,
    session: Session,
}

fn log_in(db: &Db, request: &Request) -> anyhow::Result<Response> {
    let form = Form::read(request);
    let name = form.text("name");
    let Some(cookie) = account::log_in(db, &name, form.raw("password"))? else {
        let problem = Some("Name and password do not belong together.");
        return Ok(web::page(403, views::log_in(&name, problem)));
    };
    Ok(with_cookie("/admin", cookie))
}

fn with_cookie(location: &str, cookie: String) -> Response {
    Response::builder()
        .status(303)
        .header("location", location)
        .header("cache-control", "no-store")
        .header("set-cookie", cookie)
        .build()
}

fn show(desk: &Desk, request: &Request, parts: &[&str]) -> anyhow::Result<Response> {
    let (db, session) = (&desk.db, &desk.session);
    let skip = skip(request);
    Ok(match parts {
        [] | [""] => {
            let pages = pages::all(db, skip, LISTED + 1)?;
            web::page(200, views::list(session, &pages, skip, LISTED))
        }
        ["pages", "new"] => web::page(200, views::edit(session, &Draft::default(), &[], None)),
        ["pages", id] => {
            let Some(draft) = pages::find(db, number(id), None)? else { return Ok(missing()) };
            let history = pages::history(db, draft.id)?;
            web::page(200, views::edit(session, &draft, &history, None))
        }
        ["pages", id, "preview"] => return preview(db, request, number(id)),
        ["media"] => {
            let media = media::list(db, skip, LISTED + 1)?;
            web::page(200, views::media(session, &media, skip, LISTED, None))
        }
        ["settings"] => web::page(200, views::settings(session, &settings::load(db)?, None, None)),
        _ => missing(),
    })
}

fn change(desk: &Desk, request: &Request, parts: &[&str]) -> anyhow::Result<Response> {
    if parts == ["media"] {
        return upload(desk, request);
    }
    let (db, session) = (&desk.db, &desk.session);
    let form = Form::read(request);
    if !session.has_made(form.raw("csrf")) {
        return Ok(forged());
    }
    match parts {
        ["log-out"] => Ok(with_cookie("/", session.end(db)?)),
        ["pages", "new"] => create(desk, &form),
        ["pages", id] => save(desk, &form, number(id)),
        ["pages", id, "restore"] => {
            pages::restore(db, number(id), number(form.raw("revision")), &session.name)?;
            Ok(web::see(&format!("/admin/pages/{}", number(id))))
        }
        ["pages", id, "unpublish"] => take_off(db, number(id), pages::unpublish),
        ["pages", id, "delete"] => take_off(db, number(id), pages::delete),
        ["media", id, "delete"] => {
            media::delete(db, id)?;
            site::purge(Changed::Medium((*id).to_owned()))?;
            Ok(web::see("/admin/media"))
        }
        ["settings"] => rename_site(desk, &form),
        ["password"] => change_password(desk, &form),
        _ => Ok(missing()),
    }
}

fn forged() -> Response {
    web::refuse(403, "This form is of another session. Load the page again.")
}

fn missing() -> Response {
    web::refuse(404, "There is nothing here.")
}

/// Of what is none it is 0, which nothing has.
fn number(text: &str) -> i64 {
    text.parse().unwrap_or_default()
}

fn skip(request: &Request) -> i64 {
    let skip = web::parameter(request, "skip").and_then(|text| text.parse().ok());
    skip.unwrap_or(0).clamp(0, 1_000_000)
}

/// The page as visitors would see it, from the newest revision or the one that the query names.
fn preview(db: &Db, request: &Request, id: i64) -> anyhow::Result<Response> {
    let revision = web::parameter(request, "revision").map(|text| number(&text));
    let Some(draft) = pages::find(db, id, revision)? else { return Ok(missing()) };
    let notice = views::preview_notice(&draft);
    let page = Published {
        id,
        slug: draft.slug,
        is_post: draft.is_post,
        title: draft.title,
        summary: draft.summary,
        body: draft.body,
        published: draft.saved.clone(),
        updated: draft.saved,
    };
    Ok(web::page(200, crate::views::preview(&crate::views::Frame::load(db)?, &page, notice)))
}

fn create(desk: &Desk, form: &Form) -> anyhow::Result<Response> {
    let (draft, problem) = Draft::read(form, None);
    if let Some(problem) = problem {
        return Ok(web::page(422, views::edit(&desk.session, &draft, &[], Some(problem))));
    }
    let Some(id) = draft.create(&desk.db, &desk.session.name)? else {
        let problem = Some("Another page has this address.");
        return Ok(web::page(409, views::edit(&desk.session, &draft, &[], problem)));
    };
    publish_if_asked(&desk.db, form, id, draft.is_post)
}

fn save(desk: &Desk, form: &Form, id: i64) -> anyhow::Result<Response> {
    let (db, session) = (&desk.db, &desk.session);
    let Some(kept) = pages::find(db, id, None)? else { return Ok(missing()) };
    let (draft, problem) = Draft::read(form, Some(&kept));
    if let Some(problem) = problem {
        let history = pages::history(db, id)?;
        return Ok(web::page(422, views::edit(session, &draft, &history, Some(problem))));
    }
    if draft.save(db, &session.name)?.is_none() {
        let Some(kept) = pages::find(db, id, None)? else { return Ok(missing()) };
        let problem = match kept.revision == draft.revision {
            true => "Another page has this address.",
            false => "Somebody has saved this page meanwhile: see the history, then save again.",
        };
        // The author has been told: the next time it is saved on top of what there is.
        let draft = Draft { revision: kept.revision, ..draft };
        let history = pages::history(db, id)?;
        return Ok(web::page(409, views::edit(session, &draft, &history, Some(problem))));
    }
    publish_if_asked(db, form, id, draft.is_post)
}

fn publish_if_asked(db: &Db, form: &Form, id: i64, is_post: bool) -> anyhow::Result<Response> {
    if form.raw("action") == "publish" {
        pages::publish(db, id)?;
        site::purge(if is_post { Changed::Post(id) } else { Changed::Site })?;
    }
    Ok(web::see(&format!("/admin/pages/{id}")))
}

/// Visitors do not see it any more once this is answered.
fn take_off(
    db: &Db,
    id: i64,
    how: impl Fn(&Db, i64) -> anyhow::Result<()>,
) -> anyhow::Result<Response> {
    let Some(draft) = pages::find(db, id, None)? else { return Ok(missing()) };
    how(db, id)?;
    site::purge(if draft.is_post { Changed::Post(id) } else { Changed::Site })?;
    Ok(web::see("/admin"))
}

fn upload(desk: &Desk, request: &Request) -> anyhow::Result<Response> {
    let (db, session) = (&desk.db, &desk.session);
    let problem = match Upload::read(request) {
        Err(multer::Error::FieldSizeExceeded { .. }) => Some("A picture has at most 8 MiB."),
        Err(_) => return Ok(web::refuse(400, "This is no form with a file.")),
        Ok(upload) if !session.has_made(&upload.csrf) => return Ok(forged()),
        Ok(upload) => upload.keep(db)?,
    };
    if problem.is_none() {
        return Ok(web::see("/admin/media"));
    }
    let media = media::list(db, 0, LISTED + 1)?;
    Ok(web::page(422, views::media(session, &media, 0, LISTED, problem)))
}

fn rename_site(desk: &Desk, form: &Form) -> anyhow::Result<Response> {
    let settings = Settings { title: form.text("title"), tagline: form.text("tagline") };
    if let Some(problem) = settings.problem() {
        let page = views::settings(&desk.session, &settings, Some(problem), None);
        return Ok(web::page(422, page));
    }
    settings.save(&desk.db)?;
    site::purge(Changed::Site)?;
    Ok(web::see("/admin/settings"))
}

fn change_password(desk: &Desk, form: &Form) -> anyhow::Result<Response> {
    let (old, new) = (form.raw("old"), form.raw("new"));
    let problem = if !web::fits(new, PASSWORD_MIN, PASSWORD_MAX) {
        "A password has 12 to 200 characters."
    } else if !desk.session.change_password(&desk.db, old, new)? {
        "This was not the password so far."
    } else {
        return Ok(web::see("/admin/settings"));
    };
    let settings = settings::load(&desk.db)?;
    Ok(web::page(422, views::settings(&desk.session, &settings, None, Some(problem))))
}
