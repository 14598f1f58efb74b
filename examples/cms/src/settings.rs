//! What the site is called.

use crate::db::{Db, text, value};
use crate::web;

pub const TITLE_MAX: usize = 80; // characters, as the schema has them
pub const TAGLINE_MAX: usize = 200;

pub struct Settings {
    pub title: String,
    pub tagline: String,
}

pub fn load(db: &Db) -> anyhow::Result<Settings> {
    let row = db.row("SELECT title, tagline FROM site", &[])?;
    let row = row.ok_or_else(|| anyhow::anyhow!("the table site is empty"))?;
    Ok(Settings { title: text(&row, 0), tagline: text(&row, 1) })
}

impl Settings {
    pub fn problem(&self) -> Option<&'static str> {
        if !web::fits(&self.title, 1, TITLE_MAX) {
            Some("A site has a title of at most 80 characters.")
        } else if !web::fits(&self.tagline, 0, TAGLINE_MAX) {
            Some("A tagline has at most 200 characters.")
        } else {
            None
        }
    }

    pub fn save(&self, db: &Db) -> anyhow::Result<()> {
        db.rows(
            "UPDATE site SET title = ?, tagline = ?",
            &[value(&self.title), value(&self.tagline)],
        )?;
        Ok(())
    }
}
