//! What of wasi:io, wasi:clocks and wasi:filesystem 0.2.0-rc-2023-10-18 the release changed.

use wasmtime::StoreContextMut;
use wasmtime::component::{
    ComponentType, Lift, Linker, LinkerInstance, Resource, ResourceTable, ResourceType, flags,
};
use wasmtime_wasi::clocks::WasiClocksView;
use wasmtime_wasi::filesystem::WasiFilesystemView;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode, HostDescriptor, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, StreamError, StreamResult};
use wasmtime_wasi_io::bindings::wasi::io::error::HostError;
use wasmtime_wasi_io::bindings::wasi::io::poll::{Host as HostPoll, HostPollable};
use wasmtime_wasi_io::bindings::wasi::io::streams::{
    self, Host as HostStreams, HostInputStream, HostOutputStream,
};
use wasmtime_wasi_io::streams::Error;

use super::release;
use crate::state::GuestState;

type Context<'a> = StoreContextMut<'a, GuestState>;

pub fn fit_poll(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let mut poll = release(linker, "wasi:io/poll")?;
    poll.func_wrap_async(
        "poll-list",
        |mut context: Context<'_>, (pollables,): (Vec<Resource<DynPollable>>,)| {
            Box::new(async move {
                Ok((HostPoll::poll(&mut context.data_mut().table, pollables).await?,))
            })
        },
    )?;
    poll.func_wrap_async(
        "poll-one",
        |mut context: Context<'_>, (pollable,): (Resource<DynPollable>,)| {
            Box::new(
                async move { HostPollable::block(&mut context.data_mut().table, pollable).await },
            )
        },
    )
}

/// An input stream that is given away, and how much of it may be moved.
type Splice = (Resource<DynOutputStream>, Resource<DynInputStream>, u64);

pub fn fit_streams(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let mut streams = release(linker, "wasi:io/streams")?;
    streams.resource("error", ResourceType::host::<Error>(), |mut context, error| {
        HostError::drop(&mut context.data_mut().table, Resource::new_own(error))
    })?;
    streams.func_wrap(
        "[method]error.to-debug-string",
        |mut context: Context<'_>, (error,): (Resource<Error>,)| {
            Ok((HostError::to_debug_string(&mut context.data_mut().table, error)?,))
        },
    )?;
    streams.func_wrap_async(
        "[method]output-stream.splice",
        |mut context: Context<'_>, (sink, source, len): Splice| {
            Box::new(async move {
                let table = &mut context.data_mut().table;
                let moved = table.splice(sink, Resource::new_borrow(source.rep()), len);
                Ok((end(table, source, moved).await?,))
            })
        },
    )?;
    streams.func_wrap_async(
        "[method]output-stream.blocking-splice",
        |mut context: Context<'_>, (sink, source, len): Splice| {
            Box::new(async move {
                let table = &mut context.data_mut().table;
                let borrowed = Resource::new_borrow(source.rep());
                let moved = table.blocking_splice(sink, borrowed, len).await;
                Ok((end(table, source, moved).await?,))
            })
        },
    )?;
    streams.func_wrap_async(
        "[method]output-stream.forward",
        |mut context: Context<'_>,
         (sink, source): (Resource<DynOutputStream>, Resource<DynInputStream>)| {
            Box::new(async move {
                let table = &mut context.data_mut().table;
                let moved = forward(table, &sink, &source).await;
                Ok((end(table, source, moved).await?,))
            })
        },
    )
}

/// Drops a stream that was given away (the release only borrows it); makes the outcome a guest's.
async fn end(
    table: &mut ResourceTable,
    source: Resource<DynInputStream>,
    moved: StreamResult<u64>,
) -> wasmtime::Result<Result<u64, streams::StreamError>> {
    if source.owned() {
        HostInputStream::drop(table, source).await?;
    }
    match moved {
        Ok(count) => Ok(Ok(count)),
        Err(error) => Ok(Err(HostStreams::convert_stream_error(table, error)?)),
    }
}

const FORWARD_BYTES_MAX: usize = 64 << 10;

/// Moves everything up to the end of the source.
async fn forward(
    table: &mut ResourceTable,
    sink: &Resource<DynOutputStream>,
    source: &Resource<DynInputStream>,
) -> StreamResult<u64> {
    let mut count = 0;
    loop {
        let chunk = match table.get_mut(source)?.blocking_read(FORWARD_BYTES_MAX).await {
            Ok(chunk) => chunk,
            Err(StreamError::Closed) => return Ok(count),
            Err(error) => return Err(error),
        };
        count += chunk.len() as u64;
        let sink = table.get_mut(sink)?;
        let mut rest = chunk;
        while !rest.is_empty() {
            let room = sink.write_ready().await?;
            let part = rest.split_to(room.min(rest.len()));
            sink.write(part)?;
        }
    }
}

pub fn fit_clock(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    release(linker, "wasi:clocks/monotonic-clock")?.func_wrap(
        "subscribe",
        |mut context: Context<'_>, (when, absolute): (u64, bool)| {
            let mut clocks = context.data_mut().clocks();
            let pollable = if absolute {
                monotonic_clock::Host::subscribe_instant(&mut clocks, when)
            } else {
                monotonic_clock::Host::subscribe_duration(&mut clocks, when)
            };
            Ok((pollable?,))
        },
    )
}

flags! {
    Modes {
        #[component(name = "readable")]
        const READABLE;
        #[component(name = "writable")]
        const WRITABLE;
        #[component(name = "executable")]
        const EXECUTABLE;
    }
}

#[derive(ComponentType, Lift)]
#[component(variant)]
#[allow(dead_code, reason = "the variant mirrors the interface")]
enum AccessType {
    #[component(name = "access")]
    Access(Modes),
    #[component(name = "exists")]
    Exists,
}

type Open = (Resource<Descriptor>, PathFlags, String, OpenFlags, DescriptorFlags, Modes);

pub fn fit_filesystem(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let mut types = release(linker, "wasi:filesystem/types")?;
    // Modes are those of a file that is made, and folders are read-only.
    types.func_wrap_async(
        "[method]descriptor.open-at",
        |mut context: Context<'_>, (folder, path_flags, path, open_flags, flags, _): Open| {
            Box::new(async move {
                let mut files = context.data_mut().filesystem();
                let opened = files.open_at(folder, path_flags, path, open_flags, flags).await;
                match opened {
                    Ok(descriptor) => Ok((Ok(descriptor),)),
                    Err(error) => Ok((Err::<Resource<Descriptor>, _>(error.downcast()?),)),
                }
            })
        },
    )?;
    refuse::<(Resource<Descriptor>, PathFlags, String, AccessType)>(&mut types, "access-at")?;
    for name in ["change-file-permissions-at", "change-directory-permissions-at"] {
        refuse::<(Resource<Descriptor>, PathFlags, String, Modes)>(&mut types, name)?;
    }
    for name in ["lock-shared", "lock-exclusive", "try-lock-shared", "try-lock-exclusive", "unlock"]
    {
        refuse::<(Resource<Descriptor>,)>(&mut types, name)?;
    }
    Ok(())
}

/// A method of descriptors that came to nothing: it answers that it is not supported.
fn refuse<Params>(types: &mut LinkerInstance<'_, GuestState>, method: &str) -> wasmtime::Result<()>
where
    Params: wasmtime::component::ComponentNamedList + Lift + 'static,
{
    types.func_wrap(&format!("[method]descriptor.{method}"), |_: Context<'_>, _: Params| {
        Ok((Err::<(), _>(ErrorCode::Unsupported),))
    })
}
