//! What a store carries for its guest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wasmtime_wasi_io::IoView;

use crate::call::{Answer, Argument, CallError, Operation};
use crate::component::Settings;
use crate::host::Host;
use crate::outbound::Hooks;
use crate::stdio::{CommandStdio, HostSlot, Output};

/// What is counted while a guest runs; read by the host after its end, trap or not.
#[derive(Default)]
pub struct Meter {
    pub memory_peak: AtomicU64,
    pub limit_hit: AtomicU8,
    yielded: AtomicBool,
}

impl Meter {
    /// Whether the guest has used up a time slice since the last question.
    pub fn take_yield(&self) -> bool {
        self.yielded.swap(false, Ordering::Relaxed)
    }
}

pub const LIMIT_MEMORY: u8 = 1;
pub const LIMIT_TABLE: u8 = 2;

/// Refuses memory and tables beyond the component's limits. The guest sees -1 from its grow
/// instruction.
pub struct Limiter {
    settings: Arc<Settings>,
    meter: Arc<Meter>,
    memory_bytes: u64,
    table_elements: u64,
}

impl Limiter {
    pub fn note_yield(&self) {
        self.meter.yielded.store(true, Ordering::Relaxed);
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // The limit is on the sum over all memories of all instances in the store: a composed
        // component cannot get more by having more parts.
        let total = self.memory_bytes + (desired - current) as u64;
        if total > self.settings.memory_bytes_max {
            self.meter.limit_hit.store(LIMIT_MEMORY, Ordering::Relaxed);
            return Ok(false);
        }
        self.memory_bytes = total;
        self.meter.memory_peak.fetch_max(total, Ordering::Relaxed);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.table_elements + (desired - current) as u64;
        if total > self.settings.table_elements_max {
            self.meter.limit_hit.store(LIMIT_TABLE, Ordering::Relaxed);
            return Ok(false);
        }
        self.table_elements = total;
        Ok(true)
    }
}

pub struct GuestState {
    pub table: ResourceTable,
    pub settings: Arc<Settings>,
    pub limiter: Limiter,
    /// Where output goes: streams that a kept instance opened earlier follow it to the next
    /// request.
    pub host: Arc<HostSlot>,
    /// Set for a command: its arguments, environment and standard streams.
    pub command: Option<CommandStdio>,
    // Built when the guest first asks for something of WASI's: most requests never do.
    wasi: Option<Box<WasiCtx>>,
    http: WasiHttpCtx,
    hooks: Hooks,
}

impl GuestState {
    pub fn new(settings: Arc<Settings>, host: Host, meter: Arc<Meter>) -> GuestState {
        GuestState {
            table: ResourceTable::new(),
            limiter: Limiter {
                settings: settings.clone(),
                meter,
                memory_bytes: 0,
                table_elements: 0,
            },
            hooks: Hooks::new(host, settings.subrequests_max),
            settings,
            host: HostSlot::new(host),
            command: None,
            wasi: None,
            http: WasiHttpCtx::new(),
        }
    }

    /// Makes a kept instance belong to its next request.
    pub fn rebind(&mut self, host: Host, meter: Arc<Meter>) {
        meter.memory_peak.store(self.limiter.memory_bytes, Ordering::Relaxed);
        self.host.set(Some(host));
        self.limiter.meter = meter;
        self.hooks = Hooks::new(host, self.settings.subrequests_max);
    }

    /// Drops the WASI context, and with it the ends of streams that it holds.
    pub fn close_wasi(&mut self) {
        self.wasi = None;
        self.table = ResourceTable::new();
    }

    /// Makes an instance that waits for its next request speak to nobody.
    pub fn unbind(&mut self) {
        self.host.set(None);
    }

    /// Calls a capability of the host.
    pub fn call(
        &self,
        operation: Operation,
        arguments: &[Argument<'_>],
    ) -> impl Future<Output = Result<Answer, CallError>> + Send + use<> {
        let answer = self.host.get().map(|host| host.call(operation, arguments));
        async move {
            match answer {
                Some(answer) => answer.await,
                None => Err(CallError::other("there is no request that this could belong to")),
            }
        }
    }

    fn build_wasi(&self) -> WasiCtx {
        let settings = &self.settings;
        let mut builder = WasiCtxBuilder::new();
        builder.envs(&settings.environment);
        if let Some(command) = &self.command {
            builder.envs(&command.environment).args(&command.arguments);
            builder.stdin(command.stdin.clone()).stdout(command.stdout.clone());
        } else {
            builder.arg(&settings.id).stdout(Output::stdout(self.host.clone()));
        }
        builder.stderr(Output::stderr(self.host.clone()));
        for mount in &settings.mounts {
            // A folder that went away since the start is the operator's doing; the guest sees no
            // such file.
            let _ = builder.preopened_dir(&mount.source, &mount.destination, FsPerms::ReadOnly);
        }
        if let Some(policy) = settings.address_policy {
            // All three are off by default.
            builder.allow_ip_name_lookup(true).allow_tcp(true).allow_udp(true);
            builder.socket_addr_check(move |address, usage| {
                let allowed = policy.allows(socket_use(usage), address);
                Box::pin(async move { allowed })
            });
        }
        builder.build()
    }
}

fn socket_use(usage: SocketAddrUse) -> u32 {
    match usage {
        SocketAddrUse::TcpConnect => crate::abi::SOCKET_TCP_CONNECT,
        SocketAddrUse::UdpBind | SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => {
            crate::abi::SOCKET_UDP
        }
        SocketAddrUse::TcpBind => crate::abi::SOCKET_TCP_BIND,
        SocketAddrUse::TcpListen | SocketAddrUse::TcpAccept => crate::abi::SOCKET_TCP_LISTEN,
    }
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        if self.wasi.is_none() {
            self.wasi = Some(Box::new(self.build_wasi()));
        }
        let Some(ctx) = self.wasi.as_deref_mut() else { unreachable!("built above") };
        WasiCtxView { ctx, table: &mut self.table }
    }
}

impl IoView for GuestState {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl WasiHttpView for GuestState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}
