"""Secrets: set by command, sealed on disk, seen by the application alone."""

import contextlib
import http.server
import json
import signal
import subprocess
import threading
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


class Vault:
    """Vault's HTTP API as far as a reader of "KV version 2" sees it."""

    TOKEN = "hvs.of-the-test"

    def __init__(self, secrets):
        vault = self
        vault.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                vault.asked.append(self.path)
                if self.headers["x-vault-token"] != vault.TOKEN:
                    return self.answer(403, {"errors": ["permission denied"]})
                data = secrets.get(self.path.removeprefix("/v1/secret/data/"))
                if data is None:
                    return self.answer(404, {"errors": []})
                self.answer(200, {"data": {"data": data, "metadata": {"version": 1}}})

            def answer(self, status, document):
                text = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def config(self, folder, token=TOKEN):
        path = folder / "runtime-config.toml"
        path.write_text(
            f'[[variables_provider]]\ntype = "vault"\nurl = "{self.url}/"\ntoken = "{token}"\n'
            'mount = "secret"\nprefix = "/apps/shop/"\n'
        )
        return str(path)


@pytest.fixture
def vault():
    servers = []

    def start(secrets):
        servers.append(Vault(secrets))
        return servers[-1]

    yield start
    for one in servers:
        one.server.shutdown()
        one.server.server_close()


def test_a_value_comes_from_vault(shop, own_state, vault):
    of_ours = vault({"apps/shop/colour": {"value": VALUE, "other": "1"}})
    server = Server(
        "serve", str(shop), "--listen", "127.0.0.1:0", "--state-dir", own_state,
        "--runtime-config", of_ours.config(shop),
    )
    try:
        assert VALUE in server.get("/colour")[1]
    finally:
        server.stop()
    assert of_ours.asked == ["/v1/secret/data/apps/shop/colour"]
    assert VALUE not in server.output
    assert Vault.TOKEN not in server.output


@pytest.mark.parametrize(
    ("secrets", "token", "message"),
    [
        ({"apps/shop/colour": {"value": VALUE}}, "wrong", "the token may not read this"),
        ({"apps/shop/colour": {"password": VALUE}}, Vault.TOKEN, "no text at data.data.value"),
        ({"apps/shop/colour": {"value": 7}}, Vault.TOKEN, "no text at data.data.value"),
        ({}, Vault.TOKEN, "is required and has no value"),
    ],
)
def test_what_vault_does_not_give_stops_the_start_with_a_reason(
    shop, own_state, vault, secrets, token, message
):
    config = vault(secrets).config(shop, token)
    refused = cusp(
        "serve", str(shop), "--listen", "127.0.0.1:0", "--state-dir", own_state,
        "--runtime-config", config,
    )
    assert refused.returncode != 0
    assert message in refused.stderr
    assert VALUE not in refused.stderr
    assert token not in refused.stderr or token == "wrong"


def test_a_vault_that_is_not_there_is_named(shop, own_state, vault):
    gone = vault({})
    gone.server.shutdown()
    gone.server.server_close()
    refused = cusp(
        "serve", str(shop), "--listen", "127.0.0.1:0", "--state-dir", own_state,
        "--runtime-config", gone.config(shop),
    )
    assert refused.returncode == 5
    assert f"Vault ({gone.url}/v1/secret/data/apps/shop/colour) does not answer" in refused.stderr
