"""Upstreams: balancing, health, retries, hedging, loops, tunnels, against real servers."""

import http.client
import socket
import threading
import time

import pytest
from cli_driver import Server, cusp, guest
from web_server import Answers, WebServer


class Origin(WebServer):
    """Says its name; can be slow or broken."""

    def __init__(self, name):
        self.name, self.fields = name, {}
        self.pause, self.status = 0, 200
        super().__init__(Named)


class Named(Answers):
    def do_GET(self):
        if self.headers.get("upgrade"):
            return self.echo()
        self.body()
        if self.path != "/health":
            self.server.asked.append(self.path)
            self.server.fields = {name.lower(): value for name, value in self.headers.items()}
            time.sleep(self.server.pause)
        return self.reply(self.server.name.encode(), self.server.status)

    do_POST = do_GET

    def echo(self):
        self.send_response(101)
        self.send_header("connection", "upgrade")
        self.send_header("upgrade", self.headers["upgrade"])
        self.end_headers()
        while piece := self.connection.recv(65536):
            self.connection.sendall(piece)
        self.close_connection = True


@pytest.fixture
def origins():
    with Origin("a") as a, Origin("b") as b:
        yield [a, b]


@pytest.fixture
def serve(tmp_path, tmp_path_factory):
    servers = []

    def serve(upstream, route=""):
        (tmp_path / "cusp.toml").write_text(f"""name = "shop"
[component.web]
source = "{guest("hello-wat")}"
[upstream.origin]
{upstream}
[[route]]
path = "/..."
upstream = "origin"
{route}
""")
        state = str(tmp_path_factory.getbasetemp().parent / "cusp-state")
        where = ("--listen", "127.0.0.1:0", "--state-dir", state, "--shards", "1")
        servers.append(Server("serve", str(tmp_path), *where))
        return servers[-1]

    yield serve
    assert [server.stop() for server in servers] == [0] * len(servers)


def targets(origins, *more):
    urls = ", ".join(f'"{origin.url}"' for origin in origins)
    return "\n".join([f"targets = [{urls}]", *more])


def names(node, count, path="/"):
    return [node.get(path)[1] for _ in range(count)]


def test_targets_take_turns(serve, origins):
    answers = names(serve(targets(origins)), 10)
    assert answers.count("a") == answers.count("b") == 5


def test_weights_count(serve, origins):
    node = serve(f'balance = "weighted"\ntargets = [{{ url = "{origins[0].url}", weight = 4 }}, '
                 f'"{origins[1].url}"]')  # fmt: skip
    assert names(node, 10).count("a") == 8


def test_a_request_is_repeated_elsewhere_when_a_target_is_down(serve, origins):
    origins[0].shutdown()
    origins[0].server_close()
    node = serve(targets(origins))
    assert names(node, 8) == ["b"] * 8
    assert "gets no requests for 30 s" not in node.output  # 4 of 8 began at the other


def test_a_target_that_fails_in_a_row_gets_no_requests(serve, origins):
    origins[0].status = 503
    node = serve(targets(origins, "eject = { failures = 2, duration = '1m' }"))
    assert names(node, 10) == ["b"] * 10
    node.wait_for("gets no requests for 60 s after 2 failures in a row")
    assert len(origins[0].asked) == 2


def test_what_is_not_idempotent_is_sent_once(serve, origins):
    for origin in origins:
        origin.status = 503
    node = serve(targets(origins))
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
    connection.request("POST", "/", body=b"once")
    assert connection.getresponse().status == 503
    assert len(origins[0].asked) + len(origins[1].asked) == 1


def test_health_checks_take_a_target_out_and_back(serve, origins):
    origins[0].status = 500
    check = 'health = { path = "/health", interval = "100ms", healthy_after = 1 }'
    node = serve(targets(origins, "retries = 0", check))
    node.wait_for("is down")
    assert names(node, 6) == ["b"] * 6
    origins[0].status = 200
    node.wait_for("is well again")
    assert "a" in names(node, 4)


def test_a_slow_target_is_hedged(serve, origins):
    origins[0].pause = 3
    node = serve(targets(origins, 'hedge = "100ms"'))
    started = time.monotonic()
    assert names(node, 2) == ["b", "b"]
    assert time.monotonic() - started < 2


def test_nobody_there_is_502_and_too_slow_is_504(serve, origins):
    node = serve('url = "http://127.0.0.1:1"')
    assert node.get("/")[0] == 502
    origins[0].pause = 3
    node = serve(f'url = "{origins[0].url}"\nretries = 0\nfirst_byte_timeout = "200ms"')
    assert node.get("/")[0] == 504


def test_the_origin_learns_who_asked_and_nothing_of_this_hop(serve, origins):
    node = serve(f'url = "{origins[0].url}"')
    node.get("/x?y=1", host="shop.example",
             headers={"x-forwarded-for": "203.0.113.9", "connection": "x-secret", "x-secret": "1",
                      "te": "trailers", "proxy-authorization": "Basic eA=="})  # fmt: skip
    fields = origins[0].fields
    assert origins[0].asked == ["/x?y=1"]
    assert fields["host"] == origins[0].url.removeprefix("http://")
    assert fields["x-forwarded-for"] == "203.0.113.9, 127.0.0.1"
    assert (fields["x-forwarded-proto"], fields["x-forwarded-host"]) == ("http", "shop.example")
    assert fields["via"] == "1.1 cusp" and fields["cdn-loop"] == "cusp"
    assert not {"x-secret", "te", "proxy-authorization"} & set(fields)


def test_keep_host_asks_for_the_host_that_the_client_asked_for(serve, origins):
    serve(f'url = "{origins[0].url}"\nkeep_host = true').get("/", host="shop.example")
    assert origins[0].fields["host"] == "shop.example"


def test_a_loop_ends(serve, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "cusp.toml").write_text(f"""name = "loop"
[[route]]
path = "/..."
upstream = "http://127.0.0.1:{port}"
""")
    node = Server("serve", str(tmp_path), "--listen", f"127.0.0.1:{port}",
                  "--state-dir", str(tmp_path))  # fmt: skip
    assert node.get("/")[0] == 508
    assert node.stop() == 0


def test_a_name_that_leads_into_a_private_network_is_refused(serve):
    # "localhost." is a name like any other here, and leads to this machine.
    node = serve('url = "http://localhost.localdomain.:1"\nretries = 0')
    assert node.get("/")[0] == 502


def test_an_upgraded_connection_is_a_tunnel_both_ways(serve, origins):
    node = serve(f'url = "{origins[0].url}"')
    with socket.create_connection(("127.0.0.1", node.port), timeout=10) as client:
        client.sendall(b"GET /chat HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n"
                       b"upgrade: websocket\r\n\r\n")  # fmt: skip
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        assert head.startswith(b"HTTP/1.1 101")
        assert b"upgrade: websocket" in head.lower()
        message = bytes(range(256)) * 1024
        threading.Thread(target=client.sendall, args=(message,)).start()
        echoed = b""
        while len(echoed) < len(message):
            echoed += client.recv(65536)
        assert echoed == message


@pytest.mark.parametrize(
    ("upstream", "expected"),
    [
        ("", "exactly one of 'url' and 'targets'"),
        ("targets = []", "'targets' is empty"),
        ('url = "http://h"\nretrys = 1', "did you mean 'retries'"),
        ('url = "http://h"\nbalance = "random"', "known: least_loaded, weighted"),
        ('url = "http://h"\nhttp = "3"', "known: 1.1, 2, auto"),
        ('url = "http://h"\nhealth = { path = "health" }', "begins with '/'"),
        ('url = "https://h"\ntls = { ca_file = "none.pem" }', "there is no file"),
        ('targets = [{ url = "http://h", weight = 0 }]', "weight"),
    ],
)
def test_an_upstream_that_is_set_up_wrongly_is_named_with_its_place(tmp_path, upstream, expected):
    (tmp_path / "cusp.toml").write_text(f"""name = "shop"
[upstream.origin]
{upstream}
[[route]]
path = "/..."
upstream = "origin"
""")
    result = cusp("serve", str(tmp_path), "--listen", "127.0.0.1:0", "--state-dir", str(tmp_path))
    assert result.returncode in (2, 3), result.stderr
    assert "cusp.toml:" in result.stderr and expected in result.stderr, result.stderr
