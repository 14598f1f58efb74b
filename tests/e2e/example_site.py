"""An example that is served, and asked as a browser would ask it."""

import shutil
import urllib.error
import urllib.request
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
        self.server = Server(*place, *arguments)
        self.opener = urllib.request.build_opener(NoRedirect)

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
