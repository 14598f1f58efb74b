//! `ipv6-only`, which the sockets of 2023 could set. Those of the release always are.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddressFamily};
use wasmtime_wasi::p2::bindings::sockets::tcp::{HostTcpSocket, TcpSocket};
use wasmtime_wasi::p2::bindings::sockets::udp::{HostUdpSocket, UdpSocket};
use wasmtime_wasi::sockets::WasiSocketsView;

use super::release;
use crate::state::GuestState;

type Context<'a> = StoreContextMut<'a, GuestState>;

fn get(family: IpAddressFamily) -> Result<bool, ErrorCode> {
    match family {
        IpAddressFamily::Ipv6 => Ok(true),
        IpAddressFamily::Ipv4 => Err(ErrorCode::NotSupported),
    }
}

fn set(family: IpAddressFamily, value: bool) -> Result<(), ErrorCode> {
    if get(family)? == value { Ok(()) } else { Err(ErrorCode::NotSupported) }
}

pub fn fit_tcp(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let family = |mut context: Context<'_>, socket: Resource<TcpSocket>| {
        HostTcpSocket::address_family(&mut context.data_mut().sockets(), socket)
    };
    let mut tcp = release(linker, "wasi:sockets/tcp")?;
    tcp.func_wrap("[method]tcp-socket.ipv6-only", move |context: Context<'_>, (socket,)| {
        Ok((get(family(context, socket)?),))
    })?;
    tcp.func_wrap("[method]tcp-socket.set-ipv6-only", move |context: Context<'_>, (socket, on)| {
        Ok((set(family(context, socket)?, on),))
    })
}

pub fn fit_udp(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    let family = |mut context: Context<'_>, socket: Resource<UdpSocket>| {
        HostUdpSocket::address_family(&mut context.data_mut().sockets(), socket)
    };
    let mut udp = release(linker, "wasi:sockets/udp")?;
    udp.func_wrap("[method]udp-socket.ipv6-only", move |context: Context<'_>, (socket,)| {
        Ok((get(family(context, socket)?),))
    })?;
    udp.func_wrap("[method]udp-socket.set-ipv6-only", move |context: Context<'_>, (socket, on)| {
        Ok((set(family(context, socket)?, on),))
    })
}
