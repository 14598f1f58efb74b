"""Cold starts and resident memory."""

import socket
import statistics
import time

from processes import Process, first_byte, free_port
from servers import GUESTS

IDLE_HOST = "app-{}.localhost"


def spread(values):
    ordered = sorted(values)
    return {"min": ordered[0], "median": statistics.median(ordered), "max": ordered[-1]}


def cold_start(lab, names, options, say):
    """Milliseconds from the start of the process to the first byte of a 200, artifacts cached."""
    results = {}
    for name in names:
        times = []
        for number in range(options.starts + 1):
            port = free_port()
            with Process(lab.command(name, "hello", port), options.server_cores,
                         lab.folder / f"cold-{name}.log") as process:
                elapsed = process.wait_ready(port, "/")
            if number:  # the first start fills caches
                times.append(elapsed * 1e3)
        results[name] = spread(times)
        say(f"cold start of {name}: {results[name]['median']:.1f} ms")
    return results


def distinct_copies(lab, count):
    """`count` components that differ by a custom section, so that no two share an artifact."""
    folder = lab.folder / "apps"
    folder.mkdir(exist_ok=True)
    original = (GUESTS / "hello-rust.wasm").read_bytes()
    apps = []
    for number in range(count):
        path = folder / f"app-{number}.wasm"
        content = b"\x04copy" + number.to_bytes(4, "little")
        path.write_bytes(original + bytes([0, len(content)]) + content)
        apps.append((IDLE_HOST.format(number), path))
    return apps


def many_apps(lab, options, say):
    """A node with one app and with many: start, memory for each idle app, and the first request
    to an app that has served none yet."""
    apps = distinct_copies(lab, options.apps)
    results = {"apps": options.apps}
    say(f"compiling {options.apps} apps (the first time: minutes)")
    for label, part in (("fill", apps), ("one", apps[:1]), ("many", apps)):
        port = free_port()
        with Process(lab.cusp_node(part, port), options.server_cores,
                     lab.folder / f"apps-{label}.log") as process:
            ready = process.wait_ready(port, "/", part[0][0])
            time.sleep(1)
            results[label] = {"start_ms": ready * 1e3, "resident_kib": process.resident_kib()}
            if label == "many":
                asked = [host for host, _ in part[1:201]]
                results["first_request_ms"] = latencies(port, asked)
                results["second_request_ms"] = latencies(port, asked)
    extra = max(options.apps - 1, 1)
    results["idle_kib_per_app"] = (
        results["many"]["resident_kib"] - results["one"]["resident_kib"]) / extra
    results["load_ms_per_app"] = (
        results["many"]["start_ms"] - results["one"]["start_ms"]) / extra
    return results


def latencies(port, hosts):
    times = [first_byte(port, "/", host) for host in hosts]
    if None in times:
        raise RuntimeError(f"{times.count(None)} of {len(hosts)} apps did not answer 200")
    return spread([elapsed * 1e3 for elapsed in times])


def busy_memory(lab, options, say):
    """Resident memory of each instance that is in the middle of a response."""
    port = free_port()
    with Process(lab.command("cusp", "sized", port), options.server_cores,
                 lab.folder / "busy.log") as process:
        process.wait_ready(port, "/hello")
        idle = process.resident_kib()
        held = []
        try:
            for _ in range(options.busy):
                connection = socket.create_connection(("127.0.0.1", port), timeout=30)
                held.append(connection)
                connection.sendall(b"GET /drip?count=2&ms=20000 HTTP/1.1\r\nhost: a\r\n\r\n")
            for connection in held:
                if not connection.recv(16).startswith(b"HTTP/1.1 200"):
                    raise RuntimeError("a busy instance did not answer 200")
            busy = process.resident_kib()
        finally:
            for connection in held:
                connection.close()
    say(f"{options.busy} busy instances: {busy - idle} KiB over {idle} KiB")
    return {"instances": options.busy, "idle_kib": idle, "busy_kib": busy,
            "kib_per_instance": (busy - idle) / options.busy}
