"""TLS of a node: certificates that change, sessions, clients' certificates, HTTPS alone, OCSP."""

import base64
import contextlib
import os
import re
import signal
import socket
import ssl
import subprocess
import time

import pytest
from cli_driver import Server, cusp, wait_until
from peers import certificate, curl, exchange


def write_node(folder, origin, state, listen, rest=""):
    """The configuration of a node whose app sends everything on to `origin`."""
    app = folder / "app"
    app.mkdir(exist_ok=True)
    (app / "cusp.toml").write_text(
        f'name = "app"\n[[route]]\npath = "/..."\nupstream = "{origin.url}"\n'
    )
    path = folder / "node.toml"
    path.write_text(
        f'state_dir = "{state}"\nshards = 3\n{rest}\n'
        + "".join(f"[[listen]]\n{one}\n" for one in listen)
        + '[[app]]\npath = "app"\n'
    )
    return path


@pytest.fixture
def node(tmp_path, origin, state):
    """Starts nodes with these [[listen]] tables; they must stop cleanly."""
    with contextlib.ExitStack() as stack:

        def start(*listen, rest=""):
            path = write_node(tmp_path, origin, state, listen, rest)
            server = Server("node", "--config", str(path))
            stack.callback(lambda: server.process.poll() is None and server.stop())
            return server

        yield start


def tls_listen(paths, *more, port=0):
    pairs = ", ".join(f'{{ certificate = "{pem}", key = "{key}" }}' for pem, key in paths)
    return "\n".join([f'address = "127.0.0.1:{port}"', f"tls = [{pairs}]", *more])


def shown(port, name="localhost"):
    """The common name and the file's text of the certificate that a client is shown."""
    context = ssl._create_unverified_context()
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=name) as client,
    ):
        return ssl.DER_cert_to_PEM_cert(client.getpeercert(binary_form=True))


def same(port, path, name="localhost"):
    return shown(port, name).split() == path.read_text().split()


def ports(server, count):
    server.wait_for("listening on", count=count)
    found = [re.search(r"listening on \S+?:(\d+)$", line) for line in server.lines]
    return [int(match[1]) for match in found if match]


def replace(target, source):
    """As operators' tools do: in one step."""
    copy = target.with_suffix(".new")
    copy.write_bytes(source.read_bytes())
    os.replace(copy, target)


def test_changed_files_serve_new_handshakes_and_keep_old_connections(node, tmp_path):
    pem, key = certificate(tmp_path, "localhost")
    new_pem, new_key = certificate(tmp_path, "next.localhost")
    server = node(tls_listen([(pem, key)]))
    context = ssl._create_unverified_context()
    with (
        socket.create_connection(("127.0.0.1", server.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as kept,
    ):
        assert same(server.port, pem)
        replace(pem, new_pem)
        replace(key, new_key)
        wait_until(lambda: same(server.port, new_pem))
        kept.sendall(b"GET /kept HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert kept.recv(100).startswith(b"HTTP/1.1 200 ")
    assert server.stop() == 0


def test_sighup_reads_certificates_at_once(node, tmp_path):
    pem, key = certificate(tmp_path, "localhost")
    new_pem, new_key = certificate(tmp_path, "next.localhost")
    server = node(tls_listen([(pem, key)]))
    replace(pem, new_pem)
    replace(key, new_key)
    server.signal(signal.SIGHUP)
    server.wait_for("swapped")
    assert same(server.port, new_pem)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("text", "not a certificate chain in PEM form"),
        ("empty", "not a certificate chain in PEM form"),
        ("cut", "not a certificate chain in PEM form"),
        ("gone", "no such file"),
        ("other key", "does not belong to the certificate"),
        ("expired", "has expired"),
    ],
)
def test_a_pair_that_cannot_be_used_is_told_and_the_old_one_stays(node, tmp_path, kind, reason):
    pem, key = certificate(tmp_path, "localhost")
    before = pem.read_text()
    other, _ = certificate(tmp_path, "other.localhost")
    server = node(tls_listen([(pem, key)]))
    if kind == "gone":
        pem.unlink()
    elif kind == "other key":
        replace(pem, other)
    elif kind == "expired":
        expired = tmp_path / "expired.pem"
        subprocess.run(
            ["openssl", "x509", "-in", pem, "-signkey", key, "-days", "-1", "-out", expired],
            check=True, capture_output=True,
        )  # fmt: skip
        replace(pem, expired)
    else:
        pem.write_text({"text": "no PEM\n", "empty": "", "cut": before[: len(before) // 2]}[kind])
    line = server.wait_for(rf"TLS: the certificate in use stays.*{reason}")
    assert str(tmp_path) in line
    assert shown(server.port).split() == before.split()
    time.sleep(3)  # longer than two looks: it is told once
    assert sum("the certificate in use stays" in line for line in server.lines) == 1
    pem.write_text(before)
    assert same(server.port, pem)


def test_one_broken_pair_does_not_hold_up_the_others(node, tmp_path):
    pairs = [certificate(tmp_path, name) for name in ("a.localhost", "b.localhost")]
    new_pem, new_key = certificate(tmp_path, "new.localhost", "DNS:b.localhost")
    server = node(tls_listen(pairs))
    kept = shown(server.port, "a.localhost")
    pairs[0][0].write_text("broken")
    replace(pairs[1][0], new_pem)
    replace(pairs[1][1], new_key)
    server.signal(signal.SIGHUP)
    server.wait_for("swapped")
    assert same(server.port, new_pem, "b.localhost")
    assert shown(server.port, "a.localhost") == kept


def test_names_pick_the_certificate(node, tmp_path):
    first = certificate(tmp_path, "first.localhost")
    wild = certificate(tmp_path, "*.wild.localhost")
    exact = certificate(tmp_path, "exact.wild.localhost")
    server = node(tls_listen([first, wild, exact]))
    for name, pair in [
        ("exact.wild.localhost", exact),
        ("EXACT.wild.localhost", exact),
        ("other.wild.localhost", wild),
        ("a.b.wild.localhost", first),
        ("wild.localhost", first),
        ("unknown.example", first),
    ]:
        assert same(server.port, pair[0], name), name


def s_client(port, *flags, data="GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"):
    """What `openssl s_client` prints."""
    result = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost",
         "-ign_eof", *map(str, flags)],
        input=data, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    return result.stdout + result.stderr


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_sessions_are_resumed_on_whichever_shard_takes_the_connection(node, tmp_path, version):
    server = node(tls_listen([certificate(tmp_path, "localhost")]))
    session = tmp_path / "session"
    first = s_client(server.port, version, "-sess_out", session)
    assert "New, TLSv1" in first
    assert "Max Early Data: 0" in first or version == "-tls1_2"
    # The kernel spreads connections over three shards by their ports: 20 meet all of them but for
    # one time in three thousand.
    for _ in range(20):
        again = s_client(server.port, version, "-sess_in", session)
        assert "Reused, TLSv1" in again
        assert "HTTP/1.1 200" in again


def test_a_ticket_of_an_earlier_process_leads_to_a_whole_handshake(node, tmp_path):
    pair = certificate(tmp_path, "localhost")
    session = tmp_path / "session"
    first = node(tls_listen([pair]))
    s_client(first.port, "-sess_out", session)
    assert first.stop() == 0
    second = node(tls_listen([pair]))
    again = s_client(second.port, "-sess_in", session)
    assert "New, TLSv1" in again
    assert "HTTP/1.1 200" in again


def test_clear_text_is_sent_on_to_https(node, tmp_path, origin):
    pair = certificate(tmp_path, "localhost")
    server = node(
        'address = "127.0.0.1:0"\nredirect_https = true',
        'address = "127.0.0.1:0"\nredirect_https = 8443',
        tls_listen([pair], 'hsts = "8760h"'),
    )
    plain, other, secure = ports(server, 3)

    def location(port, target="/a?b=%2F", host="shop.localhost:8080", method="GET"):
        answer = exchange(port, f"{method} {target} HTTP/1.1\r\nhost: {host}\r\n"
                          "connection: close\r\n\r\n".encode()).decode()  # fmt: skip
        found = re.search(r"^location: (.*)\r$", answer, re.M | re.I)
        return answer.split()[1], found and found[1]

    assert location(plain) == ("308", "https://shop.localhost/a?b=%2F")
    assert location(other) == ("308", "https://shop.localhost:8443/a?b=%2F")
    assert location(plain, method="POST") == ("308", "https://shop.localhost/a?b=%2F")
    assert location(plain, "//evil.example/", "localhost") == (
        "308", "https://localhost//evil.example/")  # fmt: skip
    assert location(plain, "*", method="OPTIONS")[0] == "400"
    assert location(plain, "/.well-known/acme-challenge/none")[0] == "308"
    assert origin.heads == []
    answer = curl("-kD-", f"https://127.0.0.1:{secure}/")
    assert "strict-transport-security: max-age=31536000" in answer.lower()
    for hostile in (b"GET / HTTP/1.1\r\nhost: a\r\n b\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
                    b"GET / HTTP/1.1\r\nhost: a@b/c\r\n\r\n"):  # fmt: skip
        assert exchange(plain, hostile).startswith(b"HTTP/1.1 400 ")


def authority(folder, name):
    return certificate(folder, name)


def signed(folder, name, by, subject=None, *more):
    """A certificate for `name` by the authority `by`."""
    request, pem, key = (folder / f"{name}.{end}" for end in ("csr", "pem", "key"))
    subprocess.run(
        ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-utf8", "-subj", subject or f"/CN={name}", "-keyout", key, "-out", request],
        check=True, capture_output=True,
    )  # fmt: skip
    extensions = folder / f"{name}.ext"
    extensions.write_text("\n".join([f"subjectAltName=DNS:{name}", *more]))
    subprocess.run(
        ["openssl", "x509", "-req", "-in", request, "-CA", by[0], "-CAkey", by[1],
         "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", pem],
        check=True, capture_output=True,
    )  # fmt: skip
    return pem, key


def with_certificate(pair):
    return ("--cert", pair[0], "--key", pair[1])


def test_origins_are_told_of_clients_certificates_and_nobody_forges_them(node, tmp_path, origin):
    root = authority(tmp_path, "root")
    alice = signed(tmp_path, "alice", root, "/O=Exämple\r\nx-evil: 1/CN=alice")
    server = node(
        tls_listen([certificate(tmp_path, "localhost")], f'client_ca = "{root[0]}"',
                   'client_certificate = "optional"'),
        'address = "127.0.0.1:0"',
    )  # fmt: skip
    secure, plain = ports(server, 2)
    forged = ("-H", "client-cert: :AAAA:", "-H", "Client-Cert-Subject: CN=root",
              "-H", "client-cert-chain: :AAAA:")  # fmt: skip
    for version in ("--http1.1", "--http2"):
        origin.heads.clear()
        curl("-k", version, *with_certificate(alice), *forged, f"https://127.0.0.1:{secure}/")
        fields = origin.heads[0]
        der = ssl.PEM_cert_to_DER_cert(alice[0].read_text())
        assert fields.get_all("client-cert") == [f":{base64.b64encode(der).decode()}:"]
        assert fields.get_all("client-cert-subject") == [
            r"CN=alice,O=Ex\C3\A4mple\0D\0Ax-evil: 1"
        ]
        assert fields["client-cert-chain"] is None
        assert fields["x-evil"] is None
    for url in (f"https://127.0.0.1:{secure}/", f"http://127.0.0.1:{plain}/"):
        origin.heads.clear()
        curl("-k", *forged, url)
        assert not [name for name in origin.heads[0].keys() if name.startswith("client-cert")]


def test_without_a_certificate_of_the_authority_nobody_gets_in(node, tmp_path, origin):
    root = authority(tmp_path, "root")
    stranger = signed(tmp_path, "stranger", authority(tmp_path, "other-root"))
    alice = signed(tmp_path, "alice", root)
    server = node(
        tls_listen([certificate(tmp_path, "localhost")], f'client_ca = "{root[0]}"')
    )
    url = f"https://127.0.0.1:{server.port}/"

    def gets_in(*flags):
        return subprocess.run(["curl", "-sk", "--max-time", "10", *map(str, flags), url],
                              capture_output=True).returncode == 0  # fmt: skip

    for version in ("1.2", "1.3"):
        limit = ("--tls-max", version)
        assert gets_in(*limit, *with_certificate(alice))
        assert not gets_in(*limit)
        assert not gets_in(*limit, *with_certificate(stranger))
    assert len(origin.heads) == 2
    # Another authority counts at once, and one that is broken changes nothing.
    root[0].write_text("broken")
    server.wait_for("authorities for clients stay")
    assert gets_in(*with_certificate(alice))
    replace(root[0], tmp_path / "other-root.pem")
    server.wait_for("other authorities for clients")
    assert not gets_in(*with_certificate(alice))
    assert gets_in(*with_certificate(stranger))


@pytest.mark.parametrize(
    ("listen", "complaint"),
    [
        ('redirect_https = "yes"', r"node.toml:\d+:\d+.*redirect_https"),
        ("redirect_https = 0", r"node.toml:\d+:\d+.*redirect_https"),
        ('hsts = "1d"', r"node.toml:\d+:\d+.*listeners with TLS"),
        ('client_ca = "ca.pem"', r"node.toml:\d+:\d+.*needs 'tls'"),
        ('client_certificate = "required"', r"node.toml:\d+:\d+.*needs 'client_ca'"),
    ],
)
def test_a_listener_that_makes_no_sense_is_told_so(tmp_path, origin, state, listen, complaint):
    path = write_node(tmp_path, origin, state, [f'address = "127.0.0.1:0"\n{listen}'])
    result = cusp("node", "--config", path, "--check")
    assert result.returncode == 2
    assert re.search(complaint, result.stderr)
