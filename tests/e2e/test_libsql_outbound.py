"""A guest's database on a libSQL server: a node's own endpoint, and servers that only say so."""

import contextlib
import http.server
import itertools
import json
import socket
import threading
import time
import urllib.error
import urllib.request

import pytest
from cli_driver import Server, cusp, guest
from conftest import nodes

TOKEN = "t0ken-of-the-test"


class Home:
    """A node with the database 'orders' of the app 'shop'."""

    def __init__(self, folder):
        folder.mkdir()
        self.state = folder / "state"
        self.state.mkdir()
        (folder / "cusp.toml").write_text(
            f'name = "shop"\n[component.web]\nsource = "{guest("hello-wat")}"\n'
            'sqlite_databases = ["orders"]\n[[route]]\npath = "/..."\ncomponent = "web"\n'
        )
        self.node = Server(
            "serve", str(folder), "--listen", "127.0.0.1:0", "--data", "127.0.0.1:0",
            "--state-dir", str(self.state),
        )  # fmt: skip
        self.url = self.node.wait_for("data API on").split()[-1] + "/sql/shop/orders"

    def token(self, *flags):
        made = cusp(
            "token", "create", "shop", "--store", "sql:orders", *flags, "--json",
            "--state-dir", str(self.state),
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        return json.loads(made.stdout)["token"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("home") / "shop")
    yield home
    assert home.node.stop() == 0


@pytest.fixture
def app(tmp_path, state):
    """A node with an app whose database 'there' is at the URL given."""
    numbers = itertools.count()
    with nodes(state) as start:

        def serve(url, token=TOKEN, name="stores-spin-7", more=""):
            folder = tmp_path / str(next(numbers))
            folder.mkdir()
            (folder / "cusp.toml").write_text(
                f'name = "asks"\n[component.it]\nsource = "{guest(name)}"\n'
                f'sqlite_databases = ["there", "here"]\n[[route]]\npath = "/..."\n'
                f'component = "it"\n{more}'
            )
            config = folder / "runtime-config.toml"
            config.write_text(
                f'[sqlite_database.there]\ntype = "libsql"\nurl = "{url}"\ntoken = "{token}"\n'
            )
            return start(folder, "--runtime-config", str(config))

        yield serve


def ask(server, *statements, database="there", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    status, text = server._ask("POST", f"/sql3/{database}", "\n".join(statements).encode(), named)
    assert status == 200, text
    return text.split("\n")


def rows(answer):
    return answer.split(" changes ")[0]


@pytest.mark.parametrize("name", ["stores-spin-5", "stores-spin-7"])
def test_values_of_all_kinds_go_there_and_come_back(app, home, name):
    server = app(home.url, home.token("--write"), name)
    answers = ask(
        server,
        "DROP TABLE IF EXISTS kinds",
        "CREATE TABLE kinds (a, b, c, d, e)",
        "INSERT INTO kinds VALUES (9223372036854775807, -2.5, ? || 'ünï', x'00ff80', NULL)",
        "SELECT a, b, c, d, e FROM kinds",
        x_parameter="it's",
    )
    assert not any("error" in answer for answer in answers), answers
    assert '["a", "b", "c", "d", "e"]' in answers[3]
    for part in ("9223372036854775807", "-2.5", "it'sünï", "[0, 255, 128]"):
        assert part in answers[3], answers[3]
    # Here is another database, of the node itself.
    assert "no such table: kinds" in ask(server, "SELECT * FROM kinds", database="here")[0]


def test_counts_are_those_of_the_server(app, home):
    server = app(home.url, home.token("--write"))
    answers = ask(
        server,
        "DROP TABLE IF EXISTS counted",
        "CREATE TABLE counted (a INTEGER PRIMARY KEY)",
        "INSERT INTO counted VALUES (40), (41), (42)",
        "UPDATE counted SET a = a + 100 WHERE a > 40",
        "UPDATE counted SET a = 1 WHERE a = 999",
    )
    assert answers[2].endswith("changes 3 rowid 42")
    assert answers[3].endswith("changes 2 rowid 42")
    assert answers[4].endswith("changes 0 rowid 42")


def test_a_transaction_stays_on_its_connection_and_ends_with_it(app, home):
    server = app(home.url, home.token("--write"))
    ask(server, "DROP TABLE IF EXISTS t", "CREATE TABLE t (a)")
    begun = ask(server, "BEGIN", "INSERT INTO t VALUES (1)", "SELECT count(*) FROM t")
    assert "1" in rows(begun[2])
    # The request has ended without a COMMIT: nobody waits for the server to find out by itself.
    at = time.monotonic()
    committed = ask(server, "BEGIN", "INSERT INTO t VALUES (2)", "COMMIT", "SELECT a FROM t")
    assert time.monotonic() - at < 4
    assert "error" not in str(committed), committed
    assert "2" in rows(committed[3]) and "1)" not in rows(committed[3])


def test_an_error_of_sql_is_told_in_the_server_s_words_and_the_connection_goes_on(app, home):
    server = app(home.url, home.token("--write"))
    answers = ask(
        server,
        "DROP TABLE IF EXISTS once",
        "CREATE TABLE once (a UNIQUE)",
        "INSERT INTO once VALUES (1)",
        "INSERT INTO once VALUES (1)",
        "SELEKT 1",
        "SELECT 'after'",
    )
    assert "UNIQUE constraint failed: once.a" in answers[3]
    assert 'near \\"SELEKT\\": syntax error' in answers[4]
    assert "after" in answers[5]


def test_a_token_that_may_not_is_an_error_that_does_not_show_it(app, home):
    token = home.token()
    server = app(home.url, token)
    (refused,) = ask(server, "CREATE TABLE no (a)")
    assert "the token may read this database, not change it" in refused
    stranger = app(home.url, "wr0ng")
    (refused,) = ask(stranger, "SELECT 1")
    assert "answers 401" in refused and "wr0ng" not in refused
    assert "wr0ng" not in stranger.output and token not in server.output


def test_a_stream_that_the_server_has_given_up_is_opened_again(app):
    """As long as no transaction was in it."""
    seen = []

    def answer(request):
        seen.append(request["baton"])
        if request["baton"] == "old":
            return 400, {"message": "too old", "code": "STREAM_EXPIRED"}
        return 200, result([["x"]], baton="old")

    with libsql(answer) as url:
        answers = ask(app(url), "SELECT 1", "SELECT 2")
    assert "error" not in str(answers), answers
    assert seen[:3] == [None, "old", None]


def test_a_transaction_that_is_lost_ends_its_connection(app):
    def answer(request):
        if request["baton"] is None:
            return 200, result([], baton="one", autocommit=False)
        return 400, {"message": "too old", "code": "STREAM_EXPIRED"}

    with libsql(answer) as url:
        begun, lost, after = ask(app(url), "BEGIN", "INSERT INTO t VALUES (1)", "COMMIT")
    assert "error" not in begun
    assert "answers 400: too old" in lost
    assert "was lost in a transaction; open another one" in after


def test_a_stream_goes_on_where_the_same_host_says_and_nowhere_else(app):
    asked = []

    def other(request):
        asked.append(request)
        return 200, result([["other"]])

    with libsql(other) as elsewhere:
        with libsql(lambda _: (200, result([["x"]], baton="b", base_url=elsewhere))) as url:
            server = app(url)
            assert "other" in rows(ask(server, "SELECT 1", "SELECT 2")[1])
        asked.clear()
        foreign = elsewhere.replace("127.0.0.1", "localhost")
        with libsql(lambda _: (200, result([["x"]], baton="b", base_url=foreign))) as url:
            (refused, _) = ask(app(url), "SELECT 1", "SELECT 2")
            assert "to another host, which is refused" in refused
    assert asked == []


def result(values, baton=None, base_url=None, autocommit=True, columns=1):
    """What a server says to a statement that answers texts."""
    return {
        "baton": baton,
        "base_url": base_url,
        "results": [
            {"type": "ok", "response": {"type": "execute", "result": {
                "cols": [{"name": "a", "decltype": None}] * columns,
                "rows": [[{"type": "text", "value": one} for one in row] for row in values],
                "affected_row_count": 0, "last_insert_rowid": None}}},
            {"type": "ok", "response": {"type": "get_autocommit", "is_autocommit": autocommit}},
        ],
    }  # fmt: skip


@contextlib.contextmanager
def libsql(answer):
    """A server that answers each pipeline with `answer`'s status and body, JSON or bytes."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            length = int(self.headers["content-length"])
            status, body = answer(json.loads(self.rfile.read(length)))
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            with contextlib.suppress(OSError):
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                if status == 302:
                    self.send_header("location", "/elsewhere")
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def without(answer, *path):
    *way, last = path
    place = answer
    for step in way:
        place = place[step]
    del place[last]
    return answer


LONG = b"[" * 1_000_000
EXECUTED = ("results", 0, "response", "result")


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (200, b"<html>", "does not speak Hrana 3"),
        (200, b"", "does not speak Hrana 3"),
        (200, LONG, "does not speak Hrana 3"),
        (200, {"results": []}, "does not speak Hrana 3"),
        (200, {"results": [{"type": "ok"}, {"type": "ok"}]}, "whether a transaction is open"),
        (200, without(result([["x"]]), *EXECUTED, "rows"), "'cols', 'rows' and 'affected_row_co"),
        (200, result([["x", "y"]]), "one value for each column"),
        (200, result([[7]]), "a value of type text has no text"),
        (200, result([["x"]] * 100_001), "more than 100000 rows"),
        (200, b" " * 20_000_000, "more than 16777216 bytes"),
        (200, result([["x"]], baton="b" * 10_000), "its baton is too long"),
        (302, b"", "answers 302"),
        (401, {"error": "who are you"}, "answers 401: who are you"),
        (500, {"message": "x" * 5000}, "answers 500: " + "x" * 1000),
        (500, b"<html>", "answers 500"),
    ],
    ids=[
        "html", "nothing", "deep", "no results", "empty results", "no rows", "wide row", "no text",
        "endless rows", "endless bytes", "long baton", "redirect", "refused", "long error",
        "no JSON",
    ],
)  # fmt: skip
def test_a_server_that_lies_costs_its_statement_and_nothing_else(app, status, body, text):
    with libsql(lambda _: (status, body)) as url:
        server = app(url)
        assert text in ask(server, "SELECT 1")[0]
        assert "here" in ask(server, "SELECT 'here'", database="here")[0]


def test_a_silent_server_is_given_up_and_holds_up_nobody(app):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = app(
            f"http://127.0.0.1:{silent.getsockname()[1]}",
            more='[sqlite.there]\nstatement_time = "2s"\n',
        )
        answers = []
        waiting = threading.Thread(target=lambda: answers.extend(ask(server, "SELECT 1")))
        waiting.start()
        for _ in range(20):
            assert "here" in ask(server, "SELECT 'here'", database="here")[0]
        waiting.join(timeout=20)
        assert "error" in answers[0], answers


def test_a_server_that_never_ends_its_answer_is_given_up(app):
    stop = threading.Event()

    def drip(listener):
        with contextlib.suppress(OSError):
            peer, _ = listener.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
                while not stop.wait(0.1):
                    peer.sendall(b" ")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        server = app(
            f"http://127.0.0.1:{listener.getsockname()[1]}",
            more='[sqlite.there]\nstatement_time = "1s"\n',
        )
        begun = time.monotonic()
        (refused,) = ask(server, "SELECT 1")
        stop.set()
        thread.join()
    assert "took too long" in refused
    assert time.monotonic() - begun < 8


def test_a_server_without_a_certificate_to_trust_is_not_spoken_to(app):
    with socket.create_server(("127.0.0.1", 0)) as plain:
        plain.settimeout(20)
        heard = []

        def serve():
            with contextlib.suppress(OSError):
                connection, _ = plain.accept()
                with connection:
                    heard.append(connection.recv(65536))

        thread = threading.Thread(target=serve)
        thread.start()
        (refused,) = ask(app(f"libsql://127.0.0.1:{plain.getsockname()[1]}"), "SELECT 1")
        thread.join()
    assert "error" in refused
    assert TOKEN.encode() not in heard[0] and heard[0][:1] == b"\x16"  # TLS alone


def write_app(folder, more=""):
    """One whose database 'there' nobody asks, and the flags to serve it."""
    (folder / "cusp.toml").write_text(
        f'name = "asks"\n[component.it]\nsource = "{guest("hello-wat")}"\n'
        'sqlite_databases = ["there", "here"]\n[[route]]\npath = "/..."\ncomponent = "it"\n'
        f"{more}"
    )
    config = folder / "runtime-config.toml"
    config.write_text(
        '[sqlite_database.there]\ntype = "libsql"\nurl = "http://127.0.0.1:1"\ntoken = ""\n'
    )
    return str(folder), "--listen", "127.0.0.1:0", "--runtime-config", str(config)


def test_the_node_does_not_serve_a_database_that_is_elsewhere(tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    server = Server(
        "serve", *write_app(tmp_path), "--data", "127.0.0.1:0", "--state-dir", str(state)
    )
    url = server.wait_for("data API on").split()[-1]
    made = cusp("token", "create", "asks", "--json", "--state-dir", str(state))
    token = json.loads(made.stdout)["token"]
    statuses = {}
    for name in ("there", "here"):
        request = urllib.request.Request(
            f"{url}/sql/asks/{name}/v3/pipeline", b'{"requests": []}',
            {"authorization": f"Bearer {token}"},
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                statuses[name] = answer.status
        except urllib.error.HTTPError as error:
            statuses[name] = error.code
    assert statuses == {"there": 404, "here": 200}
    assert server.stop() == 0
    assert sorted(file.name for file in tmp_path.rglob("*.db")) == ["here.db"]


def test_migrations_of_a_database_that_is_elsewhere_stop_the_start(tmp_path, state):
    (tmp_path / "migrations").mkdir()
    more = '[sqlite.there]\nmigrations = "migrations"\n'
    done = cusp("serve", *write_app(tmp_path, more), "--state-dir", str(state))
    assert done.returncode != 0
    assert "is a libSQL server's" in done.stderr and "cusp.toml:8" in done.stderr, done.stderr


@pytest.mark.parametrize("url", ["ftp://a", "https://", "https://a?authToken=x", "https://u:p@a"])
def test_a_url_that_is_none_of_a_server_s_stops_the_start(tmp_path, state, url):
    flags = write_app(tmp_path)
    config = tmp_path / "runtime-config.toml"
    config.write_text(f'[sqlite_database.there]\ntype = "libsql"\nurl = "{url}"\ntoken = ""\n')
    done = cusp("serve", *flags, "--state-dir", str(state))
    assert done.returncode != 0
    assert f"{config}:3:7" in done.stderr, done.stderr
