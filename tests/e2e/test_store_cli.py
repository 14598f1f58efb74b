"""`cusp kv` and `cusp sql`: a look into stores while no node has them open."""

import json
import subprocess

import pytest
from cli_driver import CUSP, cusp
from conftest import nodes
from test_stores import ask, write_app


def run(*arguments, text=None, cwd=None):
    return subprocess.run(
        [CUSP, *arguments], input=text, cwd=cwd, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def app(tmp_path, state):
    """The folder of an app that has written to its stores and has stopped."""
    write_app(tmp_path, "stores-spin-5")
    with nodes(state) as start:
        server = start(tmp_path)
        ask(server, "/set/default/greeting", "hello")
        ask(server, "/set/other/a", "1")
        ask(server, "/sql3/default", "CREATE TABLE t (a)\nINSERT INTO t VALUES (7)")
    return tmp_path


def test_keys_are_read_set_listed_and_deleted(app):
    assert run("kv", "get", "greeting", cwd=app).stdout == "hello"
    assert run("kv", "set", "user/1", "Ann", cwd=app).returncode == 0
    described = run("kv", "set", "user/2", "--metadata", "m", "--ttl", "1h", text="Bob", cwd=app)
    assert described.returncode == 0
    assert run("kv", "list", "user/", cwd=app).stdout == "user/1\nuser/2\n"
    told = [json.loads(line) for line in run("kv", "list", "--json", cwd=app).stdout.splitlines()]
    assert told[0] == {"key": "greeting"} and told[2]["metadata"] == "m" and "expires" in told[2]
    assert run("kv", "delete", "user/1", "greeting", cwd=app).returncode == 0
    assert run("kv", "list", cwd=app).stdout == "user/2\n"
    assert run("kv", "get", "a", "--store", "other", cwd=app).stdout == "1"
    assert run("kv", "stores", cwd=app).stdout == "keeps default\nkeeps other\n"
    gone = run("kv", "get", "greeting", cwd=app)
    assert (gone.returncode, gone.stdout) == (3, "") and "greeting" in gone.stderr


def test_a_guest_reads_what_was_exported_and_imported(app, tmp_path_factory, state):
    exported = run("kv", "export", cwd=app).stdout
    assert json.loads(exported) == {"key": "greeting", "value": "hello"}
    other = write_app(tmp_path_factory.mktemp("other"), "stores-spin-5")
    (other / ".cusp/stores").mkdir(parents=True)
    lines = exported + '{"key":"raw","value_base64":"/w=="}\n\n'
    assert run("kv", "import", "--app", "keeps", text=lines, cwd=other).returncode == 0
    with nodes(state) as start:
        server = start(other)
        assert ask(server, "/get/default/greeting") == "some: hello"
        assert ask(server, "/keys/default") == "greeting raw"


def test_a_line_that_cannot_be_imported_is_named(app):
    bad = run("kv", "import", text='{"key":"a","value":"1"}\n{"key":"b"}\n', cwd=app)
    assert bad.returncode == 2 and "-:2" in bad.stderr and "value_base64" in bad.stderr
    assert run("kv", "import", "missing.jsonl", cwd=app).returncode == 3
    assert run("kv", "set", "a", "1", "--ttl", "soon", cwd=app).returncode == 2
    assert run("kv", "set", "k" * 513, "1", cwd=app).returncode == 2


def test_statements_run_and_migrations_are_applied_once(app):
    assert run("sql", "default", "SELECT a FROM t", cwd=app).stdout == "a\n7\n"
    assert run("sql", "default", "--json", "SELECT a, NULL AS n FROM t", cwd=app).stdout == (
        '{"a":7,"n":null}\n'
    )
    script = "INSERT INTO t VALUES (8);\nBEGIN; INSERT INTO t VALUES (9); COMMIT;\n"
    told = run("sql", "default", text=script + "SELECT sum(a) s FROM t", cwd=app).stdout
    assert told == "1 row changed\n1 row changed\ns\n24\n"
    (app / "migrations").mkdir()
    (app / "migrations/001.sql").write_text("CREATE TABLE u (a); INSERT INTO u VALUES (1);")
    assert "1 migration applied" in run("sql", "default", "--migrate", "migrations", cwd=app).stderr
    again = run("sql", "default", "--migrate", "migrations", cwd=app)
    assert "0 migrations applied" in again.stderr
    assert run("sql", "default", "SELECT a FROM u", cwd=app).stdout == "a\n1\n"
    wrong = run("sql", "default", "SELEC", cwd=app)
    assert wrong.returncode == 2 and "syntax error" in wrong.stderr
    assert run("sql", "nowhere", "SELECT 1", cwd=app).returncode == 3
    assert not (app / ".cusp/stores/sql/keeps/nowhere.db").exists()


def test_stores_that_a_node_has_open_are_left_alone(app, state):
    with nodes(state) as start:
        start(app)
        for arguments in (["kv", "list"], ["sql", "default", "SELECT 1"]):
            refused = run(*arguments, cwd=app)
            assert refused.returncode == 1
            assert "another process has this folder's stores open" in refused.stderr


def test_a_folder_without_stores_is_told(tmp_path):
    missing = cusp("kv", "list", "--stores-dir", str(tmp_path / "none"))
    assert missing.returncode == 3 and "--stores-dir" in missing.stderr
    assert not (tmp_path / "none").exists()
