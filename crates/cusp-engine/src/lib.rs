//! Wasmtime behind a narrow C ABI (`include/cusp_engine.h`): compile, link, run one invocation as a
//! future that the caller polls. No policy, no descriptors, no stores: what a guest may do is
//! decided by the C++ that calls, and done there.

mod abi;
mod body;
mod call;
mod candidates;
mod component;
mod compose;
mod databases;
mod describe;
mod edge;
mod engine;
mod host;
mod imports;
mod interface;
mod invocation;
mod outbound;
mod state;
mod stdio;
mod stores;
mod variables;
mod waker;
mod worlds;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
