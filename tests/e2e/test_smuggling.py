"""Requests that parsers have disagreed about, direct and through the proxy: nobody loses step."""

import contextlib
import re
import socket
import threading

import pytest
from cli_driver import guest
from smuggling_cases import FOLLOW, corpus
from web_server import Answers, WebServer

CASES = corpus()


class Recorder:
    """An upstream that keeps every byte, and reads them strictly."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.targets = []  # of the requests that were whole
        self.problems = []  # what was not as we write it
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        stream = bytearray()
        done = 0
        with peer, contextlib.suppress(OSError):
            while piece := peer.recv(65536):
                stream += piece
                try:
                    while (message := one_message(stream, done)) is not None:
                        target, done = message
                        self.targets.append(target)
                        body = target.encode()
                        head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body)
                        peer.sendall(head + body)
                except AssertionError as problem:
                    self.problems.append(str(problem))
                    return

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def one_message(stream, start):
    """The target of the whole request that begins there, and where it ends; None: not yet whole."""
    end = stream.find(b"\r\n\r\n", start)
    if end < 0:
        return None
    head = bytes(stream[start:end])
    line, *fields = head.split(b"\r\n")
    match = re.fullmatch(rb"[A-Z]+ (/[!-~]*) HTTP/1\.1", line)
    assert match, f"not a request line of ours: {line!r}"
    names = {}
    for field in fields:
        name, colon, value = field.partition(b":")
        assert colon and re.fullmatch(rb"[a-z0-9!#$%&'*+.^_`|~-]+", name), field
        assert not re.search(rb"[\r\n\0]", value), field
        assert not (name in (b"content-length", b"transfer-encoding", b"host") and name in names), (
            head
        )
        names[name] = value.strip()
    assert not {b"content-length", b"transfer-encoding"} <= set(names), head
    at = end + 4
    if b"content-length" in names:
        at += int(names[b"content-length"])
        return (match[1].decode(), at) if at <= len(stream) else None
    while names.get(b"transfer-encoding") == b"chunked":
        line_end = stream.find(b"\r\n", at)
        if line_end < 0:
            return None
        size = int(bytes(stream[at:line_end]), 16)
        if size == 0:
            end = stream.find(b"\r\n\r\n", at)
            return None if end < 0 else (match[1].decode(), end + 4)
        at = line_end + 2 + size + 2
        if at > len(stream):
            return None
        assert stream[at - 2 : at] == b"\r\n"
    return match[1].decode(), at


class Lax(Answers):
    """Python's own parser, which takes bare LF and more."""

    def do_GET(self):
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                self.rfile.read(size + 2)
            while self.rfile.readline().strip():
                pass
        else:
            self.body()
        self.server.asked.append(self.path)
        self.reply(self.path.encode())

    do_POST = do_GET


@pytest.fixture(scope="module")
def recorder():
    recorder = Recorder()
    yield recorder
    recorder.close()


@pytest.fixture(scope="module")
def lax():
    with WebServer(Lax) as running:
        yield running


@pytest.fixture(scope="module")
def nodes(tmp_path_factory, serve_module, recorder, lax):
    def app(name, route):
        folder = tmp_path_factory.mktemp(name)
        (folder / "cusp.toml").write_text(
            f'name = "{name}"\n[component.web]\nsource = "{guest("hello-wat")}"\n'
            f'[[route]]\npath = "/..."\n{route}\n'
        )
        return serve_module(folder, "--shards", "1")

    return {
        "direct": app("direct", 'component = "web"'),
        "recorder": app("strict", f'upstream = "{recorder.url}"'),
        "lax": app("lax", f'upstream = "{lax.url}"'),
    }


def exchange(node, data):
    """The statuses of all responses until the node closes the connection, and their bodies."""
    with socket.create_connection(("127.0.0.1", node.port), timeout=10) as client:
        received = b""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(data)
            while piece := client.recv(65536):
                received += piece
    responses = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        status = int(head[9:12])
        if status // 100 == 1:
            continue
        if length := re.search(rb"content-length: (\d+)", head):
            end = int(length[1])
            body, received = received[:end], received[end:]
        else:
            body, _, received = received.partition(b"\r\n0\r\n\r\n")
        responses.append((status, body.decode()))
    return responses


@pytest.mark.parametrize("way", ["direct", "recorder", "lax"])
@pytest.mark.parametrize(("name", "data", "targets"), CASES, ids=[case[0] for case in CASES])
def test_nobody_loses_step(nodes, recorder, lax, way, name, data, targets):
    recorder.targets.clear()
    lax.asked.clear()
    responses = exchange(nodes[way], data + FOLLOW)
    seen = {"direct": [], "recorder": recorder.targets, "lax": lax.asked}[way]
    assert recorder.problems == []
    assert "/smuggled" not in seen
    statuses = [status for status, _ in responses]
    if targets and way == "direct":
        # The component leaves bodies unread; the node may then close behind its answer.
        assert statuses in ([200, 200], [200]), responses
        return
    if targets:
        assert statuses == [200, 200]
        assert [body for _, body in responses] == [*targets, "/follow"]
        assert seen == [*targets, "/follow"]
        return
    assert len(responses) <= 1, responses
    assert "/follow" not in seen
    # The component may have answered before the body, which it does not want, turned out wrong.
    early = way == "direct" and name.startswith(("chunk", "a chunk", "a last chunk", "trailer"))
    assert early or all(400 <= status < 600 for status in statuses), responses


def test_the_corpus_is_large(record_property):
    record_property("cases", len(CASES))
    print(f"{len(CASES)} cases, each direct and through two upstreams")
    assert len(CASES) >= 150
