"""S3's API at its edges: what is no part of it here is refused, and the lists' forms."""

import pytest
from botocore.exceptions import ClientError
from s3_endpoint import BUCKET, code, endpoint


@pytest.fixture(scope="module")
def s3(tmp_path_factory, state):
    with endpoint(tmp_path_factory.mktemp("s3-api"), state) as running:
        yield running


@pytest.mark.parametrize(
    "promise",
    [
        {"ServerSideEncryption": "AES256"},
        {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32},
        {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": "2030-01-01"},
        {"ObjectLockLegalHoldStatus": "ON"},
        {"Tagging": "a=b"},
        {"GrantRead": "uri=http://acs.amazonaws.com/groups/global/AllUsers"},
        {"ACL": "public-read"},
        {"WebsiteRedirectLocation": "/elsewhere"},
    ],
)
def test_what_is_not_done_is_not_promised(s3, promise):
    """A client that asked for encryption must not believe that it got it."""
    client = s3.client()
    for write in (client.put_object, client.create_multipart_upload):
        with pytest.raises(ClientError) as caught:
            write(Bucket=BUCKET, Key="promised", **promise)
        assert code(caught) == "NotImplemented"
    assert "Contents" not in client.list_objects_v2(Bucket=BUCKET, Prefix="promised")
    assert "Uploads" not in client.list_multipart_uploads(Bucket=BUCKET)


def test_the_rights_that_every_object_has_may_be_asked_for(s3):
    client = s3.client()
    client.put_object(Bucket=BUCKET, Key="mine", Body=b"1", ACL="private")
    client.put_object(Bucket=BUCKET, Key="mine", Body=b"2", ACL="bucket-owner-full-control")
    assert client.get_object(Bucket=BUCKET, Key="mine")["Body"].read() == b"2"


def test_a_bucket_is_not_given_what_stores_do_not_have(s3):
    client = s3.client()
    refused = [
        lambda: client.put_bucket_versioning(
            Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"}
        ),
        lambda: client.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": []}),
        lambda: client.get_bucket_policy(Bucket=BUCKET),
        lambda: client.get_bucket_acl(Bucket=BUCKET),
        lambda: client.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True),
    ]
    for ask in refused:
        with pytest.raises(ClientError) as caught:
            ask()
        assert code(caught) == "NotImplemented"
    assert "Status" not in client.get_bucket_versioning(Bucket=BUCKET)


def test_an_object_has_one_version_that_is_named_null(s3):
    client = s3.client()
    for body in (b"first", b"second"):
        client.put_object(Bucket=BUCKET, Key="versions/a/b", Body=body)
    client.put_object(Bucket=BUCKET, Key="versions/c", Body=b"third")
    for ask in (client.get_object, client.head_object):
        assert ask(Bucket=BUCKET, Key="versions/a/b", VersionId="null")["ContentLength"] == 6
        with pytest.raises(ClientError) as caught:
            ask(Bucket=BUCKET, Key="versions/a/b", VersionId="3")
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404

    listed = client.list_object_versions(Bucket=BUCKET, Prefix="versions/")
    assert [(one["Key"], one["VersionId"], one["IsLatest"]) for one in listed["Versions"]] == [
        ("versions/a/b", "null", True),
        ("versions/c", "null", True),
    ]
    assert all(one["Owner"]["ID"] == "keeps" for one in listed["Versions"])
    page = client.list_object_versions(Bucket=BUCKET, Prefix="versions/", Delimiter="/", MaxKeys=1)
    assert [one["Prefix"] for one in page["CommonPrefixes"]] == ["versions/a/"]
    assert page["IsTruncated"] and "Versions" not in page
    rest = client.list_object_versions(
        Bucket=BUCKET, Prefix="versions/", Delimiter="/", KeyMarker=page["NextKeyMarker"]
    )
    assert [one["Key"] for one in rest["Versions"]] == ["versions/c"] and not rest["IsTruncated"]

    source = {"Bucket": BUCKET, "Key": "versions/c", "VersionId": "null"}
    client.copy_object(Bucket=BUCKET, Key="versions/d", CopySource=source)
    with pytest.raises(ClientError) as caught:
        client.copy_object(Bucket=BUCKET, Key="versions/e", CopySource=source | {"VersionId": "7"})
    assert code(caught) == "NoSuchVersion"

    objects = [
        {"Key": "versions/c", "VersionId": "null"},
        {"Key": "versions/d", "VersionId": "7"},
    ]
    answer = client.delete_objects(Bucket=BUCKET, Delete={"Objects": objects})
    assert [one["Key"] for one in answer["Deleted"]] == ["versions/c"]
    assert [(one["Key"], one["Code"]) for one in answer["Errors"]] == [
        ("versions/d", "NoSuchVersion")
    ]
    with pytest.raises(ClientError) as caught:
        client.delete_object(Bucket=BUCKET, Key="versions/d", VersionId="7")
    assert code(caught) == "NoSuchVersion"
    left = client.list_objects_v2(Bucket=BUCKET, Prefix="versions/")["Contents"]
    assert [one["Key"] for one in left] == ["versions/a/b", "versions/d"]


def test_a_thousand_keys_are_deleted_at_once_and_one_more_is_too_many(s3):
    client = s3.client()
    client.put_object(Bucket=BUCKET, Key="many/0", Body=b"")
    objects = [{"Key": f"many/{i}"} for i in range(1001)]
    with pytest.raises(ClientError) as caught:
        client.delete_objects(Bucket=BUCKET, Delete={"Objects": objects})
    assert code(caught) == "MalformedXML"
    assert client.head_object(Bucket=BUCKET, Key="many/0")["ContentLength"] == 0
    answer = client.delete_objects(Bucket=BUCKET, Delete={"Objects": objects[:1000]})
    assert len(answer["Deleted"]) == 1000 and "Errors" not in answer


def test_empty_parameters_of_a_list_are_as_if_they_were_not_there(s3):
    client = s3.client()
    for key in ("empty/a/b", "empty/c"):
        client.put_object(Bucket=BUCKET, Key=key, Body=b"")
    page = client.list_objects_v2(
        Bucket=BUCKET, Prefix="empty/", Delimiter="", ContinuationToken="", MaxKeys=1
    )
    assert [one["Key"] for one in page["Contents"]] == ["empty/a/b"]
    assert "Delimiter" not in page and "CommonPrefixes" not in page
    rest = client.list_objects_v2(
        Bucket=BUCKET, Prefix="empty/", ContinuationToken=page["NextContinuationToken"]
    )
    assert [one["Key"] for one in rest["Contents"]] == ["empty/c"]


def test_a_list_names_the_owner_where_s3s_does(s3):
    client = s3.client()
    client.put_object(Bucket=BUCKET, Key="owned", Body=b"")
    upload = client.create_multipart_upload(Bucket=BUCKET, Key="owned too")
    where = {"Bucket": BUCKET, "Prefix": "owned"}
    assert client.list_objects(**where)["Contents"][0]["Owner"]["ID"] == "keeps"
    assert "Owner" not in client.list_objects_v2(**where)["Contents"][0]
    told = client.list_objects_v2(**where, FetchOwner=True)["Contents"][0]["Owner"]
    assert told == {"ID": "keeps", "DisplayName": "keeps"}
    uploads = client.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    assert [(one["Key"], one["Owner"]["ID"]) for one in uploads] == [("owned too", "keeps")]
    client.abort_multipart_upload(Bucket=BUCKET, Key="owned too", UploadId=upload["UploadId"])
