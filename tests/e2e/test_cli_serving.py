"""`cusp build`, `dev`, `node` and `serve`: swaps, errors that keep the old version, signals."""

import http.client
import re
import signal
import socket
import subprocess
import threading
import time

import pytest
from cli_driver import CUSP, ROOT, Server, cusp, guest, hello_text

BROWSER = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


@pytest.fixture
def start(tmp_path):
    """Starts verbs and ends what a failed test leaves running. Their state is the test's own."""
    servers = []

    def begin(verb, *arguments, cwd=None):
        if verb != "node":
            arguments += ("--listen", "127.0.0.1:0", "--state-dir", str(tmp_path / "state"))
        servers.append(Server(verb, *arguments, cwd=cwd))
        return servers[-1]

    yield begin
    for server in servers:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()


# ---- build and dev


APP = """name = "app"
version = "0.1.0"
[component.app]
source = "out/app.wasm"
build = {{ command = "{command}", watch = ["src/*"] }}
"""
@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "app"
    (folder / "src").mkdir(parents=True)
    (folder / "cusp.toml").write_text(
        APP.format(command="mkdir -p out && cp src/app.bin out/app.wasm && test ! -e src/broken.txt"
                           " || { echo '<b>broken</b> & done' >&2; exit 9; }")
    )
    (folder / "src/app.bin").write_bytes(hello_text("one"))
    return folder


def test_build_runs_the_commands_of_each_component(project):
    result = cusp("build", project)
    assert result.returncode == 0, result.stderr
    assert "building app" in result.stderr and "built app in" in result.stderr
    assert (project / "out/app.wasm").exists()


def test_build_stops_at_the_first_failure_and_names_the_component(project):
    manifest = (project / "cusp.toml").read_text()
    (project / "cusp.toml").write_text(
        manifest
        + '[component.later]\nsource = "later.wasm"\nbuild = { command = "touch ran-anyway" }\n'
        + '[[route]]\npath = "/..."\ncomponent = "app"\n'
    )
    (project / "src/broken.txt").touch()
    result = cusp("build", project)
    assert result.returncode == 2
    assert "the build of 'app' failed" in result.stderr and "ended with 9" in result.stderr
    assert not (project / "ran-anyway").exists()


def test_build_of_an_unknown_component_suggests_the_nearest(project):
    result = cusp("build", project, "--component", "ap")
    assert result.returncode == 3
    assert "did you mean 'app'" in result.stderr


def test_build_that_makes_no_component_says_where_it_should_be(project):
    manifest = project / "cusp.toml"
    manifest.write_text(manifest.read_text().replace('"out/app.wasm"', '"out/other.wasm"'))
    result = cusp("build", project)
    assert result.returncode == 3
    assert "out/other.wasm" in result.stderr


def test_dev_builds_serves_and_swaps_without_dropping_a_request(project, start):
    server = start("dev", str(project))
    assert server.get()[1].startswith("one")
    seen, failures, done = [], [], threading.Event()

    def ask():
        while not done.is_set():
            try:
                status, body = server.get()
                seen.append(body[:3]) if status == 200 else failures.append((status, body))
            except OSError as error:
                failures.append(error)

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        for number, answer in enumerate(["two", "six", "ten"], 2):
            (project / "src/app.bin").write_bytes(hello_text(answer))
            server.wait_for("up to date", count=number)
            assert server.get()[1].startswith(answer)
    finally:
        done.set()
        for client in clients:
            client.join()
    assert failures == []
    assert {"one", "two", "six", "ten"} <= set(seen)
    assert server.stop() == 0


def test_dev_shows_a_failed_build_in_terminal_and_browser_and_goes_on_serving(project, start):
    server = start("dev", str(project))
    (project / "src/broken.txt").touch()
    server.wait_for("the last good version goes on")
    assert "the build of 'app' failed" in server.output
    status, page = server.get(headers=BROWSER)
    assert status == 503
    assert "&lt;b&gt;broken&lt;/b&gt; &amp; done" in page and "<b>" not in page
    assert server.get()[0] == 200  # a client that is no browser
    (project / "src/broken.txt").unlink()
    server.wait_for("up to date", count=2)
    assert server.get(headers=BROWSER)[0] == 200
    assert server.stop() == 0


def test_dev_keeps_the_old_version_when_the_new_one_is_no_component(project, start):
    server = start("dev", str(project))
    (project / "src/app.bin").write_bytes(b"\0asm and no more")
    server.wait_for("the last good version goes on")
    assert server.get()[1].startswith("one")
    assert server.get(headers=BROWSER)[0] == 503
    assert server.stop() == 0


def test_dev_keeps_the_old_version_when_the_manifest_breaks(project, start):
    server = start("dev", str(project))
    good = (project / "cusp.toml").read_text()
    (project / "cusp.toml").write_text(good + "[component.app.limts]\n")
    server.wait_for("the last good version goes on")
    assert re.search(r"cusp\.toml:6:\d+.*did you mean 'limits'", server.output)
    assert server.get()[0] == 200
    (project / "cusp.toml").write_text(good)
    server.wait_for("up to date", count=2)
    assert server.stop() == 0


def test_dev_serves_once_a_first_build_that_failed_is_corrected(project, start):
    (project / "src/broken.txt").touch()
    server = start("dev", str(project))
    status, text = server.get()
    assert status == 503 and "the build of 'app' failed" in text
    (project / "src/broken.txt").unlink()
    server.wait_for("up to date")
    assert server.get()[1].startswith("one")
    assert server.stop() == 0


def test_dev_does_not_build_again_for_what_its_build_writes(project, start):
    server = start("dev", str(project))
    time.sleep(1)
    assert server.output.count("building app") == 1
    assert server.stop() == 0


def test_dev_of_a_component_loads_it_again_when_it_is_replaced(tmp_path, start):
    file = tmp_path / "hello.wasm"
    file.write_bytes(hello_text("one"))
    server = start("dev", str(file))
    assert server.get()[1].startswith("one")
    (tmp_path / "new.wasm").write_bytes(hello_text("two"))
    (tmp_path / "new.wasm").rename(file)
    server.wait_for("up to date", count=2)
    assert server.get()[1].startswith("two")
    assert server.stop() == 0


def test_dev_is_stopped_in_the_middle_of_a_build(project, tmp_path):
    manifest = project / "cusp.toml"
    manifest.write_text(manifest.read_text().replace("mkdir -p out", "sleep 300"))
    arguments = ["dev", project, "--listen", "127.0.0.1:0", "--state-dir", tmp_path / "state"]
    process = subprocess.Popen([CUSP, *arguments], stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "building app" in line:
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.parametrize("verb", ["dev", "build", "serve"])
def test_an_absent_application_is_code_3(verb, tmp_path):
    result = cusp(verb, tmp_path / "absent")
    assert result.returncode == 3
    assert "absent" in result.stderr


# ---- node


def node_config(folder, apps, extra=""):
    file = folder / "node.toml"
    text = 'state_dir = "state"\nshards = 2\n[[listen]]\naddress = "127.0.0.1:0"\n' + extra
    for host, path in apps.items():
        text += f'[[app]]\npath = "{path}"\nhosts = ["{host}"]\n'
    file.write_text(text)
    return file


def test_node_serves_several_applications_by_host(tmp_path, start):
    for name in ("one", "two"):
        (tmp_path / f"{name}.wasm").write_bytes(hello_text(name))
    config = node_config(tmp_path, {"one.localhost": "one.wasm", "*.example.com": "two.wasm"})
    server = start("node", "--config", str(config))
    assert server.get(host="one.localhost")[1].startswith("one")
    assert server.get(host="shop.example.com")[1].startswith("two")
    assert server.get(host="other.localhost")[0] == 404
    assert f"curl http://one.localhost:{server.port}/" in server.wait_for("curl .*one")
    assert (tmp_path / "state").is_dir()
    assert server.stop() == 0


def test_node_swaps_its_applications_at_sighup_and_keeps_them_after_an_error(tmp_path, start):
    app = tmp_path / "one.wasm"
    app.write_bytes(hello_text("one"))
    config = node_config(tmp_path, {"one.localhost": "one.wasm"})
    server = start("node", "--config", str(config))
    app.write_bytes(hello_text("two"))
    server.signal(signal.SIGHUP)
    server.wait_for("applications are swapped")
    assert server.get(host="one.localhost")[1].startswith("two")

    node_config(tmp_path, {"one.localhost": "one.wasm", "new.localhost": "absent.wasm"})
    server.signal(signal.SIGHUP)
    server.wait_for("stay as they were")
    assert "absent.wasm" in server.output
    assert server.get(host="one.localhost")[1].startswith("two")

    node_config(tmp_path, {"new.localhost": "one.wasm"})
    server.signal(signal.SIGHUP)
    server.wait_for("applications are swapped", count=2)
    assert server.get(host="new.localhost")[1].startswith("two")
    assert server.get(host="one.localhost")[0] == 404
    assert server.stop() == 0


@pytest.mark.parametrize(
    "extra, place, told",
    [
        ("adress = 1\n", "5:1", "did you mean 'address'"),
        ("tls = 3\n", "5:7", "tls"),
        ("[[app]]\nhosts = []\n", "5:", "path"),
        ("[[app]]\npath = 'x'\nvariables = { a = 1 }\n", "7:", "a"),
        ("= 3\n", "5:", ""),
    ],
)
def test_node_names_the_place_of_an_error_in_its_configuration(extra, place, told, tmp_path):
    result = cusp("node", "--config", node_config(tmp_path, {}, extra))
    assert result.returncode == 2
    assert f"node.toml:{place}" in result.stderr
    assert told in result.stderr


def test_node_without_its_file_is_code_3(tmp_path):
    assert cusp("node", "--config", tmp_path / "absent.toml").returncode == 3


def test_node_refuses_two_applications_for_one_host(tmp_path):
    (tmp_path / "one.wasm").write_bytes(hello_text("one"))
    config = node_config(tmp_path, {"a.localhost": "one.wasm"})
    config.write_text(config.read_text() + '[[app]]\npath = "one.wasm"\nhosts = ["A.localhost"]\n')
    result = cusp("node", "--config", config)
    assert result.returncode != 0
    assert "both answer on A.localhost" in result.stderr


def test_the_examples_configuration_is_valid():
    for app in ("hello-rust", "shop", "spin-rust"):
        guest(app if app != "shop" else "shop-pages")
    result = cusp("node", "--config", ROOT / "examples/node.toml", "--check")
    assert result.returncode == 0, result.stderr


def test_a_taken_port_is_code_5(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        result = cusp("serve", guest("hello-wat"), "--listen", where, "--state-dir", tmp_path / "s")
    assert result.returncode == 5
    assert where in result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_requests_in_flight(number, start):
    server = start("serve", str(guest("stream")), "--shards", "1")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.putrequest("POST", "/echo")
    connection.putheader("transfer-encoding", "chunked")
    connection.endheaders()
    connection.send(b"5\r\nfirst\r\n")
    response = connection.getresponse()
    assert response.status == 200
    assert response.read(5) == b"first"
    server.signal(number)
    server.wait_for("stopping")
    connection.send(b"4\r\nlast\r\n0\r\n\r\n")
    assert response.read() == b"last"
    assert server.end() == 0
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)
