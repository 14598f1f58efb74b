"""Rust's standard library for WebAssembly, compiled from Debian's sources of it.

No package registry carries that library compiled, and a rustup toolchain has it only where the
target was added. Debian's rustc-web and rust-web-src are compiler and sources of one version: one
run of cargo (a minute) makes a sysroot of them. C's part comes from wasi-libc and is of preview 1,
so the linker made here turns each module into a component as wasm-component-ld would. A guest that
uses std::net does not link: preview 1 has no such sockets. Only reactors (cdylib), no commands.
"""

import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

TARGET = "wasm32-wasip2"
PACKAGES = ["cargo-web", "rustc-web", "rust-web-src", "lld-19", "wasi-libc"]
RUSTC = Path("/usr/bin/rustc")
CARGO = Path("/usr/bin/cargo")
LIBC = Path("/usr/lib/wasm32-wasi")
VERSION_MIN = (1, 95)

MANIFEST = '[package]\nname = "empty"\nversion = "0.1.0"\n[lib]\npath = "lib.rs"\n[workspace]\n'
BUILD = [CARGO, "build", "--release", "--target", TARGET, "-Zbuild-std=std,panic_abort"]
BUILD_ENVIRONMENT = {
    "PATH": f"/usr/bin:{os.environ['PATH']}",
    "RUSTC_BOOTSTRAP": "1",  # -Zbuild-std with a stable compiler
    # Guests with link-time optimisation need bitcode, which cargo leaves out here.
    "CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS": "-Cembed-bitcode=yes",
}

LINKER = """#!/bin/sh -e
wasm-ld-19 "$@"
while [ "$1" != -o ]; do shift; done
exec '{wasm_tools}' component new "$2" --adapt 'wasi_snapshot_preview1={adapter}' -o "$2"
"""


@functools.cache
def has_target() -> bool:
    """Whether the rustc on the PATH has the library already."""
    command = ["rustc", "--print", "target-libdir", "--target", TARGET]
    if shutil.which("rustc") is None:
        return False
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.returncode == 0 and Path(answer.stdout.strip()).is_dir()


@functools.cache
def version() -> str | None:
    """That of Debian's compiler, where its sources and everything else needed is there too."""
    if not RUSTC.exists():
        return None
    answer = subprocess.run([RUSTC, "--version"], capture_output=True, text=True, check=False)
    words = answer.stdout.split()
    if answer.returncode != 0 or len(words) < 2:
        return None
    number = tuple(int(part) for part in words[1].split(".")[:2])
    sources = Path(f"/usr/src/rustc-{words[1]}/library/std/Cargo.toml")
    found = all(path.exists() for path in [CARGO, sources, LIBC / "libc.a"])
    if number < VERSION_MIN or not found or shutil.which("wasm-ld-19") is None:
        return None
    return words[1]


def environment(
    cache: Path, run: Callable[..., str], wasm_tools: Path, adapter: Path
) -> dict[str, str]:
    """What cargo needs to build for TARGET; makes the sysroot first where there is none.

    `version()` must not be None. `run` takes what is done, a command, a folder and variables.
    """
    linker = LINKER.format(wasm_tools=wasm_tools, adapter=adapter)
    digest = hashlib.sha256(Path(__file__).read_bytes() + linker.encode()).hexdigest()[:12]
    sysroot = cache / f"rust-{version()}-{digest}"
    if not sysroot.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            made = make_sysroot(Path(scratch), run, linker)
            try:
                made.rename(sysroot)
            except OSError:
                if not sysroot.is_dir():  # another run was quicker
                    raise
    return {
        "PATH": BUILD_ENVIRONMENT["PATH"],
        "CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS": f"--sysroot={sysroot}",
        "CARGO_TARGET_WASM32_WASIP2_LINKER": str(sysroot / "linker"),
    }


def make_sysroot(scratch: Path, run: Callable[..., str], linker: str) -> Path:
    project, sysroot = scratch / "empty", scratch / "sysroot"
    project.mkdir()
    (project / "Cargo.toml").write_text(MANIFEST)
    (project / "lib.rs").write_text("#![no_std]\n")
    run("Rust's standard library", BUILD, cwd=project, env=BUILD_ENVIRONMENT)
    libraries = sysroot / "lib" / "rustlib" / TARGET / "lib"
    startup = libraries / "self-contained"
    startup.mkdir(parents=True)
    for library in (project / "target" / TARGET / "release" / "deps").glob("*.rlib"):
        if not library.name.startswith("libempty-"):
            shutil.copyfile(library, libraries / library.name)
    for name in ["libc.a", "crt1-reactor.o"]:
        shutil.copyfile(LIBC / name, startup / name)
    (sysroot / "linker").write_text(linker)
    (sysroot / "linker").chmod(0o755)
    return sysroot
