//! What the interfaces that we serve have in common.

use wasmtime::AsContextMut;
use wasmtime::component::{
    FutureReader, Lift, LinkerInstance, Lower, Resource, ResourceType, StreamReader,
};

use crate::state::GuestState;

/// A resource that lives in the guest's table, and has nothing to do at its end.
pub fn add_resource<T: Send + 'static>(
    interface: &mut LinkerInstance<'_, GuestState>,
    name: &str,
) -> wasmtime::Result<()> {
    interface.resource(name, ResourceType::host::<T>(), |mut context, handle| {
        // A handle that is not there is closed already.
        let _ = context.data_mut().table.delete(Resource::<T>::new_own(handle));
        Ok(())
    })
}

/// Rows, and how they ended.
type Stream<R, E> = (StreamReader<R>, FutureReader<Result<(), E>>);

/// Rows that are all there.
pub fn stream<R, E>(
    mut guest: impl AsContextMut<Data = GuestState>,
    rows: Vec<R>,
) -> wasmtime::Result<Stream<R, E>>
where
    R: Lift + Lower + Send + Sync + Unpin + 'static,
    E: Lift + Lower + Send + Sync + 'static,
{
    let rows = StreamReader::new(&mut guest, rows)?;
    let outcome = FutureReader::new(&mut guest, async { Ok::<_, wasmtime::Error>(Ok(())) })?;
    Ok((rows, outcome))
}
