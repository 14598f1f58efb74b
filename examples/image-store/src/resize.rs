//! Pictures from bytes that anybody may have made, and bytes from pictures.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};

const PIXELS_MAX: u64 = 20_000_000;
const SIDE_MAX: u32 = 12_000; // pixels
/// A few bytes can stand for very many: of a decoder and what it makes.
const MEMORY_MAX: u64 = 160 << 20;
const QUALITY: u8 = 82; // of a JPEG, in percent

/// The picture as it is to be seen, whichever way the camera was held.
pub fn decode(bytes: &[u8]) -> Result<DynamicImage, &'static str> {
    const NO_PICTURE: &str = "A picture is a JPEG, PNG or WebP file.";
    const TOO_LARGE: &str = "A picture has at most 20 million pixels, and 12,000 on a side.";
    let mut reader = ImageReader::new(Cursor::new(bytes));
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(MEMORY_MAX);
    reader.limits(limits);
    let reader = reader.with_guessed_format().map_err(|_| NO_PICTURE)?;
    let why = |error| match error {
        image::ImageError::Limits(_) => TOO_LARGE,
        _ => NO_PICTURE,
    };
    let mut decoder = reader.into_decoder().map_err(why)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS_MAX || decoder.total_bytes() > MEMORY_MAX {
        return Err(TOO_LARGE);
    }
    let orientation = decoder.orientation().map_err(why)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(why)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// The picture in a width that is at most its own, as a file and its media type. Nothing of the
/// original but its pixels is in it.
pub fn encode(picture: &DynamicImage, width: u32) -> anyhow::Result<(Vec<u8>, &'static str)> {
    let width = width.min(picture.width());
    let height = u64::from(picture.height()) * u64::from(width) / u64::from(picture.width());
    let height = u32::try_from(height.max(1))?;
    let small = picture.resize_exact(width, height, FilterType::Triangle);
    let mut file = Vec::new();
    if small.color().has_alpha() {
        small.to_rgba8().write_with_encoder(WebPEncoder::new_lossless(&mut file))?;
        return Ok((file, "image/webp"));
    }
    small.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut file, QUALITY))?;
    Ok((file, "image/jpeg"))
}
