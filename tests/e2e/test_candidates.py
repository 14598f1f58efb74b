"""Components of the release candidates of wasi:http of 2023, as SDKs and toolchains made them."""

import http.client
import http.server
import re
import threading

import pytest
from cli_driver import Server, cusp, guest

RAW = ["rc-2023-10-18", "rc-2023-11-10", "rc-2023-12-05"]
ALL = [*RAW, "spin-2"]

MANIFEST = """name = "old"
[component.old]
source = "{source}"
allowed_outbound_hosts = ["http://127.0.0.1:{port}"]
files = ["note.txt"]
[component.old.limits]
cpu_time = "100ms"
[[route]]
path = "/..."
component = "old"
"""


class Upstream(http.server.BaseHTTPRequestHandler):
    """Answers 418 and what it was asked."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("content-length") or 0)
        if self.headers.get("transfer-encoding") == "chunked":
            sent = b""
            while size := int(self.rfile.readline(), 16):
                sent += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            sent = self.rfile.read(length)
        text = f"{self.command} {self.path} {self.headers.get('x-from')} ".encode() + sent
        self.send_response(418)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def upstream():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


@pytest.fixture(scope="module")
def nodes(upstream, tmp_path_factory):
    """A node for each guest that is asked for."""
    state = str(tmp_path_factory.getbasetemp().parent / "cusp-state")
    running = {}

    def node(name):
        if name not in running:
            folder = tmp_path_factory.mktemp(name)
            (folder / "note.txt").write_text("a note")
            (folder / "cusp.toml").write_text(MANIFEST.format(source=guest(name), port=upstream))
            flags = ("--listen", "127.0.0.1:0", "--state-dir", state)
            running[name] = Server("serve", str(folder), *flags)
        return running[name]

    yield node
    assert [server.stop() for server in running.values()] == [0] * len(running)


def ask(node, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("name", ALL)
def test_a_guest_sees_the_request_and_sets_status_header_and_body(nodes, name):
    status, headers, body = ask(nodes(name), "PUT", "/a/b?c=d", headers={"x-test": "seen"})
    method = "Method::Put" if name in RAW else "PUT"
    assert (status, body.decode().split()[1:]) == (201, ["/a/b?c=d", "seen"]), body
    assert body.decode().startswith(method), body
    assert headers["x-answer"] in ("candidate", "spin-sdk 2")
    assert headers["connection"] is None


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_a_body_is_echoed(nodes, name, size):
    data = bytes(index % 251 for index in range(size))
    status, _, body = ask(nodes(name), "POST", "/echo", body=data)
    assert (status, body == data) == (200, True)


@pytest.mark.parametrize("name", ALL)
def test_a_guest_calls_out(nodes, upstream, name):
    url = f"http://127.0.0.1:{upstream}/up?x=1"
    status, _, body = ask(nodes(name), "GET", "/fetch", headers={"x-url": url})
    expected = {
        "rc-2023-10-18": b"POST /up?x=1 candidate sent along",
        "spin-2": b"GET /up?x=1 spin-sdk 2 ",
    }
    assert (status, body) == (418, expected.get(name, b"GET /up?x=1 None "))


@pytest.mark.parametrize("name", ALL)
def test_a_host_that_is_not_allowed_is_an_error_of_the_call(nodes, name):
    status, _, body = ask(nodes(name), "GET", "/fetch", headers={"x-url": "http://127.0.0.1:9/"})
    assert status == 502
    assert b"ErrorCode::DestinationIpProhibited" in body


@pytest.mark.parametrize("name", ALL)
def test_a_trap_and_a_loop_cost_their_request_and_leave_a_line(nodes, name):
    node = nodes(name)
    before = len(node.lines)
    assert ask(node, "GET", "/trap")[0] == 500
    node.wait_for(r"\[old\] trap on /\.\.\.", since=before)
    node.wait_for(r"asked for", since=before)
    assert ask(node, "GET", "/loop")[0] == 504
    node.wait_for(r"\[old\] cpu-limit on /\.\.\.", since=before)
    assert ask(node, "GET", "/")[0] == 201


def test_streams_that_are_given_away_move_their_bytes(nodes):
    node = nodes("rc-2023-10-18")
    data = b"0123456789" * 20_000
    assert ask(node, "POST", "/forward", body=data)[2] == data
    assert ask(node, "POST", "/splice", body=b"a short one")[2] == b"a short one"


def test_files_of_october_are_opened_with_modes_and_their_permissions_are_not_served(nodes):
    body = ask(nodes("rc-2023-10-18"), "GET", "/file")[2].decode()
    assert body.startswith('"a note" '), body
    unsupported = "unsupported"
    expected = [unsupported, unsupported, unsupported, "not-permitted", unsupported, unsupported]
    assert re.findall(r'name: "([\w-]+)"', body) == expected


def test_clocks_of_october_wait_for_a_duration_and_an_instant(nodes):
    assert 40 <= int(ask(nodes("rc-2023-10-18"), "GET", "/sleep")[2]) < 2_000


def test_fields_of_october_are_changed_in_place(nodes):
    body = ask(nodes("rc-2023-10-18"), "GET", "/fields")[2].decode()
    assert body == '[("a", [49]), ("a", [51]), ("c", [52])]\n'


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/bad-field", 500, "the guest set a malformed HTTP field"),
        ("/bad-status", 500, "the guest answered with 1, which is no status"),
        ("/no-response", 502, "asked for"),
    ],
)
def test_what_october_had_no_error_for_ends_the_guest_with_a_reason(nodes, path, status, reason):
    node = nodes("rc-2023-10-18")
    before = len(node.lines)
    assert ask(node, "GET", path)[0] == status
    node.wait_for(reason, since=before)


def test_a_core_module_of_october_is_made_a_component_and_logs(nodes):
    node = nodes("rc-2023-10-18-core")
    status, _, body = ask(node, "GET", "/")
    assert (status, body) == (203, b"Hello from October 2023\n")
    node.wait_for("logged in 2023")


@pytest.mark.parametrize("name", [*ALL, "rc-2023-10-18-core"])
def test_inspect_names_the_interfaces_as_they_were_made_and_serves_them(name):
    output = cusp("inspect", str(guest(name))).stdout
    version = "2023-10-18" if name in ("spin-2", "rc-2023-10-18-core") else name[3:]
    assert f"wasi:http/incoming-handler@0.2.0-rc-{version}" in output
    assert "unknown" not in output
