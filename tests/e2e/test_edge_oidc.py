"""Logging in at an OpenID provider: a small real one, and a browser that follows redirects."""

import base64
import hashlib
import http.client
import http.cookies
import json
import secrets
import threading
import urllib.parse

import pytest
from cli_driver import Server
from issuer import Issuer, encode
from web_server import Answers, WebServer

KEYS = {"COOKIE_KEY": "k" * 40, "CLIENT_SECRET": "a secret of the client: %/+"}


class Provider(Answers):
    """Logs everybody in as alice. Codes and refresh tokens count once."""

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        server = self.server
        if url.path == "/.well-known/openid-configuration":
            self.reply_json({
                "issuer": server.url,
                "authorization_endpoint": server.url + "/authorize",
                "token_endpoint": server.url + "/token",
                "jwks_uri": server.url + "/keys",
                "end_session_endpoint": server.url + "/logout",
            })  # fmt: skip
        elif url.path == "/keys":
            self.reply_json({"keys": server.published})
        elif url.path == "/authorize":
            asked = dict(urllib.parse.parse_qsl(url.query))
            code = secrets.token_urlsafe(8)
            server.codes[code] = asked
            query = urllib.parse.urlencode({"code": code, "state": asked["state"]})
            self.reply(status=302, location=f"{asked['redirect_uri']}?{query}")

    def do_POST(self):
        server = self.server
        text = self.body().decode()
        form = dict(urllib.parse.parse_qsl(text))
        if not self.is_client():
            return self.reply_json({"error": "invalid_client"}, 401)
        if form["grant_type"] == "refresh_token":
            server.refreshed += 1
            if server.refresh_tokens.pop(form["refresh_token"], None) is None or server.revoked:
                return self.reply_json({"error": "invalid_grant"}, 400)
            return self.tokens({}, sub="alice of later")
        asked = server.codes.pop(form["code"], None)
        verifier = encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        if not asked or verifier != asked["code_challenge"] or asked["client_id"] != "shop":
            return self.reply_json({"error": "invalid_grant"}, 400)
        if asked["redirect_uri"] != form["redirect_uri"]:
            return self.reply_json({"error": "invalid_grant"}, 400)
        return self.tokens({"nonce": asked["nonce"]})

    def is_client(self):
        kind, _, value = self.headers.get("authorization", "").partition(" ")
        name, _, secret = base64.b64decode(value).decode().partition(":")
        unquote = urllib.parse.unquote_plus
        known = ("shop", KEYS["CLIENT_SECRET"])
        return kind == "Basic" and (unquote(name), unquote(secret)) == known

    def tokens(self, claims, sub="alice"):
        refresh = secrets.token_urlsafe(8)
        self.server.refresh_tokens[refresh] = True
        claims = {"sub": sub, "email": "alice@example.com"} | claims | self.server.claims
        self.reply_json({
            "id_token": self.server.token(**claims),
            "access_token": "x",
            "token_type": "Bearer",
            "expires_in": self.server.lifetime,
            "refresh_token": refresh,
        })  # fmt: skip


class Echo(Answers):
    def do_GET(self):
        self.reply_request(set_cookie="of-the-origin=1")


class Browser:
    """Keeps cookies, and goes where it is sent."""

    def __init__(self, node):
        self.node, self.cookies = node, {}

    def ask(self, path, **fields):
        connection = http.client.HTTPConnection("127.0.0.1", self.node.port, timeout=20)
        headers = {"accept": "text/html"} | {k.replace("_", "-"): v for k, v in fields.items()}
        if self.cookies:
            headers["cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        response.content = response.read()
        connection.close()
        for line in response.headers.get_all("set-cookie") or []:
            for name, morsel in http.cookies.SimpleCookie(line).items():
                if name != "of-the-origin":
                    assert morsel["httponly"] and morsel["samesite"] == "Lax"
                self.cookies[name] = morsel.value
                if morsel["max-age"] == "0":
                    del self.cookies[name]
        return response

    def to_the_provider(self, path="/page?a=b"):
        """Where the node sends the browser, and where the provider sends it back to."""
        response = self.ask(path)
        assert response.status == 302, response.content
        place = urllib.parse.urlsplit(response.getheader("location"))
        connection = http.client.HTTPConnection(place.netloc, timeout=20)
        connection.request("GET", f"{place.path}?{place.query}")
        back = connection.getresponse().getheader("location")
        connection.close()
        return urllib.parse.urlsplit(back)

    def log_in(self, path="/page?a=b"):
        back = self.to_the_provider(path)
        return self.ask(f"{back.path}?{back.query}")


def fields_of(response):
    assert response.status == 200, response.content
    return json.loads(response.content)["fields"]


@pytest.fixture
def provider(tmp_path):
    with Issuer(tmp_path, Provider) as running:
        running.codes, running.refresh_tokens, running.claims = {}, {}, {}
        running.refreshed, running.lifetime, running.revoked = 0, 3600, False
        yield running


@pytest.fixture
def origin():
    with WebServer(Echo) as running:
        yield running.url


@pytest.fixture
def node(provider, origin, tmp_path, monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "cusp.toml").write_text(f"""name = "shop"
[edge.oidc]
issuer = "{provider.url}"
client_id = "shop"
client_secret = {{ env = "CLIENT_SECRET" }}
cookie_keys = [{{ env = "COOKIE_KEY" }}]
fields = {{ x-user = "sub", x-email = "email" }}
scopes = ["openid", "email"]
[upstream.origin]
url = "{origin}"
[[route]]
path = "/..."
upstream = "origin"
""")
    server = Server("serve", str(tmp_path), "--listen", "127.0.0.1:0")
    yield server
    for secret in KEYS.values():
        assert secret not in server.output
    assert server.stop() == 0


@pytest.fixture
def browser(node):
    return Browser(node)


def test_a_user_logs_in_and_comes_back_to_where_they_wanted_to_go(browser, provider):
    response = browser.log_in()
    assert (response.status, response.getheader("location")) == (302, "/page?a=b")
    assert list(browser.cookies) == ["cusp_session"]
    fields = fields_of(browser.ask("/page", x_user="root", X_Email="root@example.com"))
    assert (fields["x-user"], fields["x-email"]) == ("alice", "alice@example.com")
    assert "cookie" not in fields
    assert provider.refreshed == 0


def test_without_a_session_a_script_is_told_so_and_not_redirected(browser):
    response = browser.ask("/api", accept="application/json")
    assert response.status == 401
    assert browser.ask("/api", sec_fetch_mode="cors").status == 401
    assert not browser.cookies


def test_a_login_leads_nowhere_else(browser):
    for path in ("//evil.example/a", "/\\evil.example", "///evil.example"):
        browser.cookies.clear()
        response = browser.log_in(path)
        if response.status == 302:
            assert urllib.parse.urlsplit(response.getheader("location")).netloc == ""
            assert response.getheader("location")[1] not in "/\\"


def test_a_login_of_another_browser_counts_for_nothing(node, browser):
    attacker = Browser(node)
    back = attacker.to_the_provider()
    assert browser.ask(f"{back.path}?{back.query}").status == 400
    browser.to_the_provider()
    assert browser.ask(f"{back.path}?{back.query}").status == 400
    assert "cusp_session" not in browser.cookies


def test_a_code_counts_once(browser):
    back = browser.to_the_provider()
    kept = dict(browser.cookies)
    assert browser.ask(f"{back.path}?{back.query}").status == 302
    browser.cookies = kept
    assert browser.ask(f"{back.path}?{back.query}").status == 403


@pytest.mark.parametrize(
    "claims",
    [{"nonce": "stolen"}, {"aud": "bank"}, {"iss": "https://evil.example"}, {"exp": 1}, {"sub": ""},
     {"azp": "bank"}],
)  # fmt: skip
def test_an_id_token_that_is_not_for_this_login_is_refused(browser, provider, claims):
    provider.claims = claims
    assert browser.log_in().status == 403
    assert "cusp_session" not in browser.cookies


def test_a_session_is_renewed_with_the_next_page_and_ends_when_the_provider_says_so(
    browser, provider
):
    provider.lifetime = 1
    browser.log_in()
    first = browser.cookies["cusp_session"]
    threading.Event().wait(1.2)
    # What is no page waits for the next one.
    assert fields_of(browser.ask("/x.js", sec_fetch_mode="no-cors"))["x-user"] == "alice"
    assert provider.refreshed == 0
    response = browser.ask("/page")
    assert fields_of(response)["x-user"] == "alice of later"
    assert provider.refreshed == 1
    assert browser.cookies["cusp_session"] != first
    assert browser.cookies["of-the-origin"] == "1"
    provider.revoked = True
    threading.Event().wait(1.2)
    assert browser.ask("/page").status == 302


def test_a_changed_cookie_is_no_session(browser):
    browser.log_in()
    good = browser.cookies["cusp_session"]
    for changed in (good[:-1], good + "A", "A" + good[1:], good[::-1], "", "x" * 4000):
        browser.cookies["cusp_session"] = changed
        assert browser.ask("/api", accept="*/*").status == (200 if changed == good else 401)


def test_logging_out_ends_the_session_here_and_at_the_provider(browser, provider):
    browser.log_in()
    assert browser.ask("/.oidc/logout", sec_fetch_site="cross-site").status == 403
    response = browser.ask("/.oidc/logout")
    assert response.status == 302
    assert response.getheader("location").startswith(provider.url + "/logout?client_id=shop&")
    assert "cusp_session" not in browser.cookies
    assert browser.ask("/api", accept="*/*").status == 401


def test_a_provider_that_is_down_is_said_to_be(node, provider, browser):
    provider.shutdown()
    provider.server_close()
    response = browser.ask("/page")
    assert response.status == 503
    assert response.getheader("retry-after") == "1"
