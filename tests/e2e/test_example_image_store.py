"""The image store, as its visitors and its enemies use it."""

import base64
import contextlib
import re
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from cli_driver import cusp
from example_site import Site, multipart, png, png_chunk

# 24 × 12 pixels, the left half white, from a camera that was held upright (EXIF orientation 6) and
# has written where that was.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/4QA8RXhpZgAATU0AKgAAAAgAAgEOAAIAAAANAAAAJgESAAMAAAABAAYAAAAA"
    "AABTRUNSRVQgUExBQ0UAAP/bAEMAEAsMDgwKEA4NDhIREBMYKBoYFhYYMSMlHSg6Mz08OTM4N0BIXE5ARFdFNzhQ"
    "bVFXX2JnaGc+TXF5cGR4XGVnY//AAAsIAAwAGAEBEQD/xAAVAAEBAAAAAAAAAAAAAAAAAAAHCP/EABgQAQADAQAA"
    "AAAAAAAAAAAAAAAHRYPC/9oACAEBAAA/AEAfypV68D9QA/lSr14H7//Z"
)
# 8 × 4 pixels, half transparent.
WEBP = base64.b64decode("UklGRhwAAABXRUJQVlA4TA8AAAAvB8AAEAdQwIiSBSKi/wEA")


class Store(Site):
    def upload(self, content, caption="", name="x.png", **headers):
        body, kind = multipart(name, content, caption=caption)
        return self.ask("/", form=body, content_type=kind, **headers)

    def add(self, content, caption=""):
        """The picture's id, and the token that deletes it."""
        status, fields, text = self.upload(content, caption)
        assert status == 201, text
        assert fields["cache-control"] == "no-store"
        identity = re.search(r'href="/p/([0-9a-f]{32})"', text)[1]
        return identity, re.search(r"<code>([0-9a-f]{32})</code>", text)[1]

    @contextlib.contextmanager
    def stopped(self):
        """The stores are free for the command line meanwhile."""
        assert self.server.stop() == 0
        yield
        self.start()

    def objects(self, *arguments):
        return cusp("object", *arguments, cwd=self.folder)

    def listed(self, path="/"):
        return re.findall(r'<a href="/p/([0-9a-f]{32})">', self.ask(path)[2])


def size(file):
    """Width and height of a JPEG or of a WebP without loss."""
    if file.startswith(b"RIFF"):
        bits = struct.unpack("<I", file[21:25])[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    assert file.startswith(b"\xff\xd8")
    at = 2
    while not 0xC0 <= file[at + 1] <= 0xC2:
        at += 2 + struct.unpack(">H", file[at + 2 : at + 4])[0]
    return struct.unpack(">HH", file[at + 5 : at + 9])[::-1]


@pytest.fixture
def store(tmp_path, state):
    site = Store("image-store", tmp_path / "image-store", state)
    yield site
    assert site.server.stop() == 0


def test_a_picture_is_shown_in_each_width_and_comes_from_the_cache(store):
    assert "There is no picture here yet." in store.ask("/")[2]
    identity, _ = store.add(png(1000, 500), "A <b>harbour</b>")
    assert store.listed() == [identity]
    text = store.ask(f"/p/{identity}")[2]
    assert "A &lt;b&gt;harbour&lt;/b&gt;" in text and "1000 × 500" in text
    for width, expected in ((320, (320, 160)), (640, (640, 320)), (1280, (1000, 500))):
        answers = [store.ask_bytes(f"/i/{identity}?w={width}") for _ in range(2)]
        for status, fields, file in answers:
            assert (status, fields["content-type"]) == (200, "image/jpeg")
            assert size(file) == expected
            assert fields["x-content-type-options"] == "nosniff"
            assert "cdn-cache-control" not in fields
        assert "hit" in answers[1][1]["cache-status"]
    assert size(store.ask_bytes(f"/i/{identity}")[2]) == (1000, 500)
    etag = fields["etag"]
    assert store.ask_bytes(f"/i/{identity}?w=1280", if_none_match=etag)[0] == 304


def test_what_was_made_once_is_kept(store):
    identity, _ = store.add(png(700, 700))
    for width in (640, 640, 1280, 2048):  # the last is no larger than the one before
        assert store.ask_bytes(f"/i/{identity}?w={width}")[0] == 200
    with store.stopped():
        listed = store.objects("list", "--store", "variants").stdout
    names = [line.split()[-1] for line in listed.splitlines()]
    assert names == [f"{identity}-1280", f"{identity}-320", f"{identity}-640"]


def test_a_picture_stands_upright_and_does_not_tell_where_it_was_taken(store):
    identity, _ = store.add(JPEG)
    assert b"SECRET PLACE" in JPEG
    for width in (320, 640, 1280, 2048):
        file = store.ask_bytes(f"/i/{identity}?w={width}")[2]
        assert size(file) == (12, 24)
        assert b"SECRET" not in file and b"Exif" not in file


def test_what_is_transparent_stays_so(store):
    for content, expected in ((WEBP, (8, 4)), (png(640, 320, kind=6), (320, 160))):
        identity, _ = store.add(content)
        status, fields, file = store.ask_bytes(f"/i/{identity}?w=320")
        assert (status, fields["content-type"], size(file)) == (200, "image/webp", expected)


def test_a_thin_picture_keeps_a_pixel(store):
    identity, _ = store.add(png(5000, 1))
    assert size(store.ask_bytes(f"/i/{identity}?w=320")[2]) == (320, 1)


def test_the_gallery_has_pages_with_the_newest_pictures_first(store):
    older = [store.add(png())[0] for _ in range(2)]
    with store.stopped():
        cards = store.folder / "cards"
        assert store.objects("export", str(cards), "--store", "cards").returncode == 0
        card = (cards / older[0]).read_bytes()
        newer = [f"{number:032x}" for number in range(48)]
        for name in newer:
            (cards / name).write_bytes(card)
        assert store.objects("import", str(cards), "--store", "cards").returncode == 0
    found, path = [], "/"
    while path:
        text = store.ask(path)[2]
        found.append(store.listed(path))
        more = re.search(r'<a rel="next" href="([^"]+)"', text)
        path = more and more[1]
    assert found == [newer[:24], newer[24:], older[::-1]]
    assert 'rel="prev" href="/"' in store.ask("/?skip=24")[2]
    assert store.listed("/?skip=1000") == []


def test_only_its_token_deletes_a_picture_and_then_it_is_gone_at_once(store):
    mine, token = store.add(png(400, 400))
    other, other_token = store.add(png(40, 40))
    paths = [f"/i/{mine}?w=320", f"/i/{mine}?w=640", f"/p/{mine}", "/"]
    assert [store.ask_bytes(path)[0] for path in paths * 2] == [200] * 8
    for wrong in ("", other_token):
        status, _, text = store.ask(f"/p/{mine}/delete", form={"token": wrong})
        assert status == 403 and 'role="alert"' in text
    headers = {"sec_fetch_site": "cross-site"}
    assert store.ask(f"/p/{mine}/delete", form={"token": token}, **headers)[0] == 403
    assert store.ask(f"/p/{mine}/delete?token={token}")[0] == 404  # a link deletes nothing
    assert store.listed() == [other, mine]
    assert store.ask(f"/p/{mine}/delete", form={"token": f" {token} "})[0] == 303
    assert [store.ask_bytes(path)[0] for path in paths] == [404, 404, 404, 200]
    assert store.listed() == [other]
    assert store.ask(f"/p/{mine}/delete", form={"token": token})[0] == 404


def test_strange_tokens_delete_nothing(store):
    mine, token = store.add(png())
    for wrong in (token[:-1], token + "0", "\0", "x" * 100_000):
        assert store.ask(f"/p/{mine}/delete", form={"token": wrong})[0] == 403
    assert store.ask(f"/p/{mine}/delete", form=b"\xff\xfe%%%=&&&=")[0] == 403
    assert store.listed() == [mine]


def test_a_width_that_nobody_offers_is_not_made(store):
    identity, _ = store.add(png(4, 4))
    widths = ["0", "1", "321", "99999", "-320", "320.0", "320x", "99999999999999999999", "", "%00"]
    for width in widths:
        assert store.ask_bytes(f"/i/{identity}?w={width}")[0] == 404, width
    answers = [store.ask_bytes(f"/i/{identity}?w=320&x={number}") for number in (1, 2)]
    assert "hit" in answers[1][1]["cache-status"]  # what else the query says makes no difference


BOMB = png_chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(50 << 20)))


def header(width, height):
    """A PNG that says how large it is, and has nothing of it."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", b"")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "Please choose a picture."),
        (b"x", "A picture is a JPEG"),
        (b"GIF89a" + bytes(100), "A picture is a JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "A picture is a JPEG"),
        (png(400, 400)[:200], "A picture is a JPEG"),
        (JPEG[:150], "A picture is a JPEG"),
        (WEBP[:30], "A picture is a JPEG"),
        (header(0, 0), "A picture is a JPEG"),
        (header(100_000, 100_000), "A picture has at most 20 million pixels"),
        (header(0x7FFFFFFF, 0x7FFFFFFF), "A picture has at most 20 million pixels"),
        (png(12_001, 1), "A picture has at most 20 million pixels"),
        (png(4_500, 4_500), "A picture has at most 20 million pixels"),
        (png() + bytes(8 << 20), "A picture has at most 8 MiB."),
    ],
    ids="nothing text gif svg cut-png cut-jpeg cut-webp empty huge huger wide many large".split(),
)
def test_what_is_no_picture_is_refused(store, content, why):
    status, _, text = store.upload(content, "typed")
    assert status == 422
    assert why in text and 'value="typed"' in text
    assert store.listed() == []


def test_a_small_file_that_stands_for_much_text_does_no_harm(store):
    assert len(BOMB) < 100_000
    status, _, text = store.upload(png(extra=BOMB))
    assert status in (201, 422)
    assert store.upload(png())[0] == 201


def test_the_largest_picture_that_is_allowed_is_resized(store):
    identity, _ = store.add(png(5000, 4000, kind=6))
    with ThreadPoolExecutor(3) as clients:
        paths = [f"/i/{identity}?w={width}" for width in (640, 1280, 2048)]
        files = [file for _, _, file in clients.map(store.ask_bytes, paths)]
    assert [size(file) for file in files] == [(640, 512), (1280, 1024), (2048, 1638)]


@pytest.mark.parametrize("caption", ["x" * 121, "two\nlines", "a\0b", "\x1b[2J"])
def test_a_caption_is_one_short_line(store, caption):
    assert store.upload(png(), caption)[0] == 422
    assert store.listed() == []


def test_forms_of_other_sites_and_strange_forms_are_refused(store):
    assert store.upload(png(), sec_fetch_site="cross-site")[0] == 403
    assert store.upload(png(), origin="https://evil.example")[0] == 403
    for body, kind in (
        (b"", "multipart/form-data"),
        (b"x", "multipart/form-data; boundary=limit"),
        (b"--limit\r\n" + b"x: y\r\n" * 10_000, "multipart/form-data; boundary=limit"),
        (b"file=x", "application/x-www-form-urlencoded"),
    ):
        assert store.ask("/", form=body, content_type=kind)[0] == 400, body[:40]
    assert store.listed() == []


def test_who_uploads_too_often_waits(store):
    statuses = [store.upload(png())[0] for _ in range(11)]
    assert statuses == [201] * 10 + [429]
    assert store.ask("/")[0] == 200


def test_strange_paths_are_not_found(store):
    identity, _ = store.add(png())
    nobody = "0" * 32
    paths = ["/%2e%2e", "/a%00b", "/" + "x" * 4000, "//", f"/p/{nobody}", f"/i/{nobody}?w=320"]
    paths += [f"/p/{identity.upper()}", f"/i/../cards/{identity}", f"/p/{identity}/", "/?skip=-1"]
    paths += ["/?skip=x", "/?skip=99999999999999999999", "/?skip=10001", f"/i/{identity}-320"]
    for path in paths:
        assert store.ask(path)[0] in (400, 404), path
