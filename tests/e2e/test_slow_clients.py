"""Ten thousand clients that take their time: what each costs, what others notice, when they go.

Every test prints its figures (`pytest -rP`).
"""

import contextlib
import http.client
import os
import resource
import select
import socket
import ssl
import time

import pytest
from cli_driver import INSTRUMENTED, Server, guest
from peers import certificate

CONNECTIONS = 10_000
HEAD_TIMEOUT = 10  # seconds: base/limits.h
BODY_PATIENCE = 30  # seconds: base/limits.h
NOISE = os.urandom(3 << 20)
IN_MEMORY = NOISE[: 250 << 10]  # small enough for the node to keep it there
GOOD_TIMEOUT = 60 if INSTRUMENTED else 10  # of those who ask beside them
PLACES = 20  # of the component that slow clients are after


@pytest.fixture
def server(tmp_path, state):
    """A node with a component of few places, one for everybody else, and a large file."""
    (tmp_path / "public").mkdir()
    with open(tmp_path / "public" / "large.bin", "wb") as large:
        large.truncate(64 << 20)
    (tmp_path / "public" / "noise.bin").write_bytes(NOISE)
    (tmp_path / "public" / "in-memory.bin").write_bytes(IN_MEMORY)
    certificate(tmp_path, "localhost")
    (tmp_path / "cusp.toml").write_text(
        f"""name = "shop"
[component.web]
source = "{guest("hello-wat")}"
[component.probe]
source = "{guest("probe")}"
limits = {{ concurrency = {PLACES}, queue = {PLACES}, wall_time = "12s" }}
[[route]]
path = "/..."
component = "web"
[[route]]
path = "/files/..."
assets = "public"
"""
        + "".join(
            f'[[route]]\npath = "/{path}"\ncomponent = "probe"\n'
            for path in ("count", "hello", "answers-forever", "never-answers")
        )
    )
    (tmp_path / "node.toml").write_text(
        f'state_dir = "{state}"\nshards = 2\n[[listen]]\naddress = "127.0.0.1:0"\n'
        '[[listen]]\naddress = "127.0.0.1:0"\n'
        'tls = [{ certificate = "localhost.pem", key = "localhost.key" }]\n[[app]]\npath = "."\n'
    )
    server = Server("node", "--config", str(tmp_path / "node.toml"))
    server.port = port_of(server, "http")
    yield server
    assert server.stop() == 0


def port_of(server, scheme):
    return int(server.wait_for(rf"listening on {scheme}://").rsplit(":", 1)[1])


@contextlib.contextmanager
def many_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2 * CONNECTIONS:
        pytest.skip("too few file descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.contextmanager
def slow_clients(server, count, request):
    """Connections that have sent `request`, which is not all of one, or do not read the answer."""
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(count):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", server.port))
            client.sendall(request)
            clients.append(client)
        yield clients


def ask(server, path, count):
    """The statuses and the times of `count` requests, one behind the other."""
    statuses, times = [], []
    for _ in range(count):
        good = http.client.HTTPConnection("127.0.0.1", server.port, timeout=GOOD_TIMEOUT)
        start = time.monotonic()
        good.request("GET", path)
        response = good.getresponse()
        response.read()
        times.append(time.monotonic() - start)
        statuses.append(response.status)
        good.close()
    return statuses, times


def p99(times):
    return sorted(times)[int(len(times) * 0.99)]


def ended(clients, deadline):
    """How many of them the node has ended until then, whatever it said before."""
    left = {client.fileno(): client for client in clients}
    poll = select.poll()
    for descriptor, client in left.items():
        client.setblocking(False)
        poll.register(descriptor, select.POLLIN)
    while left and time.monotonic() < deadline:
        for descriptor, _ in poll.poll(200):
            try:
                over = not left[descriptor].recv(1 << 20)
            except BlockingIOError:
                continue
            except ConnectionError:
                over = True
            if over:
                poll.unregister(descriptor)
                del left[descriptor]
    return len(clients) - len(left)


def report(record_property, **figures):
    print(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in figures.items()))
    for name, value in figures.items():
        record_property(name, value)


def test_slow_heads_cost_little_and_are_cut_at_the_deadline(server, record_property):
    ask(server, "/", 20)
    before = server.resident()
    head = b"GET / HTTP/1.1\r\nhost: a\r\nx-slow: "
    with many_descriptors(), slow_clients(server, CONNECTIONS, head) as clients:
        began = time.monotonic()
        time.sleep(1)  # read by then
        each = (server.resident() - before) / CONNECTIONS
        statuses, times = ask(server, "/", 200)
        last = clients[-1]
        last.settimeout(HEAD_TIMEOUT + 20)
        assert last.recv(200).startswith(b"HTTP/1.1 408")
        report(
            record_property,
            bytes_resident_for_each_slow_head=round(each),
            good_p99_ms=round(p99(times) * 1000, 1),
            seconds_until_the_deadline=round(time.monotonic() - began, 1),
        )
        assert set(statuses) == {200}
        assert INSTRUMENTED or each < 1024
        assert INSTRUMENTED or p99(times) < 1
        assert ended(clients, time.monotonic() + 20) == CONNECTIONS


@pytest.mark.parametrize(
    "framing",
    [b"content-length: 10000\r\n\r\nabc", b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"],
    ids=["length", "chunks"],
)
def test_slow_bodies_do_not_keep_the_places_of_a_component(server, record_property, framing):
    ask(server, "/count", 20)
    before = server.resident()
    head = b"POST /count HTTP/1.1\r\nhost: a\r\n" + framing
    with many_descriptors(), slow_clients(server, CONNECTIONS, head) as clients:
        began = time.monotonic()
        each = (server.resident() - before) / CONNECTIONS
        elsewhere, times = ask(server, "/", 200)
        while ask(server, "/hello", 1)[0] != [200]:
            assert time.monotonic() < began + 20
        seconds = time.monotonic() - began
        good, good_times = ask(server, "/hello", 50)
        report(
            record_property,
            bytes_resident_for_each_slow_body=round(each),
            good_p99_ms=round(p99(times) * 1000, 1),
            seconds_until_the_component_was_free=round(seconds, 2),
            good_p99_ms_of_that_component=round(p99(good_times) * 1000, 1),
        )
        assert INSTRUMENTED or each < 8 * 1024
        assert set(elsewhere) == {200}
        assert INSTRUMENTED or p99(times) < 1
        assert set(good) == {200}
        assert ended(clients, time.monotonic() + 60) == CONNECTIONS


def test_bodies_that_drip_are_cut(server, record_property):
    """A byte each second, of a body that nobody reads: never idle, never done."""
    head = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10000\r\n\r\n"
    count = CONNECTIONS // 3
    with many_descriptors(), slow_clients(server, count, head) as clients:
        began = time.monotonic()
        dripping = set(clients)
        while dripping and time.monotonic() < began + BODY_PATIENCE + 30:
            for client in list(dripping):
                try:
                    client.send(b"x")
                except OSError:
                    dripping.discard(client)
            time.sleep(1)
        seconds = time.monotonic() - began
        report(record_property, clients=count, seconds_until_all_were_cut=round(seconds, 1))
        assert not dripping
        assert seconds > BODY_PATIENCE / 2


def test_slow_readers_do_not_keep_the_places_of_a_component(server, record_property):
    endless = b"GET /answers-forever HTTP/1.1\r\nhost: a\r\n\r\n"
    with slow_clients(server, PLACES, endless) as clients:
        time.sleep(1.5)
        statuses, times = ask(server, "/hello", 50)
        report(record_property, good_p99_ms_of_that_component=round(p99(times) * 1000, 1))
        assert set(statuses) == {200}
        assert ended(clients, time.monotonic() + 20) == PLACES
    server.wait_for(r"\[shop/probe\] client-slow on /answers-forever")


def test_clients_that_go_on_keep_their_places(server):
    """However many others wait: being served slowly by the guest is not being slow."""
    slow_guest = b"GET /never-answers HTTP/1.1\r\nhost: a\r\n\r\n"
    with slow_clients(server, PLACES, slow_guest) as clients:
        time.sleep(1.5)
        assert ask(server, "/hello", 1)[0] == [503]  # after its time in the queue
        assert ended(clients, time.monotonic()) == 0


def test_slow_reads_of_a_file_cost_little(server, record_property):
    ask(server, "/files/large.bin", 3)
    request = b"GET /files/large.bin HTTP/1.1\r\nhost: a\r\n\r\n"
    with many_descriptors(), contextlib.ExitStack() as stack:
        # What the node works with while a burst of them comes is there once, not for each.
        stack.enter_context(slow_clients(server, CONNECTIONS // 5, request))
        time.sleep(1)
        before = server.resident()
        stack.enter_context(slow_clients(server, CONNECTIONS, request))
        time.sleep(1)
        each = (server.resident() - before) / CONNECTIONS
        statuses, times = ask(server, "/", 200)
        report(
            record_property,
            bytes_resident_for_each_slow_reader=round(each),
            good_p99_ms=round(p99(times) * 1000, 1),
        )
        assert INSTRUMENTED or each < 2 * 1024
        assert set(statuses) == {200}
        assert INSTRUMENTED or p99(times) < 1


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("file", "ranges"),
    [("noise", None), ("noise", "bytes=5-70000,100000-2999999"), ("in-memory", None)],
)
def test_what_is_read_late_is_whole(server, scheme, file, ranges):
    """What a client does not take is read again later, when there are many of them."""
    port = port_of(server, scheme)
    request = b"GET /files/%s.bin HTTP/1.1\r\n" % file.encode()
    request += b"host: localhost\r\nconnection: close\r\n"
    request += b"range: %s\r\n\r\n" % ranges.encode() if ranges else b"\r\n"
    context = ssl._create_unverified_context()
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(700):  # over two shards
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            if scheme == "https":
                client = stack.enter_context(context.wrap_socket(client))
            client.sendall(request)
            clients.append(client)
        time.sleep(0.5)
        for client in clients[::50] + clients[-5:]:
            answer = b""
            while piece := client.recv(1 << 20):
                answer += piece
            head, _, body = answer.partition(b"\r\n\r\n")
            if ranges is None:
                assert head.startswith(b"HTTP/1.1 200")
                assert body == (NOISE if file == "noise" else IN_MEMORY)
            else:
                assert head.startswith(b"HTTP/1.1 206")
                assert NOISE[100_000:3_000_000] in body
                assert NOISE[5:70_001] in body
