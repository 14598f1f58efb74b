"""Redis as guests use it: Debian's server, and peers that only say they are one."""

import contextlib
import threading
import time

import pytest
from cli_driver import guest
from conftest import nodes
from peers import peer
from redis_server import redis_server


@pytest.fixture
def redis():
    """Starts servers with flags of theirs, answers their ports and ends them."""
    with contextlib.ExitStack() as running:
        yield lambda *flags: running.enter_context(redis_server(*flags))


@pytest.fixture
def app(tmp_path, state):
    """A node with an app that may reach the hosts given."""
    with nodes(state) as start:

        def serve(*hosts):
            allowed = ", ".join(f'"{host}"' for host in hosts)
            (tmp_path / "cusp.toml").write_text(
                f'name = "caches"\n[component.it]\nsource = "{guest("stores-spin-5")}"\n'
                f"allowed_outbound_hosts = [{allowed}]\n"
            )
            return start(tmp_path)

        yield serve


def ask(server, address, *commands):
    status, text = server._ask("POST", "/redis", "\n".join(commands), {"x-address": address})
    assert status == 200, text
    return text.split("\n")


def test_every_function_of_the_interface_reaches_a_server(app, redis):
    port = redis()
    server = app(f"redis://127.0.0.1:{port}")
    address = f"redis://127.0.0.1:{port}"
    assert ask(server, address, "get a", "set a 41", "incr a", "get a", "del a", "del a") == [
        "None",
        "()",
        "42",
        'Some("42")',
        "1",
        "0",
    ]
    assert ask(server, address, "sadd s x y", "srem s x z", "smembers s", "publish c hi") == [
        "2",
        "1",
        '["y"]',
        "()",
    ]
    status, missing, numbers = ask(server, address, "SET k v", "GET no", "RPUSH l 1 2")
    assert status == '[RedisResult::Status("OK")]'
    assert missing == "[RedisResult::Nil]"
    assert numbers == "[RedisResult::Int64(2)]"


def test_a_value_of_another_type_and_a_bad_command_are_errors_and_the_connection_goes_on(
    app, redis
):
    port = redis()
    server = app(f"redis://127.0.0.1:{port}")
    lines = ask(server, f"redis://127.0.0.1:{port}", "sadd s x", "get s", "NONSENSE", "incr n")
    assert lines[1] == "error: Error::TypeError"
    assert "unknown command" in lines[2]
    assert lines[3] == "1"


def test_credentials_and_database_of_the_address_are_used_and_never_shown(app, redis):
    port = redis("--requirepass", "s3cret/word")
    server = app(f"redis://127.0.0.1:{port}")
    address = f"redis://:s3cret%2Fword@127.0.0.1:{port}"
    assert ask(server, f"{address}/5", "set a five") == ["()"]
    assert ask(server, address, "get a") == ["None"]
    assert ask(server, f"{address}/5", "get a") == ['Some("five")']
    (refused,) = ask(server, f"redis://:wr0ng@127.0.0.1:{port}", "get a")
    assert "the server refuses the credentials" in refused and "wr0ng" not in refused
    (refused,) = ask(server, f"{address}/99", "get a")
    assert "the server refuses the database" in refused
    assert "s3cret" not in str(server.output)


def test_each_request_has_a_connection_of_its_own(app, redis):
    port = redis()
    server = app(f"redis://127.0.0.1:{port}")
    address = f"redis://127.0.0.1:{port}"
    assert ask(server, address, "MULTI", "set a 1")[0] == '[RedisResult::Status("OK")]'
    assert ask(server, address, "get a") == ["None"]
    deadline = time.monotonic() + 5
    alone = str(list(b"connected_clients:1\r"))[1:-1]  # as the guest prints bytes
    while alone not in (text := str(ask(server, address, "INFO clients"))):
        assert time.monotonic() < deadline, text
        time.sleep(0.05)


def test_what_the_manifest_does_not_list_is_not_reached(app, redis):
    port = redis()
    server = app(f"http://127.0.0.1:{port}", f"redis://*:{port}")
    (other,) = ask(server, "redis://127.0.0.1:1", "get a")
    assert "allowed_outbound_hosts does not list redis://127.0.0.1:1" in other
    (private,) = ask(server, f"redis://127.0.0.1:{port}", "get a")
    assert "may not be reached" in private
    assert ask(server, "http://127.0.0.1", "get a") == ["error: Error::InvalidAddress"]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak Redis's protocol"),
        (b"*2147483647\r\n", "more than 100000 values"),
        (b"$2000000000\r\n" + b"x" * 40_000_000, "more than 33554432 bytes"),
        (b"*100001\r\n" + b":1\r\n" * 100_001, "more than 100000 values"),
        (b"+OK\r\n+OK\r\n", "more than one reply"),
    ],
    ids=["other protocol", "long list", "endless bytes", "endless list", "two replies"],
)
def test_a_server_that_lies_ends_its_connection_and_nothing_else(app, redis, answer, text):
    port = redis()
    with peer(answer) as hostile:
        server = app(f"redis://127.0.0.1:{hostile}", f"redis://127.0.0.1:{port}")
        first, second = ask(server, f"redis://127.0.0.1:{hostile}", "get a", "get a")
        assert text in first and text in second
        assert ask(server, f"redis://127.0.0.1:{port}", "get a") == ["None"]


def test_a_silent_server_holds_up_nobody_else(app, redis):
    port = redis()
    with peer(b"") as silent:
        server = app(f"redis://127.0.0.1:{silent}", f"redis://127.0.0.1:{port}")

        def wait():
            with contextlib.suppress(OSError):
                ask(server, f"redis://127.0.0.1:{silent}", "get a")

        threading.Thread(target=wait, daemon=True).start()
        for _ in range(20):
            assert ask(server, f"redis://127.0.0.1:{port}", "get a") == ["None"]


def test_commands_that_make_a_server_talk_unasked_are_refused(app, redis):
    port = redis()
    server = app(f"redis://127.0.0.1:{port}")
    for line in ask(server, f"redis://127.0.0.1:{port}", "SUBSCRIBE c", "monitor", "PSYNC ? -1"):
        assert "are not available" in line
