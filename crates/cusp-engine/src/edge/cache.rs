//! `cusp:edge/cache`.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, Lower};

use super::EdgeError;
use crate::call::{Answer, Argument, CallError, Operation};
use crate::state::GuestState;

pub const NAME: &str = "cusp:edge/cache@0.1.0";

#[derive(ComponentType, Lift)]
#[component(record)]
struct Options {
    #[component(name = "ttl-seconds")]
    ttl_seconds: u32,
    #[component(name = "stale-seconds")]
    stale_seconds: u32,
    tags: Vec<String>,
    metadata: Option<String>,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct Entry {
    body: Vec<u8>,
    metadata: Option<String>,
    #[component(name = "age-seconds")]
    age_seconds: u32,
    stale: bool,
}

fn entry(mut answer: Answer) -> Result<Option<Entry>, CallError> {
    if answer.is_empty() {
        return Ok(None);
    }
    Ok(Some(Entry {
        body: answer.take()?,
        metadata: answer.take()?,
        age_seconds: answer.take()?,
        stale: answer.take()?,
    }))
}

fn insertion<'a>(key: &'a str, options: &'a Options, body: &'a [u8]) -> Vec<Argument<'a>> {
    let mut arguments = vec![
        key.into(),
        body.into(),
        options.metadata.as_deref().into(),
        options.ttl_seconds.into(),
        options.stale_seconds.into(),
    ];
    arguments.extend(options.tags.iter().map(|tag| Argument::from(tag.as_str())));
    arguments
}

pub fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let mut cache = linker.instance(NAME)?;
    cache.func_wrap_async(
        "get",
        |context: StoreContextMut<'_, GuestState>, (key,): (String,)| {
            let call = context.data().call(Operation::CacheGet, &[key.as_str().into()]);
            Box::new(async move { Ok((call.await.and_then(entry).map_err(EdgeError::from),)) })
        },
    )?;
    cache.func_wrap_async(
        "insert",
        |context: StoreContextMut<'_, GuestState>,
         (key, options, body): (String, Options, Vec<u8>)| {
            let arguments = insertion(&key, &options, &body);
            let call = context.data().call(Operation::CacheInsert, &arguments);
            Box::new(async move { Ok((call.await.map(drop).map_err(EdgeError::from),)) })
        },
    )?;
    cache.func_wrap_async(
        "delete",
        |context: StoreContextMut<'_, GuestState>, (key,): (String,)| {
            let call = context.data().call(Operation::CacheDelete, &[key.as_str().into()]);
            Box::new(async move { Ok((call.await.map(drop).map_err(EdgeError::from),)) })
        },
    )?;
    cache.func_wrap_async(
        "purge-tag",
        |context: StoreContextMut<'_, GuestState>, (tag, soft): (String, bool)| {
            let arguments = [tag.as_str().into(), soft.into()];
            let call = context.data().call(Operation::CachePurgeTag, &arguments);
            Box::new(async move { Ok((call.await.map(drop).map_err(EdgeError::from),)) })
        },
    )
}
