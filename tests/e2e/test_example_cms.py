"""The content management system, as its visitors, its authors and its enemies use it."""

import html
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser

import pytest
from cli_driver import cusp
from example_site import Site, multipart, png

PASSWORD = "correct horse battery"


class Cms(Site):
    """The site, with the cookie of its author where a request says so."""

    cookie = None

    def log_in(self, password=PASSWORD, name="admin"):
        status, fields, _ = self.ask("/admin/log-in", form={"name": name, "password": password})
        if status == 303:
            self.cookie = fields["set-cookie"].split(";")[0]
        return status, fields

    def desk(self, path="/admin", form=None, **headers):
        """A page of the desk; a form gets the token that its page has."""
        if isinstance(form, dict) and "csrf" not in form:
            form = {"csrf": self.token()} | form
        return self.ask(path, form=form, cookie=self.cookie, **headers)

    def token(self):
        return hidden(self.ask("/admin/settings", cookie=self.cookie)[2], "csrf")

    def write(self, path="/admin/pages/new", action="publish", **fields):
        """Saves a page and answers its path at the desk."""
        form = {"title": "A title", "kind": "post", "body": "A text.", "action": action}
        status, answer, text = self.desk(path, form=form | fields)
        assert status == 303, text
        return answer["location"]

    def revise(self, path, action="publish", **fields):
        """The same for a page that is there, from its newest revision."""
        text = self.desk(path)[2]
        form = {"revision": hidden(text, "revision"), "slug": value(text, "slug")}
        return self.write(path, action, **form | fields)


def hidden(text, name):
    return re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', text)[1]


def value(text, name):
    return html.unescape(re.search(rf'<input name="{name}"[^>]*? value="([^"]*)"', text)[1])


def programs(text):
    """What a browser would run of a page."""
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            if tag in ("script", "iframe", "object", "embed", "base", "svg"):
                found.append(tag)
            for name, content in attributes:
                is_link = name in ("href", "src", "action")
                is_safe = re.match("https?:|mailto:|/|#", content or "")
                if name.startswith("on") or is_link and not is_safe:
                    found.append((tag, name, content))

    Reader().feed(text)
    return found


@pytest.fixture
def start(tmp_path, state):
    sites = []

    def start(password=PASSWORD):
        variable = f"admin_password={password}"
        sites.append(Cms("cms", tmp_path / "cms", state, "--variable", variable))
        return sites[-1]

    yield start
    for one in sites:
        assert one.server.stop() == 0


@pytest.fixture
def cms(start):
    site = start()
    assert site.log_in()[0] == 303
    return site


def test_what_is_published_is_seen_at_once_and_comes_from_the_cache(cms):
    assert "Nothing has been published here yet." in cms.ask("/")[2]
    assert "hit" in cms.ask("/")[1]["cache-status"]
    desk = cms.write(title="Hello, World!", body="It *works*.", summary="A first one.")
    status, fields, text = cms.ask("/hello-world")
    assert status == 200
    assert "<em>works</em>" in text
    assert fields["content-security-policy"].startswith("default-src 'none'")
    assert "surrogate-key" not in fields and "cdn-cache-control" not in fields
    assert 'href="/hello-world"' in cms.ask("/")[2]
    assert "hit" in cms.ask("/hello-world")[1]["cache-status"]
    assert cms.ask("/hello-world", if_none_match=fields["etag"])[0] == 304
    cms.revise(desk, title="Hello again", body="It _still_ works.")
    for path, expected in (("/hello-world", "<em>still</em>"), ("/", "Hello again")):
        assert expected in cms.ask(path)[2], path
    assert "hit" in cms.ask("/hello-world")[1]["cache-status"]


def test_no_reader_sees_what_is_older_than_the_last_publication(cms):
    desk = cms.write(title="Counter", body="number 0.")
    published, is_over = [0], threading.Event()

    def read():
        """How often it was read, and from the cache."""
        seen = []
        while not is_over.is_set():
            least = published[0]
            _, fields, text = cms.ask("/counter")
            assert int(re.search(r"number (\d+)", text)[1]) >= least
            seen.append("hit" in fields["cache-status"])
        return len(seen), sum(seen)

    with ThreadPoolExecutor(3) as readers:
        reading = [readers.submit(read) for _ in range(3)]
        try:
            for number in range(1, 21):
                cms.revise(desk, title="Counter", body=f"number {number}.")
                published[0] = number
        finally:
            is_over.set()
        for count, hits in (future.result() for future in reading):
            assert hits > count / 2


def test_what_was_written_is_there_after_a_restart(cms):
    desk = cms.write(title="Lasting", body="Ink.")
    cms.revise(desk, action="save", title="Lasting", body="Pencil.")
    body, kind = multipart("x.png", png(), csrf=cms.token())
    cms.desk("/admin/media", form=body, content_type=kind)
    [picture] = set(re.findall(r'src="(/media/[^"]+)"', cms.desk("/admin/media")[2]))
    assert cms.server.stop() == 0
    cms.start()
    assert "Ink." in cms.ask("/lasting")[2]
    assert cms.ask_bytes(picture)[2] == png()
    assert "Pencil." in cms.desk(desk)[2]  # in the same session


def test_a_draft_is_seen_by_authors_alone(cms):
    desk = cms.write(action="save", title="Secret plans", body="Draft 1")
    assert cms.ask("/secret-plans")[0] == 404
    preview = cms.desk(f"{desk}/preview")
    assert "Draft 1" in preview[2]
    assert preview[1]["cache-control"] == "no-store"
    cms.revise(desk, title="Open plans", body="Published 2")
    cms.revise(desk, action="save", title="Open plans", body="Draft 3")
    places = ("/", "/secret-plans", "/feed.xml", "/sitemap.xml", "/?page=1")
    for _ in range(2):  # also out of the cache
        seen = "".join(cms.ask(path, cookie=cms.cookie)[2] for path in places)
        assert "Published 2" in seen
        assert "Draft" not in seen and "Secret" not in seen
    assert "Draft 3" in cms.desk(f"{desk}/preview")[2]


def test_without_a_session_the_desk_is_closed(cms):
    desk = cms.write(action="save", body="Draft")
    paths = ["/admin", "/admin/", desk, f"{desk}/preview", "/admin/media", "/admin/settings"]
    for path in paths:
        for cookie in ("", "__Host-session=", "__Host-session=0", "__Host-session=" + "0" * 64):
            status, fields, text = cms.ask(path, cookie=cookie)
            assert (status, fields["location"], text) == (303, "/admin/log-in", ""), path
    for path in [*paths, "/admin/pages/new", f"{desk}/delete", "/admin/password"]:
        status, _, text = cms.ask(path, form={"csrf": cms.token(), "title": "x"})
        assert status == 401, path
        assert "Draft" not in text
    assert "Draft" in cms.desk(desk)[2]


def test_what_is_unpublished_or_deleted_is_gone_at_once(cms):
    for how in ("unpublish", "delete"):
        desk = cms.write(title=f"Going by {how}")
        path = f"/going-by-{how}"
        assert [cms.ask(path)[0] for _ in range(2)] == [200, 200]
        assert cms.desk(f"{desk}/{how}", form={})[0] == 303
        assert cms.ask(path)[0] == 404
        assert path not in cms.ask("/")[2] + cms.ask("/feed.xml")[2] + cms.ask("/sitemap.xml")[2]
        assert cms.desk(desk)[0] == (200 if how == "unpublish" else 404)


def test_the_menu_changes_on_every_page(cms):
    cms.write(title="A post")
    assert "<nav" not in cms.ask("/a-post")[2].split("<main>")[0]
    cms.write(title="About us", kind="page")
    assert '<a href="/about-us">About us</a>' in cms.ask("/a-post")[2]
    assert "About us" not in cms.ask("/feed.xml")[2]
    form = {"title": "<Times>", "tagline": "All & sundry"}
    assert cms.desk("/admin/settings", form=form)[0] == 303
    assert "&lt;Times&gt;" in cms.ask("/a-post")[2]
    assert cms.desk("/admin/settings", form={"title": " ", "tagline": ""})[0] == 422


def test_the_front_page_has_pages(cms):
    for number in range(11):
        cms.write(title=f"Post {number}")
    found, path = [], "/"
    while path:
        text = cms.ask(path)[2]
        found += re.findall(r'<h2><a href="/(post-\d+)"', text)
        older = re.search(r'<a rel="next" href="([^"]+)"', text)
        path = older and older[1]
    assert found == [f"post-{number}" for number in range(10, -1, -1)]
    for query in ("0", "3", "-1", "x", "99999999999999999999", "%00", ""):
        assert cms.ask(f"/?page={query}")[0] == 404, query
    assert "hit" in cms.ask("/?utm_source=x")[1]["cache-status"]


def test_nothing_that_an_author_types_runs_in_a_visitor_s_browser(cms):
    nasty = "</title></textarea><script>alert(1)</script><img src=x onerror=alert(1)>'\"&amp;"
    body = "\n\n".join(
        [
            nasty,
            "<script>alert(2)</script>",
            "<div onclick='alert(3)'>*x*</div>",
            "[a](javascript:alert(4)) [b](JaVaScRiPt:alert(5)) [c](&#106;avascript:alert(6))",
            "[d](<java\tscript:alert(7)>) ![e](data:text/html,x) [f](vbscript:x)",
            "<javascript:alert(8)> [g]: javascript:alert(9)",
            "[ok](https://example.com/?a=b:c) [path](/a:b) [mail](mailto:a@example.com)",
            '# A heading {onclick="alert(10)"}',
        ]
    )
    cms.write(title=nasty, slug="nasty", summary=nasty, body=body)
    desk = cms.desk("/admin")[2]
    edit = re.search(r"/admin/pages/\d+", desk)[0]
    assert programs(f"{body}<a href='javascript:x'>") != []
    pages = [cms.ask("/nasty")[2], cms.ask("/")[2], desk]
    pages += [cms.desk(edit)[2], cms.desk(f"{edit}/preview")[2]]
    for text in pages:
        assert programs(text) == []
    assert 'href="https://example.com/?a=b:c"' in pages[0]
    assert '<a href="/a:b">' in pages[0] and '<a href="mailto:a@example.com">' in pages[0]
    assert html.unescape(re.search(r"<textarea[^>]*>\n(.*?)</textarea>", pages[3], re.S)[1]) == body


def test_the_feed_and_the_sitemap_are_xml(cms):
    from xml.etree import ElementTree

    cms.write(title="Fish & <chips> ]]>", slug="fish", body="1 < 2 & *three* ]]>")
    atom = "{http://www.w3.org/2005/Atom}"
    feed = ElementTree.fromstring(cms.ask("/feed.xml")[2].encode())
    [entry] = feed.findall(f"{atom}entry")
    assert entry.find(f"{atom}title").text == "Fish & <chips> ]]>"
    assert "<em>three</em>" in entry.find(f"{atom}content").text
    assert entry.find(f"{atom}link").get("href") == f"{cms.server.url}/fish"
    sitemap = ElementTree.fromstring(cms.ask("/sitemap.xml")[2].encode())
    places = [place.text for place in sitemap.iter() if place.tag.endswith("}loc")]
    assert places == [f"{cms.server.url}/", f"{cms.server.url}/fish"]
    assert f"{cms.server.url}/sitemap.xml" in cms.ask("/robots.txt")[2]


def test_an_author_goes_back_to_an_older_revision(cms):
    desk = cms.write(title="History", body="the first")
    cms.revise(desk, title="History", body="the second")
    text = cms.desk(desk)[2]
    first = re.findall(r"preview\?revision=(\d+)", text)[-1]
    assert "the first" in cms.desk(f"{desk}/preview?revision={first}")[2]
    assert cms.desk(f"{desk}/restore", form={"revision": first})[0] == 303
    assert "the first" in cms.desk(desk)[2]
    assert "the second" in cms.ask("/history")[2]  # until it is published
    other = cms.write(title="Other")
    assert cms.desk(f"{other}/preview?revision={first}")[0] == 404
    cms.desk(f"{other}/restore", form={"revision": first})
    assert "the first" not in cms.desk(other)[2]


def test_a_page_keeps_its_last_hundred_revisions_and_the_published_one(cms):
    desk = cms.write(title="Long", body="published")
    many = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150) INSERT INTO "
        "revisions (page, title, summary, body, author) SELECT 1, 'Long', '', i, 'x' FROM n"
    )
    assert cusp("sql", "default", many, cwd=cms.folder).returncode == 0
    cms.revise(desk, action="save", title="Long", body="the last")
    assert len(re.findall(r"preview\?revision=", cms.desk(desk)[2])) == 101
    assert "published" in cms.ask("/long")[2]


def test_two_authors_do_not_overwrite_each_other(cms):
    desk = cms.write(title="Shared", body="as both have read it", action="save")
    begun = hidden(cms.desk(desk)[2], "revision")
    form = {"title": "Shared", "slug": "shared", "kind": "post", "revision": begun}
    with ThreadPoolExecutor(2) as both:
        saved = [
            both.submit(cms.desk, desk, form=form | {"body": f"by author {number}"})
            for number in range(2)
        ]
    answers = [future.result() for future in saved]
    assert sorted(status for status, *_ in answers) == [303, 409]
    lost = next(text for status, _, text in answers if status == 409)
    assert "Somebody has saved this page meanwhile" in lost
    assert "by author" in lost  # what was typed is still there
    again = form | {"revision": hidden(lost, "revision"), "body": "of both"}
    assert cms.desk(desk, form=again)[0] == 303


def test_slugs_are_unique_and_stay_once_published(cms):
    desk = cms.write(title="Taken")
    form = {"title": "Taken", "kind": "post", "body": "typed"}
    status, _, text = cms.desk("/admin/pages/new", form=form)
    assert status == 409 and "Another page has this address." in text and "typed" in text
    cms.revise(desk, slug="moved", title="Renamed")
    assert cms.ask("/taken")[0] == 200 and cms.ask("/moved")[0] == 404
    other = cms.write(title="Other", action="save")
    revision = hidden(cms.desk(other)[2], "revision")
    status, _, text = cms.desk(other, form=form | {"slug": "taken", "revision": revision})
    assert status == 409 and "Another page has this address." in text


@pytest.mark.parametrize(
    "form",
    [
        {"title": ""},
        {"title": " \t "},
        {"title": "x" * 121},
        {"title": "x\0"},
        {"title": "x\x1b"},
        {"title": "日本語"},  # makes no address
        {"title": "x", "slug": "../x"},
        {"title": "x", "slug": "A"},
        {"title": "x", "slug": "a--b"},
        {"title": "x", "slug": "x" * 81},
        {"title": "x", "slug": "admin"},
        {"title": "x", "slug": "static"},
        {"title": "x", "summary": "x" * 301},
        {"title": "x", "body": "x" * 200_001},
        {"title": "x", "body": "\x01"},
    ],
)
def test_what_is_no_page_is_refused_and_what_was_typed_is_kept(cms, form):
    status, _, text = cms.desk("/admin/pages/new", form={"body": "typed"} | form)
    assert status == 422
    assert 'role="alert"' in text
    if "body" not in form:
        assert "typed" in text
    assert "There is no page yet." in cms.desk("/admin")[2]


def test_a_form_without_the_token_of_its_session_changes_nothing(cms):
    desk = cms.write(title="Mine")
    first = cms.cookie
    old = cms.token()
    cms.log_in()
    forged = ["", "0" * 64, old, cms.token()[:-1], cms.token() + "0"]
    targets = ["/admin/pages/new", desk, f"{desk}/delete", f"{desk}/unpublish", f"{desk}/restore"]
    targets += ["/admin/settings", "/admin/password", "/admin/log-out", "/admin/media/x/delete"]
    for path in targets:
        for token in forged:
            form = {"csrf": token, "title": "Stolen", "revision": "1"}
            assert cms.desk(path, form=form)[0] == 403, (path, token)
    for headers in ({"sec_fetch_site": "cross-site"}, {"origin": "https://evil.example"}):
        form = {"name": "admin", "password": PASSWORD}
        assert cms.ask("/admin/log-in", form=form, **headers)[0] == 403
        assert cms.desk(f"{desk}/delete", form={}, **headers)[0] == 403
    assert cms.ask("/mine")[0] == 200
    assert cms.ask("/admin", cookie=first)[0] == 200
    assert "Stolen" not in cms.ask("/")[2] + cms.desk("/admin")[2]


def test_a_session_has_a_cookie_that_scripts_and_other_sites_do_not_get(start):
    cms = start()
    status, fields = cms.log_in()
    assert status == 303
    name, *attributes = fields["set-cookie"].split("; ")
    assert name.startswith("__Host-session=") and len(name.split("=")[1]) == 64
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} < set(attributes)
    cookie = cms.cookie
    status, fields, _ = cms.desk("/admin/log-out", form={})
    assert status == 303 and "Max-Age=0" in fields["set-cookie"]
    assert cms.ask("/admin", cookie=cookie)[0] == 303
    kept = cusp("sql", "default", "SELECT * FROM users, sessions", "--json", cwd=cms.folder).stdout
    assert cookie.split("=")[1] not in kept and PASSWORD not in kept


def test_a_session_ends_in_time(cms):
    assert cms.desk("/admin")[0] == 200
    over = "UPDATE sessions SET expires = unixepoch()"
    assert cusp("sql", "default", over, cwd=cms.folder).returncode == 0
    assert cms.desk("/admin")[0] == 303


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"name": "admin", "password": ""},
        {"name": "admin", "password": PASSWORD + " "},
        {"name": "Admin", "password": PASSWORD},
        {"name": "admin' --", "password": "x"},
        {"name": "admin\0", "password": PASSWORD},
        {"name": "admin", "password": "x" * 100_000},
        b"\xff\xfe%%%=&&&=",
    ],
)
def test_a_wrong_password_opens_nothing(start, form):
    cms = start()
    status, fields, text = cms.ask("/admin/log-in", form=form)
    assert status == 403
    assert "set-cookie" not in fields
    assert "Name and password do not belong together." in text


def test_who_guesses_passwords_waits(start):
    cms = start()
    statuses = [cms.log_in("wrong password")[0] for _ in range(11)]
    assert statuses == [403] * 10 + [429]
    assert cms.ask("/")[0] == 200


def test_a_password_that_is_too_short_makes_no_user(start):
    cms = start("short")
    assert cms.log_in("short")[0] == 500
    rows = cusp("sql", "default", "SELECT count(*) AS users FROM users", "--json", cwd=cms.folder)
    assert '"users":0' in rows.stdout.replace(" ", "")


def test_a_new_password_ends_the_other_sessions(cms):
    other = cms.cookie
    cms.log_in()
    change = {"old": "not this one", "new": "a better passphrase"}
    assert cms.desk("/admin/password", form=change)[0] == 422
    assert cms.desk("/admin/password", form={"old": PASSWORD, "new": "short"})[0] == 422
    assert cms.desk("/admin/password", form=change | {"old": PASSWORD})[0] == 303
    assert cms.desk("/admin")[0] == 200
    assert cms.ask("/admin", cookie=other)[0] == 303
    assert cms.log_in()[0] == 403
    assert cms.log_in("a better passphrase")[0] == 303


def test_a_picture_is_shown_until_it_is_deleted(cms):
    body, kind = multipart("../Café <1>.SVG", png(), csrf=cms.token())
    assert cms.desk("/admin/media", form=body, content_type=kind)[0] == 303
    [path] = set(re.findall(r'src="(/media/[0-9a-f]{32}/[^"]+)"', cms.desk("/admin/media")[2]))
    assert path.endswith("/caf-1.png")
    for _ in range(2):
        status, fields, content = cms.ask_bytes(path)
        assert (status, fields["content-type"], content) == (200, "image/png", png())
        assert fields["x-content-type-options"] == "nosniff"
    assert "hit" in fields["cache-status"]
    identity = path.split("/")[2]
    assert cms.ask(f"/media/{identity}/other.png")[0] == 404
    assert cms.desk(f"/admin/media/{identity}/delete", form={})[0] == 303
    assert cms.ask(path)[0] == 404
    assert cms.desk(f"/admin/media/{identity}/delete", form={})[0] == 303


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "Please choose a file."),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "A picture is a PNG"),
        (b"<!doctype html><script>alert(1)</script>", "A picture is a PNG"),
        (b"%PDF-1.7\n", "A picture is a PNG"),
        (png() + bytes((8 << 20) + 1), "A picture has at most 8 MiB."),
    ],
    ids=["nothing", "svg", "html", "pdf", "too-large"],
)
def test_what_is_no_picture_is_refused(cms, content, why):
    body, kind = multipart("x.png", content, csrf=cms.token())
    status, _, text = cms.desk("/admin/media", form=body, content_type=kind)
    assert status == 422 and why in text
    assert "There is no picture yet." in text


def test_what_is_no_form_with_a_file_is_refused(cms):
    body, kind = multipart("x.png", png(), csrf="0" * 64)
    assert cms.desk("/admin/media", form=body, content_type=kind)[0] == 403
    for body, kind in (
        (b"", "multipart/form-data"),
        (b"x", "multipart/form-data; boundary=limit"),
        (b"--limit\r\n", "multipart/form-data; boundary=limit"),
        (b"csrf=x", "application/x-www-form-urlencoded"),
        (b"--limit\r\n" + b"x: y\r\n" * 10_000, "multipart/form-data; boundary=limit"),
    ):
        assert cms.desk("/admin/media", form=body, content_type=kind)[0] == 400, body[:40]


def test_strange_paths_are_not_found(cms):
    for path in ("/%2e%2e", "/a%00b", "/" + "x" * 4000, "//", "/a/b", "/admin%2fpages", "/%F0%9F"):
        assert cms.ask(path)[0] == 404, path
    strange = ["/admin/pages/x", "/admin/pages/-1", "/admin/pages/99999999999999999999"]
    for path in [*strange, "/admin/pages/1/preview", "/admin/nothing", "/admin/pages"]:
        assert cms.desk(path)[0] == 404, path
    for query in ("skip=-1", "skip=x", "skip=99999999999999999999", "%00"):
        assert cms.desk(f"/admin?{query}")[0] == 200
