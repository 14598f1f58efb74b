"""cusp:edge: what guests of WASI 0.2 and 0.3 ask the edge for, well and badly."""

import os
import subprocess
from urllib.parse import urlencode

import pytest
from cli_driver import GUESTS, Server, cusp, guest


@pytest.fixture(scope="module")
def node(tmp_path_factory, state):
    """Two applications of one component on two shards, and operators' tools."""
    folder = tmp_path_factory.mktemp("edge-guest")
    apps = ""
    for name in ("shop", "bank"):
        (folder / name).mkdir()
        (folder / name / "cusp.toml").write_text(
            f'name = "{name}"\n[component.calls]\nsource = "{guest("edge-calls")}"\n'
            '[component.calls.limits]\ncpu_time = "5s"\n'
        )
        apps += f'[[app]]\npath = "{name}"\nhosts = ["{name}.example"]\n'
    (folder / "node.toml").write_text(
        f'state_dir = "{state}"\nshards = 2\n[[listen]]\naddress = "127.0.0.1:0"\n'
        '[admin]\naddress = "127.0.0.1:0"\n[edge]\ntrusted_proxies = ["127.0.0.1"]\n' + apps
    )
    server = Server("node", "--config", str(folder / "node.toml"))
    server.admin = server.wait_for(r"admin API on http://[\w.]+:\d+").split()[-1]
    yield server
    assert server.stop() == 0


@pytest.fixture
def dev_in_tokyo(tmp_path, state):
    """Runs `cusp dev --from tokyo` with a guest of that name."""
    servers = []

    def start(name):
        (tmp_path / "cusp.toml").write_text(
            f'name = "{name}"\n[component.guest]\nsource = "{guest(name)}"\n'
        )
        flags = ("--from", "tokyo", "--listen", "127.0.0.1:0", "--state-dir", state)
        servers.append(Server("dev", str(tmp_path), *flags))
        servers[-1].wait_for("up to date")
        return servers[-1]

    yield start
    assert [server.stop() for server in servers] == [0] * len(servers)


def ask(node, function, app="shop", headers=None, **arguments):
    """Status and text of one call; a list stands for an argument that comes several times."""
    query = urlencode(arguments, doseq=True, safe="/:")
    return node.get(f"/{function}?{query}", headers=headers, host=f"{app}.example")


NOTHING = (200, "None")
DONE = (200, "()")


def entry(body, stale="false", metadata="None"):
    return 200, f"Some(\"{body} size {len(body)} metadata {metadata} stale {stale}\")"


# ---- cache


def test_what_one_request_inserts_others_get(node):
    assert ask(node, "get", key="a") == NOTHING
    assert ask(node, "insert", key="a", body="hello") == DONE
    assert ask(node, "get", key="a") == entry("hello")
    assert ask(node, "insert", key="a", body="again", metadata="m") == DONE
    assert ask(node, "get", key="a") == entry("again", metadata='Some(\\"m\\")')
    assert ask(node, "delete", key="a") == DONE
    assert ask(node, "get", key="a") == NOTHING
    assert ask(node, "delete", key="a") == DONE


def test_an_application_sees_nothing_of_another(node):
    assert ask(node, "insert", key="secret", body="shop", tag="t") == DONE
    assert ask(node, "get", "bank", key="secret") == NOTHING
    assert ask(node, "insert", "bank", key="secret", body="bank", tag="t") == DONE
    assert ask(node, "purge", "bank", tag="t") == DONE
    assert ask(node, "delete", "bank", key="secret") == DONE
    assert ask(node, "get", key="secret") == entry("shop")


def test_a_purge_takes_what_has_the_tag_and_a_soft_one_makes_it_stale(node):
    for key, tags in (("x", ["t1", "t2"]), ("y", ["t2"]), ("z", [])):
        assert ask(node, "insert", key=key, body=key, tag=tags, stale=60) == DONE
    assert ask(node, "purge", tag="t1") == DONE
    assert [ask(node, "get", key=key) for key in "xyz"] == [NOTHING, entry("y"), entry("z")]
    assert ask(node, "purge", tag="t2", soft="true") == DONE
    assert ask(node, "get", key="y") == entry("y", stale="true")
    assert ask(node, "get", key="z") == entry("z")


def test_an_operators_purge_reaches_what_guests_keep(node, state):
    assert ask(node, "insert", key="p", body="p", tag="mine") == DONE
    assert ask(node, "insert", "bank", key="p", body="p", tag="mine") == DONE
    where = ("--admin", node.admin, "--state-dir", state)
    purged = cusp("purge", "--tag", "mine", "--app", "bank", *where)
    assert purged.stdout.startswith("1 "), purged.stderr
    assert ask(node, "get", "bank", key="p") == NOTHING
    assert ask(node, "get", key="p") == entry("p")


@pytest.mark.parametrize(
    ("wrong", "error", "reason"),
    [
        ({"key": ""}, "Invalid", "is empty"),
        ({"key": "k" * 513}, "Limit", "at most 512 bytes, not 513"),
        ({"key": "k", "size": 10 * 2**20 + 1}, "Limit", "at most 10 MiB"),
        ({"key": "k", "metadata": "m" * 4097}, "Limit", "at most 4 KiB"),
        ({"key": "k", "ttl": 2**32 - 1}, "Limit", "at most 366 days"),
        ({"key": "k", "stale": 2**32 - 1}, "Limit", "at most 366 days"),
        ({"key": "k", "tag": [f"t{n}" for n in range(33)]}, "Limit", "at most 32 tags"),
        ({"key": "k", "tag": "t" * 257}, "Limit", "at most 256 bytes"),
        ({"key": "k", "tag": ""}, "Invalid", "printable ASCII"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(node, wrong, error, reason):
    status, text = ask(node, "insert", **wrong)
    assert status == 400
    assert text.startswith(f"Error::{error}(") and reason in text
    assert ask(node, "get", key="k") == NOTHING


def test_the_largest_entry_fits(node):
    assert ask(node, "insert", key="k" * 512, size=10 * 2**20) == DONE
    assert ask(node, "get", key="k" * 512)[1].startswith('Some("xxxx')
    assert ask(node, "get", key="k" * 513)[1].startswith("Error::Limit(")


def test_a_guest_that_purges_without_end_is_held_back_alone(node):
    status, text = ask(node, "purge-flood", "bank")
    assert status == 400
    assert text.startswith("Error::Limit(") and "at most 50 times in a second" in text
    assert ask(node, "purge", tag="t") == DONE


# ---- rate limits


def test_a_quota_holds_for_each_key_and_application(node):
    quota = {"name": "log-in", "key": "anna", "limit": 3, "window": 3600}
    remaining = [ask(node, "check", **quota)[1] for _ in range(4)]
    assert [f"allowed: {said}" in text for said, text in zip(
        ("true", "true", "true", "false"), remaining, strict=True)] == [True] * 4  # fmt: skip
    assert "remaining: 2" in remaining[0] and "retry-after-seconds: 0 " in remaining[0]
    assert "retry-after-seconds: 0 " not in remaining[3]
    assert "allowed: true" in ask(node, "check", **quota | {"key": "bert"})[1]
    assert "allowed: true" in ask(node, "check", "bank", **quota)[1]
    assert "allowed: true" in ask(node, "check", **quota | {"limit": 4})[1]


def test_a_token_bucket_lets_a_burst_through(node):
    quota = {"name": "bucket", "key": "k", "limit": 1, "window": 3600, "burst": 2}
    said = [ask(node, "check", **quota)[1] for _ in range(3)]
    assert ["allowed: true" in text for text in said] == [True, True, False]


def test_a_flood_of_keys_evicts_itself_and_not_who_has_taken_most(node):
    quota = {"name": "flood", "key": "heavy", "limit": 100, "window": 3600}
    for _ in range(100):
        assert "allowed: true" in ask(node, "check", **quota)[1]
    assert "allowed: false" in ask(node, "check-flood", count=50_000, **quota)[1]


@pytest.mark.parametrize(
    ("wrong", "error", "reason"),
    [
        ({"limit": 0}, "Invalid", "the limit of a quota"),
        ({"limit": 2_000_000}, "Invalid", "the limit of a quota"),
        ({"window": 0}, "Invalid", "the window of a quota"),
        ({"window": 2**32 - 1}, "Invalid", "the window of a quota"),
        ({"burst": 0}, "Invalid", "a burst"),
        ({"name": "n" * 65}, "Limit", "at most 64 bytes"),
        ({"key": "k" * 513}, "Limit", "at most 512 bytes"),
    ],
)
def test_a_quota_that_makes_no_sense_is_refused(node, wrong, error, reason):
    status, text = ask(node, "check", **{"name": "n", "key": "k"} | wrong)
    assert status == 400
    assert text.startswith(f"Error::{error}(") and reason in text


def test_a_name_for_each_client_is_refused_and_known_names_go_on(serve, tmp_path):
    (tmp_path / "cusp.toml").write_text(
        f'name = "names"\n[component.calls]\nsource = "{guest("edge-calls")}"\n'
    )
    server = serve(tmp_path)
    status, text = server.get("/check-names?limit=1000")
    assert status == 400
    assert "at most 16 rate limits" in text
    assert "allowed: true" in server.get("/check?name=name0&key=k&limit=1000")[1]


# ---- geo


def test_a_client_is_who_a_trusted_proxy_says(node):
    assert ask(node, "client-address")[1] == "127.0.0.1"
    forwarded = {"x-forwarded-for": "2001:db8::7"}
    assert ask(node, "client-address", headers=forwarded)[1] == "2001:db8::7"


@pytest.mark.parametrize("address", ["", "1.2.3", "9" * 99, "localhost", "::1::", "192.0.2.1/24"])
def test_what_is_no_address_has_no_place(node, address):
    status, text = ask(node, "lookup", address=address)
    assert status == 400
    assert text.startswith("Error::Invalid(")


@pytest.mark.skipif("CUSP_GEO_DIRECTORY" not in os.environ, reason="there is no geo database")
def test_the_database_that_x_installs_knows_countries(node):
    for address in ("133.11.93.0", "2001:240::1"):  # the University of Tokyo, IIJ
        assert 'country: Some("JP")' in ask(node, "lookup", address=address)[1]
        forwarded = {"x-forwarded-for": address}
        assert 'country: Some("JP")' in ask(node, "client", headers=forwarded)[1]


def test_a_private_address_is_nowhere(node):
    status, text = ask(node, "lookup", address="10.0.0.1")
    assert status == 200
    assert "country: None" in text and "city: None" in text


def test_dev_pretends_for_guests_too(dev_in_tokyo):
    text = dev_in_tokyo("edge-calls").get("/client")[1]
    assert 'country: Some("JP")' in text and 'city: Some("Tokyo")' in text
    assert 'continent: Some("AS")' in text and 'timezone: Some("Asia/Tokyo")' in text


# ---- everything else


def test_inspect_shows_that_it_is_served():
    text = cusp("inspect", str(guest("edge-calls"))).stdout
    for interface in ("cache", "geo", "rate-limit"):
        assert f"served     cusp:edge/{interface}@0.1.0" in text


def test_a_component_without_a_manifest_has_it_too(serve):
    server = serve(guest("edge-calls"))
    assert server.get("/insert?key=a&body=b") == DONE
    assert server.get("/get?key=a") == entry("b")
    assert server.get("/client-address") == (200, "127.0.0.1")


def test_the_example_greets_once_for_all_and_slows_readers_down(dev_in_tokyo):
    server = dev_in_tokyo("edge-rust")
    assert server.get() == (200, "こんにちは, JP!\n")
    assert server.get() == (200, "こんにちは, JP!\n")
    statuses = [server.get()[0] for _ in range(20)]
    assert statuses.count(200) in (18, 19) and statuses[-1] == 429


@pytest.mark.skipif(
    not (GUESTS / "edge-js.wasm").exists(), reason="tools/build_guests.py --all makes JavaScript"
)
def test_javascript_calls_the_edge_too(dev_in_tokyo):
    server = dev_in_tokyo("edge-js")

    def head(path):
        command = ["curl", "-s", "-D-", "--max-time", "20", server.url + path]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "location: /ja/" in head("/")
    assert "x-page: made now" in head("/ja/")
    assert "x-page: kept" in (kept := head("/ja/")) and "こんにちは" in kept
    statuses = [server.get("/ja/")[0] for _ in range(100)]
    assert statuses.count(429) == 3 and statuses[-1] == 429
