"""Static assets and compression, as browsers and attackers ask for them."""

import gzip
import http.client
import os
import socket
import time

import pytest
from cli_driver import Server, cusp, guest

PAGE = b"<h1>" + b"home " * 1000 + b"</h1>"
SECRET = b"outside of the folder"


@pytest.fixture
def site(tmp_path):
    public = tmp_path / "public"
    (public / "docs").mkdir(parents=True)
    (public / "index.html").write_bytes(PAGE)
    (public / "app.js").write_bytes(b"console.log(1)")
    (public / "app.js.br").write_bytes(b"BROTLI")
    (public / "docs" / "index.html").write_bytes(b"docs")
    (public / "large.bin").write_bytes(os.urandom(5_000_000))
    (public / ".env").write_bytes(SECRET)
    (tmp_path / "secret.txt").write_bytes(SECRET)
    (public / "link").symlink_to("../secret.txt")
    (public / "up").symlink_to("..")
    (tmp_path / "cusp.toml").write_text(f"""name = "site"
[edge]
compression = true
[component.web]
source = "{guest("hello-wat")}"
[[route]]
path = "/api"
component = "web"
[[route]]
path = "/static/..."
assets = "public"
[[route]]
path = "/..."
assets = {{ root = "public", fallback = "index.html", immutable = ["*.js"] }}
""")
    return tmp_path


@pytest.fixture
def node(site):
    server = Server("serve", str(site), "--listen", "127.0.0.1:0")
    yield server
    assert server.stop() == 0


def ask(node, path, method="GET", **fields):
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    response.content = response.read()
    connection.close()
    return response


def test_files_are_served_below_their_route(node):
    for path in ("/app.js", "/static/app.js"):
        response = ask(node, path)
        assert (response.status, response.content) == (200, b"console.log(1)")
        assert response.getheader("content-type") == "text/javascript; charset=utf-8"
    assert response.getheader("cache-control") == "public, max-age=0, must-revalidate"
    assert ask(node, "/app.js").getheader("cache-control") == "public, max-age=31536000, immutable"
    assert ask(node, "/docs/").content == b"docs"
    assert ask(node, "/static/docs?a=b").getheader("location") == "/static/docs/?a=b"
    assert ask(node, "/api").content == b"Hello from WAT\n"


def test_a_client_that_has_a_file_is_told_so(node):
    response = ask(node, "/large.bin")
    etag = response.getheader("etag")
    again = ask(node, "/large.bin", if_none_match=etag)
    assert (again.status, again.content) == (304, b"")
    head = ask(node, "/large.bin", method="HEAD")
    assert (head.getheader("content-length"), head.content) == ("5000000", b"")


def test_parts_of_a_file_can_be_had(node, site):
    large = (site / "public" / "large.bin").read_bytes()
    response = ask(node, "/large.bin", range="bytes=1000000-3999999")
    assert response.status == 206
    assert response.getheader("content-range") == "bytes 1000000-3999999/5000000"
    assert response.content == large[1_000_000:4_000_000]
    assert ask(node, "/large.bin", range="bytes=5000000-").status == 416


def test_what_compresses_is_compressed_and_what_was_compressed_is_sent(node):
    response = ask(node, "/", accept_encoding="gzip")
    assert response.getheader("content-encoding") == "gzip"
    assert response.getheader("vary") == "accept-encoding"
    assert response.getheader("etag").startswith('W/"')
    assert gzip.decompress(response.content) == PAGE
    assert len(response.content) < 200
    assert ask(node, "/", accept_encoding="gzip;q=0").content == PAGE
    stored = ask(node, "/app.js", accept_encoding="gzip, br")
    assert (stored.getheader("content-encoding"), stored.content) == ("br", b"BROTLI")
    assert ask(node, "/large.bin", accept_encoding="gzip").getheader("content-encoding") is None


def test_an_application_of_one_page_gets_its_page(node):
    assert ask(node, "/users/7").content == PAGE
    assert ask(node, "/users/7.png").status == 404
    assert ask(node, "/static/users/7").status == 404


TRAVERSALS = [
    "/../secret.txt",
    "/static/../secret.txt",
    "/static/..%2fsecret.txt",
    "/static/%2e%2e/secret.txt",
    "/static/%2e%2e%2fsecret.txt",
    "/static/....//secret.txt",
    "/static/%252e%252e%252fsecret.txt",
    "/static/..%5csecret.txt",
    "/static/..%c0%afsecret.txt",
    "/static/docs/../../secret.txt",
    "/static//etc/passwd",
    "/static/%2fetc/passwd",
    "/static/link",
    "/static/up/secret.txt",
    "/static/.env",
    "/static/%2eenv",
    "/static/app.js%00",
    "/static/app.js/",
    "/static/docs/.%2e/.env",
]


@pytest.mark.parametrize("path", TRAVERSALS)
def test_nothing_outside_of_the_folder_is_ever_sent(node, path):
    response = ask(node, path)
    assert SECRET not in response.content
    assert b"root:" not in response.content
    if path.startswith("/static/"):
        assert response.status == 404


def test_a_file_that_changes_while_it_is_sent_breaks_off(node, site):
    path = site / "public" / "large.bin"
    path.write_bytes(b"a" * 50_000_000)
    time.sleep(1)
    with socket.create_connection(("127.0.0.1", node.port), timeout=10) as client:
        client.sendall(b"GET /large.bin HTTP/1.1\r\nhost: x\r\n\r\n")
        received = client.recv(65536)
        with open(path, "r+b") as file:
            file.write(b"b" * 50_000_000)
        body = received.split(b"\r\n\r\n", 1)[1]
        while piece := client.recv(1 << 20):
            body += piece
    assert b"b" not in body
    assert len(body) < 50_000_000
    assert ask(node, "/large.bin").content == b"b" * 50_000_000


def test_a_folder_that_is_missing_is_a_mistake_in_the_manifest(tmp_path):
    (tmp_path / "cusp.toml").write_text(
        'name = "x"\n[[route]]\npath = "/..."\nassets = { root = "dist", indx = "a" }\n'
    )
    result = cusp("serve", str(tmp_path), "--listen", "127.0.0.1:0")
    assert result.returncode != 0
    assert "cusp.toml:4:" in result.stderr
    assert "did you mean 'index'" in result.stderr
