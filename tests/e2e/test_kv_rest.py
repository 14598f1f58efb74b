"""Key-value stores through Cloudflare's API of KV, which `wrangler kv` and others speak."""

import base64
import json
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from cli_driver import Server, cusp, guest

NAMESPACES = "client/v4/accounts/any/storage/kv/namespaces"


class Api:
    """A node with the stores 'default' and 'other' of the app 'shop', and tokens for the first."""

    def __init__(self, folder):
        self.state = folder / "state"
        self.state.mkdir()
        (folder / "cusp.toml").write_text(
            f'name = "shop"\n[component.web]\nsource = "{guest("hello-wat")}"\n'
            'key_value_stores = ["default", "other"]\n'
            '[[route]]\npath = "/..."\ncomponent = "web"\n'
        )
        self.node = Server(
            "serve", str(folder), "--listen", "127.0.0.1:0", "--data", "127.0.0.1:0",
            "--state-dir", str(self.state), "--shards", "2",
        )  # fmt: skip
        self.url = self.node.wait_for("data API on").split()[-1]
        self.write = self.token("--store", "kv:default", "--write")
        self.read = self.token("--store", "kv:default")

    def token(self, *flags, app="shop"):
        made = cusp("token", "create", app, *flags, "--json", "--state-dir", str(self.state))
        assert made.returncode == 0, made.stderr
        return json.loads(made.stdout)["token"]

    def ask(self, method, path, body=None, token=None, headers=None, namespace="shop.default"):
        """Status, body and fields."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        url = f"{self.url}/{NAMESPACES}/{namespace}/{path}"
        request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
        request.add_header("authorization", f"Bearer {token or self.write}")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers

    def result(self, method, path, body=None, **more):
        status, text, _ = self.ask(method, path, body, **more)
        answer = json.loads(text)
        assert status == 200 and answer["success"] and answer["errors"] == [], answer
        return answer["result"]


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    api = Api(tmp_path_factory.mktemp("kv-rest"))
    yield api
    assert api.node.stop() == 0


def quoted(key):
    return urllib.parse.quote(key, safe="")


@pytest.mark.parametrize("key", ["plain", "a/b c?d#é", "%2F", "x" * 512])
def test_a_value_is_written_read_and_deleted(api, key):
    value = bytes(range(256)) * 10
    path = "values/" + quoted(key)
    assert api.result("PUT", path, value) is None
    status, body, fields = api.ask("GET", path)
    assert (status, body, fields["content-type"]) == (200, value, "application/octet-stream")
    assert api.result("GET", "metadata/" + quoted(key)) is None
    api.result("DELETE", path)
    status, body, _ = api.ask("GET", path)
    assert status == 404 and json.loads(body)["errors"][0]["code"] == 10009
    api.result("DELETE", path)  # once more is no error


def test_a_form_brings_metadata_and_the_query_when_it_expires(api):
    boundary = "----WebKitFormBoundaryABC"
    form = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in (("value", "of the form"), ("metadata", '{"a": [1]}'))
    )
    form = (form + f"--{boundary}--\r\n").encode()
    kind = {"content-type": f"multipart/form-data; boundary={boundary}"}
    api.result("PUT", "values/form?expiration_ttl=3600", form, headers=kind)
    status, body, fields = api.ask("GET", "values/form")
    assert (status, body) == (200, b"of the form")
    assert abs(int(fields["expiration"]) - time.time() - 3600) < 60
    assert api.result("GET", "metadata/form") == {"a": [1]}
    listed = api.result("GET", "keys?prefix=form")
    assert listed[0]["metadata"] == {"a": [1]} and listed[0]["expiration"]


def test_keys_come_page_by_page(api):
    pairs = [{"key": f"page/{i:03}", "value": str(i), "metadata": {"n": i}} for i in range(25)]
    assert api.result("PUT", "bulk", pairs)["successful_key_count"] == 25
    names, cursor = [], ""
    while True:
        _, text, _ = api.ask("GET", f"keys?prefix=page/&limit=10&cursor={cursor}")
        answer = json.loads(text)
        names += [key["name"] for key in answer["result"]]
        assert answer["result_info"]["count"] == len(answer["result"])
        if not (cursor := answer["result_info"]["cursor"]):
            break
    assert names == [pair["key"] for pair in pairs]
    got = api.result("POST", "bulk/get", {"keys": ["page/001", "none"], "withMetadata": True})
    assert got["values"] == {"page/001": {"value": "1", "metadata": {"n": 1}}, "none": None}
    assert api.result("POST", "bulk/get", {"keys": ["page/002"], "type": "json"})["values"] == {
        "page/002": 2
    }
    api.result("POST", "bulk/delete", names[:20])
    api.result("DELETE", "bulk", names[20:24])
    assert [key["name"] for key in api.result("GET", "keys?prefix=page/")] == names[24:]


def test_bulk_happens_as_a_whole_or_not_at_all(api):
    good = {"key": "bulk/1", "value": base64.b64encode(b"\0\xff").decode(), "base64": True}
    for wrong in (
        {"key": "bulk/2"}, {"key": 1, "value": "x"}, {"key": "x" * 513, "value": "x"}, 7,
        {"key": "bulk/2", "value": "?", "base64": True},
        {"key": "bulk/2", "value": "x", "expiration_ttl": 5},
    ):  # fmt: skip
        status, text, _ = api.ask("PUT", "bulk", [good, wrong])
        assert status == 400 and json.loads(text)["success"] is False, wrong
    assert api.ask("GET", "values/bulk%2F1")[0] == 404
    api.result("PUT", "bulk", [good])
    assert api.ask("GET", "values/bulk%2F1")[1] == b"\0\xff"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "values/" + "x" * 513, b"x", 400), ("PUT", "values/", b"x", 400),
        ("PUT", "values/a?expiration_ttl=59", b"x", 400),
        ("PUT", "values/a?expiration=1", b"x", 400),
        ("PUT", "values/a?expiration_ttl=x", b"x", 400),
        ("PUT", "values/a?expiration_ttl=99999999999999999999", b"x", 400),
        ("PATCH", "values/a", b"x", 405), ("POST", "keys", b"", 405),
        ("GET", "keys?limit=9", None, 400), ("GET", "keys?limit=1001", None, 400),
        ("GET", "keys?cursor=?", None, 400), ("GET", "nothing", None, 404),
        ("PUT", "bulk", b"{", 400), ("PUT", "bulk", b"{}", 400),
        ("PUT", "bulk", b"[" * 100000, 400),
        ("PUT", "bulk", [{"key": "a", "value": "b"}] * 10_001, 400),
        ("POST", "bulk/delete", [1], 400), ("POST", "bulk/get", {"keys": ["a"] * 101}, 400),
        ("POST", "bulk/get", b"", 400), ("POST", "bulk/get", {"keys": [1]}, 400),
    ],
    ids=range(20),
)  # fmt: skip
def test_what_is_wrong_is_refused_in_the_form_of_the_api(api, method, path, body, status):
    got, text, _ = api.ask(method, path, body)
    answer = json.loads(text)
    assert got == status, answer
    assert answer["success"] is False and answer["errors"][0]["message"]


def test_a_token_sees_its_own_namespaces(api):
    everything = api.token("--write")
    request = urllib.request.Request(
        f"{api.url}/{NAMESPACES}", headers={"authorization": f"Bearer {everything}"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        listed = json.load(answer)["result"]
    assert {one["id"] for one in listed} == {"shop.default", "shop.other"}
    api.result("PUT", "values/seen", b"1")
    assert api.ask("GET", "values/seen", token=api.read)[0] == 200
    assert api.ask("PUT", "values/seen", b"2", token=api.read)[0] == 403
    assert api.ask("POST", "bulk/delete", ["seen"], token=api.read)[0] == 403
    got = api.result("POST", "bulk/get", {"keys": ["seen"]}, token=api.read)
    assert got["values"]["seen"] == "1"
    for namespace in ("shop.other", "shop.none", "blog.default", "shop", ""):
        assert api.ask("GET", "values/seen", token=api.read, namespace=namespace)[0] == 404
    assert api.ask("GET", "values/seen", token="x")[0] == 401
    sql = api.token("--store", "sql:default", "--write")
    assert api.ask("GET", "values/seen", token=sql)[0] == 404
