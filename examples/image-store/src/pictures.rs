//! Three object stores: the originals as they were uploaded, what was made of them, and a card for
//! each picture. A picture is there as long as its card is.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::blobs::Store;
use crate::resize;
use crate::web;

/// The widths that there are; nobody makes the store keep others.
pub const WIDTHS: [u32; 4] = [320, 640, 1280, 2048];
pub const CAPTION_MAX: usize = 120; // characters
pub const COUNT_MAX: u64 = 10_000;

#[derive(Serialize, Deserialize)]
pub struct Card {
    pub caption: String,
    pub width: u32,
    pub height: u32,
    /// Seconds since 1970.
    pub uploaded: u64,
    /// SHA-256 of what deletes it.
    token: String,
}

impl Card {
    /// The widths in which the picture differs: up to the first that has all of it.
    pub fn widths(&self) -> impl Iterator<Item = u32> {
        let smaller = WIDTHS.iter().filter(|width| **width < self.width).count();
        WIDTHS.into_iter().take(smaller + 1)
    }
}

/// What the one who has uploaded a picture gets to know.
pub struct Added {
    pub id: String,
    pub token: String,
}

fn cards() -> anyhow::Result<Store> {
    Store::open("cards")
}

/// Keeps a picture, or tells what is wrong with it.
pub fn add(bytes: &[u8], caption: &str) -> anyhow::Result<Result<Added, &'static str>> {
    if !cards()?.names(COUNT_MAX - 1, 1)?.is_empty() {
        return Ok(Err("There are 10,000 pictures already."));
    }
    let picture = match resize::decode(bytes) {
        Ok(picture) => picture,
        Err(problem) => return Ok(Err(problem)),
    };
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let added = Added { id: new_id(since.as_millis() as u64)?, token: web::random(16)? };
    let card = Card {
        caption: caption.to_owned(),
        width: picture.width(),
        height: picture.height(),
        uploaded: since.as_secs(),
        token: digest(&added.token),
    };
    Store::open("originals")?.put(&added.id, bytes)?;
    // Of those that a gallery shows; the others are made when they are asked for.
    keep_variant(&added.id, WIDTHS[0], &resize::encode(&picture, WIDTHS[0])?)?;
    cards()?.put(&added.id, &serde_json::to_vec(&card)?)?;
    Ok(Ok(added))
}

/// What came later has a smaller one, so that it comes first in a list.
fn new_id(millis: u64) -> anyhow::Result<String> {
    Ok(format!("{:012x}{}", (1_u64 << 48) - 1 - millis, web::random(10)?))
}

pub fn is_id(text: &str) -> bool {
    text.len() == 32
        && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn digest(token: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(token.as_bytes()))
}

pub fn find(id: &str) -> anyhow::Result<Option<Card>> {
    let card = cards()?.get(id)?;
    card.map(|card| Ok(serde_json::from_slice(&card)?)).transpose()
}

/// The newest pictures but for the first ones.
pub fn list(skip: u64, count: u64) -> anyhow::Result<Vec<(String, Card)>> {
    let mut found = Vec::new();
    for id in cards()?.names(skip, count)? {
        // It may have been deleted since its name was read.
        if let Some(card) = find(&id)? {
            found.push((id, card));
        }
    }
    Ok(found)
}

/// A picture in one of the widths, as a file and its media type. What is made is kept.
pub fn variant(id: &str, width: u32) -> anyhow::Result<Option<(Vec<u8>, String)>> {
    let Some(card) = find(id)? else { return Ok(None) };
    let width = card.widths().find(|known| *known >= width).or(card.widths().last());
    let width = width.unwrap_or(WIDTHS[0]);
    if let Some(file) = Store::open("variants")?.get(&variant_name(id, width))? {
        let kind = if file.starts_with(b"RIFF") { "image/webp" } else { "image/jpeg" };
        return Ok(Some((file, kind.to_owned())));
    }
    let Some(original) = Store::open("originals")?.get(id)? else { return Ok(None) };
    let picture = resize::decode(&original).map_err(anyhow::Error::msg)?;
    let made = resize::encode(&picture, width)?;
    keep_variant(id, width, &made)?;
    if find(id)?.is_none() {
        delete_files(id)?; // it was deleted meanwhile
        return Ok(None);
    }
    Ok(Some((made.0, made.1.to_owned())))
}

fn variant_name(id: &str, width: u32) -> String {
    format!("{id}-{width}")
}

fn keep_variant(id: &str, width: u32, made: &(Vec<u8>, &'static str)) -> anyhow::Result<()> {
    Store::open("variants")?.put(&variant_name(id, width), &made.0)
}

/// Deletes a picture, if it is there and the token is its own.
pub fn delete(id: &str, token: &str) -> anyhow::Result<bool> {
    let Some(card) = find(id)? else { return Ok(false) };
    if !bool::from(digest(token).as_bytes().ct_eq(card.token.as_bytes())) {
        return Ok(false);
    }
    cards()?.delete(&[id.to_owned()])?;
    delete_files(id)?;
    Ok(true)
}

fn delete_files(id: &str) -> anyhow::Result<()> {
    Store::open("variants")?.delete(&WIDTHS.map(|width| variant_name(id, width)))?;
    Store::open("originals")?.delete(&[id.to_owned()])
}
