"""Interim responses (1xx): from an upstream, through a node and its cache, to a real client."""

import contextlib
import http.client
import socket
import subprocess
import threading
import time

import pytest
from peers import body_of, exchange

HINTS = b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\nx-early: 1\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncache-control: max-age=60\r\n\r\ndone"


class Upstream:
    """Answers /hints with a 103 first, /processing with a 102, /flood with a thousand of them,
    /switch with a 101 that nobody asked for, /refuse without asking for the body, and everything
    else when it has the body that it has asked for."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:{}".format(self.listener.getsockname()[1])
        self.asked = []  # targets
        self.bodies = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        left = (OSError, EOFError, ValueError)
        with contextlib.suppress(*left), peer, peer.makefile("rb") as reader:
            while line := reader.readline():
                target = line.split()[1].decode()
                fields = http.client.parse_headers(reader)
                self.asked.append(target)
                self._answer(peer, reader, target.split("?")[0], fields)

    def _answer(self, peer, reader, target, fields):
        early = {
            "/hints": HINTS,
            "/processing": b"HTTP/1.1 102 Processing\r\n\r\n",
            "/flood": HINTS * 1000,
            "/switch": b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n"
            b"upgrade: x\r\n\r\n",
        }
        if target in early:
            peer.sendall(early[target])
            time.sleep(0.2)
        elif target == "/refuse":
            peer.sendall(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nno\n")
            self.bodies.append(reader.read())
            return
        elif fields.get("expect") == "100-continue":
            time.sleep(0.2)
            peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.bodies.append(b"".join(body_of(fields, reader)))
        peer.sendall(OK)


@pytest.fixture
def upstream():
    running = Upstream()
    yield running
    running.listener.shutdown(socket.SHUT_RDWR)
    running.listener.close()


@pytest.fixture(params=[False, True], ids=["plain", "cache"])
def node(request, upstream, serve, tmp_path):
    cache = "[route.edge]\ncache = true\n" if request.param else ""
    (tmp_path / "cusp.toml").write_text(f"""name = "shop"
[upstream.origin]
url = "{upstream.url}"
retries = 0
[[route]]
path = "/..."
upstream = "origin"
{cache}""")
    return serve(tmp_path)


def curl(node, path, *flags):
    """All heads and the body, as they came."""
    command = ["curl", "-sS", "-i", "--max-time", "20", *flags]
    result = subprocess.run([*command, f"http://127.0.0.1:{node.port}{path}"],
                            capture_output=True, timeout=30, check=True)  # fmt: skip
    return result.stdout.decode()


@pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
@pytest.mark.parametrize(("path", "status"), [("/hints", "103"), ("/processing", "102")])
def test_interim_responses_reach_the_client(node, version, path, status):
    heads = curl(node, path, version).split("\r\n\r\n")
    assert len(heads) == 3, heads
    assert heads[0].split()[1] == status
    assert ("link: </a.css>; rel=preload" in heads[0]) == (status == "103")
    assert heads[1].split()[1] == "200" and "x-early" not in heads[1]
    assert heads[2] == "done"


def test_a_hit_of_the_cache_has_none(serve, upstream, tmp_path):
    (tmp_path / "cusp.toml").write_text(f"""name = "shop"
[[route]]
path = "/..."
upstream = "{upstream.url}"
edge.cache = true
""")
    node = serve(tmp_path)
    assert curl(node, "/hints").count("HTTP/1.1 103") == 1
    again = curl(node, "/hints")
    assert "103" not in again and "x-early" not in again and "; hit" in again
    assert upstream.asked == ["/hints"]


def test_a_client_of_http_1_0_gets_none(node):
    answer = exchange(node.port, b"GET /hints HTTP/1.0\r\nhost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200") and b"103" not in answer


@pytest.mark.parametrize("path", ["/flood", "/switch"])
def test_an_upstream_with_a_thousand_of_them_or_a_101_unasked_has_failed(node, path):
    answer = curl(node, path)
    assert answer.count("HTTP/1.1 103") <= 32
    assert "HTTP/1.1 502 Bad Gateway" in answer and "HTTP/1.1 101" not in answer
    assert curl(node, "/other").endswith("done")


@pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
def test_a_body_waits_for_the_upstream_to_ask_for_it(node, upstream, version):
    waits = ("-H", "expect: 100-continue", "--expect100-timeout", "20", "--data", "the body")
    answer = curl(node, "/take", version, *waits)
    assert answer.endswith("done")
    if version == "--http1.1":  # curl does not wait over HTTP/2
        assert answer.count("HTTP/1.1 100 Continue") == 1
    assert upstream.bodies == [b"the body"]


def test_a_body_that_the_upstream_declines_is_never_sent(node, upstream):
    waits = ("-H", "expect: 100-continue", "--expect100-timeout", "20", "--data", "the body")
    answer = curl(node, "/refuse", "--http1.1", *waits)
    assert "100 Continue" not in answer and "HTTP/1.1 413" in answer
    deadline = time.monotonic() + 10
    while not upstream.bodies and time.monotonic() < deadline:
        time.sleep(0.05)
    assert upstream.bodies == [b""]
