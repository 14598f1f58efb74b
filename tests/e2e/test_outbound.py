"""What a guest may call and how: HTTP by both generations of wasi:http, TLS, sockets."""

import contextlib
import http.client
import random
import socket

import pytest
from peers import Origin, certificate, echoing_sockets, tls_server

both_worlds = pytest.mark.parametrize("probe", ["probe", "probe-p3"])


def allow(*hosts):
    return "allowed_outbound_hosts = [{}]".format(", ".join(f'"{host}"' for host in hosts))


def fetch(server, url, path="/fetch"):
    return server.get(path, headers={"x-url": url})


# ---- streams and connections


def test_an_answer_comes_while_the_body_is_still_on_its_way_up(serve, probe_app, origin):
    server = serve(probe_app(allow(origin.url), "probe-p3"))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.putrequest("POST", "/upload")
    connection.putheader("transfer-encoding", "chunked")
    connection.putheader("x-url", f"{origin.url}/echo")
    connection.endheaders()
    connection.send(b"5\r\nfirst\r\n")
    response = connection.getresponse()
    assert response.status == 200
    assert response.read(5) == b"first"
    connection.send(b"6\r\nsecond\r\n")
    assert response.read(6) == b"second"
    connection.send(b"0\r\n\r\n")
    assert response.read() == b""


@both_worlds
def test_a_body_goes_up_through_a_guest_and_comes_back(serve, probe_app, origin, probe):
    server = serve(probe_app(allow(origin.url), probe))
    body = random.Random(1).randbytes(3_000_000)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("POST", "/upload", body, {"x-url": f"{origin.url}/reverse"})
    response = connection.getresponse()
    assert response.status == 200
    assert response.read() == body[::-1]


@both_worlds
def test_a_request_without_a_body_says_nothing_of_one(serve, probe_app, origin, probe):
    server = serve(probe_app(allow(origin.url), probe))
    assert fetch(server, origin.url)[0] == 200
    assert "transfer-encoding" not in origin.heads[0]
    assert "content-length" not in origin.heads[0]


@both_worlds
def test_requests_that_follow_each_other_share_a_connection(serve, probe_app, origin, probe):
    server = serve(probe_app(allow(origin.url), probe), "--shards", "1")
    for number in range(5):
        assert fetch(server, f"{origin.url}/{number}") == (200, f"GET /{number}\n")
    assert origin.connections == 1


@both_worlds
def test_a_connection_that_ended_in_the_middle_of_a_body_is_not_used_again(
    serve, probe_app, origin, probe
):
    server = serve(probe_app(allow(origin.url), probe), "--shards", "1")
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        fetch(server, f"{origin.url}/short")
    assert fetch(server, f"{origin.url}/after") == (200, "GET /after\n")
    assert origin.connections == 2


@both_worlds
def test_a_client_that_leaves_ends_the_call_that_was_made_for_it(serve, probe_app, origin, probe):
    server = serve(probe_app(allow(origin.url), probe))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", "/fetch", headers={"x-url": f"{origin.url}/stall"})
    response = connection.getresponse()
    assert response.read(10) == b"half of it"
    response.close()
    connection.close()
    assert origin.left.wait(10)


@both_worlds
def test_trailers_of_an_upstream_pass_through_a_guest(serve, probe_app, origin, probe):
    server = serve(probe_app(allow(origin.url), probe))
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(
            b"GET /fetch HTTP/1.1\r\nhost: x\r\nte: trailers\r\nconnection: close\r\n"
            b"x-url: %s/trailers\r\n\r\n" % origin.url.encode()
        )
        answer = client.makefile("rb").read()
    assert answer.endswith(b"0\r\nx-checksum: 42\r\n\r\n"), answer


@both_worlds
def test_fields_of_one_connection_do_not_pass_to_the_next(serve, probe_app, origin, probe):
    server = serve(probe_app(allow(origin.url), probe))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", "/fetch", headers={"x-url": f"{origin.url}/hops"})
    response = connection.getresponse()
    assert response.read() == b""
    assert response.getheader("x-kept") == "2"
    assert response.getheader("x-hop") is None
    assert response.getheader("keep-alive") is None

    hops = {"connection": "x-hop, close", "x-hop": "1", "keep-alive": "5", "x-kept": "2"}
    seen = server.get("/describe", headers=hops)[1]
    assert "header x-kept: 2" in seen
    for name in ("x-hop", "connection", "keep-alive"):
        assert f"header {name}:" not in seen, seen


# ---- failures have names


@both_worlds
@pytest.mark.parametrize(
    ("path", "error"),
    [("/mute", "HttpResponseIncomplete|ConnectionTerminated"), ("/garbage", "HttpProtocolError")],
)
def test_an_upstream_that_breaks_off_is_an_error_with_a_name(
    serve, probe_app, origin, probe, path, error
):
    status, text = fetch(serve(probe_app(allow(origin.url), probe)), origin.url + path)
    assert status == 502
    assert any(name in text for name in error.split("|")), text


@both_worlds
def test_a_refused_connection_is_an_error_with_a_name(serve, probe_app, probe):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = "http://127.0.0.1:{}".format(taken.getsockname()[1])
    status, text = fetch(serve(probe_app(allow(url), probe)), url)
    assert status == 502
    assert "ConnectionRefused" in text


def test_an_upstream_that_is_too_slow_is_a_time_out(serve, probe_app, origin):
    server = serve(probe_app(allow(origin.url)))
    status, text = fetch(server, f"{origin.url}/slow", "/fetch?timeout_ms=200")
    assert status == 502
    assert "ConnectionReadTimeout" in text, text
    # The connection that still waits for the old answer is not used for the next request.
    assert fetch(server, f"{origin.url}/next") == (200, "GET /next\n")


def test_a_body_that_stops_coming_is_never_a_whole_response(serve, probe_app, origin):
    server = serve(probe_app(allow(origin.url)))
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        fetch(server, f"{origin.url}/stall", "/fetch?timeout_ms=200")
    assert origin.left.wait(10)


def test_an_address_that_does_not_answer_is_a_time_out(serve, probe_app):
    with contextlib.ExitStack() as ends:
        silent = ends.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        where = silent.getsockname()
        # Its queue of connections is full after this: the next one gets no answer at all.
        for _ in range(3):
            filler = ends.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(where)
        url = "http://{}:{}".format(*where)
        server = serve(probe_app(allow(url)))
        status, text = fetch(server, url, "/fetch?timeout_ms=300")
    assert status == 502
    assert "ConnectionTimeout" in text, text


# ---- TLS


@pytest.fixture
def tls_origin(tmp_path):
    paths = certificate(tmp_path, "localhost", "IP:127.0.0.1")
    with Origin(tls_server(paths)) as running:
        running.certificate = paths[0]
        yield running


@both_worlds
def test_a_certificate_of_an_unknown_authority_is_refused(serve, probe_app, tls_origin, probe):
    server = serve(probe_app(allow(tls_origin.url), probe))
    status, text = fetch(server, f"{tls_origin.url}/secret")
    assert status == 502
    assert "TlsCertificateError" in text, text
    assert tls_origin.heads == []


@both_worlds
def test_an_authority_that_the_machine_trusts_is_trusted(
    serve, probe_app, tls_origin, monkeypatch, probe
):
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_origin.certificate))
    named = f"https://localhost:{tls_origin.port}"
    server = serve(probe_app(allow(tls_origin.url, named), probe), "--shards", "1")
    for url in (tls_origin.url, named, named):
        assert fetch(server, f"{url}/safe") == (200, "GET /safe\n")
    assert tls_origin.connections == 2  # one for each name


@both_worlds
def test_a_certificate_for_another_name_is_refused(serve, probe_app, tmp_path, monkeypatch, probe):
    paths = certificate(tmp_path, "other.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(paths[0]))
    with Origin(tls_server(paths)) as origin:
        status, text = fetch(serve(probe_app(allow(origin.url), probe)), origin.url)
    assert status == 502
    assert "TlsCertificateError" in text, text
    assert origin.heads == []


@both_worlds
def test_tls_with_one_who_speaks_none_is_an_error(serve, probe_app, origin, probe):
    url = f"https://{origin.authority}"
    status, text = fetch(serve(probe_app(allow(url), probe)), url)
    assert status == 502
    assert "Tls" in text, text


# ---- where a guest may go


@both_worlds
@pytest.mark.parametrize(
    "allowed",
    [[], ["http://example.com"], ["http://localhost.example"], ["https://127.0.0.1:1"],
     ["http://127.0.0.1:1"]],
)  # fmt: skip
def test_a_host_that_is_not_in_the_list_is_not_called(serve, probe_app, origin, allowed, probe):
    status, text = fetch(serve(probe_app(allow(*allowed), probe)), origin.url)
    assert status == 502
    assert "DestinationIpProhibited" in text, text
    assert origin.connections == 0


@both_worlds
def test_a_private_address_behind_an_allowed_name_is_refused(serve, probe_app, origin, probe):
    server = serve(probe_app(allow(f"http://*:{origin.port}"), probe))
    for host in ("127.0.0.1", "localhost", "[::1]", "169.254.169.254", "[::ffff:127.0.0.1]"):
        status, text = fetch(server, f"http://{host}:{origin.port}/")
        assert status == 502, (host, text)
        assert "DestinationIpProhibited" in text, (host, text)
    assert origin.connections == 0


@both_worlds
def test_a_block_that_holds_the_address_allows_it(serve, probe_app, origin, probe):
    server = serve(probe_app(allow(f"http://127.0.0.0/8:{origin.port}"), probe))
    assert fetch(server, f"{origin.url}/x") == (200, "GET /x\n")


@both_worlds
def test_requests_to_self_go_by_the_routes(serve, probe_app, probe):
    server = serve(probe_app(allow("http://self"), probe))
    assert fetch(server, "http://self/hello") == (200, "hello\n")
    assert fetch(serve(probe_app("", probe)), "http://self/hello")[0] == 502


@both_worlds
def test_the_fifty_first_subrequest_fails(serve, probe_app, origin, probe):
    app = probe_app(f'{allow(origin.url)}\nlimits = {{ cpu_time = "5s" }}', probe)
    lines = fetch(serve(app), origin.url, "/fetch-many?count=51")[1].splitlines()
    assert [line.split(": ")[1] for line in lines[:50]] == ["200"] * 50
    assert "200" not in lines[50] and len(lines) == 51, lines[50]


# ---- sockets


@pytest.fixture
def echoes():
    with echoing_sockets() as addresses:
        yield addresses


def test_sockets_reach_the_hosts_of_the_list(serve, probe_app, echoes):
    tcp, udp = echoes
    server = serve(probe_app(allow(f"tcp://{tcp}", f"udp://{udp}")))
    assert server.get(f"/tcp?to={tcp}") == (200, "echo ping\n")
    assert server.get(f"/udp?to={udp}") == (200, "echo ping\n")


@pytest.mark.parametrize(
    "allowed", [[], ["tcp://127.0.0.1:1", "udp://127.0.0.1:1"], ["tcp://10.0.0.0/8:*"]]
)
def test_sockets_reach_no_other_host(serve, probe_app, echoes, allowed):
    tcp, udp = echoes
    server = serve(probe_app(allow(*allowed)))
    for path in (f"/tcp?to={tcp}", f"/udp?to={udp}"):
        status, text = server.get(path)
        assert status == 403, text
        assert "echo" not in text


def test_names_are_not_resolved_for_an_app_that_may_call_nobody(serve, probe_app):
    status, text = serve(probe_app()).get("/resolve?name=localhost")
    assert status == 403, text
