//! Keeps each message under its own text. "fail" is an error, "trap" a trap.

use bytes::Bytes;
use spin_sdk::key_value::Store;
use spin_sdk::redis_component;

#[redis_component]
fn on_message(message: Bytes) -> anyhow::Result<()> {
    let text = String::from_utf8_lossy(&message).into_owned();
    match text.as_str() {
        "fail" => anyhow::bail!("it was told to fail"),
        "trap" => panic!("it was told to trap"),
        _ => Ok(Store::open_default()?.set(&text, &message)?),
    }
}
