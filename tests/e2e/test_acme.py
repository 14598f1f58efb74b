"""Certificates by ACME (RFC 8555), from pebble and from servers that answer nonsense."""

import contextlib
import json
import re
import socket
import ssl
import stat
import time

import pytest
from acme_server import Nonsense, Pebble, fetch_root, name_server
from cli_driver import Server, cusp
from peers import free_port
from test_tls import write_node


@pytest.fixture(scope="module")
def names():
    with name_server() as port:
        yield port


class Place:
    """A node's two ports, and what is started there."""

    def __init__(self, folder, origin, stack):
        self.folder, self.origin, self.stack = folder, origin, stack
        self.http_port, self.tls_port = free_port(), free_port()
        self.state = folder / "state"

    def authority(self, names, **more):
        pebble = Pebble(self.folder, names, self.http_port, self.tls_port, **more)
        self.stack.callback(pebble.stop)
        return pebble

    def nonsense(self, answers):
        server = Nonsense(self.folder, answers)
        self.stack.callback(server.stop)
        return server

    def node(self, authority, *domains, rest="", plain=""):
        table = (
            f'[acme]\ndirectory = "{authority.directory}"\nca_file = "{authority.ca}"\n'
            f"email = \"ops@example.com\"\ndomains = {json.dumps(domains)}\n{rest}\n"
        )
        listen = [
            f'address = "127.0.0.1:{self.tls_port}"\nacme = true',
            f'address = "127.0.0.1:{self.http_port}"\n{plain}',
        ]
        path = write_node(self.folder, self.origin, self.state, listen, table)
        server = Server("node", "--config", str(path))
        self.stack.callback(lambda: server.process.poll() is None and server.stop())
        return server

    def connect(self, domain, root):
        """The certificate that a client gets who trusts the authority."""
        context = ssl.create_default_context(cadata=root)
        with (
            socket.create_connection(("127.0.0.1", self.tls_port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=domain) as client,
        ):
            return client.getpeercert()


@pytest.fixture
def place(tmp_path, origin):
    with contextlib.ExitStack() as stack:
        yield Place(tmp_path, origin, stack)


@pytest.mark.parametrize("challenge", ["http-01", "tls-alpn-01"])
def test_a_certificate_is_proved_stored_and_served_without_a_restart(place, names, challenge):
    pebble = place.authority(names)
    rest = f'challenges = ["{challenge}"]'
    node = place.node(pebble, "a.example.com", "b.example.com", rest=rest,
                      plain="redirect_https = true")  # fmt: skip
    for domain in ("a.example.com", "b.example.com"):
        node.wait_for(rf"ACME: a certificate for {domain}.*proved by {challenge}")
    root = fetch_root(pebble)
    for domain in ("a.example.com", "b.example.com"):
        assert ("DNS", domain) in place.connect(domain, root)["subjectAltName"]
    with pytest.raises(ssl.SSLCertVerificationError):
        place.connect("c.example.com", root)
    files = [path for path in (place.state / "acme").rglob("*") if path.is_file()]
    names_of_files = sorted(path.name for path in files)
    assert names_of_files == ["a.example.com.pem", "account.key", "b.example.com.pem"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    before = place.connect("a.example.com", root)["serialNumber"]
    assert node.stop() == 0
    # The next start has the certificate at once and asks nobody for another.
    again = place.node(pebble, "a.example.com", "b.example.com")
    assert place.connect("a.example.com", root)["serialNumber"] == before
    assert "ACME" not in again.output


def test_a_certificate_is_renewed_at_two_thirds_of_its_time(place, names):
    pebble = place.authority(names, seconds=15)
    began = time.monotonic()
    node = place.node(pebble, "short.example.com")
    node.wait_for("ACME: a certificate for short.example.com", count=2)
    assert 8 < time.monotonic() - began < 30
    root = fetch_root(pebble)
    serials = {place.connect("short.example.com", root)["serialNumber"]}
    node.wait_for("ACME: a certificate for short.example.com", count=3)
    node.wait_for("TLS: .*serves from now on", count=3)
    serials.add(place.connect("short.example.com", root)["serialNumber"])
    assert len(serials) == 2


def test_what_the_authority_refuses_is_told_in_its_words(place, names):
    pebble = place.authority(names, blocked=["blocked.example.com"])
    node = place.node(pebble, "blocked.example.com", "good.example.com")
    line = node.wait_for("ACME: no certificate for blocked.example.com")
    assert "rejectedIdentifier" in line
    assert re.search(r"trying again in [3-6]\d s", line)
    node.wait_for("ACME: a certificate for good.example.com")
    with pytest.raises(ssl.SSLError):
        place.connect("blocked.example.com", fetch_root(pebble))


def test_a_proof_that_nobody_sees_is_told(place, names):
    pebble = Pebble(place.folder, names, free_port(), free_port())  # ports where no node is
    place.stack.callback(pebble.stop)
    node = place.node(pebble, "lost.example.com")
    line = node.wait_for("ACME: no certificate for lost.example.com")
    assert "does not accept the proof (invalid)" in line
    assert "urn:ietf:params:acme:error:" in line


def test_without_a_certificate_the_handshake_ends_and_clear_text_goes_on(place, names):
    nobody = place.nonsense({"*": (503, b"")})
    node = place.node(nobody, "a.example.com")
    node.wait_for("ACME: no certificate")
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME|unrecognized name"):
        place.connect("a.example.com", None)
    node.port = place.http_port
    assert node.get("/")[0] == 200
    assert node.stop() == 0


ORDER = (201, b'{"authorizations":["HERE/authz"]}')
DIRECTORY = b'{"newNonce":"HERE/nonce","newAccount":"HERE/account","newOrder":"HERE/order"}'
ACCOUNT = {"/dir": (200, DIRECTORY), "/nonce": (200, b""), "/account": (201, b"{}")}


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"*": (500, b"oops")}, "answered 500"),
        ({"*": (200, b"<html>")}, "no newNonce"),
        ({"*": (200, b"[" * 10000)}, "no newNonce"),
        ({"*": (200, b'{"newNonce":1,"newAccount":[],"newOrder":null}')}, "no newNonce"),
        ({"*": (200, b"x" * 300_000)}, "larger than"),
        ({"/dir": (200, DIRECTORY.replace(b"HERE", b"http://127.0.0.1:1"))}, "not https"),
        ({"/dir": (200, DIRECTORY.replace(b"HERE", b"file://"))}, "not a URL"),
        ({"*": (400, b'{"type":"urn:ietf:params:acme:error:badNonce"}'), "/dir": (200, DIRECTORY)},
         "refuses its own nonces"),
        ({"*": (403, b'{"type":"t","detail":"no\\nTLS: forged line"}'), "/dir": (200, DIRECTORY)},
         "says: t: no TLS: forged line"),
        (ACCOUNT | {"*": (201, b"{}")}, "no order with authorizations"),
        (ACCOUNT | {"*": (201, b'{"authorizations":[7]}')}, "no URL of an authorization"),
        (ACCOUNT | {"/order": ORDER, "*": (200, b"{}")},
         "offers no challenge"),
        (ACCOUNT | {"/order": ORDER,
                    "/authz": (200, b'{"status":"pending",'
                                    b'"challenges":[null,{"type":"tls-alpn-01"}]}')},
         "no token"),
        (ACCOUNT | {"/order": ORDER,
                    "/authz": (200, b'{"status":"valid"}'),
                    "/account": (200, b'{"status":"invalid","error":{"detail":"no"}}')},
         "gives the order up"),
        (ACCOUNT | {"/order": ORDER,
                    "/authz": (200, b'{"status":"valid"}'),
                    "/account": (200, b'{"status":"valid","certificate":"HERE/chain"}'),
                    "/chain": (200, b"no certificate")},
         "not a certificate chain"),
    ],
)  # fmt: skip
def test_an_authority_that_answers_nonsense_costs_a_line_of_the_log(place, answers, reason):
    node = place.node(place.nonsense(answers), "a.example.com")
    line = node.wait_for("ACME: no certificate for a.example.com")
    assert reason in line
    assert not any(line.startswith("TLS: forged") for line in node.lines)
    assert node.stop() == 0


def test_an_authority_that_cannot_be_trusted_is_asked_nothing(place, tmp_path):
    server = place.nonsense({})
    (tmp_path / "other").mkdir()
    stranger = Nonsense(tmp_path / "other", {})
    place.stack.callback(stranger.stop)
    server.ca = stranger.ca
    node = place.node(server, "a.example.com")
    node.wait_for("ACME: no certificate")
    assert server.asked == []


def test_a_node_stops_at_once_in_the_middle_of_an_order(place):
    pending = (b'{"status":"pending",'
               b'"challenges":[{"type":"tls-alpn-01","token":"t","url":"HERE/c"}]}')  # fmt: skip
    server = place.nonsense(
        ACCOUNT | {"/order": ORDER, "/authz": (200, pending),
                   "/c": (200, b"{}")})  # fmt: skip
    node = place.node(server, "a.example.com")
    deadline = time.monotonic() + 30
    while ("POST", "/c") not in server.asked:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    began = time.monotonic()
    assert node.stop() == 0
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ("domains = []", "needs 'domains'"),
        ('domains = ["*.example.com"]', "without '\\*'"),
        ('domains = ["Example.com"]', "in lower case"),
        ('domains = ["127.0.0.1"]', "is not a host name"),
        ('domains = ["../../etc/passwd"]', "is not a host name"),
        ('domains = ["a"]\ndirectory = "http://example.com"', "https URL"),
        ('domains = ["a"]\nchallenges = ["dns-01"]', "neither tls-alpn-01 nor http-01"),
        ('domains = ["a"]\nchallenges = []', "at least one"),
        ('domains = ["a"]\ndomain = "b"', "unknown key"),
    ],
)
def test_an_acme_table_that_makes_no_sense_is_told_so(tmp_path, origin, state, table, complaint):
    listen = ['address = "127.0.0.1:0"\nacme = true']
    path = write_node(tmp_path, origin, state, listen, "[acme]\n" + table)
    result = cusp("node", "--config", path, "--check")
    assert result.returncode == 2
    assert re.search(r"node.toml:\d+:\d+.*" + complaint, result.stderr)


def test_a_broken_account_key_is_told_at_the_start(place, names):
    pebble = place.authority(names)
    place.node(pebble, "a.example.com").stop()
    (key,) = (place.state / "acme").rglob("account.key")
    key.write_text("broken")
    with pytest.raises(AssertionError, match="account.key.*not a P-256 key"):
        place.node(pebble, "a.example.com")
