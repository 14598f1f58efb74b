//! `fermyon:spin/key-value@2.0.0`, and the one without a version, whose stores are numbers.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, Lower, Resource, ResourceType};

use super::kv::{self, AllKeys, Store, TableFull};
use crate::call::{Argument, CallError, CallErrorKind, Operation};
use crate::state::GuestState;

const VERSION_2: &str = "fermyon:spin/key-value@2.0.0";
const UNVERSIONED: &str = "fermyon:spin/key-value";
pub const NAMES: [&str; 2] = [VERSION_2, UNVERSIONED];

/// That of version 3 is the same.
#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Error {
    #[component(name = "store-table-full")]
    StoreTableFull,
    #[component(name = "no-such-store")]
    NoSuchStore,
    #[component(name = "access-denied")]
    AccessDenied,
    #[component(name = "other")]
    Other(String),
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Error {
        match error.kind {
            CallErrorKind::Denied => Error::AccessDenied,
            CallErrorKind::NotFound => Error::NoSuchStore,
            _ => Error::Other(error.message),
        }
    }
}

impl From<TableFull> for Error {
    fn from(_: TableFull) -> Error {
        Error::StoreTableFull
    }
}

#[derive(ComponentType, Lower)]
#[component(variant)]
#[allow(dead_code, reason = "mirrors the interface")]
enum FirstError {
    #[component(name = "store-table-full")]
    StoreTableFull,
    #[component(name = "no-such-store")]
    NoSuchStore,
    #[component(name = "access-denied")]
    AccessDenied,
    #[component(name = "invalid-store")]
    InvalidStore,
    #[component(name = "no-such-key")]
    NoSuchKey,
    #[component(name = "io")]
    Io(String),
}

impl From<Error> for FirstError {
    fn from(error: Error) -> FirstError {
        match error {
            Error::StoreTableFull => FirstError::StoreTableFull,
            // Once a store is open, only its handle can be wrong.
            Error::NoSuchStore => FirstError::InvalidStore,
            Error::AccessDenied => FirstError::AccessDenied,
            Error::Other(text) => FirstError::Io(text),
        }
    }
}

type Context<'a> = StoreContextMut<'a, GuestState>;

async fn open(mut context: Context<'_>, label: String) -> Result<Resource<Store>, Error> {
    context.data().call(Operation::KvOpen, &[label.as_str().into()]).await?;
    Ok(kv::push(context.data_mut(), label)?)
}

async fn get(
    context: Context<'_>,
    store: Resource<Store>,
    key: String,
) -> Result<Option<Vec<u8>>, Error> {
    let call = kv::call(context.data(), &store, Operation::KvGet, &[key.as_str().into()])?;
    Ok(kv::entry(call.await?)?.map(|(value, _)| value))
}

async fn set(
    context: Context<'_>,
    store: Resource<Store>,
    key: String,
    value: Vec<u8>,
) -> Result<(), Error> {
    let pair = [Argument::from(key.as_str()), value.as_slice().into()];
    kv::call(context.data(), &store, Operation::KvSet, &pair)?.await?;
    Ok(())
}

async fn delete(context: Context<'_>, store: Resource<Store>, key: String) -> Result<(), Error> {
    kv::call(context.data(), &store, Operation::KvDelete, &[key.as_str().into()])?.await?;
    Ok(())
}

async fn exists(context: Context<'_>, store: Resource<Store>, key: String) -> Result<bool, Error> {
    let call = kv::call(context.data(), &store, Operation::KvExists, &[key.as_str().into()])?;
    Ok(call.await?.take()?)
}

async fn get_keys(context: Context<'_>, store: Resource<Store>) -> Result<Vec<String>, Error> {
    let mut all = AllKeys::default();
    let mut after = Some(String::new());
    while let Some(at) = after {
        let call = kv::call(context.data(), &store, Operation::KvList, &[at.as_str().into()])?;
        after = all.add(kv::page(call.await?)?)?;
    }
    Ok(all.into_vec())
}

fn add_version_2(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let mut interface = linker.instance(VERSION_2)?;
    interface.resource("store", ResourceType::host::<Store>(), |mut context, handle| {
        kv::close(context.data_mut(), handle);
        Ok(())
    })?;
    interface.func_wrap_async(
        "[static]store.open",
        |context: Context<'_>, (label,): (String,)| {
            Box::new(async move { Ok((open(context, label).await,)) })
        },
    )?;
    interface.func_wrap_async(
        "[method]store.get",
        |context: Context<'_>, (store, key): (Resource<Store>, String)| {
            Box::new(async move { Ok((get(context, store, key).await,)) })
        },
    )?;
    interface.func_wrap_async(
        "[method]store.set",
        |context: Context<'_>, (store, key, value): (Resource<Store>, String, Vec<u8>)| {
            Box::new(async move { Ok((set(context, store, key, value).await,)) })
        },
    )?;
    interface.func_wrap_async(
        "[method]store.delete",
        |context: Context<'_>, (store, key): (Resource<Store>, String)| {
            Box::new(async move { Ok((delete(context, store, key).await,)) })
        },
    )?;
    interface.func_wrap_async(
        "[method]store.exists",
        |context: Context<'_>, (store, key): (Resource<Store>, String)| {
            Box::new(async move { Ok((exists(context, store, key).await,)) })
        },
    )?;
    interface.func_wrap_async(
        "[method]store.get-keys",
        |context: Context<'_>, (store,): (Resource<Store>,)| {
            Box::new(async move { Ok((get_keys(context, store).await,)) })
        },
    )
}

/// A number as the handle that it is.
fn handle(number: u32) -> Resource<Store> {
    Resource::new_borrow(number)
}

fn add_unversioned(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let mut interface = linker.instance(UNVERSIONED)?;
    interface.func_wrap_async("open", |context: Context<'_>, (name,): (String,)| {
        Box::new(async move {
            let opened = open(context, name).await.map(|store| store.rep());
            Ok((opened.map_err(|error| match error {
                Error::NoSuchStore => FirstError::NoSuchStore,
                other => other.into(),
            }),))
        })
    })?;
    interface.func_wrap_async("get", |context: Context<'_>, (store, key): (u32, String)| {
        Box::new(async move {
            let value = get(context, handle(store), key).await.map_err(FirstError::from);
            Ok((value.and_then(|value| value.ok_or(FirstError::NoSuchKey)),))
        })
    })?;
    interface.func_wrap_async(
        "set",
        |context: Context<'_>, (store, key, value): (u32, String, Vec<u8>)| {
            Box::new(async move {
                Ok((set(context, handle(store), key, value).await.map_err(FirstError::from),))
            })
        },
    )?;
    interface.func_wrap_async("delete", |context: Context<'_>, (store, key): (u32, String)| {
        Box::new(async move {
            Ok((delete(context, handle(store), key).await.map_err(FirstError::from),))
        })
    })?;
    interface.func_wrap_async("exists", |context: Context<'_>, (store, key): (u32, String)| {
        Box::new(async move {
            Ok((exists(context, handle(store), key).await.map_err(FirstError::from),))
        })
    })?;
    interface.func_wrap_async("get-keys", |context: Context<'_>, (store,): (u32,)| {
        Box::new(
            async move { Ok((get_keys(context, handle(store)).await.map_err(FirstError::from),)) },
        )
    })?;
    interface.func_wrap("close", |mut context: Context<'_>, (store,): (u32,)| {
        kv::close(context.data_mut(), store);
        Ok(())
    })
}

pub fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    add_version_2(linker)?;
    add_unversioned(linker)
}
