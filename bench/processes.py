"""Server processes under measurement: pinned to cores, timed, and ended whatever happens."""

import http.client
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

START_TIMEOUT_S = 120
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A server in a process group of its own. Use as a context manager."""

    def __init__(self, command, cores, log):
        self.command, self.cores, self.log = [str(part) for part in command], cores, Path(log)

    def __enter__(self):
        environment = {name: value for name, value in os.environ.items()
                       if name != "RUST_BACKTRACE"}  # costs a Wasmtime host a quarter
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self.started = time.perf_counter()
            self.popen = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, self.cores))
        return self

    def __exit__(self, *_):
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.popen.pid, number)
                self.popen.wait(timeout=15)
                return
            except subprocess.TimeoutExpired:
                continue
            except ProcessLookupError:
                self.popen.wait()
                return

    def members(self):
        """The ids of the processes in the group: nginx and others have several."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                except OSError:
                    continue
                if int(fields[2]) == self.popen.pid:
                    yield entry, fields

    def cpu_seconds(self):
        return sum(int(fields[11]) + int(fields[12]) for _, fields in self.members()) / TICKS_PER_S

    def resident_kib(self):
        total = 0
        for entry, _ in self.members():
            for line in (entry / "status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1])
        return total

    def wait_ready(self, port, target, host=None):
        """Seconds from the start of the process to the first byte of a 200."""
        while time.perf_counter() - self.started < START_TIMEOUT_S:
            if self.popen.poll() is not None:
                break
            if first_byte(port, target, host) is not None:
                return time.perf_counter() - self.started
            time.sleep(0.0002)
        raise RuntimeError(f"{' '.join(self.command)} did not answer; its log: {self.log}\n"
                           + self.log.read_text(errors="replace")[-2000:])


def first_byte(port, target, host=None):
    """Seconds from connecting to the head of a 200; None when there is none."""
    started = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", target, headers={"host": host} if host else {})
        response = connection.getresponse()
        elapsed = time.perf_counter() - started
        response.read()
        return elapsed if response.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
