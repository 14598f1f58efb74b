//! The two Wasmtime engines of a process and what is linked into every component.

use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::sync::OnceLock;

use anyhow::{Context, Result};
use wasmtime::component::Linker;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

use crate::candidates::CANDIDATES;
use crate::state::GuestState;
use crate::worlds;

/// What the pools hold, from C++.
pub struct Options {
    pub instances_max: u32,
    pub memory_keep_resident: usize,
    pub stack_keep_resident: usize,
    pub table_keep_resident: usize,
}

/// A Wasmtime engine with the linker that serves its components.
pub struct Flavor {
    pub engine: Engine,
    pub linker: Linker<GuestState>,
}

/// Components that speak only WASI 0.2 run on an engine without support for concurrent component
/// tasks: their stores then carry none of its bookkeeping, which a fresh instance for each request
/// would pay every time. Everything that mentions WASI 0.3 or uses async types runs on the other
/// one.
pub struct EngineSet {
    pub plain: Flavor,
    pub concurrent: Flavor,
}

/// Linear memories reserve this much address space, so that bounds checks are free.
const MEMORY_RESERVATION: u64 = 4 << 30;
const TABLE_ELEMENTS_MAX: usize = 100_000;
const MEMORIES_FOR_EACH_INSTANCE: u32 = 2;

fn config(options: &Options, concurrent: bool) -> Config {
    let mut pool = PoolingAllocationConfig::default();
    let instances = options.instances_max;
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(8))
        .total_memories(instances.saturating_mul(MEMORIES_FOR_EACH_INSTANCE))
        .total_tables(instances.saturating_mul(4))
        .total_stacks(instances.saturating_mul(2))
        .total_gc_heaps(instances.min(128))
        .max_memory_size(MEMORY_RESERVATION as usize)
        .table_elements(TABLE_ELEMENTS_MAX)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .max_unused_warm_slots(256)
        .linear_memory_keep_resident(options.memory_keep_resident)
        .table_keep_resident(options.table_keep_resident)
        .async_stack_keep_resident(options.stack_keep_resident)
        // With the kernel's list of touched pages a reset copies those few back in place: no
        // madvise, no page fault at the next request, wherever in its memory the guest keeps its
        // stack.
        .pagemap_scan(Enabled::Auto);

    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .memory_reservation(MEMORY_RESERVATION)
        .epoch_interruption(true)
        .wasm_component_model(true)
        .wasm_component_model_async(concurrent)
        .concurrency_support(concurrent)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .max_wasm_stack(512 << 10)
        .async_stack_size(1 << 20);
    if concurrent {
        config
            .wasm_component_model_more_async_builtins(true)
            .wasm_component_model_async_stackful(true)
            .wasm_component_model_error_context(true);
    }
    config
}

impl EngineSet {
    pub fn new(options: &Options) -> Result<EngineSet> {
        let flavor = |concurrent: bool| -> Result<Flavor> {
            let engine = Engine::new(&config(options, concurrent))
                .map_err(anyhow::Error::from)
                .context("the WebAssembly engine cannot start")?;
            let linker = worlds::linker(&engine, concurrent)?;
            Ok(Flavor { engine, linker })
        };
        Ok(EngineSet { plain: flavor(false)?, concurrent: flavor(true)? })
    }

    pub fn flavor(&self, concurrent: bool) -> &Flavor {
        if concurrent { &self.concurrent } else { &self.plain }
    }

    pub fn tick(&self) {
        self.plain.engine.increment_epoch();
        self.concurrent.engine.increment_epoch();
    }

    /// One text for both engines: version, settings, CPU features and the names that components
    /// get, hashed.
    pub fn fingerprint(&self) -> String {
        let mut hasher = std::hash::DefaultHasher::new();
        self.plain.engine.precompile_compatibility_hash().hash(&mut hasher);
        self.concurrent.engine.precompile_compatibility_hash().hash(&mut hasher);
        CANDIDATES.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}

thread_local! {
    static RUNTIME_ENTERED: Cell<bool> = const { Cell::new(false) };
}

/// Makes timers, sockets and files of wasmtime-wasi usable on this thread: they run on one small
/// background runtime, which only wakes the shard. Entered once per thread, for good.
pub fn enter_runtime() {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    if RUNTIME_ENTERED.replace(true) {
        return;
    }
    let runtime = RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(16)
            .thread_name("cusp-wasi")
            .enable_all()
            .build()
            .expect("the background runtime of WASI cannot start a thread")
    });
    std::mem::forget(runtime.enter());
}
