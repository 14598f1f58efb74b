//! Release candidates of WASI. A component made for one runs on the release that it became: its
//! imports are renamed, and the few functions that had another shape then are put over the
//! release's for this component alone.

mod http_2023_10_18;
mod http_2023_11_10;
mod sockets;
mod wasi_2023_10_18;

use wasmtime::component::{Linker, LinkerInstance};

use crate::state::GuestState;

pub const CANDIDATES: [&str; 4] =
    ["0.3.0-rc-2026-03-15", "0.2.0-rc-2023-12-05", "0.2.0-rc-2023-11-10", "0.2.0-rc-2023-10-18"];

/// The version under which wasmtime-wasi and wasmtime-wasi-http define WASI 0.2.
const RELEASE: &str = "0.2.12";

/// Makes every name of a candidate's interface in a component match the release. In semantic
/// versioning what follows a `+` does not count, so that one byte of the name does it.
pub fn adopt(component: &mut [u8]) {
    for candidate in CANDIDATES {
        let name = format!("@{candidate}");
        let places: Vec<usize> = memchr::memmem::find_iter(component, name.as_bytes()).collect();
        for at in places {
            component[at + "@0.0.0".len()] = b'+';
        }
    }
}

/// Puts the shapes of a candidate's interface over those of the release.
pub type Fit = fn(&mut Linker<GuestState>) -> wasmtime::Result<()>;

/// What fits a linker to an adopted import, where the release alone does not.
pub fn fit(import: &str) -> Option<Fit> {
    let (interface, version) = import.split_once('@')?;
    let (_, candidate) = version.split_once("+rc-")?;
    let fit: Fit = match (interface, candidate) {
        ("wasi:io/poll", "2023-10-18") => wasi_2023_10_18::fit_poll,
        ("wasi:io/streams", "2023-10-18") => wasi_2023_10_18::fit_streams,
        ("wasi:clocks/monotonic-clock", "2023-10-18") => wasi_2023_10_18::fit_clock,
        ("wasi:filesystem/types", "2023-10-18") => wasi_2023_10_18::fit_filesystem,
        ("wasi:http/types", "2023-10-18") => http_2023_10_18::fit_types,
        ("wasi:http/outgoing-handler", "2023-10-18") => http_2023_10_18::fit_outgoing_handler,
        ("wasi:http/types", "2023-11-10") => http_2023_11_10::fit_types,
        ("wasi:sockets/tcp", "2023-10-18" | "2023-11-10") => sockets::fit_tcp,
        ("wasi:sockets/udp", "2023-10-18" | "2023-11-10") => sockets::fit_udp,
        _ => return None,
    };
    Some(fit)
}

/// An interface of the release, to be changed.
fn release<'a>(
    linker: &'a mut Linker<GuestState>,
    interface: &str,
) -> wasmtime::Result<LinkerInstance<'a, GuestState>> {
    linker.allow_shadowing(true).instance(&format!("{interface}@{RELEASE}"))
}
