"""Applications: routes, files, variables, manifests, downloads, several of them on one node."""

import hashlib
import json

import pytest
from cli_driver import GUESTS, ROOT, Server, cusp, guest
from peers import curl
from web_server import Answers, WebServer


def test_the_shop_is_served_as_its_manifest_says(serve):
    shop = serve(ROOT / "examples" / "shop")
    assert shop.get("/robots.txt") == (200, "User-agent: *\nDisallow:\n")
    assert shop.get("/")[0] == 302
    assert shop.get("/.well-known/spin/health")[0] == 200
    assert shop.get("/nowhere")[0] == 404
    status, body = shop.get("/products")
    assert status == 200 and "EUR" in body and "Welcome in spring" in body
    assert shop.get("/pages/")[0] == 200
    assert shop.get("/pages/draft.html")[0] == 404
    assert shop.get("/stock")[0] == 404


def test_components_reach_each_other_by_name(serve):
    shop = serve(ROOT / "examples" / "shop")
    status, body = shop.get("/products/tea")
    assert status == 200
    assert json.loads(body)["stock"] == 4  # what the private component says
    assert shop.get("/products/teapot")[0] == 404


def test_variables_come_from_the_command_line_the_environment_or_the_default(
    serve, monkeypatch
):
    path = ROOT / "examples" / "shop"
    assert "USD" in serve(path, "--variable", "currency=USD").get("/products")[1]
    monkeypatch.setenv("SPIN_VARIABLE_SEASON", "winter")
    assert "Welcome in winter" in serve(path).get("/products")[1]


def test_every_interface_for_variables_gives_the_same_value(serve, tmp_path):
    (tmp_path / "cusp.toml").write_text(
        f'name = "app"\n[component.settings]\nsource = "{guest("settings")}"\n'
        'variables = { colour = "green" }\n'
    )
    body = serve(tmp_path).get("/colour")[1]
    assert body.count("green") >= 3, body


def test_a_guest_sees_the_declared_environment_and_no_other(serve, probe_app, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_NODE", "1")
    body = serve(probe_app('environment = { GREETING = "hello" }')).get("/environment")[1]
    assert "GREETING=hello" in body
    assert "SECRET_OF_THE_NODE" not in body


def test_a_guest_reads_declared_files_and_writes_none(serve, probe_app, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("the file\n")
    (tmp_path / "hidden.txt").write_text("not declared\n")
    server = serve(probe_app('files = ["data"]'))
    assert "the file" in server.get("/read?path=/data/a.txt")[1]
    assert "not declared" not in server.get("/read?path=/hidden.txt")[1]
    assert "the file" not in server.get("/read?path=/data/../../../etc/passwd")[1]
    server.get("/write?path=/data/a.txt")
    server.get("/remove?path=/data/a.txt")
    assert "the file" in server.get("/read?path=/data/a.txt")[1]
    assert (tmp_path / "data" / "a.txt").read_text() == "the file\n"


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ('name = "a"\n[component.x]\nsorce = "a.wasm"\n', "cusp.toml:3:1"),
        ("name = 3\n", "cusp.toml:1:"),
        ('name = "a"\n[component.x]\nsource = "gone.wasm"\n', "gone.wasm"),
        ('name = "a"\n[[route]]\npath = "/"\ncomponent = "y"\n', "y"),
        (
            'name = "a"\n[component.x]\nsource = "a.wasm"\nlimits = { memory = "lots" }\n',
            "cusp.toml:4:",
        ),
        ("= broken", "cusp.toml:1:"),
    ],
)
def test_a_wrong_manifest_is_refused_with_its_place(tmp_path, manifest, message):
    (tmp_path / "cusp.toml").write_text(manifest)
    result = cusp(
        "serve", str(tmp_path), "--listen", "127.0.0.1:0", "--state-dir", str(tmp_path / "s")
    )
    assert result.returncode in (2, 3)
    assert message in result.stderr, result.stderr


def test_an_unknown_key_names_the_nearest_valid_one(tmp_path):
    (tmp_path / "cusp.toml").write_text('name = "a"\n[component.x]\nsorce = "a.wasm"\n')
    result = cusp(
        "serve", str(tmp_path), "--listen", "127.0.0.1:0", "--state-dir", str(tmp_path / "s")
    )
    assert "source" in result.stderr


def downloaded_app(folder, url, digest):
    (folder / "cusp.toml").write_text(
        f'name = "far"\n[component.far]\nsource = {{ url = "{url}", digest = "{digest}" }}\n'
    )
    return folder


def test_a_component_comes_from_a_url_once_and_then_from_the_disk(tmp_path):
    data = guest("hello-wat").read_bytes()
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    asked = []

    class Moving(Answers):
        def do_GET(self):
            asked.append(self.path)
            if self.path == "/moved":
                self.reply(status=302, location="/app.wasm")
            else:
                self.reply(data)

    with WebServer(Moving) as origin:
        url = origin.url + "/moved"
        app, state = downloaded_app(tmp_path, url, digest), str(tmp_path / "state")
        for _ in range(2):
            flags = ("--listen", "127.0.0.1:0", "--state-dir", state)
            server = Server("serve", str(app), *flags)
            assert server.get() == (200, "Hello from WAT\n")
            assert server.stop() == 0
        assert asked == ["/moved", "/app.wasm"]

        wrong = downloaded_app(tmp_path, url, "sha256:" + "0" * 64)
        result = cusp("serve", str(wrong), "--listen", "127.0.0.1:0", "--state-dir", state)
        assert result.returncode == 1
        assert digest in result.stderr and "cusp.toml:2:" in result.stderr


@pytest.mark.skipif(
    not (GUESTS / "edge-js.wasm").exists(), reason="tools/build_guests.py --all makes JavaScript"
)
def test_javascript_redirects_by_country_and_lets_other_origins_call(serve):
    server = serve(ROOT / "examples" / "edge-js")
    assert server.get() == (200, "Hello from JavaScript\n")

    def head(*flags, path="/"):
        return curl("-D-", "-o/dev/null", *flags, server.url + path).lower()

    for country in ("de", "DE"):
        answer = head(path=f"/?country={country}")
        assert answer.startswith("http/1.1 302 ")
        assert "location: /de/" in answer
        assert "access-control-allow-origin: *" in answer
    assert head(path="/?country=XX").startswith("http/1.1 200 ")
    preflight = head("-X", "OPTIONS", "-H", "origin: https://elsewhere.example")
    assert preflight.startswith("http/1.1 204 ")
    assert "access-control-allow-methods: get, head" in preflight


def test_apps_are_told_apart_by_host_name(tmp_path):
    (tmp_path / "node.toml").write_text(f"""state_dir = "{tmp_path / 'state'}"
shards = 2
[[listen]]
address = "127.0.0.1:0"
[[app]]
path = "{guest('hello-wat')}"
hosts = ["wat.example.com"]
[[app]]
path = "{guest('hello-rust')}"
hosts = ["*.example.org", "rust.example.com"]
""")
    node = Server("node", "--config", str(tmp_path / "node.toml"))
    try:
        assert node.get(host="wat.example.com")[1] == "Hello from WAT\n"
        assert node.get(host="WAT.example.com:80")[1] == "Hello from WAT\n"
        assert node.get(host="a.b.example.org")[1] == "Hello from Rust\n"
        assert node.get(host="example.org")[0] == 404
        assert node.get(host="nobody.example.net")[0] == 404
    finally:
        assert node.stop() == 0
