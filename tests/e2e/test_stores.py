"""Key-value stores and SQL databases as guests use them, by every interface and real SDKs."""

import concurrent.futures

import pytest
from cli_driver import Server, cusp, guest
from conftest import nodes

GRANTS = 'key_value_stores = ["default", "other"]\nsqlite_databases = ["default"]\n'


def write_app(folder, name, grants=GRANTS):
    (folder / "spin.toml").write_text(f"""spin_manifest_version = 2
[application]
name = "keeps"
[[trigger.http]]
route = "/..."
component = "it"
[component.it]
source = "{guest(name)}"
{grants}""")
    return folder


@pytest.fixture
def app(tmp_path, state):
    with nodes(state) as start:
        yield lambda name, grants=GRANTS: start(write_app(tmp_path, name, grants))


def ask(server, path, body=None, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    status, text = server._ask("POST", path, body, named)
    assert status == 200, text
    return text


@pytest.mark.parametrize("name", ["stores-spin-5", "stores-spin-7"])
def test_an_sdk_reads_what_it_has_written(app, name):
    server = app(name)
    assert ask(server, "/get/default/a") == "none"
    assert ask(server, "/set/default/a", "one") == "()"
    assert ask(server, "/set/default/b/with/slashes", "two") == "()"
    assert ask(server, "/get/default/a") == "some: one"
    assert ask(server, "/exists/default/a") == "true"
    assert ask(server, "/keys/default") == "a b/with/slashes"
    assert ask(server, "/get/other/a") == "none"
    assert ask(server, "/delete/default/a") == "()"
    assert ask(server, "/exists/default/a") == "false"
    assert ask(server, "/set/default/big", "x" * 1_000_000) == "()"
    assert ask(server, "/get/default/big") == "some: " + "x" * 1_000_000


@pytest.mark.parametrize("name", ["stores-spin-5", "stores-spin-7"])
def test_what_the_manifest_does_not_name_is_denied(app, name):
    server = app(name, 'key_value_stores = ["other"]\nsqlite_databases = ["other"]')
    assert ask(server, "/get/default/a") == "error: Error::AccessDenied"
    assert ask(server, "/get/other/a") == "none"
    assert ask(server, "/sql3/default", "SELECT 1") == "error: Error::AccessDenied"
    assert '["1"]' in ask(server, "/sql3/other", "SELECT 1")


@pytest.mark.parametrize("name", ["stores-spin-5", "stores-spin-7"])
def test_without_any_grant_every_store_is_denied(app, name):
    server = app(name, "")
    assert ask(server, "/get/default/a") == "error: Error::AccessDenied"
    assert ask(server, "/sql3/default", "SELECT 1") == "error: Error::AccessDenied"


@pytest.mark.parametrize("name", ["stores-spin-5", "stores-spin-7"])
def test_keys_beyond_the_limit_are_an_error_and_the_guest_goes_on(app, name):
    server = app(name)
    assert "513 bytes; at most 512" in ask(server, "/set/default/" + "k" * 513, "x")
    assert "a key cannot be empty" in ask(server, "/get/default/")
    assert ask(server, "/set/default/" + "k" * 512, "x") == "()"


def test_every_key_of_a_large_store_is_listed(app):
    server = app("stores-spin-7")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda i: ask(server, f"/set/default/key-{i:05}", "x"), range(2500)))
    keys = ask(server, "/keys/default").split()
    assert keys == [f"key-{i:05}" for i in range(2500)]


def test_what_is_written_outlives_the_node(tmp_path, state):
    app = write_app(tmp_path, "stores-spin-5")
    with nodes(state) as start:
        server = start(app)
        ask(server, "/set/default/a", "one")
        ask(server, "/sql3/default", "CREATE TABLE t (a)\nINSERT INTO t VALUES (7)")
    with nodes(state) as start:
        server = start(app)
        assert ask(server, "/get/default/a") == "some: one"
        assert "[Value::Integer(7)]" in ask(server, "/sql2/default", "SELECT a FROM t")
    assert (tmp_path / ".cusp/stores/sql/keeps/default.db").exists()


def test_a_second_node_on_the_same_stores_does_not_start(tmp_path, state):
    app = write_app(tmp_path, "stores-spin-5")
    with nodes(state) as start:
        start(app)
        second = cusp("serve", str(app), "--listen", "127.0.0.1:0", "--state-dir", state)
        assert second.returncode == 1
        assert "another process has this folder's stores open" in second.stderr


TABLE = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, score REAL, photo BLOB)"


@pytest.mark.parametrize(
    ("name", "sql"),
    [("stores-spin-5", "sql2"), ("stores-spin-5", "sql3"), ("stores-spin-7", "sql3")],
)
def test_statements_answer_rows(app, name, sql):
    server = app(name)
    ask(server, f"/{sql}/default", TABLE)
    ask(
        server,
        f"/{sql}/default",
        "INSERT INTO t (name, score, photo) VALUES (?, 1.5, x'00ff')",
        x_parameter="O'Hara",
    )
    rows = ask(server, f"/{sql}/default", "SELECT * FROM t WHERE name = ?", x_parameter="O'Hara")
    assert rows.startswith('["id", "name", "score", "photo"] ')
    assert "O'Hara" in rows and "1.5" in rows and "[0, 255]" in rows


@pytest.mark.parametrize("name", ["stores-spin-5", "stores-spin-7"])
def test_a_connection_tells_what_it_has_changed(app, name):
    server = app(name)
    ask(server, "/sql3/default", TABLE)
    first, second, third = ask(
        server,
        "/sql3/default",
        "INSERT INTO t (name) VALUES ('a'), ('b')\n"
        "UPDATE t SET score = 1 WHERE id = 1\n"
        "SELECT last_insert_rowid(), changes()",
    ).splitlines()
    assert first.endswith("changes 2 rowid 2")
    assert second.endswith("changes 1 rowid 2")
    assert "(2)" in third and "(1)" in third


@pytest.mark.parametrize("name", ["stores-spin-5", "stores-spin-7"])
def test_a_transaction_is_one_connection_s_and_ends_with_its_request(app, name):
    server = app(name)
    ask(server, "/sql3/default", "CREATE TABLE t (a)")
    ask(server, "/sql3/default", "BEGIN\nINSERT INTO t VALUES (1)\nCOMMIT")
    # Whoever leaves a transaction open when the request ends has changed nothing.
    ask(server, "/sql3/default", "BEGIN\nINSERT INTO t VALUES (2)")
    ask(server, "/sql3/default", "INSERT INTO t VALUES (3)")
    assert "4" in ask(server, "/sql3/default", "SELECT sum(a) FROM t")


@pytest.mark.parametrize("name", ["stores-spin-5", "stores-spin-7"])
def test_an_error_of_sql_is_told_in_sqlite_s_words(app, name):
    server = app(name)
    answers = ask(
        server,
        "/sql3/default",
        "SELEC 1\nSELECT * FROM nowhere\nATTACH 'x' AS y\nCREATE TABLE u (a UNIQUE)\n"
        "INSERT INTO u VALUES (1)\nINSERT INTO u VALUES (1)\nSELECT 1; SELECT 2",
    ).splitlines()
    assert "syntax error" in answers[0]
    assert "no such table: nowhere" in answers[1]
    assert "ATTACH" in answers[2]
    assert "UNIQUE constraint failed: u.a" in answers[5]
    assert "more than one SQL statement" in answers[6]


def test_requests_at_once_lose_no_row(app):
    server = app("stores-spin-5")
    ask(server, "/sql3/default", "CREATE TABLE t (a)")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        insert = "INSERT INTO t VALUES (1)"
        list(pool.map(lambda _: ask(server, "/sql3/default", insert), range(200)))
    assert "200" in ask(server, "/sql3/default", "SELECT count(*) FROM t")


@pytest.mark.parametrize("draft", ["draft", "draft2"])
def test_wasi_keyvalue_does_what_its_draft_says(app, draft):
    server = app("stores-drafts")

    def do(query):
        return ask(server, f"/{draft}/default?do={query}")

    assert do("get&key=a") == "None"
    assert do("set&key=a&value=one") == "()"
    assert do("get&key=a") == 'Some("one")'
    assert do("exists&key=a") == "true"
    assert do("set-many&key=b&value=two&key=c&value=three") == "()"
    assert "two" in do("get-many&key=b&key=none&key=c") and "None" in do("get-many&key=none")
    assert do("delete-many&key=a&key=b") == "()"
    assert do("keys") == '1 Some("c") None'
    assert do("increment&key=n&delta=5") == "5"
    assert do("increment&key=n&delta=2") == "7"
    assert "8 bytes" in do("increment&key=c&delta=1")
    assert ask(server, f"/{draft}/forbidden?do=keys") == "error: Error::AccessDenied"


def test_pages_of_keys_follow_each_other_in_both_drafts(app):
    server = app("stores-drafts")
    for part in range(0, 1500, 100):
        pairs = "".join(f"&key=k{i:04}&value=x" for i in range(part, part + 100))
        ask(server, f"/draft/default?do=set-many{pairs}")
    assert ask(server, "/draft/default?do=next-page") == "1000 500"
    assert "no cursor of this bucket" in ask(server, "/draft/default?do=keys&cursor=7")
    first = ask(server, "/draft2/default?do=keys")
    assert first == '1000 Some("k0999") Some("k0999")'
    assert ask(server, "/draft2/default?do=keys&cursor=k0999") == '500 Some("k1499") None'


def test_a_swap_of_what_was_changed_meanwhile_fails_and_can_be_tried_again(app):
    server = app("stores-drafts")
    assert ask(server, "/draft2/default?do=race&key=a&value=won") == 'None true Some("won") true'
    assert ask(server, "/draft2/default?do=get&key=a") == 'Some("in the end")'
    assert ask(server, "/draft2/default?do=race&key=a&value=won") == (
        'Some("in the end") true Some("won") true'
    )


def test_the_first_interface_of_spin_works_with_numbers(app):
    server = app("stores-drafts")

    def do(query):
        return ask(server, f"/unversioned/default?do={query}")

    assert do("get&key=a") == "error: Error::NoSuchKey"
    assert do("set&key=a&value=one") == "()"
    assert do("get&key=a") == '"one"'
    assert do("keys") == '["a"]'
    assert do("closed&key=a") == "error: Error::InvalidStore"
    assert do("forged&key=a") == "error: Error::InvalidStore"
    assert ask(server, "/unversioned/forbidden?do=keys") == "error: Error::AccessDenied"
    assert "Value::Text" in ask(server, "/sql/default?statement=SELECT+?&value=x")
    assert ask(server, "/sql/forbidden?statement=SELECT+1") == "error: Error::AccessDenied"


def test_an_app_without_stores_makes_no_folder(tmp_path, state):
    with nodes(state) as start:
        start(write_app(tmp_path, "stores-spin-5", ""))
    assert not (tmp_path / ".cusp").exists()
