//! The C ABI: `include/cusp_engine.h`, function by function. This folder and `host.rs` hold all
//! unsafe code.

mod call;
mod component;
mod invocation;
mod outbound;
mod types;

pub use types::*;
