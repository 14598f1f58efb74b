"""Guests at their worst: each meets its limit, leaves a line in the log; no neighbour notices."""

import contextlib
import http.client
import socket
import threading
import time

import pytest
from cli_driver import Server, guest


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "cusp.toml").write_text(f"""name = "zoo"
[component.probe]
source = "{guest('probe')}"
[component.probe.limits]
memory = "16MiB"
cpu_time = "60ms"
wall_time = "1s"
body = "1MB"
concurrency = 4
queue = 2
[component.spinner]
source = "{guest('probe')}"
limits = {{ cpu_time = "60ms" }}
[component.talker]
source = "{guest('probe')}"
limits = {{ cpu_time = "10s" }}
[component.table]
source = "{guest('table-bomb')}"
[component.neighbour]
source = "{guest('hello-wat')}"
[[route]]
path = "/..."
component = "probe"
[[route]]
path = "/endless-loop"
component = "spinner"
[[route]]
path = "/floods-log"
component = "talker"
[[route]]
path = "/table"
component = "table"
[[route]]
path = "/neighbour"
component = "neighbour"
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


def ask(server, path, body=None, timeout=10):
    """The status and body of a request to the probe, which goes by the path."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)
    try:
        connection.request("POST" if body is not None else "GET", path, body=body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def neighbour_is_well(server):
    started = time.monotonic()
    assert ask(server, "/neighbour")[0] == 200
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("endless-loop", 504, "cpu-limit"),
        ("never-answers", 504, "wall-limit"),
        ("panic", 500, "trap"),
        ("trap", 500, "trap"),
        ("exit", 500, "trap"),
        ("no-response", 500, "no-response"),
        ("error", 502, "error-code"),
        ("deep-recursion", 500, "stack-overflow|trap"),
    ],
)
def test_each_fault_has_its_status_and_its_line_in_the_log(node, path, status, kind):
    before = len(node.lines)
    assert ask(node, f"/{path}")[0] == status
    node.wait_for(rf"\[zoo/(probe|spinner)\] ({kind}) on /", since=before)
    neighbour_is_well(node)


def test_a_trap_after_the_head_is_never_a_whole_response(node):
    """The head may have left by then; whether it has, is a matter of time."""
    before = len(node.lines)
    try:
        assert ask(node, "/traps-in-body")[0] == 500
    except (http.client.IncompleteRead, ConnectionError):
        pass
    node.wait_for(r"\[zoo/probe\] trap on /\.\.\.", since=before)
    neighbour_is_well(node)


def test_memory_is_refused_beyond_the_limit(node):
    status, body = ask(node, "/memory-bomb")
    assert status == 200, body
    neighbour_is_well(node)


def test_a_table_bomb_is_refused(node):
    ask(node, "/table")
    neighbour_is_well(node)


@pytest.mark.parametrize("path", ["answers-forever", "stalls"])
def test_a_body_that_the_guest_does_not_end_is_never_ended_cleanly(node, path):
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        ask(node, f"/{path}")
    neighbour_is_well(node)


def test_a_guest_that_floods_its_log_is_cut_short(node):
    assert ask(node, "/floods-log?lines=2000") == (200, b"the log is flooded\n")
    node.wait_for(r"\[zoo/talker\].*printed more than 256 KiB in one request")
    assert sum("stderr: flood" in line for line in node.lines) < 2000
    neighbour_is_well(node)


def test_a_body_that_nobody_reads_does_not_hold_the_node(node):
    assert ask(node, "/ignores-body", body=b"x" * 900_000)[0] == 200
    neighbour_is_well(node)


def test_a_body_over_the_limit_is_refused(node):
    assert ask(node, "/echo", body=b"x" * 1_000_001)[0] == 413
    node.wait_for(r"\[zoo/probe\] body-limit on /\.\.\.")
    neighbour_is_well(node)


def test_a_head_over_the_limit_is_refused(node):
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
    connection.request("GET", "/neighbour", headers={f"x-{i}": "y" * 1000 for i in range(70)})
    assert connection.getresponse().status == 431
    connection.close()
    neighbour_is_well(node)


def test_more_invocations_than_allowed_wait_and_then_are_refused(node):
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(ask(node, "/never-answers")[0]))
        for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    neighbour_is_well(node)
    for thread in threads:
        thread.join()
    assert answers.count(503) >= 4
    assert answers.count(504) >= 4
    node.wait_for(r"\[zoo/probe\] concurrency-limit on /\.\.\.")


def test_a_client_that_leaves_ends_its_invocation(node):
    before = len(node.lines)
    with socket.create_connection(("127.0.0.1", node.port)) as client:
        client.sendall(b"GET /stalls HTTP/1.1\r\nhost: x\r\n\r\n")
        received = b""
        while b"never comes" not in received:
            received += client.recv(4096)
    node.wait_for(r"\[zoo/probe\] client-gone", since=before)


def test_a_crowd_of_endless_loops_costs_a_neighbour_one_time_slice(node):
    with contextlib.ExitStack() as crowd:
        for _ in range(200):  # 12 s of work for one shard
            loop = crowd.enter_context(socket.create_connection(("127.0.0.1", node.port)))
            loop.sendall(b"GET /endless-loop HTTP/1.1\r\nhost: zoo\r\n\r\n")
        waits = []
        for _ in range(9):
            started = time.monotonic()
            assert ask(node, "/neighbour")[0] == 200
            waits.append(time.monotonic() - started)
        print(f"\na neighbour of 200 loops: {sorted(waits)[4] * 1000:.0f} ms")
        assert sorted(waits)[4] < 0.5  # a time slice of each was 1 s and more
