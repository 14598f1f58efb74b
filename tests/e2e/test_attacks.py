"""Clients that want to hurt. Every test prints its figure: what the attack cost, and what a good
client noticed of it (`pytest -rP`).
"""

import contextlib
import gzip
import http.client
import resource
import socket
import subprocess
import threading
import time

import h2_frames as h2
import pytest
from cli_driver import INSTRUMENTED, Server, guest
from h2_frames import Attacker, frame

ATTACK_SECONDS = 2
FRAMES_MAX = 500_000  # of one connection: more than any node should take of these
MEMORY_MAX = 48 << 20  # that a node may grow by under one attack
GOOD_P99_MAX = 1.0  # seconds; generous, since other tests run beside this one


@pytest.fixture(scope="module")
def node(tmp_path_factory, state):
    """A node with a component, files, and a cache before both."""
    folder = tmp_path_factory.mktemp("attacked")
    (folder / "public").mkdir()
    (folder / "public" / "large.bin").write_bytes(bytes(range(256)) * 4096)
    (folder / "cusp.toml").write_text(
        f"""name = "attacked"
[component.web]
source = "{guest("hello-wat")}"
[component.probe]
source = "{guest("probe")}"
[[route]]
path = "/..."
component = "web"
[[route]]
path = "/count"
component = "probe"
[[route]]
path = "/files/..."
assets = "public"
[[route]]
path = "/cached/..."
assets = "public"
edge.cache = {{ ttl = "1h" }}
"""
    )
    server = Server(
        "serve", str(folder), "--listen", "127.0.0.1:0", "--state-dir", state, "--shards", "2"
    )
    yield server
    assert server.stop() == 0


def p99(times):
    return sorted(times)[int(len(times) * 0.99)]


class GoodClient:
    """Asks again and again, on its own thread, and notes how long each answer took."""

    def __init__(self, port):
        self.port = port
        self.times = []
        self.failures = []
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stopped.is_set():
            start = time.monotonic()
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                connection.request("GET", "/")
                if connection.getresponse().status != 200:
                    self.failures.append("status")
                connection.close()
            except OSError as error:
                self.failures.append(error)
            self.times.append(time.monotonic() - start)
            time.sleep(0.005)

    def stop(self):
        self.stopped.set()
        self.thread.join()


@pytest.fixture
def attacked(node, record_property):
    """Runs an attack for a while beside a good client, and prints what came of it."""

    def run(what, attack, seconds=ATTACK_SECONDS):
        quiet = GoodClient(node.port)
        time.sleep(0.3)
        quiet.stop()
        before = node.resident()
        good = GoodClient(node.port)
        results, deadline = [], time.monotonic() + seconds
        while not results or time.monotonic() < deadline:
            results.append(attack(node.port))
        good.stop()
        grown = node.resident() - before
        figures = {
            "connections": len(results),
            "sent on one, at most": max(results),
            "node grew by KiB": grown >> 10,
            "good p99 ms before": round(p99(quiet.times) * 1000, 1),
            "good p99 ms": round(p99(good.times) * 1000, 1),
        }
        print(f"{what}: " + ", ".join(f"{name} {value}" for name, value in figures.items()))
        for name, value in figures.items():
            record_property(name, value)
        assert good.failures == []
        assert INSTRUMENTED or p99(good.times) < GOOD_P99_MAX
        assert INSTRUMENTED or grown < MEMORY_MAX
        return results

    return run


def flood(pieces):
    """An attack that sends `pieces` (count, bytes) until the node ends the connection."""

    def attack(port):
        attacker = Attacker(port)
        for count, piece in pieces():
            if not attacker.send(piece, count):
                break
        else:
            pytest.fail(f"the node takes {attacker.sent} without an end")
        attacker.finish()
        assert attacker.goaway == h2.ENHANCE_YOUR_CALM
        return attacker.sent

    return attack


def batches(make, size=64):
    """Batches of `size` frames, for stream ids 1, 3, 5 …"""
    for stream in range(1, 2 * FRAMES_MAX, 2 * size):
        yield size, b"".join(make(stream + 2 * i) for i in range(size))


def again(size, piece):
    """`size` frames in a piece, without an end that a node should ever see."""
    return ((size, piece * size) for _ in range(FRAMES_MAX // size))


def test_rapid_reset_is_ended(attacked):
    def pair(stream):
        return frame(h2.HEADERS, h2.END_STREAM | h2.END_HEADERS, stream, h2.GET) + frame(
            h2.RST_STREAM, 0, stream, b"\0\0\0\x08"
        )

    attacked("rapid reset (requests)", flood(lambda: batches(pair)))


def test_streams_that_the_node_is_made_to_reset_are_ended(attacked):
    def provoke(stream):  # a request, and a window that no stream may have: MadeYouReset
        return frame(h2.HEADERS, h2.END_HEADERS, stream, h2.POST) + frame(
            h2.WINDOW_UPDATE, 0, stream, b"\x7f\xff\xff\xff"
        )

    attacked("MadeYouReset (requests)", flood(lambda: batches(provoke)))


@pytest.mark.parametrize(
    ("what", "one"),
    [
        ("PING", frame(h2.PING, 0, 0, b"12345678")),
        ("SETTINGS", frame(h2.SETTINGS, 0, 0, b"\0\x04\0\1\0\0")),
        ("WINDOW_UPDATE", frame(h2.WINDOW_UPDATE, 0, 0, b"\0\0\0\1")),
        ("PRIORITY", frame(h2.PRIORITY, 0, 1, b"\0\0\0\0\0")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_control_frames_without_end_are_ended(attacked, what, one):
    attacked(f"{what} flood (frames)", flood(lambda: again(256, one)))


def test_empty_data_frames_without_end_are_ended(attacked):
    def pieces():
        yield 0, frame(h2.HEADERS, h2.END_HEADERS, 1, h2.POST)
        yield from again(256, frame(h2.DATA, 0, 1))

    attacked("empty DATA flood (frames)", flood(pieces))


def test_continuation_frames_without_end_are_ended(attacked):
    def pieces():
        yield 0, frame(h2.HEADERS, 0, 1, h2.GET)
        yield from again(16, frame(h2.CONTINUATION, 0, 1, h2.literal(b"x", b"y" * 100)))

    def empty_pieces():
        yield 0, frame(h2.HEADERS, 0, 1, h2.GET)
        yield from again(64, frame(h2.CONTINUATION, 0, 1))

    attacked("CONTINUATION flood (frames)", flood(pieces))
    attacked("empty CONTINUATION flood (frames)", flood(empty_pieces))


def test_a_header_that_grows_in_decompression_is_refused(attacked):
    def pieces():
        # An entry of the dynamic table, named 12,000 times with a byte each: 47 MB a request.
        block = h2.GET + h2.literal(b"x", b"y" * 3900, indexed=True) + b"\xbe" * 12_000
        for stream in range(1, 2000, 2):
            yield 1, frame(h2.HEADERS, h2.END_STREAM | h2.END_HEADERS, stream, block)

    attacked("HPACK bomb (requests)", flood(pieces))


@pytest.mark.parametrize(
    ("what", "piece"),
    [
        ("fields without end", b"x: y\r\n" * 64),
        ("a field without end", b"y" * 1024),
        ("a line without end", None),
    ],
    ids=["fields", "field", "line"],
)
def test_a_head_without_end_is_refused(attacked, what, piece):
    def attack(port):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as one:
            one.sendall(b"GET /" if piece is None else b"GET / HTTP/1.1\r\nhost: a\r\nx: ")
            sent = 0
            # What a client goes on sending after its answer is read for two seconds at most, so
            # that the answer is not lost (RFC 9112, section 9.6).
            deadline = time.monotonic() + 20
            with contextlib.suppress(OSError):
                while time.monotonic() < deadline:
                    one.sendall(piece or b"a" * 1024)
                    sent += len(piece or b"a" * 1024)
            assert time.monotonic() < deadline, "the node takes it without end"
            with contextlib.suppress(OSError):
                answer = one.recv(1000)
                assert answer[:12] in (b"HTTP/1.1 431", b"HTTP/1.1 414", b""), answer
        return sent

    attacked(f"{what} (bytes)", attack)


@pytest.mark.parametrize("path", ["/files/large.bin", "/cached/large.bin"])
def test_many_ranges_cost_no_more_than_the_whole(attacked, path):
    whole = 1 << 20

    def attack(port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        most = 0
        for ranges in (
            ",".join(["0-"] * 1000),
            ",".join(f"{i}-" for i in range(1000)),
            ",".join(f"{2 * i}-{2 * i}" for i in range(5000)),
            ",".join(f"-{whole}" for _ in range(500)),
        ):
            connection.request("GET", path, headers={"range": "bytes=" + ranges})
            response = connection.getresponse()
            size = len(response.read())
            assert response.status in (200, 206, 416), response.status
            most = max(most, size)
        connection.close()
        assert most <= whole
        return most

    attacked(f"ranges of {path} (bytes of an answer)", attack)


def test_a_compressed_upload_is_never_unpacked(attacked):
    bomb = gzip.compress(bytes(256 << 20), 9)  # a thousandth of it

    def attack(port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", "/count", bomb, {"content-encoding": "gzip"})
        answer = connection.getresponse().read().decode()
        connection.close()
        assert str(len(bomb)) in answer, answer
        return len(bomb)

    attacked("gzip bomb of 256 MiB (bytes that the guest read)", attack)
