"""Queues and schedules: what starts components beside requests, and what they do with it."""

import base64
import json
import re
import urllib.error
import urllib.request

import pytest
from cli_driver import Server, cusp, guest, kv, wait_until

QUEUE = """[[trigger.queue]]
queue = "jobs"
component = "worker"
retry_delay = "100ms"
retry_delay_max = "200ms"
max_deliveries = 3
"""


def manifest(triggers, source="stores-spin-5", keys=""):
    return f"""name = "works"
[component.worker]
source = "{guest(source)}"
key_value_stores = ["default"]
sqlite_databases = ["default"]
{keys}
{triggers}
"""


@pytest.fixture
def app(tmp_path, state):
    """Starts the app of a manifest; ends it with the test."""
    servers = []
    usual = ("--state-dir", state)

    def start(text, *flags):
        (tmp_path / "cusp.toml").write_text(text)
        servers.append(
            Server("serve", str(tmp_path), "--listen", "127.0.0.1:0", *(flags or usual))
        )
        servers[-1].folder = tmp_path
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            assert server.stop() == 0


def queue(server, *arguments, code=0):
    result = cusp("queue", *arguments, cwd=server.folder)
    assert result.returncode == code, result.stderr
    return result.stdout


def counts(server):
    """Ready, in flight, delayed and dead messages of the queue "jobs"."""
    for line in queue(server, "list").splitlines()[1:]:
        if line.split()[1] == "jobs":
            return [int(word) for word in line.split()[2:]]
    return [0, 0, 0, 0]


def test_a_message_is_given_to_the_component_and_gone(app):
    server = app(manifest(QUEUE + 'path = "/set/default/last"'))
    queue(server, "send", "jobs", "hello")
    wait_until(lambda: kv(server, "last") == "hello")
    wait_until(lambda: counts(server) == [0, 0, 0, 0])


def test_many_messages_are_worked_at_by_several(app, state):
    text = QUEUE + 'path = "/sql3/default"\nconcurrency = 4'
    server = app(manifest(text), "--shards", "2", "--state-dir", state)
    make = "CREATE TABLE done (n INTEGER)"
    assert cusp("sql", "default", make, cwd=server.folder).returncode == 0
    for n in range(40):
        queue(server, "send", "jobs", f"INSERT INTO done VALUES ({n})")

    def done():
        rows = cusp("sql", "default", "SELECT DISTINCT n FROM done", "--json", cwd=server.folder)
        return len(re.findall(r"\d+", rows.stdout)) >= 40

    wait_until(done)
    wait_until(lambda: counts(server) == [0, 0, 0, 0])


@pytest.mark.parametrize(
    "path, keys",
    [
        ("/panic", ""),
        ("/endless-loop", 'limits = { cpu_time = "20ms" }'),
        ("/never-answers", 'limits = { wall_time = "200ms" }'),
        ("/deep-recursion", ""),
        ("/no-such-path", ""),
    ],
)
def test_what_fails_comes_again_and_then_is_dead(app, path, keys):
    server = app(manifest(QUEUE + f'path = "{path}"', "probe", keys))
    id = queue(server, "send", "jobs", "poison").strip()
    wait_until(lambda: counts(server) == [0, 0, 0, 1])
    dead = json.loads(queue(server, "dead", "jobs"))
    assert dead["id"] == id
    assert dead["deliveries"] == 3
    assert dead["reason"].startswith("answered ")
    server.wait_for(f"queue jobs: message {id} is dead after 3 deliveries")
    queue(server, "retry", "jobs", id)
    wait_until(lambda: counts(server) == [0, 0, 0, 1])  # and is again
    queue(server, "purge", "jobs", "--dead")
    assert counts(server) == [0, 0, 0, 0]


def test_a_batch_is_one_document_and_may_ask_for_some_again(app):
    # The probe gives back what it is sent: as a document without "retry" it acknowledges all.
    server = app(manifest(QUEUE + 'path = "/echo"\nbatch_size = 10', "probe"))
    for n in range(5):
        queue(server, "send", "jobs", f"message {n}")
    wait_until(lambda: counts(server) == [0, 0, 0, 0])


def front(queues):
    """A component that sends what it is sent."""
    return f"""
[component.front]
source = "{guest("probe")}"
queues = {queues}
[[route]]
path = "/..."
component = "front"
"""


def send_on(server, body):
    request = urllib.request.Request(f"{server.url}/upload", data=body.encode())
    request.add_header("x-url", "http://jobs.queue.internal/")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_guest_sends_and_another_one_receives(app):
    server = app(manifest(QUEUE + 'path = "/set/default/last"') + front('["jobs"]'))
    status, text = send_on(server, "from a guest")
    assert status == 202, text
    assert len(json.loads(text)["ids"]) == 1
    wait_until(lambda: kv(server, "last") == "from a guest")


def test_a_guest_sends_to_no_queue_that_is_not_its_own(app):
    server = app(manifest(QUEUE + 'path = "/set/default/last"') + front('["others"]'))
    status, text = send_on(server, "from a guest")
    assert status == 502
    assert "failed: ErrorCode" in text
    assert counts(server) == [0, 0, 0, 0]


def test_messages_survive_the_end_of_the_node(app, tmp_path):
    text = manifest(QUEUE + 'path = "/never-answers"', "probe")
    server = app(text)
    queue(server, "send", "jobs", "precious")
    wait_until(lambda: counts(server)[1] == 1)  # under way
    server.process.kill()
    server.process.wait()
    result = cusp("queue", "list", cwd=tmp_path)
    assert re.search(r"works +jobs +0 +1 +0 +0", result.stdout), result.stdout


def test_a_node_that_ends_gives_back_what_it_works_at(app, tmp_path):
    server = app(manifest(QUEUE + 'path = "/never-answers"', "probe", 'limits.wall_time = "3s"'))
    queue(server, "send", "jobs", "precious")
    wait_until(lambda: counts(server)[1] == 1)
    assert server.stop() == 0
    result = cusp("queue", "peek", "jobs", cwd=tmp_path)
    assert json.loads(result.stdout)["body"] == "precious"


def test_a_schedule_calls_the_component(app):
    server = app(
        manifest(
            '[[trigger.cron]]\nschedule = "* * * * * *"\ncomponent = "worker"\n'
            'path = "/set/default/tick"'
        )
    )
    wait_until(lambda: kv(server, "tick") is not None, timeout=10)


def test_runs_of_a_schedule_do_not_overlap(app):
    server = app(
        manifest(
            '[[trigger.cron]]\nschedule = "* * * * * *"\ncomponent = "worker"\n'
            'path = "/never-answers"',
            "probe",
            'limits = { wall_time = "2500ms" }',
        )
    )
    server.wait_for("skips .*: the run before goes on")
    server.wait_for(r"cron '\* \* \* \* \* \*' of .*Z: component worker answered 504")


def test_a_reload_takes_the_triggers_of_the_new_manifest(tmp_path, state):
    (tmp_path / "cusp.toml").write_text(manifest(QUEUE + 'path = "/set/default/old"'))
    server = Server("dev", str(tmp_path), "--listen", "127.0.0.1:0", "--state-dir", state)
    server.folder = tmp_path
    try:
        server.wait_for("up to date")
        queue(server, "send", "jobs", "one")
        wait_until(lambda: kv(server, "old") == "one")
        (tmp_path / "cusp.toml").write_text(manifest(QUEUE + 'path = "/set/default/new"'))
        server.wait_for("up to date", count=2)
        queue(server, "send", "jobs", "two")
        wait_until(lambda: kv(server, "new") == "two")
        assert kv(server, "old") == "one"
    finally:
        assert server.stop() == 0


def test_a_client_cannot_pretend_to_be_a_trigger(app):
    server = app(
        manifest(QUEUE, "probe") + '[[route]]\npath = "/..."\ncomponent = "worker"\n'
    )
    status, text = server.get("/describe", {"cusp-queue": "jobs", "cusp-message-id": "1"})
    assert status == 200
    assert "cusp-queue" not in text
    assert "cusp-message-id" not in text


class Outside:
    """Sends to the queue from outside of the node, with a token."""

    def __init__(self, tmp_path, start):
        state = str(tmp_path / "state")
        flags = ("--data", "127.0.0.1:0", "--state-dir", state)
        self.server = start(manifest(QUEUE + 'path = "/set/default/last"'), *flags)
        self.url = self.server.wait_for("data API on").split()[-1]
        self.tokens = {
            name: self.token(state, *flags)
            for name, flags in {
                "write": ("--store", "queue:jobs", "--write"),
                "read": ("--store", "queue:jobs"),
                "other": ("--store", "queue:other", "--write"),
            }.items()
        }

    def token(self, state, *flags):
        made = cusp("token", "create", "works", *flags, "--json", "--state-dir", state)
        assert made.returncode == 0, made.stderr
        return json.loads(made.stdout)["token"]

    def send(self, path="messages", body=b"x", token="write", name="works/jobs"):
        request = urllib.request.Request(f"{self.url}/queues/{name}/{path}", data=body)
        request.add_header("authorization", f"Bearer {self.tokens.get(token, token)}")
        request.add_header("content-type", "text/plain")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


@pytest.fixture
def outside(tmp_path, app):
    return Outside(tmp_path, app)


def test_programs_outside_send_with_a_token(outside):
    status, answer = outside.send(body=b"hello")
    assert (status, len(answer["ids"])) == (202, 1)
    wait_until(lambda: kv(outside.server, "last") == "hello")
    items = [{"body": "a"}, {"body_base64": base64.b64encode(b"b").decode(), "delay": "100ms"}]
    status, answer = outside.send("messages/batch", json.dumps({"messages": items}).encode())
    assert (status, len(answer["ids"])) == (202, 2)
    wait_until(lambda: kv(outside.server, "last") == "b")


@pytest.mark.parametrize(
    "arguments, status, error",
    [
        ({"token": "nonsense"}, 401, "token"),
        ({"token": "read"}, 403, "not for sending"),
        ({"token": "other"}, 403, "not for sending"),
        ({"name": "bank/jobs"}, 403, "not for sending"),
        ({"name": "works/%00"}, 403, "not for sending"),
        ({"path": "letters"}, 404, "/messages"),
        ({"path": "messages/x"}, 404, "POST /"),
        ({"path": "messages?delay=soon"}, 400, "duration"),
        ({"path": "messages?delay=25h"}, 400, "24 hours"),
        ({"path": "messages?x=1"}, 400, "delay="),
        ({"body": b"x" * (256 * 1024 + 1)}, 413, "larger than 256 KiB"),
        ({"path": "messages/batch", "body": b"{"}, 400, "array 'messages'"),
        ({"path": "messages/batch", "body": b"[" * 100_000}, 400, "array 'messages'"),
        ({"path": "messages/batch", "body": b'{"messages": []}'}, 400, "1 to 100"),
        ({"path": "messages/batch", "body": b'{"messages": [5]}'}, 400, "messages[0]"),
        (
            {"path": "messages/batch", "body": b'{"messages": [{"body": 5}]}'},
            400,
            "messages[0]: 'body' is a string",
        ),
        (
            {"path": "messages/batch", "body": b'{"messages": [{"body_base64": "?"}]}'},
            400,
            "is not base64",
        ),
        (
            {
                "path": "messages/batch",
                "body": json.dumps({"messages": [{"body": "x"}] * 101}).encode(),
            },
            400,
            "1 to 100",
        ),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_is_sent(outside, arguments, status, error):
    answer = outside.send(**arguments)
    assert answer[0] == status, answer
    assert error in answer[1]["error"]
    assert kv(outside.server, "last") is None


def test_metrics_count_what_triggers_do(tmp_path, app):
    flags = ("--admin", "127.0.0.1:0", "--state-dir", str(tmp_path / "state"))
    server = app(manifest(QUEUE + 'path = "/set/default/last"'), *flags)
    admin = server.wait_for(r"admin API on http://[\w.]+:\d+").split()[-1]
    queue(server, "send", "jobs", "hello")

    def counted():
        with urllib.request.urlopen(f"{admin}/metrics", timeout=20) as answer:
            text = answer.read().decode()
        return re.search(r"cusp_queue_messages_total\{[^}]*done[^}]*\} 1", text)

    wait_until(counted)


def test_the_command_line_sends_receives_and_looks(app):
    server = app(manifest(""))  # no trigger: nobody takes them
    queue(server, "send", "jobs", "a", "--type", "text/plain")
    queue(server, "send", "jobs", "later", "--delay", "1h")
    assert counts(server) == [1, 0, 1, 0]
    peeked = json.loads(queue(server, "peek", "jobs"))
    assert (peeked["body"], peeked["content_type"]) == ("a", "text/plain")
    kept = json.loads(queue(server, "receive", "jobs", "--keep", "--visibility", "100ms"))
    assert kept["deliveries"] == 1
    taken = json.loads(wait_until(lambda: queue(server, "receive", "jobs")))
    assert taken["deliveries"] == 2
    assert counts(server) == [0, 0, 1, 0]
    binary = cusp("queue", "send", "jobs", "--delay", "x", cwd=server.folder)
    assert binary.returncode == 2
    assert "duration" in binary.stderr
    queue(server, "retry", "jobs", "no-such-id", code=3)
    queue(server, "retry", "jobs", code=2)
    queue(server, "purge", "jobs")
    assert "queue:" not in cusp("kv", "stores", cwd=server.folder).stdout
