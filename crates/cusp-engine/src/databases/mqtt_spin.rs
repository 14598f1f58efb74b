//! `spin:mqtt@3.0.0` and `fermyon:spin/mqtt@2.0.0`.

use mqtt_protocol_core::mqtt::packet;
use wasmtime::StoreContextMut;
use wasmtime::component::{Accessor, ComponentType, Lift, Linker, LinkerInstance, Lower, Resource};

use super::mqtt::{Address, Login, Mqtt};
use super::{Connection, Failure};
use crate::interface::add_resource;
use crate::state::GuestState;

const VERSION_3: &str = "spin:mqtt/mqtt@3.0.0";
const VERSION_2: &str = "fermyon:spin/mqtt@2.0.0";
pub const NAMES: [&str; 2] = [VERSION_3, VERSION_2];

#[derive(ComponentType, Lower)]
#[component(variant)]
#[allow(dead_code, reason = "mirrors the interface")]
enum Error {
    #[component(name = "invalid-address")]
    InvalidAddress,
    #[component(name = "too-many-connections")]
    TooManyConnections,
    #[component(name = "connection-failed")]
    ConnectionFailed(String),
    #[component(name = "other")]
    Other(String),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        match failure {
            Failure::Connection(text) => Error::ConnectionFailed(text),
            Failure::Parameter(text)
            | Failure::Query(text)
            | Failure::Server(_, text)
            | Failure::Conversion(text)
            | Failure::Other(text) => Error::Other(text),
        }
    }
}

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "mirrors the interface")]
enum Qos {
    #[component(name = "at-most-once")]
    AtMost,
    #[component(name = "at-least-once")]
    AtLeast,
    #[component(name = "exactly-once")]
    Exactly,
}

impl From<Qos> for packet::Qos {
    fn from(quality: Qos) -> packet::Qos {
        match quality {
            Qos::AtMost => packet::Qos::AtMostOnce,
            Qos::AtLeast => packet::Qos::AtLeastOnce,
            Qos::Exactly => packet::Qos::ExactlyOnce,
        }
    }
}

type Context<'a> = StoreContextMut<'a, GuestState>;
type Guest = Accessor<GuestState>;
type Handle = Resource<Connection<Mqtt>>;
/// Address, user, password, seconds between signs of life.
type Open = (String, String, String, u64);
/// Connection, topic, payload, quality of service.
type Publish = (Handle, String, Vec<u8>, Qos);

fn parse((address, user, password, keep_alive): Open) -> Result<(Address, Login), Error> {
    let address = Address::parse(&address).ok_or(Error::InvalidAddress)?;
    let keep_alive = keep_alive.try_into().unwrap_or(u16::MAX);
    Ok((address, Login { user, password, keep_alive }))
}

async fn open(mut context: Context<'_>, parameters: Open) -> Result<Handle, Error> {
    let (address, login) = parse(parameters)?;
    let client = Mqtt::open(context.data().host.clone(), &address, &login).await?;
    Connection::push(context.data_mut(), client).map_err(|_| Error::TooManyConnections)
}

async fn open_concurrently(guest: &Guest, parameters: Open) -> Result<Handle, Error> {
    let (address, login) = parse(parameters)?;
    let host = guest.with(|mut access| access.data_mut().host.clone());
    let client = Mqtt::open(host, &address, &login).await?;
    let pushed = guest.with(|mut access| Connection::push(access.data_mut(), client));
    pushed.map_err(|_| Error::TooManyConnections)
}

fn add_version_2(interface: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    add_resource::<Connection<Mqtt>>(interface, "connection")?;
    interface.func_wrap_async(
        "[static]connection.open",
        |context: Context<'_>, parameters: Open| {
            Box::new(async move { Ok((open(context, parameters).await,)) })
        },
    )?;
    interface.func_wrap_async(
        "[method]connection.publish",
        |context: Context<'_>, (connection, topic, payload, quality): Publish| {
            Box::new(async move {
                let client = Connection::client(context.data(), &connection)?;
                let mut client = client.lock().await;
                let published = client.publish(&topic, payload, quality.into()).await;
                Ok((published.map_err(Error::from),))
            })
        },
    )
}

fn add_version_3(interface: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    add_resource::<Connection<Mqtt>>(interface, "connection")?;
    interface.func_wrap_concurrent(
        "[static]connection.open",
        |guest: &Guest, parameters: Open| {
            Box::pin(async move { Ok((open_concurrently(guest, parameters).await,)) })
        },
    )?;
    interface.func_wrap_concurrent(
        "[method]connection.publish",
        |guest: &Guest, (connection, topic, payload, quality): Publish| {
            Box::pin(async move {
                let client =
                    guest.with(|mut access| Connection::client(access.data_mut(), &connection))?;
                let mut client = client.lock().await;
                let published = client.publish(&topic, payload, quality.into()).await;
                Ok((published.map_err(Error::from),))
            })
        },
    )
}

pub fn add_to_linker(linker: &mut Linker<GuestState>, concurrent: bool) -> wasmtime::Result<()> {
    add_version_2(&mut linker.instance(VERSION_2)?)?;
    if concurrent {
        add_version_3(&mut linker.instance(VERSION_3)?)?;
    }
    Ok(())
}
