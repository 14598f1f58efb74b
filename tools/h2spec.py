"""Runs h2spec --strict against a node that serves one guest, in clear text and over TLS.

Ends with 0 when both passed.

usage: h2spec.py --h2spec PROGRAM --cusp PROGRAM [--guest FILE.wasm]
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

READY = re.compile(r"listening on https?://127\.0\.0\.1:(\d+)")
READY_TIMEOUT_S = 60


def port_of(node, ready=READY):
    """The port in what the node announces; None when it ends or says nothing in time."""
    timer = threading.Timer(READY_TIMEOUT_S, node.kill)
    timer.start()
    try:
        for line in node.stdout:
            print(line, end="")
            found = ready.search(line)
            if found:
                return found.group(1)
        return None
    finally:
        timer.cancel()


def drain(node):
    """Keeps the node from blocking on a full pipe; its lines stay out of the report."""

    def read():
        for _ in node.stdout:
            pass

    threading.Thread(target=read, daemon=True).start()


def configuration(folder, guest, tls):
    """A node's file for `guest` with one listener."""
    path = folder / f"{'tls' if tls else 'h2c'}.toml"
    path.write_text(
        f'state_dir = "{folder / "state"}"\n[[app]]\npath = "{guest.resolve()}"\n'
        '[[listen]]\naddress = "127.0.0.1:0"\n'
        + ('tls = [{ certificate = "cert.pem", key = "key.pem" }]\n' if tls else "")
    )
    return path


def make_certificate(folder):
    new = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    files = ["-subj", "/CN=localhost", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run([*new.split(), *files], check=True, capture_output=True)


def run(h2spec, cusp, config, flags):
    """h2spec's exit code; 1 when the node fails."""
    node = subprocess.Popen(
        [cusp, "node", "--config", config],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        port = port_of(node)
        if port is None:
            print(f"h2spec.py: {cusp} did not say where it listens", file=sys.stderr)
            return 1
        drain(node)
        command = [h2spec, "--strict", "-h", "127.0.0.1", "-p", port, *flags]
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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--h2spec", required=True)
    parser.add_argument("--cusp", required=True)
    parser.add_argument("--guest", default="build/guests/hello-rust.wasm", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make_certificate(folder)
        codes = []
        for tls, flags in ((False, []), (True, ["--tls", "--insecure"])):
            print(f"== {'over TLS' if tls else 'in clear text'}", flush=True)
            config = configuration(folder, options.guest, tls)
            codes.append(run(options.h2spec, options.cusp, config, flags))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
