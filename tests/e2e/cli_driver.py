"""Drives the real binary: verbs that end, verbs that go on, and guests for them to serve."""

import http.client
import os
import re
import subprocess
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CUSP = Path(
    os.environ.get("CUSP_BINARY") or os.environ.get("CUSP_BIN") or ROOT / "build/release/cusp"
).resolve()
GUESTS = ROOT / "build" / "guests"
# Built with a sanitizer: what it takes of memory and time says nothing.
INSTRUMENTED = bool(os.environ.get("CUSP_INSTRUMENTED"))


def cusp(*arguments, cwd=None, timeout=60):
    return subprocess.run(
        [CUSP, *arguments], cwd=cwd, timeout=timeout, capture_output=True, text=True
    )


def guest(name):
    path = GUESTS / f"{name}.wasm"
    if not path.exists():
        pytest.fail(f"{path} is missing: run tools/build_guests.py")
    return path


def hello_text(answer):
    """The binary of the hello guest with another answer of the same length."""
    binary = guest("hello-wat").read_bytes()
    old = b"Hello from WAT\n"
    new = answer.encode()[: len(old)].ljust(len(old), b".")
    assert binary.count(old) == 1
    return binary.replace(old, new)


def kv(server, key):
    """What the default store of a node's folder has for `key`; None: nothing."""
    result = cusp("kv", "get", key, cwd=server.folder)
    return result.stdout if result.returncode == 0 else None


def wait_until(condition, timeout=30):
    """Until `condition()` is true, which is what it returns."""
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.05)
    return found


class Server:
    """A verb that goes on until it is told to stop; its output is collected meanwhile."""

    def __init__(self, *arguments, cwd=None):
        self.process = subprocess.Popen(
            [CUSP, *arguments], cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.lines = []
        self.readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (self.process.stdout, self.process.stderr)
        ]
        for reader in self.readers:
            reader.start()
        # Long: what a node serves may have to be compiled first, on a machine with more to do.
        try:
            self.url = self.wait_for(r"listening on https?://[\w.]+:\d+", timeout=300).split()[-1]
        except AssertionError:
            self.process.kill()  # nobody else knows of it
            raise
        self.port = int(self.url.rsplit(":", 1)[1])

    def _read(self, stream):
        for line in stream:
            self.lines.append(line.rstrip("\n"))

    @property
    def output(self):
        return "\n".join(self.lines)

    def wait_for(self, pattern, count=1, timeout=60, since=0):
        """The last of the `count` lines that match; those before line `since` do not count."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            found = [line for line in self.lines[since:] if re.search(pattern, line)]
            if len(found) >= count:
                return found[-1]
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"no {pattern!r} ({count}) in the output:\n{self.output}")

    def get(self, path="/", headers=None, host=None):
        return self._ask("GET", path, None, dict(headers or {}) | ({"host": host} if host else {}))

    def post(self, path, body):
        return self._ask("POST", path, body, {})

    def _ask(self, method, path, body, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def resident(self):
        """Bytes of memory."""
        with open(f"/proc/{self.process.pid}/smaps_rollup") as lines:
            return int(re.search(r"Rss:\s+(\d+) kB", lines.read())[1]) * 1024

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        self.process.terminate()
        return self.end()

    def end(self):
        code = self.process.wait(timeout=20)
        for reader in self.readers:
            reader.join(timeout=5)
        return code
