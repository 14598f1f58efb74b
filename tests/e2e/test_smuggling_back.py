"""Answers of upstreams that parsers disagree about, and what HTTP/2 could carry into HTTP/1.1."""

import contextlib
import http.client
import socket
import threading

import h2_frames as h2
import pytest
from h2_frames import frame, literal

GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood"


def ok(*lines, body=b"good"):
    return b"\r\n".join([b"HTTP/1.1 200 OK", *lines]) + b"\r\n\r\n" + body


# Name, what the upstream sends for /bad, and whether it may reach the client as a whole response.
ANSWERS = [
    (
        "length and coding",
        ok(b"content-length: 4", b"transfer-encoding: chunked", body=b"0\r\n\r\n"),
        None,
    ),
    ("two lengths", ok(b"content-length: 4", b"content-length: 0"), None),
    ("a length with a sign", ok(b"content-length: +4"), None),
    ("a negative length", ok(b"content-length: -4"), None),
    ("a length in hexadecimal", ok(b"content-length: 0x4"), None),
    ("an unknown coding", ok(b"transfer-encoding: xchunked"), None),
    ("a coding twice", ok(b"transfer-encoding: chunked, chunked", body=b"0\r\n\r\n"), None),
    ("white space before the colon", ok(b"content-length : 4"), None),
    ("a folded field", ok(b"content-length: 4", b"x: a", b" folded: b"), None),
    ("a bare LF", b"HTTP/1.1 200 OK\ncontent-length: 4\n\ngood", None),
    ("a bare CR in a value", ok(b"content-length: 4", b"x: a\rb"), None),
    ("a NUL in a value", ok(b"content-length: 4", b"x: a\0b"), None),
    ("no status", b"HTTP/1.1\r\ncontent-length: 4\r\n\r\ngood", None),
    ("a status of four digits", b"HTTP/1.1 2000 OK\r\ncontent-length: 4\r\n\r\ngood", None),
    ("a status of two digits", b"HTTP/1.1 20 OK\r\ncontent-length: 4\r\n\r\ngood", None),
    ("another protocol", b"SSH-2.0-OpenSSH_9.2\r\n", None),
    ("nothing", b"", None),
    (
        "a 101 that nobody asked for",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
        None,
    ),
    (
        "a chunk size with a sign",
        ok(b"transfer-encoding: chunked", body=b"+4\r\ngood\r\n0\r\n\r\n"),
        None,
    ),
    ("a chunk that is cut", ok(b"transfer-encoding: chunked", body=b"8\r\ngood"), None),
    ("a body that is cut", ok(b"content-length: 8"), None),
    (
        "endless fields",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: y\r\n" % i for i in range(20_000)),
        None,
    ),
    ("endless interim answers", b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000, None),
    ("a second answer behind the first", GOOD + ok(b"content-length: 6", body=b"poison"), b"good"),
    ("bytes behind the body", ok(b"content-length: 4", body=b"good, and more"), b"good"),
    (
        "bytes behind the last chunk",
        ok(b"transfer-encoding: chunked", body=b"4\r\ngood\r\n0\r\n\r\nmore"),
        b"good",
    ),
    ("a body of a 204", b"HTTP/1.1 204 No Content\r\ncontent-length: 4\r\n\r\ngood", b""),
    ("a body of a 304", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\n\r\n" + GOOD, b""),
    ("interim answers", b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" * 3 + GOOD, b"good"),
    ("a body until the end", b"HTTP/1.1 200 OK\r\n\r\ngood", b"good"),
]


class Upstream:
    """Answers /bad as told, on a connection that it keeps open unless the bytes need its end."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.answer, self.streams = b"", []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def forget(self):
        for stream in self.streams:
            stream.clear()

    def saw(self, text):
        return any(text in stream for stream in self.streams)

    def serve(self, peer):
        stream = bytearray()  # what this one connection brought, from the first byte on
        self.streams.append(stream)
        with peer, contextlib.suppress(OSError):
            head = b""
            while piece := peer.recv(65536):
                head += piece
                stream += piece
                while b"\r\n\r\n" in head:
                    first, _, head = head.partition(b"\r\n\r\n")
                    if b" /bad" not in first.split(b"\r\n")[0]:
                        peer.sendall(GOOD)
                        continue
                    peer.sendall(self.answer)
                    if not self.answer.startswith(GOOD):
                        peer.settimeout(0.3)
                        with contextlib.suppress(TimeoutError):
                            peer.recv(1)
                        return


@pytest.fixture(scope="module")
def upstream():
    upstream = Upstream()
    yield upstream
    upstream.listener.shutdown(socket.SHUT_RDWR)
    upstream.listener.close()


@pytest.fixture(scope="module")
def node(tmp_path_factory, serve_module, upstream):
    folder = tmp_path_factory.mktemp("back")
    (folder / "cusp.toml").write_text(
        f'name = "back"\n[upstream.origin]\nurl = "{upstream.url}"\nretries = 0\n'
        "eject.failures = 0\n"
        '[[route]]\npath = "/..."\nupstream = "origin"\n'
    )
    return serve_module(folder, "--shards", "1")


class FinalResponse(http.client.HTTPResponse):
    """The response behind any interim ones; the library itself knows 100 alone."""

    def _read_status(self):
        while (line := super()._read_status())[1] // 100 == 1:
            http.client.parse_headers(self.fp)
        return line


@pytest.mark.parametrize(("name", "answer", "body"), ANSWERS, ids=[a[0] for a in ANSWERS])
def test_an_answer_is_understood_or_refused_and_the_next_one_is_its_own(
    node, upstream, name, answer, body
):
    upstream.answer = answer
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
    connection.response_class = FinalResponse
    connection.request("GET", "/bad")
    try:
        response = connection.getresponse()
        received = response.read()
        if body is None:
            assert response.status == 502, (response.status, received)
        else:
            assert received == body
    except (http.client.HTTPException, ConnectionError):
        # Cut in the middle: what the client has does not look like a whole.
        assert body is None
        connection.close()
    for _ in range(3):
        connection.request("GET", "/good")
        assert connection.getresponse().read() == b"good"
    connection.close()


# ---- HTTP/2 into HTTP/1.1


def send_h2(port, fields, data=None):
    """What comes of one stream: its status, or None when stream or connection is refused."""
    head = b"".join(literal(*field) for field in fields)
    flags = h2.END_HEADERS | (h2.END_STREAM if data is None else 0)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(h2.PREFACE + frame(h2.SETTINGS))
        client.sendall(frame(h2.HEADERS, flags, 1, head))
        if data is not None:
            client.sendall(frame(h2.DATA, h2.END_STREAM, 1, data))
        received, at = b"", 0
        while piece := client.recv(65536):
            received += piece
            while len(received) >= at + 9:
                size = int.from_bytes(received[at : at + 3], "big")
                if len(received) < at + 9 + size:
                    break
                kind, stream = received[at + 3], int.from_bytes(received[at + 5 : at + 9], "big")
                payload = received[at + 9 : at + 9 + size]
                at += 9 + size
                if kind in (h2.RST_STREAM, h2.GOAWAY):
                    return None
                if kind == h2.HEADERS and stream == 1:
                    # The static table's statuses, or a literal behind the index of :status.
                    known = {0x88: 200, 0x89: 204, 0x8C: 400, 0x8D: 404, 0x8E: 500}
                    return known.get(payload[0], "other")
    return None


PSEUDO = [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/h2"), (b":authority", b"x")]


def with_pseudo(name, value):
    return [(n, value if n == name else v) for n, v in PSEUDO]


def smuggled_over_h2():
    evil = b"a\r\n\r\nGET /smuggled HTTP/1.1\r\nx: y"
    for name in (b":method", b":path", b":authority"):
        yield f"CRLF in {name!r}", with_pseudo(name, evil)
    yield "CRLF in a value", [*PSEUDO, (b"x", evil)]
    yield "LF in a value", [*PSEUDO, (b"x", b"a\nb: c")]
    yield "NUL in a value", [*PSEUDO, (b"x", b"a\0b")]
    yield "CRLF in a name", [*PSEUDO, (b"x\r\ny", b"a")]
    yield "a colon in a name", [*PSEUDO, (b"x: y", b"a")]
    yield "a space in a name", [*PSEUDO, (b"x y", b"a")]
    yield "upper case in a name", [*PSEUDO, (b"X", b"a")]
    yield "an empty name", [*PSEUDO, (b"", b"a")]
    yield "a transfer coding", [*PSEUDO, (b"transfer-encoding", b"chunked")]
    yield "a connection field", [*PSEUDO, (b"connection", b"close")]
    yield "a space in the path", with_pseudo(b":path", b"/h2 HTTP/1.1")
    yield "a path that begins with nothing", with_pseudo(b":path", b"h2")
    yield "an empty path", with_pseudo(b":path", b"")
    yield "a space in the method", with_pseudo(b":method", b"GET /smuggled HTTP/1.1")
    yield "user information", with_pseudo(b":authority", b"user@x")
    yield "a path in the authority", with_pseudo(b":authority", b"x/smuggled")
    yield "a host that differs", [*PSEUDO, (b"host", b"y")]
    yield "two authorities", [*PSEUDO, (b":authority", b"y")]
    yield "a pseudo-field behind a field", [*PSEUDO[:3], (b"x", b"a"), PSEUDO[3]]


@pytest.mark.parametrize(
    ("name", "fields"), [pytest.param(*c, id=c[0]) for c in smuggled_over_h2()]
)
def test_what_http2_must_not_carry_does_not_reach_the_upstream(node, upstream, name, fields):
    upstream.forget()
    assert send_h2(node.port, fields) in (None, 400)
    assert not upstream.saw(b"smuggled") and not upstream.saw(b"/h2")


@pytest.mark.parametrize("length", [b"3", b"5", b"-4", b"4, 4", b"0x4"])
def test_a_length_that_is_not_that_of_the_data_loses_nobody_step(node, upstream, length):
    """The upstream answers before it has the body, so its answer may come through."""
    fields = [(b":method", b"POST"), *PSEUDO[1:], (b"content-length", length)]
    upstream.forget()
    send_h2(node.port, fields, b"GET!")
    for _ in range(3):
        assert send_h2(node.port, PSEUDO) == 200
    lines = [line for stream in upstream.streams for line in bytes(stream).split(b"\r\n")]
    steps = {line for line in lines if line.endswith(b" HTTP/1.1")}
    assert steps <= {b"GET /h2 HTTP/1.1", b"POST /h2 HTTP/1.1"}


def test_what_is_right_passes(node):
    assert send_h2(node.port, PSEUDO) == 200
    assert send_h2(node.port, [(b":method", b"POST"), *PSEUDO[1:]], b"data") == 200
