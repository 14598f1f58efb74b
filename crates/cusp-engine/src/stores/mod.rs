//! Key-value stores, SQL databases, object stores and Redis, under all the names that guests know
//! them by. What they do is the same few calls of the host.

mod blob;
mod blob_wasi;
mod kv;
mod kv_spin;
mod kv_spin3;
mod kv_wasi;
mod kv_wasi_atomics;
mod redis;
mod sql;
mod sql_spin;

use wasmtime::component::Linker;

use crate::state::GuestState;

pub fn serves(name: &str) -> bool {
    kv_spin::NAMES.contains(&name)
        || name == kv_spin3::NAME
        || kv_wasi::serves(name)
        || sql_spin::NAMES.contains(&name)
        || blob_wasi::NAMES.contains(&name)
        || redis::NAMES.contains(&name)
}

pub fn add_to_linker(linker: &mut Linker<GuestState>, concurrent: bool) -> wasmtime::Result<()> {
    kv_spin::add_to_linker(linker)?;
    kv_wasi::add_to_linker(linker)?;
    kv_wasi_atomics::add_to_linker(linker)?;
    sql_spin::add_to_linker(linker, concurrent)?;
    blob_wasi::add_to_linker(linker)?;
    redis::add_to_linker(linker, concurrent)?;
    if concurrent {
        kv_spin3::add_to_linker(linker)?;
    }
    Ok(())
}
