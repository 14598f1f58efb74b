"""What a guest's read of a store takes, call by call, beside Redis asked by the same guest."""

import contextlib
import json
import shutil
import subprocess
import time
import urllib.request

from processes import Process, free_port
from servers import GUESTS

KEYS = 1_000_000
HOT = 1000  # keys that are asked for again and again
CALLS = 20_000  # of one round
VALUE = "v" * 100
MANIFEST = """name = "timing"
[component.timing]
source = "{guest}"
key_value_stores = ["default"]
sqlite_databases = ["default"]
allowed_outbound_hosts = ["redis://127.0.0.1:{redis}"]
limits = {{ cpu_time = "60s", wall_time = "120s" }}
"""
ROWS = """CREATE TABLE entries (id INTEGER PRIMARY KEY, value TEXT NOT NULL) STRICT;
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {last})
INSERT INTO entries SELECT i, '{value}' FROM n;
"""


def run(command, text, cwd):
    finished = subprocess.run([str(part) for part in command], input=text, cwd=cwd, text=True,
                              capture_output=True, check=False)
    if finished.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {finished.stderr.strip()}")


def fill(lab, folder, keys):
    lines = "".join(f'{{"key": "key/{n}", "value": "{VALUE}"}}\n' for n in range(keys))
    run([lab.cusp_binary, "kv", "import"], lines, folder)
    run([lab.cusp_binary, "sql", "default"], ROWS.format(last=keys - 1, value=VALUE), folder)


def start_redis(lab, options, stack, port, keys):
    """A server without persistence, with the same keys; false when none is installed."""
    if not shutil.which("redis-server"):
        return False
    process = stack.enter_context(Process(
        ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        options.load_cores, lab.folder / "redis.log"))
    deadline = time.monotonic() + 10
    while subprocess.run(["redis-cli", "-p", str(port), "ping"], capture_output=True,
                         check=False).returncode:
        if time.monotonic() > deadline or process.popen.poll() is not None:
            return False
        time.sleep(0.05)
    commands = "".join(f"SET key/{n} {VALUE}\r\n" for n in range(keys))
    run(["redis-cli", "-p", port, "--pipe"], commands, lab.folder)
    return True


def stores(lab, options, say):
    """{"keys": …, "rounds": {"nothing": [{"p50": ns, …}], "kv": […], …}}; "kv" and "redis" ask for
    hot keys, "kv-any" and "sql" for any."""
    keys = KEYS // 20 if options.quick else KEYS
    folder = lab.folder / "stores"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    port, redis_port = free_port(), free_port()
    guest = GUESTS / "stores-timing.wasm"
    (folder / "cusp.toml").write_text(MANIFEST.format(guest=guest, redis=redis_port))
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(Process(lab.cusp_serve(folder, port, 1),
                                              options.server_cores, lab.folder / "stores.log"))
        process.wait_ready(port, "/nothing?count=1&keys=1")
        say(f"stores: filling each with {keys:,} keys")
        fill(lab, folder, keys)
        kinds = {"nothing": 1, "kv": HOT, "kv-any": keys, "sql": keys}
        if start_redis(lab, options, stack, redis_port, keys):
            kinds["redis"] = HOT
        rounds = {kind: [] for kind in kinds}
        for number in range(-1, options.rounds):
            for kind, asked in kinds.items():
                path = kind.removesuffix("-any")
                url = (f"http://127.0.0.1:{port}/{path}?count={CALLS}&keys={asked}"
                       f"&address=redis://127.0.0.1:{redis_port}")
                with urllib.request.urlopen(url, timeout=120) as answer:
                    entry = json.loads(answer.read())
                if number >= 0:
                    rounds[kind].append(entry)
            say(f"stores: round {number + 1} of {options.rounds}")
    return {"keys": keys, "rounds": rounds}
