"""Secrets: set by command, sealed on disk, seen by the application alone."""

import contextlib
import json
import signal
import subprocess
import time

import pytest
from cli_driver import CUSP, Server, cusp, guest

VALUE = "hunter2-very-secret"
NEXT_VALUE = "hunter3-very-secret"


@pytest.fixture
def shop(tmp_path):
    """A folder with an application that needs a secret."""
    (tmp_path / "cusp.toml").write_text(
        'name = "shop"\n[variables]\ncolour = { required = true, secret = true }\n'
        f'[component.settings]\nsource = "{guest("settings")}"\n'
        'variables = { colour = "<{{ colour }}>" }\n'
    )
    return tmp_path


def secret(state, verb, *arguments, text=None):
    return subprocess.run(
        [CUSP, "secret", verb, *arguments, "--state-dir", state],
        input=text, capture_output=True, text=True, timeout=60,
    )


@contextlib.contextmanager
def serving(shop, state):
    server = Server("serve", str(shop), "--listen", "127.0.0.1:0", "--state-dir", state)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def own_state(tmp_path):
    (tmp_path / "state").mkdir()
    return str(tmp_path / "state")


def test_an_application_gets_a_secret_that_nothing_else_shows(shop, own_state):
    refused = cusp("serve", str(shop), "--listen", "127.0.0.1:0", "--state-dir", own_state)
    assert refused.returncode == 2
    assert "`cusp secret set shop colour`" in refused.stderr
    done = secret(own_state, "set", "shop", "colour", text=VALUE + "\n")
    assert (done.returncode, done.stdout) == (0, "the secret 'colour' of 'shop' is set\n")
    with serving(shop, own_state) as server:
        assert server.get("/colour")[1].count(f"<{VALUE}>") >= 3
    assert VALUE not in server.output + done.stdout + done.stderr
    for path in (shop / "state").rglob("*"):
        assert not path.is_file() or VALUE.encode() not in path.read_bytes(), path


def test_names_are_listed_and_secrets_deleted(own_state):
    for name in ("b_key", "a_key"):
        assert secret(own_state, "set", "shop", name, text=VALUE).returncode == 0
    assert secret(own_state, "list", "shop").stdout == "a_key\nb_key\n"
    assert json.loads(secret(own_state, "list", "shop", "--json").stdout) == ["a_key", "b_key"]
    assert secret(own_state, "delete", "shop", "a_key").returncode == 0
    assert secret(own_state, "list", "shop").stdout == "b_key\n"
    gone = secret(own_state, "delete", "shop", "a_key")
    assert gone.returncode == 3
    assert "has no secret 'a_key'" in gone.stderr


def test_a_dotenv_file_is_imported(own_state, tmp_path):
    path = tmp_path / "production.env"
    path.write_text(f'# ours\nAPI_KEY="{VALUE}"\nexport COLOUR=blue # not red\n')
    assert secret(own_state, "import", "shop", str(path)).stdout == "2 secrets of 'shop' set\n"
    assert secret(own_state, "list", "shop").stdout == "api_key\ncolour\n"
    assert secret(own_state, "import", "shop", str(tmp_path / "none.env")).returncode == 3
    path.write_text("API_KEY\n")
    wrong = secret(own_state, "import", "shop", str(path))
    assert wrong.returncode == 2
    assert "production.env:1" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "text", "code"),
    [
        (("set", "shop", "API_KEY"), "x", 2),
        (("set", "../shop", "key"), "x", 2),
        (("set", "shop", "key"), "", 2),
        (("set", "shop", "key"), "x" * (64 * 1024 + 1), 2),
        (("set", "shop"), "x", 2),
        (("sell", "shop", "key"), "x", 2),
    ],
)
def test_what_is_no_secret_is_refused(own_state, arguments, text, code):
    refused = secret(own_state, *arguments, text=text)
    assert refused.returncode == code
    assert refused.stderr
    assert "xxx" not in refused.stderr


def test_another_key_opens_nothing_and_says_so(shop, own_state, monkeypatch):
    monkeypatch.setenv("CUSP_SECRETS_KEY", "0123456789abcdef0123456789abcdef")
    assert secret(own_state, "set", "shop", "colour", text=VALUE).returncode == 0
    with serving(shop, own_state) as server:
        assert VALUE in server.get("/colour")[1]
    monkeypatch.setenv("CUSP_SECRETS_KEY", "another-key-another-key")
    refused = cusp("serve", str(shop), "--listen", "127.0.0.1:0", "--state-dir", own_state)
    assert refused.returncode != 0
    assert "sealed with another key" in refused.stderr


def test_a_node_takes_a_new_value_when_it_is_told_to_reload(shop, own_state):
    (shop / "node.toml").write_text(
        f'state_dir = "{own_state}"\n[[listen]]\naddress = "127.0.0.1:0"\n[[app]]\npath = "."\n'
    )
    secret(own_state, "set", "shop", "colour", text=VALUE)
    server = Server("node", "--config", str(shop / "node.toml"))
    try:
        assert VALUE in server.get("/colour")[1]
        secret(own_state, "set", "shop", "colour", text=NEXT_VALUE)
        assert VALUE in server.get("/colour")[1]
        server.signal(signal.SIGHUP)
        deadline = time.monotonic() + 60
        while NEXT_VALUE not in server.get("/colour")[1]:
            assert time.monotonic() < deadline, server.output
            time.sleep(0.1)
    finally:
        server.stop()
    assert VALUE not in server.output


def test_dev_loads_the_application_again_when_a_secret_changes(shop, own_state):
    secret(own_state, "set", "shop", "colour", text=VALUE)
    server = Server("dev", str(shop), "--listen", "127.0.0.1:0", "--state-dir", own_state)
    try:
        for value in (VALUE, NEXT_VALUE):
            secret(own_state, "set", "shop", "colour", text=value)
            deadline = time.monotonic() + 60
            while value not in server.get("/colour")[1]:
                assert time.monotonic() < deadline, server.output
                time.sleep(0.1)
    finally:
        server.stop()
