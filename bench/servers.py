"""The servers under measurement: how each is installed, configured and started."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GUESTS = ROOT / "build" / "guests"

WASMTIME_VERSION = "48.0.8"  # the same as crates/cusp-engine
WORKERD_VERSION = "1.20261117.1"
NGINX_ECHO_MODULE = Path("/usr/lib/nginx/modules/ngx_http_echo_module.so")

HELLO = "Hello from Rust\n"
SIZED_BYTES = 100 * 1024
ECHO_BYTES = 1024 * 1024

# What each workload asks for: guest, request target, bytes of the request's body.
WORKLOADS = {
    "hello": ("hello-rust.wasm", "/", 0),
    "sized": ("probe.wasm", f"/sized?bytes={SIZED_BYTES}", 0),
    "echo": ("probe.wasm", "/echo", ECHO_BYTES),
    "cached": (None, "/cached", 0),
    "missed": (None, "/cached?miss=", 0),  # wrk.lua puts another number behind each
}


@dataclass
class Server:
    name: str
    isolation: str  # "fresh": an instance per request; "reused"; "none": no sandbox


CUSP = Server("cusp", "fresh")
CUSP_REUSED = Server("cusp-reused", "reused")
NGINX = Server("nginx", "none")
WASMTIME = Server("wasmtime", "fresh")
WASMTIME_REUSED = Server("wasmtime-reused", "reused")
WORKERD = Server("workerd", "reused")
SERVERS = {server.name: server
           for server in (NGINX, CUSP, CUSP_REUSED, WASMTIME, WASMTIME_REUSED, WORKERD)}


class Lab:
    """The installed programs and a folder for configuration files, artifacts and logs."""

    def __init__(self, cache, folder):
        self.cache = Path(cache) / "bench"
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cusp_binary = ROOT / "build" / "release" / "cusp"
        self.wasmtime_binary = self.cache / f"wasmtime-{WASMTIME_VERSION}" / "bin" / "wasmtime"
        self.workerd_binary = (self.cache / f"workerd-{WORKERD_VERSION}" / "node_modules"
                               / "@cloudflare" / "workerd-linux-64" / "bin" / "workerd")

    def install(self, names, say):
        """Installs what the named servers need. The first time, wasmtime takes half an hour."""
        if any(name.startswith("wasmtime") for name in names) and not self.wasmtime_binary.exists():
            say(f"compiling wasmtime-cli {WASMTIME_VERSION} (once, about half an hour)")
            self.run(["cargo", "install", "wasmtime-cli", "--version", WASMTIME_VERSION, "--locked",
                      "--root", self.wasmtime_binary.parent.parent,
                      "--target-dir", self.cache / "target"])
            shutil.rmtree(self.cache / "target", ignore_errors=True)
        if "workerd" in names and not self.workerd_binary.exists():
            say(f"installing workerd {WORKERD_VERSION}")
            self.run(["npm", "install", "--prefix", self.workerd_binary.parents[4],
                      "--no-save", f"workerd@{WORKERD_VERSION}"])

    def run(self, command):
        log = self.folder / f"{command[0]}-install.log"
        with log.open("wb") as output:
            code = subprocess.run([str(part) for part in command], stdout=output,
                                  stderr=subprocess.STDOUT, check=False).returncode
        if code:
            raise RuntimeError(f"{command[0]} ended with code {code}; its log is {log}:\n"
                               + log.read_text(errors="replace")[-2000:])

    def has(self, name):
        program = {"nginx": "nginx", "wasmtime": self.wasmtime_binary, "workerd":
                   self.workerd_binary, "cusp": self.cusp_binary}[name.split("-")[0]]
        return shutil.which(str(program)) is not None

    def command(self, name, workload, port, shards=1):
        """The command line that serves `workload` on `port` of 127.0.0.1."""
        guest = GUESTS / WORKLOADS[workload][0]
        if name == "nginx":
            return ["nginx", "-p", self.folder, "-c", self.nginx_config(port)]
        if name == "workerd":
            return [self.workerd_binary, "serve", self.workerd_config(port)]
        if name.startswith("wasmtime"):
            reuse = ["--max-instance-reuse-count", "1000000000"] if name.endswith("reused") else []
            return [self.wasmtime_binary, "serve", "-Scli", "--addr", f"127.0.0.1:{port}",
                    "--allow-precompiled", *reuse, self.compiled(guest)]
        path = self.reusing_app(guest) if name.endswith("reused") else guest
        return self.cusp_serve(path, port, shards)

    # Every flag and file of Cusp that the bench relies on stands in the next three functions.

    def cusp_serve(self, path, port, shards):
        return [self.cusp_binary, "serve", path, "--listen", f"127.0.0.1:{port}",
                "--shards", str(shards), "--state-dir", self.folder / "cusp-state"]

    def cusp_node(self, apps, port):
        """A node that serves `apps`, pairs of host name and component file."""
        config = self.folder / f"node-{len(apps)}.toml"
        lines = ["shards = 1", f'state_dir = "{self.folder / "cusp-state"}"',
                 "[[listen]]", f'address = "127.0.0.1:{port}"']
        for host, path in apps:
            lines += ["[[app]]", f'path = "{path}"', f'hosts = ["{host}"]']
        config.write_text("\n".join(lines) + "\n")
        return [self.cusp_binary, "node", "--config", config]

    def reusing_app(self, guest):
        folder = self.folder / f"reusing-{guest.stem}"
        folder.mkdir(exist_ok=True)
        (folder / "cusp.toml").write_text(
            f'name = "{guest.stem}"\n[component.app]\nsource = "{guest}"\n'
            'reuse = { requests = 1000000000, idle = "10s" }\n')
        return folder

    def compiled(self, guest):
        """The guest as wasmtime's ahead-of-time artifact, so that no peer compiles while timed."""
        artifact = self.folder / f"{guest.stem}.cwasm"
        if not artifact.exists() or artifact.stat().st_mtime < guest.stat().st_mtime:
            self.run([self.wasmtime_binary, "compile", guest, "-o", artifact])
        return artifact

    def nginx_config(self, port):
        (self.folder / "sized").write_bytes(b"s" * SIZED_BYTES)
        echo = NGINX_ECHO_MODULE.exists()
        text = f"""
daemon off; worker_processes 1; pid {self.folder}/nginx.pid; error_log {self.folder}/nginx.err;
{f"load_module {NGINX_ECHO_MODULE};" if echo else ""}
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; default_type text/plain; sendfile on;
  client_max_body_size 4m; client_body_buffer_size 4m;
  server {{
    listen 127.0.0.1:{port};
    location = / {{ return 200 "{HELLO.strip()}\\n"; }}
    location = /hello {{ return 200 "hello\\n"; }}
    location = /sized {{ root {self.folder}; }}
    location = /echo {{
      {"echo_read_request_body; echo_request_body;" if echo else "return 501;"}
    }}
  }}
}}
"""
        path = self.folder / f"nginx-{port}.conf"
        path.write_text(text)
        return path

    def workerd_config(self, port):
        (self.folder / "workerd.js").write_text(f"""
const sized = "s".repeat({SIZED_BYTES});
export default {{
  async fetch(request) {{
    switch (new URL(request.url).pathname) {{
      case "/sized": return new Response(sized);
      case "/echo": return new Response(request.body);
      default: return new Response({HELLO!r});
    }}
  }}
}};
""")
        path = self.folder / f"workerd-{port}.capnp"
        path.write_text(f"""using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .hello)],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "main")],
);
const hello :Workerd.Worker = (
  modules = [(name = "hello", esModule = embed "workerd.js")],
  compatibilityDate = "2025-11-01",
);
""")
        return path
