"""The examples that keep data, as a browser would use them, and as it would not."""

import html
import re

import pytest
from cli_driver import cusp
from example_site import Site


@pytest.fixture
def site(tmp_path, state):
    sites = []

    def start(name):
        sites.append(Site(name, tmp_path / name, state))
        return sites[-1]

    yield start
    for one in sites:
        assert one.server.stop() == 0


def entries(text):
    found = re.findall(r"<article id.*?><p>(.*?)</p>", text, re.S)
    return [html.unescape(entry) for entry in found]


def test_a_guestbook_shows_what_was_written(site):
    book = site("guestbook")
    assert "Nobody has written here yet." in book.ask()[2]
    status, fields, _ = book.ask(form={"name": "Ada", "text": "What a fine engine.\r\nReally."})
    assert (status, fields["location"]) == (303, "/")
    status, fields, text = book.ask()
    assert status == 200
    assert entries(text) == ["What a fine engine.\nReally."]
    assert "<strong>Ada</strong>" in text
    assert fields["content-security-policy"].startswith("default-src 'none'")
    assert book.ask("/static/style.css")[1]["content-type"].startswith("text/css")
    rows = cusp("sql", "default", "SELECT name FROM entries", "--json", cwd=book.folder)
    assert "Ada" in rows.stdout


def test_a_guestbook_has_pages(site):
    book = site("guestbook")
    insert = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 45) "
        "INSERT INTO entries (name, text) SELECT 'x', 'entry ' || i FROM n"
    )
    assert cusp("sql", "default", insert, cwd=book.folder).returncode == 0
    seen, path = [], "/"
    while path:
        text = book.ask(path)[2]
        seen += entries(text)
        older = re.search(r'href="(/\?before=\d+)"', text)
        path = older and older[1]
    assert seen == [f"entry {n}" for n in range(45, 0, -1)]
    for query in ("before=0", "before=-1", "before=x", "before=99999999999999999999", "%00"):
        assert book.ask(f"/?{query}")[0] == 200


def test_a_guestbook_escapes_what_visitors_write(site):
    book = site("guestbook")
    nasty = "</p><script>alert(1)</script>'\"&amp; '); DROP TABLE entries; --"
    assert book.ask(form={"name": '"><b>x', "text": nasty})[0] == 303
    text = book.ask()[2]
    assert entries(text) == [nasty]
    assert "<script" not in text and "<b>" not in text


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"name": "", "text": "x"},
        {"name": "x", "text": "   "},
        {"name": "x" * 61, "text": "x"},
        {"name": "x", "text": "x" * 1001},
        {"name": "x\0", "text": "x"},
        b"\xff\xfe%%%=&&&=",
        b"name=" + b"%F0%9F" * 5000,
    ],
)
def test_a_guestbook_refuses_what_is_no_entry_and_keeps_what_was_typed(site, form):
    book = site("guestbook")
    status, _, text = book.ask(form=form)
    assert status == 422
    assert 'role="alert"' in text
    assert entries(book.ask()[2]) == []


def test_forms_of_other_sites_are_refused(site):
    for name, form in (
        ("guestbook", {"name": "x", "text": "x"}),
        ("link-shortener", {"url": "https://example.com/"}),
    ):
        page = site(name)
        host = page.server.url.removeprefix("http://")
        assert page.ask(form=form, sec_fetch_site="cross-site")[0] == 403
        assert page.ask(form=form, origin="https://evil.example")[0] == 403
        assert page.ask(form=form, origin="null")[0] == 403
        assert page.ask(form=form, origin=f"http://{host}")[0] in (201, 303)
        assert page.ask(form=form, sec_fetch_site="same-origin")[0] in (201, 303)


def test_who_writes_too_often_waits(site):
    book = site("guestbook")
    statuses = [book.ask(form={"name": "x", "text": "x"})[0] for _ in range(6)]
    assert statuses == [303] * 5 + [429]
    assert book.ask()[0] == 200


def test_a_short_link_leads_there_and_comes_from_the_cache(site):
    links = site("link-shortener")
    form = {"url": "https://Example.com/a b?q=ü", "name": "docs"}
    status, _, text = links.ask(form=form)
    assert status == 201
    assert '/docs">' in text
    answers = [links.ask("/docs") for _ in range(2)]
    for status, fields, _ in answers:
        assert status == 302
        assert fields["location"] == "https://example.com/a%20b?q=%C3%BC"
    assert [("hit" in fields["cache-status"]) for _, fields, _ in answers] == [False, True]
    assert links.ask(form=form)[0] == 409  # taken
    made = links.ask(form={"url": "http://example.org"})[2]
    name = re.search(r'href="//[^/]+/([0-9A-Za-z]{7})"', made)[1]
    assert links.ask(f"/{name}")[1]["location"] == "http://example.org/"
    listed = cusp("kv", "list", "link/", cwd=links.folder).stdout.split()
    assert sorted(listed) == sorted(["link/docs", f"link/{name}"])


def test_a_link_that_was_asked_for_too_early_works_once_it_is_made(site):
    links = site("link-shortener")
    assert links.ask("/soon")[0] == 404
    assert links.ask(form={"url": "https://example.com/", "name": "soon"})[0] == 201
    assert links.ask("/soon")[0] == 302


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"url": "javascript:alert(1)"},
        {"url": "data:text/html,x"},
        {"url": "//example.com"},
        {"url": "https://user:secret@example.com/"},
        {"url": "https://example.com/" + "x" * 2000},
        {"url": "https://example.com/", "name": "a/b"},
        {"url": "https://example.com/", "name": "static"},
        {"url": "https://example.com/", "name": "x" * 41},
        {"url": "https://example.com/", "name": "ä"},
        {"url": "https://\r\nset-cookie: x=1"},
        b"url=%FF%FE",
    ],
)
def test_what_is_no_address_or_no_name_is_refused(site, form):
    links = site("link-shortener")
    status, fields, text = links.ask(form=form)
    assert status == 422
    assert 'role="alert"' in text
    assert "set-cookie" not in fields
    assert cusp("kv", "list", cwd=links.folder).stdout == ""


def test_a_link_does_not_lead_back_here(site):
    links = site("link-shortener")
    assert links.ask(form={"url": links.server.url + "/docs"})[0] == 422
    for path in ("/%2e%2e", "/a%00b", "/" + "x" * 4000, "/link/docs", "/?docs", "/%F0%9F"):
        assert links.ask(path)[0] in (200, 404), path
