//! `wasi:keyvalue/store` and `/batch` in both drafts. They differ in how pages of keys go on, and
//! in what `get-many` answers for a key that is not there.

use wasmtime::StoreContextMut;
use wasmtime::component::{
    ComponentType, Lift, Linker, LinkerInstance, Lower, Resource, ResourceType,
};

use super::kv::{self, Store, TableFull};
use crate::call::{Argument, CallError, CallErrorKind, Operation};
use crate::state::GuestState;

pub const DRAFT: &str = "0.2.0-draft";
pub const DRAFT_2: &str = "0.2.0-draft2";

pub fn serves(name: &str) -> bool {
    let Some((interface, version)) = name.split_once('@') else { return false };
    ["wasi:keyvalue/store", "wasi:keyvalue/batch", "wasi:keyvalue/atomics"].contains(&interface)
        && [DRAFT, DRAFT_2].contains(&version)
}

#[derive(ComponentType, Lower)]
#[component(variant)]
pub enum Error {
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
        Error::Other("too many stores are open".to_owned())
    }
}

/// The answer of `list-keys`: the cursor is the last key, or in the first draft its number.
#[derive(ComponentType, Lower)]
#[component(record)]
struct Keys<C> {
    keys: Vec<String>,
    cursor: Option<C>,
}

pub type Context<'a> = StoreContextMut<'a, GuestState>;

async fn open(mut context: Context<'_>, label: String) -> Result<Resource<Store>, Error> {
    context.data().call(Operation::KvOpen, &[label.as_str().into()]).await?;
    Ok(kv::push(context.data_mut(), label)?)
}

/// What a cursor is in one of the drafts.
trait Cursor: Sized {
    fn after(self, store: &Store) -> Result<String, Error>;
    fn keep(next: String, store: &mut Store) -> Self;
}

impl Cursor for String {
    fn after(self, _: &Store) -> Result<String, Error> {
        Ok(self)
    }

    fn keep(next: String, _: &mut Store) -> String {
        next
    }
}

impl Cursor for u64 {
    fn after(self, store: &Store) -> Result<String, Error> {
        let position = usize::try_from(self).ok().and_then(|number| number.checked_sub(1));
        position
            .and_then(|position| store.cursors.get(position).cloned())
            .ok_or_else(|| Error::Other(format!("{self} is no cursor of this bucket")))
    }

    fn keep(next: String, store: &mut Store) -> u64 {
        store.cursors.push(next);
        store.cursors.len() as u64
    }
}

async fn list_keys<C: Cursor>(
    mut context: Context<'_>,
    bucket: Resource<Store>,
    cursor: Option<C>,
) -> Result<Keys<C>, Error> {
    let no_such_store = |_| Error::NoSuchStore;
    let store = context.data().table.get(&bucket).map_err(no_such_store)?;
    let after = cursor.map_or(Ok(String::new()), |cursor| cursor.after(store))?;
    let call = kv::call(context.data(), &bucket, Operation::KvList, &[after.as_str().into()])?;
    let page = kv::page(call.await?)?;
    let store = context.data_mut().table.get_mut(&bucket).map_err(no_such_store)?;
    Ok(Keys { keys: page.keys, cursor: page.next.map(|next| C::keep(next, store)) })
}

async fn get_many(
    context: Context<'_>,
    bucket: Resource<Store>,
    keys: Vec<String>,
) -> Result<Vec<(String, Option<Vec<u8>>)>, Error> {
    let call = kv::call(context.data(), &bucket, Operation::KvGetMany, &kv::texts(&keys))?;
    let mut answer = call.await?;
    keys.into_iter().map(|key| Ok((key, answer.take()?))).collect()
}

fn add_list<C>(interface: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()>
where
    C: Cursor + ComponentType + Lift + Lower + Send + Sync + 'static,
{
    interface.func_wrap_async(
        "[method]bucket.list-keys",
        |context: Context<'_>, (bucket, cursor): (Resource<Store>, Option<C>)| {
            Box::new(async move { Ok((list_keys(context, bucket, cursor).await,)) })
        },
    )
}

fn add_store(interface: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    interface.resource("bucket", ResourceType::host::<Store>(), |mut context, handle| {
        kv::close(context.data_mut(), handle);
        Ok(())
    })?;
    interface.func_wrap_async("open", |context: Context<'_>, (label,): (String,)| {
        Box::new(async move { Ok((open(context, label).await,)) })
    })?;
    interface.func_wrap_async(
        "[method]bucket.get",
        |context: Context<'_>, (bucket, key): (Resource<Store>, String)| {
            let key = [Argument::from(key.as_str())];
            let call = kv::call(context.data(), &bucket, Operation::KvGet, &key);
            Box::new(async move {
                let entry = kv::finish(call).await.and_then(kv::entry);
                Ok((entry.map(|entry| entry.map(|(value, _)| value)).map_err(Error::from),))
            })
        },
    )?;
    interface.func_wrap_async(
        "[method]bucket.set",
        |context: Context<'_>, (bucket, key, value): (Resource<Store>, String, Vec<u8>)| {
            let pair = [Argument::from(key.as_str()), value.as_slice().into()];
            let call = kv::call(context.data(), &bucket, Operation::KvSet, &pair);
            Box::new(async move { Ok((kv::finish(call).await.map(drop).map_err(Error::from),)) })
        },
    )?;
    interface.func_wrap_async(
        "[method]bucket.delete",
        |context: Context<'_>, (bucket, key): (Resource<Store>, String)| {
            let key = [Argument::from(key.as_str())];
            let call = kv::call(context.data(), &bucket, Operation::KvDelete, &key);
            Box::new(async move { Ok((kv::finish(call).await.map(drop).map_err(Error::from),)) })
        },
    )?;
    interface.func_wrap_async(
        "[method]bucket.exists",
        |context: Context<'_>, (bucket, key): (Resource<Store>, String)| {
            let key = [Argument::from(key.as_str())];
            let call = kv::call(context.data(), &bucket, Operation::KvExists, &key);
            Box::new(async move {
                let exists = kv::finish(call).await.and_then(|mut answer| answer.take::<bool>());
                Ok((exists.map_err(Error::from),))
            })
        },
    )
}

fn add_batch(interface: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    interface.func_wrap_async(
        "set-many",
        |context: Context<'_>, (bucket, pairs): (Resource<Store>, Vec<(String, Vec<u8>)>)| {
            let call = kv::call(context.data(), &bucket, Operation::KvSet, &kv::pairs(&pairs));
            Box::new(async move { Ok((kv::finish(call).await.map(drop).map_err(Error::from),)) })
        },
    )?;
    interface.func_wrap_async(
        "delete-many",
        |context: Context<'_>, (bucket, keys): (Resource<Store>, Vec<String>)| {
            let call = kv::call(context.data(), &bucket, Operation::KvDelete, &kv::texts(&keys));
            Box::new(async move { Ok((kv::finish(call).await.map(drop).map_err(Error::from),)) })
        },
    )
}

fn add_get_many(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    linker.instance(&format!("wasi:keyvalue/batch@{DRAFT}"))?.func_wrap_async(
        "get-many",
        |context: Context<'_>, (bucket, keys): (Resource<Store>, Vec<String>)| {
            Box::new(async move {
                let there = |(key, value): (String, Option<Vec<u8>>)| Some((key, value?));
                let pairs = get_many(context, bucket, keys).await;
                Ok((pairs.map(|pairs| pairs.into_iter().map(there).collect::<Vec<_>>()),))
            })
        },
    )?;
    linker.instance(&format!("wasi:keyvalue/batch@{DRAFT_2}"))?.func_wrap_async(
        "get-many",
        |context: Context<'_>, (bucket, keys): (Resource<Store>, Vec<String>)| {
            Box::new(async move { Ok((get_many(context, bucket, keys).await,)) })
        },
    )
}

pub fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    for version in [DRAFT, DRAFT_2] {
        add_store(&mut linker.instance(&format!("wasi:keyvalue/store@{version}"))?)?;
        add_batch(&mut linker.instance(&format!("wasi:keyvalue/batch@{version}"))?)?;
    }
    add_list::<u64>(&mut linker.instance(&format!("wasi:keyvalue/store@{DRAFT}"))?)?;
    add_list::<String>(&mut linker.instance(&format!("wasi:keyvalue/store@{DRAFT_2}"))?)?;
    add_get_many(linker)
}
