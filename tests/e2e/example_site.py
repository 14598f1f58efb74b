"""An example that is served, and asked as a browser would ask it."""

import shutil
import struct
import urllib.error
import urllib.request
import zlib
from pathlib import Path
from urllib.parse import urlencode

from cli_driver import Server, guest

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Site:
    def __init__(self, name, folder, state, *arguments):
        """A copy of the example's folder, so that what it keeps goes with the test."""
        ignore = shutil.ignore_patterns("target", ".cusp", "src")
        shutil.copytree(EXAMPLES / name, folder, ignore=ignore)
        built = folder / "target" / "wasm32-wasip2" / "release"
        built.mkdir(parents=True)
        shutil.copyfile(guest(name), built / f"{name.replace('-', '_')}.wasm")
        self.folder = folder
        place = ("serve", str(folder), "--listen", "127.0.0.1:0", "--state-dir", state)
        self.arguments = place + arguments
        self.opener = urllib.request.build_opener(NoRedirect)
        self.start()

    def start(self):
        self.server = Server(*self.arguments)

    def ask(self, path="/", form=None, **headers):
        """Status, fields and text; redirects are not followed."""
        status, fields, body = self.ask_bytes(path, form, **headers)
        return status, fields, body.decode()

    def ask_bytes(self, path="/", form=None, **headers):
        data = urlencode(form).encode() if isinstance(form, dict) else form
        request = urllib.request.Request(self.server.url + path, data=data)
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with self.opener.open(request, timeout=20) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()


def multipart(name, content, **fields):
    """A form with a file, and its content type."""
    parts = [field_of_form(f'name="{key}"', value.encode()) for key, value in fields.items()]
    parts.append(field_of_form(f'name="file"; filename="{name}"', content))
    return b"".join([*parts, b"--limit--\r\n"]), "multipart/form-data; boundary=limit"


def field_of_form(head, content):
    head = f"--limit\r\ncontent-disposition: form-data; {head}\r\n\r\n"
    return head.encode() + content + b"\r\n"


def png(width=2, height=2, kind=2, extra=b""):
    """A picture of one colour; `kind` 6 has an alpha channel, `extra` stands before the pixels."""
    pixel = b"\x20\x60\x80" if kind == 2 else b"\x20\x60\x80\x40"
    rows = (b"\0" + pixel * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    parts = png_chunk(b"IHDR", head) + extra + png_chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + parts + png_chunk(b"IEND", b"")


def png_chunk(kind, data):
    whole = kind + data
    return struct.pack(">I", len(data)) + whole + struct.pack(">I", zlib.crc32(whole))
