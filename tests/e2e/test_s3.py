"""The S3 endpoint with boto3."""

import base64
import datetime
import hashlib
import re
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError
from s3_endpoint import BUCKET, MIB, code, endpoint


@pytest.fixture(scope="module")
def s3(tmp_path_factory, state):
    with endpoint(tmp_path_factory.mktemp("s3"), state) as running:
        yield running


def keys_of(answer):
    return [entry["Key"] for entry in answer.get("Contents", [])]


def test_an_object_is_put_read_described_and_deleted(s3):
    client = s3.client()
    content = bytes(range(256)) * 1000
    put = client.put_object(
        Bucket=BUCKET, Key="a/ö b+c&d.txt", Body=content, ContentType="text/x", Metadata={"k": "v"}
    )
    assert put["ETag"] == f'"{hashlib.md5(content).hexdigest()}"'
    got = client.get_object(Bucket=BUCKET, Key="a/ö b+c&d.txt")
    assert got["Body"].read() == content
    assert got["ContentType"] == "text/x" and got["Metadata"] == {"k": "v"}
    head = client.head_object(Bucket=BUCKET, Key="a/ö b+c&d.txt")
    assert head["ContentLength"] == len(content) and head["ETag"] == put["ETag"]
    age = datetime.datetime.now(datetime.UTC) - head["LastModified"]
    assert abs(age.total_seconds()) < 60
    assert client.delete_object(Bucket=BUCKET, Key="a/ö b+c&d.txt")
    with pytest.raises(ClientError) as caught:
        client.get_object(Bucket=BUCKET, Key="a/ö b+c&d.txt")
    assert code(caught) == "NoSuchKey"
    with pytest.raises(ClientError) as caught:
        client.head_object(Bucket=BUCKET, Key="a/ö b+c&d.txt")
    assert code(caught) == "404"


def test_an_empty_object_and_a_file_object_are_whole(s3, tmp_path):
    client = s3.client()
    client.put_object(Bucket=BUCKET, Key="empty", Body=b"")
    assert client.get_object(Bucket=BUCKET, Key="empty")["Body"].read() == b""
    file = tmp_path / "file"
    file.write_bytes(b"0123456789" * 100_000)
    with file.open("rb") as body:
        client.put_object(Bucket=BUCKET, Key="file", Body=body)
    assert client.get_object(Bucket=BUCKET, Key="file")["Body"].read() == file.read_bytes()


def test_ranges_are_what_was_asked_for(s3):
    client = s3.client()
    content = bytes(range(256)) * 1024
    client.put_object(Bucket=BUCKET, Key="ranges", Body=content)
    for text, expected in [
        ("bytes=0-0", content[:1]),
        ("bytes=65530-65545", content[65530:65546]),
        ("bytes=262140-", content[262140:]),
        ("bytes=-5", content[-5:]),
        ("bytes=100-9999999", content[100:]),
    ]:
        got = client.get_object(Bucket=BUCKET, Key="ranges", Range=text)
        assert got["Body"].read() == expected, text
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert got["ContentRange"].endswith(f"/{len(content)}")
    with pytest.raises(ClientError) as caught:
        client.get_object(Bucket=BUCKET, Key="ranges", Range="bytes=262144-")
    assert code(caught) == "InvalidRange"


def test_conditions_decide_over_reads_and_writes(s3):
    client = s3.client()
    etag = client.put_object(Bucket=BUCKET, Key="cond", Body=b"1")["ETag"]
    for name, value, expected in [
        ("IfMatch", etag, None),
        ("IfMatch", '"0"', "PreconditionFailed"),
        ("IfNoneMatch", etag, "304"),
        ("IfNoneMatch", '"0"', None),
        ("IfModifiedSince", datetime.datetime(2020, 1, 1), None),
        ("IfUnmodifiedSince", datetime.datetime(2020, 1, 1), "PreconditionFailed"),
    ]:
        if expected is None:
            client.get_object(Bucket=BUCKET, Key="cond", **{name: value})
            continue
        with pytest.raises(ClientError) as caught:
            client.get_object(Bucket=BUCKET, Key="cond", **{name: value})
        assert code(caught) == expected, name
    with pytest.raises(ClientError) as caught:
        client.put_object(Bucket=BUCKET, Key="cond", Body=b"2", IfNoneMatch="*")
    assert code(caught) == "PreconditionFailed"
    client.put_object(Bucket=BUCKET, Key="cond", Body=b"3", IfMatch=etag)
    with pytest.raises(ClientError) as caught:
        client.put_object(Bucket=BUCKET, Key="cond", Body=b"4", IfMatch=etag)
    assert code(caught) == "PreconditionFailed"
    with pytest.raises(ClientError) as caught:
        client.put_object(Bucket=BUCKET, Key="cond-absent", Body=b"4", IfMatch=etag)
    assert code(caught) == "NoSuchKey"
    assert client.get_object(Bucket=BUCKET, Key="cond")["Body"].read() == b"3"


def test_lists_go_by_prefix_delimiter_and_pages(s3):
    client = s3.client()
    bucket = "keeps.lists"
    names = ["a", "b/1", "b/2", "b/c/3", "b0", "ü &<>", "z\x01"]
    for name in names:
        client.put_object(Bucket=bucket, Key=name, Body=b"x")
    whole = client.list_objects_v2(Bucket=bucket)
    assert keys_of(whole) == sorted(names, key=str.encode) and whole["KeyCount"] == len(names)
    folded = client.list_objects_v2(Bucket=bucket, Prefix="b/", Delimiter="/")
    assert keys_of(folded) == ["b/1", "b/2"]
    assert folded["CommonPrefixes"] == [{"Prefix": "b/c/"}]
    behind = client.list_objects_v2(Bucket=bucket, StartAfter="b/c/3")
    assert keys_of(behind) == ["b0", "z\x01", "ü &<>"]
    for verb in ("list_objects_v2", "list_objects"):
        pages = client.get_paginator(verb).paginate(
            Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 1}
        )
        found = []
        for page in pages:
            found += keys_of(page) + [one["Prefix"] for one in page.get("CommonPrefixes", [])]
        assert sorted(found) == sorted(["a", "b/", "b0", "ü &<>", "z\x01"]), verb
    assert client.list_objects_v2(Bucket=bucket, MaxKeys=0)["IsTruncated"] is False
    with pytest.raises(ClientError) as caught:
        client.list_objects_v2(Bucket=bucket, ContinuationToken="!!!")
    assert code(caught) == "InvalidArgument"
    assert bucket in [one["Name"] for one in client.list_buckets()["Buckets"]]


def test_many_objects_are_deleted_at_once(s3):
    client = s3.client()
    bucket = "keeps.deletes"
    for name in ("a", "b", "c"):
        client.put_object(Bucket=bucket, Key=name, Body=b"x")
    with pytest.raises(ClientError) as caught:
        client.delete_bucket(Bucket=bucket)
    assert code(caught) == "BucketNotEmpty"
    answer = client.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "not there"}, {"Key": "k" * 2000}]}
    )
    assert [one["Key"] for one in answer["Deleted"]] == ["a", "not there"]
    assert answer["Errors"][0]["Code"] == "InvalidArgument"
    quiet = client.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": "b"}, {"Key": "c"}], "Quiet": True}
    )
    assert "Deleted" not in quiet and "Errors" not in quiet
    assert keys_of(client.list_objects_v2(Bucket=bucket)) == []
    client.delete_bucket(Bucket=bucket)


def test_a_copy_keeps_or_replaces_metadata(s3):
    client = s3.client()
    client.put_object(Bucket=BUCKET, Key="from ü", Body=b"text", Metadata={"a": "1"})
    source = {"Bucket": BUCKET, "Key": "from ü"}
    copied = client.copy_object(Bucket="keeps.other", Key="to", CopySource=source)
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(b"text").hexdigest()}"'
    assert client.get_object(Bucket="keeps.other", Key="to")["Metadata"] == {"a": "1"}
    client.copy_object(
        Bucket=BUCKET,
        Key="from ü",
        CopySource=source,
        MetadataDirective="REPLACE",
        Metadata={"b": "2"},
    )
    assert client.head_object(Bucket=BUCKET, Key="from ü")["Metadata"] == {"b": "2"}
    for wrong, expected in [
        ({"CopySource": source}, "InvalidRequest"),
        ({"CopySource": {"Bucket": BUCKET, "Key": "nothing"}}, "NoSuchKey"),
        ({"CopySource": {"Bucket": "elsewhere.x", "Key": "a"}}, "AccessDenied"),
        ({"CopySource": source, "CopySourceIfNoneMatch": "*"}, "PreconditionFailed"),
    ]:
        with pytest.raises(ClientError) as caught:
            client.copy_object(Bucket=BUCKET, Key="from ü", **wrong)
        assert code(caught) == expected, wrong


def test_an_upload_in_parts_becomes_one_object(s3, tmp_path):
    client = s3.client()
    file = tmp_path / "big"
    content = bytes(range(251)) * (20 * MIB // 251)
    file.write_bytes(content)
    client.upload_file(str(file), BUCKET, "big", ExtraArgs={"ContentType": "x/y"})
    head = client.head_object(Bucket=BUCKET, Key="big", ChecksumMode="ENABLED")
    assert head["ETag"].endswith('-3"') and head["ContentLength"] == len(content)
    assert head["ContentType"] == "x/y" and head["ChecksumCRC32"].endswith("-3")
    back = tmp_path / "back"
    client.download_file(BUCKET, "big", str(back))
    assert back.read_bytes() == content
    part = client.get_object(Bucket=BUCKET, Key="big", PartNumber=2)
    assert part["Body"].read() == content[8 * MIB : 16 * MIB] and part["PartsCount"] == 3


def test_parts_are_listed_copied_aborted_and_checked(s3):
    client = s3.client()
    five = b"5" * (5 * MIB)
    client.put_object(Bucket=BUCKET, Key="source", Body=b"0123456789")
    upload = client.create_multipart_upload(Bucket=BUCKET, Key="parts")["UploadId"]
    where = {"Bucket": BUCKET, "Key": "parts", "UploadId": upload}
    first = client.upload_part(**where, PartNumber=1, Body=five)["ETag"]
    second = client.upload_part_copy(
        **where,
        PartNumber=2,
        CopySource={"Bucket": BUCKET, "Key": "source"},
        CopySourceRange="bytes=2-4",
    )["CopyPartResult"]["ETag"]
    listed = client.list_parts(**where)["Parts"]
    assert [(one["PartNumber"], one["Size"]) for one in listed] == [(1, len(five)), (2, 3)]
    uploads = client.list_multipart_uploads(Bucket=BUCKET, Prefix="parts")["Uploads"]
    assert [one["UploadId"] for one in uploads] == [upload]

    def complete(*parts):
        named = [{"PartNumber": number, "ETag": etag} for number, etag in parts]
        return client.complete_multipart_upload(**where, MultipartUpload={"Parts": named})

    for parts, expected in [
        ([(2, second), (1, first)], "InvalidPartOrder"),
        ([(1, second)], "InvalidPart"),
        ([(3, first)], "InvalidPart"),
    ]:
        with pytest.raises(ClientError) as caught:
            complete(*parts)
        assert code(caught) == expected
    complete((1, first), (2, second))
    assert client.get_object(Bucket=BUCKET, Key="parts")["Body"].read() == five + b"234"

    again = client.create_multipart_upload(Bucket=BUCKET, Key="parts")["UploadId"]
    where["UploadId"] = again
    client.upload_part(**where, PartNumber=1, Body=b"x")
    client.abort_multipart_upload(**where)
    for attempt in (
        lambda: client.upload_part(**where, PartNumber=1, Body=b"x"),
        lambda: client.list_parts(**where),
        lambda: client.abort_multipart_upload(**where),
        lambda: complete((1, first)),
    ):
        with pytest.raises(ClientError) as caught:
            attempt()
        assert code(caught) == "NoSuchUpload"


@pytest.mark.parametrize("name", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_a_checksum_is_verified_kept_and_told(s3, name):
    values = {  # of "123456789", from the catalogue of CRCs and from hashlib
        "CRC32": bytes.fromhex("cbf43926"),
        "CRC32C": bytes.fromhex("e3069283"),
        "CRC64NVME": bytes.fromhex("ae8b14860a799888"),
        "SHA1": hashlib.sha1(b"123456789").digest(),
        "SHA256": hashlib.sha256(b"123456789").digest(),
    }
    client = s3.client()
    member = f"Checksum{name}"
    right = base64.b64encode(values[name]).decode()
    put = {"Bucket": BUCKET, "Key": f"sum-{name}", "Body": b"123456789"}
    assert client.put_object(**put, **{member: right})[member] == right
    head = client.head_object(Bucket=BUCKET, Key=put["Key"], ChecksumMode="ENABLED")
    assert head[member] == right
    with pytest.raises(ClientError) as caught:
        client.put_object(**put, **{member: base64.b64encode(bytes(len(values[name]))).decode()})
    assert code(caught) == "BadDigest"


# Of the two parts below: that of the content, and that of the checksums of the parts.
def multipart_sums(name, parts):
    if name.startswith("SHA"):
        of = getattr(hashlib, name.lower())
        return None, of(b"".join(of(part).digest() for part in parts)).digest()
    width, polynomial = {
        "CRC32": (32, 0xEDB88320),
        "CRC32C": (32, 0x82F63B78),
        "CRC64NVME": (64, 0x9A6C9329AC4BC9B5),
    }[name]
    table = []
    for number in range(256):
        for _ in range(8):
            number = number >> 1 ^ (polynomial if number & 1 else 0)
        table.append(number)

    def of(data):
        ones = (1 << width) - 1
        crc = ones
        for byte in data:
            crc = table[(crc ^ byte) & 255] ^ crc >> 8
        return (crc ^ ones).to_bytes(width // 8)

    return of(b"".join(parts)), of(b"".join(of(part) for part in parts))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, "FULL_OBJECT") for name in ("CRC32", "CRC32C", "CRC64NVME")),
        *((name, "COMPOSITE") for name in ("CRC32", "CRC32C", "SHA1", "SHA256")),
    ],
)
def test_an_upload_in_parts_has_the_checksum_that_it_began_with(s3, name, kind):
    # Without Amazon's own runtime a client cannot make the newer ones, and would send another.
    made_here = name in ("CRC32", "SHA1", "SHA256")
    client = s3.client(
        request_checksum_calculation="when_supported" if made_here else "when_required"
    )
    parts = [b"5" * (5 * MIB), b"tail"]
    member = f"Checksum{name}"
    where = {"Bucket": BUCKET, "Key": f"parts-{name}-{kind}"}
    begun = client.create_multipart_upload(**where, ChecksumAlgorithm=name, ChecksumType=kind)
    assert (begun["ChecksumAlgorithm"], begun["ChecksumType"]) == (name, kind)
    upload = {**where, "UploadId": begun["UploadId"]}
    sent = []
    for number, body in enumerate(parts, 1):
        extra = {"ChecksumAlgorithm": name} if made_here else {}
        part = client.upload_part(**upload, PartNumber=number, Body=body, **extra)
        sent.append({"PartNumber": number, "ETag": part["ETag"], member: part[member]})
    listed = client.list_parts(**upload)
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == (name, kind)
    assert [part[member] for part in listed["Parts"]] == [part[member] for part in sent]
    swapped = [{**sent[0], member: sent[1][member]}, sent[1]]
    with pytest.raises(ClientError) as caught:
        client.complete_multipart_upload(**upload, MultipartUpload={"Parts": swapped})
    assert code(caught) == "InvalidPart"
    whole, composite = multipart_sums(name, parts)
    size = {"MpuObjectSize": sum(map(len, parts))}
    expected = base64.b64encode(whole if kind == "FULL_OBJECT" else composite).decode()
    stated = {member: expected, "ChecksumType": kind} if kind == "FULL_OBJECT" else {}
    for wrong, refusal in [
        ({"MpuObjectSize": 7}, "InvalidRequest"),
        ({"ChecksumType": "COMPOSITE" if whole and kind != "COMPOSITE" else "FULL_OBJECT"},
         "InvalidRequest"),
        ({member: base64.b64encode(bytes(len(whole or composite))).decode()}, "BadDigest"),
        ({"ChecksumSHA256" if name != "SHA256" else "ChecksumSHA1":
          base64.b64encode(bytes(32 if name != "SHA256" else 20)).decode()}, "InvalidRequest"),
    ]:
        with pytest.raises(ClientError) as caught:
            client.complete_multipart_upload(**upload, MultipartUpload={"Parts": sent}, **wrong)
        assert code(caught) == refusal, wrong
    done = client.complete_multipart_upload(
        **upload, MultipartUpload={"Parts": sent}, **stated, **size
    )
    told = expected if kind == "FULL_OBJECT" else f"{expected}-2"
    assert (done[member], done["ChecksumType"]) == (told, kind)
    head = client.head_object(**where, ChecksumMode="ENABLED")
    assert (head[member], head["ChecksumType"]) == (told, kind)
    assert client.get_object(**where)["Body"].read() == b"".join(parts)


@pytest.mark.parametrize(
    "asked",
    [
        {"ChecksumAlgorithm": "SHA256", "ChecksumType": "FULL_OBJECT"},
        {"ChecksumAlgorithm": "SHA1", "ChecksumType": "FULL_OBJECT"},
        {"ChecksumAlgorithm": "CRC64NVME", "ChecksumType": "COMPOSITE"},
        {"ChecksumAlgorithm": "CRC32", "ChecksumType": "HALF"},
        {"ChecksumAlgorithm": "CRC31"},
        {"ChecksumType": "FULL_OBJECT"},
    ],
)
def test_an_upload_in_parts_with_a_checksum_that_is_none_does_not_begin(s3, asked):
    with pytest.raises(ClientError) as caught:
        s3.client(request_checksum_calculation="when_required").create_multipart_upload(
            Bucket=BUCKET, Key="none", **asked
        )
    assert code(caught) == "InvalidRequest"


def test_presigned_urls_work_until_they_expire_or_are_changed(s3):
    client = s3.client(signature_version="s3v4")
    where = {"Bucket": BUCKET, "Key": "presigned ü"}
    url = client.generate_presigned_url("put_object", Params=where)
    request = urllib.request.Request(url, data=b"by url", method="PUT")
    request.add_header("content-type", "")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200
    url = client.generate_presigned_url(
        "get_object", Params=where | {"ResponseContentType": "text/special"}
    )
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.read() == b"by url" and answer.headers["content-type"] == "text/special"
    signed = re.search(r"X-Amz-Date=(\w+)", url)[1]
    day = datetime.datetime.strptime(signed, "%Y%m%dT%H%M%SZ") - datetime.timedelta(days=1)
    late = url.replace(signed[:8], f"{day:%Y%m%d}")  # in the credential's scope, too
    for changed in (late, url.replace("%C3%BC", "other"), url.replace("special", "html")):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(changed, timeout=10)
        assert caught.value.code == 403 and b"SignatureDoesNotMatch" in caught.value.read()
