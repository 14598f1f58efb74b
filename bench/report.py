"""Tables, ratios and targets from the results of one run."""

import os
import platform
import statistics
from pathlib import Path

from writes import PAIRS


def machine():
    model = next((line.split(":", 1)[1].strip()
                  for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown")
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release()}


def median(rounds, key):
    return statistics.median(entry[key] for entry in rounds)


def ratios(rounds, base_rounds, key="rps"):
    """(min, median, max) of the paired ratios, round by round."""
    values = sorted(entry[key] / base[key]
                    for entry, base in zip(rounds, base_rounds, strict=True) if base[key])
    return (values[0], statistics.median(values), values[-1]) if values else None


def spread_text(values):
    return "–" if values is None else "{1:.3g} ({0:.3g}–{2:.3g})".format(*values)


def table(head, rows):
    widths = [max(len(str(row[column])) for row in [head, *rows]) for column in range(len(head))]
    lines = []
    for row in [head, ["-" * width for width in widths], *rows]:
        cells = [str(cell).ljust(width) if column < 2 else str(cell).rjust(width)
                 for column, (cell, width) in enumerate(zip(row, widths, strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def workload_table(name, connections, servers, isolation):
    head = ["server", "isolation", "requests/s", "÷ nginx", "÷ wasmtime fresh", "p50 µs", "p99 µs",
            "CPU µs/request", "errors"]
    rows = []
    for server, rounds in servers.items():
        against = [ratios(rounds, servers[base]) if base in servers and base != server else None
                   for base in ("nginx", "wasmtime")]
        rows.append([server, isolation[server], f"{median(rounds, 'rps'):,.0f}",
                     *map(spread_text, against), f"{median(rounds, 'p50_us'):,.0f}",
                     f"{median(rounds, 'p99_us'):,.0f}", f"{median(rounds, 'cpu_us'):.1f}",
                     sum(entry["errors"] for entry in rounds)])
    title = f"{name}, {connections} connection{'s' if connections != '1' else ''}"
    return f"{title}: medians, ratios as median (min–max)\n{table(head, rows)}"


def shard_ratios(shards):
    return (ratios(shards["two"], shards["one"]),
            ratios(shards["two"], shards["one"], "rps_per_cpu_s"))


def cache_table(servers):
    rows = [[name, "", f"{median(rounds, 'rps'):,.0f}",
             spread_text(ratios(rounds, servers["nginx"]) if name != "nginx" else None),
             f"{median(rounds, 'cpu_us'):.1f}", sum(entry["errors"] for entry in rounds)]
            for name, rounds in servers.items()]
    return table(["server", "", "requests/s", "÷ nginx", "CPU µs/request", "errors"], rows)


def stores_table(measured):
    """Microseconds of a call: medians over the rounds of each percentile."""
    rows = [[kind, "", *(f"{median(rounds, key) / 1000:,.1f}" for key in ("p50", "p90", "p99"))]
            for kind, rounds in measured["rounds"].items()]
    return (f"a guest's read of one of {measured['keys']:,} values of 100 bytes, µs\n"
            + table(["call", "", "p50", "p90", "p99"], rows))


def write_ratios(measured, ours, own, writers):
    return ratios(measured[ours][writers], measured[own][writers], "rate")


def writes_table(measured):
    rows = []
    for ours, own in PAIRS:
        for writers in measured[ours]:
            rates = [f"{median(measured[kind][writers], 'rate'):,.0f}" for kind in (ours, own)]
            rows.append([f"{ours} ÷ {own}", writers, *rates,
                         spread_text(write_ratios(measured, ours, own, writers))])
    return ("durable writes of 100 bytes in a second, medians; ratios as median (min–max)\n"
            + table(["what", "writers", "ours", "its own", "ratio"], rows))


def write_targets(results):
    measured = results.get("writes")
    rows = []
    for ours, own in PAIRS:
        for writers in ("8", "64", "512"):
            found = measured and write_ratios(measured, ours, own, writers)
            rows.append((f"durable writes, {writers} writers: {ours} ÷ {own}", found and found[1],
                         0.8, False))
    return rows


def other_tables(results):
    parts = []
    if "shards" in results:
        plain, per_cpu = shard_ratios(results["shards"])
        where = ("on cores of its own" if results["shards"]["load_generator_apart"]
                 else "on the same two cores")
        parts.append(f"two shards against one, load generator {where}: {spread_text(plain)} in "
                     f"requests/s;\n  per second of server CPU {spread_text(per_cpu)} "
                     "(1 is perfect scaling)")
    if "cold" in results:
        rows = [[name, "", *(f"{value[key]:.1f}" for key in ("min", "median", "max"))]
                for name, value in results["cold"].items()]
        parts.append("process start to first byte, ms\n"
                     + table(["server", "", "min", "median", "max"], rows))
    if "apps" in results:
        apps = results["apps"]
        parts.append(
            f"{apps['apps']} apps in one node: {apps['idle_kib_per_app']:.0f} KiB and "
            f"{apps['load_ms_per_app']:.2f} ms of start for each idle app; first request to an app "
            f"{apps['first_request_ms']['median']:.2f} ms, second "
            f"{apps['second_request_ms']['median']:.2f} ms (medians)")
    if "busy" in results:
        busy = results["busy"]
        parts.append(f"{busy['instances']} instances in the middle of a response: "
                     f"{busy['kib_per_instance']:.0f} KiB resident for each")
    for protocol, servers in results.get("cached", {}).items():
        parts.append(f"a 10 KiB hit over {protocol}\n" + cache_table(servers))
    if "missed" in results:
        parts.append("a 10 KiB miss that is stored, over http/1.1\n"
                     + cache_table(results["missed"]))
    if "pipeline" in results:
        ten, none = results["pipeline"]["ten"], results["pipeline"]["none"]
        parts.append(f"ten features before a hello guest: {spread_text(ratios(ten, none))} of its "
                     f"requests/s without, CPU × {spread_text(ratios(ten, none, 'cpu_us'))}")
    if "stores" in results:
        parts.append(stores_table(results["stores"]))
    if "writes" in results:
        parts.append(writes_table(results["writes"]))
    return parts


def store_targets(results):
    """What a read takes beyond a call of the host that does nothing, in microseconds."""
    rounds = results.get("stores", {}).get("rounds")

    def above(kind, key):
        if not rounds:
            return None
        return (median(rounds[kind], key) - median(rounds["nothing"], "p50")) / 1000

    return [
        ("key-value read of a guest, p50 µs above an empty call", above("kv", "p50"), 5, True),
        ("key-value read of a guest, p99 µs above an empty call", above("kv", "p99"), 50, True),
        ("SQL point read of a guest, p99 µs", above("sql", "p99"), 50, True),
    ]


def edge_targets(results):
    """The same for the edge."""
    def hit(protocol, base):
        servers = results.get("cached", {}).get(protocol, {})
        found = ratios(servers["cusp"], servers[base]) if base in servers else None
        return found and found[1]

    pipeline = results.get("pipeline")
    cost = pipeline and ratios(pipeline["ten"], pipeline["none"])[1]
    return [
        ("10 KiB hit over HTTP/1.1 ÷ nginx", hit("http/1.1", "nginx"), 1, False),
        ("10 KiB hit over HTTP/1.1 ÷ Varnish", hit("http/1.1", "varnish"), 1, False),
        ("10 KiB hit over HTTP/2 ÷ nginx", hit("http/2", "nginx"), 2, False),
        ("hello with ten features ÷ without", cost, 0.95, False),
    ]


def targets(results):
    """(what, value or None, bound, whether a smaller value is better), DESIGN section 10."""
    def hello(server, base, key="rps"):
        servers = results["workloads"].get("hello", {}).get("32", {})
        if server not in servers or base not in servers:
            return None
        found = ratios(servers[server], servers[base], key)
        return found and found[1]

    rows = [
        ("hello, fresh: × wasmtime serve fresh", hello("cusp", "wasmtime"), 4, False),
        ("hello, fresh: p99 ÷ wasmtime serve fresh", hello("cusp", "wasmtime", "p99_us"), 1, True),
        ("hello, fresh: ÷ nginx", hello("cusp", "nginx"), 0.33, False),
        ("hello, reused: × wasmtime serve reused", hello("cusp-reused", "wasmtime-reused"), 1.5,
         False),
    ]
    shards = results.get("shards")
    if shards and shards["load_generator_apart"]:
        rows.append(("two shards ÷ one", shard_ratios(shards)[0][1], 1.8, False))
    else:
        per_cpu = shards and 2 * shard_ratios(shards)[1][1]
        rows.append(("two shards ÷ one, for equal CPU time each", per_cpu, 1.8, False))
    cold, apps = results.get("cold", {}).get("cusp"), results.get("apps")
    rows += [
        ("process start to first byte, ms", cold and cold["median"], 100, True),
        ("first request to an idle app, ms", apps and apps["first_request_ms"]["median"], 2, True),
        ("resident for each idle app, KiB", apps and apps["idle_kib_per_app"], 200, True),
    ]
    return rows + edge_targets(results) + store_targets(results) + write_targets(results)


def targets_table(results):
    rows = []
    for what, value, bound, smaller in targets(results):
        if value is None:
            verdict, shown = "not measured", "–"
        else:
            verdict = "met" if (value <= bound if smaller else value >= bound) else "MISSED"
            shown = f"{value:.3g}"
        rows.append([what, verdict, shown, f"{'≤' if smaller else '≥'} {bound:g}"])
    return "targets\n" + table(["target", "verdict", "measured", "bound"], rows)


def comparison(results, earlier):
    """Each server's ratio to nginx now and then: rates of two runs do not compare, ratios do."""
    rows = []
    for workload, by_connections in results["workloads"].items():
        for connections, servers in by_connections.items():
            before = earlier["workloads"].get(workload, {}).get(connections, {})
            for server, rounds in servers.items():
                if server == "nginx" or server not in before:
                    continue
                if "nginx" not in servers or "nginx" not in before:
                    continue
                now = ratios(rounds, servers["nginx"])
                then = ratios(before[server], before["nginx"])
                if now and then:
                    rows.append([f"{workload}, {connections}", server, spread_text(then),
                                 spread_text(now), f"{(now[1] / then[1] - 1) * 100:+.0f} %"])
    if not rows:
        return "comparison: the two runs have no workload in common that both measured with nginx"
    return "÷ nginx, then and now\n" + table(["workload", "server", "then", "now", "change"], rows)


def text(results, earlier=None):
    about = results["machine"]
    parts = [f"{about['cpu']}, {about['cores']} cores, Linux {about['kernel']}; "
             f"{results['rounds']} rounds of {results['seconds']} s"]
    for workload, by_connections in results["workloads"].items():
        for connections, servers in by_connections.items():
            parts.append(workload_table(workload, connections, servers, results["isolation"]))
    parts += other_tables(results)
    parts.append(targets_table(results))
    if earlier:
        parts.append(comparison(results, earlier))
    return "\n\n".join(parts) + "\n"
