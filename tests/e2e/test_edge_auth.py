"""Who may ask: tokens, passwords, keys and signed URLs, against the real binary."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import subprocess
import threading
import time

import pytest
from cli_driver import Server
from issuer import Issuer, encode
from web_server import Answers, WebServer

SECRET = "0123456789abcdef0123456789abcdef"


class Keys(Answers):
    def do_GET(self):
        self.server.asked.append(self.path)
        time.sleep(0.2)
        self.reply_json({"keys": self.server.published}, self.server.status)


class Echo(Answers):
    def do_GET(self):
        self.reply_request()


@pytest.fixture
def issuer(tmp_path):
    with Issuer(tmp_path, Keys) as running:
        yield running


@pytest.fixture
def origin():
    with WebServer(Echo) as running:
        yield running.url


@pytest.fixture
def node(issuer, origin, tmp_path, monkeypatch):
    monkeypatch.setenv("URL_SECRET", SECRET)
    password = subprocess.run(["openssl", "passwd", "-6", "secret"], check=True,
                              capture_output=True, text=True).stdout.strip()  # fmt: skip
    (tmp_path / "users").write_text(f"alice:{password}\n")
    digest = hashlib.sha256(b"key of acme").hexdigest()
    (tmp_path / "cusp.toml").write_text(f"""name = "shop"
[upstream.origin]
url = "{origin}"
[[route]]
path = "/token/..."
upstream = "origin"
[route.edge.jwt]
jwks_url = "{issuer.url}/keys"
algorithms = ["RS256"]
issuer = "{issuer.url}"
audience = "shop"
refresh_pause = "1s"
fields = {{ x-user = "sub" }}
[[route]]
path = "/password"
upstream = "origin"
edge.basic_auth = {{ users_file = "users", field = "x-user" }}
[[route]]
path = "/key"
upstream = "origin"
edge.api_keys = {{ keys = {{ acme = "sha256:{digest}" }}, field = "x-user" }}
[[route]]
path = "/signed"
upstream = "origin"
edge.signed_urls = {{ keys = {{ k1 = {{ env = "URL_SECRET" }} }} }}
""")
    server = Server("serve", str(tmp_path), "--listen", "127.0.0.1:0")
    yield server
    assert server.stop() == 0


def ask(node, path, **fields):
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=20)
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.content = response.read()
    connection.close()
    return response


def user_of(response):
    assert response.status == 200, response.content
    return json.loads(response.content)["fields"].get("x-user")


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def test_a_token_of_the_issuer_lets_pass_and_names_its_user(node, issuer):
    assert user_of(ask(node, "/token/a", x_user="root", **bearer(issuer.token()))) == "alice"
    assert user_of(ask(node, "/token/a", **bearer(issuer.token(sub="bob")))) == "bob"
    assert len(issuer.asked) == 1


def test_bad_tokens_do_not(node, issuer):
    header, claims, signature = issuer.token().split(".")
    none = encode(b'{"alg":"none"}')
    forged = encode(json.dumps({"iss": issuer.url, "aud": "shop", "sub": "root"}).encode())
    bad = [
        f"{none}.{claims}.",
        f"{header}.{forged}.{signature}",
        f"{header}.{claims}.",
        issuer.token(exp=1),
        issuer.token(aud="bank"),
        issuer.token(iss="https://evil.example"),
        issuer.token(nbf=time.time() + 600),
    ]
    for token in bad:
        response = ask(node, "/token/a", **bearer(token))
        assert response.status == 401, token
        assert 'error="invalid_token"' in response.getheader("www-authenticate")
    assert ask(node, "/token/a").getheader("www-authenticate") == 'Bearer realm="shop"'


def test_keys_are_fetched_once_for_many_and_again_when_they_change(node, issuer):
    token = issuer.token()
    statuses = []

    def ask_once():
        statuses.append(ask(node, "/token/a", **bearer(token)).status)

    threads = [threading.Thread(target=ask_once) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 50
    assert len(issuer.asked) == 1

    issuer.add_key("k2")
    time.sleep(1.1)
    assert user_of(ask(node, "/token/a", **bearer(issuer.token("k2")))) == "alice"
    assert len(issuer.asked) == 2


def test_invented_key_ids_do_not_make_the_node_ask_and_ask(node, issuer):
    assert ask(node, "/token/a", **bearer(issuer.token())).status == 200
    issuer.add_key("forged", publish=False)
    for _ in range(20):
        assert ask(node, "/token/a", **bearer(issuer.token("forged"))).status == 401
    assert len(issuer.asked) <= 1 + 1 + int(20 * 0.5)  # at most one a second


def test_an_issuer_that_is_down_is_not_missed_while_its_keys_are_known(node, issuer):
    token = issuer.token()
    issuer.status = 500
    assert ask(node, "/token/a", **bearer(token)).status == 503
    issuer.status = 200
    time.sleep(1.1)
    assert ask(node, "/token/a", **bearer(token)).status == 200
    issuer.status = 500
    time.sleep(1.1)
    assert ask(node, "/token/a", **bearer(token)).status == 200


def test_a_name_and_a_password_let_pass(node):
    def basic(text):
        return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    for _ in range(2):
        assert user_of(ask(node, "/password", x_user="root", **basic("alice:secret"))) == "alice"
    for text in ("alice:wrong", "mallory:secret", "alice:", ":", "alice", "alice:secret\0"):
        assert ask(node, "/password", **basic(text)).status == 401
    assert ask(node, "/password").getheader("www-authenticate").startswith('Basic realm="shop"')


def test_a_key_names_its_client(node):
    assert user_of(ask(node, "/key", x_api_key="key of acme", x_user="root")) == "acme"
    for key in ("", "key of acm", "sha256:" + hashlib.sha256(b"key of acme").hexdigest()):
        assert ask(node, "/key", x_api_key=key).status == 401


def test_a_signed_url_counts_until_it_expires(node):
    def sign(url):
        mac = hmac.new(SECRET.encode(), url.encode(), "sha256").digest()
        return f"{url}&signature={encode(mac)}"

    good = sign(f"/signed?size=2&expires={int(time.time()) + 60}&key=k1")
    response = ask(node, good)
    assert response.status == 200
    assert json.loads(response.content)["path"] == "/signed?size=2"
    bad = [
        "/signed",
        good.replace("size=2", "size=3"),
        good + "&size=3",
        sign(f"/signed?expires={int(time.time()) - 1}&key=k1"),
        sign(f"/signed?expires={int(time.time()) + 60}&key=k2"),
    ]
    for url in bad:
        assert ask(node, url).status == 403, url


def test_no_secret_reaches_the_log(node):
    assert os.environ["URL_SECRET"] == SECRET
    ask(node, "/token/a", **bearer("x.y.z"))
    ask(node, "/signed?key=k1")
    assert SECRET not in node.output
