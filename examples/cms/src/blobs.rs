//! The object store "media".

use crate::wasi::blobstore::blobstore::get_container;
use crate::wasi::blobstore::container::Container;
use crate::wasi::blobstore::types::{IncomingValue, OutgoingValue};

fn store() -> anyhow::Result<Container> {
    get_container("media").map_err(anyhow::Error::msg)
}

/// Whole, or not at all: an object is there once its value is finished.
pub fn put(name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let value = OutgoingValue::new_outgoing_value();
    store()?.write_data(name, &value).map_err(anyhow::Error::msg)?;
    let body = value.outgoing_value_write_body().map_err(|()| anyhow::anyhow!("no stream"))?;
    for piece in bytes.chunks(4096) {
        body.blocking_write_and_flush(piece)?; // takes no more than 4 KiB
    }
    drop(body);
    OutgoingValue::finish(value).map_err(anyhow::Error::msg)
}

pub fn get(name: &str) -> anyhow::Result<Vec<u8>> {
    let value = store()?.get_data(name, 0, u64::MAX).map_err(anyhow::Error::msg)?;
    IncomingValue::incoming_value_consume_sync(value).map_err(anyhow::Error::msg)
}

pub fn delete(name: &str) -> anyhow::Result<()> {
    store()?.delete_object(name).map_err(anyhow::Error::msg)
}
