"""The verbs of `cusp` that end by themselves, driven as a person or a script drives them."""

import json
import os
import re
import shutil
import socket
import subprocess

import pytest
from cli_driver import CUSP, ROOT, cusp, guest

VERBS = ["new", "dev", "build", "serve", "node", "inspect", "doctor"]
# Valid, and nothing to serve.
EMPTY_COMPONENT = "(component)"


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


def test_inspect_of_a_known_but_unserved_import_is_fine():
    result = cusp("inspect", guest("unserved"), "--json")
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
