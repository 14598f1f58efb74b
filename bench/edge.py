"""The edge: hits and misses of the cache beside nginx and Varnish, and what a full pipeline costs a
guest."""

import contextlib
import re
import shutil
import subprocess

import load
from processes import Process, free_port
from servers import GUESTS

CACHED_BYTES = 10 * 1024
TARGET = "/cached"
# Ten features at once, each as an application might have it; no request is refused.
FEATURES = """
headers.response.set = { x-content-type-options = "nosniff" }
cors = { origins = ["https://app.example"] }
acl = { deny = ["203.0.113.0/24"] }
compression = true
error_pages = { 404 = "404.html" }
maintenance = false
[[edge.redirects]]
from = "/old"
to = "/new"
[[edge.rewrites]]
strip_prefix = "/v1"
[[edge.rules]]
name = "probe"
when = 'path contains "../" or header["user-agent"] contains "sqlmap"'
action = "block"
[[edge.rate_limit]]
key = "ip"
limit = 1000000000
window = "1m"
"""


def h2load(port, connections, seconds, cores):
    """Requests per second over HTTP/2 in clear text, ten streams a connection."""
    finished = subprocess.run(
        ["taskset", "-c", ",".join(map(str, sorted(cores))), "h2load", f"-c{connections}", "-m10",
         f"-D{seconds}", f"http://127.0.0.1:{port}{TARGET}"],
        capture_output=True, text=True, check=False)
    done = re.search(r"requests: .* (\d+) succeeded, (\d+) failed", finished.stdout)
    rate = re.search(r"finished in .*?, ([\d.]+) req/s", finished.stdout)
    if not done or not rate:
        raise RuntimeError(f"h2load measured nothing: {finished.stdout}{finished.stderr}")
    return float(rate[1]), int(done[1]), int(done[2])


def measure_h2(process, port, connections, seconds, cores):
    before = process.cpu_seconds()
    rate, done, failed = h2load(port, connections, seconds, cores)
    cpu = process.cpu_seconds() - before
    return {"rps": rate, "cpu_us": cpu * 1e6 / max(done, 1), "errors": failed}


def origin_config(lab, port):
    (lab.folder / "cached").write_bytes(b"c" * CACHED_BYTES)
    path = lab.folder / "origin.conf"
    path.write_text(f"""
daemon off; worker_processes 1; pid {lab.folder}/origin.pid; error_log {lab.folder}/origin.err;
events {{ }}
http {{ access_log off; server {{ listen 127.0.0.1:{port};
  location / {{ root {lab.folder}; add_header cache-control "max-age=3600"; }} }} }}
""")
    return ["nginx", "-p", lab.folder, "-c", path]


def nginx_cache_config(lab, port, origin, h2):
    store = lab.folder / f"nginx-cache-{port}"
    store.mkdir(exist_ok=True)
    path = lab.folder / f"nginx-cache-{port}.conf"
    path.write_text(f"""
daemon off; worker_processes 1; pid {lab.folder}/cache-{port}.pid; error_log {lab.folder}/cache.err;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; sendfile on;
  proxy_cache_path {store} keys_zone=bench:16m max_size=1g;
  server {{ listen 127.0.0.1:{port}{" http2" if h2 else ""};
    location / {{ proxy_cache bench; proxy_pass http://127.0.0.1:{origin}; }} }}
}}
""")
    return ["nginx", "-p", lab.folder, "-c", path]


def cusp_cache(lab, port, origin):
    folder = lab.folder / "cached-app"
    folder.mkdir(exist_ok=True)
    (folder / "cusp.toml").write_text(
        f'name = "cached"\n[edge]\ncache = true\n[[route]]\npath = "/..."\n'
        f'upstream = "http://127.0.0.1:{origin}"\n')
    return lab.cusp_serve(folder, port, 1)


def varnish(lab, port, origin):
    return ["varnishd", "-F", "-n", lab.folder / f"varnish-{port}", "-a", f"127.0.0.1:{port}",
            "-b", f"127.0.0.1:{origin}", "-s", "malloc,64m", "-p", "thread_pools=1"]


@contextlib.contextmanager
def caches(lab, options, h2=False):
    """{server: (process, port)} of caches in front of one origin that has a 10 KiB object."""
    with contextlib.ExitStack() as stack:
        origin = free_port()
        upstream = stack.enter_context(Process(
            origin_config(lab, origin), options.load_cores, lab.folder / "origin.log"))
        upstream.wait_ready(origin, TARGET)
        running = {}
        for name in ("nginx", "cusp", *([] if h2 or not shutil.which("varnishd")
                                        else ["varnish"])):
            port = free_port()
            command = {"nginx": lambda at: nginx_cache_config(lab, at, origin, h2),
                       "cusp": lambda at: cusp_cache(lab, at, origin),
                       "varnish": lambda at: varnish(lab, at, origin)}[name](port)
            process = stack.enter_context(Process(
                command, options.server_cores, lab.folder / f"cached-{name}.log"))
            if not (h2 and name == "nginx"):
                process.wait_ready(port, TARGET)
            running[name] = (process, port)
        yield running


def in_turns(running, options, measure, say):
    """{server: [round, …]}; the first round warms up."""
    results = {name: [] for name in running}
    for number in range(-1, options.rounds):
        for name, (process, port) in running.items():
            entry = measure(process, port)
            if number >= 0:
                results[name].append(entry)
        say(f"round {number + 1} of {options.rounds}")
    return results


def cached(lab, options, say):
    """{protocol: {server: [round, …]}}: a 10 KiB object that every server holds already."""
    def over_h1(process, port):
        return load.measure(process, port, "cached", 32, options.seconds, options.load_cores)

    def over_h2(process, port):
        return measure_h2(process, port, 8, options.seconds, options.load_cores)

    results = {}
    for protocol, measure in (("http/1.1", over_h1), ("http/2", over_h2)):
        with caches(lab, options, h2=protocol == "http/2") as running:
            results[protocol] = in_turns(running, options, measure,
                                         lambda text, over=protocol: say(f"cached, {over}: {text}"))
    return results


def missed(lab, options, say):
    """{server: [round, …]}: each request is for another URL, and the response is stored."""
    def measure(process, port):
        return load.measure(process, port, "missed", 32, options.seconds, options.load_cores)

    with caches(lab, options) as running:
        return in_turns(running, options, measure, lambda text: say(f"missed: {text}"))


def pipeline(lab, options, say):
    """A hello guest without features and with ten of them: {"none": [...], "ten": [...]}."""
    results = {"none": [], "ten": []}
    with contextlib.ExitStack() as stack:
        running = {}
        for name, features in (("none", ""), ("ten", "[edge]" + FEATURES)):
            folder = lab.folder / f"pipeline-{name}"
            folder.mkdir(exist_ok=True)
            (folder / "404.html").write_text("<p>There is nothing here.</p>\n")
            (folder / "cusp.toml").write_text(
                f'name = "{name}"\n[component.web]\nsource = "{GUESTS / "hello-rust.wasm"}"\n'
                + features)
            port = free_port()
            process = stack.enter_context(Process(
                lab.cusp_serve(folder, port, 1), options.server_cores,
                lab.folder / f"pipeline-{name}.log"))
            process.wait_ready(port, "/")
            running[name] = (process, port)
        for number in range(-1, options.rounds):
            for name, (process, port) in running.items():
                entry = load.measure(process, port, "hello", 32, options.seconds,
                                     options.load_cores)
                if number >= 0:
                    results[name].append(entry)
            say(f"pipeline: round {number + 1} of {options.rounds}")
    return results
