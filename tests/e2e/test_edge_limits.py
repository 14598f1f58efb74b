"""Too many, from elsewhere: limits, budgets, proxies, geo, challenges, dev --from."""

import contextlib
import hashlib
import http.client
import os
import re
import shutil
import socket
import subprocess
import time

import pytest
from cli_driver import Server, cusp, guest



def manifest(edge):
    return f"""name = "shop"
[component.web]
source = "{guest("hello-wat")}"
[component.probe]
source = "{guest("probe")}"
limits = {{ cpu_time = "60ms" }}
[[route]]
path = "/..."
component = "web"
[[route]]
path = "/endless-loop"
component = "probe"
[[route]]
path = "/describe"
component = "probe"
[edge]
{edge}
"""


@pytest.fixture
def node(tmp_path, state):
    """Starts a node with one application; ends it with the test."""
    with contextlib.ExitStack() as stack:

        def start(app_edge="", node_config="", environment=None, shards=1):
            (tmp_path / "cusp.toml").write_text(manifest(app_edge))
            (tmp_path / "node.toml").write_text(
                f'state_dir = "{state}"\nshards = {shards}\n[[listen]]\naddress = "127.0.0.1:0"\n'
                f'[[app]]\npath = "."\n{node_config}'
            )
            with pytest.MonkeyPatch.context() as patch:
                for name, value in (environment or {}).items():
                    patch.setenv(name, value)
                server = Server("node", "--config", str(tmp_path / "node.toml"))
            stack.callback(server.stop)
            return server

        yield start


def curl(url, *flags):
    """Status, fields and body."""
    result = subprocess.run(
        ["curl", "-s", "-i", "--max-time", "20", *flags, url], capture_output=True
    )
    head, _, body = result.stdout.decode().partition("\r\n\r\n")
    lines = head.split("\r\n")
    fields = {}
    for line in lines[1:]:
        name, _, value = line.partition(": ")
        fields.setdefault(name.lower(), []).append(value)
    return int(lines[0].split()[1]) if lines[0] else 0, fields, body


def test_a_rate_limit_is_exact_over_all_shards_under_load(node):
    server = node('rate_limit = { name = "all", limit = 50, window = "1h" }', shards=2)
    run = subprocess.run(
        ["h2load", "-n", "400", "-c", "8", "-m", "4", "-t", "2", server.url + "/"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    codes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx", run.stdout)
    assert [int(n) for n in codes.groups()] == [50, 0, 350], run.stdout
    status, fields, _ = curl(server.url + "/")
    assert status == 429
    assert fields["ratelimit-policy"] == ['"all";q=50;w=3600']
    assert fields["ratelimit"][0].startswith('"all";r=0;t=')
    assert 3000 < int(fields["retry-after"][0]) < 5000


def test_a_client_behind_a_trusted_proxy_cannot_change_who_it_is(node):
    server = node(
        'rate_limit = { limit = 2, window = "1h" }',
        '[edge]\ntrusted_proxies = ["127.0.0.1"]\n',
    )

    def ask(chain):
        return curl(server.url + "/", "-H", f"x-forwarded-for: {chain}")[0]

    assert [ask("192.0.2.1") for _ in range(3)] == [200, 200, 429]
    assert ask("203.0.113.99, 192.0.2.1") == 429
    assert ask("2001:db8::1") == 200


def test_a_component_is_told_the_client_behind_a_trusted_proxy(node):
    server = node("", '[edge]\ntrusted_proxies = ["127.0.0.1"]\n')
    _, _, body = curl(server.url + "/describe", "-H", "x-forwarded-for: 192.0.2.1:4711")
    assert "spin-client-addr: 192.0.2.1:4711" in body
    _, _, body = curl(server.url + "/describe", "-H", "x-forwarded-for: 2001:db8::1")
    assert "spin-client-addr: [2001:db8::1]:0" in body


def test_a_peer_that_is_not_trusted_is_not_believed(node):
    server = node(
        'rate_limit = { limit = 2, window = "1h" }', '[edge]\ntrusted_proxies = ["10.0.0.1"]\n'
    )
    answers = [
        curl(server.url + "/", "-H", f"x-forwarded-for: 192.0.2.{i}")[0] for i in range(4)
    ]
    assert answers == [200, 200, 429, 429]


def test_a_client_holds_no_more_connections_than_its_budget(node):
    server = node("", "[edge]\nbudgets = { connections = 5 }\n")
    port = int(server.url.rsplit(":", 1)[1])
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
    for one in held:
        one.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        assert one.recv(100).startswith(b"HTTP/1.1 200")
    with socket.create_connection(("127.0.0.1", port)) as sixth:
        sixth.settimeout(5)
        with contextlib.suppress(ConnectionError):
            sixth.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            assert sixth.recv(100) == b""
    held.pop().close()
    deadline = time.monotonic() + 10
    while curl(server.url + "/")[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for one in held:
        one.close()


def test_a_node_reads_its_edge_again(node, tmp_path):
    server = node("", "[edge]\nbudgets = { requests = 1, window = \"1h\" }\n")
    assert [curl(server.url + "/")[0] for _ in range(2)] == [200, 429]
    config = (tmp_path / "node.toml").read_text()
    (tmp_path / "node.toml").write_text(config.replace("requests = 1,", "requests = 9,"))
    server.signal(1)
    deadline = time.monotonic() + 60
    while curl(server.url + "/")[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_mistake_in_the_nodes_edge_is_named_with_its_place(tmp_path):
    (tmp_path / "node.toml").write_text(
        '[[listen]]\naddress = "127.0.0.1:0"\n[edge]\nbudgets = { request = 1 }\n'
    )
    result = cusp("node", "--config", str(tmp_path / "node.toml"), "--check")
    assert result.returncode == 2
    assert "node.toml:4:13" in result.stderr
    assert "did you mean 'requests'" in result.stderr


def test_dev_pretends_that_clients_are_elsewhere(tmp_path, state):
    (tmp_path / "cusp.toml").write_text(
        manifest('geo = true\nrules = [{ when = \'city == "Tokyo"\', action = "block" }]')
    )
    where = ("--listen", "127.0.0.1:0", "--state-dir", state)
    for place, status in (("tokyo", 403), ("Osaka", 200), ("JP", 200)):
        server = Server("dev", str(tmp_path), "--from", place, *where)
        try:
            deadline = time.monotonic() + 60
            while (answer := curl(server.url + "/")[0]) == 503:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert answer == status, place
        finally:
            server.stop()
    result = cusp("dev", str(tmp_path), "--from", "atlantis", *where)
    assert result.returncode == 2
    assert "'atlantis' is no city" in result.stderr


def test_an_overloaded_shard_sheds_what_is_expensive_and_serves_hits(node, tmp_path):
    server = node('shedding = true\ncache = { ttl = "1h" }')
    numbers = iter(range(1_000_000, 2_000_000))

    def expensive():  # each another URL, or the cache would ask once for all
        return curl(f"{server.url}/endless-loop?{next(numbers)}")[0]

    assert curl(server.url + "/")[0] == 200  # kept from now on
    assert expensive() == 504
    content = tmp_path / "content"
    content.write_text("x")  # a POST: GETs of one URL at a time would be one request to the guest
    load = subprocess.Popen(  # as long as it takes: what is shed costs it no time
        ["h2load", "-D", "120", "-c", "60", "-m", "1", "-d", content, server.url + "/endless-loop"],
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while expensive() != 503:
            assert time.monotonic() < deadline
        hits = [curl(server.url + "/")[0] for _ in range(20)]
        shed = [expensive() for _ in range(20)]
    finally:
        load.kill()
        load.wait()
    assert hits == [200] * 20
    assert shed.count(503) > 2, shed
    deadline = time.monotonic() + 10  # it is over soon after
    while any(expensive() == 503 for _ in range(5)):
        assert time.monotonic() < deadline


@pytest.fixture(scope="module")
def geo_folder():
    folder = os.environ.get("CUSP_GEO_DIRECTORY")
    if not folder:
        pytest.skip("CUSP_GEO_DIRECTORY names no folder with a geo database")
    return folder


def test_the_database_that_x_installs_knows_countries(node, geo_folder):
    server = node(
        "geo = true\nrules = [{ when = 'country == \"JP\"', action = \"block\" }]",
        '[edge]\ntrusted_proxies = ["127.0.0.1"]\n',
        {"CUSP_GEO_DIRECTORY": geo_folder},
    )
    statuses = {
        address: curl(server.url + "/", "-H", f"x-forwarded-for: {address}")[0]
        for address in ("133.11.93.0", "2001:240::1", "193.0.6.139", "10.0.0.1")
    }
    assert statuses == {
        "133.11.93.0": 403,  # the University of Tokyo
        "2001:240::1": 403,  # IIJ
        "193.0.6.139": 200,  # RIPE NCC, Amsterdam
        "10.0.0.1": 200,
    }


def solve(page):
    challenge = re.search(r'challenge = "([\w.]+)"', page)[1]
    bits = int(re.search(r"bits = (\d+)", page)[1])
    number = 0
    while True:
        proof = f"{challenge}.{number}"
        digest = int.from_bytes(hashlib.sha256(proof.encode()).digest(), "big")
        if digest >> (256 - bits) == 0:
            return proof
        number += 1


def test_a_challenge_lets_those_in_who_solve_it(node):
    server = node("challenge = { difficulty = 12 }")
    status, fields, page = curl(server.url + "/a", "-H", "accept: text/html")
    assert status == 403
    assert fields["content-security-policy"][0].startswith("default-src 'none'")
    proof = solve(page)
    status, fields, _ = curl(server.url + "/a", "-b", f"cusp-proof={proof}")
    assert (status, fields["location"]) == (302, ["/a"])
    clearance = fields["set-cookie"][0].split(";")[0]
    assert curl(server.url + "/a", "-b", clearance)[0] == 200
    # A socket from another address is another client.
    assert curl(server.url + "/a", "-b", clearance, "--interface", "127.0.0.2")[0] == 403
    elsewhere = ("--interface", "127.0.0.2")
    assert curl(server.url + "/a", "-b", f"cusp-proof={proof}", *elsewhere)[0] == 403


@pytest.mark.skipif(not shutil.which("node"), reason="runs the page's script in Node.js")
def test_the_pages_script_finds_what_the_server_accepts(node):
    server = node("challenge = { difficulty = 14 }")
    page = curl(server.url + "/", "-H", "accept: text/html")[2]
    script = re.search(r"<script[^>]*>(.*)</script>", page, re.S)[1]
    browser = """
      globalThis.document = { cookie: "", getElementById: () => ({}) };
      globalThis.location = { reload: () => console.log(document.cookie) };
    """
    run = subprocess.run(
        ["node", "-e", browser + script], capture_output=True, text=True, timeout=120
    )
    cookie = run.stdout.split(";")[0]
    assert curl(server.url + "/", "-b", cookie)[0] == 302, run
