"""Redirects, rewrites, CORS, lists, rules, maintenance and error pages, as clients meet them."""

import http.client
import socket
import time

import pytest
from cli_driver import cusp, guest
from web_server import Answers, WebServer

BROWSER = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"


class Echo(Answers):
    """Answers with the target that it was asked for; /status/404 with that status."""

    def do_GET(self):
        self.server.asked.append(self.path)
        status = int(self.path.rsplit("/", 1)[1]) if "/status/" in self.path else 200
        fields = {"cache_control": "max-age=60", "content_type": "text/plain"}
        self.reply(f"origin {self.path}".encode(), status, **fields)

    do_HEAD = do_POST = do_OPTIONS = do_GET


@pytest.fixture
def origin():
    with WebServer(Echo) as running:
        yield running


@pytest.fixture
def start(serve, origin, tmp_path):
    """A node whose app has `edge` as its [edge] table and the origin behind all paths."""

    def start(edge, rest=""):
        (tmp_path / "cusp.toml").write_text(f"""name = "shop"
[edge]
{edge}
[component.web]
source = "{guest("hello-wat")}"
[upstream.origin]
url = "http://127.0.0.1:{origin.server_port}"
[[route]]
path = "/..."
upstream = "origin"
{rest}
""")
        return serve(tmp_path)

    return start


def ask(node, path, method="GET", host="shop.example", **fields):
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=20)
    names = {name.replace("_", "-"): value for name, value in fields.items()}
    connection.request(method, path, headers={"host": host} | names)
    response = connection.getresponse()
    return response.status, response.read().decode(), response.headers


def test_redirects_lead_elsewhere_and_nowhere_else(start, tmp_path, origin):
    lines = ["from,to,status"] + [f"/old/{i},/new/{i},301" for i in range(100_000)]
    (tmp_path / "map.csv").write_text("\n".join(lines))
    began = time.monotonic()
    node = start("""[[edge.redirects]]
from = "/blog/:year/*"
to = "https://archive.example/:year/*"
status = 308
[[edge.redirects]]
from = "/go/*"
to = "/*"
[[edge.redirects]]
map = "map.csv"
""")
    print(f"a node with 100,000 redirects listens after {time.monotonic() - began:.2f} s")
    status, _, fields = ask(node, "/blog/2024/a?b=c")
    assert (status, fields["location"]) == (308, "https://archive.example/2024/a?b=c")
    assert ask(node, "/old/99999?x")[2]["location"] == "/new/99999?x"
    assert ask(node, "/old/100000")[0] == 200
    for hostile, location in {
        "/go//evil.example": "/evil.example",
        "/go/%5cevil.example": "/%5cevil.example",
        "/go/%0d%0aset-cookie:a=b": "/%0d%0aset-cookie:a=b",
    }.items():
        status, _, fields = ask(node, hostile)
        assert (status, fields["location"]) == (302, location)
        assert "set-cookie" not in fields
    assert origin.asked == ["/old/100000"]


def test_rewrites_change_what_the_origin_sees(start, origin):
    node = start('rewrites = { strip_prefix = "/api", add_prefix = "/v2" }')
    assert ask(node, "/api/users?x=1")[1] == "origin /v2/users?x=1"
    assert ask(node, "/apis/users")[1] == "origin /apis/users"
    for hostile in ("/api/../admin", "/api/%2e%2e/admin", "/api/..%2fadmin", "/api/%252e./admin"):
        assert ask(node, hostile)[0] == 400
    assert origin.asked == ["/v2/users?x=1", "/apis/users"]


def test_one_stored_response_serves_each_origin_with_its_own_permission(start, origin):
    node = start("""cache = true
[edge.cors]
origins = ["https://*.example.com"]
credentials = true
""")
    for site in ("https://a.example.com", "https://b.example.com"):
        _, _, fields = ask(node, "/data", origin=site)
        assert fields["access-control-allow-origin"] == site
        assert fields["access-control-allow-credentials"] == "true"
        assert fields["vary"] == "origin"
    for site in ("https://evil.example", "https://example.com.evil.example", "null"):
        _, _, fields = ask(node, "/data", origin=site)
        assert "access-control-allow-origin" not in fields and fields["vary"] == "origin"
    assert origin.asked == ["/data"]


def test_preflights_never_reach_the_origin(start, origin):
    node = start("""redirects = { from = "/moved", to = "/here" }
[edge.cors]
origins = ["https://app.example"]
methods = ["PUT"]
headers = ["x-token"]
max_age = "1h"
""")
    fields = {"origin": "https://app.example", "access_control_request_method": "PUT"}
    for path in ("/", "/moved"):
        status, body, answer = ask(node, path, "OPTIONS", access_control_request_headers="x-token",
                                   **fields)  # fmt: skip
        assert (status, body) == (204, "")
        assert answer["access-control-allow-methods"] == "PUT"
        assert answer["access-control-allow-headers"] == "x-token"
        assert answer["access-control-max-age"] == "3600"
    hostile = ask(node, "/", "OPTIONS", access_control_request_headers="x-token, x-evil", **fields)
    assert hostile[0] == 403 and "evil" not in hostile[1]
    assert origin.asked == []


def test_rules_block_once_and_say_so(start, origin, tmp_path):
    node = start("""[[edge.rules]]
name = "no-posts-from-bots"
when = 'method == "POST" and header["user-agent"] matches "(?i)bot"'
[[edge.rules]]
builtin = true
""")
    assert ask(node, "/?q=trade+union+select+committee", user_agent="bot")[0] == 200
    status, body, _ = ask(node, "/", "POST", user_agent="Robot <script>")
    assert (status, body) == (403, "Forbidden\n")
    line = node.wait_for("rule 'no-posts-from-bots' blocked a request from 127.0.0.1")
    assert "script" not in line
    for attack in ("/.git/config", "/a/%2e%2e/%2e%2e/etc/passwd", "/%00", "/?q=%3Cscript%3E",
                   "/?id=1%20UNION%20SELECT%201,2"):  # fmt: skip
        assert ask(node, attack)[0] == 403, attack
    assert len(origin.asked) == 1
    told = cusp("explain", "/.env", "--app", str(tmp_path), "--state-dir", str(tmp_path / "state"))
    assert "blocked by rule 'scanner-paths'" in told.stdout


def test_a_list_keeps_clients_out_of_one_route(start):
    node = start("", """[[route]]
path = "/inside"
upstream = "origin"
[route.edge]
acl = { allow = ["10.0.0.0/8"] }
""")  # fmt: skip
    assert ask(node, "/")[0] == 200
    assert ask(node, "/inside", x_forwarded_for="10.0.0.1")[0] == 403


def test_maintenance_shows_a_page_to_people_alone(start, origin):
    node = start("""maintenance = { retry_after = "2m", bypass = 'cookie["staff"] == "s3cret"' }""")
    status, body, fields = ask(node, "/script", accept=BROWSER, referer="/script")
    assert (status, fields["retry-after"], fields["cache-control"]) == (503, "120", "no-store")
    assert "<h1>Back soon</h1>" in body and "script" not in body
    assert ask(node, "/", accept="application/json")[1] == "Down for maintenance\n"
    assert ask(node, "/", cookie="staff=s3cret")[0] == 200
    assert origin.asked == ["/"]


def test_error_pages_stand_in_for_errors_of_all_kinds(start, tmp_path, origin):
    (tmp_path / "404.html").write_text("<h1>Nothing here</h1>")
    (tmp_path / "broken.html").write_text("<h1>Broken</h1>")
    node = start("""error_pages = { 404 = "404.html", 403 = "404.html", 5xx = "broken.html" }
cache = true
[[edge.rules]]
when = 'path == "/secret"'
""", """[[route]]
path = "/down"
upstream = "http://127.0.0.1:1"
""")  # fmt: skip
    status, body, fields = ask(node, "/status/404", accept=BROWSER)
    assert (status, body, fields["vary"]) == (404, "<h1>Nothing here</h1>", "accept")
    assert int(fields["content-length"]) == len(body)
    assert ask(node, "/status/404", accept="*/*")[1] == "origin /status/404"
    assert ask(node, "/secret", accept=BROWSER)[:2] == (403, "<h1>Nothing here</h1>")
    assert ask(node, "/down", accept=BROWSER)[:2] == (502, "<h1>Broken</h1>")
    status, body, fields = ask(node, "/status/404", "HEAD", accept=BROWSER)
    assert (status, body, fields["content-type"]) == (404, "", "text/plain")
    assert ask(node, "/status/200", accept=BROWSER)[1] == "origin /status/200"


@pytest.mark.parametrize(
    ("edge", "problem"),
    [
        (
            "[[edge.rules]]\nwhen = 'path = \"/\"'",
            "cusp.toml:4:8: 'when': '=' compares nothing; write '==' "
            "at column 6 of the expression",
        ),
        ('redirects = { map = "map.csv" }', "map.csv:2: 'to' must be a path"),
        ('redirects = { from = "/a/*", to = "/a/b/*" }', "leads in circles"),
        ('redirects = { from = "/a", to = "//evil.example" }', "neither a path nor"),
        ('cors = { origins = ["*"], credentials = true }', "the origins must be named"),
        ('acl = { deny = ["10.0.0.0/33"] }', "'10.0.0.0/33' is no address"),
        ('error_pages = { 404 = "none.html" }', "there is no file"),
    ],
)
def test_mistakes_are_named_before_anything_is_served(edge, problem, tmp_path):
    (tmp_path / "map.csv").write_text("/a,/b\n/c,//evil.example\n")
    (tmp_path / "cusp.toml").write_text(f"""name = "shop"
[edge]
{edge}
[component.web]
source = "{guest("hello-wat")}"
""")
    result = cusp("serve", str(tmp_path), "--listen", "127.0.0.1:0", "--state-dir",
                  str(tmp_path / "state"))  # fmt: skip
    assert result.returncode != 0
    assert problem in result.stderr, result.stderr


def test_raw_bytes_in_a_target_do_no_harm(start):
    node = start("""redirects = { from = "/go/*", to = "/*" }
[[edge.rules]]
builtin = true
""")
    for target in (b"/go/\x80\xff", b"/go/\"<>\\^`{|}", b"/" + b"%2e" * 5000, b"/?" + b"&" * 8000):
        with socket.create_connection(("127.0.0.1", node.port), timeout=20) as client:
            client.sendall(b"GET " + target + b" HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        status = int(answer.split(b" ", 2)[1])
        assert status in (200, 302, 400, 403, 414), answer[:200]
        assert all(byte < 0x80 for byte in answer.split(b"\r\n\r\n")[0])
    assert ask(node, "/")[0] == 200
