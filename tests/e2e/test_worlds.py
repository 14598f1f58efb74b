"""Every kind of component that a node serves, and those that it refuses with a reason."""

import pytest
from cli_driver import GUESTS, Server, cusp, guest
from peers import certificate, curl


def serve(state, path, *flags):
    return Server("serve", str(path), "--listen", "127.0.0.1:0", "--state-dir", state, *flags)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hello-wat", "Hello from WAT"),
        ("hello-rust", "Hello from Rust"),
        ("hello-rust-p3", "Hello from Rust"),
        ("hello-cpp", "Hello from C++"),
        ("hello-cpp-core", "Hello from C++"),
        ("spin-rust", "Hello"),
        ("spin-rust-p3", "Hello"),
        ("hello-rc-2023-11-10", "Hello"),
        ("hello-rc-2023-12-05", "Hello"),
        ("inbound-http", "/"),
    ],
)
def test_a_component_of_each_world_answers(state, name, text):
    if not (GUESTS / f"{name}.wasm").exists():
        pytest.skip(f"{name} is not among the guests built here")
    server = serve(state, guest(name))
    try:
        status, body = server.get("/")
        assert (status, text in body) == (200, True), body
    finally:
        assert server.stop() == 0


def test_a_plain_component_adds_no_header_beyond_framing_and_date(state):
    server = serve(state, guest("hello-wat"))
    try:
        head = curl("-D-", "-o/dev/null", f"{server.url}/any/path")
        names = {line.split(":")[0].lower() for line in head.splitlines()[1:] if ":" in line}
        assert names == {"date", "content-length"}
    finally:
        server.stop()


def test_a_certificate_on_the_command_line_makes_it_https(state, tmp_path):
    cert, key = certificate(tmp_path, "localhost")
    server = serve(state, guest("hello-rust"), "--tls-cert", str(cert), "--tls-key", str(key))
    assert server.url.startswith("https://")
    where = ("--cacert", cert, "--resolve", f"localhost:{server.port}:127.0.0.1")
    assert curl(*where, f"https://localhost:{server.port}/") == "Hello from Rust\n"
    assert server.stop() == 0


def test_a_wasi_command_answers_as_cgi(state, tmp_path):
    (tmp_path / "spin.toml").write_text(f"""spin_manifest_version = 2
[application]
name = "cgi"
[[trigger.http]]
route = "/run/..."
component = "script"
executor = {{ type = "wagi" }}
[component.script]
source = "{guest('wagi')}"
environment = {{ GREETING = "good day" }}
""")
    server = serve(state, tmp_path)
    try:
        status, body = server.get("/run/it?a=1&b=2", headers={"x-test": "yes"})
        assert status == 203  # what the script says
        for line in (
            "QUERY_STRING=a=1&b=2",
            "HTTP_X_TEST=yes",
            "GREETING=good day",
            "REQUEST_METHOD=GET",
        ):
            assert line in body, body
    finally:
        assert server.stop() == 0


def test_the_second_start_maps_what_the_first_compiled(tmp_path):
    state = str(tmp_path / "state")
    first = serve(state, guest("hello-wat"))
    first.stop()
    assert "compiling" in first.output
    second = serve(state, guest("hello-wat"))
    assert second.get("/")[0] == 200
    second.stop()
    assert "compiling" not in second.output


@pytest.mark.parametrize("suffix", [".cwasm", ".mac"])
def test_a_tampered_artifact_is_not_loaded_but_made_again(tmp_path, suffix):
    state = tmp_path / "state"
    serve(str(state), guest("hello-wat")).stop()
    (artifact,) = (state / "artifacts").glob(f"*{suffix}")
    data = bytearray(artifact.read_bytes())
    data[len(data) // 2] ^= 1
    artifact.write_bytes(bytes(data))
    server = serve(str(state), guest("hello-wat"))
    try:
        assert server.get("/")[0] == 200
    finally:
        server.stop()
    assert "compiling" in server.output


def test_an_unknown_import_stops_the_start_with_interface_version_and_component(state):
    result = cusp(
        "serve", str(guest("unknown-import")), "--listen", "127.0.0.1:0", "--state-dir", state
    )
    assert result.returncode != 0
    assert "acme:nothing/here@9.9.9" in result.stderr
    assert "unknown-import" in result.stderr


@pytest.mark.parametrize(
    "name",
    [
        "empty",
        "not-wasm",
        "magic-only",
        "truncated",
        "no-http-export",
        "section-beyond-end",
        "future-version",
        "untyped",
        "wrong-type",
    ],
)
def test_what_is_no_servable_component_is_refused_with_a_reason(state, name):
    result = cusp("serve", str(guest(name)), "--listen", "127.0.0.1:0", "--state-dir", state)
    assert result.returncode == 2, result.stderr
    assert f"{name}" in result.stderr


def test_a_served_interface_that_is_not_granted_answers_an_error(state):
    server = serve(state, guest("ungranted"))
    try:
        status, body = server.get("/")
        assert status == 200
        assert body.count("Err(Error::AccessDenied)") == 2
    finally:
        assert server.stop() == 0


def test_a_known_interface_that_is_not_served_answers_an_error(state):
    server = serve(state, guest("unserved"))
    try:
        status, body = server.get("/")
        assert status == 200
        assert "fermyon:spin/llm" in body
        assert "not granted" in body
    finally:
        assert server.stop() == 0


def test_reuse_serves_several_requests_with_one_instance(state):
    server = serve(state, guest("probe"), "--reuse", "3", "--shards", "1")
    try:
        served = [int(server.get("/served")[1].split()[-1]) for _ in range(7)]
        assert served == [1, 2, 3, 1, 2, 3, 1]
    finally:
        server.stop()


def test_without_reuse_each_request_has_an_instance_of_its_own(state):
    server = serve(state, guest("probe"), "--shards", "1")
    try:
        assert [int(server.get("/served")[1].split()[-1]) for _ in range(3)] == [1, 1, 1]
    finally:
        server.stop()
