"""Fixtures of the end-to-end tests: nodes that end with their test, peers for guests to call."""

import contextlib

import pytest
from cli_driver import Server, guest
from peers import Origin


@pytest.fixture(scope="session")
def state(tmp_path_factory):
    """One state folder for all workers, so that each guest is compiled once."""
    return str(tmp_path_factory.getbasetemp().parent / "cusp-state")


@contextlib.contextmanager
def nodes(state):
    """Starts nodes, and stops those that still run: each must end with code 0."""
    servers = []

    def start(path, *flags, verb="serve"):
        flags += ("--listen", "127.0.0.1:0", "--state-dir", state)
        servers.append(Server(verb, str(path), *flags))
        return servers[-1]

    try:
        yield start
    finally:
        running = [server for server in servers if server.process.poll() is None]
        for server in running:
            server.signal(15)
        codes = [server.end() for server in running]
    assert codes == [0] * len(running), [server.output for server in running]


@pytest.fixture
def serve(state):
    with nodes(state) as start:
        yield start


@pytest.fixture(scope="module")
def serve_module(state):
    """The same for a node that all tests of a file share."""
    with nodes(state) as start:
        yield start


@pytest.fixture
def probe_app(tmp_path):
    """Writes the manifest of an app of one probe; what it is given stands in [component.probe]."""

    def write(rest="", name="probe"):
        (tmp_path / "cusp.toml").write_text(
            f'name = "app"\n[component.probe]\nsource = "{guest(name)}"\n{rest}\n'
        )
        return tmp_path

    return write


@pytest.fixture
def origin():
    with Origin() as running:
        yield running
