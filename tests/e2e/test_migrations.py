"""[sqlite.NAME] migrations: the manifest's schema is there before the app serves."""

import pytest
from cli_driver import Server, cusp, guest

NOTES = "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL);\n"
TITLES = "ALTER TABLE notes ADD COLUMN title TEXT NOT NULL DEFAULT '';\n"


@pytest.fixture
def app(tmp_path):
    (tmp_path / "cusp.toml").write_text(f"""name = "keeps"
[component.it]
source = "{guest("stores-spin-5")}"
sqlite_databases = ["notes"]
[sqlite.notes]
migrations = "sql"
""")
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "01-notes.sql").write_text(NOTES)
    return tmp_path


def start(app, state, verb="serve"):
    return Server(verb, str(app), "--listen", "127.0.0.1:0", "--state-dir", state)


def ask(server, statement):
    status, text = server._ask("POST", "/sql3/notes", statement, {})
    assert status == 200, text
    return text


def test_the_schema_is_there_before_the_first_request(app, state):
    server = start(app, state)
    assert ask(server, "INSERT INTO notes (text) VALUES ('one')")
    assert server.stop() == 0
    assert "1 migration applied" in server.output
    (app / "sql" / "02-titles.sql").write_text(TITLES)
    server = start(app, state)
    assert 'Text("one"), Value::Text("")' in ask(server, "SELECT text, title FROM notes")
    assert server.stop() == 0


def test_dev_applies_a_new_migration_while_it_serves(app, state):
    server = start(app, state, "dev")
    server.wait_for("up to date")
    assert ask(server, "INSERT INTO notes (text) VALUES ('one')")
    (app / "sql" / "02-titles.sql").write_text(TITLES)
    server.wait_for("1 migration applied", count=2)
    server.wait_for("up to date", count=2)
    assert "one" in ask(server, "SELECT text, title FROM notes")
    assert server.stop() == 0


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("02-typo.sql", "CREATE TABEL x (a);", "TABEL"),
        ("01-notes.sql", NOTES + TITLES, "has changed since it was applied"),
        ("02-commit.sql", "CREATE TABLE x (a); COMMIT;", "may not end its transaction"),
        ("02-attach.sql", "ATTACH 'other.db' AS other;", "ATTACH, DETACH and VACUUM"),
    ],
)
def test_one_that_fails_names_its_file_and_changes_nothing(app, state, name, text, message):
    server = start(app, state)
    assert server.stop() == 0
    (app / "sql" / name).write_text(text)
    result = cusp("serve", str(app), "--listen", "127.0.0.1:0", "--state-dir", state)
    assert result.returncode != 0
    assert f"sql/{name}" in result.stderr
    assert message in result.stderr
    (app / "sql" / name).unlink()
    (app / "sql" / "01-notes.sql").write_text(NOTES)
    server = start(app, state)
    assert "notes" in ask(server, "SELECT name FROM sqlite_schema")
    assert server.stop() == 0


def test_a_folder_that_is_not_there_is_named_with_its_place(app, state):
    (app / "sql" / "01-notes.sql").unlink()
    (app / "sql").rmdir()
    result = cusp("serve", str(app), "--listen", "127.0.0.1:0", "--state-dir", state)
    assert result.returncode != 0
    assert "cusp.toml:5:1" in result.stderr
    assert "folder of migrations" in result.stderr


def test_a_database_keeps_to_the_limits_of_its_manifest(app, state):
    with open(app / "cusp.toml", "a") as manifest:
        manifest.write('max_size = "128KiB"\nmax_rows = 5\nstatement_time = "100ms"\n')
    server = start(app, state)
    for n in range(6):
        assert "changes 1" in ask(server, f"INSERT INTO notes (text) VALUES ('{n}')")
    assert "more than 5 rows" in ask(server, "SELECT * FROM notes")
    assert "error" in ask(server, "INSERT INTO notes (text) VALUES (zeroblob(500000))")
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    assert "error" in ask(server, endless + "SELECT count(*) FROM n")
    assert '"5"' not in ask(server, "SELECT count(*) FROM notes")
    assert server.stop() == 0


def test_limits_that_change_while_it_is_served_are_told(app, state):
    server = start(app, state, "dev")
    server.wait_for("up to date")
    with open(app / "cusp.toml", "a") as manifest:
        manifest.write("max_rows = 5\n")
    server.wait_for("new limits of the database 'notes' hold from the next start on")
    assert server.stop() == 0
