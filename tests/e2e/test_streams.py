"""Bodies on their way: both directions at once, in bounded memory; trailers; late work."""

import http.client
import socket
import threading
import time

import pytest
from cli_driver import Server, guest

GIB = 1 << 30


def memory_peak(process):
    with open(f"/proc/{process.pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


@pytest.fixture(scope="module")
def monkeypatch_module():
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module", params=["probe", "probe-p3"])
def node(request, tmp_path_factory, monkeypatch_module):
    # AddressSanitizer keeps 256 MiB of freed memory by default, which would count as the node's.
    monkeypatch_module.setenv("ASAN_OPTIONS", "quarantine_size_mb=8")
    folder = tmp_path_factory.mktemp("streams")
    (folder / "cusp.toml").write_text(f"""name = "streams"
[component.probe]
source = "{guest(request.param)}"
limits = {{ body = "2GiB", cpu_time = "60s", wall_time = "5m" }}
""")
    server = Server(
        "serve",
        str(folder),
        "--listen",
        "127.0.0.1:0",
        "--shards",
        "1",
        "--state-dir",
        str(tmp_path_factory.getbasetemp().parent / "cusp-state"),
    )
    yield server
    assert server.stop() == 0


def echo(port, size, path="/echo"):
    """Sends `size` bytes and counts what comes back, at the same time."""
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(
        f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n\r\n".encode()
    )
    chunk = b"0123456789abcdef" * 4096

    def send():
        left = size
        while left > 0:
            left -= client.send(chunk[: min(left, len(chunk))])

    sender = threading.Thread(target=send)
    sender.start()
    response = http.client.HTTPResponse(client)
    response.begin()
    received = 0
    while piece := response.read(1 << 20):
        received += len(piece)
    sender.join()
    client.close()
    return response.status, received


def test_a_gibibyte_goes_through_a_guest_in_little_memory(node):
    assert echo(node.port, 1 << 20) == (200, 1 << 20)
    before = memory_peak(node.process)
    assert echo(node.port, GIB) == (200, GIB)
    assert memory_peak(node.process) - before < 64 << 20


def test_a_response_comes_part_by_part(node):
    with socket.create_connection(("127.0.0.1", node.port)) as client:
        client.sendall(b"GET /drip?count=3&ms=500 HTTP/1.1\r\nhost: x\r\n\r\n")
        times = []
        data = b""
        while not data.endswith(b"0\r\n\r\n"):
            piece = client.recv(65536)
            assert piece
            data += piece
            times.append(time.monotonic())
    assert times[-1] - times[0] > 0.1  # of one second: this process may come late


def test_a_guest_answers_before_it_has_the_whole_body(node):
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
    connection.putrequest("POST", "/early")
    connection.putheader("content-length", "10")
    connection.endheaders()
    connection.send(b"first")
    response = connection.getresponse()
    assert response.status == 200
    assert response.read(6) == b"early\n"
    connection.send(b"later")
    assert response.read() == b"10 bytes\n"


def test_trailers_follow_a_body(node):
    with socket.create_connection(("127.0.0.1", node.port)) as client:
        client.sendall(
            b"GET /trailers HTTP/1.1\r\nhost: x\r\nte: trailers\r\nconnection: close\r\n\r\n"
        )
        data = b""
        while piece := client.recv(65536):
            data += piece
    tail = data.rsplit(b"0\r\n", 1)[1]
    assert b": " in tail, data


def test_a_guest_may_work_on_after_its_response(node):
    assert node.get("/works-after")[0] == 200
    node.wait_for(r"\[streams/probe\].*after")
