//! Object stores. An object is there as a whole, or not at all.

use crate::wasi::blobstore::blobstore::get_container;
use crate::wasi::blobstore::container::Container;
use crate::wasi::blobstore::types::{IncomingValue, OutgoingValue};

pub struct Store(Container);

impl Store {
    pub fn open(name: &str) -> anyhow::Result<Store> {
        get_container(name).map(Store).map_err(anyhow::Error::msg)
    }

    pub fn put(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let value = OutgoingValue::new_outgoing_value();
        self.0.write_data(name, &value).map_err(anyhow::Error::msg)?;
        let body = value.outgoing_value_write_body().map_err(|()| anyhow::anyhow!("no stream"))?;
        for piece in bytes.chunks(4096) {
            body.blocking_write_and_flush(piece)?; // takes no more than 4 KiB
        }
        drop(body);
        OutgoingValue::finish(value).map_err(anyhow::Error::msg)
    }

    /// Nothing if there is no such object.
    pub fn get(&self, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
        if !self.0.has_object(name).map_err(anyhow::Error::msg)? {
            return Ok(None);
        }
        let value = self.0.get_data(name, 0, u64::MAX).map_err(anyhow::Error::msg)?;
        let bytes =
            IncomingValue::incoming_value_consume_sync(value).map_err(anyhow::Error::msg)?;
        Ok(Some(bytes))
    }

    pub fn delete(&self, names: &[String]) -> anyhow::Result<()> {
        self.0.delete_objects(names).map_err(anyhow::Error::msg)
    }

    /// Names in their order, without the first ones.
    pub fn names(&self, skip: u64, count: u64) -> anyhow::Result<Vec<String>> {
        let names = self.0.list_objects().map_err(anyhow::Error::msg)?;
        names.skip_stream_object_names(skip).map_err(anyhow::Error::msg)?;
        let (names, _) = names.read_stream_object_names(count).map_err(anyhow::Error::msg)?;
        Ok(names)
    }
}
