//! Pages and posts, and their revisions.

use spin_sdk::sqlite::{RowResult, Value};

use crate::db::{Db, integer, text, value};
use crate::web::{self, Form};

pub const SLUG_MAX: usize = 80; // characters, as the schema has them
pub const TITLE_MAX: usize = 120;
pub const SUMMARY_MAX: usize = 300;
pub const BODY_MAX: usize = 200_000;
const REVISIONS_MAX: i64 = 100; // of a page; the oldest go first
const RESERVED: [&str; 3] = ["admin", "media", "static"];

/// A page as visitors see it.
pub struct Published {
    pub id: i64,
    pub slug: String,
    pub is_post: bool,
    pub title: String,
    pub summary: String,
    pub body: String,
    /// As "2026-11-23T10:15:00Z".
    pub published: String,
    pub updated: String,
}

const PUBLISHED: &str = "SELECT pages.id, slug, kind, title, summary, body, published, saved \
     FROM pages JOIN revisions ON revisions.id = pages.published_revision ";

fn published(row: &RowResult) -> Published {
    Published {
        id: integer(row, 0),
        slug: text(row, 1),
        is_post: text(row, 2) == "post",
        title: text(row, 3),
        summary: text(row, 4),
        body: text(row, 5),
        published: text(row, 6),
        updated: text(row, 7),
    }
}

pub fn find_published(db: &Db, slug: &str) -> anyhow::Result<Option<Published>> {
    let row = db.row(&format!("{PUBLISHED} WHERE slug = ?"), &[value(slug)])?;
    Ok(row.as_ref().map(published))
}

/// Posts, newest first.
pub fn posts(db: &Db, skip: i64, count: i64) -> anyhow::Result<Vec<Published>> {
    let rows = db.rows(
        &format!(
            "{PUBLISHED} WHERE kind = 'post' \
             ORDER BY published DESC, pages.id DESC LIMIT ? OFFSET ?"
        ),
        &[Value::Integer(count), Value::Integer(skip)],
    )?;
    Ok(rows.iter().map(published).collect())
}

/// Slug, title and time of change of what is published: pages by title, or posts, newest first.
pub fn titles(db: &Db, kind: &str, count: i64) -> anyhow::Result<Vec<[String; 3]>> {
    let order = if kind == "page" { "title" } else { "published DESC, pages.id DESC" };
    let rows = db.rows(
        &format!(
            "SELECT slug, title, saved FROM pages \
             JOIN revisions ON revisions.id = pages.published_revision \
             WHERE kind = ? ORDER BY {order} LIMIT ?"
        ),
        &[value(kind), Value::Integer(count)],
    )?;
    Ok(rows.iter().map(|row| [text(row, 0), text(row, 1), text(row, 2)]).collect())
}

/// What an author works on: a page with one of its revisions.
#[derive(Default)]
pub struct Draft {
    pub id: i64,
    pub slug: String,
    pub is_post: bool,
    /// The published revision; 0 if there is none.
    pub published: i64,
    /// The revision that this was read from, or that an author has begun with.
    pub revision: i64,
    pub title: String,
    pub summary: String,
    pub body: String,
    pub author: String,
    pub saved: String,
}

const DRAFT: &str = "SELECT pages.id, slug, kind, COALESCE(published_revision, 0), \
     revisions.id, title, summary, body, author, saved \
     FROM pages JOIN revisions ON revisions.page = pages.id ";

fn draft(row: &RowResult) -> Draft {
    Draft {
        id: integer(row, 0),
        slug: text(row, 1),
        is_post: text(row, 2) == "post",
        published: integer(row, 3),
        revision: integer(row, 4),
        title: text(row, 5),
        summary: text(row, 6),
        body: text(row, 7),
        author: text(row, 8),
        saved: text(row, 9),
    }
}

/// The newest revision of a page, or that which is named.
pub fn find(db: &Db, id: i64, revision: Option<i64>) -> anyhow::Result<Option<Draft>> {
    let row = match revision {
        Some(revision) => db.row(
            &format!("{DRAFT} WHERE pages.id = ? AND revisions.id = ?"),
            &[Value::Integer(id), Value::Integer(revision)],
        )?,
        None => db.row(
            &format!("{DRAFT} WHERE pages.id = ? ORDER BY revisions.id DESC LIMIT 1"),
            &[Value::Integer(id)],
        )?,
    };
    Ok(row.as_ref().map(draft))
}

/// All revisions of a page, newest first, without their bodies.
pub fn history(db: &Db, id: i64) -> anyhow::Result<Vec<Draft>> {
    let rows = db.rows(
        &format!("{} WHERE pages.id = ? ORDER BY revisions.id DESC", DRAFT.replace("body", "''")),
        &[Value::Integer(id)],
    )?;
    Ok(rows.iter().map(draft).collect())
}

/// The newest revision of every page, those first that were changed last, without their bodies.
pub fn all(db: &Db, skip: i64, count: i64) -> anyhow::Result<Vec<Draft>> {
    let rows = db.rows(
        &format!(
            "{} WHERE revisions.id = (SELECT max(id) FROM revisions AS r WHERE r.page = pages.id) \
             ORDER BY revisions.id DESC LIMIT ? OFFSET ?",
            DRAFT.replace("body", "''")
        ),
        &[Value::Integer(count), Value::Integer(skip)],
    )?;
    Ok(rows.iter().map(draft).collect())
}

impl Draft {
    /// What an author has filled in, and what is wrong with it. Slug and kind of a published page
    /// stay what they are: others link to it.
    pub fn read(form: &Form, kept: Option<&Draft>) -> (Draft, Option<&'static str>) {
        let mut draft = Draft {
            revision: form.raw("revision").parse().unwrap_or_default(),
            title: form.text("title"),
            summary: form.text("summary"),
            body: form.text("body"),
            slug: form.text("slug"),
            is_post: form.raw("kind") == "post",
            ..Draft::default()
        };
        if let Some(kept) = kept {
            (draft.id, draft.published) = (kept.id, kept.published);
            if kept.published != 0 {
                (draft.slug, draft.is_post) = (kept.slug.clone(), kept.is_post);
            }
        }
        if draft.slug.is_empty() {
            draft.slug = slug_of(&draft.title);
        }
        let problem = draft.problem();
        (draft, problem)
    }

    fn problem(&self) -> Option<&'static str> {
        if !web::fits(&self.title, 1, TITLE_MAX) {
            Some("Please give a title, of at most 120 characters.")
        } else if !is_slug(&self.slug) {
            Some("An address has small letters, digits and single hyphens, at most 80 of them.")
        } else if RESERVED.contains(&&*self.slug) {
            Some("This address is one of the site's own.")
        } else if !web::fits(&self.summary, 0, SUMMARY_MAX) {
            Some("A summary has at most 300 characters.")
        } else if !web::fits(&self.body, 0, BODY_MAX) {
            Some("A text has at most 200,000 characters.")
        } else {
            None
        }
    }

    fn kind(&self) -> Value {
        value(if self.is_post { "post" } else { "page" })
    }

    /// Makes a page of it. Nothing if another one has its slug.
    pub fn create(&self, db: &Db, author: &str) -> anyhow::Result<Option<i64>> {
        db.all_or_nothing(|| {
            let page = db.row(
                "INSERT INTO pages (slug, kind) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id",
                &[value(&self.slug), self.kind()],
            )?;
            let Some(id) = page.map(|row| integer(&row, 0)) else { return Ok(None) };
            self.add_revision(db, id, author)?;
            Ok(Some(id))
        })
    }

    /// Adds a revision. Nothing if another page has its slug, or if somebody has saved since the
    /// author began.
    pub fn save(&self, db: &Db, author: &str) -> anyhow::Result<Option<()>> {
        db.all_or_nothing(|| {
            let is_saved = db.changes(
                "UPDATE OR IGNORE pages SET slug = ?, kind = ? \
                 WHERE id = ? AND (SELECT max(id) FROM revisions WHERE page = pages.id) = ? \
                 RETURNING id",
                &[
                    value(&self.slug),
                    self.kind(),
                    Value::Integer(self.id),
                    Value::Integer(self.revision),
                ],
            )?;
            if !is_saved {
                return Ok(None);
            }
            self.add_revision(db, self.id, author)?;
            Ok(Some(()))
        })
    }

    fn add_revision(&self, db: &Db, page: i64, author: &str) -> anyhow::Result<()> {
        db.rows(
            "INSERT INTO revisions (page, title, summary, body, author) VALUES (?, ?, ?, ?, ?)",
            &[
                Value::Integer(page),
                value(&self.title),
                value(&self.summary),
                value(&self.body),
                value(author),
            ],
        )?;
        db.rows(
            "DELETE FROM revisions WHERE id IN \
             (SELECT id FROM revisions WHERE page = ? ORDER BY id DESC LIMIT -1 OFFSET ?) \
             AND id NOT IN (SELECT published_revision FROM pages \
                            WHERE published_revision IS NOT NULL)",
            &[Value::Integer(page), Value::Integer(REVISIONS_MAX)],
        )?;
        Ok(())
    }
}

/// From now on visitors see the newest revision.
pub fn publish(db: &Db, id: i64) -> anyhow::Result<()> {
    db.rows(
        "UPDATE pages SET published = COALESCE(published, strftime('%Y-%m-%dT%H:%M:%SZ', 'now')), \
         published_revision = (SELECT max(id) FROM revisions WHERE page = pages.id) WHERE id = ?",
        &[Value::Integer(id)],
    )?;
    Ok(())
}

pub fn unpublish(db: &Db, id: i64) -> anyhow::Result<()> {
    db.rows("UPDATE pages SET published_revision = NULL WHERE id = ?", &[Value::Integer(id)])?;
    Ok(())
}

/// A new revision that says what an older one has said.
pub fn restore(db: &Db, id: i64, revision: i64, author: &str) -> anyhow::Result<()> {
    db.rows(
        "INSERT INTO revisions (page, title, summary, body, author) \
         SELECT page, title, summary, body, ? FROM revisions WHERE page = ? AND id = ?",
        &[value(author), Value::Integer(id), Value::Integer(revision)],
    )?;
    Ok(())
}

pub fn delete(db: &Db, id: i64) -> anyhow::Result<()> {
    db.rows("DELETE FROM pages WHERE id = ?", &[Value::Integer(id)])?;
    Ok(())
}

pub fn is_slug(slug: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    slug.len() <= SLUG_MAX && slug.split('-').all(is_word)
}

/// "Hello, World!" is at /hello-world. Empty if the title has no letter or digit of ASCII.
fn slug_of(title: &str) -> String {
    let title = title.to_lowercase();
    let words = title.split(|letter: char| !letter.is_ascii_alphanumeric());
    let mut slug = String::new();
    for word in words.filter(|word| !word.is_empty()) {
        if slug.len() + 1 + word.len() > SLUG_MAX {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(word);
    }
    slug
}
