//! Pictures: their list in the database, their bytes in the object store.

use spin_sdk::http::Request;
use spin_sdk::sqlite::{RowResult, Value};

use crate::blobs;
use crate::db::{Db, integer, text, value};
use crate::web;

pub const SIZE_MAX: usize = 8 << 20; // bytes
const COUNT_MAX: i64 = 10_000;
const NAME_MAX: usize = 100;
/// What browsers show and run nothing of; an SVG is a program.
const TYPES: [&str; 5] = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"];

pub struct Medium {
    pub id: String,
    pub name: String,
    pub kind: String,
    pub size: i64,
    pub uploaded: String,
}

impl Medium {
    pub fn path(&self) -> String {
        format!("/media/{}/{}", self.id, self.name)
    }
}

fn medium(row: &RowResult) -> Medium {
    Medium {
        id: text(row, 0),
        name: text(row, 1),
        kind: text(row, 2),
        size: integer(row, 3),
        uploaded: text(row, 4),
    }
}

pub fn find(db: &Db, id: &str) -> anyhow::Result<Option<Medium>> {
    let row =
        db.row("SELECT id, name, type, size, uploaded FROM media WHERE id = ?", &[value(id)])?;
    Ok(row.as_ref().map(medium))
}

/// Those uploaded last come first.
pub fn list(db: &Db, skip: i64, count: i64) -> anyhow::Result<Vec<Medium>> {
    let rows = db.rows(
        "SELECT id, name, type, size, uploaded FROM media ORDER BY rowid DESC LIMIT ? OFFSET ?",
        &[Value::Integer(count), Value::Integer(skip)],
    )?;
    Ok(rows.iter().map(medium).collect())
}

/// A file that a form carries, and the form's token.
#[derive(Default)]
pub struct Upload {
    pub csrf: String,
    name: String,
    bytes: Vec<u8>,
}

impl Upload {
    /// Fails with what is wrong with the body.
    pub fn read(request: &Request) -> Result<Upload, multer::Error> {
        let kind = web::field(request, "content-type").unwrap_or_default();
        let boundary = multer::parse_boundary(kind)?;
        let body = futures::stream::iter([Ok::<_, std::io::Error>(request.body().to_vec())]);
        let limits = multer::SizeLimit::new().per_field(SIZE_MAX as u64 + 1);
        let limits = multer::Constraints::new().size_limit(limits);
        futures::executor::block_on(async {
            let mut parts = multer::Multipart::with_constraints(body, boundary, limits);
            let mut upload = Upload::default();
            while let Some(part) = parts.next_field().await? {
                match part.name() {
                    Some("csrf") => upload.csrf = part.text().await?,
                    Some("file") => {
                        upload.name = part.file_name().unwrap_or_default().to_owned();
                        upload.bytes = part.bytes().await?.to_vec();
                    }
                    _ => {}
                }
            }
            Ok(upload)
        })
    }

    /// Keeps the file, or tells what is wrong with it. Its bytes come first: what the list has, is
    /// there.
    pub fn keep(&self, db: &Db) -> anyhow::Result<Option<&'static str>> {
        if self.bytes.is_empty() {
            return Ok(Some("Please choose a file."));
        }
        if self.bytes.len() > SIZE_MAX {
            return Ok(Some("A picture has at most 8 MiB."));
        }
        let kind = infer::get(&self.bytes).filter(|kind| TYPES.contains(&kind.mime_type()));
        let Some(kind) = kind else {
            return Ok(Some("A picture is a PNG, JPEG, GIF, WebP or AVIF file."));
        };
        let count = db.row("SELECT count(*) FROM media", &[])?.map_or(0, |row| integer(&row, 0));
        if count >= COUNT_MAX {
            return Ok(Some("There are 10,000 pictures already."));
        }
        let id = web::random(16)?;
        blobs::put(&id, &self.bytes)?;
        db.rows(
            "INSERT INTO media (id, name, type, size) VALUES (?, ?, ?, ?)",
            &[
                value(&id),
                value(&plain_name(&self.name, kind.extension())),
                value(kind.mime_type()),
                Value::Integer(self.bytes.len() as i64),
            ],
        )?;
        Ok(None)
    }
}

pub fn delete(db: &Db, id: &str) -> anyhow::Result<()> {
    if db.changes("DELETE FROM media WHERE id = ? RETURNING id", &[value(id)])? {
        blobs::delete(id)?;
    }
    Ok(())
}

/// The file's name in letters that a URL shows as they are, with the ending of what it is.
fn plain_name(name: &str, ending: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_lowercase();
    let words = stem.split(|letter: char| !letter.is_ascii_alphanumeric());
    let plain = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    let room = NAME_MAX - 1 - ending.len();
    let stem = if plain.is_empty() { "picture" } else { &plain[..plain.len().min(room)] };
    format!("{stem}.{ending}")
}
