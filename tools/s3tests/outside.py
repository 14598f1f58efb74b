"""A plugin of pytest that leaves out the tests of outside.toml, or runs only those."""

import os
import tomllib
from pathlib import Path

import pytest

ONLY = "S3TESTS_OUTSIDE"  # in the environment: those that are left out are run, and no others
GROUPS = tomllib.loads((Path(__file__).parent / "outside.toml").read_text())["group"]


def pytest_collection_modifyitems(config, items):
    names = {name for group in GROUPS for name in group["tests"]}
    chosen, other, found = [], [], set()
    for item in items:
        hits = names & {item.path.stem, item.originalname}
        found |= hits
        (chosen if bool(hits) == bool(os.environ.get(ONLY)) else other).append(item)
    if names - found:
        raise pytest.UsageError(f"outside.toml names what is no test: {sorted(names - found)}")
    config.hook.pytest_deselected(items=other)
    items[:] = chosen
