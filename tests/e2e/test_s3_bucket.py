"""A guest's object store in an S3 bucket: a node's own endpoint, and services that only say so."""

import contextlib
import hashlib
import http.client
import http.server
import os
import threading
import time

import pytest
from cli_driver import INSTRUMENTED, guest
from conftest import nodes
from s3_endpoint import BUCKET, MIB, endpoint


def write_app(folder, url, keys, bucket=BUCKET):
    folder.mkdir()
    (folder / "cusp.toml").write_text(f"""name = "blobs"
[[route]]
path = "/..."
component = "it"
[component.it]
source = "{guest("stores-blobs")}"
object_stores = ["default", "media", "other"]
[component.it.limits]
body = "1GiB"
cpu_time = "20s"
wall_time = "60s"
""")
    text = ""
    for store, prefix in (("default", "apps/one/"), ("other", "apps/two/")):
        text += f"""[object_store.{store}]
type = "s3"
endpoint = "{url}"
bucket = "{bucket}"
prefix = "{prefix}"
path_style = true
access_key_id = "{keys[0]}"
secret_access_key = "{keys[1]}"
"""
    (folder / "runtime-config.toml").write_text(text)
    return folder


@pytest.fixture
def home(tmp_path, tmp_path_factory):
    (tmp_path / "home").mkdir()
    with endpoint(tmp_path / "home", str(tmp_path_factory.mktemp("state"))) as home:
        yield home


@pytest.fixture
def app(tmp_path, state):
    """A node whose stores 'default' and 'other' are in a bucket at the URL given."""
    with nodes(state) as start:

        def serve(url, keys=("key", "secret"), **named):
            folder = write_app(tmp_path / "app", url, keys, **named)
            config = str(folder / "runtime-config.toml")
            return start(folder, "--runtime-config", config)

        yield serve


def ask(server, path, method="POST", body=None):
    status, text = server._ask(method, path, body, {})
    assert status == 200, text
    return text


def keys_at(home):
    listing = home.client().list_objects_v2(Bucket=BUCKET)
    return [entry["Key"] for entry in listing.get("Contents", [])]


# The guest takes a key from the path as it is: "%20" are three characters of it.
def test_objects_are_written_read_and_removed_under_the_prefix(app, home):
    server = app(home.url, home.keys)
    assert ask(server, "/default/a%20b+&", "PUT", "0123456789") == "10 bytes"
    assert keys_at(home) == ["apps/one/a%20b+&"]
    assert ask(server, "/default/a%20b+&", "GET") == "0123456789"
    assert ask(server, "/default/a%20b+&?start=2&end=5", "GET") == "2345"
    assert "size: 10" in ask(server, "/default/a%20b+&?do=object-info")
    assert ask(server, "/default/?do=names") == '0 1 ["a%20b+&", "a%20b+&"] true'
    assert ask(server, "/other/a%20b+&?do=has") == "false"
    assert ask(server, "/default/a%20b+&?do=delete") == "()"
    assert ask(server, "/default/a%20b+&?do=delete") == "()"
    assert ask(server, "/default/a%20b+&", "GET") == "error: there is no object 'a%20b+&'"
    assert ask(server, "/default/empty", "PUT", "") == "0 bytes"
    assert ask(server, "/default/empty", "GET") == ""


def test_objects_are_copied_and_moved_between_places_of_every_kind(app, home):
    server = app(home.url, home.keys)
    ask(server, "/default/a", "PUT", "content")
    for source, target in (("default", "other"), ("other", "media"), ("media", "default")):
        assert ask(server, f"/{source}/a?do=copy&to-store={target}&to=b") == "()"
        assert ask(server, f"/{target}/b", "GET") == "content"
        assert ask(server, f"/{target}/b?do=move&to-store={target}&to=a") == "()"
        assert ask(server, f"/{target}/b?do=has") == "false"
        answer = ask(server, f"/{source}/c?do=copy&to-store={target}&to=d")
        assert "there is no object 'c'" in answer
    assert ask(server, "/default/a?do=copy&to-store=default&to=a") == "()"
    assert keys_at(home) == ["apps/one/a", "apps/two/a"]


def test_lists_have_pages_and_a_store_is_cleared_without_its_neighbours(app, home):
    server = app(home.url, home.keys)
    client = home.client()
    for key in [f"apps/one/k{i:04}" for i in range(1100)] + ["apps/ond", "apps/onf"]:
        client.put_object(Bucket=BUCKET, Key=key, Body=b"")
    assert ask(server, "/default/?do=names") == '0 1100 ["k0000", "k1099"] true'
    assert ask(server, "/default/?do=clear") == "()"
    assert ask(server, "/default/?do=names") == '0 0 ["", ""] true'
    assert keys_at(home) == ["apps/ond", "apps/onf"]


def test_a_large_object_goes_in_parts_without_being_held(app, home):
    server = app(home.url, home.keys)
    content = os.urandom(MIB) * 200
    ask(server, "/default/warm", "PUT", "x")
    before = server.resident()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=200)
    connection.request("PUT", "/default/large", content)
    assert connection.getresponse().read() == b"209715200 bytes"
    connection.request("GET", "/default/large")
    response = connection.getresponse()
    digest = hashlib.sha256()
    while piece := response.read(MIB):
        digest.update(piece)
    assert digest.digest() == hashlib.sha256(content).digest()
    assert INSTRUMENTED or server.resident() - before < 64 * MIB
    head = home.client().head_object(Bucket=BUCKET, Key="apps/one/large")
    assert head["ContentLength"] == len(content) and head["ETag"].endswith('-25"')
    # What is not finished is no object, and its parts go.
    assert ask(server, "/default/large?do=unfinished") == "dropped"
    assert "Uploads" not in home.client().list_multipart_uploads(Bucket=BUCKET)
    connection.close()


def test_keys_that_could_lead_out_of_the_prefix_are_refused(app, home):
    server = app(home.url, home.keys)
    for key in ("../x", "a/../../x", "a/./b", "a/.."):
        assert "'.' or '..'" in ask(server, f"/default/{key}", "PUT", "x"), key
    assert "1 to 1024 bytes" in ask(server, "/default/" + "k" * 1020, "PUT", "x")
    assert "error" in ask(server, "/default/", "PUT", "x")
    assert keys_at(home) == []


def test_a_wrong_secret_is_denied_and_told_to_nobody(app, home):
    server = app(home.url, (home.keys[0], "not-the-secret"))
    answer = ask(server, "/default/a", "PUT", "x")
    assert f"the bucket '{BUCKET}' at 127.0.0.1:{home.port} answers 403" in answer
    assert "SignatureDoesNotMatch" in answer and "not-the-secret" not in answer
    assert "not-the-secret" not in str(server.output)


@contextlib.contextmanager
def service(answer):
    """An S3 service that does what `answer` does with each request, whose body is read."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self):
            self.body = self.rfile.read(int(self.headers.get("content-length", 0)))
            asked.append((self.command, self.path))
            with contextlib.suppress(OSError):
                answer(self, len(asked))

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_one

        def reply(self, status, body=b"", length=None, **fields):
            self.send_response(status)
            for name, value in fields.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("content-length", str(len(body) if length is None else length))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_busy_service_is_asked_again_and_then_named(app):
    def busy(request, number):
        slow = b"<Error><Code>SlowDown</Code><Message>later\x01please</Message></Error>"
        if number in (3, 4) or number > 4:
            return request.reply(503, slow.replace(b"\x01", b" "))
        request.reply(503 if number < 2 else 200, slow if number < 2 else b"", etag='"e"')

    with service(busy) as (url, asked):
        server = app(url)
        assert ask(server, "/default/a", "PUT", "x") == "1 bytes"
        assert len(asked) == 2
        answer = ask(server, "/default/a", "PUT", "x")
        assert "answers 503 SlowDown later please" in answer and BUCKET in answer
        assert len(asked) == 5


def test_what_is_no_answer_of_s3_is_an_error(app):
    answers = [
        b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        b"<ListBucketResult><Contents><Key>elsewhere/a</Key></Contents></ListBucketResult>",
        b"<ListBucketResult><Contents><Key>apps/one/%zz</Key></Contents></ListBucketResult>",
        b"<ListBucketResult>" + b"<a>" * 100,
        b'<!DOCTYPE a [<!ENTITY b "bbbbbb">]><ListBucketResult>&b;</ListBucketResult>',
        b"not XML",
        b"",
        b"<a>" + b" " * (9 * MIB) + b"</a>",
    ]
    current = []
    with service(lambda request, _: request.reply(200, current[0])) as (url, _):
        server = app(url)
        for body in answers:
            current[:] = [body]
            assert "error" in ask(server, "/default/?do=names"), body[:100]
            assert "error" in ask(server, "/default/?do=clear"), body[:100]


def test_a_stream_that_breaks_off_goes_on_where_it_was(app):
    content = os.urandom(MIB)

    def breaks(request, _):
        if request.command == "HEAD":
            return request.reply(200, length=MIB, etag='"e"')
        assert request.headers["if-match"] == '"e"'
        begin = int(request.headers["range"][len("bytes=") : -1])
        half = content[begin : begin + MIB // 2]
        range = f"bytes {begin}-{MIB - 1}/{MIB}"
        request.reply(206, half, length=MIB - begin, content_range=range)
        request.close_connection = True

    with service(breaks) as (url, asked):
        server = app(url)
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("GET", "/default/a")
        assert connection.getresponse().read() == content
        assert [method for method, _ in asked] == ["HEAD", "GET", "GET"]


@pytest.mark.parametrize("lie", ["range", "short", "changed", "no etag", "endless"])
def test_a_service_that_lies_about_an_object_gives_no_object(app, lie):
    def lies(request, _):
        if request.command == "HEAD":
            fields = {} if lie == "no etag" else {"etag": '"e"'}
            return request.reply(200, length=100, **fields)
        if lie == "changed":
            return request.reply(412)
        end = {"range": "bytes 1-99/100"}.get(lie, "bytes 0-99/100")
        if lie == "endless":
            request.reply(206, b"x" * 100_000, length=1 << 40, content_range=end)
            return time.sleep(0.5)
        request.reply(206, b"x" * 10, content_range=end)

    with service(lies) as (url, asked):
        server = app(url)
        if lie == "endless":
            assert ask(server, "/default/a?do=whole") == "100"
        else:
            assert "error" in ask(server, "/default/a?do=whole")
        assert len(asked) <= 4


def test_an_upload_that_fails_in_the_middle_is_aborted(app):
    def fails(request, _):
        if request.command == "POST" and "uploads" in request.path:
            text = b"<InitiateMultipartUploadResult><UploadId>u</UploadId>"
            return request.reply(200, text + b"</InitiateMultipartUploadResult>")
        request.reply(204 if request.command == "DELETE" else 403)

    with service(fails) as (url, asked):
        server = app(url)
        assert "answers 403" in ask(server, "/default/a", "PUT", "x" * (9 * MIB))
        deadline = time.monotonic() + 5
        while asked[-1][0] != "DELETE" and time.monotonic() < deadline:
            time.sleep(0.05)
        assert [method for method, _ in asked] == ["POST", "PUT", "DELETE"]
        assert asked[-1][1].endswith("/a?uploadId=u")
