"""Object stores as guests use them, by wasi:blobstore, and the same objects by S3."""

import concurrent.futures
import hashlib
import http.client
import os
import socket

import pytest
from cli_driver import INSTRUMENTED, guest
from conftest import nodes


def write_app(folder, stores='["default", "media"]', limits=""):
    (folder / "cusp.toml").write_text(f"""name = "blobs"
[[route]]
path = "/..."
component = "it"
[component.it]
source = "{guest("stores-blobs")}"
object_stores = {stores}
{limits}""")
    return folder


@pytest.fixture
def app(tmp_path, state):
    with nodes(state) as start:
        yield lambda *args, **named: start(write_app(tmp_path, *args, **named))


def ask(server, path, method="POST", body=None):
    status, text = server._ask(method, path, body, {})
    assert status == 200, text
    return text


def test_what_is_written_is_read_again_as_a_stream(app):
    server = app()
    assert ask(server, "/default/a", "PUT", "one") == "3 bytes"
    assert ask(server, "/default/a", "GET") == "one"
    assert ask(server, "/default/a?do=whole") == "3"
    assert ask(server, "/default/a?do=has") == "true"
    assert ask(server, "/media/a?do=has") == "false"
    assert ask(server, "/default/a", "PUT", "two words") == "9 bytes"
    assert ask(server, "/default/a", "GET") == "two words"
    info = ask(server, "/default/a?do=object-info")
    assert 'name: "a"' in info and 'container: "default"' in info and "size: 9" in info
    assert ask(server, "/default/a?do=delete") == "()"
    assert ask(server, "/default/a?do=delete") == "()"
    assert ask(server, "/default/a", "GET") == "error: there is no object 'a'"
    assert "there is no object" in ask(server, "/default/a?do=object-info")


def test_an_empty_object_is_an_object(app):
    server = app()
    assert ask(server, "/default/empty", "PUT", "") == "0 bytes"
    assert ask(server, "/default/empty", "GET") == ""
    assert ask(server, "/default/empty?do=whole") == "0"


@pytest.mark.parametrize(
    "range, expected",
    [
        ("start=0&end=0", "0"),
        ("start=2&end=5", "2345"),
        ("start=7&end=99999", "789"),
        ("start=10&end=20", ""),
        ("start=9&end=18446744073709551615", "9"),
    ],
)
def test_both_ends_of_a_part_are_in_it(app, range, expected):
    server = app()
    ask(server, "/default/digits", "PUT", "0123456789")
    assert ask(server, f"/default/digits?{range}", "GET") == expected


@pytest.mark.parametrize("range", ["start=11&end=20", "start=5&end=4"])
def test_a_part_that_cannot_be_is_an_error(app, range):
    server = app()
    ask(server, "/default/digits", "PUT", "0123456789")
    assert "are not in an object of 10 bytes" in ask(server, f"/default/digits?{range}", "GET")


def test_a_large_object_passes_both_ways_without_being_held(app):
    server = app(limits='[component.it.limits]\nbody = "1GiB"\ncpu_time = "10s"\n')
    content = os.urandom(1 << 20) * 200
    ask(server, "/default/warm", "PUT", "x")
    before = server.resident()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    connection.request("PUT", "/default/large", content)
    assert connection.getresponse().read() == b"209715200 bytes"
    connection.request("GET", "/default/large")
    response = connection.getresponse()
    digest = hashlib.sha256()
    while piece := response.read(1 << 20):
        digest.update(piece)
    assert digest.digest() == hashlib.sha256(content).digest()
    assert INSTRUMENTED or server.resident() - before < 64 << 20
    connection.close()
    assert "are more than the" in ask(server, "/default/large?do=whole")


def test_a_reader_that_stops_holds_nothing_of_the_rest(app):
    server = app(limits='[component.it.limits]\ncpu_time = "10s"\n')
    content = b"x" * (64 << 20)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    connection.request("PUT", "/default/large", content)
    connection.getresponse().read()
    before = server.resident()
    slow = []
    for _ in range(20):
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(b"GET /default/large HTTP/1.1\r\nhost: a\r\n\r\n")
        client.recv(1000)
        slow.append(client)
    assert ask(server, "/default/large?do=has") == "true"
    # A socket's buffers are the kernel's; what a guest may hold of its object is below 1 MiB.
    assert INSTRUMENTED or server.resident() - before < 60 << 20
    for client in slow:
        client.close()


def test_objects_are_listed_page_by_page(app):
    server = app()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        put = lambda i: ask(server, f"/default/k{i:04}?do=late-name&size=1")  # noqa: E731
        list(pool.map(put, range(1200)))
    assert ask(server, "/default/?do=names") == '0 1200 ["k0000", "k1199"] true'
    assert ask(server, "/default/?do=names&len=1000") == '0 1000 ["k0000", "k0999"] false'
    assert ask(server, "/default/?do=names&skip=1100&len=50") == (
        '1100 50 ["k1100", "k1149"] false'
    )
    assert ask(server, "/default/?do=names&skip=99999") == '1200 0 ["", ""] true'
    assert ask(server, "/default/k0000,k0001,none?do=delete-many") == "()"
    assert ask(server, "/default/?do=names") == '0 1198 ["k0002", "k1199"] true'
    assert ask(server, "/default/?do=clear") == "()"
    assert ask(server, "/default/?do=names") == '0 0 ["", ""] true'


def test_objects_are_copied_and_moved_between_containers(app):
    server = app()
    ask(server, "/default/a", "PUT", "content")
    assert ask(server, "/default/a?do=copy&to-store=media&to=b") == "()"
    assert ask(server, "/media/b", "GET") == "content"
    assert ask(server, "/default/a?do=move&to-store=media&to=c") == "()"
    assert ask(server, "/media/c", "GET") == "content"
    assert ask(server, "/default/a?do=has") == "false"
    assert ask(server, "/media/c?do=move&to-store=media&to=c") == "()"
    assert ask(server, "/media/c", "GET") == "content"
    assert "there is no object 'a'" in ask(server, "/default/a?do=copy&to-store=media&to=d")
    assert "object_stores" in ask(server, "/media/c?do=copy&to-store=other&to=d")
    assert ask(server, "/media/?do=delete-container") == "()"
    assert ask(server, "/media/c?do=has") == "false"


def test_only_granted_containers_exist(app):
    server = app(stores='["media"]')
    assert ask(server, "/media/?do=exists") == "true"
    assert ask(server, "/media/?do=create") == "media"
    assert ask(server, "/default/?do=exists") == "false"
    for action in ["create", "info", "clear", "delete-container"]:
        answer = ask(server, f"/default/?do={action}")
        assert "does not name the store 'default' in the component's object_stores" in answer


def test_without_any_grant_the_manifest_key_is_named(app):
    server = app(stores="[]")
    assert "object_stores does" in ask(server, "/default/?do=info")


def test_a_value_is_an_object_when_it_is_finished(app):
    server = app()
    ask(server, "/default/a", "PUT", "before")
    assert ask(server, "/default/a?do=unfinished") == "dropped"
    assert ask(server, "/default/a", "GET") == "before"
    assert ask(server, "/default/a?do=late-name&size=100") == "()"
    assert ask(server, "/default/a", "GET") == "x" * 100
    assert "call container.write-data before" in ask(
        server, "/default/b?do=late-name&size=1000000"
    )
    assert ask(server, "/default/b?do=has") == "false"
    assert "the value has no name" in ask(server, "/default/b?do=no-name")
    assert "has a name already" in ask(server, "/default/b?do=two-names")
    assert "Closed" in ask(server, "/default/b?do=after-finish")


def test_an_object_that_was_opened_stays_what_it_was(app):
    server = app()
    ask(server, "/default/a", "PUT", "y" * 1_000_000)
    assert ask(server, "/default/a?do=snapshot") == "1000000 false"


def test_names_and_numbers_beyond_the_limits_are_errors(app):
    server = app()
    assert "1 to 1024 bytes" in ask(server, "/default/" + "k" * 1025, "PUT", "x")
    assert "error" in ask(server, "/default/", "PUT", "x")
    assert "64 objects at once" in ask(server, "/default/a?do=hoard&count=1000")
    assert ask(server, "/default/a?do=hoard&count=60") == "60"
    assert ask(server, "/default/a", "PUT", "x") == "1 bytes"


def test_a_guest_that_is_cut_off_leaves_nothing(app, state):
    server = app(limits='[component.it.limits]\nwall_time = "1s"\n')
    client = socket.create_connection(("127.0.0.1", server.port))
    client.sendall(
        b"PUT /default/half HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n" + b"x" * 500_000
    )
    client.settimeout(20)
    assert b" 504 " in client.recv(1000)
    client.close()
    assert ask(server, "/default/half?do=has") == "false"
    assert ask(server, "/default/half", "PUT", "x") == "1 bytes"


def test_objects_survive_a_restart(tmp_path, state):
    folder = write_app(tmp_path)
    with nodes(state) as start:
        ask(start(folder), "/default/a", "PUT", "kept")
    with nodes(state) as start:
        assert ask(start(folder), "/default/a", "GET") == "kept"
