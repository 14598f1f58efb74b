"""The S3 endpoint with requests that no client library would send, and without a right."""

import base64
import datetime
import hashlib
import time

import pytest
from botocore.exceptions import ClientError, IncompleteReadError, ResponseStreamingError
from s3_endpoint import BUCKET, MIB, code, endpoint, make_token
from s3_signer import EMPTY, Signer, crc32, send


@pytest.fixture(scope="module")
def s3(tmp_path_factory, state):
    with endpoint(tmp_path_factory.mktemp("s3"), state) as running:
        yield running


def test_a_signature_with_anything_wrong_is_refused(s3):
    client = s3.client()
    client.put_object(Bucket=BUCKET, Key="mine", Body=b"secret")
    for keys, expected in [
        ((s3.keys[0], "wrong"), "SignatureDoesNotMatch"),
        (("CUSPAAAAAAAAAAAAAAAA", s3.keys[1]), "InvalidAccessKeyId"),
        (("", ""), "AccessDenied"),
    ]:
        with pytest.raises(ClientError) as caught:
            s3.client(keys).get_object(Bucket=BUCKET, Key="mine")
        assert code(caught) in (expected, "AuthorizationHeaderMalformed")
    path = f"/{BUCKET}/mine"
    for hours in (-1, 1):
        now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)
        status, text = s3.send("GET", path, signer=s3.signer(now=now))
        assert status == 403 and "RequestTimeTooSkewed" in text
    host = f"127.0.0.1:{s3.port}"
    good = s3.signer().fields(host, "GET", path)
    assert send(s3.port, "GET", path, good) == (200, "secret")
    assert "AccessDenied" in send(s3.port, "GET", path, {})[1]
    for name, value in [
        ("authorization", "AWS4-HMAC-SHA256"),
        ("authorization", "Basic eDp5"),
        ("authorization", good["authorization"].replace("host;", "")),
        ("authorization", good["authorization"].replace("Signature=", "Signature=0")),
        ("authorization", good["authorization"].replace("/s3/", "/sqs/")),
        ("x-amz-date", "20200101T000000Z"),
        ("x-amz-date", "today"),
        ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        ("x-amz-meta-added", "unsigned"),
    ]:
        status, text = send(s3.port, "GET", path, good | {name: value})
        assert status in (400, 403) and "secret" not in text, (name, value)
    status, text = send(s3.port, "GET", path + "?x-id=1", good)
    assert status == 403 and "SignatureDoesNotMatch" in text
    status, text = send(s3.port, "DELETE", path, good)
    assert status == 403 and "SignatureDoesNotMatch" in text


def test_a_token_reaches_its_own_stores_as_it_may_and_no_others(s3):
    writer = s3.client()
    writer.put_object(Bucket=BUCKET, Key="scoped", Body=b"x")
    keys = make_token(s3.state, "--store", "object:default")
    of_keys = s3.client(make_token(s3.state, "--store", "kv:*", "--write"))
    foreign = s3.client(make_token(s3.state, "--write", app="foreign"))
    reader = s3.client(keys)
    deadline = time.monotonic() + 10
    while "InvalidAccessKeyId" in s3.send("GET", "/", signer=Signer(*keys))[1]:
        assert time.monotonic() < deadline, "a node takes a new token within a second"
    assert reader.get_object(Bucket=BUCKET, Key="scoped")["Body"].read() == b"x"
    for attempt in (
        lambda: reader.put_object(Bucket=BUCKET, Key="scoped", Body=b"y"),
        lambda: reader.delete_object(Bucket=BUCKET, Key="scoped"),
        lambda: reader.get_object(Bucket="keeps.other", Key="to"),
        lambda: reader.list_objects_v2(Bucket="keeps.other"),
        lambda: of_keys.get_object(Bucket=BUCKET, Key="scoped"),
        lambda: foreign.get_object(Bucket=BUCKET, Key="scoped"),
    ):
        with pytest.raises(ClientError) as caught:
            attempt()
        assert code(caught) == "AccessDenied"
    with pytest.raises(ClientError) as caught:
        reader.get_object(Bucket="nodot", Key="x")
    assert code(caught) == "NoSuchBucket"


def chunked(s3, key, kind, make_body, size, extra=None):
    """Sends a body framed by `make_body(signer)`; status and text."""
    signer = s3.signer()
    path = f"/{BUCKET}/{key}"
    fields = {"content-encoding": "aws-chunked", "x-amz-decoded-content-length": str(size)}
    host = f"127.0.0.1:{s3.port}"
    signed = signer.fields(host, "PUT", path, "", kind, fields | (extra or {}))
    return send(s3.port, "PUT", path, signed, make_body(signer))


SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
CONTENT = b"0123456789" * 10_000
TRAILER = {"x-amz-trailer": "x-amz-checksum-crc32"}


def signed_chunks(signer):
    parts = [CONTENT[:65536], CONTENT[65536:], b""]
    return b"".join(signer.chunk(part) + b"\r\n" for part in parts)


def signed_trailer(signer, checksum=None):
    chunks = signer.chunk(CONTENT) + b"\r\n" + signer.chunk(b"")
    return chunks + signer.trailers({"x-amz-checksum-crc32": checksum or crc32(CONTENT)})


def unsigned_trailer(_, checksum=None):
    text = f"{len(CONTENT):x}\r\n".encode() + CONTENT + b"\r\n0\r\n"
    return text + f"x-amz-checksum-crc32:{checksum or crc32(CONTENT)}\r\n\r\n".encode()


def test_chunked_bodies_of_every_kind_are_taken(s3):
    client = s3.client()
    for kind, make, extra in [
        (SIGNED, signed_chunks, None),
        (SIGNED_TRAILER, signed_trailer, TRAILER),
        (UNSIGNED_TRAILER, unsigned_trailer, TRAILER),
    ]:
        status, text = chunked(s3, kind, kind, make, len(CONTENT), extra)
        assert status == 200, text
        got = client.get_object(Bucket=BUCKET, Key=kind)
        assert got["Body"].read() == CONTENT
        assert "ContentEncoding" not in got


def test_a_chunked_body_with_anything_wrong_writes_nothing(s3):
    def flipped(signer):
        body = bytearray(signed_chunks(signer))
        body[70_000] ^= 1
        return bytes(body)

    def swapped(signer):
        first = signer.chunk(CONTENT[:50_000]) + b"\r\n"
        second = signer.chunk(CONTENT[50_000:]) + b"\r\n"
        return second + first + signer.chunk(b"") + b"\r\n"

    def unsigned(_):
        return f"{len(CONTENT):x}\r\n".encode() + CONTENT + b"\r\n0\r\n\r\n"

    cases = [
        (SIGNED, flipped, None, "SignatureDoesNotMatch"),
        (SIGNED, swapped, None, "SignatureDoesNotMatch"),
        (SIGNED, unsigned, None, "SignatureDoesNotMatch"),
        (SIGNED, lambda signer: signed_chunks(signer)[:-90], None, "IncompleteBody"),
        (SIGNED, lambda signer: signed_chunks(signer) + b"more", None, "InvalidRequest"),
        (SIGNED, lambda _: b"zz\r\n", None, "InvalidRequest"),
        (SIGNED, lambda _: b"fffffffffffffffff;\r\n", None, "InvalidRequest"),
        (SIGNED, lambda _: b"0" * 5000, None, "InvalidRequest"),
        (SIGNED_TRAILER, lambda s: signed_trailer(s, crc32(b"other")), TRAILER, "BadDigest"),
        (UNSIGNED_TRAILER, lambda s: unsigned_trailer(s, crc32(b"o")), TRAILER, "BadDigest"),
        (UNSIGNED_TRAILER, lambda s: unsigned_trailer(s, "%%%"), TRAILER, "InvalidRequest"),
        (UNSIGNED_TRAILER, unsigned, TRAILER, "InvalidRequest"),
        ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", unsigned, None, "NotImplemented"),
    ]
    for kind, make, extra, expected in cases:
        status, text = chunked(s3, "hostile", kind, make, len(CONTENT), extra)
        assert status >= 400 and expected in text, (kind, expected, text)
    status, text = chunked(s3, "hostile", SIGNED, signed_chunks, len(CONTENT) - 1)
    assert status == 400 and "IncompleteBody" in text
    with pytest.raises(ClientError) as caught:
        s3.client().get_object(Bucket=BUCKET, Key="hostile")
    assert code(caught) == "NoSuchKey"


def test_a_body_that_is_not_what_was_signed_writes_nothing(s3):
    path = f"/{BUCKET}/unlike"
    status, text = s3.send("PUT", path, b"body", payload=EMPTY)
    assert status == 400 and "XAmzContentSHA256Mismatch" in text
    md5 = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    status, text = s3.send("PUT", path, b"body", extra={"content-md5": md5})
    assert status == 400 and "BadDigest" in text
    status, text = s3.send("PUT", path, b"body", extra={"content-md5": "x"})
    assert status == 400 and "InvalidDigest" in text
    status, text = s3.send("PUT", path, b"body", payload="nonsense")
    assert status == 400 and "InvalidArgument" in text
    assert s3.send("GET", path)[0] == 404


BOMB = b"""<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<Delete><Object><Key>&b;</Key></Object></Delete>"""


def test_documents_that_are_none_are_refused(s3):
    host = f"127.0.0.1:{s3.port}"
    path = f"/{BUCKET}"
    for body in (
        b"",
        b"x",
        b"<Delete>",
        b"<Other/>",
        b"<Delete></Delete>",
        BOMB,
        b'<!DOCTYPE Delete SYSTEM "file:///etc/passwd"><Delete><Object/></Delete>',
        b"<Delete>" + b"<a>" * 100_000,
        b"<Delete>" + b"<Object><Key>k</Key></Object>" * 1002 + b"</Delete>",
        b"<Delete>" + b" " * (3 * MIB) + b"</Delete>",
    ):
        digest = hashlib.sha256(body).hexdigest()
        fields = s3.signer().fields(host, "POST", path, "delete=", digest)
        status, text = send(s3.port, "POST", f"{path}?delete", fields, body)
        assert status == 400 and "MalformedXML" in text, body[:40]


def test_targets_out_of_the_ordinary_are_answered_in_s3s_form(s3):
    for method, path, status in [
        ("GET", "/", 200),
        ("POST", "/", 405),
        ("PATCH", f"/{BUCKET}/a", 405),
        ("GET", "/..", 404),
        ("GET", f"/{BUCKET}/%00", 400),
        ("PUT", f"/{BUCKET}/" + "k" * 1025, 400),
        ("GET", "/keeps./a", 404),
        ("GET", "/.default/a", 404),
        ("GET", f"/{BUCKET}//a/../b", 404),
    ]:
        got, text = s3.send(method, path)
        assert got == status, (method, path[:50], text)
        assert status == 200 or "<Error><Code>" in text
    status, text = send(s3.port, "GET", f"/{BUCKET}/%zz", {})
    assert status == 400 and "InvalidURI" in text
    fields = s3.signer().fields(f"127.0.0.1:{s3.port}", "GET", f"/{BUCKET}/a", "acl=")
    assert send(s3.port, "GET", f"/{BUCKET}/a?acl", fields)[0] == 501


def test_a_flipped_bit_never_reaches_a_client_as_a_good_answer(s3):
    client = s3.client()
    content = b"precious" * 50_000
    client.put_object(Bucket=BUCKET, Key="precious", Body=content)
    digest = hashlib.sha256(content).hexdigest()
    file = s3.stores / "objects/content" / digest[:2] / digest
    good = file.read_bytes()
    for at in (40, len(good) - 1):  # in the first block, which is read ahead, and in the last one
        bad = bytearray(good)
        bad[at] ^= 16
        file.write_bytes(bad)
        with pytest.raises((ClientError, ResponseStreamingError, IncompleteReadError)):
            client.get_object(Bucket=BUCKET, Key="precious")["Body"].read()
    file.write_bytes(good)
    assert client.get_object(Bucket=BUCKET, Key="precious")["Body"].read() == content
