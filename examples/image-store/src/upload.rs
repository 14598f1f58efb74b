//! What the form sends.

use spin_sdk::http::Request;

use crate::pictures::{self, Added, CAPTION_MAX};
use crate::web;

const SIZE_MAX: usize = 8 << 20; // bytes

#[derive(Default)]
pub struct Upload {
    pub caption: String,
    bytes: Vec<u8>,
}

impl Upload {
    /// Fails with what is wrong with the body.
    pub fn read(request: &Request) -> Result<Upload, multer::Error> {
        let kind = web::field(request, "content-type").unwrap_or_default();
        let boundary = multer::parse_boundary(kind)?;
        let body = futures::stream::iter([Ok::<_, std::io::Error>(request.body().to_vec())]);
        futures::executor::block_on(async {
            let mut parts = multer::Multipart::new(body, boundary);
            let mut upload = Upload::default();
            while let Some(part) = parts.next_field().await? {
                match part.name() {
                    Some("caption") => upload.caption = part.text().await?.trim().to_owned(),
                    Some("file") => upload.bytes = part.bytes().await?.to_vec(),
                    _ => {}
                }
            }
            Ok(upload)
        })
    }

    /// Keeps the picture, or tells what is wrong with it.
    pub fn keep(&self) -> anyhow::Result<Result<Added, &'static str>> {
        if self.bytes.is_empty() {
            return Ok(Err("Please choose a picture."));
        }
        if self.bytes.len() > SIZE_MAX {
            return Ok(Err("A picture has at most 8 MiB."));
        }
        if self.caption.chars().count() > CAPTION_MAX || self.caption.contains(char::is_control) {
            return Ok(Err("A caption is a line of at most 120 characters."));
        }
        pictures::add(&self.bytes, &self.caption)
    }
}
