"""The cache in front of upstreams and components, as clients and operators meet it."""

import http.client
import socket
import time

import pytest
from cli_driver import Server, cusp, guest
from web_server import Answers, WebServer


class Origin(WebServer):
    """Counts what it is asked for; its answers live for a minute, tagged with their path."""

    def __init__(self):
        self.pause, self.down = 0, False
        super().__init__(Tagged)


class Tagged(Answers):
    def do_GET(self):
        self.server.asked.append(self.path)
        time.sleep(self.server.pause)
        self.reply(
            f"{len(self.server.asked)} {self.path}".encode(),
            503 if self.server.down else 200,
            cache_control="no-store" if "private" in self.path else "max-age=60",
            surrogate_key="all " + self.path.strip("/").split("?")[0],
        )


@pytest.fixture
def origin():
    with Origin() as running:
        yield running


@pytest.fixture
def node(origin, tmp_path, tmp_path_factory):
    (tmp_path / "cusp.toml").write_text(f"""name = "shop"
[edge.cache]
query = {{ ignore = ["utm_*"] }}
grace = "1h"
[component.web]
source = "{guest("hello-wat")}"
[upstream.origin]
url = "{origin.url}"
retries = 0
[[route]]
path = "/..."
upstream = "origin"
[[route]]
path = "/guest"
component = "web"
[route.edge.cache]
ttl = "1m"
""")
    state = str(tmp_path_factory.getbasetemp().parent / "cusp-state")
    server = Server("serve", str(tmp_path), "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
                    "--state-dir", state)  # fmt: skip
    server.state = state
    server.admin = server.wait_for(r"admin API on http://[\w.]+:\d+").split()[-1]
    yield server
    assert server.stop() == 0


def ask(node, path, **fields):
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=20)
    connection.request("GET", path, headers={k.replace("_", "-"): v for k, v in fields.items()})
    response = connection.getresponse()
    text = response.read().decode()
    return response.status, text, response.headers


def purge(node, *flags):
    result = cusp("purge", *flags, "--admin", node.admin, "--state-dir", node.state)
    assert result.returncode == 0, result.stderr
    return int(result.stdout.split()[0])


def test_a_second_request_is_a_hit_and_says_so(node, origin):
    first = ask(node, "/a?x=1")
    second = ask(node, "/a?utm_source=mail&x=1")
    assert first[1] == second[1] == "1 /a?x=1"
    assert "fwd=uri-miss" in first[2]["cache-status"] and "stored" in first[2]["cache-status"]
    assert "; hit" in second[2]["cache-status"] and int(second[2]["age"]) < 30
    assert "surrogate-key" not in second[2]
    assert origin.asked == ["/a?x=1"]


def test_what_may_not_be_stored_is_not(node, origin):
    assert ask(node, "/private")[1] != ask(node, "/private")[1]
    assert len(origin.asked) == 2


def test_a_component_is_asked_once(node):
    assert ask(node, "/guest")[1] == "Hello from WAT\n"
    assert "; hit" in ask(node, "/guest")[2]["cache-status"]


def test_a_thousand_misses_at_once_are_one_request(node, origin):
    origin.pause = 1
    clients = [socket.create_connection(("127.0.0.1", node.port)) for _ in range(1000)]
    for client in clients:
        client.sendall(b"GET /popular HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    bodies = set()
    for client in clients:
        client.settimeout(20)
        received = b""
        while piece := client.recv(4096):
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        bodies.add(body)
        client.close()
    assert bodies == {b"1 /popular"}
    assert origin.asked == ["/popular"]


@pytest.mark.parametrize(
    ("flags", "count"),
    [
        (("--url", "http://{host}/a"), 1),
        (("--prefix", "http://{host}/"), 2),
        (("--tag", "all"), 2),
        (("--tag", "b"), 1),
        (("--tag", "c"), 0),
        (("--everything", "--app", "shop"), 2),
        (("--everything", "--app", "other"), 0),
    ],
)
def test_purges_take_what_they_name_and_nothing_else(node, origin, flags, count):
    for path in ("/a", "/b"):
        ask(node, path)
    host = f"127.0.0.1:{node.port}"
    assert purge(node, *(flag.format(host=host) for flag in flags)) == count
    for path in ("/a", "/b"):
        ask(node, path)
    assert len(origin.asked) == 2 + count


def test_a_soft_purge_leaves_something_for_an_origin_that_is_down(node, origin):
    text = ask(node, "/a")[1]
    purge(node, "--everything", "--soft")
    origin.down = True
    status, stale, fields = ask(node, "/a")
    assert (status, stale) == (200, text)
    assert "ttl=-" in fields["cache-status"]
    assert len(origin.asked) == 2


def test_a_purge_needs_the_token_and_sense(node):
    wrong = cusp("purge", "--everything", "--admin", node.admin, "--token", "00")
    assert wrong.returncode == 4
    assert "admin.token" in wrong.stderr
    assert cusp("purge", "--soft").returncode == 2
    assert cusp("purge", "--url", "a", "--tag", "b").returncode == 2
    nobody = cusp("purge", "--everything", "--admin", "http://127.0.0.1:1", "--token", "00")
    assert nobody.returncode == 5


def test_a_cache_that_is_set_up_wrongly_is_named_with_its_place(tmp_path):
    (tmp_path / "cusp.toml").write_text(f"""name = "shop"
[component.web]
source = "{guest("hello-wat")}"
[edge.cache]
tll = "1m"
""")
    result = cusp("serve", str(tmp_path), "--listen", "127.0.0.1:0", "--state-dir", str(tmp_path))
    assert result.returncode == 2
    assert "cusp.toml:5:1: unknown key 'tll'" in result.stderr
    assert "did you mean 'ttl'" in result.stderr
