//! `cusp:edge/geo`.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Linker, Lower};

use super::EdgeError;
use crate::call::{Answer, CallError, Operation};
use crate::state::GuestState;

pub const NAME: &str = "cusp:edge/geo@0.1.0";

#[derive(ComponentType, Lower)]
#[component(record)]
struct Place {
    continent: Option<String>,
    country: Option<String>,
    region: Option<String>,
    city: Option<String>,
    timezone: Option<String>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    asn: Option<u32>,
    organization: Option<String>,
}

fn place(mut answer: Answer) -> Result<Place, CallError> {
    Ok(Place {
        continent: answer.take()?,
        country: answer.take()?,
        region: answer.take()?,
        city: answer.take()?,
        timezone: answer.take()?,
        latitude: answer.take()?,
        longitude: answer.take()?,
        asn: answer.take()?,
        organization: answer.take()?,
    })
}

/// Where the interface has no room for an error.
fn trap(error: CallError) -> wasmtime::Error {
    wasmtime::Error::msg(error.message)
}

pub fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let mut geo = linker.instance(NAME)?;
    geo.func_wrap_async("client", |context: StoreContextMut<'_, GuestState>, (): ()| {
        let call = context.data().call(Operation::GeoClient, &[]);
        Box::new(async move { Ok((call.await.and_then(place).map_err(trap)?,)) })
    })?;
    geo.func_wrap_async("client-address", |context: StoreContextMut<'_, GuestState>, (): ()| {
        let call = context.data().call(Operation::GeoClientAddress, &[]);
        Box::new(async move {
            let address: String = call.await.and_then(|mut answer| answer.take()).map_err(trap)?;
            Ok((address,))
        })
    })?;
    geo.func_wrap_async(
        "lookup",
        |context: StoreContextMut<'_, GuestState>, (address,): (String,)| {
            let call = context.data().call(Operation::GeoLookup, &[address.as_str().into()]);
            Box::new(async move { Ok((call.await.and_then(place).map_err(EdgeError::from),)) })
        },
    )
}
