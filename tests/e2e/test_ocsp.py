"""OCSP stapling, from the responder of OpenSSL and from servers that answer nonsense."""

import contextlib
import socket
import subprocess
import threading
import time

import pytest
from peers import certificate, free_port
from test_tls import node, s_client, signed, tls_listen  # noqa: F401 (node is a fixture)
from web_server import Answers, WebServer


class Responder:
    """Says of the certificates of `root` what stands in an index of `openssl ca`."""

    def __init__(self, folder, root, port, status, signer=None, *flags):
        self.folder, self.root, self.port = folder, root, port
        self.status, self.signer, self.flags = status, signer or root, flags

    def __enter__(self):
        serials = (self.folder / "root.srl").read_text().split()
        revoked = "200101000000Z" if self.status == "R" else ""
        (self.folder / "index").write_text(
            "".join(f"{self.status}\t491231235959Z\t{revoked}\t{serial}\tunknown\t/CN=a\n"
                    for serial in serials)
        )  # fmt: skip
        self.process = subprocess.Popen(
            ["openssl", "ocsp", "-index", self.folder / "index", "-port", str(self.port),
             "-CA", self.root[0], "-rsigner", self.signer[0], "-rkey", self.signer[1],
             *(self.flags or ("-nmin", "60"))],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        # A connection to try it would stay in its way: it serves one after the other.
        first = self.process.stdout.readline()
        assert first.startswith("ACCEPT"), first
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=20)


@contextlib.contextmanager
def answering(port, status, body):
    """A server that answers every request so; the list of what it was asked."""
    asked = []

    class Fixed(Answers):
        def do_POST(self):
            asked.append(self.body())
            self.reply(body, status)

    with WebServer(Fixed, port):
        yield asked


class Chain:
    """A root, a certificate of it whose responder has a port, and both in one file."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.root = certificate(folder, "root")
        url = f"authorityInfoAccess=OCSP;URI:http://127.0.0.1:{self.port}/"
        pem, self.key = signed(folder, "localhost", self.root, None, url)
        self.pem = folder / "chain.pem"
        self.pem.write_text(pem.read_text() + self.root[0].read_text())

    @property
    def listen(self):
        return tls_listen([(self.pem, self.key)])

    def responder(self, status, signer=None, *flags):
        return Responder(self.folder, self.root, self.port, status, signer, *flags)


@pytest.fixture
def chain(tmp_path):
    return Chain(tmp_path)


def stapled(port):
    return s_client(port, "-status")


def wait_for_staple(port):
    deadline = time.monotonic() + 40
    while "Cert Status: good" not in (text := stapled(port)):
        assert time.monotonic() < deadline, text
        time.sleep(0.2)


def test_a_good_certificate_is_stapled_in_both_versions(node, chain):  # noqa: F811
    with chain.responder("V"):
        server = node(chain.listen)
        wait_for_staple(server.port)
        for version in ("-tls1_2", "-tls1_3"):
            text = s_client(server.port, "-status", version)
            assert "OCSP Response Status: successful" in text
            assert "Cert Status: good" in text
    # The responder is gone, the answer is still valid.
    assert "Cert Status: good" in stapled(server.port)


def test_a_responder_that_comes_later_is_asked_again(node, chain):  # noqa: F811
    server = node(chain.listen)
    server.wait_for("no OCSP response for localhost")
    assert "no response sent" in stapled(server.port)
    with chain.responder("V"):
        wait_for_staple(server.port)


def test_a_delegate_of_the_issuer_may_sign(node, chain, tmp_path):  # noqa: F811
    delegate = signed(tmp_path, "delegate", chain.root, None, "extendedKeyUsage=OCSPSigning")
    (tmp_path / "root.srl").write_text(serial_of(tmp_path / "localhost.pem"))
    with chain.responder("V", delegate):
        wait_for_staple(node(chain.listen).port)


def serial_of(pem):
    text = subprocess.run(["openssl", "x509", "-in", pem, "-noout", "-serial"],
                          check=True, capture_output=True, text=True).stdout  # fmt: skip
    return text.strip().removeprefix("serial=")


@pytest.mark.parametrize("kind", ["revoked", "unknown", "stranger", "no delegate", "spoilt"])
def test_what_does_not_say_good_is_not_stapled(node, chain, tmp_path, kind):  # noqa: F811
    signer, flags, status = None, (), "V"
    if kind == "revoked":
        status, reason = "R", "the certificate is revoked"
    elif kind == "unknown":
        reason = "the certificate is unknown"
    elif kind == "stranger":
        signer, reason = certificate(tmp_path, "stranger"), "issuer has not signed the answer"
    elif kind == "no delegate":
        signer, reason = signed(tmp_path, "any", chain.root), "issuer has not signed the answer"
    else:
        flags, reason = ("-nmin", "60", "-badsig"), "issuer has not signed the answer"
    (tmp_path / "root.srl").write_text(
        "00AB" if kind == "unknown" else serial_of(tmp_path / "localhost.pem")
    )
    with chain.responder(status, signer, *flags):
        server = node(chain.listen)
        line = server.wait_for("no OCSP response for localhost")
        assert reason in line
        assert "no response sent" in stapled(server.port)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, b"oops", "answered 500"),
        (200, b"", "not an OCSP response"),
        (200, b"<html>", "not an OCSP response"),
        (200, b"\x30\x03\x0a\x01\x06", "unauthorized"),
        (200, b"\x30\x03\x0a\x01\x06more", "not an OCSP response"),
        (200, b"\x30\x03\x0a\x01\x00", "of a kind that nobody knows"),
        (200, b"\x30\x84\xff\xff\xff\xff", "not an OCSP response"),
        (200, b"x" * 100_000, "larger than"),
    ],
)
def test_nonsense_costs_a_line_of_the_log(node, chain, status, body, reason):  # noqa: F811
    with answering(chain.port, status, body) as asked:
        server = node(chain.listen)
        assert reason in server.wait_for("no OCSP response for localhost")
        assert len(asked) == 1
        assert "no response sent" in stapled(server.port)
        assert server.stop() == 0


def test_an_answer_about_another_certificate_is_not_stapled(node, chain, tmp_path):  # noqa: F811
    other, _ = signed(tmp_path, "other", chain.root)
    index, answer = tmp_path / "index", tmp_path / "answer"
    index.write_text(f"V\t491231235959Z\t\t{serial_of(other)}\tunknown\t/CN=a\n")
    subprocess.run(
        ["openssl", "ocsp", "-index", index, "-CA", chain.root[0], "-rsigner", chain.root[0],
         "-rkey", chain.root[1], "-issuer", chain.root[0], "-cert", other, "-nmin", "60",
         "-respout", answer],
        check=True, capture_output=True,
    )  # fmt: skip
    with answering(chain.port, 200, answer.read_bytes()):
        server = node(chain.listen)
        assert "about another certificate" in server.wait_for("no OCSP response for localhost")
        assert "no response sent" in stapled(server.port)


def test_a_mute_responder_holds_up_neither_reload_nor_stop(node, chain, tmp_path):  # noqa: F811
    with socket.create_server(("127.0.0.1", chain.port)):
        server = node(chain.listen)
        new_pem, new_key = certificate(tmp_path, "new.localhost", "DNS:localhost")
        chain.pem.write_bytes(new_pem.read_bytes())
        chain.key.write_bytes(new_key.read_bytes())
        server.signal(1)
        server.wait_for("serves from now on", timeout=5)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 5


def test_without_the_issuer_in_the_chain_nobody_is_asked(node, chain, tmp_path):  # noqa: F811
    with answering(chain.port, 200, b"") as asked:
        server = node(tls_listen([(tmp_path / "localhost.pem", chain.key)]))
        assert "no response sent" in stapled(server.port)
        time.sleep(3)
        assert asked == []
