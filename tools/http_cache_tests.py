"""Runs the public test suite for HTTP caches against the cache of a node, and prints its score.

usage: http_cache_tests.py --cusp PROGRAM [--all] [--suite FOLDER] [--only ID] [--json FILE]
       http_cache_tests.py --origin-port PORT --base URL [--suite FOLDER]

The first form starts the suite's origin server and a node in front of it; with --all, nginx and
Varnish too, as far as they are installed, and one table tells the scores of them all. The second
tests a proxy that runs already and has http://127.0.0.1:PORT as its origin. The suite is the npm
package that tools/http_cache_tests pins; --suite names a checkout of a newer edition. Ends with 1
when a required or an optimal test fails that deviations.json there does not explain.
"""

import argparse
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cache_peers import PEERS, Peer
from h2spec import port_of

HERE = Path(__file__).resolve().parent / "http_cache_tests"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cusp"
KINDS = ("required", "optimal", "check")
LIST_TESTS = """
const suites = (await import('./tests/index.mjs')).default;
try { suites.push((await import('./tests/surrogate-control.mjs')).default); } catch {}
const tests = suites.flatMap(suite => suite.tests).filter(test => !test.browser_only);
console.log(JSON.stringify(tests.map(({id, kind}) => ({id, kind: kind || 'required'}))));
"""
# Without retries and ejection: the suite counts what its origin is asked.
MANIFEST = """
name = "cache-tests"

[upstream.suite]
url = "http://127.0.0.1:{port}"
retries = 0
eject = {{ failures = 0 }}

[[route]]
path = "/..."
upstream = "suite"

[route.edge]
cache = true
"""


def install():
    """The folder of the pinned suite; made where it is missing."""
    lock = (HERE / "package-lock.json").read_bytes()
    folder = CACHE / f"http-cache-tests-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not folder.exists():
        partial = Path(tempfile.mkdtemp(dir=make_folder(CACHE)))
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, partial)
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(command, cwd=partial, check=True, stdout=subprocess.DEVNULL)
        partial.rename(folder)
    return folder / "node_modules" / "http-cache-tests"


def make_folder(path):
    path.mkdir(parents=True, exist_ok=True)
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Suite:
    """One edition of the suite, in a folder."""

    def __init__(self, folder):
        self.folder = folder
        engine = folder / "test-engine"
        self.engine = engine if engine.exists() else folder

    def tests(self):
        command = ["node", "--no-warnings", "--input-type=module", "-e", LIST_TESTS]
        return json.loads(subprocess.check_output(command, cwd=self.folder))

    def start_origin(self, port, log):
        environment = dict(os.environ, npm_config_protocol="http", npm_config_port=str(port),
                           npm_config_pidfile=os.devnull)
        origin = subprocess.Popen(["node", self.engine / "server" / "server.mjs"],
                                  cwd=self.folder, env=environment, stdout=log, stderr=log)
        for _ in range(100):
            try:
                socket.create_connection(("localhost", port), timeout=1).close()
                return origin
            except OSError:
                time.sleep(0.1)
        origin.kill()
        raise SystemExit("http_cache_tests.py: the suite's origin does not listen")

    def run(self, base, only):
        environment = dict(os.environ, npm_config_base=base, npm_package_config_id=only or "")
        command = ["node", "--no-warnings", self.engine / "cli.mjs"]
        output = subprocess.check_output(command, cwd=self.folder, env=environment, text=True)
        if only:
            print(output)
            return None
        return json.loads(output)


def start_node(cusp, origin_port, folder):
    """A node with the cache in front of the origin, and its URL."""
    manifest = Path(folder) / "cusp.toml"
    manifest.write_text(MANIFEST.format(port=origin_port))
    node = subprocess.Popen([cusp, "serve", manifest, "--listen", "127.0.0.1:0"],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    port = port_of(node)
    if port is None:
        raise SystemExit(f"http_cache_tests.py: {cusp} did not say where it listens")
    return node, f"http://127.0.0.1:{port}"


def passed(tests, results, kind):
    ours = [test for test in tests if test["kind"] == kind]
    return sum(results.get(test["id"]) is True for test in ours), len(ours)


def report(tests, results, deviations):
    """Prints score and failures; whether all failures of consequence are explained."""
    explained = True
    for kind in KINDS:
        good, all_of_them = passed(tests, results, kind)
        print(f"{kind} {'yes' if kind == 'check' else 'passed'} {good}/{all_of_them}")
    for test in tests:
        result = results.get(test["id"])
        if test["kind"] == "check" or result is True:
            continue
        why = deviations.get(test["id"])
        explained &= why is not None
        message = result[1] if isinstance(result, list) else "not run"
        print(f"  {test['kind']:8} {test['id']}: {message}")
        if why:
            print(f"           deliberate: {why}")
    return explained


def print_table(tests, scores):
    """One line for each cache: what it passed of each kind; a check has no right answer."""
    print(f"{'':10}" + "".join(f"{kind:>12}" for kind in KINDS))
    for name, results in scores.items():
        cells = ("{}/{}".format(*passed(tests, results, kind)) for kind in KINDS)
        print(f"{name:10}" + "".join(f"{cell:>12}" for cell in cells))


def run_peers(suite, origin_port):
    """{name: results} of the other caches that this machine has."""
    scores = {}
    for name in PEERS:
        peer = Peer(name, origin_port, free_port())
        if not peer.installed():
            print(f"{name} is not installed")
            continue
        with peer as base:
            scores[name] = suite.run(base, None)
    return scores


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cusp")
    parser.add_argument("--all", action="store_true", help="nginx and Varnish beside it")
    parser.add_argument("--suite", type=Path)
    parser.add_argument("--base")
    parser.add_argument("--origin-port", type=int)
    parser.add_argument("--only", metavar="ID")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if bool(options.cusp) == bool(options.base):
        parser.error("one of --cusp and --base is needed")
    if options.all and (options.base or options.only):
        parser.error("--all goes with --cusp, and runs every test")
    suite = Suite((options.suite or install()).resolve())
    deviations = json.loads((HERE / "deviations.json").read_text())
    origin_port = options.origin_port or free_port()
    node = None
    peers = {}
    with tempfile.TemporaryDirectory() as folder, open(Path(folder) / "origin.log", "w") as log:
        origin = suite.start_origin(origin_port, log)
        try:
            base = options.base
            if options.cusp:
                node, base = start_node(options.cusp, origin_port, folder)
            results = suite.run(base, options.only)
            if options.all:
                peers = run_peers(suite, origin_port)
        finally:
            for process in filter(None, (node, origin)):
                process.terminate()
                process.wait(timeout=20)
    if results is None:
        return 0
    if options.json:
        options.json.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    tests = suite.tests()
    explained = report(tests, results, deviations)
    if options.all:
        print_table(tests, {"cusp": results, **peers})
    return 0 if explained else 1


if __name__ == "__main__":
    sys.exit(main())
