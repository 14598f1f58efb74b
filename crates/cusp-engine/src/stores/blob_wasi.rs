//! `wasi:blobstore@0.2.0-draft`. A container is an object store that the manifest grants.

use std::collections::VecDeque;

use wasmtime::StoreContextMut;
use wasmtime::component::{
    ComponentNamedList, ComponentType, Lift, Linker, LinkerInstance, Lower, Resource,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};

use super::blob::{Incoming, Outgoing, OutgoingStream};
use super::kv;
use crate::call::{Answer, Argument, CallError, Operation};
use crate::interface::add_resource;
use crate::state::GuestState;

const TYPES: &str = "wasi:blobstore/types@0.2.0-draft";
const CONTAINER: &str = "wasi:blobstore/container@0.2.0-draft";
const BLOBSTORE: &str = "wasi:blobstore/blobstore@0.2.0-draft";
pub const NAMES: [&str; 3] = [TYPES, CONTAINER, BLOBSTORE];

/// Names that one call answers.
const NAMES_MAX: u64 = 10_000;

struct Container(String);

/// The names of a container's objects, a page each time the last one is used up.
struct ObjectNames {
    store: String,
    /// Where the next page begins; none: there is no other.
    after: Option<String>,
    names: VecDeque<String>,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct ContainerMetadata {
    name: String,
    /// When a store was made is not kept: 0.
    #[component(name = "created-at")]
    created_at: u64,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct ObjectMetadata {
    name: String,
    container: String,
    /// Seconds of Unix time.
    #[component(name = "created-at")]
    created_at: u64,
    size: u64,
}

#[derive(ComponentType, Lift, PartialEq)]
#[component(record)]
struct ObjectId {
    container: String,
    object: String,
}

/// The interface's error is a text.
struct Failure(String);

impl From<CallError> for Failure {
    fn from(error: CallError) -> Failure {
        Failure(error.message)
    }
}

impl From<wasmtime::component::ResourceTableError> for Failure {
    fn from(error: wasmtime::component::ResourceTableError) -> Failure {
        Failure(error.to_string())
    }
}

type Context<'a> = StoreContextMut<'a, GuestState>;
type Answered<T> = Result<T, Failure>;

async fn open(mut context: Context<'_>, (name,): (String,)) -> Answered<Resource<Container>> {
    context.data().call(Operation::ObjectOpen, &[name.as_str().into()]).await?;
    Ok(context.data_mut().table.push(Container(name))?)
}

async fn exists(context: Context<'_>, (name,): (String,)) -> Answered<bool> {
    Ok(context.data().call(Operation::ObjectOpen, &[name.as_str().into()]).await.is_ok())
}

async fn delete_container(context: Context<'_>, (name,): (String,)) -> Answered<()> {
    context.data().call(Operation::ObjectClear, &[name.as_str().into()]).await?;
    Ok(())
}

/// Has the host copy.
fn copying(
    context: &Context<'_>,
    from: &ObjectId,
    to: &ObjectId,
) -> impl Future<Output = Result<Answer, CallError>> + Send + use<> {
    let arguments = [&from.container, &from.object, &to.container, &to.object];
    let arguments = arguments.map(|text| Argument::from(text.as_str()));
    context.data().call(Operation::ObjectCopy, &arguments)
}

async fn copy(context: Context<'_>, (from, to): (ObjectId, ObjectId)) -> Answered<()> {
    copying(&context, &from, &to).await?;
    Ok(())
}

async fn move_object(context: Context<'_>, (from, to): (ObjectId, ObjectId)) -> Answered<()> {
    copying(&context, &from, &to).await?;
    // To itself: it would be gone.
    if from != to {
        let source = [from.container.as_str().into(), from.object.as_str().into()];
        context.data().call(Operation::ObjectDelete, &source).await?;
    }
    Ok(())
}

type Named = (Resource<Container>, String);

async fn get_data(
    mut context: Context<'_>,
    (container, name, start, end): (Resource<Container>, String, u64, u64),
) -> Answered<Resource<Incoming>> {
    let answer = call(&context, &container, Operation::ObjectGet, &[name.as_str().into()])?.await?;
    let state = context.data_mut();
    let incoming = Incoming::new(state.host.clone(), answer, start, end)?;
    Ok(state.table.push(incoming)?)
}

async fn write_data(
    mut context: Context<'_>,
    (container, name, value): (Resource<Container>, String, Resource<Outgoing>),
) -> Answered<()> {
    let outgoing = context.data().table.get(&value)?.clone();
    if outgoing.has_name() {
        return Err(Failure("the value has a name already: make one for each object".to_owned()));
    }
    let call = call(&context, &container, Operation::ObjectPut, &[name.as_str().into()])?;
    let number = call.await?.take()?;
    outgoing.name(context.data_mut().host.clone(), number);
    Ok(())
}

async fn list(
    mut context: Context<'_>,
    (container,): (Resource<Container>,),
) -> Answered<Resource<ObjectNames>> {
    let store = context.data().table.get(&container)?.0.clone();
    let names = ObjectNames { store, after: Some(String::new()), names: VecDeque::new() };
    Ok(context.data_mut().table.push(names)?)
}

async fn delete_object(context: Context<'_>, (container, name): Named) -> Answered<()> {
    delete_objects(context, (container, vec![name])).await
}

async fn delete_objects(
    context: Context<'_>,
    (container, names): (Resource<Container>, Vec<String>),
) -> Answered<()> {
    call(&context, &container, Operation::ObjectDelete, &kv::texts(&names))?.await?;
    Ok(())
}

/// Size and time of an object, as ObjectHead answers them.
fn head(mut answer: Answer) -> Answered<Option<(i64, i64)>> {
    if answer.is_empty() {
        return Ok(None);
    }
    Ok(Some((answer.take()?, answer.take()?)))
}

async fn has_object(context: Context<'_>, (container, name): Named) -> Answered<bool> {
    let call = call(&context, &container, Operation::ObjectHead, &[name.as_str().into()])?;
    Ok(head(call.await?)?.is_some())
}

async fn object_info(context: Context<'_>, (container, name): Named) -> Answered<ObjectMetadata> {
    let call = call(&context, &container, Operation::ObjectHead, &[name.as_str().into()])?;
    let found = head(call.await?)?;
    let container = context.data().table.get(&container)?.0.clone();
    let Some((size, created_at)) = found else {
        return Err(Failure(format!("there is no object '{name}' in '{container}'")));
    };
    let [size, created_at] = [size, created_at].map(|number| number.try_into().unwrap_or_default());
    Ok(ObjectMetadata { name, container, created_at, size })
}

async fn clear(context: Context<'_>, (container,): (Resource<Container>,)) -> Answered<()> {
    call(&context, &container, Operation::ObjectClear, &[])?.await?;
    Ok(())
}

async fn info(
    context: Context<'_>,
    (container,): (Resource<Container>,),
) -> Answered<ContainerMetadata> {
    let name = context.data().table.get(&container)?.0.clone();
    Ok(ContainerMetadata { name, created_at: 0 })
}

async fn container_name(
    context: Context<'_>,
    (container,): (Resource<Container>,),
) -> Answered<String> {
    Ok(context.data().table.get(&container)?.0.clone())
}

/// Calls the host about an open container.
fn call(
    context: &Context<'_>,
    container: &Resource<Container>,
    operation: Operation,
    rest: &[Argument<'_>],
) -> Answered<impl Future<Output = Result<Answer, CallError>> + Send + use<>> {
    let state = context.data();
    let mut arguments = vec![Argument::from(state.table.get(container)?.0.as_str())];
    arguments.extend_from_slice(rest);
    Ok(state.call(operation, &arguments))
}

/// Up to `count` of the next names, and whether there is none behind them.
async fn next_names(
    context: &mut Context<'_>,
    stream: &Resource<ObjectNames>,
    count: u64,
) -> Answered<(Vec<String>, bool)> {
    let mut taken = Vec::new();
    loop {
        let names = context.data_mut().table.get_mut(stream)?;
        while (taken.len() as u64) < count
            && let Some(name) = names.names.pop_front()
        {
            taken.push(name);
        }
        let Some(after) = names.after.clone().filter(|_| names.names.is_empty()) else {
            return Ok((taken, names.names.is_empty()));
        };
        let store = names.store.clone();
        let arguments = [Argument::from(store.as_str()), after.as_str().into()];
        let call = context.data().call(Operation::ObjectList, &arguments);
        let page = kv::page(call.await?)?;
        let names = context.data_mut().table.get_mut(stream)?;
        names.after = page.next;
        names.names = page.keys.into();
    }
}

async fn read_names(
    mut context: Context<'_>,
    (stream, count): (Resource<ObjectNames>, u64),
) -> Answered<(Vec<String>, bool)> {
    next_names(&mut context, &stream, count.min(NAMES_MAX)).await
}

async fn skip_names(
    mut context: Context<'_>,
    (stream, count): (Resource<ObjectNames>, u64),
) -> Answered<(u64, bool)> {
    let mut skipped = 0;
    loop {
        let most = (count - skipped).min(NAMES_MAX);
        let (names, end) = next_names(&mut context, &stream, most).await?;
        skipped += names.len() as u64;
        if end || skipped == count {
            return Ok((skipped, end));
        }
    }
}

async fn finish(mut context: Context<'_>, (value,): (Resource<Outgoing>,)) -> Answered<()> {
    let outgoing = context.data_mut().table.delete(value)?;
    outgoing.finish().await.map_err(Failure)
}

async fn consume(mut context: Context<'_>, (value,): (Resource<Incoming>,)) -> Answered<Vec<u8>> {
    let incoming = context.data_mut().table.delete(value)?;
    Ok(incoming.collect().await?)
}

async fn consume_stream(
    mut context: Context<'_>,
    (value,): (Resource<Incoming>,),
) -> Answered<Resource<DynInputStream>> {
    let table = &mut context.data_mut().table;
    let stream: DynInputStream = Box::new(table.delete(value)?);
    Ok(table.push(stream)?)
}

/// A function of the interfaces.
trait Function<'a, P, R>: Copy + Send + Sync + 'static {
    fn run(
        self,
        context: Context<'a>,
        parameters: P,
    ) -> impl Future<Output = Answered<R>> + Send + 'a;
}

impl<'a, P, R, F, T> Function<'a, P, R> for F
where
    F: Fn(Context<'a>, P) -> T + Copy + Send + Sync + 'static,
    T: Future<Output = Answered<R>> + Send + 'a,
{
    fn run(
        self,
        context: Context<'a>,
        parameters: P,
    ) -> impl Future<Output = Answered<R>> + Send + 'a {
        self(context, parameters)
    }
}

fn add<P, R>(
    interface: &mut LinkerInstance<'_, GuestState>,
    name: &str,
    function: impl for<'a> Function<'a, P, R>,
) -> wasmtime::Result<()>
where
    P: ComponentNamedList + Lift + Send + Sync + 'static,
    R: ComponentType + Lower + Send + Sync + 'static,
{
    interface.func_wrap_async(name, move |context: Context<'_>, parameters: P| {
        Box::new(async move {
            Ok((function.run(context, parameters).await.map_err(|failure| failure.0),))
        })
    })
}

fn add_types(types: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    add_resource::<Outgoing>(types, "outgoing-value")?;
    add_resource::<Incoming>(types, "incoming-value")?;
    types.func_wrap(
        "[static]outgoing-value.new-outgoing-value",
        |mut context: Context<'_>, ()| Ok((context.data_mut().table.push(Outgoing::default())?,)),
    )?;
    types.func_wrap(
        "[method]outgoing-value.outgoing-value-write-body",
        |mut context: Context<'_>, (value,): (Resource<Outgoing>,)| {
            let table = &mut context.data_mut().table;
            let stream: DynOutputStream = Box::new(OutgoingStream(table.get(&value)?.clone()));
            Ok((Ok::<_, ()>(table.push(stream)?),))
        },
    )?;
    types.func_wrap(
        "[method]incoming-value.size",
        |context: Context<'_>, (value,): (Resource<Incoming>,)| {
            Ok((context.data().table.get(&value)?.size(),))
        },
    )?;
    add(types, "[static]outgoing-value.finish", finish)?;
    add(types, "[static]incoming-value.incoming-value-consume-sync", consume)?;
    add(types, "[static]incoming-value.incoming-value-consume-async", consume_stream)
}

fn add_container(container: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    add_resource::<Container>(container, "container")?;
    add_resource::<ObjectNames>(container, "stream-object-names")?;
    add(container, "[method]container.name", container_name)?;
    add(container, "[method]container.info", info)?;
    add(container, "[method]container.get-data", get_data)?;
    add(container, "[method]container.write-data", write_data)?;
    add(container, "[method]container.list-objects", list)?;
    add(container, "[method]container.delete-object", delete_object)?;
    add(container, "[method]container.delete-objects", delete_objects)?;
    add(container, "[method]container.has-object", has_object)?;
    add(container, "[method]container.object-info", object_info)?;
    add(container, "[method]container.clear", clear)?;
    add(container, "[method]stream-object-names.read-stream-object-names", read_names)?;
    add(container, "[method]stream-object-names.skip-stream-object-names", skip_names)
}

pub fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    add_types(&mut linker.instance(TYPES)?)?;
    add_container(&mut linker.instance(CONTAINER)?)?;
    let blobstore = &mut linker.instance(BLOBSTORE)?;
    add(blobstore, "create-container", open)?;
    add(blobstore, "get-container", open)?;
    add(blobstore, "delete-container", delete_container)?;
    add(blobstore, "container-exists", exists)?;
    add(blobstore, "copy-object", copy)?;
    add(blobstore, "move-object", move_object)
}
