//! `wasi:keyvalue/atomics` in both drafts: increment, and in the second one compare-and-swap.

use wasmtime::component::{ComponentType, Linker, Lower, Resource, ResourceType};

use super::kv::{self, Store};
use super::kv_wasi::{Context, DRAFT, DRAFT_2, Error};
use crate::call::{Argument, CallErrorKind, Operation};
use crate::state::GuestState;

/// A swap that a guest prepares: it happens if the key still has this revision. 0: if it is not
/// there.
struct Cas {
    label: String,
    key: String,
    revision: i64,
}

#[derive(ComponentType, Lower)]
#[component(variant)]
enum CasError {
    #[component(name = "store-error")]
    Store(Error),
    #[component(name = "cas-failed")]
    Failed(Resource<Cas>),
}

async fn increment(
    context: Context<'_>,
    bucket: Resource<Store>,
    key: String,
    delta: i64,
) -> Result<i64, Error> {
    let arguments = [Argument::from(key.as_str()), delta.into()];
    let call = kv::call(context.data(), &bucket, Operation::KvIncrement, &arguments)?;
    Ok(call.await?.take()?)
}

/// In the first draft everything is unsigned.
async fn increment_unsigned(
    context: Context<'_>,
    bucket: Resource<Store>,
    key: String,
    delta: u64,
) -> Result<u64, Error> {
    let out_of_range = || Error::Other("the counter would leave its range".to_owned());
    let delta = i64::try_from(delta).map_err(|_| out_of_range())?;
    let sum = increment(context, bucket, key, delta).await?;
    u64::try_from(sum).map_err(|_| out_of_range())
}

/// The key's value and revision now.
fn read(
    state: &GuestState,
    label: &str,
    key: &str,
) -> impl Future<Output = Result<(Option<Vec<u8>>, i64), Error>> + Send + use<> {
    let call = state.call(Operation::KvGet, &[label.into(), key.into()]);
    async move {
        let entry = kv::entry(call.await?)?;
        Ok(entry.map_or((None, 0), |(value, revision)| (Some(value), revision)))
    }
}

fn no_such_swap<E>(_: E) -> Error {
    Error::Other("this handle is of no swap that is prepared".to_owned())
}

async fn prepare(
    mut context: Context<'_>,
    label: String,
    key: String,
) -> Result<Resource<Cas>, Error> {
    let (_, revision) = read(context.data(), &label, &key).await?;
    let cas = Cas { label, key, revision };
    let full = |_| Error::Other("too many swaps are prepared".to_owned());
    context.data_mut().table.push(cas).map_err(full)
}

async fn new(
    context: Context<'_>,
    bucket: Resource<Store>,
    key: String,
) -> Result<Resource<Cas>, Error> {
    let store = context.data().table.get(&bucket).map_err(|_| Error::NoSuchStore)?;
    let label = store.label.clone();
    prepare(context, label, key).await
}

async fn current(mut context: Context<'_>, cas: Resource<Cas>) -> Result<Option<Vec<u8>>, Error> {
    let known = context.data().table.get(&cas).map_err(no_such_swap)?;
    let (value, revision) = read(context.data(), &known.label, &known.key).await?;
    context.data_mut().table.get_mut(&cas).map_err(no_such_swap)?.revision = revision;
    Ok(value)
}

async fn swap(
    mut context: Context<'_>,
    cas: Resource<Cas>,
    value: Vec<u8>,
) -> Result<(), CasError> {
    let cas =
        context.data_mut().table.delete(cas).map_err(no_such_swap).map_err(CasError::Store)?;
    let arguments = [
        Argument::from(cas.label.as_str()),
        cas.key.as_str().into(),
        cas.revision.into(),
        value.as_slice().into(),
    ];
    match context.data().call(Operation::KvSwap, &arguments).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind == CallErrorKind::Conflict => {
            let again = prepare(context, cas.label, cas.key).await.map_err(CasError::Store)?;
            Err(CasError::Failed(again))
        }
        Err(error) => Err(CasError::Store(error.into())),
    }
}

pub fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    linker.instance(&format!("wasi:keyvalue/atomics@{DRAFT}"))?.func_wrap_async(
        "increment",
        |context: Context<'_>, (bucket, key, delta): (Resource<Store>, String, u64)| {
            Box::new(async move { Ok((increment_unsigned(context, bucket, key, delta).await,)) })
        },
    )?;
    let mut atomics = linker.instance(&format!("wasi:keyvalue/atomics@{DRAFT_2}"))?;
    atomics.func_wrap_async(
        "increment",
        |context: Context<'_>, (bucket, key, delta): (Resource<Store>, String, i64)| {
            Box::new(async move { Ok((increment(context, bucket, key, delta).await,)) })
        },
    )?;
    atomics.resource("cas", ResourceType::host::<Cas>(), |mut context, handle| {
        // One that was swapped is gone already.
        let _ = context.data_mut().table.delete(Resource::<Cas>::new_own(handle));
        Ok(())
    })?;
    atomics.func_wrap_async(
        "[static]cas.new",
        |context: Context<'_>, (bucket, key): (Resource<Store>, String)| {
            Box::new(async move { Ok((new(context, bucket, key).await,)) })
        },
    )?;
    atomics.func_wrap_async(
        "[method]cas.current",
        |context: Context<'_>, (cas,): (Resource<Cas>,)| {
            Box::new(async move { Ok((current(context, cas).await,)) })
        },
    )?;
    atomics.func_wrap_async(
        "swap",
        |context: Context<'_>, (cas, value): (Resource<Cas>, Vec<u8>)| {
            Box::new(async move { Ok((swap(context, cas, value).await,)) })
        },
    )
}
