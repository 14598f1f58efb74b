#!/usr/bin/env python3
"""Prints the folder with SQLite's sources (sqlite3.c, sqlite3.h), fetched when it is missing.

They come out of the crate that tools/sqlite/Cargo.toml names, as cargo verified it, and stay in
Cusp's cache folder. CMake runs this.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CRATE = "libsqlite3-sys"
PIN = Path(__file__).resolve().parent / "sqlite"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cusp"
FILES = ("sqlite3.c", "sqlite3.h")


def pinned_checksum():
    lock = (PIN / "Cargo.lock").read_text()
    return re.search(rf'name = "{CRATE}"\n(?:.*\n)*?checksum = "(\w+)"', lock).group(1)


def crate_folder():
    command = ["cargo", "metadata", "--locked", "--format-version=1", "--quiet"]
    done = subprocess.run(
        [*command, "--manifest-path", PIN / "Cargo.toml"], stdout=subprocess.PIPE, check=True
    )
    packages = json.loads(done.stdout)["packages"]
    crate = next(package for package in packages if package["name"] == CRATE)
    return Path(crate["manifest_path"]).parent


def main():
    folder = CACHE / f"sqlite-{pinned_checksum()[:12]}"
    if not folder.exists():
        try:
            source = crate_folder() / "sqlite3"
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"cannot fetch SQLite's sources with cargo: {error}")
        CACHE.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: another configure may run beside this one.
        partial = Path(tempfile.mkdtemp(prefix="sqlite.", dir=CACHE))
        for name in FILES:
            shutil.copyfile(source / name, partial / name)
        try:
            partial.rename(folder)
        except OSError:
            shutil.rmtree(partial)
    print(folder)


if __name__ == "__main__":
    main()
