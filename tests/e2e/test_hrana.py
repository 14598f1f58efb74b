"""SQL databases over Hrana: libSQL's own clients as they come from npm, and hostile ones."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from cli_driver import Server, cusp, guest

SCRIPT = Path(__file__).parent / "js" / "libsql.mjs"


class Data:
    """A node with the database 'orders' of the app 'shop', and tokens for it."""

    def __init__(self, folder, shared_state):
        self.state = folder / "state"
        self.state.mkdir()
        (folder / "cusp.toml").write_text(
            f'name = "shop"\n[component.web]\nsource = "{guest("hello-wat")}"\n'
            'sqlite_databases = ["orders", "other"]\n[[route]]\npath = "/..."\ncomponent = "web"\n'
        )
        self.node = Server(
            "serve", str(folder), "--listen", "127.0.0.1:0", "--data", "127.0.0.1:0",
            "--state-dir", str(self.state), "--shards", "2",
        )  # fmt: skip
        self.url = self.node.wait_for("data API on").split()[-1]
        self.write = self.token("--store", "sql:orders", "--write")["token"]
        self.read = self.token("--store", "sql:orders")["token"]

    def token(self, *flags, app="shop"):
        made = cusp("token", "create", app, *flags, "--json", "--state-dir", str(self.state))
        assert made.returncode == 0, made.stderr
        return json.loads(made.stdout)

    def ask(self, body, token=None, path="sql/shop/orders/v3/pipeline", method=None):
        """Status and body, of JSON or as it is."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/{path}", data=data, method=method)
        request.add_header("authorization", f"Bearer {token or self.write}")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def run(self, *requests, baton=None, token=None):
        status, body = self.ask({"baton": baton, "requests": list(requests)}, token)
        assert status == 200, body
        return body

    def execute(self, sql, **more):
        result = self.run({"type": "execute", "stmt": {"sql": sql}}, CLOSE, **more)["results"][0]
        return result.get("error") or result["response"]["result"]


CLOSE = {"type": "close"}


@pytest.fixture(scope="module")
def data(tmp_path_factory, state):
    data = Data(tmp_path_factory.mktemp("hrana"), state)
    yield data
    assert data.node.stop() == 0


def execute(sql, *args, **more):
    return {"type": "execute", "stmt": {"sql": sql, "args": list(args), **more}}


def batch_with(condition):
    step = {"stmt": {"sql": "SELECT 1"}, "condition": condition}
    return {"type": "batch", "batch": {"steps": [step]}}


def test_the_clients_of_libsql_work_as_they_are(data):
    clients = os.environ.get("CUSP_JS_CLIENTS")
    if not clients:
        pytest.skip("CUSP_JS_CLIENTS names no folder with the clients of tools/js_clients")
    run = subprocess.run(
        ["node", SCRIPT, f"{data.url}/sql/shop/orders", data.write, data.read],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    seen = {step["step"]: step["value"] for step in map(json.loads, run.stdout.splitlines())}
    failures = ("constraint", "failed batch", "reader writes", "no token", "serverless error")
    refused = {name: seen.pop(name, "") for name in failures}
    assert seen == {
        "insert": [1, 1],
        "row": [1, "é", [0, 1, 255], 1.5],
        "after failed batch": 1,
        "within": 2,
        "rolled back": 1,
        "read transaction": 1,
        "script": 2,
        "reader reads": 2,
        "serverless row": {"a": 2},
        "serverless cursor": 5000,
        "serverless batch": 3,
    }, run.stderr
    assert "UNIQUE constraint failed: t.name" in refused["constraint"]
    assert refused["constraint"].startswith("SQLITE_CONSTRAINT_UNIQUE")
    assert "UNIQUE constraint failed: t.name" in refused["failed batch"]
    assert "may read this database, not change it" in refused["reader writes"]
    assert "token" in refused["no token"]
    assert "no such column: nope" in refused["serverless error"]


def test_values_come_back_as_they_went(data):
    values = [
        {"type": "null"},
        {"type": "integer", "value": "-9223372036854775808"},
        {"type": "integer", "value": "9007199254740993"},
        {"type": "float", "value": 0.1},
        {"type": "text", "value": "a\0b 😀"},
        {"type": "blob", "base64": "AP8="},
        {"type": "blob", "base64": ""},
    ]
    result = data.run(execute("SELECT ?, ?, ?, ?, ?, ?, ?", *values), CLOSE)
    assert result["results"][0]["response"]["result"]["rows"] == [values]
    named = {"name": "n", "value": {"type": "text", "value": "x"}}
    result = data.run(execute("SELECT :n", named_args=[named]), CLOSE)["results"][0]
    assert result["response"]["result"]["rows"] == [[named["value"]]]
    quiet = data.run(execute("SELECT 1", want_rows=False), CLOSE)["results"][0]
    assert quiet["response"]["result"]["rows"] == []


def test_a_stream_goes_on_under_its_baton_and_each_baton_opens_once(data):
    data.execute("CREATE TABLE IF NOT EXISTS s (a)")
    insert = execute("INSERT INTO s VALUES (1)")
    first = data.run(execute("BEGIN"), insert, {"type": "get_autocommit"})
    assert first["results"][2]["response"]["is_autocommit"] is False
    second = data.run(execute("SELECT count(*) FROM s"), baton=first["baton"])
    assert second["results"][0]["response"]["result"]["rows"][0][0]["value"] == "1"
    assert second["baton"] not in (None, first["baton"])
    again = data.ask({"baton": first["baton"], "requests": []})
    assert again[0] == 400 and again[1]["code"] == "STREAM_EXPIRED"
    stolen = data.ask({"baton": second["baton"], "requests": []}, data.read)
    assert stolen[0] == 400
    elsewhere = data.token("--write")["token"]
    assert data.ask({"baton": second["baton"], "requests": []}, elsewhere,
                    "sql/shop/other/v3/pipeline")[0] == 400  # fmt: skip
    last = data.run(execute("ROLLBACK"), CLOSE, execute("SELECT 1"), baton=second["baton"])
    assert last["baton"] is None
    assert last["results"][2]["error"]["message"] == "the stream is closed"
    assert data.execute("SELECT count(*) FROM s")["rows"][0][0]["value"] == "0"


def test_a_batch_follows_its_conditions(data):
    skipped_or_automatic = [{"type": "error", "step": 2}, {"type": "is_autocommit"}]
    steps = [
        {"stmt": {"sql": "SELECT 1"}},
        {"stmt": {"sql": "SELECT nope"}, "condition": {"type": "ok", "step": 0}},
        {"stmt": {"sql": "SELECT 2"}, "condition": {"type": "ok", "step": 1}},
        {"stmt": {"sql": "SELECT 3"}, "condition": {"type": "error", "step": 1}},
        {
            "stmt": {"sql": "SELECT 4"},
            "condition": {
                "type": "and",
                "conds": [
                    {"type": "not", "cond": {"type": "ok", "step": 2}},
                    {"type": "or", "conds": skipped_or_automatic},
                ],
            },
        },
    ]
    result = data.run({"type": "batch", "batch": {"steps": steps}}, CLOSE)["results"][0]
    result = result["response"]["result"]
    values = [r and r["rows"][0][0]["value"] for r in result["step_results"]]
    assert values == ["1", None, None, "3", "4"]
    assert [bool(e) for e in result["step_errors"]] == [False, True, False, False, False]
    body = {"baton": None, "batch": {"steps": steps}}
    status, text = data.ask(body, path="sql/shop/orders/v3/cursor")
    assert status == 200
    entries = [json.loads(line) for line in text.splitlines()]
    assert entries[0]["baton"]
    kinds = [(entry["type"], entry.get("step")) for entry in entries[1:]]
    assert kinds == [
        ("step_begin", 0), ("row", None), ("step_end", None), ("step_error", 1),
        ("step_begin", 3), ("row", None), ("step_end", None),
        ("step_begin", 4), ("row", None), ("step_end", None),
    ]  # fmt: skip
    assert data.run(CLOSE, baton=entries[0]["baton"])["baton"] is None


def test_texts_are_stored_described_and_run_in_sequence(data):
    store = {"type": "store_sql", "sql_id": 7, "sql": "SELECT 1 AS one WHERE :a = $b"}
    result = data.run(
        store, store, {"type": "describe", "sql_id": 7}, {"type": "close_sql", "sql_id": 7},
        {"type": "describe", "sql_id": 7},
        {"type": "sequence", "sql": "CREATE TABLE q (a); INSERT INTO q VALUES (';'); -- done"},
        {"type": "sequence", "sql": "INSERT INTO q VALUES (2); nonsense; INSERT INTO q VALUES (3)"},
        CLOSE,
    )["results"]  # fmt: skip
    assert [r["type"] for r in result] == ["ok", "error", "ok", "ok", "error", "ok", "error", "ok"]
    described = result[2]["response"]["result"]
    assert [p["name"] for p in described["params"]] == [":a", "$b"]
    assert described["cols"] == [{"name": "one", "decltype": None}]
    assert described["is_readonly"] is True
    assert data.execute("SELECT count(*) FROM q")["rows"][0][0]["value"] == "2"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"\xff", b'{"requests": 1}', b'{"baton": 1, "requests": []}',
        b'{"baton": "x", "requests": []}', b'{"requests": [' + b"{}," * 1001 + b"{}]}",
        b"[" * 100_000,
    ],
    ids=range(10),
)  # fmt: skip
def test_what_is_no_pipeline_is_refused(data, body):
    status, answer = data.ask(body)
    assert status == 400 and answer["message"] and answer["code"], answer


@pytest.mark.parametrize(
    "request_",
    [
        {}, 1, None, {"type": 1}, {"type": "nope"}, {"type": "execute"},
        {"type": "execute", "stmt": 1}, {"type": "execute", "stmt": {}},
        {"type": "execute", "stmt": {"sql": "SELECT 1", "sql_id": 1}},
        {"type": "execute", "stmt": {"sql_id": 1}},
        {"type": "execute", "stmt": {"sql_id": 1 << 40}},
        execute("SELECT ?", {"type": "integer", "value": 1}),
        execute("SELECT ?", {"type": "integer", "value": "1x"}),
        execute("SELECT ?", {"type": "integer", "value": "99999999999999999999"}),
        execute("SELECT ?", {"type": "float", "value": "1"}),
        execute("SELECT ?", {"type": "blob", "base64": "?"}),
        execute("SELECT ?", {"type": "date"}), execute("SELECT 1", args=1),
        execute("SELECT 1; SELECT 2"), execute("ATTACH 'x' AS y"), execute("nonsense"),
        execute("PRAGMA journal_mode = OFF; SELECT 1"), execute(""),
        {"type": "sequence", "sql": "SELECT 'open"},
        batch_with({"type": "ok", "step": 0}), batch_with({"type": "and", "conds": 1}),
    ],
    ids=range(26),
)  # fmt: skip
def test_a_request_that_is_wrong_is_an_error_of_its_own(data, request_):
    wrong, right = data.run(request_, execute("SELECT 5"), CLOSE)["results"][:2]
    assert wrong["type"] == "error" and wrong["error"]["message"], wrong
    assert right["response"]["result"]["rows"][0][0]["value"] == "5"


def test_conditions_that_stand_too_deep_are_refused(data):
    condition = {"type": "is_autocommit"}
    for _ in range(200):
        condition = {"type": "not", "cond": condition}
    result = data.run(batch_with(condition), CLOSE)["results"][0]
    assert "too deep" in result["error"]["message"]


def test_a_body_over_the_limit_is_refused(data):
    status, answer = data.ask(b'{"baton": null, "requests": [], "x": "' + b"x" * (17 << 20) + b'"}')
    assert status == 413 and "16 MiB" in answer["message"]


def test_nobody_comes_without_a_token_for_the_database(data):
    other_app = data.token("--write", app="blog")["token"]
    other_store = data.token("--store", "kv:orders", "--write")["token"]
    gone = data.token("--store", "sql:*", "--write")
    for token, status in (
        ("x", 401), (data.write + "x", 401), (data.write[:-1], 401), (other_app, 403),
        (other_store, 403), (gone["token"], 200),
    ):  # fmt: skip
        assert data.ask({"baton": None, "requests": []}, token)[0] == status, token
    unknown = "sql/shop/none/v3/pipeline"
    assert data.ask({"baton": None, "requests": []}, gone["token"], unknown)[0] == 404
    assert cusp("token", "revoke", gone["id"], "--state-dir", str(data.state)).returncode == 0
    deadline = time.monotonic() + 10  # the node looks once a second
    while data.ask({"baton": None, "requests": []}, gone["token"])[0] != 401:
        assert time.monotonic() < deadline


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("", "GET", 404), ("v3", "GET", 404), ("sql/shop/orders/v3", "GET", 200),
        ("sql/shop/orders//v2", "GET", 200), ("sql/shop/orders/v3-protobuf", "GET", 404),
        ("sql/shop/orders/v3/pipeline", "GET", 405), ("sql/shop/orders/v3", "POST", 405),
        ("sql/shop/%6frders/v3", "GET", 200), ("sql/shop/../v3", "GET", 403), ("sql//", "GET", 403),
    ],
)  # fmt: skip
def test_every_path_has_its_answer(data, path, method, status):
    assert data.ask(None if method == "GET" else b"{}", path=path, method=method)[0] == status


def test_a_reader_changes_nothing(data):
    data.execute("CREATE TABLE IF NOT EXISTS r (a)")
    for sql in (
        "INSERT INTO r VALUES (1)", "DELETE FROM r", "CREATE TABLE r2 (a)", "DROP TABLE r",
        "PRAGMA user_version = 7", "BEGIN IMMEDIATE",
        "WITH x AS (SELECT 1) INSERT INTO r SELECT * FROM x",
    ):  # fmt: skip
        assert "message" in data.execute(sql, token=data.read), sql
    assert data.execute("SELECT count(*) FROM r", token=data.read)["rows"][0][0]["value"] == "0"
