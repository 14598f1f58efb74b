"""`cusp object`: a look into object stores by themselves and beside a node."""

import os

import pytest
from s3_endpoint import BUCKET, endpoint
from test_store_cli import run


@pytest.fixture
def app(tmp_path):
    """A folder of stores that are still empty."""
    (tmp_path / ".cusp/stores").mkdir(parents=True)
    return tmp_path


def test_objects_are_put_read_listed_exported_imported_and_deleted(app, tmp_path_factory):
    put = run("object", "put", "a/logo.svg", "--app", "keeps", text="<svg/>", cwd=app)
    assert put.returncode == 0
    assert run("object", "get", "a/logo.svg", cwd=app).stdout == "<svg/>"
    gone = run("object", "get", "nothing", cwd=app)
    assert (gone.returncode, gone.stdout) == (3, "") and "nothing" in gone.stderr
    out = tmp_path_factory.mktemp("exported")
    assert run("object", "export", str(out), cwd=app).returncode == 0
    assert (out / "a/logo.svg").read_text() == "<svg/>"
    (out / "b").write_bytes(bytes(300_000))
    assert run("object", "import", str(out), "--prefix", "x/", cwd=app).returncode == 0
    listed = run("object", "list", cwd=app).stdout.split()
    assert listed == ["6", "a/logo.svg", "6", "x/a/logo.svg", "300000", "x/b"]
    assert run("object", "delete", "a/logo.svg", "x/a/logo.svg", cwd=app).returncode == 0
    assert run("object", "list", "x/", cwd=app).stdout.split() == ["300000", "x/b"]


def test_an_object_whose_key_leads_out_of_the_folder_is_not_exported(app, tmp_path_factory):
    out = tmp_path_factory.mktemp("exported") / "deep/er"
    assert run("object", "put", "../evil", "--app", "keeps", text="x", cwd=app).returncode == 0
    refused = run("object", "export", str(out), cwd=app)
    assert refused.returncode == 2 and "../evil" in refused.stderr
    assert not list(out.parent.parent.rglob("evil"))


def test_a_node_that_serves_objects_is_asked_for_them(app, state, tmp_path_factory):
    content = os.urandom(5_000_000)
    out = tmp_path_factory.mktemp("exported")
    (out / "b").write_bytes(content)
    with endpoint(app, state) as served:
        s3 = served.client()
        s3.put_object(Bucket=BUCKET, Key="a.txt", Body=b"over S3")
        assert run("object", "get", "a.txt", cwd=app).stdout == "over S3"
        assert run("object", "import", str(out), "--prefix", "x/", cwd=app).returncode == 0
        assert s3.get_object(Bucket=BUCKET, Key="x/b")["Body"].read() == content
        assert run("object", "list", cwd=app).stdout.split() == ["7", "a.txt", "5000000", "x/b"]
        assert run("object", "export", str(out), cwd=app).returncode == 0
        assert (out / "x/b").read_bytes() == content
        assert run("object", "delete", "x/b", cwd=app).returncode == 0
        gone = run("object", "get", "x/b", cwd=app)
        assert (gone.returncode, gone.stdout) == (3, "")
        assert "x/b" not in [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
