//! `spin:key-value@3.0.0`: asynchronous, and keys come as a stream.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::channel::oneshot;
use wasmtime::StoreContextMut;
use wasmtime::component::{
    Accessor, Destination, FutureReader, Linker, LinkerInstance, Resource, ResourceType,
    StreamProducer, StreamReader, StreamResult, VecBuffer,
};

use super::kv::{self, Page, Store};
use super::kv_spin::Error;
use crate::call::{Argument, CallError, Operation};
use crate::state::GuestState;

pub const NAME: &str = "spin:key-value/key-value@3.0.0";

type Calling = Pin<Box<dyn Future<Output = Result<Page, CallError>> + Send>>;

/// The keys of a store, a page each time the guest has read the last one. How it ended goes to the
/// future beside the stream.
struct KeyStream {
    label: String,
    /// Where the next page begins; none: there is no other.
    after: Option<String>,
    calling: Option<Calling>,
    end: Option<oneshot::Sender<Result<(), Error>>>,
}

impl KeyStream {
    fn finish(&mut self, outcome: Result<(), Error>) -> Poll<wasmtime::Result<StreamResult>> {
        if let Some(end) = self.end.take() {
            // The guest may not want to know.
            let _ = end.send(outcome);
        }
        Poll::Ready(Ok(StreamResult::Dropped))
    }
}

impl StreamProducer<GuestState> for KeyStream {
    type Item = String;
    type Buffer = VecBuffer<String>;

    fn poll_produce<'a>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        store: StoreContextMut<'a, GuestState>,
        mut destination: Destination<'a, String, VecBuffer<String>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let this = self.get_mut();
        loop {
            if let Some(calling) = &mut this.calling {
                let page = match calling.as_mut().poll(cx) {
                    Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
                    outcome => ready!(outcome),
                };
                this.calling = None;
                let page = match page {
                    Ok(page) => page,
                    Err(error) => return this.finish(Err(error.into())),
                };
                this.after = page.next;
                if !page.keys.is_empty() {
                    destination.set_buffer(page.keys.into());
                    return Poll::Ready(Ok(StreamResult::Completed));
                }
            }
            let Some(after) = this.after.take() else { return this.finish(Ok(())) };
            let arguments = [Argument::from(this.label.as_str()), after.as_str().into()];
            let call = store.data().call(Operation::KvList, &arguments);
            this.calling = Some(Box::pin(async move { call.await.and_then(kv::page) }));
        }
    }
}

type Guest = Accessor<GuestState>;

/// Calls the host about an open store, and waits.
async fn call(
    guest: &Guest,
    store: &Resource<Store>,
    operation: Operation,
    rest: &[Argument<'_>],
) -> Result<crate::call::Answer, Error> {
    let call = guest.with(|mut access| kv::call(access.data_mut(), store, operation, rest));
    Ok(kv::finish(call).await?)
}

async fn open(guest: &Guest, label: String) -> Result<Resource<Store>, Error> {
    let call = guest
        .with(|mut access| access.data_mut().call(Operation::KvOpen, &[label.as_str().into()]));
    call.await?;
    Ok(guest.with(|mut access| kv::push(access.data_mut(), label))?)
}

type Keys = (StreamReader<String>, FutureReader<Result<(), Error>>);

fn get_keys(guest: &Guest, store: &Resource<Store>) -> wasmtime::Result<(Keys,)> {
    guest.with(|mut access| {
        let (end, ended) = oneshot::channel();
        let keys = KeyStream {
            label: access.data_mut().table.get(store)?.label.clone(),
            after: Some(String::new()),
            calling: None,
            end: Some(end),
        };
        let outcome = async move {
            let gone = |_| Err(Error::Other("the stream of keys was dropped".to_owned()));
            Ok::<_, wasmtime::Error>(ended.await.unwrap_or_else(gone))
        };
        let stream = StreamReader::new(&mut access, keys)?;
        Ok(((stream, FutureReader::new(&mut access, outcome)?),))
    })
}

fn add_reads(interface: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    interface.func_wrap_concurrent(
        "[method]store.get",
        |guest: &Guest, (store, key): (Resource<Store>, String)| {
            Box::pin(async move {
                let key = [key.as_str().into()];
                let entry = call(guest, &store, Operation::KvGet, &key).await;
                let value = entry.and_then(|answer| Ok(kv::entry(answer)?));
                Ok((value.map(|entry| entry.map(|(value, _)| value)),))
            })
        },
    )?;
    interface.func_wrap_concurrent(
        "[method]store.exists",
        |guest: &Guest, (store, key): (Resource<Store>, String)| {
            Box::pin(async move {
                let key = [key.as_str().into()];
                let answer = call(guest, &store, Operation::KvExists, &key).await;
                Ok((answer.and_then(|mut answer| Ok(answer.take::<bool>()?)),))
            })
        },
    )?;
    interface.func_wrap_concurrent(
        "[method]store.get-keys",
        |guest: &Guest, (store,): (Resource<Store>,)| {
            Box::pin(async move { get_keys(guest, &store) })
        },
    )
}

fn add_writes(interface: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    interface.func_wrap_concurrent(
        "[method]store.set",
        |guest: &Guest, (store, key, value): (Resource<Store>, String, Vec<u8>)| {
            Box::pin(async move {
                let pair = [key.as_str().into(), value.as_slice().into()];
                Ok((call(guest, &store, Operation::KvSet, &pair).await.map(drop),))
            })
        },
    )?;
    interface.func_wrap_concurrent(
        "[method]store.delete",
        |guest: &Guest, (store, key): (Resource<Store>, String)| {
            Box::pin(async move {
                let key = [key.as_str().into()];
                Ok((call(guest, &store, Operation::KvDelete, &key).await.map(drop),))
            })
        },
    )
}

pub fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let mut interface = linker.instance(NAME)?;
    interface.resource("store", ResourceType::host::<Store>(), |mut context, handle| {
        kv::close(context.data_mut(), handle);
        Ok(())
    })?;
    interface.func_wrap_concurrent(
        "[static]store.open",
        |guest: &Guest, (label,): (String,)| {
            Box::pin(async move { Ok((open(guest, label).await,)) })
        },
    )?;
    add_reads(&mut interface)?;
    add_writes(&mut interface)
}
