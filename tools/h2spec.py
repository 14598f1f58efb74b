"""Runs h2spec --strict against a node that serves one guest, and ends with h2spec's exit code.

usage: h2spec.py --h2spec PROGRAM --cusp PROGRAM [--guest FILE.wasm]
"""

import argparse
import re
import subprocess
import sys
import threading

READY = re.compile(r"listening on http://127\.0\.0\.1:(\d+)")
READY_TIMEOUT_S = 60


def port_of(node):
    """The port that the node announces; None when it ends or says nothing in time."""
    timer = threading.Timer(READY_TIMEOUT_S, node.kill)
    timer.start()
    try:
        for line in node.stdout:
            print(line, end="")
            found = READY.search(line)
            if found:
                return found.group(1)
        return None
    finally:
        timer.cancel()


def drain(stream):
    """Keeps the node from blocking on a full pipe; its lines stay out of the report."""
    for _ in stream:
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--h2spec", required=True)
    parser.add_argument("--cusp", required=True)
    parser.add_argument("--guest", default="build/guests/hello-rust.wasm")
    options = parser.parse_args()
    node = subprocess.Popen(
        [options.cusp, "serve", options.guest, "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        port = port_of(node)
        if port is None:
            print(f"h2spec.py: {options.cusp} did not say where it listens", file=sys.stderr)
            return 1
        threading.Thread(target=drain, args=(node.stdout,), daemon=True).start()
        command = [options.h2spec, "--strict", "-h", "127.0.0.1", "-p", port]
        code = subprocess.run(command, check=False).returncode
        if node.poll() is not None:
            print(f"h2spec.py: the node ended with code {node.returncode} during the run")
            return 1
        return code
    finally:
        node.terminate()
        try:
            node.wait(timeout=20)
        except subprocess.TimeoutExpired:
            node.kill()


if __name__ == "__main__":
    sys.exit(main())
