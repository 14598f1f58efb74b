"""cusp backup and cusp restore: everything as of one moment, checked, all or nothing."""

import io
import json
import os
import shutil
import subprocess
import tarfile
import threading

import pytest
from cli_driver import CUSP, Server, cusp, guest

MANIFEST = f"""name = "keeps"
[component.it]
source = "{guest("stores-spin-5")}"
key_value_stores = ["default"]
sqlite_databases = ["default"]
"""


class App:
    def __init__(self, folder, state):
        self.folder, self.state = folder, state
        folder.mkdir()
        (folder / "cusp.toml").write_text(MANIFEST)
        self.server = None
        self.start()

    def start(self):
        flags = ("--listen", "127.0.0.1:0", "--state-dir", self.state)
        self.server = Server("serve", str(self.folder), *flags)

    def stop(self):
        server, self.server = self.server, None
        assert server is None or server.stop() == 0

    def run(self, *arguments, code=0):
        result = cusp(*arguments, cwd=self.folder)
        assert result.returncode == code, result.stderr
        return result

    def ask(self, path, body=""):
        status, text = self.server._ask("POST", path, body, {})
        assert status == 200, text
        return text


@pytest.fixture
def app(tmp_path, state):
    made = App(tmp_path / "app", state)
    yield made
    made.stop()


def fill(app):
    app.run("kv", "set", "color", "blue")
    app.run("sql", "default", "CREATE TABLE notes (text TEXT)")
    app.run("sql", "default", "INSERT INTO notes VALUES ('before')")
    app.run("queue", "send", "jobs", "a message")
    app.stop()
    (app.folder / "picture").write_bytes(os.urandom(300_000))
    app.run("object", "put", "p/1", "picture")
    app.start()


def check(app):
    """That everything is as fill() has left it."""
    assert app.run("kv", "get", "color").stdout == "blue"
    assert "before" in app.run("sql", "default", "SELECT text FROM notes").stdout
    assert "after" not in app.run("sql", "default", "SELECT text FROM notes").stdout
    assert json.loads(app.run("queue", "peek", "jobs").stdout)["body"] == "a message"
    app.stop()
    app.run("object", "export", "out")
    assert (app.folder / "out" / "p" / "1").read_bytes() == (app.folder / "picture").read_bytes()


def test_what_was_backed_up_beside_a_running_node_comes_back(app):
    fill(app)
    app.ask("/get/default/color")
    result = app.run("backup", "all.backup")
    assert "backed up: " in result.stderr
    assert "the backup is whole" in app.run("backup", "--verify", "all.backup").stderr
    app.run("kv", "set", "color", "red")
    app.run("sql", "default", "INSERT INTO notes VALUES ('after')")
    app.run("queue", "purge", "jobs")
    assert "a node has these stores open" in app.run("restore", "all.backup", code=1).stderr
    app.stop()
    assert "--force" in app.run("restore", "all.backup", code=1).stderr
    result = app.run("restore", "all.backup", "--force")
    assert "what was there before is in" in result.stderr
    app.start()
    check(app)
    before = app.folder / ".cusp" / "stores.before-restore-1"
    text = app.run("kv", "get", "color", "--stores-dir", str(before), "--app", "keeps").stdout
    assert text == "red"


def test_a_backup_at_rest_comes_back_elsewhere(app, tmp_path, state):
    fill(app)
    app.stop()
    app.run("backup", str(tmp_path / "all.backup"))
    other = App(tmp_path / "other", state)
    other.stop()
    shutil.rmtree(other.folder / ".cusp")
    other.run("restore", str(tmp_path / "all.backup"))
    (other.folder / "picture").write_bytes((app.folder / "picture").read_bytes())
    other.start()
    check(other)
    assert sorted(os.listdir(other.folder / ".cusp")) == ["stores"]
    assert [name for name in os.listdir(app.folder / ".cusp" / "stores") if "snap" in name] == []


def test_a_backup_is_of_one_moment(app, tmp_path, state):
    """Each round writes the same number to SQL, then to KV: KV is never ahead, nor far behind."""
    app.ask("/sql3/default", "CREATE TABLE n (n INTEGER)")
    ended = threading.Event()
    rounds = []

    def write():
        while not ended.is_set():
            number = len(rounds) + 1
            app.ask("/sql3/default", f"INSERT INTO n VALUES ({number})")
            app.ask("/set/default/n", str(number))
            rounds.append(number)

    writer = threading.Thread(target=write)
    writer.start()
    moments = []
    try:
        for index in range(5):
            acknowledged = len(rounds)
            app.run("backup", str(tmp_path / f"{index}.backup"))
            moments.append(acknowledged)
    finally:
        ended.set()
        writer.join()
    assert len(rounds) > 10
    for index, acknowledged in enumerate(moments):
        folder = tmp_path / f"restored-{index}"
        stores = ("--stores-dir", str(folder))
        cusp("restore", str(tmp_path / f"{index}.backup"), *stores)
        rows = cusp("sql", "default", "SELECT count(*), max(n) FROM n", *stores, "--json").stdout
        count, top = list(json.loads(rows.splitlines()[0]).values())
        value = int(cusp("kv", "get", "n", *stores, "--app", "keeps").stdout or 0)
        assert count == top
        assert top >= acknowledged
        assert value in (top, top - 1)


@pytest.fixture(scope="module")
def backup(tmp_path_factory, state):
    folder = tmp_path_factory.mktemp("backup")
    app = App(folder / "app", state)
    fill(app)
    app.run("backup", str(folder / "all.backup"))
    app.stop()
    return folder / "all.backup"


def restore(path, tmp_path):
    """What `cusp restore` says of it, and that it leaves nothing behind."""
    target = tmp_path / "stores"
    result = cusp("restore", str(path), "--stores-dir", str(target))
    left = [name for name in os.listdir(tmp_path) if name.startswith("stores.")]
    assert left == []
    assert result.returncode == 0 or sorted(os.listdir(target)) == ["lock"]
    return result


def test_a_flipped_bit_anywhere_is_found_or_harmless(backup, tmp_path):
    whole = backup.read_bytes()
    damaged = tmp_path / "damaged"
    for at in range(0, len(whole), max(1, len(whole) // 40)):
        damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        verified = cusp("backup", "--verify", str(damaged))
        restored = restore(damaged, tmp_path)
        if restored.returncode == 0:  # in the padding at its end: every file is what it was
            assert at > len(whole) * 0.9 and verified.returncode == 0
            shutil.rmtree(tmp_path / "stores")
            continue
        assert verified.returncode == restored.returncode in (1, 2), (at, verified.stderr)
        assert "backup" in restored.stderr


def test_an_archive_that_ends_early_is_no_backup(backup, tmp_path):
    whole = backup.read_bytes()
    short = tmp_path / "short"
    for size in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        short.write_bytes(whole[:size])
        assert restore(short, tmp_path).returncode in (1, 2), size


SHA_OF_X = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"


def archive(tmp_path, manifest, members):
    """A tar of our own making, as somebody hostile would."""
    path = tmp_path / "made.tar"
    with tarfile.open(path, "w") as tar:
        head = tarfile.TarInfo("cusp-backup.json")
        text = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        head.size = len(text)
        tar.addfile(head, io.BytesIO(text))
        for name, kind, body in members:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(body), "/etc/passwd"
            tar.addfile(info, io.BytesIO(body))
    return path


def manifest_of(*paths, size=1, sha256=SHA_OF_X, **more):
    files = [{"path": path, "size": size, "sha256": sha256} for path in paths]
    return {"format": 1, "created": "2026-11-23T00:00:00Z", "files": files} | more


REGULAR = tarfile.REGTYPE


@pytest.mark.parametrize(
    "manifest, members, message",
    [
        (b"{", [], "is not JSON"),
        (b"[" * 100_000, [], "is not JSON"),
        ({"format": 2}, [], "does not know"),
        ({"format": 1, "files": [5], "created": ""}, [], "malformed"),
        ({"format": 1, "files": 5}, [], "names no files"),
        (manifest_of("../evil"), [("../evil", REGULAR, b"x")], "which no store has"),
        (manifest_of("/etc/evil"), [("/etc/evil", REGULAR, b"x")], "which no store has"),
        (manifest_of("kv/../../evil"), [], "which no store has"),
        (manifest_of("kv/./a"), [], "which no store has"),
        (manifest_of("lock"), [("lock", REGULAR, b"x")], "which no store has"),
        (manifest_of("kv/a\0b"), [], "which no store has"),
        (manifest_of("kv/a", "kv/a"), [], "twice"),
        (manifest_of("kv/a", sha256="x"), [], "which no store has"),
        (manifest_of("kv/a", size=-1), [], "malformed"),
        (manifest_of("kv/a"), [], "missing"),
        (manifest_of("kv/a"), [("kv/b", REGULAR, b"x")], "does not name"),
        (manifest_of("kv/a"), [("kv/a", REGULAR, b"y")], "not the one that was written"),
        (manifest_of("kv/a"), [("kv/a", REGULAR, b"xx")], "longer than"),
        (manifest_of("kv/a"), [("kv/a", REGULAR, b"x")] * 2, "does not name"),
        (manifest_of("kv/a"), [("kv/a", tarfile.SYMTYPE, b"")], "no file"),
        (manifest_of("kv/a"), [("kv/a", tarfile.LNKTYPE, b"")], "no file"),
        (manifest_of("kv/a"), [("kv/a", tarfile.CHRTYPE, b"")], "no file"),
        (manifest_of("kv/a"), [("kv/a", REGULAR, b"x" * 5_000_000)], "longer than"),
    ],
)
def test_a_hostile_archive_is_refused_and_nothing_is_written(tmp_path, manifest, members, message):
    result = restore(archive(tmp_path, manifest, members), tmp_path)
    assert result.returncode in (1, 2), result.stderr
    assert message in result.stderr
    assert not (tmp_path / "evil").exists()
    assert not (tmp_path.parent / "evil").exists()


def test_other_files_are_no_backups(tmp_path):
    for name, content in (("text", b"hello\n"), ("empty", b""), ("zeros", bytes(100_000))):
        (tmp_path / name).write_bytes(content)
        result = restore(tmp_path / name, tmp_path)
        assert result.returncode == 2
        assert "no backup" in result.stderr
    assert restore(tmp_path / "missing", tmp_path).returncode == 3


def test_a_backup_that_is_there_is_not_overwritten(app, tmp_path):
    fill(app)
    (tmp_path / "there").write_text("precious")
    result = app.run("backup", str(tmp_path / "there"), code=1)
    assert "--force" in result.stderr
    assert (tmp_path / "there").read_text() == "precious"
    app.run("backup", str(tmp_path / "there"), "--force")
    app.run("backup", "--verify", str(tmp_path / "there"))


def test_a_restore_that_is_killed_leaves_the_old_or_the_new(backup, tmp_path):
    target = tmp_path / "stores"
    assert cusp("restore", str(backup), "--stores-dir", str(target)).returncode == 0
    for wait in (0.0, 0.01, 0.02, 0.05, 0.1, 0.2):
        flags = ("--force", "--stores-dir", str(target))
        process = subprocess.Popen([CUSP, "restore", str(backup), *flags], stderr=subprocess.PIPE)
        try:
            process.wait(timeout=wait)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        got = cusp("kv", "get", "color", "--stores-dir", str(target), "--app", "keeps")
        assert got.stdout == "blue", got.stderr


def left_over(folder):
    """What an interrupted backup has left: copies beside the stores, files without their name."""
    copies = [name for name in os.listdir(folder / ".cusp/stores") if name.startswith("snapshot-")]
    return copies + [name for name in os.listdir(folder) if "backup" in name]


def test_a_backup_that_is_killed_has_no_file_and_the_next_one_is_whole(app):
    fill(app)
    for killed in ("the command", "the node"):
        for wait in (0.0, 0.02, 0.05, 0.1, 0.2):
            process = subprocess.Popen(
                [CUSP, "backup", "all.backup"], cwd=app.folder, stderr=subprocess.PIPE
            )
            try:
                process.wait(timeout=wait)
            except subprocess.TimeoutExpired:
                if killed == "the command":
                    process.kill()
                else:
                    app.server.process.kill()
                    app.server.end()
                    process.wait(timeout=30)
            process.communicate()
            if (app.folder / "all.backup").exists():
                app.run("backup", "--verify", "all.backup")
                (app.folder / "all.backup").unlink()
            if app.server.process.poll() is not None:
                app.start()
            app.run("kv", "set", "color", "blue")  # writers are not held any more
    app.stop()
    app.start()
    app.run("backup", "all.backup")
    app.run("backup", "--verify", "all.backup")
    assert left_over(app.folder) == ["all.backup"]
    check(app)
