"""Throughput and latency: paired rounds of wrk, one server after the other, in turns."""

import contextlib
import json
import subprocess
from pathlib import Path

from processes import Process, free_port
from servers import WORKLOADS

WRK_SCRIPT = Path(__file__).with_name("wrk.lua")


def wrk(port, workload, connections, seconds, cores):
    _, target, body_bytes = WORKLOADS[workload]
    threads = min(len(cores), connections)
    finished = subprocess.run(
        ["taskset", "-c", ",".join(map(str, sorted(cores))), "wrk", f"-t{threads}",
         f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(WRK_SCRIPT),
         f"http://127.0.0.1:{port}{target}", "--", str(body_bytes)],
        capture_output=True, text=True, check=False)
    for line in finished.stdout.splitlines():
        if line.startswith("result "):
            return json.loads(line.removeprefix("result "))
    raise RuntimeError(f"wrk measured nothing: {finished.stdout}{finished.stderr}")


def measure(process, port, workload, connections, seconds, cores):
    """One round of one server: requests per second, latency, CPU per request."""
    cpu_before = process.cpu_seconds()
    result = wrk(port, workload, connections, seconds, cores)
    cpu = process.cpu_seconds() - cpu_before
    requests = max(result["requests"], 1)
    return {
        "rps": result["requests"] / (result["duration_us"] / 1e6),
        "p50_us": result["p50_us"],
        "p99_us": result["p99_us"],
        "cpu_us": cpu * 1e6 / requests,
        "rps_per_cpu_s": result["requests"] / cpu if cpu else 0.0,
        "errors": result["errors_status"] + result["errors_socket"],
    }


def paired_rounds(lab, workload, names, connections_list, options, say):
    """{connections: {server: [round, …]}}. All servers stay up on the same core and are loaded in
    turns, each round in another order: the machine's own swings then hit every server alike."""
    results = {connections: {name: [] for name in names} for connections in connections_list}
    with contextlib.ExitStack() as stack:
        running = {}
        for name in names:
            port = free_port()
            process = stack.enter_context(Process(
                lab.command(name, workload, port), options.server_cores,
                lab.folder / f"{workload}-{name}.log"))
            target = WORKLOADS[workload][1] if workload != "echo" else "/"
            wait_until_answering(process, port, target, workload)
            running[name] = (process, port)
        for connections in connections_list:
            for name, (process, port) in running.items():
                measure(process, port, workload, connections, 1, options.load_cores)  # warm up
            for number in range(options.rounds):
                order = names[number % len(names):] + names[:number % len(names)]
                for name in order:
                    process, port = running[name]
                    results[connections][name].append(measure(
                        process, port, workload, connections, options.seconds, options.load_cores))
                say(f"{workload}, {connections} connections: round {number + 1} of "
                    f"{options.rounds}")
    return results


def wait_until_answering(process, port, target, workload):
    # The echo server needs a body; any answer of its neighbours' path shows that it is up.
    process.wait_ready(port, "/hello" if workload == "echo" else target)


def shards(lab, options, say):
    """One shard against two on the same two cores, in turns. With the load generator on cores of
    its own when there are four; else it shares them, and the rate for each second of the
    server's CPU time says what two shards would do beside a load generator that costs nothing."""
    apart = len(options.all_cores) >= 4
    server_cores = set(options.all_cores[:2])
    load_cores = set(options.all_cores[2:4]) if apart else server_cores
    results = {1: [], 2: []}
    with contextlib.ExitStack() as stack:
        running = {}
        for count in results:
            port = free_port()
            process = stack.enter_context(Process(
                lab.command("cusp", "hello", port, shards=count), server_cores,
                lab.folder / f"shards-{count}.log"))
            process.wait_ready(port, "/")
            running[count] = (process, port)
        for number in range(options.rounds):
            for count, (process, port) in running.items():
                results[count].append(
                    measure(process, port, "hello", 64, options.seconds, load_cores))
            say(f"shards: round {number + 1} of {options.rounds}")
    return {"load_generator_apart": apart, "one": results[1], "two": results[2]}
