//! `cusp:edge@0.1.0` (`wit/cusp-edge`): what the edge does for its guests, one file an interface.

mod cache;
mod geo;
mod rate_limit;

use wasmtime::component::{ComponentType, Linker, Lower};

use crate::call::{CallError, CallErrorKind};
use crate::state::GuestState;

/// Each interface has an error of its own, and all are the same.
#[derive(ComponentType, Lower)]
#[component(variant)]
enum EdgeError {
    #[component(name = "invalid")]
    Invalid(String),
    #[component(name = "limit")]
    Limit(String),
    #[component(name = "other")]
    Other(String),
}

impl From<CallError> for EdgeError {
    fn from(error: CallError) -> EdgeError {
        match error.kind {
            CallErrorKind::Invalid => EdgeError::Invalid(error.message),
            CallErrorKind::Limit => EdgeError::Limit(error.message),
            _ => EdgeError::Other(error.message),
        }
    }
}

pub const INTERFACES: [&str; 3] = [cache::NAME, geo::NAME, rate_limit::NAME];

pub fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    cache::add_to_linker(linker)?;
    geo::add_to_linker(linker)?;
    rate_limit::add_to_linker(linker)
}
