"""The node's front door with real clients: framing, HTTP/2, TLS, load, limits, the end."""

import concurrent.futures
import http.client
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
from cli_driver import Server, guest, hello_text
from peers import certificate, curl, exchange

# ---- requests that two parsers could read in two ways

POST = "POST / HTTP/1.1\r\nhost: a\r\n"
CHUNKED = "transfer-encoding: chunked"

# The name of what is wrong, the request, the status.
MALFORMED = [
    ("no host", "GET / HTTP/1.1\r\n\r\n", 400),
    ("two hosts", "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400),
    ("bare line feeds", "GET / HTTP/1.1\nhost: a\n\n", 400),
    ("a folded field", "GET / HTTP/1.1\r\nhost: a\r\nx: 1\r\n 2\r\n\r\n", 400),
    ("a space before the colon", "GET / HTTP/1.1\r\nhost: a\r\nx : 1\r\n\r\n", 400),
    ("two spaces", "GET  / HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    ("host of the connection", "GET / HTTP/1.1\r\nhost: a\r\nconnection: host\r\n\r\n", 400),
    ("two lengths", f"{POST}content-length: 1\r\ncontent-length: 1\r\n\r\nx", 400),
    ("a signed length", f"{POST}content-length: +1\r\n\r\nx", 400),
    ("length and chunked", f"{POST}content-length: 1\r\n{CHUNKED}\r\n\r\n0\r\n\r\n", 400),
    ("another coding", f"{POST}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    ("connect", "CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n", 501),
    ("version", "GET / HTTP/1.2\r\nhost: a\r\n\r\n", 505),
    ("a long target", "GET /" + "x" * 17_000 + " HTTP/1.1\r\nhost: a\r\n\r\n", 414),
    ("a long field", "GET / HTTP/1.1\r\nhost: a\r\nx: " + "y" * 66_000 + "\r\n\r\n", 431),
    ("a TLS handshake", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
]


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [(text.encode("latin-1"), status) for _, text, status in MALFORMED],
    ids=[name for name, _, _ in MALFORMED],
)
def test_a_malformed_request_is_answered_and_its_connection_closed(plain, request_bytes, status):
    answer = exchange(plain.port, request_bytes)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer
    assert answer.count(b"HTTP/1.1 ") == 1
    assert plain.get("/hello")[0] == 200


@pytest.fixture(scope="module")
def plain(serve_module):
    return serve_module(guest("probe"))


def test_pipelined_requests_are_answered_in_their_order(plain):
    request = "GET /status?code={} HTTP/1.1\r\nhost: a\r\n{}\r\n"
    codes = [200, 404, 201, 500]
    data = "".join(request.format(code, "") for code in codes)
    data += request.format(202, "connection: close\r\n")
    answer = exchange(plain.port, data.encode()).decode()
    statuses = re.findall(r"^HTTP/1\.1 (\d+) ", answer, re.MULTILINE)
    assert statuses == ["200", "404", "201", "500", "202"]


def test_a_client_that_waits_for_100_continue_is_told_to_go_on(plain):
    answer = curl(
        "-v", "--stderr", "-", "-H", "expect: 100-continue", "--expect100-timeout", "15",
        "--data-binary", "@-", f"{plain.url}/count", data="x" * 5000,
    )  # fmt: skip
    assert "100 Continue" in answer
    assert "5000 bytes" in answer


def test_a_head_request_has_the_head_of_a_get_and_no_body(plain):
    head = b"HEAD /sized?bytes=10 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    answer = exchange(plain.port, head)
    assert b"content-length: 10\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


# ---- HTTP/2


def test_http2_with_prior_knowledge_streams_both_ways(plain):
    flags = ("--http2-prior-knowledge", "-w", " %{http_version} %{http_code}")
    assert curl(*flags, f"{plain.url}/hello") == "hello\n 2 200"
    body = "line\n" * 100_000
    assert curl(*flags, "--data-binary", "@-", f"{plain.url}/echo", data=body) == body + " 2 200"


def test_a_client_that_resets_its_stream_ends_the_invocation(plain):
    before = len(plain.lines)
    result = subprocess.run(
        ["curl", "-sS", "--http2-prior-knowledge", "-m", "0.5", f"{plain.url}/never-answers"],
        capture_output=True, check=False,
    )  # fmt: skip
    assert result.returncode == 28  # curl's own time limit
    plain.wait_for(r"client-gone", since=before)


# ---- TLS


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    """Two applications, each with a certificate of its own."""
    folder = tmp_path_factory.mktemp("secure")
    config = f'state_dir = "{folder / "state"}"\nshards = 2\n'
    config += '[[listen]]\naddress = "127.0.0.1:0"\ntls = [\n'
    for name in ("one.example", "two.example"):
        (folder / f"{name}.wasm").write_bytes(hello_text(name[:3]))
        file, key = certificate(folder, name)
        config += f'  {{ certificate = "{file}", key = "{key}" }},\n'
    config += "]\n"
    for name in ("one.example", "two.example"):
        config += f'[[app]]\npath = "{name}.wasm"\nhosts = ["{name}"]\n'
    (folder / "node.toml").write_text(config)
    server = Server("node", "--config", str(folder / "node.toml"))
    server.folder = folder
    yield server
    assert server.stop() == 0


@pytest.mark.parametrize("name", ["one.example", "two.example"])
@pytest.mark.parametrize(
    ("flags", "version"),
    [(["--http2"], "2"), (["--http1.1"], "1.1"), (["--http2", "--tls-max", "1.2"], "2")],
)
def test_the_server_name_picks_the_certificate_and_alpn_the_protocol(secure, name, flags, version):
    answer = curl(
        *flags, "--cacert", secure.folder / f"{name}.pem", "-w", " %{http_version}",
        "--resolve", f"{name}:{secure.port}:127.0.0.1", f"https://{name}:{secure.port}/",
    )  # fmt: skip
    assert answer.startswith(name[:3])
    assert answer.endswith(f" {version}")


def handshake(port, server_hostname, **versions):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name, value in versions.items():
        setattr(context, name, value)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as client,
        context.wrap_socket(client, server_hostname=server_hostname) as tls,
    ):
        return tls.getpeercert(binary_form=True)


def test_a_client_without_or_with_another_server_name_gets_the_first_certificate(secure):
    first = ssl.PEM_cert_to_DER_cert((secure.folder / "one.example.pem").read_text())
    assert handshake(secure.port, None) == first
    assert handshake(secure.port, "nobody.example") == first


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_older_than_1_2_is_refused(secure):
    old = {
        "minimum_version": ssl.TLSVersion.TLSv1,
        "maximum_version": ssl.TLSVersion.TLSv1_1,
    }
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(secure.port, "one.example", **old)


def test_clear_text_on_a_tls_port_ends_the_connection_and_no_other(secure):
    try:
        answer = exchange(secure.port, b"GET / HTTP/1.1\r\nhost: one.example\r\n\r\n")
    except ConnectionError:
        answer = b""
    assert b"200" not in answer
    assert handshake(secure.port, "one.example")


# ---- load


@pytest.mark.parametrize("protocol", ["--h1", "--h2"])
def test_a_burst_of_h2load_has_no_failure(plain, protocol):
    flags = ["--h1"] if protocol == "--h1" else ["-m", "10"]
    out = subprocess.run(
        ["h2load", "-n", "4000", "-c", "32", *flags, f"{plain.url}/hello"],
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    assert "4000 succeeded, 0 failed, 0 errored, 0 timeout" in out, out
    assert "status codes: 4000 2xx, 0 3xx, 0 4xx, 0 5xx" in out, out


# ---- limits, the same for both verbs


@pytest.mark.parametrize("verb", ["serve", "dev"])
def test_each_verb_enforces_the_limits_of_the_manifest(serve, probe_app, verb):
    app = probe_app(
        'limits = { memory = "16MiB", cpu_time = "30ms", wall_time = "2s", body = "1KB",'
        " concurrency = 1, queue = 1 }"
    )
    server = serve(app, "--shards", "1", verb=verb)
    assert server.get("/endless-loop")[0] == 504
    server.wait_for(r"\[app/probe\] cpu-limit on /\.\.\.")
    assert server.get("/never-answers")[0] == 504
    server.wait_for(r"\[app/probe\] wall-limit on /\.\.\.")
    assert "refused after" in server.get("/memory-bomb")[1]
    assert server.post("/count", b"x" * 1000) == (200, "1000 bytes\n")
    assert server.post("/count", b"x" * 1001)[0] == 413
    server.wait_for(r"\[app/probe\] body-limit on /\.\.\.")
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        statuses = sorted(status for status, _ in pool.map(server.get, ["/never-answers"] * 6))
    assert statuses.count(503) == 4, statuses
    server.wait_for(r"\[app/probe\] concurrency-limit on /\.\.\.")
    assert server.get("/hello") == (200, "hello\n")


def test_time_that_the_machine_takes_from_the_node_is_not_the_guests(serve, probe_app):
    """Stops the process now and then, as a machine does that has more to do than it can."""
    server = serve(probe_app('limits = { cpu_time = "20ms" }'), "--shards", "1")
    done = threading.Event()

    def take_turns():
        while not done.is_set():
            server.signal(signal.SIGSTOP)
            time.sleep(0.06)
            server.signal(signal.SIGCONT)
            time.sleep(0.01)

    machine = threading.Thread(target=take_turns)
    machine.start()
    try:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            statuses = [status for status, _ in pool.map(server.get, ["/busy?ms=2"] * 200)]
    finally:
        done.set()
        machine.join()
    assert statuses == [200] * 200, server.output


# ---- the end


def wait_until_refused(port):
    """Each shard closes its listener when its turn comes."""
    deadline = time.monotonic() + 5
    with pytest.raises(ConnectionRefusedError):
        while time.monotonic() < deadline:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()


@pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
def test_a_stop_lets_requests_in_flight_end_and_takes_no_more(serve, probe_app, version):
    server = serve(probe_app())
    client = subprocess.Popen(
        ["curl", "-sSN", version, f"{server.url}/drip?count=6&ms=400"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert client.stdout.readline() == "drip 0\n"
    server.signal(signal.SIGTERM)
    server.wait_for("stopping")
    wait_until_refused(server.port)
    rest, _ = client.communicate(timeout=20)
    assert client.returncode == 0
    assert rest.splitlines() == [f"drip {line}" for line in range(1, 6)]
    assert server.end() == 0


def test_an_idle_connection_does_not_hold_a_stop(serve):
    server = serve(guest("hello-wat"))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"Hello from WAT\n"
    ended = threading.Thread(target=server.end)
    server.signal(signal.SIGTERM)
    ended.start()
    ended.join(5)
    assert not ended.is_alive()


def test_a_second_signal_stops_at_once(serve, probe_app):
    server = serve(probe_app())
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET /drip?count=100&ms=200 HTTP/1.1\r\nhost: a\r\n\r\n")
        assert client.recv(100)
        server.signal(signal.SIGTERM)
        server.wait_for("stopping")
        server.signal(signal.SIGTERM)
        server.process.wait(timeout=5)
