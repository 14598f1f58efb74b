"""What an operator sees: access log, metrics, traces, Server-Timing, explain."""

import http.client
import json
import re
import time

import pytest
from cli_driver import Server, cusp, guest

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seen")
    (folder / "cusp.toml").write_text(f"""name = "shop"
[edge]
headers.response.set = {{ x-edge = "1" }}
[component.web]
source = "{guest("hello-wat")}"
[[route]]
path = "/..."
component = "web"
[[route]]
path = "/old"
redirect = "/new"
""")
    return folder


@pytest.fixture(scope="module")
def start(folder, tmp_path_factory):
    state = str(tmp_path_factory.getbasetemp().parent / "cusp-state")

    def start(*flags):
        where = ("--listen", "127.0.0.1:0", "--state-dir", state)
        return Server("serve", str(folder), *where, *flags)

    return start


@pytest.fixture(scope="module")
def node(start):
    server = start("--admin", "127.0.0.1:0", "--server-timing")
    yield server
    assert server.stop() == 0


def admin(node, path, method="GET"):
    port = int(node.wait_for(r"admin API on http://[\w.]+:\d+").rsplit(":", 1)[1])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path)
    response = connection.getresponse()
    return response.status, response.read().decode()


def test_every_exchange_leaves_a_line_that_follows_the_trace(start, folder):
    node = start("--access-log", str(folder / "access.log"))
    assert node.get("/traced", headers={"traceparent": PARENT, "user-agent": 'a "b"'})[0] == 200
    assert node.get("/old?x=1", host="shop.example")[0] == 308
    assert node.stop() == 0  # everything is written by then
    lines = [json.loads(line) for line in (folder / "access.log").read_text().splitlines()]
    traced = next(line for line in lines if line["target"] == "/traced")
    assert traced["trace_id"] == PARENT.split("-")[1]
    assert traced["span_id"] not in PARENT
    assert (traced["status"], traced["bytes"], traced["complete"]) == (200, 15, True)
    assert (traced["app"], traced["route"], traced["user_agent"]) == ("shop", "/...", 'a "b"')
    assert traced["client"] == "127.0.0.1"
    assert traced["ms"] >= traced["phases"]["generate"] > 0
    moved = next(line for line in lines if line["target"] == "/old?x=1")
    assert (moved["status"], moved["host"]) == (308, "shop.example")
    assert re.fullmatch("[0-9a-f]{32}", moved["trace_id"])


def test_metrics_count_by_application_and_status(node):
    for _ in range(3):
        node.get("/counted")
    deadline = time.monotonic() + 10  # a request counts once its response has gone
    counted = None
    while not counted or int(counted[1]) < 3:
        assert time.monotonic() < deadline, counted
        status, text = admin(node, "/metrics")
        assert status == 200
        counted = re.search(r'cusp_requests_total{app="shop",status="200"} (\d+)', text)
    assert re.search(r'cusp_phase_duration_seconds_count{phase="generate"} [1-9]', text)
    assert re.search(r'cusp_request_duration_seconds_bucket{app="shop",le="\+Inf"} [1-9]', text)


def test_server_timing_names_the_steps(node):
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
    connection.request("GET", "/")
    timing = connection.getresponse().headers["server-timing"]
    steps = [entry.split(";")[0] for entry in timing.split(", ")]
    assert steps == ["route", "authorize-headers", "generate", "deliver"]


def test_the_admin_api_says_what_is_wrong(node):
    assert admin(node, "/healthz") == (200, "ok\n")
    assert admin(node, "/nothing")[0] == 404
    assert admin(node, "/metrics", method="POST")[0] == 405


def test_explain_tells_route_features_and_verdicts(folder, tmp_path):
    state = ("--app", str(folder), "--state-dir", str(tmp_path))
    result = cusp("explain", "https://shop.example/x", "--json", *state)
    assert result.returncode == 0, result.stderr
    steps = json.loads(result.stdout)
    assert [step["phase"] for step in steps] == ["route", "authorize"]
    assert steps[0]["verdict"] == "app 'shop', route '/...', leads to component web"
    shown = cusp("explain", "/old", *state).stdout
    assert "leads to a static response" in shown


@pytest.mark.parametrize("url", ["ftp://x/", "https:///x"])
def test_explain_refuses_what_is_no_url(url, folder, tmp_path):
    result = cusp("explain", url, "--app", str(folder), "--state-dir", str(tmp_path))
    assert result.returncode == 2
    assert "is not a URL" in result.stderr


def test_explain_refuses_what_is_no_field(folder, tmp_path):
    result = cusp("explain", "/", "--header", "a b: c", "--app", str(folder),
                  "--state-dir", str(tmp_path))  # fmt: skip
    assert result.returncode == 2
    assert "is not 'name: value'" in result.stderr
