"""`cusp kv` and `cusp sql`: a look into stores, whether a node has them open or not."""

import contextlib
import json
import os
import pty
import select
import signal
import sqlite3
import subprocess
import time

import pytest
from cli_driver import CUSP, cusp, wait_until
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


def test_a_node_that_runs_does_what_the_commands_ask(app, state):
    with nodes(state) as start:
        server = start(app)
        assert run("kv", "get", "greeting", cwd=app).stdout == "hello"
        assert run("kv", "stores", cwd=app).stdout == "keeps default\nkeeps other\n"
        assert run("kv", "set", "mark", "1", cwd=app).returncode == 0
        assert ask(server, "/get/default/mark") == "some: 1"
        lines = "".join(f'{{"key":"user/{i}","value":"{i}"}}\n' for i in range(1200))
        assert run("kv", "import", text=lines, cwd=app).returncode == 0
        assert ask(server, "/get/default/user/1199") == "some: 1199"
        assert len(run("kv", "list", "user/", cwd=app).stdout.splitlines()) == 1200
        assert len(run("kv", "export", "user/1", cwd=app).stdout.splitlines()) == 311
        assert run("kv", "delete", "mark", cwd=app).returncode == 0
        assert ask(server, "/get/default/mark") == "none"
        (app / "migrations").mkdir()
        (app / "migrations/001.sql").write_text("CREATE TABLE u (a); INSERT INTO u VALUES (1);")
        migrated = run("sql", "default", "--migrate", "migrations", cwd=app)
        assert "1 migration applied" in migrated.stderr
        script = "BEGIN; INSERT INTO t VALUES (8); COMMIT; SELECT sum(t.a + u.a) s FROM t, u"
        assert run("sql", "default", text=script, cwd=app).stdout == "1 row changed\ns\n17\n"
        assert "8" in ask(server, "/sql3/default", "SELECT max(a) FROM t")


def test_a_node_that_runs_answers_with_the_errors_of_its_stores(app, state):
    with nodes(state) as start:
        start(app)
        assert run("kv", "get", "missing", cwd=app).returncode == 3
        assert run("kv", "set", "k" * 513, "1", cwd=app).returncode == 2
        wrong = run("sql", "default", "SELEC", cwd=app)
        assert wrong.returncode == 2 and "syntax error" in wrong.stderr
        assert run("sql", "nowhere", "SELECT 1", cwd=app).returncode == 3
        # A shell that is ended within a transaction leaves none behind.
        with subprocess.Popen(
            [CUSP, "sql", "default"], cwd=app, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as shell:
            shell.stdin.write(b"BEGIN; INSERT INTO t VALUES (99); SELECT max(a) FROM t;\n")
            shell.stdin.flush()
            assert [shell.stdout.readline() for _ in range(3)][2] == b"99\n"
            shell.kill()
        assert run("sql", "default", "SELECT max(a) m FROM t", cwd=app).stdout == "m\n7\n"
        assert run("sql", "default", "INSERT INTO t VALUES (10)", cwd=app).returncode == 0


def test_a_database_is_dumped_and_imported_while_nodes_run(app, tmp_path_factory, state):
    other = write_app(tmp_path_factory.mktemp("other"), "stores-spin-5")
    fill = "INSERT INTO t VALUES ('it''s'), (x'00ff'), (replace(hex(zeroblob(150000)), '00', 'é'));"
    with nodes(state) as start:
        start(app)
        assert run("sql", "default", text=fill, cwd=app).returncode == 0
        dumped = run("sql", "default", "--dump", cwd=app)
        assert dumped.returncode == 0 and "VALUES('it''s');" in dumped.stdout
        copy = sqlite3.connect(":memory:")
        copy.executescript(dumped.stdout)
        assert copy.execute("SELECT count(*), max(length(a)) FROM t").fetchone() == (4, 150000)
    (other / "dump.sql").write_text(dumped.stdout)
    with nodes(state) as start:
        server = start(other)
        imported = run("sql", "default", "--import", "dump.sql", "--app", "keeps", cwd=other)
        assert "6 statements imported" in imported.stderr
        assert "150000" in ask(server, "/sql3/default", "SELECT max(length(a)) FROM t")
        again = run("sql", "default", "--import", "dump.sql", "--app", "keeps", cwd=other)
        assert again.returncode == 2 and "line 3" in again.stderr
        assert "already exists" in again.stderr
    assert run("sql", "default", "--dump", "--app", "keeps", cwd=other).stdout == dumped.stdout
    missing = run("sql", "default", "--import", "none.sql", "--app", "keeps", cwd=other)
    assert missing.returncode == 3


def test_a_folder_without_stores_is_told(tmp_path):
    missing = cusp("kv", "list", "--stores-dir", str(tmp_path / "none"))
    assert missing.returncode == 3 and "--stores-dir" in missing.stderr
    assert not (tmp_path / "none").exists()


class Terminal:
    """A SQL shell as a person has it."""

    def __init__(self, folder, home):
        self.pid, self.end = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            environment = {"TERM": "vt100", "HOME": str(home), "LC_ALL": "C.UTF-8"}
            os.execve(CUSP, [str(CUSP), "sql", "default"], os.environ | environment)
        self.read_until("sql> ")

    def read_until(self, text):
        seen = ""
        deadline = time.monotonic() + 30
        while text not in seen:
            assert time.monotonic() < deadline, seen
            if select.select([self.end], [], [], 0.1)[0]:
                seen += os.read(self.end, 4096).decode(errors="replace")
        return seen

    def type(self, keys):
        os.write(self.end, keys.encode())

    def leave(self):
        """Ctrl-D, again where the shell was not reading yet; the exit code."""
        deadline = time.monotonic() + 30
        while (ended := os.waitpid(self.pid, os.WNOHANG))[0] == 0:
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
            with contextlib.suppress(OSError):  # it has gone meanwhile
                os.write(self.end, b"\x04")
                if select.select([self.end], [], [], 0.2)[0]:
                    os.read(self.end, 4096)
        os.close(self.end)
        return os.waitstatus_to_exitcode(ended[1])


def test_a_sql_shell_remembers_what_was_typed(app, tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    history = tmp_path / ".local" / "state" / "cusp" / "sql_history"
    up, left = "\x1b[A", "\x1b[D"
    shell = Terminal(app, tmp_path)
    shell.type("SELECT * FROM nothing;\rINSERT INTO t\rVALUES ('eins');\r")
    wait_until(lambda: history.exists() and "VALUES" in history.read_text())
    assert shell.leave() == 0  # it has gone on after the error
    assert history.stat().st_mode & 0o777 == 0o600
    shell = Terminal(app, tmp_path)
    shell.type(up + left * 3 + " und zwei\r")
    wait_until(lambda: "zwei" in history.read_text())
    assert shell.leave() == 0
    rows = cusp("sql", "default", "SELECT a FROM t", cwd=app).stdout
    assert "eins und zwei" in rows
