"""Measures Cusp side by side with its peers and says which targets are met.

`./x bench` builds what is measured and calls this. Names choose what to measure; without any,
everything is: hello, sized (100 KiB response), echo (1 MiB echo), shards (two against one), cold
(process start to first byte), apps (many apps in one node), busy (memory of busy instances), cached
(hits of the cache), missed (responses that it has to fetch and store), pipeline (ten features
before a guest), stores (a guest's reads of key-value, SQL and, beside them, Redis), writes
(durable ones, beside RocksDB's and SQLite's own).

All servers of a workload are up at once on one core, the load generator (wrk) on another, and are
loaded in turns; ratios are taken within a round, because a machine's own swings hit both alike.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import edge
import load
import report
import startup
import stores
import writes
from servers import ROOT, SERVERS, Lab

WORKLOADS = ("hello", "sized", "echo")
NAMES = (*WORKLOADS, "shards", "cold", "apps", "busy", "cached", "missed",
         "pipeline", "stores", "writes")
RESULTS = ROOT / "bench" / "results"
STARTED = time.monotonic()


def say(text):
    print(f"[{time.monotonic() - STARTED:4.0f} s] {text}", file=sys.stderr, flush=True)


def numbers(text):
    try:
        values = [int(part) for part in text.split(",")]
    except ValueError:
        values = []
    if not values or min(values) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no list of numbers such as 1,32,256")
    return values


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="./x bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {' '.join(NAMES)}")
    parser.add_argument("--peers", default=",".join(SERVERS), help="servers (default: all)")
    parser.add_argument("--connections", type=numbers, default=[1, 32, 256])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=4, help="of load in a round")
    parser.add_argument("--starts", type=int, default=10, help="process starts for cold")
    parser.add_argument("--apps", type=int, default=1000)
    parser.add_argument("--busy", type=int, default=256, help="instances held at once for busy")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 1 s, 3 starts, 50 apps")
    parser.add_argument("--install-only", action="store_true", help="install the peers and end")
    parser.add_argument("--no-install", action="store_true", help="leave out peers not installed")
    parser.add_argument("--compare", metavar="FILE", type=Path, help="results of an earlier run")
    parser.add_argument("--out", metavar="FILE", type=Path, help="default: bench/results/DATE.json")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "cusp",
                        help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in NAMES:
            parser.error(f"there is no measurement '{name}'; there are {', '.join(NAMES)}")
    options.peers = options.peers.split(",")
    for name in options.peers:
        if name not in SERVERS:
            parser.error(f"there is no server '{name}'; there are {', '.join(SERVERS)}")
    if options.compare and not options.compare.is_file():
        parser.error(f"{options.compare} is no file of results")
    if options.quick:
        options.rounds, options.seconds, options.starts, options.apps = 3, 1, 3, 50
    return options


def choose_cores(options):
    """The server on the first core, the load generator on the second."""
    options.all_cores = sorted(os.sched_getaffinity(0))
    if len(options.all_cores) < 2:
        raise RuntimeError("the bench needs two cores: one for the server, one for its load")
    options.server_cores = {options.all_cores[0]}
    options.load_cores = {options.all_cores[1]}


def run(options):
    choose_cores(options)
    lab = Lab(options.cache, ROOT / "build" / "bench")
    if not options.no_install:
        lab.install(options.peers, say)
    if options.install_only:
        return None
    peers = [name for name in options.peers if lab.has(name)]
    left_out = [name for name in options.peers if name not in peers]
    if left_out:
        say(f"not installed, left out: {', '.join(left_out)}")
    chosen = options.names or NAMES
    results = {"machine": report.machine(), "rounds": options.rounds, "seconds": options.seconds,
               "isolation": {name: SERVERS[name].isolation for name in peers}, "workloads": {}}
    for workload in WORKLOADS:
        if workload in chosen:
            results["workloads"][workload] = load.paired_rounds(
                lab, workload, peers, options.connections, options, say)
    if "shards" in chosen:
        results["shards"] = load.shards(lab, options, say)
    if "cold" in chosen:
        fresh = [name for name in peers if SERVERS[name].name != "cusp-reused"]
        results["cold"] = startup.cold_start(lab, fresh, options, say)
    if "apps" in chosen:
        results["apps"] = startup.many_apps(lab, options, say)
    if "busy" in chosen:
        results["busy"] = startup.busy_memory(lab, options, say)
    if "cached" in chosen:
        results["cached"] = edge.cached(lab, options, say)
    if "missed" in chosen:
        results["missed"] = edge.missed(lab, options, say)
    if "pipeline" in chosen:
        results["pipeline"] = edge.pipeline(lab, options, say)
    if "stores" in chosen:
        results["stores"] = stores.stores(lab, options, say)
    if "writes" in chosen:
        results["writes"] = writes.writes(lab, options, say)
    return results


def main(arguments):
    options = parse(arguments)
    try:
        results = run(options)
    except RuntimeError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    if results is None:
        say("the peers are installed")
        return 0
    out = options.out or RESULTS / time.strftime("%Y%m%d-%H%M%S.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    # Through JSON, so that a fresh result has the same keys as one read from a file.
    results = json.loads(json.dumps(results))
    out.write_text(json.dumps(results, indent=1) + "\n")
    earlier = json.loads(options.compare.read_text()) if options.compare else None
    print(report.text(results, earlier))
    print(f"results: {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
