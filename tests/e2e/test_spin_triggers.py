"""Spin's triggers for Redis and for schedules, from manifests and SDKs as they are."""

import re
import socket
import time

import pytest
from cli_driver import cusp, guest, kv, wait_until
from conftest import nodes
from peers import peer
from redis_server import redis_server


def manifest(triggers, source, application="", extra=""):
    return f"""spin_manifest_version = 2
[application]
name = "events"
{application}
[variables]
channel = {{ default = "news" }}
fails = {{ default = "no" }}
{triggers}
[component.listener]
source = "{guest(source)}"
key_value_stores = ["default"]
[component.listener.variables]
fails = "{{{{ fails }}}}"
{extra}"""


@pytest.fixture
def start(tmp_path, state):
    with nodes(state) as serve:

        def started(text, *flags):
            (tmp_path / "spin.toml").write_text(text)
            server = serve(tmp_path, *flags)
            server.folder = tmp_path
            return server

        yield started


def publish(port, channel, text):
    """To how many."""
    with socket.create_connection(("127.0.0.1", port), 5) as redis:
        redis.sendall(f'PUBLISH {channel} "{text}"\r\n'.encode())
        return int(redis.recv(100).strip().lstrip(b":"))


REDIS = '[[trigger.redis]]\nchannel = "{{ channel }}"\ncomponent = "listener"\n'


def server_at(port):
    return f'[application.trigger.redis]\naddress = "redis://127.0.0.1:{port}"'


@pytest.mark.parametrize("name", ["events-redis-2", "events-redis-3"])
def test_a_component_gets_what_is_published(start, name):
    with redis_server() as port:
        server = start(manifest(REDIS, name, server_at(port)), "--variable", "channel=sports")
        assert wait_until(lambda: publish(port, "sports", "first") == 1)
        wait_until(lambda: kv(server, "first") == "first")
        assert publish(port, "news", "elsewhere") == 0
        # An error and a trap are the message's own; the next one comes.
        for text in ["fail", "trap", "second"]:
            publish(port, "sports", text)
        wait_until(lambda: kv(server, "second") == "second")
        assert "it was told to fail" in server.output
        failed = r"Redis channel 'sports' of 127.0.0.1:\d+: component listener"
        assert re.search(failed, server.output)


def test_many_messages_come_in_their_order_and_none_is_lost(start):
    with redis_server() as port:
        server = start(manifest(REDIS, "events-redis-2", server_at(port)))
        wait_until(lambda: publish(port, "news", "m") == 1)
        with socket.create_connection(("127.0.0.1", port), 5) as redis:
            redis.sendall(b"".join(b"PUBLISH news m%d\r\n" % i for i in range(300)))
        wait_until(lambda: kv(server, "m299") == "m299")
        assert all(kv(server, f"m{i}") == f"m{i}" for i in range(0, 300, 29))


def test_a_lost_connection_is_made_again(start):
    with redis_server() as port:
        server = start(manifest(REDIS, "events-redis-2", server_at(port)))
        wait_until(lambda: publish(port, "news", "before") == 1)
    server.wait_for(r"the next try is in \d+ s")
    with redis_server(port=port):
        wait_until(lambda: publish(port, "news", "after") == 1, timeout=60)
        wait_until(lambda: kv(server, "after") == "after")


def test_each_trigger_may_have_a_server_of_its_own_with_credentials(start):
    with redis_server("--requirepass", "s3cret") as port:
        address = f'address = "redis://:s3cret@127.0.0.1:{port}"\n'
        server = start(manifest(REDIS + address, "events-redis-3"))
        with socket.create_connection(("127.0.0.1", port), 5) as redis:
            redis.sendall(b"AUTH s3cret\r\n")
            redis.recv(100)

            def heard():
                redis.sendall(b"PUBLISH news text\r\n")
                return b":1" in redis.recv(100)

            wait_until(heard)
        wait_until(lambda: kv(server, "text") == "text")
        assert "s3cret" not in server.output


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"-NOPERM no\r\n",
     b"*3\r\n$7\r\nmessage\r\n:1\r\n:2\r\n",
     b"*2147483647\r\n", b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n+x\r\n" * 1000],
)  # fmt: skip
def test_a_hostile_server_costs_a_line_in_the_log(start, answer):
    with peer(answer) as port:
        server = start(
            manifest(REDIS, "events-redis-2", server_at(port))
            + '[[trigger.http]]\nroute = "/"\nstatic_response = { body = "well" }\n'
        )
        for _ in range(3):
            assert server.get("/")[1] == "well"
            time.sleep(0.2)
        before = server.resident()
        time.sleep(0.5)
        assert server.resident() - before < 16 << 20


@pytest.mark.parametrize(
    "address, reason",
    [("http://127.0.0.1", "redis"), ("redis://", "redis"), ("{{ nothing }}", "nothing")],
)
def test_an_address_that_is_none_is_refused_at_the_start(tmp_path, address, reason):
    trigger = REDIS + f'address = "{address}"\n'
    (tmp_path / "spin.toml").write_text(manifest(trigger, "events-redis-2"))
    result = cusp("serve", str(tmp_path), "--listen", "127.0.0.1:0")
    assert result.returncode != 0
    assert reason in result.stderr and "spin.toml:" in result.stderr


def test_a_name_that_leads_to_a_private_address_is_not_connected_to(start):
    with redis_server() as port:
        application = f'[application.trigger.redis]\naddress = "redis://localtest.invalid:{port}"'
        server = start(manifest(REDIS, "events-redis-2", application))
        server.wait_for(r"Redis channel 'news' of localtest.invalid:\d+: .*the next try")


CRON = '[[trigger.cron]]\ncron_expression = "*/1 * * * * *"\ncomponent = "listener"\n'


def test_a_schedule_calls_its_component_with_the_time(start):
    server = start(manifest(CRON, "events-cron"))
    first = int(wait_until(lambda: kv(server, "time")))
    assert abs(first - time.time()) < 30
    wait_until(lambda: int(kv(server, "time")) > first)


def test_an_error_of_a_scheduled_component_is_logged_and_the_next_time_comes(start):
    server = start(manifest(CRON, "events-cron"), "--variable", "fails=yes")
    server.wait_for("it was told to fail", count=2)
    server.wait_for(r"cron '\*/1 \* \* \* \* \*'.* component listener answered 500", count=2)


def test_a_component_of_a_trigger_may_stand_in_it(start):
    with redis_server() as port:
        server = start(
            f"""spin_manifest_version = 2
[application]
name = "events"
[[trigger.redis]]
channel = "news"
address = "redis://127.0.0.1:{port}"
component = {{ source = "{guest("events-redis-3")}", key_value_stores = ["default"] }}
"""
        )
        wait_until(lambda: publish(port, "news", "inline") == 1)
        wait_until(lambda: kv(server, "inline") == "inline")


@pytest.mark.parametrize(
    "trigger, reason",
    [
        ('[[trigger.redis]]\ncomponent = "listener"\nchannel = "a"', "address"),
        ('[[trigger.redis]]\ncomponent = "listener"\naddress = "redis://h"', "channel"),
        ('[[trigger.redis]]\nchannel = "a"\naddress = "redis://h"', "component"),
        ('[[trigger.cron]]\ncomponent = "listener"', "cron_expression"),
        ('[[trigger.cron]]\ncomponent = "listener"\ncron_expression = "61 * * * * *"', "61"),
        ('[[trigger.cron]]\ncomponent = "listner"\ncron_expression = "@daily"', "listener"),
    ],
)
def test_what_a_trigger_lacks_is_said_with_its_place(tmp_path, trigger, reason):
    (tmp_path / "spin.toml").write_text(manifest(trigger, "events-redis-2"))
    result = cusp("serve", str(tmp_path), "--listen", "127.0.0.1:0")
    assert result.returncode != 0
    assert reason in result.stderr and re.search(r"spin\.toml:\d+:\d+", result.stderr)
