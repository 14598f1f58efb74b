"""The verbs of `cusp`, driven as a person or a script drives them."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CUSP = Path(
    os.environ.get("CUSP_BINARY") or os.environ.get("CUSP_BIN") or ROOT / "build/release/cusp"
).resolve()
GUESTS = ROOT / "build" / "guests"
VERBS = ["new", "dev", "build", "serve", "node", "inspect", "doctor"]
BROWSER = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
# A component without imports or exports: valid, and nothing to serve.
EMPTY_COMPONENT = "(component)"


def cusp(*arguments, cwd=None, timeout=60):
    return subprocess.run(
        [CUSP, *arguments], cwd=cwd, timeout=timeout, capture_output=True, text=True
    )


class Server:
    """A verb that goes on until it is told to stop; its output is collected meanwhile."""

    def __init__(self, *arguments, cwd=None):
        self.process = subprocess.Popen(
            [CUSP, *arguments], cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.lines = []
        self.readers = [
            threading.Thread(target=self._read, args=(stream,), daemon=True)
            for stream in (self.process.stdout, self.process.stderr)
        ]
        for reader in self.readers:
            reader.start()
        line = self.wait_for(r"listening on http://[\w.]+:\d+")
        self.port = int(line.rsplit(":", 1)[1])

    def _read(self, stream):
        for line in stream:
            self.lines.append(line.rstrip("\n"))

    @property
    def output(self):
        return "\n".join(self.lines)

    def wait_for(self, pattern, count=1, timeout=60):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            found = [line for line in list(self.lines) if re.search(pattern, line)]
            if len(found) >= count:
                return found[-1]
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"no {pattern!r} ({count}) in the output:\n{self.output}")

    def get(self, path="/", headers=None, host=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            fields = dict(headers or {}) | ({"host": host} if host else {})
            connection.request("GET", path, headers=fields)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        self.process.terminate()
        return self.end()

    def end(self):
        code = self.process.wait(timeout=20)
        for reader in self.readers:
            reader.join(timeout=5)
        return code


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


def guest(name):
    path = GUESTS / f"{name}.wasm"
    if not path.exists():
        pytest.fail(f"{path} is missing: run tools/build_guests.py")
    return path


# ---- help and flags


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_each_verb_has_examples_and_exit_codes(verb):
    result = cusp(verb, "--help")
    assert result.returncode == 0
    assert f"cusp {verb}" in result.stdout
    assert "Exit codes: 0" in result.stdout
    assert "\033" not in result.stdout


def test_help_lists_every_verb():
    result = cusp("--help")
    assert result.returncode == 0
    for verb in VERBS:
        assert re.search(rf"^  {verb} ", result.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["brew"],
        ["serve", "--colour"],
        ["serve", "--shards", "many"],
        ["serve", "--listen", "nowhere"],
        ["serve", "--listen", "127.0.0.1:99999"],
        ["serve", "--tls-cert", "only-one-half.pem"],
        ["serve", "--variable", "no-value"],
        ["dev", "--listen", ":x"],
        ["node"],
        ["inspect"],
        ["new"],
        ["new", "http-rust"],
        ["doctor", "--listen", "x"],
    ],
)
def test_a_wrong_flag_is_code_2_and_a_message(arguments, tmp_path):
    result = cusp(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.strip()
    assert result.stdout == "" or "Usage" in result.stdout


# ---- inspect


def test_inspect_tells_what_a_component_is():
    result = cusp("inspect", guest("hello-wat"))
    assert result.returncode == 0, result.stderr
    assert "wasi:http/incoming-handler@0.2" in result.stdout
    assert re.search(r"served +wasi:http/types@0\.2", result.stdout)
    assert "\033" not in result.stdout


def test_inspect_as_json_has_the_same():
    result = cusp("inspect", guest("hello-wat"), "--json")
    told = json.loads(result.stdout)
    assert told["kind"] == "component"
    assert told["can_be_served"] is True and told["problems"] == []
    assert told["size_bytes"] == guest("hello-wat").stat().st_size
    assert told["core"]["modules"] >= 1 and told["core"]["memories"] == 1
    assert {entry["status"] for entry in told["imports"]} == {"served"}


def test_inspect_tells_the_tools_that_made_it():
    told = json.loads(cusp("inspect", guest("hello-rust"), "--json").stdout)
    assert {"processed-by"} == {entry["field"] for entry in told["producers"]}
    assert "wit-bindgen-rust" in {entry["tool"] for entry in told["producers"]}


def test_inspect_of_a_known_but_ungranted_import_is_fine():
    result = cusp("inspect", guest("ungranted"), "--json")
    assert result.returncode == 0
    assert "known" in {entry["status"] for entry in json.loads(result.stdout)["imports"]}


def test_inspect_of_an_unknown_import_is_code_7_and_names_it():
    result = cusp("inspect", guest("unknown-import"), "--json")
    assert result.returncode == 7
    told = json.loads(result.stdout)
    unknown = [entry["name"] for entry in told["imports"] if entry["status"] == "unknown"]
    assert unknown and not told["can_be_served"]
    assert unknown[0] in result.stderr


def test_inspect_takes_wat_and_says_when_there_is_nothing_to_serve(tmp_path):
    (tmp_path / "empty.wat").write_text(EMPTY_COMPONENT)
    result = cusp("inspect", tmp_path / "empty.wat")
    assert result.returncode == 7
    assert "exports no world" in result.stderr


@pytest.mark.parametrize(
    "contents", [b"", b"\0asm", b"not wasm", b"(component", b"\0asm\x0d\0\1\0\xff\xff"]
)
def test_inspect_of_what_is_no_webassembly_is_code_2(contents, tmp_path):
    file = tmp_path / "broken.wasm"
    file.write_bytes(contents)
    result = cusp("inspect", file)
    assert result.returncode == 2
    assert "broken.wasm" in result.stderr and result.stdout == ""


def test_inspect_of_an_absent_file_is_code_3(tmp_path):
    assert cusp("inspect", tmp_path / "absent.wasm").returncode == 3


# ---- new


def test_new_lists_the_templates():
    result = cusp("new", "--list")
    assert result.returncode == 0
    names = [entry["name"] for entry in json.loads(cusp("new", "--list", "--json").stdout)]
    assert names == sorted(path.name for path in (ROOT / "sdk/templates").iterdir())
    for name in names:
        assert name in result.stdout


def test_new_makes_a_project_and_tells_the_next_steps(tmp_path):
    result = cusp("new", "http-rust", "my-app", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "cd my-app" in result.stdout and "cusp dev" in result.stdout
    assert 'name = "my-app"' in (tmp_path / "my-app/cusp.toml").read_text()
    assert (tmp_path / "my-app/.gitignore").exists()
    for file in (tmp_path / "my-app").rglob("*"):
        assert file.is_dir() or b"{{project-name}}" not in file.read_bytes()


def test_new_does_not_overwrite(tmp_path):
    (tmp_path / "my-app").mkdir()
    (tmp_path / "my-app/notes.txt").write_text("mine")
    result = cusp("new", "http-rust", "my-app", cwd=tmp_path)
    assert result.returncode == 1
    assert "my-app" in result.stderr
    assert [path.name for path in (tmp_path / "my-app").iterdir()] == ["notes.txt"]


def test_new_suggests_the_template_that_was_meant(tmp_path):
    result = cusp("new", "http-rost", "my-app", cwd=tmp_path)
    assert result.returncode == 3
    assert "did you mean 'http-rust'" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["My_App", "..", "2fast", "a--b"])
def test_new_refuses_a_name_that_is_no_component_id(name, tmp_path):
    result = cusp("new", "http-rust", name, cwd=tmp_path)
    assert result.returncode == 2
    assert not list(tmp_path.iterdir())


# ---- build and dev


APP = """name = "app"
version = "0.1.0"
[component.app]
source = "out/app.wasm"
build = {{ command = "{command}", watch = ["src/*"] }}
"""
def hello_text(answer):
    """The binary of the hello guest with another answer of the same length."""
    binary = guest("hello-wat").read_bytes()
    old = b"Hello from WAT\n"
    new = answer.encode()[: len(old)].ljust(len(old), b".")
    assert binary.count(old) == 1
    return binary.replace(old, new)


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
    time.sleep(0.3)
    server.signal(number)
    server.wait_for("stopping")
    connection.send(b"4\r\nlast\r\n0\r\n\r\n")
    response = connection.getresponse()
    assert response.status == 200
    assert response.read() == b"firstlast"
    assert server.end() == 0
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)


# ---- doctor


def test_doctor_tells_a_fix_for_everything_that_is_not_well(tmp_path):
    result = cusp("doctor", "--json", "--listen", "127.0.0.1:0", "--state-dir", tmp_path / "state")
    told = json.loads(result.stdout)
    assert result.returncode == 0 and told["can_run"]
    names = {check["name"] for check in told["checks"]}
    assert {"kernel", "cores", "memory", "open files", "address space", "http-rust"} <= names
    for check in told["checks"]:
        assert (check["verdict"] == "ok") == (check["fix"] == "")


def test_doctor_finds_a_taken_port_and_a_state_folder_that_is_a_file(tmp_path):
    (tmp_path / "state").write_text("")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        result = cusp("doctor", "--listen", where, "--state-dir", tmp_path / "state")
    assert result.returncode == 5
    assert len(re.findall(r"^problem ", result.stdout, re.MULTILINE)) == 2
    assert "2 problems" in result.stderr
    assert "\033" not in result.stdout


def test_doctor_misses_a_toolchain_that_is_not_on_the_path(tmp_path):
    result = subprocess.run(
        [CUSP, "doctor", "--json", "--listen", "127.0.0.1:0", "--state-dir", tmp_path / "state"],
        env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60,
    )
    told = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert result.returncode == 0
    for name in ("http-rust", "http-cpp", "http-js"):
        assert told[name]["verdict"] == "warning" and told[name]["fix"]


def test_colours_appear_on_a_terminal_and_not_with_no_color(tmp_path):
    script = shutil.which("script")
    if script is None:
        pytest.fail("script (bsdutils) is missing")
    command = f"{CUSP} new --list"
    for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        result = subprocess.run(
            [script, "-qec", command, "/dev/null"], env=os.environ | environment,
            capture_output=True, timeout=60, stdin=subprocess.DEVNULL,
        )
        assert (b"\033[" in result.stdout) == coloured
